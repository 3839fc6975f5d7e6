"""Methods that are trained on few-shot episodes, and make a source for classes to come."""

from __future__ import annotations

from headstart.catalogue.entry import Entry

ROOM = "headstart.deep.meta"
NEEDS = ("episodes",)
APPLIES = "image, text, table; classification"

META: tuple[Entry, ...] = (
    Entry(
        "protonet",
        "Prototypical networks",
        f"{ROOM}.protonet:ProtoNet",
        ("Snell, Swersky and Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017",),
        carries="features",
        needs=NEEDS,
        applies=APPLIES,
        kind="meta",
    ),
)
