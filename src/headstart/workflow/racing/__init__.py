"""Which source, which way: a race in three stages (scores, probes, fine-tuning) on training rows alone."""
