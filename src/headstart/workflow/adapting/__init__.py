"""Across domains: labelled source data, and a target that has no labels or few."""
