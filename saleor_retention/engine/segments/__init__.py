"""Who the customers are: sums of each, recency bands, scores, and the rules of segments."""
