"""Trained across domains: two players, of which one looks for what still differs."""
