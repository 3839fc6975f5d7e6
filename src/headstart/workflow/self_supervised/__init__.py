"""Sources that need no labels: a network trained by a method that learns from samples alone."""
