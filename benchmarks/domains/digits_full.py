"""Digits, full protocol: ``python -m benchmarks.domains.digits_full [--seeds 0,1,2] [--methods ...] [--seconds N]``.

MNIST and USPS at 28 x 28 pixels: all training pictures of the source with labels, all training pictures of the target
without, scored once on the target's test split (10,000 of MNIST, 2,007 of USPS). Every method is trained as
``headstart fit --source headstart/pixels --method NAME`` trains it: the same convolutions, the same steps by the
data's size, nothing chosen. One record per cell is appended to ``results/digits_full``; a cell that is there, with as
many steps, is not run again. ``supervised`` is the same network trained on the target's own labelled training pictures.
``auto`` is the automatic choice among whatever of its field is expected to end within `BUDGET` seconds; its
trainings are kept in ``build/digits_full``, so that one that was stopped goes on (its CPU seconds are then those of
the last part alone, and the record says so: ``resumed``).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.domains import records
from benchmarks.domains.pairs import root
from headstart.choice.candidates import as_candidates
from headstart.choice.choosing import race_and_select
from headstart.choice.cost import beyond, cheapest_first
from headstart.choice.gain import Gain, from_json
from headstart.choice.heads import Heads
from headstart.choice.joint.face import JointClassifier
from headstart.choice.joint.plan import Plan
from headstart.choice.racing import outputs
from headstart.shallow.domains import Domains
from headstart.shallow.joining import join

Array = np.ndarray
GRID = (1, 28, 28)
NAME = "digits_full"
METHODS = {
    "erm": None,
    "mcc": None,
    "shot": None,
    "dann": None,
    "cdan": {"entropy": True},
    "mcd": None,
    "deepjdot": None,
}
SUPERVISED, AUTO = "supervised", "auto"
BUDGET = 1200.0
"""Expected seconds of the automatic choice: what three seeds of it and of the six methods leave of four hours."""

FIRST_STEPS = 1200
"""Of cells that do not say how many."""

STATE = Path(__file__).resolve().parents[2] / "build" / NAME


def enlarged(pictures: Array) -> Array:
    """Return pictures [n, h, w] of bytes as rows [n, 784] from 0 to 1."""
    sized = [np.asarray(Image.fromarray(one).resize(GRID[1:], Image.Resampling.BILINEAR)) for one in pictures]
    return np.stack(sized).reshape(len(pictures), -1).astype(np.float64) / 255


def domains() -> dict[str, dict[str, tuple[Array, Array]]]:
    """Return rows and labels of both sets' training and test splits."""
    out: dict[str, dict[str, tuple[Array, Array]]] = {}
    for letter, name in (("M", "mnist"), ("U", "usps")):
        stored = np.load(root() / name / f"{name}.npz")
        out[letter] = {
            part: (enlarged(stored[f"x_{part}"].reshape(-1, *stored[f"x_{part}"].shape[-2:])), stored[f"y_{part}"])
            for part in ("train", "test")
        }
    return out


def cell(
    method: str, source: tuple[Array, Array], target: Array, test: tuple[Array, Array], seed: int, state: Path
) -> Any:
    """Train one method and return its record's figures."""
    if method == AUTO:
        return chosen(source, target, test, seed, state)
    learnt, options = ("erm", None) if method == SUPERVISED else (method, METHODS.get(method))
    model = JointClassifier(method=learnt, options=options, standardise=False, grid=GRID, seed=seed)
    start = time.process_time()
    X, y, domain = join(source[0], source[1].astype(np.int64), target)
    model.fit(X, y, sample_domain=domain)
    seconds = time.process_time() - start
    found = records.scores(test[1], model.predict(test[0], sample_domain=np.full(len(test[1]), -1)), "classification",
                           rows=True)  # fmt: skip
    return found | {"seconds": round(seconds, 1), "n_source": len(source[1]), "n_target": len(target)}


