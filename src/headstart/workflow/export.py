"""Write a run's model for another runtime."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.models.opening import holds_arrays
from headstart.models.saved import SEVERAL, VERIFICATION
from headstart.networks.projection import PAIRS
from headstart.workflow.options import one_of
from headstart.workflow.run import Run, load


@isolate
def export(
    run: str | PathLike[str], *, format: str = "onnx", out: str | Path | None = None, force: bool = False
) -> Path:
    """Export with the preprocessing inside, and check it against the run on golden samples.

    Returns
    -------
    Path of the written file, ``RUN/model/model.onnx`` by default; of a run of several tasks the folder of one each.
    """
    one_of("--format", format, ("onnx",))
    from headstart.report.export import export_onnx

    opened = load(run)
    opened.check_model()
    folder = opened.path
    if (folder / "model" / SEVERAL).exists():
        return _export_several(opened, folder / "model" if out is None else Path(out), force=force)
    path = Path(out) if out is not None else folder / "model" / "model.onnx"
    if path.exists() and not force:
        raise UserError(f"{path} exists already; choose another --out, or give --force to replace it.")
    if (folder / "model" / VERIFICATION).exists():
        return _export_vectors(opened, path)
    if (folder / "model" / PAIRS).exists():
        raise UserError(
            f"{folder} learned from pairs and has no task's head to export; fit a target with --source {folder}, and "
            "export that run."
        )
    if holds_arrays(folder / "model"):
        return _export_adapted(opened, path)
    return export_onnx(folder, path)


def _export_several(run: Run, out: Path, *, force: bool) -> Path:
    """Export every task of several to a file of its own, ``0/model.onnx``, ``1/model.onnx`` ... of a folder."""
    from headstart.report.export import export_network
    from headstart.storage import read_json, write_json

    if out.is_file():
        raise UserError(f"{out} is a file, and several tasks become a folder with a model each; name a folder.")
    tasks = list(enumerate(run.model.models.items()))
    paths = [out / str(number) / "model.onnx" for number, _ in tasks]
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UserError(f"{there[0]} exists already; choose another --out, or give --force to replace it.")
    for path, (number, (name, model)) in zip(paths, tasks, strict=True):
        tokenizer = run.path / "model" / str(number) / "tokenizer"
        export_network(model.network, model.logic, run.path, path, tokenizer)
        card = path.with_name(path.name + ".json")
        write_json(card, read_json(card) | {"label": name})
    return out


def _export_vectors(run: Run, out: Path) -> Path:
    """Export the network of a verification, samples to vectors, with its threshold in the card."""
    import torch

    from headstart.report.export import export_network
    from headstart.report.golden import golden
    from headstart.storage import read_json, write_json
    from headstart.tasks.vectors import Vectors

    model = run.model
    with torch.no_grad():
        width = model.network.eval()(model.network.preprocess(golden(run.path, model.network)[0])).shape[1]
    written = export_network(model.network, Vectors(width), run.path, out, run.path / "model" / "tokenizer")
    card = written.with_name(written.name + ".json")
    write_json(card, read_json(card) | {"threshold": model.threshold, "false_accepts": model.false_accepts})
    return written


def _export_adapted(run: Run, out: Path) -> Path:
    """Export a model across domains that is linear in its features, after comparing it with the model's own answers."""
    import numpy as np
    import torch

    from headstart.models.as_network import as_network
    from headstart.report.export import TOLERANCE, export_network
    from headstart.report.golden import golden

    model = run.model
    network = as_network(model)
    if network is None:
        raise UserError(
            f"{run.path} keeps {run.result['across']['kept']}, which is no linear model of its features and cannot "
            "become ONNX; `headstart predict` answers with it, and a run with one linear way, such as --method coral, "
            "exports."
        )
    for samples in golden(run.path, network):
        with torch.no_grad():
            found = model.logic.predict(network(network.preprocess(samples))).double().numpy()
        gap = np.abs(found - model.predict_proba(samples)) / np.asarray(getattr(model.logic, "scale", 1.0))
        if not float(gap.max(initial=0.0)) < TOLERANCE:
            raise UserError(f"The model of {run.path} differs as a network by {gap.max():.2g}; nothing was written.")
    return export_network(network, model.logic, run.path, out, run.path / "model" / "backbone" / "tokenizer")
