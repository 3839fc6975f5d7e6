"""Small targets for the road's tests: drawn here, so that nothing has to be fetched."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["strangers.py", "kill_job.py", "same_runs.py", "comparing.py", "old_runs"]
"""Programs, which find one another by their folder and hold no test."""


@pytest.fixture(scope="session", autouse=True)
def quick_maps():
    """Every fit lays out two maps of features: half the rounds will do for what no test looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headstart.report.feature_map.ITERATIONS", 250)
        yield


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory):
    """Five handwritten digits as an image folder: 5 per class for training, 30 for the test."""
    return write_digits(tmp_path_factory.mktemp("digits"), (1, 2, 3, 5, 8), 30)


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory):
    """Two handwritten digits, 5 for training and 6 for the test of each: for what is asked of any fit at all."""
    return write_digits(tmp_path_factory.mktemp("few"), (1, 2), 6)


def write_digits(root, digits, tested):
    images, labels = load_digits(return_X_y=True)
    for digit in digits:
        pictures = images[labels == digit][: 5 + tested].reshape(-1, 8, 8)
        for number, picture in enumerate(pictures):
            folder = root / ("train" if number < 5 else "test") / str(digit)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray((picture * 255 / 16).astype(np.uint8)).save(folder / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def table_file(tmp_path_factory):
    """Two classes told apart by the sum of two columns, with a category and missing values."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 3))
    frame = pd.DataFrame(x, columns=["age", "height", "weight"])
    frame["colour"] = rng.choice(["red", "green"], size=240)
    frame["label"] = np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")
    frame.loc[::17, "weight"] = np.nan
    path = tmp_path_factory.mktemp("table") / "people.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(24):
        kind = ("flat", "striped")[number % 2]
        pixels = rng.integers(0, 90, (28, 28)).astype(np.uint8)
        if kind == "striped":
            pixels[:, ::4] += 120
        (root / kind).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / kind / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def fitted(pictures, tmp_path_factory):
    from headstart.workflow.fit import fit

    out = tmp_path_factory.mktemp("runs") / "fitted"
    options = {"method": "probe", "arms": "scratch,chosen", "epochs": 1, "quiet": True, "device": "cpu"}
    fit(pictures, source="headstart/glyphs", out=out, **options)
    return out


@pytest.fixture(scope="session")
def adapted(tmp_path_factory):
    from headstart.workflow.fit import fit

    root = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    for name, move in (("source", 0.0), ("target", 1.0)):
        rows = rng.normal(size=(30, 2)) + move
        frame = pd.DataFrame(rows, columns=["age", "height"])
        frame["colour"] = np.array(["red", "green"])[np.arange(30) // 2 % 2]
        frame["label"] = np.where(rows.sum(axis=1) > 2 * move, "yes", "no")
        frame.to_csv(root / f"{name}.csv", index=False)
    options = {"label": "label", "method": "coral", "quiet": True, "out": root / "adapted"}
    fit(root / "target.csv", source_data=root / "source.csv", **options)
    return root / "adapted"


@pytest.fixture
def run(fitted, tmp_path):
    return shutil.copytree(fitted, tmp_path / "run")


@pytest.fixture
def across(adapted, tmp_path):
    return shutil.copytree(adapted, tmp_path / "across")
