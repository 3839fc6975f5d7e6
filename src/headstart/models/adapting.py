"""Answers of a network that was moved by the rows it answers, and what is to be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from headstart import catalogue
from headstart.errors import UserError, nearest
from headstart.tasks import TaskLogic

BATCH = 64
FEW = 32
"""Rows below which their statistics say little."""


class Adapted(NamedTuple):
    """Answers [n, k] after and before, how many changed, and warnings."""

    after: np.ndarray
    before: np.ndarray
    changed: int
    warnings: list[str]


class Batches:
    """States of n rows in a drawn order and in batches of nearly equal size, fetched anew in every pass.

    Rows come sorted by class where files come folder by folder, and a batch of one class misleads every method at test
    time.
    """

    def __init__(self, fetch: Any, n: int, device: Any) -> None:
        self.fetch, self.device = fetch, device
        self.order = np.random.default_rng(0).permutation(n)

    def __iter__(self) -> Iterator[Any]:
        from headstart.engine.device import move

        for rows in np.array_split(self.order, -(-len(self.order) // BATCH)):
            yield move(self.fetch(rows, 0), self.device)


def method_of(name: str, logic: TaskLogic) -> Any:
    """Return the method at test time that ``name`` names.

    Raises
    ------
    UserError
        If there is none, or it does not serve this kind of task.
    """
    known = [entry.name for entry in catalogue.METHODS if entry.kind == "test_time"]
    if name not in known:
        raise UserError(f"--adapt {name[:100]} names no method at test time; {nearest(name, known)}")
    method = catalogue.create(name)
    if method.kinds is not None and logic.task.kind not in method.kinds:
        raise UserError(
            f"--adapt {name} serves {' or '.join(sorted(method.kinds))}, but this task is {logic.task.kind}; leave "
            "--adapt out."
        )
    return method


def outputs_after(network: Any, logic: TaskLogic, name: str, fetch: Any, n: int, device: Any) -> np.ndarray:
    """Return answers [n, k] of the network adapted by ``name`` to these rows; the network stays as it is."""
    import torch

    from headstart.deep.at_test_time import adapted

    method = method_of(name, logic)
    if n < 2:
        raise UserError(f"--adapt {name} adapts to many rows, but {n} was given; leave --adapt out.")
    batches = Batches(fetch, n, device)
    _, outputs = adapted(method, network, batches)
    found = logic.predict(torch.cat(outputs).float().cpu()).numpy()
    return found[np.argsort(batches.order)]


def compared(logic: TaskLogic, name: str, after: np.ndarray, before: np.ndarray) -> Adapted:
    """Return the answers with how many changed and what speaks against them."""
    space = logic.task.label_space
    new, old = ([str(answer) for answer in space.answers(values)] for values in (after, before))
    changed = sum(a != b for a, b in zip(new, old, strict=True))
    warnings, n = [], len(new)
    if n < FEW:
        warnings.append(f"--adapt {name} had only {n} rows to adapt to, whose statistics say little.")
    if space.of_classes and n > 1:
        there, now = effective(old), effective(new)
        shown, share = Counter(new).most_common(1)[0]
        if there <= max(1.5, len(space.names) / 4):
            warnings.append(
                f"The answers before adapting are of {there:.1f} classes of {len(space.names)}, weighed by their "
                f"shares, and --adapt {name} takes rows for a mix of classes as in training: a stream of few does "
                "harm; rather trust the column unadapted."
            )
        elif now <= there / 2:
            warnings.append(
                f"--adapt {name} put {share} of {n} answers into '{shown}', which before had {old.count(shown)}: "
                "adapting has collapsed; rather trust the column unadapted."
            )
    return Adapted(after, before, changed, warnings)


def effective(answers: list[str]) -> float:
    """Return the number of equally frequent answers that would be as diverse: exp of the entropy of their shares.

    Examples
    --------
    >>> effective(["a", "b"] * 3), effective(["a"] * 5)
    (2.0, 1.0)
    """
    shares = np.array(list(Counter(answers).values())) / len(answers)
    return round(float(np.exp(-(shares * np.log(shares)).sum())), 6)
