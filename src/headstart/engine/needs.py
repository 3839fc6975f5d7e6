"""What a method needs is asked before the first step."""

from __future__ import annotations

from headstart.deep.method import NEEDS, Method
from headstart.engine.device import Place
from headstart.engine.streams import BatchStream
from headstart.errors import UserError


def require_needs(method: Method, stream: BatchStream, kind: str) -> None:
    """Refuse, in one sentence, a method whose batches would lack something, or that does not learn this kind of task.

    Raises
    ------
    UserError
    """
    name = type(method).__name__
    if method.kinds is not None and kind not in method.kinds:
        learned = " or ".join(sorted(method.kinds))
        raise UserError(f"{name} learns {learned}, but this task is {kind}; choose another method.")
    missing = [NEEDS[word] for word in NEEDS if word in method.needs - stream.gives]
    if missing:
        given = [NEEDS[word] for word in NEEDS if word in stream.gives] or ["nothing"]
        raise UserError(
            f"{name} needs {' and '.join(missing)}, but is given only {', '.join(given)}; "
            "give what is missing or choose another method."
        )
    if stream.shown < method.n_views:
        raise UserError(
            f"{name} needs {method.n_views} views of each sample in a batch, but is shown {stream.shown}; "
            "let the stream show more views or choose another method."
        )


def coupling(method: Method) -> str | None:
    """Return what couples the samples of a batch, the method or one of its penalties; None: nothing does."""
    parts = [method, *getattr(method, "penalties", ())]
    return next((type(part).__name__ for part in parts if part.couples), None)


def require_whole(method: Method, place: Place, parts: int) -> None:
    """Refuse to share or cut the batches of a method whose loss couples their samples: it would be another method.

    Raises
    ------
    UserError
    """
    name = coupling(method)
    if name is None:
        return
    if place.ranks > 1:
        raise UserError(
            f"{name} couples the samples of a batch, which {place.ranks} processes would share out; "
            "train it with one process or choose another method."
        )
    if parts > 1:
        raise UserError(
            f"{name} couples the samples of a batch, so a batch that does not fit into the memory of {place.device} "
            "cannot be cut into parts; choose a smaller --batch-size, a shallower --depth or another method."
        )
