"""Array methods across domains whose classes are not the same."""
