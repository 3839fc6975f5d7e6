"""Charts as inline SVG. Colours are CSS classes of the page, so that they follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup

from headstart.report import format as fmt

Range = tuple[float, float]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most ``most`` + 1 round numbers inside [low, high].

    Examples
    --------
    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3.0, 47.0)
    [10.0, 20.0, 30.0, 40.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10 ** math.floor(math.log10(raw))
    step = power * next(nice for nice in (1, 2, 2.5, 5, 10) if nice * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(first * step + i * step, 12) for i in range(int((high - first * step) / step + 1e-9) + 1)]


def spread(values: Sequence[float], margin: float = 0.06) -> Range:
    """Return the range of the finite values with a margin; never empty."""
    finite = [v for v in values if fmt.is_number(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * 0.1 or 0.5
    return low - room, high + room


@dataclass(frozen=True)
class Frame:
    """A plotting area inside an SVG of ``width`` by ``height``, in the units of the data.

    Attributes
    ----------
    x, y : ranges of the data.
    label_x, label_y : what the axes show.
    share_x, share_y : whether an axis is a share, written in percent.
    """

    x: Range
    y: Range
    label_x: str = ""
    label_y: str = ""
    share_x: bool = False
    share_y: bool = False
    width: int = 440
    height: int = 280
    inset: tuple[int, int, int, int] = (26, 12, 40, 46)  # top, right, bottom, left

    def px(self, value: float) -> float:
        left, right = self.inset[3], self.width - self.inset[1]
        return round(left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (right - left), 1)

    def py(self, value: float) -> float:
        top, bottom = self.inset[0], self.height - self.inset[2]
        return round(bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * (bottom - top), 1)

    def axes(self) -> Markup:
        """Return grid lines, ticks and labels."""
        left, right, bottom = self.inset[3], self.width - self.inset[1], self.height - self.inset[2]
        parts = []
        for value in ticks(*self.y):
            y = self.py(value)
            parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
            parts.append(
                f'<text class="tick" x="{left - 7}" y="{y + 4}" text-anchor="end">{_tick(value, self.share_y)}</text>'
            )
        for value in ticks(*self.x):
            x = self.px(value)
            parts.append(f'<line class="mark" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}"/>')
            parts.append(
                f'<text class="tick" x="{x}" y="{bottom + 17}" text-anchor="middle">{_tick(value, self.share_x)}</text>'
            )
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        names = Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(
            right, self.height - 4, self.label_x
        )
        names += Markup('<text class="label" x="{}" y="12">{}</text>').format(0, self.label_y)
        return Markup("".join(parts)) + names

    def wrap(self, body: Markup, alt: str) -> Markup:
        """Return the whole SVG with ``alt`` as its text alternative."""
        return Markup(
            '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}" style="max-width:{}px">{}</svg>'
        ).format(alt, self.width, self.height, self.width, body)


def _tick(value: float, share: bool) -> str:
    return f"{100 * value:.3g}%" if share else fmt.plain(value).replace("-", "−")


@dataclass(frozen=True)
class Series:
    """One line: points, CSS class of its colour, and whether it is a faint repeat or dashed."""

    points: list[tuple[float, float]]
    colour: str
    classes: str = ""
    name: str = field(default="", compare=False)


def lines(frame: Frame, series: list[Series], alt: str) -> Markup:
    """Draw lines; a series of one point becomes a dot."""
    body = frame.axes()
    for one in series:
        body += Markup('<g class="{} {}">{}</g>').format(one.colour, one.classes, _stroke(frame, one))
    return frame.wrap(body, alt)


def _stroke(frame: Frame, series: Series) -> Markup:
    places = [(frame.px(x), frame.py(y)) for x, y in series.points]
    dots = places if len(places) == 1 else places[-1:]
    drawn = "".join(f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in dots)
    if len(places) > 1:
        drawn = f'<polyline class="line" points="{" ".join(f"{x},{y}" for x, y in places)}"/>' + drawn
    return Markup(drawn)


def whisker(value: float, bounds: Range | None, domain: Range, colour: str) -> Markup:
    """Draw a dot with its interval on ``domain``, in percent of the width it gets."""
    body = '<line class="rail" x1="0" x2="100%" y1="50%" y2="50%"/>' + _span(
        value, bounds, domain, ("50%", "25%", "75%")
    )
    return Markup('<svg class="whisker {}" aria-hidden="true">{}</svg>').format(colour, Markup(body))


def against_zero(value: float, bounds: Range | None, colour: str, said: str) -> Markup:
    """Draw a gain with its interval beside the line of no difference; ``said`` is written at the dot."""
    reach = max(abs(v) for v in (value, *(bounds or ()))) * 1.15 or 1.0
    low, high = min(0.0, value, *(bounds or ())), max(0.0, value, *(bounds or ()))
    domain = (-reach if low < 0 else -reach * 0.12, reach if high > 0 else reach * 0.12)
    zero, middle = place(0.0, domain), place(value, domain)
    body = Markup(
        '<line class="rail" x1="0" x2="100%" y1="36" y2="36"/>' + _span(value, bounds, domain, ("36", "29", "43"))
    )
    body += Markup(f'<line class="zero" x1="{zero}" x2="{zero}" y1="14" y2="58"/>')
    body += Markup(f'<text x="{zero}" y="74" text-anchor="{anchor(zero)}">no difference</text>')
    body += Markup('<text class="of" x="{}" y="18" text-anchor="middle">{}</text>').format(middle, said)
    return Markup('<svg class="whisker {}" aria-hidden="true">{}</svg>').format(colour, body)


def scale(domain: Range, write: Callable[[float], str]) -> Markup:
    """Draw the ticks of ``domain`` in percent of the width, to lie under a column of `whisker`."""
    parts = ['<line class="axis" x1="0" x2="100%" y1="1" y2="1"/>']
    for value in ticks(*domain, most=4):
        at = place(value, domain)
        parts.append(f'<line class="mark" x1="{at}" x2="{at}" y1="1" y2="5"/>')
        parts.append(f'<text x="{at}" y="19" text-anchor="{anchor(at)}">{write(value)}</text>')
    return Markup(f'<svg class="scale">{"".join(parts)}</svg>')


def place(number: float, domain: Range) -> str:
    """Return where ``number`` lies on ``domain`` in percent, held inside it."""
    return f"{100 * min(max((number - domain[0]) / (domain[1] - domain[0]), 0.0), 1.0):.2f}%"


def anchor(at: str) -> str:
    """Return the text anchor that keeps a label at ``at`` percent inside the picture."""
    share = float(at[:-1])
    return "start" if share < 12 else "end" if share > 88 else "middle"


def _span(value: float, bounds: Range | None, domain: Range, heights: tuple[str, str, str]) -> str:
    y, top, bottom = heights
    body = ""
    if bounds:
        low, high = (place(bound, domain) for bound in bounds)
        body += f'<line class="span" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        body += "".join(f'<line class="cap" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>' for x in (low, high))
    return body + f'<circle class="dot" cx="{place(value, domain)}" cy="{y}" r="5"/>'


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
            f'<g class="s-chosen"><line class="span thin" x1="{x}" x2="{x}" y1="{frame.py(one.interval[0])}" y2="{frame.py(one.interval[1])}"/>'
            f'<circle class="dot" cx="{x}" cy="{frame.py(one.right)}" r="{radius}">'
            f"<title>{one.n} predictions, confidence {fmt.percent(one.confidence)}, right {fmt.percent(one.right)}</title></circle></g>"
        )
    return frame.wrap(body, alt)


def wilson(right: float, n: int, z: float = 1.96) -> Range:
    """Return the 95% Wilson interval of a share ``right`` of ``n`` (Wilson, JASA 1927).

    Examples
    --------
    >>> tuple(round(b, 3) for b in wilson(0.5, 10))
    (0.237, 0.763)
    """
    middle, denominator = right + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(right * (1 - right) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / denominator), min(1.0, (middle + half) / denominator)


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
    body += Markup(
        f'<line class="ideal" x1="{frame.px(both[0])}" y1="{frame.py(both[0])}" x2="{frame.px(both[1])}" y2="{frame.py(both[1])}"/>'
    )
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
