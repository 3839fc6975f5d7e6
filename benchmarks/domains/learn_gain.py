"""How evidence combines: race every pair, learn the gain leave-one-benchmark-out, report, and write the coefficients.

``python -m benchmarks.domains.learn_gain FOLDER`` followed by the names of benchmarks, among them those of `MADE`,
keeps each pair's race in FOLDER, so that a second run only learns. A benchmark's figures come from coefficients learned
without it; the three feature sets of Office-Caltech10 count as one benchmark, and so does each data set of the made
shifts. Those of `MADE` are there to learn on: no figure is reported on them. FOLDER gets ``gain.json``, which the
package ships, and ``held_out_gains.json``, which the benchmark reads.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains.development import films, pictures, spoken
from benchmarks.domains.pairs import Pair, pairs
from benchmarks.domains.shifts import shifts, shifts_values
from benchmarks.domains.tasks import has_units
from headstart.choice.candidates import as_candidates
from headstart.choice.choosing import combine, decide
from headstart.choice.gain import Gain, feature_names, features, from_json, learn, to_json
from headstart.choice.race import Ground, Raced, outputs, prepare, run
from headstart.shallow.domains import Domains

Array = np.ndarray
OFFICE = ("surf", "googlenet", "mobilenet")
MADE = {"shifts": shifts, "shifts_values": shifts_values, "spoken": spoken, "pictures": pictures, "films": films}


HELD_OUT = Path(__file__).resolve().with_name("held_out_gains.json")
"""The coefficients that a benchmark's own figures are made with: learned on all the others."""


def held_out(pair: Pair) -> Gain | None:
    """Return the coefficients learned without a pair's benchmark; None for the package's where it took no part."""
    stored = json.loads(HELD_OUT.read_text(encoding="utf-8")).get(group(pair))
    return None if stored is None else from_json(stored)


class Told:
    """A raced model that is kept as its outputs on the test rows only."""

    def __init__(self, test: Array) -> None:
        self.test, self.classes_ = test, np.arange(test.shape[1] if test.ndim == 2 else 0)

    def predict_proba(self, rows: Any, sample_domain: Any = None) -> Array:
        return self.test

    predict = predict_proba

    def __sklearn_tags__(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().__sklearn_tags__()  # they say that CSR rows are taken


def group(pair: Pair) -> str:
    """Return what counts as one benchmark when it is left out: sets of one data set's features are one."""
    if pair.benchmark in OFFICE:
        return "office"
    if pair.benchmark.startswith("amazon"):
        return "amazon"
    return pair.benchmark + (" " + pair.name.split()[0] if pair.benchmark.startswith("shifts") else "")


def raced(pair: Pair, folder: Path) -> tuple[Ground, list[Raced]]:
    """Race a pair, or read its race."""
    file = folder / f"{pair.benchmark}-{pair.name}.pkl".replace(" ", "_").replace(">", "")
    if file.exists():
        return pickle.loads(file.read_bytes())
    values = pair.kind == "regression"
    labels = pair.source_y.astype(np.float64) if values else pair.source_y
    hidden = np.full(pair.target_x.shape[0], np.nan if values else -1).astype(labels.dtype)
    numbers = np.ones(len(labels), dtype=np.int64) if pair.source_domain is None else pair.source_domain
    domains = Domains(pair.source_x, labels, pair.target_x, hidden, numbers)
    ground = prepare(domains, n_classes=0 if values else int(labels.max()) + 1, standardise=has_units(pair))
    kept = []
    for candidate in as_candidates(None, domains, values, ground.heads):
        one = run(ground, candidate)
        if not one.note:
            kept.append(one._replace(model=Told(outputs(one.model, pair.test_x, ground, is_source=False))))
    file.write_bytes(pickle.dumps((ground, kept)))
    return ground, kept


def score(pair: Pair, ground: Ground, one: Raced) -> float:
    """Return accuracy in points; for values minus the root mean squared error."""
    if isinstance(one.model, Told):
        answer = one.model.test
    else:
        answer = np.asarray(one.target) if pair.transductive else one.model.answer(pair.test_x, ground)
    if ground.regression:
        return -float(np.sqrt(np.mean((answer - pair.test_y) ** 2)))
    return 100 * float((answer.argmax(axis=1) == pair.test_y).mean())


def gain_over(pair: Pair, ground: Ground, ones: list[Raced], source_only: Raced) -> Array:
    """Return gains over source-only: points, or percent of the root mean squared error."""
    base = score(pair, ground, source_only)
    unit = -base / 100 if ground.regression else 1.0
    return np.array([(score(pair, ground, one) - base) / unit for one in ones])


def without(table: list[dict[str, Any]], left_out: str | None, names: tuple[str, ...]) -> Gain:
    rows = [one for one in table if one["group"] != left_out]
    found, gains = (np.concatenate([one[key] for one in rows]) for key in ("features", "gains"))
    return learn(found, gains, np.concatenate([[one["group"]] * len(one["gains"]) for one in rows]), names)


def main(folder: Path, benchmarks: list[str]) -> None:
    """Race, learn, report; write ``gain.json`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [pair for name in benchmarks for pair in (MADE[name]() if name in MADE else pairs(name))]
    table: list[dict[str, Any]] = []
    for pair in todo:
        ground, ones = raced(pair, folder)
        own = {"features": features(ground, ones)[1:], "gains": gain_over(pair, ground, ones[1:], ones[0])}
        table.append({"pair": pair, "ground": ground, "raced": ones, "group": group(pair), **own})
    names = feature_names(table[0]["ground"].regression)
    blends = []
    for one in table:
        gain = without(table, one["group"], names)
        mixed = combine(one["ground"], one["raced"], gain.predict(features(one["ground"], one["raced"])))
        found = features(one["ground"], mixed, one["raced"])
        gains = gain_over(one["pair"], one["ground"], mixed, one["raced"][0])
        blends.append({"group": one["group"], "features": found, "gains": gains})
    for one in table:
        gain = without(table + blends, one["group"], names)
        decided = decide(one["ground"], list(one["raced"]), gain)
        chosen = decided.finished[decided.chosen]
        base = score(one["pair"], one["ground"], one["raced"][0])
        got = gain_over(one["pair"], one["ground"], [chosen], one["raced"][0])[0]
        print(
            f"{one['pair'].benchmark} {one['pair'].name}: source-only {base:.1f}, {chosen.name} {got:+.1f}", flush=True
        )
    final = to_json(without(table + blends, None, names))
    (folder / "gain.json").write_text(json.dumps(final, indent=1) + "\n", encoding="utf-8")
    groups = sorted({one["group"] for one in table})
    each = {left: to_json(without(table + blends, left, names)) for left in groups}
    (folder / HELD_OUT.name).write_text(json.dumps(each) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
