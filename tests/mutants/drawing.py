"""The draw of the faults that nobody named: by chance, yet the same ones while their own lines stay as they are."""

from __future__ import annotations

import hashlib

from operators import Fault, faults


def draw(texts: dict[str, str], number: int, seed: int) -> list[Fault]:
    """Draw ``number`` of the faults of ``{file: text}``, every place as likely as any other.

    Each place gets the number that a hash makes of the seed, the file and itself; the smallest are drawn. So an edit
    elsewhere, in this file or another, can only let a new place in and the last one out.
    """
    every = [fault for file, text in texts.items() for fault in faults(file, text)]
    return sorted(every, key=lambda fault: _number(fault, seed))[:number]


def _number(fault: Fault, seed: int) -> bytes:
    return hashlib.sha256(repr((seed, fault.file, *fault.place)).encode()).digest()
