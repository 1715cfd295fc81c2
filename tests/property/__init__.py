"""What holds for every basket, order and rule, searched by Hypothesis."""
