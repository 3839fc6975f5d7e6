"""Methods that learn from pairs: two sides of the same samples, without labels."""
