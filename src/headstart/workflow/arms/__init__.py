"""Arms of a race: what they share, how each is fitted and measured, and fitted once more."""
