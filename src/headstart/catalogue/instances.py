"""Methods that carry instances over: source rows, reweighted."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

INSTANCES: tuple[Entry, ...] = ()
