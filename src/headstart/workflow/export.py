"""Write a run's model for another runtime."""

from __future__ import annotations

from pathlib import Path

from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.workflow.options import one_of
from headstart.workflow.run import load


@isolate
def export(run: str | Path, *, format: str = "onnx", out: str | Path | None = None, force: bool = False) -> Path:
    """Export with the preprocessing inside, and check it against the run on golden samples.

    Returns
    -------
    Path of the written file, ``RUN/model/model.onnx`` by default.
    """
    one_of("--format", format, ("onnx",))
    from headstart.report.export import export_onnx

    folder = load(run).path
    if (folder / "model" / "adapted.json").exists():
        raise UserError(
            f"{folder} was adapted across domains; its model is no network and cannot be exported. `headstart predict` "
            "uses it."
        )
    path = Path(out) if out is not None else folder / "model" / "model.onnx"
    if path.exists() and not force:
        raise UserError(f"{path} exists already; choose another --out, or give --force to replace it.")
    return export_onnx(folder, path)
