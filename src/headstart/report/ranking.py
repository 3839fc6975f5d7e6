"""A ranking as a picture and as a page."""

from __future__ import annotations

import io
from typing import Any

from markupsafe import Markup

from headstart.report.format import plain
from headstart.report.html import environment

COLOURS = {"source": "#2563a8", "random": "#999999", "plain": "#999999"}


def draw(ranking: dict[str, Any]) -> str:
    """Return an SVG: mean rank with the interval of places, and each score's value, candidate by candidate."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "headstart"
    from matplotlib.figure import Figure

    rows, names = ranking["candidates"], ("knn", "linear_probe", "logme")
    figure = Figure(figsize=(10, 1.4 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True, width_ratios=(2, 1, 1, 1))
    places = range(len(rows))
    for place, row in zip(places, rows, strict=True):
        colour = COLOURS[row["kind"]]
        axes[0].plot(row["places"], [place, place], color=colour, linewidth=2)
        axes[0].plot(row["mean_rank"], place, "o", color=colour)
        for axis, name in zip(axes[1:], names, strict=True):
            axis.plot(row["scores"][name], place, "o", color=colour)
    axes[0].set_yticks(list(places), [f"{_short(row['name'])} · {row['stage']}" for row in rows], fontsize=8)
    axes[0].invert_yaxis()
    titles = ("mean rank, and 95% of places", "k-NN", "linear probe", "LogME")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(axis="x", alpha=0.3)
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    held = io.StringIO()
    figure.savefig(held, format="svg", metadata={"Date": None})
    return held.getvalue()


def _short(name: str, most: int = 48) -> str:
    """Return a name of at most ``most`` letters, its middle left out."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"


def page(ranking: dict[str, Any], picture: str) -> str:
    """Return a page that needs no network: what follows, the picture, and every score."""
    names = list(dict.fromkeys(name for row in ranking["candidates"] for name in row["scores"]))
    drawn = Markup(picture[picture.index("<svg") :])
    return environment().get_template("ranking.html").render(ranking=ranking, names=names, picture=drawn, plain=plain)
