"""A finished run, read back: verdict, arms, and a model that predicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headstart.errors import UserError
from headstart.foreign import check_digests, refuse_links, unusable
from headstart.isolated import isolate
from headstart.kinds import SHARES
from headstart.report.expected import ACROSS, ARM, DATA, RUN, VERDICT
from headstart.schema import Items, Maybe, Record, Table, Text, require
from headstart.storage import read_json
from headstart.workflow.answers import answered, said
from headstart.workflow.site import check_finished
from headstart.workflow.verdict import Verdict

SCHEMA = 1
_JUDGED = ("kind", "metric", "gain", "interval", "p", "n_test", "chosen", "baseline")
FINISHED = Record(
    {
        **RUN.needs,
        "metric": RUN.may["metric"],
        "arms": Table(Record({"seconds": ARM.may["seconds"]}, ARM.may)),
        "data": DATA,
        "warnings": RUN.may["warnings"],
    },
    {
        **RUN.may,
        "verdict": Maybe(Record({name: VERDICT.may[name] for name in _JUDGED}, VERDICT.may)),
        "guard": Record({"kept": Text(), "reason": Text()}),
        "across": Record(ACROSS.needs, {**ACROSS.may, "lines": Items(Text())}),
    },
)
"""What ``run.json`` must hold to be worked with."""


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes
    ----------
    path : the folder.
    result : the content of ``run.json``.
    """

    path: Path
    result: dict[str, Any]

    @property
    def verdict(self) -> Verdict | None:
        """The gain of the model that is handed back; None for a pretrained source, which compares nothing."""
        value = self.result.get("verdict")
        with unusable(self.path / "run.json"):
            return None if value is None else Verdict.from_json(value)

    @property
    def arms(self) -> dict[str, Any]:
        return self.result["arms"]

    @cached_property
    @isolate
    def model(self) -> Any:
        try:
            return self._read_model()
        finally:
            # After the model is read, so that a replacement in between is seen too; it also explains what went wrong.
            self._check_same()

    def _check_same(self) -> None:
        path = self.path / "run.json"
        if not path.is_file() or read_json(path) != self.result:
            raise UserError(f"{self.path} was replaced or removed since it was opened; open it again.")

    def _read_model(self) -> Any:
        self.check_model()
        if (self.path / "model" / "adapted.json").exists():
            from headstart.workflow.across.model import load_adapted

            return load_adapted(self.path / "model")
        return Model.load(self.path / "model", column=self.result["data"].get("input_column"))

    def check_model(self) -> None:
        """Refuse a model whose files are not those that this run wrote."""
        refuse_links(self.path)
        check_digests(self.path / "model", (self.result.get("model") or {}).get("files"))

    def lines(self) -> list[str]:
        """Say the result in a few lines for a terminal."""
        lines = [] if self.verdict is None else [f"Verdict: {self.verdict}"]
        metric = self.result["metric"]
        for name, arm in self.arms.items():
            test = arm.get("test") or {}
            value = test.get(metric)
            shown = "" if value is None else f"  test {metric} {_shown(value, metric)}"
            learns = f"{arm['trainable_parameters']:,} parameters learn, " if "trainable_parameters" in arm else ""
            lines.append(f"  {name:<12}{shown}  ({learns}{arm['seconds']:.1f} s)")
        lines += self.result.get("across", {}).get("lines", [])
        if "guard" in self.result:
            lines.append(f"Kept: {self.result['guard']['kept']}. {self.result['guard']['reason']}")
        if self.verdict is not None and self.verdict.note:
            lines.append(f"Note: {self.verdict.note}")
        lines += [f"Warning: {warning}" for warning in self.result["warnings"]]
        if (self.path / "report.html").exists():
            lines.append(f"Report: {self.path / 'report.html'}")
        return lines

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.verdict})"


def _shown(value: float, metric: str) -> str:
    return f"{100 * value:.1f}%" if metric in SHARES else f"{value:.4g}"


@dataclass
class Model:
    """A network with its task: raw samples in, predictions out.

    Attributes
    ----------
    column : name of the table column that held the texts or image paths, if there was one.
    """

    network: Any
    logic: Any
    column: str | None = None

    @classmethod
    def load(cls, directory: Path, column: str | None = None) -> Model:
        from headstart.networks import load_network

        network, logic = load_network(directory)
        if logic is None:
            raise UserError(
                f"{directory / 'network.json'} has no task, so its network cannot answer; fit the run again."
            )
        return cls(network, logic, column)

    @isolate
    def open(self, inputs: Any) -> Any:
        """Open new inputs as the `Dataset` that this model takes; one that is open passes."""
        from headstart.data import Dataset, open_inputs

        if isinstance(inputs, Dataset):
            return inputs
        return said(open_inputs(inputs, modality=self.modality, columns=self.wanted))

    @property
    def wanted(self) -> Any:
        """The columns that the model takes: a table's features, or the name of the column of texts or images."""
        preprocess = self.network.preprocess
        if preprocess.modality == "table":
            return preprocess.wanted
        return self.column

    @property
    def classes(self) -> tuple[str, ...]:
        return self.logic.task.classes

    @property
    def modality(self) -> str:
        return self.network.preprocess.modality

    @isolate
    def predict_proba(self, inputs: Any, *, device: str | None = None) -> np.ndarray:
        """Return probabilities [n, classes], or values [n, targets] for a regression.

        Parameters
        ----------
        inputs : one sample or several, each of which gets one answer: paths, pictures, texts, arrays, rows, a
            DataFrame, or a `Dataset`; `headstart.data.open_inputs` states what is read as what.
        """
        from headstart.engine import choose_device, predict, raw_fetch

        dataset = self.open(inputs)
        rows = np.arange(len(dataset))
        place = choose_device(device)
        fetch = raw_fetch(dataset, rows, self.network.preprocess)
        return answered(predict(self.network.to(place), self.logic, fetch, len(rows), device=place), dataset)

    @isolate
    def predict(self, inputs: Any, *, device: str | None = None) -> list[Any]:
        """Return class names, lists of class names (multi-label), or values [n, targets]."""
        return self.name(self.predict_proba(inputs, device=device))

    def name(self, predictions: np.ndarray) -> list[Any]:
        """Turn probabilities into class names; values stay."""
        return self.logic.task.label_space.answers(predictions)


def load(path: str | Path) -> Run:
    """Open a run folder.

    Raises
    ------
    UserError
        If it is no run, is not finished, or was written by a newer version.
    """
    folder = Path(path)
    check_finished(folder)
    refuse_links(folder)
    result = read_json(folder / "run.json")
    schema = result.get("schema") if isinstance(result, dict) else None
    if type(schema) is not int or schema > SCHEMA:
        raise UserError(
            f"{folder / 'run.json'} has schema {schema}, and this version of Headstart reads up to {SCHEMA}; "
            "it was written by a newer version: upgrade Headstart."
        )
    require(result, FINISHED, folder / "run.json")
    return Run(folder, result)
