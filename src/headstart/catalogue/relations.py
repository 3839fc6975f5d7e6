"""Methods that carry relations over: maps between the structures of two domains."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

RELATIONS: tuple[Entry, ...] = ()
