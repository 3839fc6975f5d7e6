"""Benchmarks of pictures whose answer is more than one label."""
