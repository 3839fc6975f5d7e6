"""A target that takes no part: `fit --method unseen` with several sources."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from headstart.choice.joint import plan
from headstart.errors import UserError
from headstart.workflow.fit import fit
from headstart.workflow.run import load


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 6)
    monkeypatch.setattr(plan, "MOST_STEPS", 6)


def table(path, seed, shift, n=40):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, 3)) + 2.5 * np.eye(3)[y] + [0, 0, shift]
    pd.DataFrame(X, columns=list("abc")).assign(mood=np.array(["calm", "wild"])[y]).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def tables(tmp_path):
    return [table(tmp_path / f"{name}.csv", seed, seed) for seed, name in enumerate(("s1", "s2", "s3", "target"))]


@pytest.mark.slow
def test_the_choice_among_methods_for_an_unseen_target_leaves_sources_out(tables, tmp_path):
    *sources, target = tables
    run = fit(target, source_data=sources, label="mood", method="unseen", out=tmp_path / "run", quiet=True)
    across = run.result["across"]
    names = [one["name"] for one in across["candidates"]]
    assert names == ["source_only", "erm", "irm", "vrex", "group_dro", "mixstyle", "weight_averaging"]
    assert all(0 < one["scores"]["left_out"] <= 1 and one["test"] is not None for one in across["candidates"])
    assert across["validators"] == {}
    assert "left out in turn" in run.result["data"]["selection"]
    assert run.verdict.n_test == 40
    assert "No row of the target took part" in (run.path / "report.html").read_text()
    assert set(load(run.path).model.predict(pd.read_csv(target).drop(columns="mood"))) <= {"calm", "wild"}


@pytest.mark.slow
def test_another_target_changes_nothing_of_the_choice(tables, tmp_path):
    *sources, target = tables
    run = fit(target, source_data=sources, label="mood", method="unseen", out=tmp_path / "run", quiet=True)
    across = run.result["across"]
    other = table(tmp_path / "other.csv", 9, 50.0)
    again = fit(other, source_data=sources, label="mood", method="unseen", out=tmp_path / "again", quiet=True)
    scores = [[one["scores"] for one in part["candidates"]] for part in (across, again.result["across"])]
    assert json.dumps(scores[0]) == json.dumps(scores[1])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "unseen", "keep": 1}, "give two --source-data or more"),
        ({"method": "unseen,mcc"}, "give unseen alone"),
        ({"method": "erm,irm", "target_labels": "learn"}, "leave one of the two out"),
    ],
)
def test_what_an_unseen_target_rules_out_is_one_sentence(tables, tmp_path, options, told):
    *sources, target = tables
    sources = sources[: options.pop("keep", 3)]
    with pytest.raises(UserError, match=told):
        fit(target, source_data=sources, label="mood", out=tmp_path / "run", quiet=True, **options)
    assert not (tmp_path / "run").exists()
