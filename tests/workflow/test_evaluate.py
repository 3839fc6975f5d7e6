"""An evaluation remembers what the run learned from, applies no rule meant for training, and tells overlap."""

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.errors import UserError
from headstart.workflow.evaluate import evaluate
from headstart.workflow.pretrain import pretrain

N = 90
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=N), RNG.normal(size=N)
TRUTH = A + B > 0
FRAME = pd.DataFrame({
    "a": A, "b": B, "zip": pd.Categorical([f"0{i % 3}" for i in range(N)]), "target": "x",
    "disease": np.where(TRUTH, "yes", "no"),
})  # fmt: skip
NEW = FRAME.assign(a=FRAME.a + 1e-3)  # "target" would be taken for the label if none were remembered


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return pretrain(FRAME, label="disease", network="headstart/tabular", epochs=8, out=folder / "r", quiet=True)


def through(frame, door, folder):
    if door == "frame":
        return frame
    path = folder / f"new.{door}"
    if door == "jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        getattr(frame, f"to_{door}")(path, index=False)
    return path


@pytest.mark.parametrize("door", ["csv", "parquet", "jsonl", "frame"])
def test_the_label_is_remembered_and_every_reader_gives_the_same_answers(run, door, tmp_path):
    whole = evaluate(run.path, FRAME.assign(a=FRAME.a + 1e-3))
    found = evaluate(run.path, through(NEW, door, tmp_path))
    assert found.metrics["accuracy"] == whole.metrics["accuracy"] > 0.7
    assert found.n == N
    assert not found.warnings


def test_a_run_stands_for_its_folder(run):
    assert hs.evaluate(run, NEW) == hs.evaluate(str(run.path), NEW)
    assert hs.load(run).result == run.result


def test_overlap_with_what_was_learned_is_told_with_its_share(run, tmp_path):
    used = sum(run.result["data"]["splits"][name] for name in ("train", "validation"))
    for door in ("frame", "csv"):
        (told,) = evaluate(run.path, through(FRAME, door, tmp_path)).warnings
        assert f"{used} of the {N} samples ({used / N:.1%})" in told
    assert str(used) in "\n".join(evaluate(run.path, FRAME).lines())


