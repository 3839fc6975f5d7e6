"""The part of the page about time and memory, and the picture of the curves."""

from __future__ import annotations

from pathlib import Path

from benchmarks.domains import records
from benchmarks.domains.scale import CAP, ROWS, SETTINGS
from benchmarks.render import table

PICTURE = Path(__file__).resolve().parents[2] / "docs/images/domains_scale.svg"


def curve_table(found: list[records.Record]) -> str:
    """Return seconds and gigabytes against rows, one line a method."""
    by: dict[str, dict[int, records.Record]] = {}
    for record in found:
        by.setdefault(record["method"], {})[record["rows"]] = record
    lines = []
    for method, points in sorted(by.items()):
        line = [method]
        for rows in ROWS:
            record = points.get(rows)
            if record is None:
                line.append("")
            elif "failed" in record:
                line.append(record["failed"].replace("|", "/")[:60])
            else:
                line.append(f"{record['seconds']:.1f} s, {record['gigabytes']:.2f} GB")
        lines.append(line)
    return table(["rows per domain", *(f"{rows:,}" for rows in ROWS)], lines)


def draw(found: list[records.Record], path: Path = PICTURE) -> None:
    """Draw seconds and gigabytes against rows, logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "headstart"
    import matplotlib.pyplot as plt

    by: dict[str, list[records.Record]] = {}
    for record in sorted(found, key=lambda r: r["rows"]):
        if "failed" not in record:
            by.setdefault(record["method"], []).append(record)
    figure, axes = plt.subplots(1, 2, figsize=(11, 6), sharex=True)
    marks, colours = "osv^D<>Pp*h", plt.get_cmap("tab10").colors
    for i, (method, points) in enumerate(sorted(by.items())):
        x = [point["rows"] for point in points]
        style = {"marker": marks[i // 10 % len(marks)], "color": colours[i % 10], "markersize": 4, "linewidth": 1}
        axes[0].plot(x, [max(point["seconds"], 0.01) for point in points], label=method, **style)
        axes[1].plot(x, [max(point["gigabytes"], 0.001) for point in points], **style)
    for axis, word in zip(axes, ("CPU seconds", "peak memory above the data, GB"), strict=True):
        axis.set(xscale="log", yscale="log", xlabel="rows of each domain (64 features)", ylabel=word)
        axis.grid(alpha=0.3)
    axes[0].axhline(CAP, color="grey", linestyle=":")
    figure.legend(loc="outside lower center", ncols=8, fontsize=7, frameon=False)
    figure.tight_layout(rect=(0, 0.14, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _compared(name: str, folder: Path) -> list[list[str]]:
    lines = []
    for record in records.read(f"scale_{name}", folder):
        if "failed" in record:
            words = [record["failed"].replace("|", "/")[:80], "", ""]
        else:
            n = record["rows"]
            spread = 196 * (record["accuracy"] * (1 - record["accuracy"]) / n) ** 0.5
            accuracy = f"{100 * record['accuracy']:.1f} ± {spread:.1f}"
            words = [f"{record['seconds']:.2f}", f"{record['gigabytes']:.2f}", accuracy]
        lines.append([record["method"], record["pair"], record["library"], *words])
    return sorted(lines)


def ratio(folder: Path = records.RESULTS) -> str:
    """Return TCA's ratio of CPU seconds, skada's by ours, and whether it is won."""
    found = {r["library"]: r for r in records.read("scale_tca", folder) if r["method"] == "tca"}
    if {"headstart", "skada"} - set(found) or "failed" in found["headstart"]:
        return "TCA at 2,000 + 2,000 against skada's: not measured yet.\n"
    ours, theirs = found["headstart"], found["skada"]
    if "failed" in theirs:
        most = SETTINGS["tca"][3] / ours["seconds"]
        said = f"ours took {ours['seconds']} s (a ratio of more than {most:.0f})"
        return f"TCA at 2,000 + 2,000: skada's {theirs['failed']}; {said}.\n"
    times = theirs["seconds"] / ours["seconds"]
    word = "won" if times >= 20 else "**LOST**"
    difference = 100 * (ours["accuracy"] - theirs["accuracy"])
    return (
        f"TCA at 2,000 + 2,000: {theirs['seconds']:.1f} s by skada, {ours['seconds']:.1f} s by Headstart, a ratio of "
        f"{times:.0f} (aim 20): {word}. Accuracy {difference:+.1f} points to skada's.\n"
    )


def parts(folder: Path = records.RESULTS) -> list[str]:
    """Return the lines of the page."""
    found = records.read("scale", folder)
    head = ["method", "size", "library", "CPU s", "GB above the data", "accuracy, %"]
    lines = [line for name in SETTINGS for line in _compared(name, folder)]
    out = [ratio(folder), table(head, lines) if lines else ""]
    if found:
        draw(found)
        out += ["![time and memory against rows](../../docs/images/domains_scale.svg)\n", curve_table(found)]
    return out
