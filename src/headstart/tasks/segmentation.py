"""A class of every pixel: cross-entropy and Dice, judged in the pictures' own pixels."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.errors import check_names
from headstart.functional import overlap
from headstart.functional.placement import plain_placement
from headstart.functional.stitching import stitched
from headstart.kinds.masks import IGNORED, Mask, Masks
from headstart.tasks import pictures
from headstart.tasks.base import average
from headstart.tasks.decoders import DECODERS
from headstart.tasks.pyramid import find_levels
from headstart.tasks.scene import Scene

Array = np.ndarray
TILE = 512
"""Side above which canvases are learned from and predicted by tiles, so that memory does not grow with them."""
MOST_KEPT = 20_000
"""Counts of pixels that are kept, so that several metrics of one answer read each mask once."""


class Segmentation(Scene):
    """``mean_p CE(f(x)_p, y_p) + mean_c (1 - Dice_c)`` per picture, over pixels p with a label and its classes c.

    Predictions are class numbers on the canvas, uint8 [n, size, size]; they are brought to a picture's own size before
    they are compared with its mask. The score of a picture is the mean over classes, that it has or is said to have, of
    the intersection over the union.

    References
    ----------
    Soft Dice: Milletari, Navab and Ahmadi, "V-Net", 3DV 2016.
    """

    heads = DECODERS

    def __init__(self, task: Any, size: int, head_name: str) -> None:
        super().__init__(task, size, head_name)
        self.flips = False
        self._kept: dict[tuple[str, bytes, bytes], Array] = {}

    @property
    def tile(self) -> int:
        return TILE if self.size > TILE else 0

    def head_of(self, network: Any) -> nn.Module:
        head = DECODERS[self.head_name](find_levels(network), self.task.n_outputs, self.size)
        head.sides = (self.size, self.tile or self.size)
        return head

    def target(self, label: Mask, preprocess: Any, seed: int | None) -> Tensor:
        """Return class numbers [size, size] (int64), -1 where there is no label or no picture."""
        height, width = label.size
        placement = preprocess.placement(width, height, seed)
        canvas = placement.picture(Image.fromarray(label.read()), Image.Resampling.NEAREST, IGNORED)
        numbers = torch.from_numpy(np.array(canvas)).long()
        return torch.where(numbers == IGNORED, -1, numbers)

    def loss(self, outputs: Tensor, y: Any, weight: Tensor | None = None) -> Tensor:
        truth = torch.stack(list(y)) if isinstance(y, list | tuple) else y
        known = truth >= 0
        count = known.flatten(1).sum(1).clamp(min=1)
        cross = F.cross_entropy(outputs, truth, ignore_index=-1, reduction="none").flatten(1).sum(1) / count
        return average(cross + _soft_dice(outputs, truth, known), weight)

    def run(self, network: Any, state: Any) -> Tensor:
        """Return logits, of canvases above `TILE` by tiles that overlap by a quarter; with flips log mean shares."""
        if network.entry:
            return network(state)
        tile = self.tile
        whole = (lambda x: stitched(network, x, tile, tile // 4)) if tile else network
        if not self.flips:
            return whole(state)
        shares = whole(state).softmax(dim=1) + whole(state.flip(-1)).flip(-1).softmax(dim=1)
        return (shares / 2).log()

    def flipped(self) -> Self:
        self.flips = True
        return self

    def condensed(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(dim=1).to(torch.uint8)

    def predict(self, outputs: Tensor) -> Tensor:
        return outputs

    def exported(self, outputs: Tensor) -> Tensor:
        return outputs.float().softmax(dim=1)

    @property
    def answer_shape(self) -> tuple[int, ...]:
        return (self.task.n_outputs, self.size, self.size)

    def evaluated(self, condensed: Tensor, y: Any) -> dict[str, float]:
        """Score answers; what stands for the loss is how far the score is from 1."""
        score = self.score(condensed.numpy(), y)
        return {"loss": 1 - score, "score": score}

    def scores(self, predictions: Array, y: Array) -> Array:
        return overlap.mean_known(overlap.iou(self.counts(predictions, y)))

    def metrics(self, predictions: Array, y: Array) -> dict[str, float]:
        return self.leading({name: self.measure(name, predictions, y) for name in self.task.label_space.metrics})

    def measure(self, metric: str, predictions: Array, y: Array) -> float:
        return float(self._parts(metric, predictions, y)(np.arange(len(y))))

    def over_rows(self, predictions: Array, y: Array) -> Callable[[Array], float]:
        return self._parts(self.task.metric, predictions, y)

    def _parts(self, metric: str, predictions: Array, y: Array) -> Callable[[Array], float]:
        """Return ``(rows) -> metric``, its counts made once."""
        if metric == "boundary_f1":
            found = self._counted("boundary", overlap.boundary_counts, predictions, y)
            return lambda rows: float(overlap.mean_known(overlap.boundary_f1(found[rows].sum(0))))
        counts = self.counts(predictions, y)
        return lambda rows: _CORPUS[metric](counts[rows])

    def counts(self, predictions: Array, y: Array) -> Array:
        """Return counts of pixels [n, k, k], true class by said class."""
        return self._counted("pixels", overlap.confusion, predictions, y)

    def _counted(self, what: str, count: Callable[[Array, Array, int], Array], predictions: Array, y: Array) -> Array:
        found = []
        for said, mask in zip(predictions, y, strict=True):
            key = (what, mask.digest, blake2b(said.tobytes(), digest_size=16).digest())
            if key not in self._kept:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = count(mask.read(), restored(said, mask.size), self.task.n_outputs)
            found.append(self._kept[key])
        return np.stack(found)

    def constant(self, labels: Array, n: int) -> tuple[str, Array]:
        """Return the commonest class everywhere."""
        commonest = int(np.sum([label.amounts for label in labels], axis=0).argmax())
        return "majority", np.full((n, self.size, self.size), commonest, np.uint8)

    def ranked(self, predictions: Array, labels: Array) -> Array:
        scores = self.scores(predictions, labels)
        order = np.argsort(scores, kind="stable")
        return order[scores[order] < 1]

    def told(self, prediction: Array, label: Mask) -> dict[str, Any]:
        score = float(self.scores(prediction[None], np.array([label], dtype=object))[0])
        names, size = self.task.classes, label.size
        amounts = np.bincount(restored(prediction, size).ravel(), minlength=len(names))[: len(names)]
        said = Mask("", size, tuple(map(int, amounts)), b"", label.load).words(names)
        return {"label": label.words(names), "prediction": f"{said}; IoU {100 * score:.1f}%"}

    def answers(self, predictions: Array, labels: Array | None = None) -> list[Any]:
        """Return the share of each class in words, of the picture alone where its size is known."""
        space = self.task.label_space
        if labels is None:
            return space.answers(predictions)
        return [space.answers(restored(one, mask.size)[None])[0] for one, mask in zip(predictions, labels, strict=True)]

    def records(self, dataset: Any, predictions: Array) -> list[dict[str, Any]]:
        space, found = self.task.label_space, []
        for row, said in enumerate(predictions):
            picture = dataset.raw([row])[0]
            whole = restored(said, (picture.height, picture.width))
            found.append({"prediction": space.answers(whole[None])[0], **space.details(whole)})
        return found

    def shown(self, raw: Any, prediction: Array, label: Mask) -> Any:
        return pictures.compared(raw, label.read(), restored(prediction, label.size))

    def by_class(self, predictions: Array, labels: Array) -> dict[str, Any]:
        counts = self.counts(predictions, labels)
        edges = self._counted("boundary", overlap.boundary_counts, predictions, labels).sum(0)
        whole = counts.sum(0)
        columns = {
            "IoU": overlap.iou(whole),
            "Dice": overlap.dice(whole),
            "boundary F1": overlap.boundary_f1(edges),
            "recall": _share(np.diagonal(whole), whole.sum(1)),
            "precision": _share(np.diagonal(whole), whole.sum(0)),
        }
        rows = [
            {"name": name, "n": int((counts[:, i].sum(1) > 0).sum())}
            | {column: None if np.isnan(values[i]) else float(values[i]) for column, values in columns.items()}
            for i, name in enumerate(self.task.classes)
        ]
        about = (
            "Of all pixels of the test pictures together, in the pictures' own size. IoU is the area that is right "
            "over the area that is true or said; Dice is twice the area that is right over the sum of both; boundary "
            f"F1 asks whether borders lie within {100 * overlap.TOLERANCE:g}% of a picture's diagonal of each other."
        )
        return {"n": len(labels), "about": about, "columns": list(columns), "rows": rows, "legend": pictures.LEGEND}

    def written(self, dataset: Any, predictions: Array, out: Any) -> bool:
        """Write a mask per picture (PNG, class numbers with a palette) where ``out`` is a folder."""
        if out is None or Path(out).suffix:
            return False
        pictures.write_masks(dataset, predictions, self.task.classes, Path(out), restored)
        return True


def restored(said: Array, size: tuple[int, int]) -> Array:
    """Return class numbers of the canvas [size, size] at a picture's own height and width."""
    height, width = size
    placement = plain_placement(said.shape[0], width, height)
    inside = Image.fromarray(np.ascontiguousarray(said[: placement.down, : placement.across]))
    return np.asarray(inside.resize((width, height), Image.Resampling.NEAREST))


