"""The ground of the charts: inline SVG whose colours are CSS classes of the page, to follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    return [round(float(first * step + i * step), 12) for i in range(int((high - first * step) / step + 1e-9) + 1)]


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
