"""Average precision of boxes, on any draw of the pictures: boxes are matched once, then counted with weights.

What COCO's evaluation computes (Lin et al., "Microsoft COCO", ECCV 2014, and its code): per class and threshold the
most confident boxes first, each takes the unmatched true box that it overlaps most, if by the threshold at least;
precision is made to fall with recall and read at 101 recalls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Array = np.ndarray
THRESHOLDS = tuple(np.round(np.arange(0.5, 1.0, 0.05), 2).tolist())
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0.0, np.inf), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
"""Ranges of a box's area in pixels of its picture, as COCO has them."""


class Found(NamedTuple):
    """Boxes of one picture: [m, 4], and their classes [m]; ``scores`` [m] of those that are said, highest first."""

    boxes: Array
    numbers: Array
    scores: Array


def overlaps(first: Array, second: Array) -> Array:
    """Return the intersection over the union of every pair of boxes [m, n].

    Examples
    --------
    >>> overlaps(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [5, 5, 6, 6]])).round(3).tolist()
    [[0.333, 0.0]]
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    either = areas[0][:, None] + areas[1][None, :] - both
    return np.divide(both, either, out=np.zeros(both.shape), where=either > 0)


@dataclass(frozen=True)
class ClassMatches:
    """The boxes of one class that are said in all pictures, the most confident first.

    Parameters
    ----------
    scores : [d]. image : [d], the picture's number. hit : [thresholds, d], whether it is matched with a true box that
        counts. counted : [thresholds, d], whether it counts at all. positives : [n], true boxes that count per picture.
    """

    scores: Array
    image: Array
    hit: Array
    counted: Array
    positives: Array


def match_class(truths: list[Found], said: list[Found], number: int, area: tuple[float, float]) -> ClassMatches:
    """Match the boxes of a class; true boxes out of the range of areas neither count nor cost, as COCO has it."""
    parts, positives = [], np.zeros(len(truths))
    for image, (truth, mine) in enumerate(zip(truths, said, strict=True)):
        true_boxes = truth.boxes[truth.numbers == number]
        chosen = mine.numbers == number
        boxes, scores = mine.boxes[chosen], mine.scores[chosen]
        outside = ~_within(true_boxes, area)
        positives[image] = (~outside).sum()
        hit, counted = _match(true_boxes, boxes, outside, _within(boxes, area))
        parts.append((scores, np.full(len(scores), image), hit, counted))
    scores, image = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    hit, counted = (np.concatenate([part[i] for part in parts], axis=1) for i in (2, 3))
    order = np.argsort(-scores, kind="stable")
    return ClassMatches(scores[order], image[order], hit[:, order], counted[:, order], positives)


def _within(boxes: Array, area: tuple[float, float]) -> Array:
    sizes = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return (sizes >= area[0]) & (sizes < area[1])


def _match(truth: Array, said: Array, outside: Array, inside: Array) -> tuple[Array, Array]:
    hit = np.zeros((len(THRESHOLDS), len(said)), bool)
    counted = np.tile(inside, (len(THRESHOLDS), 1))
    if not len(truth) or not len(said):
        return hit, counted
    shared = overlaps(said.astype(np.float64), truth.astype(np.float64))
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(truth), bool)
        for place, values in enumerate(shared):
            for pool in (free & ~outside, free & outside):  # one that counts is taken before one that does not
                best = int(np.where(pool, values, -1.0).argmax())
                if pool[best] and values[best] >= threshold:
                    free[best] = False
                    hit[row, place], counted[row, place] = not outside[best], not outside[best]
                    break
    return hit, counted


def average_precision(matches: ClassMatches, weights: Array, thresholds: slice = slice(None)) -> Array:
    """Return the average precision at each threshold [t], picture i counted ``weights[i]`` times; NaN without a box."""
    total = float(matches.positives @ weights)
    hit, counted = matches.hit[thresholds], matches.counted[thresholds]
    if total == 0:
        return np.full(len(hit), np.nan)
    precision, recall = curve(hit, counted, weights[matches.image], total)
    found = np.zeros(len(hit))
    for row in range(len(hit)):
        fallen = np.maximum.accumulate(precision[row][::-1])[::-1]
        places = np.searchsorted(recall[row], RECALLS, side="left")
        found[row] = np.append(fallen, 0.0)[places].mean()
    return found


def curve(hit: Array, counted: Array, weights: Array, total: float) -> tuple[Array, Array]:
    """Return precision and recall [t, d] after each box."""
    right = np.cumsum(hit * weights, axis=1)
    wrong = np.cumsum((counted & ~hit) * weights, axis=1)
    precision = np.divide(right, right + wrong, out=np.zeros_like(right), where=right + wrong > 0)
    return precision, right / total


def f1_of(truth: Found, said: Found, threshold: float = 0.5) -> float:
    """Return F1 of one picture's boxes, class by class matched at an overlap of one half; 1 where there are none.

    Examples
    --------
    >>> one = Found(np.array([[0, 0, 4, 4.0]]), np.array([0]), np.ones(1))
    >>> f1_of(one, one), f1_of(one, Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0)))
    (1.0, 0.0)
    """
    if not len(truth.boxes) and not len(said.boxes):
        return 1.0
    hits = 0
    for number in np.unique(truth.numbers):
        found = match_class([truth], [said], int(number), AREAS["all"])
        hits += int(found.hit[THRESHOLDS.index(threshold)].sum())
    return 2 * hits / (len(truth.boxes) + len(said.boxes))
