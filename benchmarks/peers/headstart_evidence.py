"""Headstart as it comes: with the arms that prove the transfer. Three times the budget, one share for each arm."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.headstart_fit import measure as measure_with
from benchmarks.peers.tasks import Cell


def measure(cell: Cell) -> dict[str, Any]:
    """Train scratch, probe and the planned method; what the guard hands back is what counts."""
    return measure_with(cell, ("scratch", "probe", "chosen"), shares=3)
