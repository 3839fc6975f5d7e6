"""Methods that carry features over: a representation that both domains share."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

FEATURES: tuple[Entry, ...] = ()
