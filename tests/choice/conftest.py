"""What the tests of kept models share lies beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stored_cases import data


@pytest.fixture(scope="module")
def grounds():
    return {regression: data(regression) for regression in (False, True)}
