"""A finished run, read back: verdict, arms, and a model that predicts."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from headstart.errors import HeadstartWarning, UserError
from headstart.foreign import check_digests, refuse_links, unusable
from headstart.isolated import isolate
from headstart.kinds import SHARES
from headstart.models.opening import open_model
from headstart.report.expected import ACROSS, ARM, DATA, RUN, VERDICT
from headstart.schema import Items, Maybe, Record, Table, Text, require
from headstart.storage import read_json
from headstart.workflow.judging.verdict import Verdict
from headstart.workflow.site import check_finished

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
        "race": Record({"lines": Items(Text())}),
        "few_shot": Record({"lines": Items(Text())}),
        "zero_shot": Record({"lines": Items(Text())}),
        "half_labelled": Record({"lines": Items(Text())}),
        "multitask": Record({"lines": Items(Text())}),
        "verification": Record({"lines": Items(Text())}),
        "without_labels": Record({"lines": Items(Text())}),
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

    def predict(self, inputs: Any, *, adapt: str | None = None, device: str | None = None) -> list[Any]:
        """Return the model's answers, as `headstart.models.SavedModel.predict` gives them.

        Parameters
        ----------
        inputs : new samples.
        adapt : a method at test time (``adabn``, ``tent``, ``sar``, ``lame``) that adapts a copy of the model to
            them first; what speaks against its answers is a warning, and ``model.adapted`` gives the answers before as
            well.
        """
        if adapt is None:
            return self.model.predict(inputs, device=device)
        found = self.model.adapted(inputs, adapt, device=device)
        for text in found.warnings:
            warnings.warn(text, HeadstartWarning, stacklevel=2)
        return self.model.name(found.after)

    def _check_same(self) -> None:
        path = self.path / "run.json"
        if not path.is_file() or read_json(path) != self.result:
            raise UserError(f"{self.path} was replaced or removed since it was opened; open it again.")

    def _read_model(self) -> Any:
        self.check_model()
        return open_model(self.path / "model", self.result["data"].get("input_column"))

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
        lines += self.result.get("race", {}).get("lines", [])
        lines += self.result.get("few_shot", {}).get("lines", [])
        lines += self.result.get("zero_shot", {}).get("lines", [])
        lines += self.result.get("half_labelled", {}).get("lines", [])
        lines += self.result.get("multitask", {}).get("lines", [])
        lines += self.result.get("verification", {}).get("lines", [])
        lines += self.result.get("without_labels", {}).get("lines", [])
        told = self.result.get("forgetting") or {}
        lines += [part["words"] for part in (told.get("both"), told) if part]
        if "guard" in self.result:
            lines.append(f"Kept: {self.result['guard']['kept']}. {self.result['guard']['reason']}")
        if self.verdict is not None and self.verdict.note:
            lines.append(f"Note: {self.verdict.note}")
        lines += [f"Warning: {warning}" for warning in self.result["warnings"]]
        if (self.path / "report.html").exists():
            lines.append(f"Report: {self.path / 'report.html'}")
        return lines

    def __fspath__(self) -> str:
        """Return the folder: whatever takes the path of a run takes the run."""
        return str(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.verdict})"


def _shown(value: float, metric: str) -> str:
    return f"{100 * value:.1f}%" if metric in SHARES else f"{value:.4g}"


def load(path: str | os.PathLike[str]) -> Run:
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
