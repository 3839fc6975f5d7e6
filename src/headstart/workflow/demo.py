"""The demo: from letters in printed fonts to handwritten digits, offline."""

from __future__ import annotations

import tempfile
from pathlib import Path

from headstart.workflow.fit import fit
from headstart.workflow.run import Run


def demo(*, out: str | Path = "runs/demo", seeds: int = 3, force: bool = False) -> Run:
    """Transfer from ``headstart/glyphs`` to scikit-learn's handwritten digits, 5 labels per class."""
    from headstart.data.demo import write_demo

    with tempfile.TemporaryDirectory(prefix="headstart-demo-") as scratch:
        digits = Path(scratch) / "digits"
        write_demo(digits)
        run = fit(digits, source="headstart/glyphs", out=out, seeds=seeds, force=force)
    assert run is not None
    return run
