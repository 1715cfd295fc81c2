"""Whether customers come back: the measures of capabilities C53-C57, cohorts, second orders."""
