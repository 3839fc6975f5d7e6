"""Which scores deserve trust: a zoo of small sources, what fine-tuning makes of each, and what every score had said."""
