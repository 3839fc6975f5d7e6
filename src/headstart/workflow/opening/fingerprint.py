"""What a run depends on, noted when it begins and compared when it is resumed."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import metadata
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import headstart
from headstart.data import Dataset
from headstart.errors import UserError
from headstart.networks import Network, Source
from headstart.networks.source_run import side_of
from headstart.schema import require
from headstart.storage import checksum, read_json
from headstart.workflow.options import FitOptions
from headstart.workflow.saved import ARGUMENTS

LIBRARIES = (
    "headstart",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "pot",
    "timm",
    "torchvision",
    "transformers",
    "peft",
)
"""What computes; another version of one of them may give other bits."""
VERBS = ("fit", "pretrain", "adapt")
_NEEDED = {"verb", "data", "source", "options", "fingerprint"}


def fingerprint(weights: str | None, data: str, options: FitOptions) -> dict[str, Any]:
    """Return what a run's result depends on.

    Parameters
    ----------
    weights : hash of the source's, as `weights_of` gives it; None where there is no source.
    data : fingerprint of the data.
    """
    return {"source": weights, "data": data, "options": _digest(options.to_json()), "code": code()}


def test_fingerprint(dataset: Dataset) -> str:
    """Return a hash of the samples and labels of the split "test"."""
    return dataset.without(np.setdiff1d(np.arange(len(dataset)), dataset.splits["test"])).fingerprint


def weights_of(network: Network | None) -> str | None:
    """Hash the stages; the head is drawn anew for each task."""
    if network is None:
        return None
    return checksum({name: value for name, value in network.state_dict().items() if not name.startswith("head.")})


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def code() -> dict[str, str]:
    """Return the versions of what computes, and a hash of Headstart's own source, but for commands and pages."""
    root = Path(headstart.__file__).parent
    state = hashlib.blake2b(digest_size=16)
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        if not name.startswith(("cli", "report/", "checks/")):
            state.update(name.encode() + b"\0" + file.read_bytes())
    return {name: metadata.version(name) for name in LIBRARIES} | {"source": state.hexdigest()}


def absolute_source(source: Source) -> str:
    """Return what to type for this source from any working directory."""
    prefix = {"file": "file:", "hf": "hf/", "run": ""}.get(source.kind)
    if prefix is None:
        return source.spec
    path = Path(source.spec.removeprefix(prefix)).expanduser()
    return f"{prefix}{path.absolute()}" if path.exists() else source.spec


def absolute_name(name: str | PathLike[str]) -> str:
    """Return a name of a file or of a source that holds in any working directory: ``hf/DIRECTORY``, ``RUN/left``; what
    is no path here stays as it is."""
    given = str(name)
    prefix = next((one for one in ("hf/", "file:") if given.startswith(one)), "")
    path = Path(given.removeprefix(prefix)).expanduser()
    return f"{prefix}{path.absolute()}" if path.exists() or side_of(path) is not None else given


def absolute_path(data: Any) -> str | None:
    """Return the path of data from any working directory; None for data in memory."""
    return str(Path(data).expanduser().absolute()) if isinstance(data, str | Path) else None


def read_arguments(path: Path) -> dict[str, Any]:
    """Read what `resume` needs; one sentence where the file was damaged or edited."""
    value = read_json(path)
    if not isinstance(value, dict) or not value.keys() >= _NEEDED or value["verb"] not in VERBS:
        raise UserError(
            f"{path} does not say how the run was begun; it is damaged, or of an earlier version: begin the run anew "
            "with --force."
        )
    try:
        FitOptions.from_json(value["options"])
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"The options in {path} cannot be read ({error}); begin the run anew with --force.") from error
    return require(value, ARGUMENTS, path)


def check_unchanged(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with anything else than the run began with, and name what differs."""
    then = saved["fingerprint"] if isinstance(saved["fingerprint"], dict) else {}
    changed = _changes(saved, then, now)
    if changed:
        said = " and ".join(changed)
        raise UserError(
            f"{said[:1].upper()}{said[1:]} {'have' if len(changed) > 1 else 'has'} changed since the run was begun; a "
            "resumed run would mix both: put back what it began with, or begin anew with --force."
        )


def _changes(saved: dict[str, Any], then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    same_data = then.get("data") == now["data"]
    same_test = then.get("test") == now.get("test")
    changed = [] if same_test else [f"the test set {saved.get('test')}"]
    changed += [] if same_data or not same_test else [f"the data {saved['data']}"]
    same_old = then.get("replay") == now.get("replay")
    changed += [] if same_old else [f"the old samples {saved['options'].get('replay')}"]
    # The network of a table is made for the table's columns, so that other data give other weights.
    if same_data and then.get("source") != now["source"]:
        several = saved["options"].get("sources")
        changed.append(
            f"the sources {', '.join(several)}" if several else f"the source {saved['options'].get('source')}"
        )
    if then.get("options") != now["options"]:
        changed.append("what state/arguments.json holds as options")
    former = then.get("code")
    if not isinstance(former, dict):
        return [*changed, "the code of Headstart"]
    names = [name for name in (*LIBRARIES, "source") if former.get(name) != now["code"][name]]
    if "headstart" in names and "source" in names:
        names.remove("source")
    for name in names:
        versions = f"{name} ({former.get(name)} then, {now['code'][name]} now)"
        changed.append("the code of Headstart" if name == "source" else versions)
    return changed
