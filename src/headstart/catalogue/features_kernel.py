"""Feature methods in kernel spaces."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

FEATURES_KERNEL: tuple[Entry, ...] = ()
