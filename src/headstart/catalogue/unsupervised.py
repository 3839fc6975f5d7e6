"""What is learned without labels on either side."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

UNSUPERVISED: tuple[Entry, ...] = ()
