"""A target with classes that have no sample: from a list of classes to a verdict and answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart.errors import UserError
from headstart.networks import open_source
from headstart.workflow.zero_shot.choosing import choose, class_means_of, harmonic, trials_of
from headstart.workflow.zero_shot.classes_file import name_vectors, read_classes

RNG = np.random.default_rng(0)
K, NEW = 10, 2
ATTRIBUTES = RNG.normal(size=(K + NEW, 4)).round(3)
NAMES = [f"kind {number:02d}" for number in range(K + NEW)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zero")
    y = np.repeat(np.arange(K), 10)
    x = ATTRIBUTES[y] @ RNG.normal(size=(4, 5)) + 0.5 * RNG.normal(size=(len(y), 5))
    frame = pd.DataFrame(x, columns=list("uvwxy")).assign(kind=[NAMES[number] for number in y])
    frame.to_csv(folder / "data.csv", index=False)
    listed = pd.DataFrame(ATTRIBUTES, columns=["a", "b", "c", "d"])
    listed.insert(0, "class", NAMES)
    listed.sample(frac=1, random_state=0).to_csv(folder / "classes.csv", index=False)
    source = hs.pretrain(
        frame.assign(kind=frame["u"] > 0),
        label="kind",
        network="headstart/tabular",
        epochs=1,
        out=folder / "source",
        quiet=True,
    )
    return folder, str(source.path)


def test_a_list_of_classes_leads_to_a_verdict_and_to_answers(files, tmp_path):
    folder, source = files
    run = hs.fit(
        folder / "data.csv", label="kind", classes=folder / "classes.csv", source=source, method="sae,eszsl",
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    assert list(run.arms) == ["sae", "eszsl", "seen_only"]
    assert run.verdict.baseline == "seen_only"
    assert run.result["task"]["classes"][:K] == NAMES[:K]
    told = run.result["zero_shot"]
    assert sorted(told["classes"]) == NAMES[K:]
    assert json.loads((run.path / "plan.json").read_text())["measured"] == told["measured"]
    assert len(told["measured"]) == 2
    for arm, one in told["accuracies"].items():
        assert one["harmonic"] == pytest.approx(harmonic(one["seen"], one["unseen"]))
        assert (one["unseen"] == 0) == (arm == "seen_only")
        if arm != "seen_only":
            sign = np.sign(told["settings"][arm]["calibration"])
            assert sign * one["uncalibrated"]["seen"] >= sign * one["seen"]
            assert sign * one["uncalibrated"]["unseen"] <= sign * one["unseen"]
    chosen = told["settings"]
    harmless = [arm for arm in ("sae", "eszsl") if chosen[arm]["gain"] > chosen[arm]["least"]]
    assert harmless, chosen
    assert run.verdict.arm == max(harmless, key=lambda arm: run.arms[arm]["validation"]["harmonic"])
    frame = pd.read_csv(folder / "data.csv")
    named = run.predict(frame[list("uvwxy")])
    assert (np.array(named) == frame["kind"]).mean() > 0.5
    assert "Classes without a sample" in (run.path / "report.html").read_text()
    assert any("harmonic" in line for line in run.lines())


def test_names_alone_are_told_by_their_words(tmp_path):
    np.savez(tmp_path / "words.npz", words=np.array(["red", "fox", "owl"]), vectors=np.eye(3))
    np.testing.assert_allclose(name_vectors(("Red_fox", "owl"), tmp_path / "words.npz"), [[0.5, 0.5, 0], [0, 0, 1]])
    (tmp_path / "names.csv").write_text("name\nowl\nred fox\n")
    classes, found, *_ = read_classes(tmp_path / "names.csv", ("owl",), str(tmp_path / "words.npz"))
    assert classes == ("owl", "red fox")
    assert found.tolist() == [[0, 0, 1], [0.5, 0.5, 0]]


def test_names_and_descriptions_are_read_by_a_text_encoder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "networks"))
    from text_models import WORDS, save_model

    save_model(tmp_path / "bert")
    first, second, *_ = [word for word in WORDS if word.isalpha()]
    (tmp_path / "list.csv").write_text(f"class,description\nx,{first}\ny,{second} {first}\n")
    spec = f"hf/{tmp_path / 'bert'}"
    classes, found, *_ = read_classes(tmp_path / "list.csv", ("y",), spec)
    assert classes == ("y", "x")
    network = open_source(spec).build()
    np.testing.assert_allclose(found[1], network.features(network.preprocess([first])).detach().numpy()[0], atol=1e-5)
    with pytest.raises(UserError, match="headstart/glyphs reads image data; give a source of texts"):
        read_classes(tmp_path / "list.csv", ("y",), "headstart/glyphs")


@pytest.mark.slow
def test_attributes_that_tell_nothing_hand_back_the_classes_with_samples_alone(files, tmp_path):
    folder, source = files
    listed = pd.read_csv(folder / "classes.csv")
    listed[["a", "b", "c", "d"]] = np.random.default_rng(5).normal(size=(len(listed), 4))
    listed.to_csv(tmp_path / "classes.csv", index=False)
    run = hs.fit(
        folder / "data.csv", label="kind", classes=tmp_path / "classes.csv", source=source, method="eszsl",
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    assert run.verdict.arm == run.verdict.baseline == "seen_only"
    assert "no method gains beyond chance" in run.result["guard"]["reason"]
    frame = pd.read_csv(folder / "data.csv")
    answers = run.predict(frame[list("uvwxy")])
    assert set(answers) <= set(NAMES[:K])
    assert (np.array(answers) == frame["kind"]).mean() > 0.9


def told_by(attributes, x, y, **more):
    aside = np.zeros(len(attributes), dtype=bool)
    trials = trials_of(x, y, 0, together=3)
    return choose("eszsl", x, y, attributes, trials, **{"aside": aside, "share": 0.5, "seed": 0} | more)


def test_settings_are_chosen_on_classes_that_were_not_learned():
    y = np.repeat(np.arange(9), 8)
    noise = np.random.default_rng(0).normal(size=(len(y), 6))
    found = told_by(np.concatenate([np.eye(9), np.full((1, 9), 0.1)]), noise, y)
    assert found.unseen < 0.5, "features that tell nothing promise nothing"
    assert found.gain < 0.1, "settings look better than they are where they were chosen"
    assert class_means_of(np.array([True, False, True]), np.array([0, 0, 1])) == 0.75


def test_classes_that_nobody_has_a_sample_of_answer_in_the_trials():
    """Near doubles of the unseen classes take their answers away: what can be reached is less, and told as less."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(9), 8)
    known = rng.normal(size=(9, 4))
    x = known[y] @ rng.normal(size=(4, 6)) + 0.3 * rng.normal(size=(len(y), 6))
    doubles = np.concatenate([known, known + 0.01 * rng.normal(size=known.shape)])
    alone, beside = told_by(known, x, y), told_by(doubles, x, y)
    assert alone.harmless
    assert beside.gain < alone.gain - 0.1
    aside = np.arange(18) >= 9
    assert told_by(doubles, x, y, aside=aside).gain > beside.gain + 0.1, "those that measure answer in no trial"


