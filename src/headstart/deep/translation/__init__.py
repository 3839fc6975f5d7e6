"""Trained across domains by translating the pictures of one into those of the other."""
