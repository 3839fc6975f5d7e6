"""Scores of an adapted model that need no target label."""
