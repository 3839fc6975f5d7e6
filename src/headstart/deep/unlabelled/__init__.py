"""Methods that learn from samples without labels, to make a source."""
