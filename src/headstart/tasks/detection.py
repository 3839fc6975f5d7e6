"""Boxes around things: the loss is the detector's own, the metric average precision, judged in the pictures' pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart.errors import check_names
from headstart.functional import detections as ap
from headstart.functional.placement import plain_placement
from headstart.kinds.boxes import SHOWN, Boxes, BoxSets, counted
from headstart.tasks import box_files, box_pictures
from headstart.tasks.detectors import DETECTORS, LEAST, MOST
from headstart.tasks.pyramid import find_levels
from headstart.tasks.scene import Scene

Array = np.ndarray
COUNTS = ("per picture", "said", "off by")
"""Columns of counts in the report's table, which are no shares."""
LEAST_SIDE = 2.0
"""Pixels of the canvas below which a side of a box teaches nothing."""
LEAST_SEEN = 0.3
"""Share of a box that a view must show for it to be a label there."""


class Detection(Scene):
    """The sum of a detector's losses, as torchvision computes them: of classes, of boxes, and of what proposes them.

    Predictions are [n, most, 6] on the canvas (`headstart.kinds.boxes.BoxSets`). A picture's own score is F1 of boxes
    of a confidence of one half or more; average precision is of all pictures together.
    """

    heads = DETECTORS

    def head_of(self, network: Any) -> nn.Module:
        return DETECTORS[self.head_name](find_levels(network), self.task.n_outputs, self.size)

    def target(self, label: Boxes, preprocess: Any, seed: int | None) -> dict[str, Tensor]:
        """Return the boxes [m, 4] that a view shows, cut at the canvas, and their ``labels`` [m]."""
        height, width = label.size
        whole = preprocess.placement(width, height, seed).boxes(label.boxes.astype(np.float64))
        cut = whole.clip(0, self.size)
        sides, full = cut[:, 2:] - cut[:, :2], whole[:, 2:] - whole[:, :2]
        kept = (sides >= LEAST_SIDE).all(axis=1) & (sides.prod(axis=1) >= LEAST_SEEN * full.prod(axis=1))
        boxes = torch.from_numpy(cut[kept].astype(np.float32))
        return {"boxes": boxes, "labels": torch.from_numpy(label.numbers[kept])}

    def loss(self, outputs: Any, y: Any, weight: Tensor | None = None) -> Tensor:
        losses = outputs.losses(y)
        return torch.stack(list(losses.values())).sum()

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs

    @property
    def answer_shape(self) -> tuple[int, ...]:
        return (MOST, 6)

    @property
    def one_by_one(self) -> bool:
        return True

    def apart(self, first: Array, second: Array) -> float:
        """Return the largest difference of boxes, matched, in confidence and in shares of the canvas.

        A box that the other answer lacks counts by how far its confidence is above the least that is shown: rounding
        alone takes a box over that limit, or two of like confidence into another order.
        """
        worst = [0.0]
        for one, other in zip(first, second, strict=True):
            mine, theirs = (rows[rows[:, 5] >= 0] for rows in (one, other))
            gaps = np.abs(mine[:, None] - theirs[None]) / np.array([self.size] * 4 + [1.0] * 2)
            nearest = gaps.max(axis=2)
            for rows, axis in ((mine, 1), (theirs, 0)):
                worst += np.minimum(nearest.min(axis=axis, initial=np.inf), rows[:, 4] - LEAST).tolist()
        return max(worst)

    def evaluated(self, condensed: Tensor, y: Any) -> dict[str, float]:
        """Score answers; what stands for the loss is how far the score is from 1."""
        score = self.score(condensed.numpy(), y)
        return {"loss": 1 - score, "score": score}

    def scores(self, predictions: Array, y: Array) -> Array:
        pairs = zip(self._truths(y), self._said(predictions, y, SHOWN), strict=True)
        return np.array([ap.f1_of(truth, said) for truth, said in pairs])

    def metrics(self, predictions: Array, y: Array) -> dict[str, float]:
        """Return every metric but those of sizes that no true box has."""
        found = {name: self._parts(name, predictions, y)(np.arange(len(y))) for name in self.task.label_space.metrics}
        return self.leading({name: value for name, value in found.items() if not np.isnan(value)})

    def measure(self, metric: str, predictions: Array, y: Array) -> float:
        return float(np.nan_to_num(self._parts(metric, predictions, y)(np.arange(len(y)))))

    def over_rows(self, predictions: Array, y: Array) -> Callable[[Array], float]:
        measure = self._parts(self.task.metric, predictions, y)
        return lambda rows: float(np.nan_to_num(measure(rows)))  # a draw of pictures may lack every box

    def _parts(self, metric: str, predictions: Array, y: Array) -> Callable[[Array], float]:
        """Return ``(rows) -> metric``: boxes are matched once, and pictures drawn twice count twice."""
        if metric == self.task.label_space.metrics[0]:
            scores = self.scores(predictions, y)
            return lambda rows: float(scores[rows].mean())
        area, thresholds = _CORPUS[metric]
        matches = self._matches(predictions, y, area)
        n = len(y)

        def measure(rows: Array) -> float:
            weights = np.bincount(rows, minlength=n).astype(np.float64)
            if metric == "recall":
                found = [_recall(one, weights) for one in matches]
            else:
                found = [float(ap.average_precision(one, weights, thresholds).mean()) for one in matches]
            known = [value for value in found if not np.isnan(value)]
            return float(np.mean(known)) if known else float("nan")

        return measure

    def _matches(self, predictions: Array, y: Array, area: str) -> list[ap.ClassMatches]:
        truths, said = self._truths(y), self._said(predictions, y)
        return [ap.match_class(truths, said, number, ap.AREAS[area]) for number in range(self.task.n_outputs)]

    def _truths(self, y: Array) -> list[ap.Found]:
        return [ap.Found(label.boxes, label.numbers, np.ones(len(label.boxes))) for label in y]

    def _said(self, predictions: Array, y: Array, least: float = 0.0) -> list[ap.Found]:
        return [self.found_in(said, label.size, least) for said, label in zip(predictions, y, strict=True)]

    def found_in(self, said: Array, size: tuple[int, int], least: float = 0.0) -> ap.Found:
        """Return the boxes of a canvas in a picture's own pixels, those of a confidence of ``least`` at least."""
        height, width = size
        rows = said[(said[:, 5] >= 0) & (said[:, 4] >= least)].astype(np.float64)
        boxes = plain_placement(self.size, width, height).back(rows[:, :4])
        return ap.Found(boxes, rows[:, 5].astype(np.int64), rows[:, 4])

    def constant(self, labels: Array, n: int) -> tuple[str, Array]:
        """Return no boxes."""
        nothing = np.zeros((n, MOST, 6), np.float32)
        nothing[..., 5] = -1
        return "nothing", nothing

    def ranked(self, predictions: Array, labels: Array) -> Array:
        scores = self.scores(predictions, labels)
        order = np.argsort(scores, kind="stable")
        return order[scores[order] < 1]

    def told(self, prediction: Array, label: Boxes) -> dict[str, Any]:
        said = self.found_in(prediction, label.size, SHOWN)
        score = ap.f1_of(self._truths(np.array([label], dtype=object))[0], said)
        names = counted([self.task.classes[number] for number in said.numbers])
        return {"label": label.words(self.task.classes), "prediction": f"{names}; F1 {100 * score:.1f}%"}

    def shown(self, raw: Any, prediction: Array, label: Boxes) -> Any:
        truth = self._truths(np.array([label], dtype=object))[0]
        return box_pictures.compared(raw, label.size, truth, self.found_in(prediction, label.size, SHOWN))

    def by_class(self, predictions: Array, labels: Array) -> dict[str, Any]:
        matches, weights = self._matches(predictions, labels, "all"), np.ones(len(labels))
        rows, curves = [], []
        for name, one in zip(self.task.classes, matches, strict=True):
            values = ap.average_precision(one, weights)
            sure = one.scores >= SHOWN
            hits, total = int(one.hit[0][sure].sum()), int(one.positives.sum())
            figures = {
                "AP at .5": values[0],
                "AP at .5 to .95": values.mean(),
                "recall": hits / total if total else np.nan,
                "precision": hits / int(sure.sum()) if sure.any() else np.nan,
            }
            counted_here = np.bincount(one.image[sure], minlength=len(labels))
            row = {column: None if np.isnan(value) else float(value) for column, value in figures.items()}
            row |= counts_of(one.positives, counted_here)
            rows.append({"name": name, "n": int((one.positives > 0).sum())} | row)
            precision, recall = ap.curve(one.hit[:1], one.counted[:1], np.ones(len(one.scores)), max(total, 1))
            curves.append({"name": name, **thinned(recall[0], precision[0])})
        about = (
            "Of all boxes of the test pictures together. A box is right where it overlaps a true one of its "
            "class by one "
            f"half (for the mean: by .5 to .95), each true box once. Recall and precision are those of boxes of a "
            f"confidence of {SHOWN:g} or more; average precision (AP) looks at every confidence. Counts are boxes per "
            "picture, of such a confidence, and by how many they are off on average."
        )
        columns = ["AP at .5", "AP at .5 to .95", "recall", "precision", *COUNTS]
        return {"n": len(labels), "about": about, "columns": columns, "counts": list(COUNTS), "rows": rows,
                "curves": curves, "legend": box_pictures.LEGEND}  # fmt: skip

    def answers(self, predictions: Array, labels: Array | None = None) -> list[Any]:
        return self.task.label_space.answers(predictions)

    def records(self, dataset: Any, predictions: Array) -> list[dict[str, Any]]:
        answers = self.task.label_space.answers(predictions)
        found = box_files.boxes_of(dataset, predictions, self.task.classes, self.found_in)
        return [{"prediction": answer, "boxes": len(boxes.boxes)} for answer, boxes in zip(answers, found, strict=True)]

    def written(self, dataset: Any, predictions: Array, out: Any) -> bool:
        """Write COCO's JSON where ``out`` ends in ``.json``, and a row per box where it ends in ``.csv``."""
        if out is None or Path(out).suffix.lower() not in box_files.WRITERS:
            return False
        found = box_files.boxes_of(dataset, predictions, self.task.classes, self.found_in)
        box_files.WRITERS[Path(out).suffix.lower()](dataset, found, self.task.classes, Path(out))
        return True


