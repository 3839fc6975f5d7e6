"""Every case is built once for all tests of this room."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_networks import CASES, Case


@cache
def _case(name: str) -> Case:
    return CASES[name]()


DEAR = {"timm xception", "timm xception aligned", "timm resnet deep stem", "timm vgg"}
"""Cases of dozens of blocks, or of many weights: the others keep the same contract in a tenth of the time."""


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    made = _case(request.param)
    made.network.freeze(0).eval()
    made.network.entry = 0
    return made
