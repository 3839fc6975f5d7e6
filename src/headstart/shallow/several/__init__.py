"""Several sources at once: weighted by evidence, not pooled blindly."""
