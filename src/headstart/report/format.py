"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from headstart.errors import check_names
from headstart.kinds import METRICS, SHARES

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "roc_auc": "area under the ROC curve",
    "average_precision": "average precision",
    "micro_f1": "micro F1",
    "samples_f1": "F1 per sample",
    "subset_accuracy": "exact label sets",
    "hamming_loss": "wrong labels (Hamming loss)",
    "log_loss": "log loss",
    "ece": "calibration error (ECE)",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
}
check_names(TITLES, {name for row in METRICS.values() for name in row}, "headstart.report.format.TITLES")
DASH = "–"


def title(metric: str) -> str:
    """Return a metric's name in words."""
    return TITLES.get(metric, metric.replace("_", " "))


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether ``value`` is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any, digits: int = 3) -> str:
    """Format to ``digits`` significant digits, without exponents where a person would write none.

    Examples
    --------
    >>> plain(0.012345), plain(1234.5), plain(12.0), plain(None)
    ('0.0123', '1,234', '12', '–')
    """
    if not is_number(value):
        return DASH
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -5 <= size <= 9:
        return f"{value:.{digits - 1}e}"
    text = f"{value:,.{max(digits - 1 - size, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: Any) -> str:
    """Format a share in [0, 1] as a percentage with one decimal.

    Examples
    --------
    >>> percent(0.9412), percent(1.0)
    ('94.1%', '100%')
    """
    if not is_number(share):
        return DASH
    text = f"{100 * share:.1f}"
    return (text[:-2] if text in ("100.0", "0.0") and share in (0, 1) else text) + "%"


def sure(share: Any) -> str | None:
    """Format a confidence; certainty is written only where it is exact.

    Examples
    --------
    >>> sure(0.912), sure(0.99999), sure(None)
    ('91.2%', 'over 99.9%', None)
    """
    if not is_number(share):
        return None
    return "over 99.9%" if 0.9995 <= share < 1 else percent(share)


def score(metric: str, value: Any) -> str:
    """Format the value of ``metric``: a share as a percentage, anything else to three digits."""
    return percent(value) if metric in SHARES else plain(value)


def interval(metric: str, bounds: Any) -> str:
    """Format an interval of ``metric`` as "92.8 to 95.3%"; a dash where there is none."""
    if not bounds or len(bounds) != 2 or not all(is_number(b) for b in bounds):
        return DASH
    if metric in SHARES:
        return f"{100 * bounds[0]:.1f} to {percent(bounds[1])}"
    return f"{plain(bounds[0])} to {plain(bounds[1])}"


def signed(metric: str, value: Any) -> str:
    """Format a gain: percentage points for shares, the metric's own unit otherwise, with its sign."""
    if not is_number(value):
        return DASH
    number = f"{100 * abs(value):.1f}" if metric in SHARES else plain(abs(value))
    sign = "" if not number.strip("0.") else ("+" if value > 0 else "−")
    return sign + number


def gain_unit(metric: str) -> str:
    """Return the words after a gain: "points of accuracy", "lower mean absolute error"."""
    return f"points of {title(metric)}" if metric in SHARES else f"in {title(metric)} (positive is better)"


def p_value(p: Any) -> str:
    """Format a p value with its relation.

    Examples
    --------
    >>> p_value(1e-9), p_value(0.0342), p_value(1.0)
    ('p < 0.001', 'p = 0.034', 'p = 1.00')
    """
    if not is_number(p):
        return "p not computed"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def duration(seconds: Any) -> str:
    """Format seconds.

    Examples
    --------
    >>> duration(0.31), duration(41.2), duration(95), duration(7320)
    ('0.3 s', '41 s', '1 min 35 s', '2 h 2 min')
    """
    if not is_number(seconds):
        return DASH
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(number: Any) -> str:
    """Format a count with thousands separated.

    Examples
    --------
    >>> count(1497), count(None)
    ('1,497', '–')
    """
    return f"{number:,.0f}" if is_number(number) else DASH


def amount(number: Any) -> str:
    """Format a large count briefly.

    Examples
    --------
    >>> amount(640), amount(12810), amount(2223872)
    ('640', '12.8 k', '2.22 M')
    """
    if not is_number(number):
        return DASH
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
