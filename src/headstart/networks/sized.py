"""How large a network may be that a file asks for: counted without memory, and again while it is built."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from headstart.errors import UserError

MOST = 10_000_000_000
"""Parameters and buffers' numbers that a network may have (40 GB in float32)."""
MOST_TENSORS = 20_000
"""Parameters and buffers by count: a file of a hundred bytes can ask for a million layers."""
UNASKED = 300_000_000
"""Parameters up to which the file of weights is not asked: some builders make a head that is then replaced."""


@contextlib.contextmanager
def bounded(what: str | os.PathLike[str], weights: Path | None = None) -> Iterator[Callable[[], int]]:
    """Refuse to register more parameters than `MOST`, or than ``weights`` can hold, in this thread, while open.

    Yields
    ------
    a function that tells how many there are so far.

    Raises
    ------
    UserError
        As soon as one is too many; what follows is not made.
    """
    bytes_there = None if weights is None or not weights.is_file() else weights.stat().st_size
    me, seen, tensors, parameters = threading.get_ident(), 0, 0, 0

    def count(module: Any, name: str, value: Any, *, parameter: bool) -> None:
        nonlocal seen, tensors, parameters
        if threading.get_ident() != me or value is None:
            return
        try:
            n = value.numel()
        except (AttributeError, ValueError, RuntimeError):  # not known before its first batch
            return
        seen, tensors, parameters = seen + n, tensors + 1, parameters + n * parameter
        if seen > MOST or tensors > MOST_TENSORS:
            raise UserError(
                f"{what} asks for a network of more than {MOST:,} parameters or {MOST_TENSORS:,} tensors, and at most "
                "so many are built; take a smaller one, or mend the file if it was edited."
            )
        if bytes_there is not None and parameters > max(UNASKED, bytes_there):
            raise UserError(
                f"{what} asks for a network of more than {parameters:,} parameters, and {weights} holds "
                f"{bytes_there:,} bytes of them; the file is damaged or was edited."
            )

    hooks = [
        register_module_parameter_registration_hook(lambda *given: count(*given, parameter=True)),
        register_module_buffer_registration_hook(lambda *given: count(*given, parameter=False)),
    ]
    try:
        yield lambda: seen
    finally:
        for hook in hooks:
            hook.remove()


MOST_FITTED = 1_000
_FITTED: set[tuple[Any, ...]] = set()
"""What was measured in this process and was not too large: the description, the bytes of weights, the bounds."""


def measured(
    make: Callable[[], Any], what: str | os.PathLike[str], weights: Path | None = None, described: str | None = None
) -> None:
    """Build once without memory, on torch's meta device, so that a network that is too large takes none.

    Parameters
    ----------
    described : all that the network depends on, as text: what was measured before is not measured again.

    Raises
    ------
    UserError
        If it is too large. What else goes wrong there is raised where the network is large up to there, and left to the
        real building elsewhere: libraries ask meta tensors for numbers that they do not have.
    """
    size = None if weights is None or not weights.is_file() else weights.stat().st_size
    about = (described, size, MOST, MOST_TENSORS, UNASKED)
    if about in _FITTED:
        return
    with bounded(what, weights) as seen, torch.device("meta"):
        try:
            make()
        except Exception as error:
            if isinstance(error, UserError) or seen() > UNASKED:
                raise
    if described is not None and len(_FITTED) < MOST_FITTED:
        _FITTED.add(about)
