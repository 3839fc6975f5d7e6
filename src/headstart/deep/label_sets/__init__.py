"""Trained across domains whose classes are not the same: some absent from the target, some new in it."""
