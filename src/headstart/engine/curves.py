"""The learning curve: which evaluation is the best, when to stop, when over-fitting sets in."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any


@dataclass
class Curve:
    """Evaluations so far. The best has the highest score; among equal scores, the lowest loss; then the first.

    Parameters
    ----------
    patience : evaluations without a better one after which training stops; None: never.
    """

    patience: int | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best: tuple[float, float] | None = None
    waited: int = 0

    def add(self, record: dict[str, Any]) -> bool:
        """Append an evaluation; return whether it is the best so far."""
        self.history.append(record)
        score, loss = record["validation_score"], record["validation_loss"]
        if score is None:
            return False
        rank = (score, -loss)
        better = self.best is None or rank > self.best
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best, self.best_step = rank, record["step"]
        return better

    @property
    def exhausted(self) -> bool:
        """Whether patience is used up."""
        return self.patience is not None and self.waited >= self.patience

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Curve:
        curve = cls(**value)
        curve.best = None if curve.best is None else (curve.best[0], curve.best[1])
        return curve


def overfitting(history: list[dict[str, Any]], span: int = 3) -> str | None:
    """Return a sentence when the training loss fell and the validation loss rose ``span`` evaluations in a row."""
    last = [record for record in history if record["validation_loss"] is not None][-span - 1 :]
    if len(last) <= span:
        return None
    pairs = list(pairwise(last))
    falling = all(after["train_loss"] < before["train_loss"] for before, after in pairs)
    rising = all(after["validation_loss"] > before["validation_loss"] for before, after in pairs)
    if not (falling and rising):
        return None
    low = min((record for record in history if record["validation_loss"] is not None), key=_loss)
    first, now = last[0], last[-1]
    return (
        f"Over-fitting since epoch {first['epoch']:.1f}: the training loss fell to {now['train_loss']:.3g} while the "
        f"validation loss rose to {now['validation_loss']:.3g} (lowest {low['validation_loss']:.3g} at epoch "
        f"{low['epoch']:.1f})."
    )


def _loss(record: dict[str, Any]) -> float:
    return record["validation_loss"]
