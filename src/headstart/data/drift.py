"""Numbers that lie far from all that a model learned from: another unit, a shifted point, an empty column."""

from __future__ import annotations

import numpy as np

from headstart.data.frame import Frame

FAR = 10.0
"""Standard deviations: at most 1% of any column lies farther from its mean (Chebyshev)."""
MOST = 0.5
"""Share of a column's values from which on it is said."""
NEAR = 0.02
"""Share of the learned size below which a whole column is far too small."""
ENOUGH = 20
"""Values, half of them different, that it takes to say so."""


def drift_warnings(frame: Frame, name: str, values: np.ndarray, usual: tuple[float, float]) -> list[str]:
    """Return a sentence where most of a column's values are far larger than those that were learned from, all are far
    smaller, or none is there.

    Parameters
    ----------
    values : [n], NaN where missing. usual : mean and standard deviation of the rows that were learned from.
    """
    mean, spread = usual
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        said = f"The column '{name}' is empty in all {len(values)} rows, and counts as missing throughout."
        return [said] if len(values) > 1 else []
    found = values[there]
    far = np.abs(found - mean) > FAR * spread
    learned = f"the model learned from {mean:.4g} on average, give or take {spread:.4g}"
    if far.sum() > MOST * len(found):
        row = int(there[np.flatnonzero(far)[0]])
        return [
            f"{far.sum()} of {len(found)} values of the column '{name}' lie far from all that was learned from (first "
            f"{values[row]:.4g} in {frame.row_names(np.array([row]))[0]}; {learned}): is it in another unit?"
        ]
    small = np.abs(found).max() < NEAR * max(abs(mean), spread)
    if small and len(found) >= ENOUGH and len(np.unique(found)) * 2 >= len(found):
        return [
            f"All {len(found)} values of the column '{name}' are far smaller than those that were learned from (the "
            f"largest {np.abs(found).max():.4g}; {learned}): is it in another unit?"
        ]
    return []
