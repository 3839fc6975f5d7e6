"""The model of a run across domains: an encoder, and an array model kept without pickle."""

from __future__ import annotations

import copy
import shlex
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.choice.kept import stages_of
from headstart.choice.stored import load_estimator, save_estimator
from headstart.errors import UserError
from headstart.foreign import refuse_links, unusable
from headstart.models.encoder import Backbone, Encoder, TableEncoder, load_encoder
from headstart.models.network import NetworkModel
from headstart.models.saved import ARRAYS, SavedModel
from headstart.networks.expected import task_rule
from headstart.problem import Task
from headstart.schema import Items, Maybe, Record, Text, Whole, read_checked, require
from headstart.storage import read_json, write_json
from headstart.tasks import TaskLogic, create_task

SCHEMA = 1
_AGAIN = "its files were changed, or were written with another version of scikit-learn: fit the run again"
DOCUMENT = Record({"schema": Whole(1), "task": Record(), "modality": Text(), "column": Maybe(Text())})

COMMAND = Record({}, {"command": Items(Text(most=10_000), most=1000)})


@dataclass(frozen=True)
class ArrayModel(SavedModel):
    """An encoder, and a model of its rows.

    Attributes
    ----------
    encoder : turns samples into rows of numbers. estimator : predicts rows of the target.
    """

    encoder: Encoder
    estimator: Any
    logic: TaskLogic
    column: str | None = None

    @property
    def modality(self) -> str:
        return self.encoder.modality

    @property
    def wanted(self) -> Any:
        return self.encoder.wanted if isinstance(self.encoder, TableEncoder) else self.column

    def answer(self, dataset: Any, device: str | None) -> np.ndarray:
        if isinstance(self.encoder, Backbone) and device is not None:
            from headstart.engine import choose_device

            self.encoder.network.to(choose_device(device))
        rows = self.encoder.features(dataset)
        staged = stages_of(self.estimator)
        if staged:
            assert isinstance(self.encoder, Backbone)
            self.estimator.stand_on(self.encoder.behind([dataset], rows, staged[0].depth))
        with unusable("The model of this run", _AGAIN):
            return outputs(self.estimator, rows, self.logic.task)

    def answer_adapted(self, dataset: Any, adapt: str, device: str | None) -> np.ndarray:
        if not isinstance(self.encoder, Backbone):
            return super().answer_adapted(dataset, adapt, device)
        from headstart.models.as_network import as_network

        seen = self.encoder.network.preprocess
        network = as_network(replace(self, encoder=copy.deepcopy(self.encoder, {id(seen): seen})))
        if network is None:
            raise UserError(
                f"--adapt {adapt} moves the normalisations of a network, and what this run kept is no network: it is "
                "no linear model of its features; leave --adapt out."
            )
        return NetworkModel(network, self.logic, self.column).answer_adapted(dataset, adapt, device)

    def save(self, directory: Path) -> None:
        """Write ``encoder.json`` or ``backbone/``, the estimator's two files and, last, ``adapted.json``."""
        directory.mkdir(parents=True, exist_ok=True)
        self.encoder.save(directory)
        save_estimator(self.estimator, directory)
        write_json(
            directory / ARRAYS,
            {"schema": SCHEMA, "task": self.logic.to_json(), "modality": self.modality, "column": self.column},
        )


def outputs(estimator: Any, rows: np.ndarray, task: Task) -> np.ndarray:
    """Return probabilities [n, classes] in the task's order, or values [n, 1]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return task.label_space.predicted(estimator, rows)


def _how_again(path: Path) -> str:
    """Say how a run is fitted again: by the command that ``run.json`` recorded, where it did."""
    found = read_checked(path, COMMAND).get("command") if path.is_file() else None
    if not found:
        return "fit the run again with this version, from the data and options that it was made of"
    return f"fit it again with this version, by the command that it recorded: {shlex.join(['headstart', *found])}"


def load_arrays(directory: str | Path) -> ArrayModel:
    """Load what `ArrayModel.save` wrote; nothing in the files is run.

    Raises
    ------
    UserError
        If files are missing, damaged, newer than this version, of a version before `headstart.choice.stored`, or hold a
        class that models are not made of.
    """
    directory = Path(directory)
    refuse_links(directory)
    path = directory / ARRAYS
    value = read_json(path)
    if isinstance(value, dict) and type(value.get("schema")) is int and value["schema"] > SCHEMA:
        raise UserError(f"{directory} was written by a newer version of Headstart; upgrade to read it.")
    require(value, DOCUMENT, path)
    require(value["task"], task_rule(value["task"]), f"{path}, task")
    if (directory / "estimator.skops").exists() and not (directory / "estimator.json").exists():
        raise UserError(
            f"{directory / 'estimator.skops'} is of an earlier version of Headstart, in a kind of file that can run "
            "code and is not read any more; "
            f"{_how_again(directory.parent / 'run.json')}."
        )
    logic = create_task(Task.from_json(value["task"]), saved=value["task"])
    encoder, estimator = load_encoder(directory), load_estimator(directory)
    if value["modality"] != encoder.modality or estimator.n_classes != len(logic.task.classes):
        raise UserError(f"{path} tells of other inputs or classes than its model takes; the file was edited.")
    _check_stages(encoder, estimator, directory)
    return ArrayModel(encoder, estimator, logic, value["column"])


def _check_stages(encoder: Encoder, estimator: Any, directory: Path) -> None:
    """Refuse trained stages that are not those of the network that is saved beside them."""
    staged = stages_of(estimator)
    if not staged:
        return
    from headstart.choice.joint.behind import Behind  # brings torch

    with unusable(f"{directory}, the trained stages"):
        if not isinstance(encoder, Backbone):
            raise ValueError("there is no network beside them")
        if len({one.depth for one in staged}) > 1:
            raise ValueError("parts of one model enter the network at different stages")
        nothing = Behind(encoder.network, staged[0].depth, 0, np.zeros((0, 1)), [])
        for one in staged:
            one.stand_on(nothing)
            one.network()
