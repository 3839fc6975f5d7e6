"""Feature methods by optimal transport."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

FEATURES_TRANSPORT: tuple[Entry, ...] = ()
