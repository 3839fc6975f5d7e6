"""Saved networks: a directory with the architecture, the weights, the preprocessing and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from headstart.errors import UserError
from headstart.foreign import refuse_links, unusable
from headstart.isolated import isolate
from headstart.networks.build import build
from headstart.networks.expected import NETWORK, spec_rule, task_rule
from headstart.networks.heads import head_from_json, head_to_json
from headstart.networks.load_preprocess import load_preprocess
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess
from headstart.networks.sized import bounded, measured
from headstart.networks.trees import TreesHead
from headstart.networks.weights import load_matching
from headstart.problem import Task
from headstart.schema import require
from headstart.storage import load_tensors, read_json, save_tensors, write_json, write_text
from headstart.tasks import TaskLogic, create_task

SCHEMA = 1


def save_network(network: Network, logic: TaskLogic | None, directory: str | Path, card: str = "") -> None:
    """Write ``network.json``, ``weights.safetensors`` (with the head), ``preprocess.json`` and ``README.md``.

    Parameters
    ----------
    network : built from its ``spec``; its head is an identity or a linear layer.
    logic : the task that the head solves; None for a network without one.
    directory : made if it is not there.
    card : the model card, Markdown.
    """
    directory = Path(directory)
    save_tensors(directory / "weights.safetensors", network.state_dict())
    network.preprocess.save(directory)
    write_text(directory / "README.md", card or _plain_card(network, logic))
    value = {
        "schema": SCHEMA,
        "spec": network.spec,
        "task": None if logic is None else logic.to_json(),
        "stages": network.stage_names,
        "n_features": network.n_features,
        "head": head_to_json(network.head),
    }
    # Last, so that a directory with it is whole.
    write_json(directory / "network.json", value)


@isolate
def load_network(directory: str | Path, logic: TaskLogic | None = None) -> tuple[Network, TaskLogic | None]:
    """Load what `save_network` wrote.

    Parameters
    ----------
    directory : see `save_network`.
    logic : the task, where it is none of the package's own; by default what the directory says.

    Raises
    ------
    UserError
        If files are missing or damaged, were written by a newer version, or do not fit together.
    """
    directory = Path(directory)
    refuse_links(directory)
    value = read_saved(directory)
    preprocess, logic = load_preprocess(directory), logic or load_logic(value)
    network = build_saved(value, preprocess, directory)
    _task_head(network, value, logic, directory)
    tensors, _ = load_tensors(directory / "weights.safetensors")
    load_matching(network, tensors, str(directory / "weights.safetensors"))
    _check_trees(network.head, directory / "weights.safetensors")
    return network.eval(), logic


def _task_head(network: Network, value: dict[str, Any], logic: TaskLogic | None, directory: Path) -> None:
    """Let the task make its own head, whose numbers are then loaded."""
    if (value.get("head") or {}).get("kind") != "task":
        return
    head = None if logic is None else logic.head_of(network)
    if not hasattr(head, "reads"):
        raise UserError(f"{directory} holds a head that a task of its own has made; load it with that task.")
    network.head = head  # type: ignore[assignment]


def _check_trees(head: torch.nn.Module, path: Path) -> None:
    """Refuse trees that ask for features, or lead to nodes, that are not there."""
    if isinstance(head, TreesHead):
        ends = ((head.feature, head.n_in), (head.left, head.left.shape[1]), (head.right, head.right.shape[1]))
        if any(bool(((numbers < 0) | (numbers >= end)).any()) for numbers, end in ends):
            raise UserError(f"{path} holds trees that lead outside themselves; the file is damaged or was edited.")


def _with_head(value: dict[str, Any], preprocess: Preprocess) -> Network:
    network = build(value["spec"], preprocess)
    network.head = head_from_json(value.get("head"))
    return network


def build_saved(value: dict[str, Any], preprocess: Preprocess, directory: str | Path) -> Network:
    """Build the architecture and the head that `read_saved` found, with random weights.

    Raises
    ------
    UserError
        If they are too large (`headstart.networks.sized`) or cannot be built, or are not what the rest of the file
        says.
    """
    path, weights = Path(directory) / "network.json", Path(directory) / "weights.safetensors"
    try:
        with unusable(path), torch.random.fork_rng(devices=[]):
            described = json.dumps([value["spec"], value.get("head"), preprocess.to_json()], sort_keys=True)
            measured(lambda: _with_head(value, preprocess), path, weights, described)
            with bounded(path, weights):
                network = _with_head(value, preprocess)
    except RuntimeError as error:  # torch's, for sizes that do not fit together or into memory
        raise UserError(
            f"{path} describes a network that cannot be built ({str(error).splitlines()[0][:160]})."
        ) from None
    if (
        preprocess.modality != network.preprocess.modality
        or value.get("stages", network.stage_names) != network.stage_names
    ):
        raise UserError(f"{path} names other stages or inputs than its network has; the file is damaged or was edited.")
    if (
        not set(network.taps) <= set(network.stage_names)
        or value.get("n_features", network.n_features) != network.n_features
    ):
        raise UserError(f"{path} names other features than its network has; the file is damaged or was edited.")
    return network


def read_saved(directory: str | Path) -> dict[str, Any]:
    """Read and check ``network.json``."""
    path = Path(directory) / "network.json"
    if not path.is_file():
        raise UserError(f"{directory} holds no saved network: {path} does not exist.")
    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("spec"), dict):
        raise UserError(f"{path} describes no network; the file is damaged.")
    if type(value.get("schema")) is int and value["schema"] > SCHEMA:
        raise UserError(
            f"{path} was written by a newer version of Headstart (schema {value['schema']}, this one reads up to "
            f"{SCHEMA}); update Headstart."
        )
    require(value, NETWORK, path)
    require(value["spec"], spec_rule(value["spec"]), f"{path}, spec")
    if value.get("task") is not None:
        require(value["task"], task_rule(value["task"]), f"{path}, task")
    return value


def load_logic(saved: dict[str, Any]) -> TaskLogic | None:
    """Return the task of a saved network, if it has one."""
    if saved.get("task") is None:
        return None
    return create_task(Task.from_json(saved["task"]), saved=saved["task"])


def _plain_card(network: Network, logic: TaskLogic | None) -> str:
    lines = ["# A network saved by Headstart", "", f"Stages: {', '.join(network.stage_names)}.", ""]
    if logic is not None:
        outputs = logic.task.label_space.names
        lines += [f"Task: {logic.task.kind}; outputs: {', '.join(outputs)}.", ""]
    return "\n".join([*lines, "Load it with `headstart.networks.load_network(DIRECTORY)`.", ""])
