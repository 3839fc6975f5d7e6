"""Weightings of tasks that share a body: one file each."""