def _soft_dice(outputs: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Return one minus the soft Dice of each picture [n], mean over the classes that it has."""
    shares = outputs.softmax(dim=1) * known.unsqueeze(1)
    wanted = F.one_hot(truth.clamp(min=0), outputs.shape[1]).permute(0, 3, 1, 2) * known.unsqueeze(1)
    both, sizes = (shares * wanted).sum((2, 3)), (shares + wanted).sum((2, 3))
    there = wanted.sum((2, 3)) > 0
    missed = torch.where(there, 1 - 2 * both / sizes.clamp(min=1e-6), 0.0)
    return missed.sum(1) / there.sum(1).clamp(min=1)


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


_CORPUS: dict[str, Callable[[Array], float]] = {
    "iou": lambda counts: float(overlap.mean_known(overlap.iou(counts)).mean()),
    "mean_iou": lambda counts: float(overlap.mean_known(overlap.iou(counts.sum(0)))),
    "dice": lambda counts: float(overlap.mean_known(overlap.dice(counts.sum(0)))),
    "pixel_accuracy": lambda counts: float(np.trace(counts.sum(0)) / max(counts.sum(), 1)),
}
check_names({*_CORPUS, "boundary_f1"}, Masks.metrics, "headstart.tasks.segmentation._CORPUS")
