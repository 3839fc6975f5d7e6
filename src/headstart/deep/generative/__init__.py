"""Methods that learn to draw samples."""
