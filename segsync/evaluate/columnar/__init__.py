"""The second evaluator: a rule as one relational expression, run over all customers of a shop at once."""
