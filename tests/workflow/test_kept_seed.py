"""Of several seeds one network is kept: what the report shows of it is its own."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import headstart as hs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three draws of three rows per class, of which a later one is the best on validation."""
    root = tmp_path_factory.mktemp("seeds")
    rng = np.random.default_rng(5)
    x = rng.normal(size=(900, 4))
    frame = pd.DataFrame(x, columns=list("abcd")).assign(label=np.where(x[:, 0] + x[:, 1] > 0, "yes", "no"))
    hs.pretrain(frame[:300], network="headstart/tabular", out=root / "source", epochs=1, quiet=True)
    return hs.fit(
        frame[300:],
        source=str(root / "source"),
        method="probe",
        arms="chosen",
        shots=3,
        seeds=3,
        out=root / "run",
        quiet=True,
    )


def test_the_seed_that_is_kept_is_the_best_on_validation(run):
    seeds = run.result["arms"]["probe"]["seeds"]
    scores = {one["seed"]: one["validation"]["accuracy"] for one in seeds}
    assert run.result["guard"]["seed"] == max(scores, key=lambda seed: scores[seed])
    assert min(scores.values()) < max(scores.values())
    assert run.result["guard"]["seed"] != seeds[0]["seed"]


def test_the_mistakes_shown_are_those_of_the_seed_that_is_kept(run):
    written = pq.read_table(run.path / "predictions.parquet").to_pandas()
    its_own = written[written.seed == run.result["guard"]["seed"]].set_index("name")
    shown = json.loads((run.path / "evidence" / "mistakes.json").read_text())["items"]
    assert shown
    for item in shown:
        assert item["confidence"] == pytest.approx(its_own.loc[item["name"], "confidence"])
        assert item["prediction"] == its_own.loc[item["name"], "prediction"]
