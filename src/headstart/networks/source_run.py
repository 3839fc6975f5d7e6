"""Sources that are earlier runs: ``RUN``, a run folder or a saved network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from headstart.errors import UserError
from headstart.foreign import check_digests, refuse_links
from headstart.networks.build import build
from headstart.networks.columns import build_columns, columns_spec
from headstart.networks.load_preprocess import load_preprocess
from headstart.networks.network import Network
from headstart.networks.projection import PAIRS, SIDES, project
from headstart.networks.source import Source
from headstart.networks.store import build_saved, load_logic, load_network, read_saved
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.tabular import build_tabular, carry_columns, shared_statistics
from headstart.problem import Domain
from headstart.schema import Maybe, Number, Record, Table, Text, Whole, require
from headstart.storage import read_json
from headstart.tasks import TaskLogic

RUN_SCHEMA = 1
_NAME = Maybe(Text())
ABOUT = Record(
    {"schema": Whole(1)},
    {
        "data": Maybe(Record({}, {"origin": _NAME})),
        "source": Maybe(Record({}, {"title": _NAME, "spec": _NAME, "licence": _NAME})),
        "model": Record({}, {"files": Table(Text())}),
        "guard": Maybe(Record({}, {"kept": _NAME})),
        "few_shot": Maybe(Record({}, {"means": Text(choices=("prototypes", "cosine"))})),
        "arms": Maybe(Table(Maybe(Record({}, {"test": Maybe(Record({}, {"accuracy": Maybe(Number())}))})))),
    },
)
"""What of ``run.json`` a source tells of itself."""


def open_run(path: str) -> Source:
    """Open a run folder (its ``model/``), or a directory that `save_network` wrote; the head is dropped.

    Where it is of masks or boxes it is kept beside, for a task of the same kind (`headstart.tasks.carried`).

    Of a run of pairs it is the left side, which knows the right one; ``RUN/left`` and ``RUN/right`` are one alone.
    """
    run = Path(path).expanduser()
    if side_of(path) is not None:
        whole, side = side_of(path)  # type: ignore[misc]
        return _open(whole, whole / "model" / side, str(whole / "model" / side), f"{side}/")
    if (run / "model" / PAIRS).is_file():
        left, right = (open_run(str(run / side)) for side in SIDES)
        if left.modality == right.modality:
            raise UserError(f"Both sides of {run} take {left.modality} input; name one as {run}/left or {run}/right.")
        return replace(left, others=(right,))
    directory = run / "model" if (run / "model" / "network.json").is_file() else run
    return _open(run, directory, str(path))


def side_of(path: str | Path) -> tuple[Path, str] | None:
    """Return a run of pairs and the side that a path names, ``RUN/left`` or ``RUN/model/left``; else None."""
    place = Path(path).expanduser()
    for run in (place.parent, place.parent.parent):
        if place.name in SIDES and (run / "model" / PAIRS).is_file():
            return run, place.name
    return None


def _open(run: Path, directory: Path, spec: str, prefix: str = "") -> Source:
    if not (directory / "network.json").is_file():
        if (run / "run.json").is_file() and any((run / "model").glob("*.json")):
            raise UserError(
                f"{run} keeps a model of rows, which is no network to go on from; `headstart predict {run} DATA` "
                "answers with it, or give a run that keeps a network (`headstart pretrain DATA`)."
            )
        raise UserError(f"{run} is no run with a finished model: it has no model/network.json; give a run folder.")
    refuse_links(run)
    about, files = _about(run)
    if files is not None and prefix:
        files = {name.removeprefix(prefix): one for name, one in files.items() if name.startswith(prefix)}
    saved = read_saved(directory)
    preprocess = load_preprocess(directory)
    logic = load_logic(saved)

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        if pretrained:
            check_digests(directory, files)
        network = load_network(directory)[0] if pretrained else build_saved(saved, preprocess, directory)
        if pretrained and network.reads_maps:
            network.answered = (network.head, logic)
        network.head = nn.Identity()
        network = _untapped(network, preprocess)
        return network if statistics is None else _on_columns(network, statistics, pretrained)

    columns = preprocess.columns if isinstance(preprocess, TablePreprocess) else ()
    return Source(
        spec=spec,
        kind="run",
        modality=preprocess.modality,
        domain=Domain(preprocess.modality, space=columns, origin=about.get("origin", str(run))),  # type: ignore[arg-type]
        task=None if logic is None else logic.task,
        title=about.get("title", f"the run {run.name}"),
        licence=about.get("licence", ""),
        paper="",
        make=make,
        reference_file=directory / "reference.safetensors",
        accuracy=about.get("accuracy"),
        means=about.get("means", ""),
    )


def open_answers(path: str) -> tuple[Network, TaskLogic] | None:
    """Return a run's network with the head that answers, and its task; None if it has no task."""
    run = Path(path).expanduser()
    network, logic = load_network(run / "model" if (run / "model" / "network.json").is_file() else run)
    return None if logic is None else (network, logic)


def _untapped(network: Network, preprocess: Any) -> Network:
    """Return the network with its own pooled features: which stages a head read is a matter of that head."""
    if not network.taps:
        return network
    spec = {name: value for name, value in network.spec.items() if name not in ("taps", "n_features")}
    whole = build(spec, preprocess)
    whole.load_state_dict(network.state_dict())
    return whole


def _about(run: Path) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return what the run tells of itself, and the digests of its model's files."""
    path = run / "run.json"
    if not path.is_file():
        return {}, None
    value = read_json(path)
    if isinstance(value, dict) and type(value.get("schema")) is int and value["schema"] > RUN_SCHEMA:
        raise UserError(
            f"{path} was written by a newer version of Headstart (schema {value['schema']}, this one reads up to "
            f"{RUN_SCHEMA}); update Headstart."
        )
    require(value, ABOUT, path)
    origin = (value.get("data") or {}).get("origin") or str(run)
    source = value.get("source") or {}
    first = source.get("title") or source.get("spec") or "random weights"
    about = {
        "origin": str(origin),
        "title": f"the run {run.name} ({first}, then {origin})",
        "licence": source.get("licence") or "",
        "accuracy": _held_out(value),
        "means": (value.get("few_shot") or {}).get("means", ""),
    }
    return about, (value.get("model") or {}).get("files")


def _held_out(value: dict[str, Any]) -> float | None:
    """Return the test accuracy of the arm that a run handed back; None where it measured none."""
    arms = value.get("arms") or {}
    kept = (value.get("guard") or {}).get("kept") or (next(iter(arms)) if len(arms) == 1 else "")
    return ((arms.get(kept) or {}).get("test") or {}).get("accuracy")


def _on_columns(network: Network, statistics: TablePreprocess, pretrained: bool) -> Network:
    """Return the network for the target's columns, with what was learned about columns of the same name."""
    if network.spec["family"] == "columns":
        return build_columns(columns_spec(statistics), statistics)
    if network.spec["family"] != "tabular":
        raise UserError("Only the network headstart/tabular can be carried to a table's columns.")
    assert isinstance(network.preprocess, TablePreprocess)
    if pretrained:
        statistics = shared_statistics(network.preprocess, statistics)
    width = network.spec.get("projected")
    spec = {name: value for name, value in network.spec.items() if name != "projected"}
    target = build_tabular({**spec, "preprocess": statistics.to_json()}, statistics)
    target = target if width is None else project(target, width)
    if pretrained:
        carry_columns(network, target)
    return target
