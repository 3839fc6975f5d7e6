"""Small targets for the road's tests: drawn here, so that nothing has to be fetched."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

collect_ignore = ["kill_job.py", "same_runs.py", "comparing.py", "old_runs"]
"""Programs, which find one another by their folder and hold no test."""


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
