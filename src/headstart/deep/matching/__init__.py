"""Trained across domains: a distance between the domains' features, made small."""
