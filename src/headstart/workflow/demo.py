"""The demo: from letters in printed fonts to handwritten digits, offline."""

from __future__ import annotations

from pathlib import Path

from headstart.isolated import isolate
from headstart.scratch import scratch_folder
from headstart.workflow.fit import fit
from headstart.workflow.run import Run

POOL = 85
"""Digits per class from which each seed draws its five; all others are the test split."""


@isolate
def demo(
    *, out: str | Path = "runs/demo", seeds: int = 3, force: bool = False, quiet: bool = False, verbose: bool = False
) -> Run:
    """Transfer from ``headstart/glyphs`` to scikit-learn's handwritten digits, 5 labels per class.

    Each seed draws its own five. Thirty epochs keep it within a minute or so; they are the budget of both trained arms.
    """
    from headstart.data.demo import write_demo

    with scratch_folder() as scratch:
        digits = scratch / "digits"
        write_demo(digits, per_class=POOL)
        run = fit(
            digits,
            source="headstart/glyphs",
            shots=5,
            epochs=30,
            out=out,
            seeds=seeds,
            force=force,
            quiet=quiet,
            verbose=verbose,
        )
    assert run is not None
    return run
