"""What segmentation without a network does: a forest of pixels on classic filters, as ilastik and Weka do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingClassifier

from headstart.functional import overlap

SCALES = (0.7, 1.6, 3.5, 7.0)
PIXELS = 4_000
"""Drawn of every picture to learn from."""
Array = np.ndarray


def filtered(picture: Image.Image) -> Array:
    """Return at each pixel, per channel and scale: the smoothed value, its slope, both eigenvalues of the Hessian."""
    values = np.asarray(picture, np.float32) / 255
    channels = values[..., None] if values.ndim == 2 else values
    found = []
    for channel in np.moveaxis(channels, -1, 0):
        found.append(channel)
        for scale in SCALES:
            smooth = ndimage.gaussian_filter(channel, scale)
            down, across = np.gradient(smooth)
            (yy, yx), (_, xx) = np.gradient(down), np.gradient(across)
            middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, yx)
            found += [smooth, np.hypot(down, across), middle + apart, middle - apart]
    return np.stack(found, axis=-1)


def pixel_classifier(folder: Path, seed: int = 0) -> dict[str, list[Array]]:
    """Learn from pixels of ``train`` and ``val``; return of every test picture counts [2, 2], true by said class."""
    random = np.random.default_rng(seed)
    rows, labels = [], []
    for image, mask in [*pairs(folder / "train"), *pairs(folder / "val")]:
        features, truth = filtered(image).reshape(-1, filtered_width(image)), mask.ravel()
        drawn = random.choice(len(truth), PIXELS, replace=False)
        rows.append(features[drawn])
        labels.append(truth[drawn])
    model = HistGradientBoostingClassifier(random_state=seed).fit(np.concatenate(rows), np.concatenate(labels))
    found, constant = [], []
    commonest = round(float(np.mean(np.concatenate(labels))))
    for image, mask in pairs(folder / "test"):
        said = model.predict(filtered(image).reshape(-1, filtered_width(image)))
        found.append(_counts(mask.ravel(), said))
        constant.append(_counts(mask.ravel(), np.full(mask.size, commonest)))
    return {"pixel classifier": found, "commonest class": constant}


def filtered_width(picture: Image.Image) -> int:
    return len(picture.getbands()) * (1 + 4 * len(SCALES))


def pairs(folder: Path) -> list[tuple[Image.Image, Array]]:
    return [
        (Image.open(path), (np.asarray(Image.open(folder / "masks" / path.name)) > 127).astype(np.int64))
        for path in sorted((folder / "images").glob("*.png"))
    ]


def figures(counts: list[Array]) -> dict[str, float]:
    """Return the task's own metrics: iou (mean over pictures of the mean over classes), Dice (mean over classes, of all
    pixels), pixel accuracy."""
    each, whole = np.stack(counts), np.sum(counts, axis=0)
    return {
        "iou": float(overlap.mean_known(overlap.iou(each)).mean()),
        "dice": float(overlap.mean_known(overlap.dice(whole))),
        "pixel_accuracy": float(np.trace(whole) / whole.sum()),
    }


def _counts(truth: Array, said: Array) -> Array:
    return overlap.confusion(truth, said, 2)
