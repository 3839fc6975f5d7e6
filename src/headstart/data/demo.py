"""The demo's data: scikit-learn's handwritten digits, offline, with few labels."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import cast

import numpy as np

from headstart.errors import UserError
from headstart.storage import machine_faults


def demo_digits(seed: int = 0, per_class: int = 5) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return handwritten digits with ``per_class`` labels per class for training and all others for the test.

    Parameters
    ----------
    seed : of the choice of the training samples.
    per_class : training samples of each digit, 1 to 150.

    Returns
    -------
    images : uint8 [1797, 8, 8], 0 (background) to 255 (ink)
    labels : int64 [1797]
    splits : rows of ``train`` [10 * per_class] and ``test``, ascending

    References
    ----------
    Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
    """
    from sklearn.datasets import load_digits
    from sklearn.utils import Bunch

    if not 1 <= per_class <= 150:
        raise UserError(f"The demo's digits have 174 to 183 samples per class; per_class is 1 to 150, not {per_class}.")
    digits = cast(Bunch, load_digits())
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    labels = digits.target.astype(np.int64)
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(labels == digit))[:per_class] for digit in range(10)]
    train = np.sort(np.concatenate(chosen))
    return images, labels, {"train": train, "test": np.setdiff1d(np.arange(len(labels)), train)}


def write_demo(directory: str | Path, seed: int = 0, per_class: int = 5) -> Path:
    """Write the digits as an image folder, ``train/DIGIT/NUMBER.png`` and ``test/DIGIT/NUMBER.png``.

    The folder appears whole or not at all.

    Raises
    ------
    UserError
        If ``directory`` exists, or cannot be written.
    """
    directory = Path(directory)
    if directory.exists():
        raise UserError(f"{directory} exists already; give a folder that is not there yet.")
    images, labels, splits = demo_digits(seed, per_class)
    with machine_faults(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".part", dir=directory.parent))
        try:
            for split, rows in splits.items():
                _write_split(temporary / split, images, labels, rows)
            temporary.chmod(0o755)
            temporary.rename(directory)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return directory


def _write_split(directory: Path, images: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> None:
    from PIL import Image

    for digit in np.unique(labels[rows]):
        (directory / str(digit)).mkdir(parents=True)
    for row in rows:
        Image.fromarray(images[row]).save(directory / str(labels[row]) / f"{row:04d}.png")
