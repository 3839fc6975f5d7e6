"""Shells that join a method across domains to any estimator, one file each."""
