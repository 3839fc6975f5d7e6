"""Learning curves of every arm."""

from __future__ import annotations

from typing import Any

import numpy as np

from headstart.kinds import ERRORS
from headstart.report import charts
from headstart.report import format as fmt
from headstart.report.folder import RunFolder
from headstart.report.sections import colours, metric_of, title_of


def curves(folder: RunFolder) -> dict[str, Any] | None:
    """Validation score and loss of every arm against the epoch."""
    if not folder.metrics:
        return None
    colour, metric = colours(folder.run), metric_of(folder.run)
    paths = _paths(_told(folder.metrics, metric))
    order = [name for name in folder.run.get("arms", {}) if any(key[0] == name for key in paths)]
    if not order:
        return None
    quantities = {
        "score": ("validation_score", f"validation {fmt.title(metric)}", metric in fmt.SHARES),
        "loss": ("validation_loss", "loss: validation solid, training dashed", False),
    }
    drawn = {}
    for key, (column, label, share) in quantities.items():
        series = _series(paths, column, colour, "")
        if key == "loss":
            series += _series(paths, "train_loss", colour, "dashed")
        if series:
            drawn[key] = _curve(series, label, share, [title_of(folder.run, name) for name in order])
    legend = [(colour[name], title_of(folder.run, name)) for name in order]
    return {"charts": drawn, "legend": legend, "repeats": max(_repeats(paths).values())} if drawn else None


Key = tuple[str, int, int]


def _told(lines: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Give errors their own sign back: as scores they are negative, so that higher is better."""
    if metric not in ERRORS:
        return lines
    scores = [line.get("validation_score") for line in lines]
    return [
        line | {"validation_score": -score} if fmt.is_number(score) else line
        for line, score in zip(lines, scores, strict=True)
    ]


def _paths(lines: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    """Group lines by arm, seed and fold, with ``at``: epochs counted on through the stages."""
    paths: dict[Key, list[dict[str, Any]]] = {}
    for line in lines:
        key = (str(line.get("arm")), line.get("seed") or 0, -1 if line.get("fold") is None else line["fold"])
        path = paths.setdefault(key, [])
        said = line.get("epoch")
        epoch = said if fmt.is_number(said) else len(path) + 1
        last = path[-1] if path else None
        changed = last is not None and (line.get("stage") != last.get("stage") and epoch <= last["raw"])
        offset = last["at"] if last is not None and changed else (last["offset"] if last else 0.0)
        path.append(line | {"raw": epoch, "offset": offset, "at": epoch + offset})
    return paths


def _repeats(paths: dict[Key, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for arm, _, _ in paths:
        counts[arm] = counts.get(arm, 0) + 1
    return counts


def _series(
    paths: dict[Key, list[dict[str, Any]]], column: str, colour: dict[str, str], classes: str
) -> list[charts.Series]:
    """One faint line per repeat (seed or fold) and a strong one for their mean where all have a value."""
    series = []
    for arm in dict.fromkeys(key[0] for key in paths):
        if arm not in colour:
            continue
        repeats = [
            [(line["at"], line[column]) for line in path if fmt.is_number(line.get(column))]
            for key, path in paths.items()
            if key[0] == arm
        ]
        repeats = [points for points in repeats if points]
        if len(repeats) > 1:
            series += [charts.Series(points, colour[arm], f"{classes} faint") for points in repeats]
            repeats = [_mean(repeats)]
        series += [charts.Series(points, colour[arm], classes) for points in repeats if points]
    return series


def _mean(repeats: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Return the mean line: repeats are read between their points, and one that stopped early keeps its last value."""
    lines = [tuple(np.array(sorted(points)).T) for points in repeats]
    grid = np.unique(np.concatenate([xs for xs, _ in lines]))
    grid = grid[grid >= max(xs[0] for xs, _ in lines)]
    mean = np.mean([np.interp(grid, xs, ys) for xs, ys in lines], axis=0)
    return list(zip(grid.tolist(), mean.tolist(), strict=True))


def _curve(series: list[charts.Series], label: str, share: bool, names: list[str]) -> Any:
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    low, high = charts.spread(ys)
    if share:
        low, high = max(low, 0.0), min(high, 1.0) if high > low else 1.0
    frame = charts.Frame((min(0.0, min(xs)), max(max(xs), 1.0)), (low, high), "epoch", label, share_y=share)
    return charts.lines(frame, series, f"{label} by epoch for {', '.join(names)}")
