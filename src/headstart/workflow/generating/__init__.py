"""Sources that draw: a generator and its discriminator, anew or carried over to a few pictures."""
