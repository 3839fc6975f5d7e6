"""Methods that carry parameters over: what a source model learned."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

PARAMETERS: tuple[Entry, ...] = ()