def counts_of(true: Array, said: Array) -> dict[str, float]:
    """Return how many boxes of a class a picture has and is said to have [n], on average, and how far they are apart.

    Examples
    --------
    >>> counts_of(np.array([2, 4]), np.array([3, 3]))
    {'per picture': 3.0, 'said': 3.0, 'off by': 1.0}
    """
    return dict(zip(COUNTS, (float(true.mean()), float(said.mean()), float(np.abs(said - true).mean())), strict=True))


def thinned(recall: Array, precision: Array, most: int = 200) -> dict[str, list[float]]:
    """Return at most so many points of a curve."""
    places = np.unique(np.linspace(0, len(recall) - 1, min(most, len(recall))).astype(int)) if len(recall) else []
    values = {"recall": recall, "precision": precision}
    return {name: [round(float(value[i]), 4) for i in places] for name, value in values.items()}


def _recall(matches: ap.ClassMatches, weights: Array) -> float:
    total = float(matches.positives @ weights)
    sure = matches.scores >= SHOWN
    return float((matches.hit[0][sure] * weights[matches.image[sure]]).sum() / total) if total else float("nan")


_HALF = slice(0, 1)
_CORPUS: dict[str, tuple[str, slice]] = {
    "map50": ("all", _HALF),
    "map": ("all", slice(None)),
    "map75": ("all", slice(5, 6)),
    "map_small": ("small", slice(None)),
    "map_medium": ("medium", slice(None)),
    "map_large": ("large", slice(None)),
    "recall": ("all", _HALF),
}
check_names({*_CORPUS, "f1"}, BoxSets.metrics, "headstart.tasks.detection._CORPUS")
