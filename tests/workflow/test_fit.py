"""The road end to end on small real targets."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import headstart as hs
from headstart.workflow.predict import predict_files


@pytest.fixture(scope="module")
def digits_run(digits_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    return hs.fit(digits_folder, source="headstart/glyphs", out=out, epochs=2, seeds=2, quiet=True)


def test_letters_help_digits(digits_run):
    assert digits_run.verdict.kind == "positive"
    assert digits_run.arms[digits_run.result["chosen"]]["test"]["accuracy"] > 0.9


def test_the_run_says_what_the_schema_promises(digits_run):
    result = digits_run.result
    assert result == json.loads((digits_run.path / "run.json").read_text())
    assert result["setting"]["scenario"] == "inductive"
    assert set(result["setting"]) >= {"scenario", "space", "carries", "reasons"}
    for arm in result["arms"].values():
        assert set(arm) >= {"validation", "test", "seconds", "trainable_parameters"}
        assert arm["frozen"].get("unchanged", True)
    assert set(result["verdict"]) >= {"kind", "metric", "gain", "interval", "p", "n_test"}
    assert result["verdict"]["n_test"] == 150
    assert set(result["guard"]) >= {"kept", "reason"}
    assert result["plan"]["reasons"]
    assert set(result["data"]) >= {"fingerprint", "counts", "damaged", "duplicates"}
    assert result["data"]["selection"] == "3-fold cross-validation"


def test_a_gain_is_the_difference_of_the_arms_in_the_predictions_file(digits_run):
    frame = pq.read_table(digits_run.path / "predictions.parquet").to_pandas()
    right = (frame.label == frame.prediction).groupby(frame.arm).mean()
    kept = digits_run.result["guard"]["kept"]
    assert digits_run.verdict.arm == kept
    assert digits_run.verdict.gain == pytest.approx(right[kept] - right["scratch"])
    assert set(frame.split) == {"test"}


def test_the_model_read_back_predicts_what_the_run_wrote(digits_run, digits_folder):
    kept = digits_run.result["guard"]["kept"]
    frame = pq.read_table(digits_run.path / "predictions.parquet").to_pandas()
    files = sorted((digits_folder / "test").rglob("*.png"))
    model = hs.load(digits_run.path).model
    probabilities = model.predict_proba([str(file) for file in files])
    written = {
        seed: {row.name_: row.probabilities for row in part.rename(columns={"name": "name_"}).itertuples()}
        for seed, part in frame[frame.arm == kept].groupby("seed")
    }
    names = [str(file.relative_to(digits_folder)) for file in files]
    gaps = [
        max(np.abs(p - values[name]).max() for p, name in zip(probabilities, names, strict=True))
        for values in written.values()
    ]
    assert min(gaps) < 1e-5


def test_predict_writes_csv_and_parquet(digits_run, digits_folder, tmp_path):
    for name, read in (("p.csv", pd.read_csv), ("p.parquet", pd.read_parquet)):
        predict_files(digits_run.path, [str(digits_folder / "test" / "1")], out=tmp_path / name)
        frame = read(tmp_path / name)
        assert len(frame) == 30
        assert (frame.prediction.astype(str) == "1").mean() > 0.8


def test_evaluate_matches_classes_by_name(digits_run, digits_folder, tmp_path):
    from headstart.workflow.evaluate import evaluate

    whole = evaluate(digits_run.path, digits_folder)
    assert whole.n == 150
    for digit in ("1", "2"):
        (tmp_path / "two" / digit).mkdir(parents=True)
        for file in (digits_folder / "test" / digit).iterdir():
            (tmp_path / "two" / digit / file.name).write_bytes(file.read_bytes())
    part = evaluate(digits_run.path, tmp_path / "two")
    assert part.n == 60
    assert part.metrics["accuracy"] > 0.8


def test_every_arm_left_a_learning_curve(digits_run):
    records = [json.loads(line) for line in (digits_run.path / "metrics.jsonl").read_text().splitlines()]
    assert {"scratch", digits_run.result["chosen"]} <= {record["arm"] for record in records}
    assert all(np.isfinite(record["train_loss"]) for record in records)


def test_a_finished_run_is_a_source(digits_run, digits_folder, tmp_path):
    run = hs.fit(
        digits_folder, source=str(digits_run.path), out=tmp_path / "next", method="probe", arms="probe", quiet=True
    )
    assert run.result["source"]["kind"] == "run"
    assert run.result["shift"]["n_source"] > 0
    assert run.verdict.gain is None


def test_the_same_seed_gives_the_same_bits(few_digits, tmp_path):
    weights = []
    for name in ("one", "two"):
        hs.fit(few_digits, source="headstart/glyphs", out=tmp_path / name, epochs=1, arms="chosen", quiet=True)
        weights.append((tmp_path / name / "model" / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_a_source_that_hurts_is_told_and_the_better_arm_handed_back(tmp_path):
    """A source trained too fast on shuffled labels, and then frozen, is far worse than learning from scratch."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(560, 6))
    columns = [f"c{i}" for i in range(6)]
    target = pd.DataFrame(x, columns=columns).assign(label=np.where(x[:, 0] * x[:, 1] > 0, "yes", "no"))
    source = target.assign(label=rng.permutation(target.label))
    hs.pretrain(source, network="headstart/tabular", out=tmp_path / "bad", epochs=5, learning_rate=0.3, quiet=True)
    run = hs.fit(
        target,
        source=str(tmp_path / "bad"),
        method="probe",
        arms="scratch,probe",
        epochs=10,
        out=tmp_path / "run",
        quiet=True,
    )
    assert run.result["guard"]["kept"] == run.verdict.arm == "scratch"
    assert (run.verdict.kind, run.verdict.gain) == ("none", 0.0)
    assert run.verdict.planned.kind == "negative"
    assert run.verdict.planned.gain < -0.1
    assert run.verdict.sentence.startswith(
        "nothing was gained: training from scratch is handed back; the planned probe"
    )
    assert "does not help" in run.result["guard"]["reason"]
    assert "Nothing was gained" in (run.path / "report.html").read_text(encoding="utf-8")
    assert "**nothing was gained**" in (run.path / "model" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("task", "n", "arms"),
    [
        ("classification", 520, None),
        pytest.param("regression", 150, "scratch,chosen", marks=pytest.mark.slow),
        pytest.param("multilabel", 520, "scratch,linear,probe", marks=pytest.mark.slow),
    ],
)
def test_tables_of_every_task(task, n, arms, tmp_path):
    """Of 520 rows some validate; 150 are judged by folds."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    if task == "classification":
        frame["label"] = np.where(x[:, 0] > 0, "up", "down")
    elif task == "regression":
        frame["label"] = 10 + 3 * x[:, 0] + 0.1 * rng.normal(size=n)
    else:
        frame["label"] = [[n for n, v in zip("pq", row[:2], strict=True) if v > 0] for row in x]
    hs.pretrain(frame, network="headstart/tabular", out=tmp_path / "source", epochs=1, task=task, quiet=True)
    more = {} if arms is None else {"arms": arms}
    run = hs.fit(frame, source=str(tmp_path / "source"), task=task, out=tmp_path / "run", epochs=1, quiet=True, **more)
    assert run.result["task"]["kind"] == task
    assert run.verdict.metric == {"classification": "accuracy", "regression": "mae", "multilabel": "samples_f1"}[task]
    assert np.isfinite(run.verdict.gain)
    for arm in run.result["arms"].values():
        assert arm["frozen"].get("unchanged", True)
        assert 0 <= arm["interval"][0] <= arm["test"][run.verdict.metric] <= arm["interval"][1]
    assert len(run.model.predict(frame.head(3))) == 3
    assert (run.path / "report.html").stat().st_size > 10_000
