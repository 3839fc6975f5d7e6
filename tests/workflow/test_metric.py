"""`--metric` and `--class-weight`: what arms, epochs and the verdict go by, and whom the losses count."""

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.errors import UserError
from headstart.workflow.evaluate import evaluate


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """A rare class (a sixth) that two columns hint at."""
    rng = np.random.default_rng(2)
    y = (np.arange(600) % 6 == 0).astype(int)
    frame = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    frame["a"] += 1.2 * y
    frame["label"] = np.where(y, "rare", "usual")
    path = tmp_path_factory.mktemp("rare") / "rare.csv"
    frame.to_csv(path, index=False)
    hs.pretrain(path, network="headstart/tabular", label="label", out=path.parent / "source", epochs=2, quiet=True)
    return path


def fit(path, out, **options):
    source = str(path.parent / "source")
    arms = options.pop("arms", "scratch,probe")
    return hs.fit(path, source=source, label="label", arms=arms, epochs=2, out=out, quiet=True, **options)


@pytest.mark.slow
def test_the_verdict_is_of_the_metric_that_was_asked_for(rare, tmp_path):
    run = fit(rare, tmp_path / "run", metric="balanced_accuracy", class_weight="balanced")
    verdict, table = run.verdict, pd.read_parquet(run.path / "predictions.parquet")

    def balanced(arm):
        rows = table[table["arm"] == arm]
        return (rows["label"] == rows["prediction"]).groupby(rows["label"]).mean().mean()

    assert (verdict.metric, run.result["metric"], verdict.p) == ("balanced_accuracy", "balanced_accuracy", None)
    assert verdict.arm == "probe"
    assert verdict.gain == pytest.approx(balanced(verdict.arm) - balanced("scratch"))
    scores = {arm: one["validation"]["balanced_accuracy"] for arm, one in run.arms.items()}
    assert scores[run.result["guard"]["kept"]] == max(scores.values())
    for arm, one in run.arms.items():
        assert one["test"]["balanced_accuracy"] == pytest.approx(balanced(arm))
        assert one["interval"][0] <= one["test"]["balanced_accuracy"] <= one["interval"][1]
    found = evaluate(run.path, rare)
    assert found.metric == next(iter(found.metrics)) == "balanced_accuracy"
    assert "balanced accuracy" in (run.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_balanced_weights_find_the_rare_class(rare, tmp_path):
    recall = {}
    for name, weight in (("plain", None), ("balanced", "balanced")):
        run = fit(rare, tmp_path / name, class_weight=weight, arms="probe")
        rows = pd.read_parquet(run.path / "predictions.parquet")
        mine = rows[rows["label"] == "rare"]
        recall[name] = (mine["prediction"] == "rare").mean()
    assert recall["balanced"] > recall["plain"] + 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "rmse"}, "--metric rmse does not measure a classification; choose of accuracy, balanced_accuracy"),
        ({"metric": "balanced"}, "--metric 'balanced' is not known; did you mean 'balanced_accuracy'"),
        ({"class_weight": "even"}, "--class-weight 'even' is not known"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(options, words, rare, tmp_path):
    with pytest.raises(UserError, match=words):
        fit(rare, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()
