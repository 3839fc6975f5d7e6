"""Where a training stands, in one file: whole or not there, never unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from headstart.errors import UserError
from headstart.schema import Flag, Items, Number, Record, Text, Whole, require
from headstart.storage import load_tensors, save_tensors

SCHEMA = 1


@dataclass
class Checkpoint:
    """What a resumed training starts from.

    Parameters
    ----------
    key : what identifies the run, as JSON: method, network, seed, steps, stream ...
    step : steps done.
    finished : whether training ended; then only the best weights are kept.
    nets, optimizers, best : tensors by name; ``best`` is empty before the first evaluation.
    state : learning curve and the rest, as JSON.
    memory : what the method's last survey found, by name.
    """

    key: dict[str, Any]
    step: int
    finished: bool
    nets: Mapping[str, Tensor]
    optimizers: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    state: dict[str, Any]
    memory: Mapping[str, Tensor] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write atomically, with a checksum. A full disk is a `UserError` and leaves the former file."""
        parts = {"nets": self.nets, "optimizer": self.optimizers, "best": self.best, "memory": self.memory}
        tensors = {f"{part}:{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
        about = {"key": self.key, "step": self.step, "finished": self.finished, "state": self.state}
        save_tensors(path, tensors, {"schema": SCHEMA} | about)


STATE = Record(
    {},
    {
        "curve": Record(),
        "seconds": Number(0),
        "parts": Whole(1),
        "notes": Items(Text()),
        "loss_sum": Number(),
        "loss_count": Number(0),
    },
)
ABOUT = Record({"key": Record(), "step": Whole(), "finished": Flag(), "state": STATE})
"""What must stand in a checkpoint's header beside its tensors."""


def read_checkpoint(path: Path, key: dict[str, Any]) -> Checkpoint | None:
    """Return the checkpoint at ``path``, or None where there is no file.

    Raises
    ------
    UserError
        If the file is damaged, of another version, or of a run that ``key`` does not describe.
    """
    if not path.exists():
        return None
    try:
        tensors, about = load_tensors(path)
        if about["schema"] != SCHEMA:
            raise UserError(f"The checkpoint {path} has schema {about['schema']}; this version reads {SCHEMA}.")
        require(about, ABOUT, path)
        parts: dict[str, dict[str, Tensor]] = {"nets": {}, "optimizer": {}, "best": {}, "memory": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(":")
            parts[part][rest] = tensor
        nets, optimizers, best, memory = parts.values()
        found = Checkpoint(
            about["key"], about["step"], about["finished"], nets, optimizers, best, about["state"], memory
        )
    except (UserError, KeyError) as error:
        raise UserError(f"The checkpoint {path} cannot be used ({error}); delete it to train anew.") from error
    expected = json.loads(json.dumps(key))
    differing = sorted(name for name in expected.keys() | found.key.keys() if expected.get(name) != found.key.get(name))
    if differing:
        raise UserError(
            f"The checkpoint {path} belongs to another training (it differs in: {', '.join(differing)}); "
            "resume with the same arguments, or delete it to train anew."
        )
    return found
