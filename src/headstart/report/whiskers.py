"""Dots with intervals, in percent of the width they get, so that they stretch without scaling their text."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from headstart.report.charts import Range, ticks


def whisker(value: float, bounds: Range | None, domain: Range, colour: str, *, zero: bool = False) -> Markup:
    """Draw a dot with its interval on ``domain``, in percent of the width it gets; ``zero`` marks no difference."""
    body = '<line class="rail" x1="0" x2="100%" y1="50%" y2="50%"/>' + _span(
        value, bounds, domain, ("50%", "25%", "75%")
    )
    if zero:
        at = place(0.0, domain)
        body = f'<line class="zero" x1="{at}" x2="{at}" y1="0" y2="100%"/>' + body
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
    body += Markup(f'<line class="zero" x1="{zero}" x2="{zero}" y1="24" y2="58"/>')
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
