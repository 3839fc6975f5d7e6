"""What came of it: predictions, their measures and intervals, confidence, and the verdict."""
