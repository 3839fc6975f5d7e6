"""The class "unknown" beside those that the source has."""

from __future__ import annotations

import numpy as np

from headstart.catalogue import UNKNOWN

Array = np.ndarray


def with_unknown(classes: Array, source: Array) -> Array:
    """Return the classes with one more behind them, "unknown": its word, or of numbers the next.

    Where labels of the target are known, the last class may be in them alone: then it is the unknown one.

    Parameters
    ----------
    classes : names or numbers, sorted. source : numbers of those that the source has.
    """
    absent = sorted(set(range(len(classes))) - set(source.tolist()))
    if absent == [len(classes) - 1]:
        return classes
    if absent:
        raise ValueError(
            f"The classes {', '.join(str(classes[i]) for i in absent)} have no source sample; all that the source does "
            "not know is one class, the last."
        )
    if classes.dtype.kind in "iu":
        return np.append(classes, classes[-1] + 1)
    if UNKNOWN in classes.tolist() or classes.dtype.kind not in "UO":
        raise ValueError(f"The answer '{UNKNOWN}' cannot stand beside the classes {classes.tolist()}.")
    return np.append(classes, UNKNOWN)