def test_every_class_is_once_unseen_and_a_few_at_a_time():
    x, y = np.random.default_rng(0).normal(size=(70, 3)), np.repeat(np.arange(14), 5)
    trials = trials_of(x, y, 0, together=3)
    unseen = [np.unique(y[one.asked[one.new]]) for one in trials]
    assert sorted(np.concatenate(unseen)) == list(range(14))
    assert {len(part) for part in unseen} <= {2, 3}
    for one in trials:
        assert not set(y[one.learned]) & set(y[one.asked[one.new]])
        assert not one.plain[one.new].any()


GOOD = "class,a,b\nx,1,2\ny,2,1\nz,3,3\n"
BAD = {
    "a class is lacking": ("class,a\nx,1\nz,2\n", "no row for the class 'y' of the data \\(1 of 2 lack one\\)"),
    "nothing new": ("class,a\nx,1\ny,2\n", "lists no class beyond those of the data"),
    "a word for a number": (
        GOOD.replace("2,1", "2,big"),
        "row 3 \\('y'\\), column 'b' is 'big'; a number was expected",
    ),
    "an empty cell": (GOOD.replace("2,1", "2,"), "row 3 \\('y'\\), column 'b' is empty; a number"),
    "no finite number": (GOOD.replace("2,1", "2,nan"), "column 'b' is 'nan'"),
    "a class twice": (GOOD + "z,4,4\n", "lists the class 'z' twice"),
    "a class without a name": (GOOD + ",4,4\n", "row 5 has no class"),
    "a short row": (GOOD + "w,4\n", "row 5 has 2 cells, and the header has 3"),
    "names alone": ("class\nx\ny\nz\n", "has names alone; add columns of attributes, or give --words"),
    "two alike": (GOOD.replace("3,3", "1,2"), "nothing tells 'z' from 'x'"),
    "no rows": ("class,a\n", "has 0 rows below its header"),
    "no CSV": ('class,a\n"x,1\n', "is no CSV file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_list_of_classes_is_one_sentence(tmp_path, name):
    text, message = BAD[name]
    (tmp_path / "classes.csv").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        read_classes(tmp_path / "classes.csv", ("x", "y"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ({"words": np.array(["x"])}, "no .npz file of 'words' and 'vectors'"),
        ({"words": np.array(["x"]), "vectors": np.ones((2, 3))}, "one row per word"),
        ({"words": np.array(["x"]), "vectors": np.ones((1, 3))}, "has no word of the class 'y'"),
    ],
)
def test_a_bad_table_of_words_is_one_sentence(tmp_path, content, message):
    if content is not None:
        np.savez(tmp_path / "words.npz", **content)
    with pytest.raises(UserError, match=message):
        name_vectors(("x", "y"), tmp_path / "words.npz")


OPTIONS = {
    "no list": ({"classes": "nowhere.csv"}, "nowhere.csv does not exist"),
    "another method": ({"method": "probe"}, "--method probe tells no class by its attributes"),
    "shots": ({"shots": 3}, "--shots has no meaning with --classes"),
    "a depth": ({"depth": 1}, "--depth has no meaning with --classes"),
    "no source": ({"source": None}, "name one with --source"),
    "words alone": ({"classes": None, "words": "w.npz"}, "--words tells the classes of --classes"),
    "templates that nobody reads": ({"classes": None, "prompts": "a {}"}, "has no side that reads texts"),
    "templates and no source": ({"classes": None, "prompts": "a {}", "source": None}, "name one with --source, or le"),
    "the nearest name among attributes": ({"method": "aligned"}, "here attributes or --words tell the classes"),
    "entailment without a model of it": ({"method": "entailed"}, "is for a source that tells entailment"),
    "a template without a name": ({"classes": None, "prompts": "a"}, "needs one {} where the class's name goes"),
    "templates in a race": ({"classes": None, "prompts": "a {}", "trials": 2}, "--prompts has no meaning in a race"),
    "source data": ({"source_data": "x.csv"}, "--classes has no meaning with --source-data"),
    "several tasks": (
        {"classes": None, "prompts": "a {}", "label": ["kind", "u"]},
        "--prompts has no meaning with s",
    ),
    "people": ({"task": "verification"}, "--classes has no meaning with --task verification: nobody has a class"),
    "values": ({"label": "u"}, "--classes is for data with one class per sample"),
    "a zero-shot method without a list": ({"classes": None, "method": "sae"}, "list them with --classes FILE"),
    "too few classes": ({"few": 5}, "has 5 classes with samples, and 6 are the least"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_has_no_meaning_is_one_sentence(files, tmp_path, name):
    folder, source = files
    change, message = OPTIONS[name]
    frame = pd.read_csv(folder / "data.csv")
    few = change.get("few")
    frame = frame[frame["kind"].isin(NAMES[:few])] if few else frame
    given = {"label": "kind", "classes": folder / "classes.csv", "source": source} | change
    given.pop("few", None)
    with pytest.raises(UserError, match=message):
        hs.fit(frame, out=tmp_path / "run", quiet=True, **given)
    assert not (tmp_path / "run").exists()
