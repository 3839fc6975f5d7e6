"""Which source first? Sources are named, encode the training rows once, are scored, and put in order."""
