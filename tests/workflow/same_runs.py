"""Do six kinds of runs give the same results before and after a change that is to change none?

``python same_runs.py against COMMIT`` makes them with the code of a commit and with that of this checkout, on this
machine, and prints where they differ; exit code 1 where they do. ``record FILE`` and ``compare BEFORE AFTER`` do it in
two steps. What is compared: ``run.json`` and ``plan.json`` without moments, durations and versions, numbers to four
digits; predictions likewise; the names of all files; and the bits of weights. Nothing is recorded in the tree: other
processors and versions of libraries give other digits.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from comparing import TIMES, plain, where

KINDS = ("table", "regression", "pictures", "pretrain", "unlabelled", "few_labels")
ALSO_VARIES = {"created", "versions", "headstart"}
CODE = Path(__file__).resolve().parents[2]


def make_data(root: Path) -> None:
    """Write tables of two domains, with names, values and without labels, and pictures of two classes."""
    import numpy as np
    import pandas as pd
    from PIL import Image

    for number, name in enumerate(("source", "target")):
        x = np.random.default_rng(number).normal(size=(90, 3)) + 0.4 * number
        frame = pd.DataFrame(x.round(4), columns=["age", "height", "weight"])
        frame["colour"] = np.where(x[:, 2] > 0, "red", "green")
        frame.assign(price=(x[:, 0] - 2 * x[:, 1]).round(4)).to_csv(root / f"{name}-values.csv", index=False)
        frame.to_csv(root / f"{name}-unlabelled.csv", index=False)
        frame["label"] = np.where(x[:, 0] + x[:, 1] > 0.8 * number, "yes", "no")
        frame.to_csv(root / f"{name}.csv", index=False)
    for number in range(40):
        folder = root / "pictures" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 90, (12, 12)).astype(np.uint8)
        pixels[:, :: 2 + number % 2] += 100
        Image.fromarray(pixels).save(folder / f"{number}.png")


def make_run(kind: str) -> None:
    """Make one run in the working directory, in the folder of its name."""
    import headstart as hs

    given: dict[str, Any] = {"out": kind, "seed": 3, "quiet": True}
    if kind == "pretrain":
        hs.pretrain("data/source.csv", network="headstart/tabular", epochs=2, **given)
    elif kind == "table":
        hs.fit("data/target.csv", source="pretrain", method="finetune", epochs=3, seeds=2, **given)
    elif kind == "regression":
        arms = "scratch,probe,linear,finetune+l2sp"
        hs.fit("data/target-values.csv", label="price", source="pretrain", arms=arms, epochs=3, **given)
    elif kind == "pictures":
        hs.fit("data/pictures", source="headstart/glyphs", arms="scratch,probe,lp_ft", epochs=2, **given)
    elif kind == "unlabelled":
        hs.fit("data/target-unlabelled.csv", source_data="data/source.csv", target_labels="none", **given)
    elif kind == "few_labels":
        hs.fit("data/target.csv", source_data="data/source.csv", target_labels="learn", shots=5, **given)


def told(folder: Path) -> dict[str, Any]:
    """Return what of a run must stay as it is."""
    import pandas as pd

    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found: dict[str, Any] = {"files": [path.relative_to(folder).as_posix() for path in files]}
    for name in ("run.json", "plan.json"):
        found[name] = rounded(without(json.loads((folder / name).read_text())))
    if (folder / "predictions.parquet").exists():
        frame = pd.read_parquet(folder / "predictions.parquet")
        found["predictions"] = rounded(json.loads(frame.to_json(orient="split")))
    return found


def without(value: Any) -> Any:
    """Leave out moments, durations, versions, and digests of files that name classes by their modules."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if key not in ALSO_VARIES | TIMES}
        return {key: without(part) for key, part in kept.items() if not key.endswith(".json")}
    return [without(part) for part in value] if isinstance(value, list) else plain(value)


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.4g}") if abs(value) > 1e-9 else 0.0
    return value


def record(target: Path) -> None:
    """Make all runs in a new folder, with the package that Python finds, and write what they tell."""
    with tempfile.TemporaryDirectory() as made:
        os.environ["HEADSTART_CACHE"] = f"{made}/cache"
        root = Path(made, "runs")
        (root / "data").mkdir(parents=True)
        os.chdir(root)  # so that paths in results are the same
        make_data(root / "data")
        for kind in sorted(KINDS, key="pretrain".__ne__):  # the source of others
            make_run(kind)
            print(f"{kind}: made", file=sys.stderr, flush=True)
        target.write_text(json.dumps({kind: told(root / kind) for kind in KINDS}, indent=1))


def compare(before: Path, after: Path) -> int:
    """Print for every kind of run where it differs first; return how many do."""
    wanted, found = (json.loads(path.read_text()) for path in (before, after))
    different = 0
    for kind in sorted(wanted.keys() | found.keys()):
        parts = sorted(wanted.get(kind, {}).keys() | found.get(kind, {}).keys())
        wrong = [part for part in parts if found.get(kind, {}).get(part) != wanted.get(kind, {}).get(part)]
        for part in wrong:
            print(f"{kind} {part}: {where(found.get(kind, {}).get(part), wanted.get(kind, {}).get(part))}")
        if not wrong:
            print(f"{kind}: the same")
        different += bool(wrong)
    return different


def against(commit: str) -> int:
    """Record with the code of a commit and with this checkout's, then compare."""
    with tempfile.TemporaryDirectory() as made:
        tree, before, after = Path(made, "tree"), Path(made, "before.json"), Path(made, "after.json")
        tree.mkdir()
        packed = subprocess.run(["git", "-C", CODE, "archive", commit, "src"], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], input=packed, check=True)
        for code, target in ((tree, before), (CODE, after)):
            environment = os.environ | {"PYTHONPATH": str(code / "src"), "OMP_NUM_THREADS": "1"}
            subprocess.run([sys.executable, __file__, "record", target], check=True, env=environment)
        return compare(before, after)


def main() -> int:
    verb, *given = sys.argv[1:] or ["help"]
    if verb == "record" and len(given) == 1:
        record(Path(given[0]).absolute())
        return 0
    if verb == "compare" and len(given) == 2:
        return min(1, compare(*map(Path, given)))
    if verb == "against" and len(given) == 1:
        return min(1, against(given[0]))
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
