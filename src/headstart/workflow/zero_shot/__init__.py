"""A target that has classes without a sample, known by their attributes or their names."""
