"""How well models withstand inputs that are moved against them."""

from __future__ import annotations

from typing import Any

from headstart.report import format as fmt
from headstart.report.folder import RunFolder
from headstart.report.sections import title_of


def robustness(folder: RunFolder) -> dict[str, Any] | None:
    """One row per model: the metric as it is and under each attack; None where nothing was attacked."""
    found = folder.run.get("robustness")
    if not found:
        return None
    kept, metric = (folder.run.get("guard") or {}).get("kept"), found["metric"]
    return {
        "epsilon": fmt.plain(found["epsilon"], 2),
        "n": fmt.count(found["n"]),
        "metric": metric.replace("_", " "),
        "attacks": [f"{name}, {steps} step{'s' if steps > 1 else ''}" for name, steps in found["attacks"].items()],
        "rows": [
            {
                "title": title_of(folder.run, arm),
                "name": arm,
                "kept": arm == kept,
                "values": [fmt.score(metric, values.get(name)) for name in ("clean", *found["attacks"])],
            }
            for arm, values in found["arms"].items()
        ],
    }
