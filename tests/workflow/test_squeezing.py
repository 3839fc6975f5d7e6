"""A bundled network says before a run that photographs are too large for it; of small pictures nothing is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from headstart.data import open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.workflow.opening.squeezing import squeezed
from headstart.workflow.opening.transfer import Given, open_transfer
from headstart.workflow.options import FitOptions


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    top, rng = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    for side in (60, 130):
        for name in ("cat", "dog"):
            (top / str(side) / name).mkdir(parents=True)
            for i in range(4):
                pixels = rng.integers(0, 255, (side, side + 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(top / str(side) / name / f"{i}.png")
    return top


@pytest.mark.parametrize(("spec", "seen"), [("headstart/pixels", 28), ("headstart/glyphs", 32)])
def test_large_pictures_are_told_of_and_small_ones_are_not(folders, spec, seen):
    source = open_source(spec)
    large, small = (open_data(folders / side) for side in ("130", "60"))
    assert squeezed(source, small) == ()
    (said,) = squeezed(source, large)
    assert said.startswith(f"{spec} sees {seen} x {seen} pixels of pictures whose shorter side has about 130:")
    assert squeezed(replace(source, kind="timm"), large) == ()


def test_a_run_says_so_before_its_plan(folders):
    given = Given(str(folders / "130"), (str(folders / "60"),))
    options = FitOptions(source="headstart/pixels", method="mcc")
    found = open_transfer("fit", given, options, Progress(quiet=True), began=0.0)
    assert any("details are lost" in note for note in found.notes)