ODD = {
    "three rows": NEW[:3],
    "one row": NEW[:1],
    "one class": NEW[NEW.disease == "no"],
    "an empty column": NEW.assign(a=None),
    "a column of one value": NEW.assign(a=1.0),
    "one sample of a class": pd.concat([NEW[NEW.disease == "no"], NEW[NEW.disease == "yes"][:1]]),
    "numbers that look like row numbers": NEW.assign(b=np.arange(N)),
    "classes in another order": NEW[::-1],
    "a row without any value but the code": NEW.assign(a=[np.nan, *NEW.a[1:]], b=[np.nan, *NEW.b[1:]]),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("door", ["csv", "parquet", "frame"])
def test_no_rule_of_training_is_applied(run, kind, door, tmp_path):
    found = evaluate(run.path, through(ODD[kind], door, tmp_path))
    assert found.n == len(ODD[kind])
    assert np.isfinite(list(found.metrics.values())).all()


def test_only_the_test_split_counts_where_there_is_one(run):
    parts = ["train"] * 60 + ["test"] * 30
    assert evaluate(run.path, NEW.assign(split=parts)).n == 30
    assert evaluate(run.path, NEW.assign(split=["train"] * 60 + ["val"] * 30)).n == 30  # the part that is held out
    assert evaluate(run.path, NEW.assign(split="train")).n == N


def test_a_class_that_the_run_does_not_know_is_named_with_its_row(run, tmp_path):
    odd = NEW.assign(disease=["perhaps", *NEW.disease[1:]])
    with pytest.raises(UserError, match=r"does not know \(perhaps\).*new.csv row 2.*knows: no, yes"):
        evaluate(run.path, through(odd, "csv", tmp_path))


def test_another_label_can_be_named_and_a_lacking_one_is(run):
    assert evaluate(run.path, NEW.rename(columns={"disease": "seen"}), label="seen").n == N
    with pytest.raises(UserError, match="--label"):
        evaluate(run.path, NEW.rename(columns={"disease": "seen"}))
    with pytest.raises(UserError, match="'b' that the model needs"):
        evaluate(run.path, NEW.drop(columns="b"))


def test_drift_is_told_by_evaluate_and_by_predict(run):
    odd = NEW.assign(zip="none of these")
    (told,) = evaluate(run.path, odd).warnings
    assert "'zip'" in told
    with pytest.warns(UserWarning, match="'zip'"):
        run.model.predict(odd)


NUMBERS = {
    "ones and zeros": np.where(TRUTH, 1, 0),
    "as floats": np.where(TRUTH, 1.0, 0.0),
    "minus one": np.where(TRUTH, 1, -1),
    "leading zeros": np.where(TRUTH, "01", "1"),
    "truth": TRUTH,
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_labels_of_numbers_are_matched_through_every_reader(kind, tmp_path):
    frame = FRAME.drop(columns=["target", "disease", "zip"]).assign(outcome=NUMBERS[kind])
    run = pretrain(frame, label="outcome", network="headstart/tabular", epochs=8, out=tmp_path / "r", quiet=True)
    first = evaluate(run.path, frame).metrics
    assert first["accuracy"] > 0.7
    for door in ("csv", "parquet", "jsonl"):
        assert evaluate(run.path, through(frame, door, tmp_path)).metrics == first


@pytest.mark.parametrize("offset", [1e9, *(pytest.param(one, marks=pytest.mark.slow) for one in (0.0, 1e7, 1e12))])
def test_a_regression_far_from_zero_is_learned_like_one_near_it(offset, tmp_path):
    frame = pd.DataFrame({"a": A, "b": B, "y": 3 * A - B + offset})
    run = pretrain(frame, label="y", network="headstart/tabular", epochs=20, out=tmp_path / "r", quiet=True)
    found = evaluate(run.path, frame.assign(a=frame.a + 1e-6))
    assert found.metrics["r2"] > 0.5


UNITS = {
    "metres for centimetres": (lambda x: 175 + 10 * x, lambda x: x / 100, "lie far from all that was learned from"),
    "centimetres for metres": (lambda x: 1.75 + 0.1 * x, lambda x: 100 * x, "lie far from all that was learned from"),
    "thousands for ones": (lambda x: np.exp(x) * 40_000, lambda x: x / 1000, "are far smaller than"),
    "around nought, larger": (lambda x: x, lambda x: 100 * x, "lie far from all that was learned from"),
    "around nought, smaller": (lambda x: x, lambda x: x / 1000, "are far smaller than"),
}


@pytest.fixture(scope="module", params=UNITS)
def measured(request, tmp_path_factory):
    made, other, words = UNITS[request.param]
    frame = FRAME[["a", "b", "disease"]].assign(size=made(B))
    options = {"network": "headstart/tabular", "epochs": 1, "seed": 1, "quiet": True}
    out = tmp_path_factory.mktemp("units") / "r"
    return pretrain(frame, label="disease", out=out, **options), frame, other, words


def test_a_column_in_another_unit_is_named(measured, tmp_path):
    run, frame, other, words = measured
    same = frame.assign(a=frame.a + 1e-3)
    new = same.assign(size=other(frame["size"]))
    for door in ("csv", "frame"):
        assert not evaluate(run.path, through(same, door, tmp_path)).warnings
        (told,) = evaluate(run.path, through(new, door, tmp_path)).warnings
        assert "'size'" in told
        assert words in told
    with pytest.warns(UserWarning, match=rf"'size' {words}|values of the column 'size' {words}"):
        run.model.predict(new)


def test_one_row_outside_of_many_is_no_drift_and_a_lone_one_is(run):
    assert not evaluate(run.path, NEW.assign(a=[1e6, *NEW.a[1:]])).warnings
    (told,) = [w for w in evaluate(run.path, NEW[:1].assign(a=1e6)).warnings if "far" in w]
    assert "1 of 1 values of the column 'a' lie far" in told


def test_an_empty_column_is_said(run):
    (told,) = evaluate(run.path, NEW.assign(a=None)).warnings
    assert "'a' is empty in all 90 rows" in told
    assert not evaluate(run.path, NEW.assign(a=[np.nan] * 40 + [*NEW.a[40:]])).warnings


def test_empty_class_folders_are_left_out_and_said(tmp_path):
    from PIL import Image

    for number in range(24):
        path = tmp_path / "data" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 60 * (1 + number % 3), (28, 28)).astype(np.uint8)).save(path)
    options = {"network": "headstart/glyphs", "epochs": 1, "quiet": True}
    found = pretrain(tmp_path / "data", out=tmp_path / "r", **options)
    (tmp_path / "new" / "a").mkdir(parents=True)
    (tmp_path / "new" / "b").mkdir()
    (tmp_path / "new" / "later").mkdir()  # no class of the model's, and nothing in it
    with pytest.raises(UserError, match=r"No class folder of .* has a sample"):
        evaluate(found.path, tmp_path / "new")
    for number in range(3):
        pixels = RNG.integers(0, 200, (28, 28)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "new" / "b" / f"{number}.png")
    value = evaluate(found.path, tmp_path / "new")
    assert value.n == 3
    assert "without a sample are left out: 'a', 'later'." in value.warnings[0]
    assert "2 of the model's 3 classes have no sample here" in value.warnings[1]
    for part in ("train", "test"):
        (tmp_path / "split" / part / "b").mkdir(parents=True)
    (tmp_path / "split" / "train" / "a").mkdir()
    for part in ("train/b", "test/b"):
        Image.fromarray(pixels).save(tmp_path / "split" / part / "x.png")
    assert evaluate(found.path, tmp_path / "split").n == 1
    (tmp_path / "data" / "a" / "d").mkdir()
    with pytest.raises(UserError, match="has no samples; fill it or remove it"):
        pretrain(tmp_path / "new", out=tmp_path / "r2", **options)


@pytest.mark.parametrize("mark", ["|", ";", ","])
def test_the_separator_of_classes_is_that_of_the_run(mark, tmp_path):
    tags = [["war"], ["love", "new; old"], ["war", "love"]] if mark == "|" else [["war"], ["love"], ["war", "love"]]
    frame = FRAME[["a", "b"]].assign(tags=[mark.join(tags[i % 3]) for i in range(N)])
    options = {"network": "headstart/tabular", "epochs": 1, "quiet": True, "task": "multilabel"}
    run = pretrain(frame, label="tags", out=tmp_path / "r", **options)
    whole = evaluate(run.path, frame.assign(a=frame.a + 1e-3))
    assert run.result["task"]["separator"] == mark
    few = frame[frame.tags.isin([tags[0][0], mark.join(tags[1])])].assign(a=frame.a + 1e-3)
    assert evaluate(run.path, few).n == 60
    if mark == "|":  # alone, these cells hold nothing but the other sign
        lone = few.assign(tags="new; old")
        assert evaluate(run.path, lone).n == 60
    other = ";" if mark == "|" else "|"
    with pytest.raises(UserError, match=rf"split at '\{mark}' as the run's own were"):
        evaluate(run.path, frame.assign(tags=[other.join(tags[2])] * N))
    assert whole.n == N
