"""A generator beside the network that judged it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.schema import read_checked
from headstart.storage import load_tensors, save_tensors, write_json

FILE, WEIGHTS = "generator.json", "generator.safetensors"


def save_generator(generator: Any, critic: Any, directory: Path) -> None:
    """Write a generator and the layer that judges what it draws."""
    save_tensors(directory / WEIGHTS, _named(generator, critic))
    write_json(directory / FILE, generator.spec)


def load_generator(directory: Path) -> tuple[Any, Any]:
    """Load what `save_generator` wrote.

    Raises
    ------
    UserError
        If there is none, or files are damaged or do not fit together.
    """
    from torch import nn

    from headstart.networks.dcgan import GENERATOR, Generator
    from headstart.networks.sized import bounded
    from headstart.networks.weights import load_matching

    path = directory / FILE
    if not path.is_file():
        raise UserError(
            f"{directory} holds no generator; name a run of `headstart pretrain PICTURES --method dcgan` with --source."
        )
    spec = read_checked(path, GENERATOR)
    if not len(spec["mean"]) == len(spec["std"]) == spec["channels"]:
        raise UserError(f"{path} names {spec['channels']} channels and other units; the file was edited.")
    with bounded(path, directory / WEIGHTS):
        both = nn.ModuleDict({"generator": Generator(spec), "critic": nn.Linear(spec["n_features"], 1)})
    load_matching(both, load_tensors(directory / WEIGHTS)[0], str(directory / WEIGHTS))
    return both["generator"].eval(), both["critic"]


def _named(generator: Any, critic: Any) -> dict[str, Any]:
    parts = {"generator": generator, "critic": critic}
    return {
        f"{part}.{name}": one.contiguous()
        for part, module in parts.items()
        for name, one in module.state_dict().items()
    }
