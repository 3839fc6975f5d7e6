"""Methods between feature spaces of different dimension or meaning."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

HETEROGENEOUS: tuple[Entry, ...] = ()