def chosen(source: tuple[Array, Array], target: Array, test: tuple[Array, Array], seed: int, state: Path) -> Any:
    """Let the automatic choice race, and return its record's figures and what each candidate would have reached.

    What races is what is expected to fit, whatever the clock says: a busy machine changes nothing.
    """
    start, n_classes, resumed = time.process_time(), 10, state.exists()
    ones = np.ones(len(source[1]), dtype=np.int64)
    domains = Domains(source[0], source[1].astype(np.int64), target, np.full(len(target), -1), ones)
    heads = Heads(standardise=False, grid=GRID)
    ordered = cheapest_first(as_candidates(None, domains, False, heads), domains, n_classes, heads)
    dear = beyond(ordered, domains, n_classes, BUDGET, heads)
    field = [one for number, one in enumerate(ordered) if number not in dear]
    selection = race_and_select(
        domains, n_classes=n_classes, candidates=field, seed=seed, gain=held_out(), standardise=False, grid=GRID,
        state=state, on_done=lambda one: print(f"  {one.name}: {one.seconds:.0f} s {one.note}", flush=True),
    )  # fmt: skip
    answers = {}
    for one in selection.finished:
        blended = hasattr(one.model, "answer")
        found = (one.model.answer(test[0], selection.data) if blended
                 else outputs(one.model, test[0], selection.data, is_source=False))  # fmt: skip
        answers[one.name] = found.argmax(axis=1)
    kept = selection.finished[selection.chosen].name
    raced = [
        {"name": one.name, "seconds": round(one.seconds, 1), "gain": None if np.isnan(gain) else round(float(gain), 2)}
        | records.scores(test[1], answers[one.name], "classification", rows=False)
        for one, gain in zip(selection.finished, selection.gains, strict=True)
    ]
    found = records.scores(test[1], answers[kept], "classification", rows=True)
    said = {"kept": kept, "reason": selection.reason, "raced": raced}
    sizes = {"n_source": len(source[1]), "n_target": len(target)}
    spent = {"seconds": round(time.process_time() - start, 1), "resumed": resumed}
    return found | said | spent | sizes


def held_out() -> Gain:
    """Return the coefficients of the evidence that were learned without digits."""
    from benchmarks.domains.races import HELD_OUT

    return from_json(json.loads(HELD_OUT.read_text(encoding="utf-8"))["digits"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--methods", help="or others of the catalogue", default=",".join([*METHODS, SUPERVISED, AUTO]))
    parser.add_argument("--pairs", default="MU,UM")
    parser.add_argument("--seconds", type=float, default=1e9, help="no further cell is begun after them")
    options = parser.parse_args()
    end = time.time() + options.seconds
    there = {(*records.key(one), one.get("steps", FIRST_STEPS)) for one in records.read(NAME)}
    data = domains()
    for seed in map(int, options.seeds.split(",")):
        for method in options.methods.split(","):
            for a, b in options.pairs.split(","):
                about = {"benchmark": NAME, "pair": f"{a}->{b}", "library": "headstart", "method": method}
                about |= {"head": "own", "labels": 0, "seed": seed, "kind": "classification"}
                source = data[b if method == SUPERVISED else a]["train"]
                steps = Plan.of(Heads(standardise=False, grid=GRID)).steps(len(source[1]), len(data[b]["train"][1]))
                if (*records.key(about), steps) in there or time.time() > end:
                    continue
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = cell(method, source, data[b]["train"][0], data[b]["test"], seed,
                                 STATE / f"{a}{b}-{method}-{seed}-{steps}")  # fmt: skip
                whole = about | {"n_test": len(data[b]["test"][1]), "steps": steps} | found
                records.append(NAME, whole | records.about("numpy", "torch"))
                print(
                    f"{a}->{b} {method} seed {seed}: {100 * found['accuracy']:.1f}%, {found['seconds']} s", flush=True
                )


if __name__ == "__main__":
    main()
