"""Reliability diagram, feature map, predicted against true, histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from headstart.functional.intervals import wilson
from headstart.report import format as fmt
from headstart.report.charts import Frame, Range, spread


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence: mean confidence, share that was right, its interval, and how many."""

    confidence: float
    right: float
    interval: Range
    n: int


def reliability(bins: list[Bin], alt: str) -> Markup:
    """Draw share right against confidence with intervals; the diagonal is perfect calibration."""
    frame = Frame((0, 1), (0, 1), "confidence", "share that was right", True, True, width=400, height=360)
    body = frame.axes()
    body += Markup(f'<line class="ideal" x1="{frame.px(0)}" y1="{frame.py(0)}" x2="{frame.px(1)}" y2="{frame.py(1)}"/>')
    most = max((b.n for b in bins), default=1)
    for one in bins:
        x, radius = frame.px(one.confidence), round(3 + 6 * math.sqrt(one.n / most), 1)
        body += Markup(
            f'<g class="s-chosen"><line class="span thin" x1="{x}" x2="{x}" '
            f'y1="{frame.py(one.interval[0])}" y2="{frame.py(one.interval[1])}"/>'
            f'<circle class="dot" cx="{x}" cy="{frame.py(one.right)}" r="{radius}">'
            f"<title>{one.n} predictions, confidence {fmt.percent(one.confidence)}, "
            f"right {fmt.percent(one.right)}</title></circle></g>"
        )
    return frame.wrap(body, alt)


def bins(confidence: np.ndarray, right: np.ndarray, count: int = 15) -> list[Bin]:
    """Group predictions into ``count`` equal-width bins of confidence, as the calibration error does."""
    number = np.minimum((confidence * count).astype(int), count - 1)
    found = []
    for which in np.unique(number):
        inside = number == which
        share, n = float(right[inside].mean()), int(inside.sum())
        found.append(Bin(float(confidence[inside].mean()), share, wilson(share, n), n))
    return found


def cloud(
    points: np.ndarray, colours: list[str], titles: list[str], labels: list[tuple[float, float, str]], alt: str
) -> Markup:
    """Draw points [n, 2] without axes (their directions mean nothing), with class names at ``labels``."""
    low, high = points.min(0), points.max(0)
    room = np.where(high > low, (high - low) * 0.05, 1.0)
    frame = Frame(
        (low[0] - room[0], high[0] + room[0]), (low[1] - room[1], high[1] + room[1]), height=400, inset=(4, 4, 4, 4)
    )
    body = Markup("")
    for (x, y), colour, title in zip(points, colours, titles, strict=True):
        inner = Markup("<title>{}</title>").format(title) if title else ""
        body += Markup('<circle class="{}" cx="{}" cy="{}" r="3.4">{}</circle>').format(
            colour, frame.px(x), frame.py(y), inner
        )
    names = Markup("").join(
        Markup('<text class="halo" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            frame.px(x), frame.py(y) + 4, name
        )
        for x, y, name in labels
    )
    return frame.wrap(Markup('<g class="cloud">{}</g>{}').format(body, names), alt)


def against(true: np.ndarray, predicted: np.ndarray, target: str, alt: str) -> Markup:
    """Draw predicted against true values; the diagonal is a perfect prediction."""
    both = spread([*true.tolist(), *predicted.tolist()])
    frame = Frame(both, both, f"true {target}", f"predicted {target}", width=400, height=360)
    body = frame.axes()
    ends = f'x1="{frame.px(both[0])}" y1="{frame.py(both[0])}" x2="{frame.px(both[1])}" y2="{frame.py(both[1])}"'
    body += Markup(f'<line class="ideal" {ends}/>')
    dots = "".join(
        f'<circle cx="{frame.px(x)}" cy="{frame.py(y)}" r="3"/>' for x, y in zip(true, predicted, strict=True)
    )
    return frame.wrap(body + Markup(f'<g class="s-chosen fill">{dots}</g>'), alt)


def histogram(values: np.ndarray, label: str, alt: str) -> Markup:
    """Draw how often each size of ``values`` occurs, with a line at zero."""
    counts, edges = np.histogram(values, bins=min(24, max(6, round(math.sqrt(len(values)) * 1.5))))
    frame = Frame(
        (float(edges[0]), float(edges[-1])),
        (0, float(counts.max()) * 1.08),
        label,
        "test samples",
        width=400,
        height=360,
    )
    body = frame.axes()
    bars = "".join(
        f'<rect x="{frame.px(a) + 0.5}" y="{frame.py(n)}" width="{max(frame.px(b) - frame.px(a) - 1, 0.5):.1f}" '
        f'height="{max(frame.py(0) - frame.py(n), 0):.1f}"/>'
        for n, a, b in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )
    zero = f'<line class="zero" x1="{frame.px(0)}" x2="{frame.px(0)}" y1="{frame.inset[0]}" y2="{frame.py(0)}"/>'
    inside = edges[0] <= 0 <= edges[-1]
    return frame.wrap(body + Markup(f'<g class="s-chosen fill">{bars}</g>{zero if inside else ""}'), alt)
