"""`rank`: which source first, how sure that is, and whether any is worth it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart import cli
from headstart.engine.maps import POOLED
from headstart.errors import UserError
from headstart.networks import open_source, save_network
from headstart.scores import COMBINED, Terms
from headstart.workflow.ranking.judging import best_stage
from headstart.workflow.ranking.rank import some_rows


@pytest.fixture(scope="module", autouse=True)
def no_library():
    """What other tests have fitted is no past gain here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_LIBRARY", "off")
        yield


@pytest.fixture(scope="module")
def ranked(digits_folder):
    return hs.rank(digits_folder, "headstart/glyphs", quiet=True)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A table of classes, one of values, and a run that learned from a related one."""
    root = tmp_path_factory.mktemp("rank")
    for name, seed in (("source", 1), ("target", 2)):
        x = np.random.default_rng(seed).normal(size=(120, 4))
        frame = pd.DataFrame(x, columns=list("abcd"))
        frame["label"] = np.where(np.sin(2 * x[:, 0]) + x[:, 1] > 0, "yes", "no")
        frame.to_csv(root / f"{name}.csv", index=False)
        frame.assign(label=x[:, 0] ** 2 + x[:, 1]).to_csv(root / f"{name}_values.csv", index=False)
    hs.pretrain(root / "source.csv", network="headstart/tabular", out=root / "runs" / "run", epochs=2, quiet=True)
    return root


def test_glyphs_lead_random_weights_and_pixels_on_digits(ranked):
    assert ranked.judged[0].kind == "source"
    assert {one.name for one in ranked.judged} == {
        "headstart/glyphs", "raw pixels", "random weights of headstart/glyphs",
    }  # fmt: skip
    assert ranked.n == 25
    best = ranked.best
    assert best.scores["static"] == 0.9414
    assert {"mmd", "proxy_a", "label_overlap", "h_score"} <= set(best.scores)
    assert best.scores["label_overlap"] == 0
    text = "\n".join(ranked.lines())
    for words in (
        "mean rank of k-NN, linear probe and LogME",
        "on texts 5.0 and 6.6, hardly better than chance",
        "25 training samples",
    ):
        assert words in " ".join(text.split())


def test_another_stage_counts_only_if_it_is_clearly_better():
    rng = np.random.default_rng(0)
    usual = (rng.random(200) < 0.7).astype(float)
    luck, better = usual.copy(), usual.copy()
    luck[np.flatnonzero(usual == 0)[:6]], luck[np.flatnonzero(usual)[:5]] = 1, 0
    better[np.flatnonzero(usual == 0)[:20]] = 1
    found = {POOLED: Terms(usual), "layer1": Terms(luck)}
    assert best_stage(found) == POOLED
    assert best_stage(found | {"layer2": Terms(better)}) == "layer2"


def test_only_training_samples_are_read(ranked, digits_folder):
    dataset = hs.open(digits_folder)
    targets = dataset.targets.copy()
    turned = dataset.stored(dataset.splits["test"])
    targets[turned] = (targets[turned] + 1) % 5
    again = hs.rank(replace(dataset, targets=targets), "headstart/glyphs", quiet=True)
    assert _without_speed(again) == _without_speed(ranked)


def _without_speed(found):
    value = found.to_json()
    for row in value["candidates"]:
        row.pop("features_per_second")
    return value


def test_the_same_features_cannot_be_told_apart(digits_folder, tmp_path):
    save_network(open_source("headstart/glyphs").build(), None, tmp_path / "twin")
    found = hs.rank(digits_folder, ["headstart/glyphs", str(tmp_path / "twin")], quiet=True)
    assert found.before(*found.sources) == 0.5
    assert found.tied == [found.sources[1]]
    assert "do not tell it from" in " ".join(found.lines())
    assert {one.name for one in found.sources} == {"headstart/glyphs", "twin"}


def test_where_nothing_can_be_learned_no_source_is_expected_to_beat_scratch(digits_folder):
    dataset = hs.open(digits_folder)
    labels = np.random.default_rng(0).permutation(dataset.targets)
    found = hs.rank(replace(dataset, targets=labels), "headstart/glyphs", quiet=True)
    assert found.not_beaten
    assert not found.beats_scratch
    for share, expected, words in (
        (0.8, None, f"cannot be told from {found.n} samples"),
        (0.4, False, "None is expected to beat training from scratch"),
        (0.97, True, "It is expected to beat training from scratch"),
    ):
        shares = np.array(found.combined.before)
        shares[found.judged.index(found.best)] = share
        told = replace(found, combined=found.combined._replace(before=shares))
        assert told.to_json()["beats_scratch"] is expected
        assert words in " ".join(told.lines())


def test_a_source_of_noise_lies_behind_random_weights(tables):
    """A run whose first stage hands on nothing tells nothing of the target, and random weights tell something."""
    network = open_source(str(tables / "runs" / "run")).build()
    for parameter in network.stages["columns"].parameters():
        parameter.data.zero_()
    save_network(network, None, tables / "blind")
    found = hs.rank(tables / "target.csv", [str(tables / "runs" / "run"), str(tables / "blind")], quiet=True)
    assert [one.name for one in found.behind_random] == ["blind"]
    assert "Behind random weights: blind" in " ".join(found.lines())
    assert found.to_json()["behind_random"] == ["blind"]


def test_tables_of_classes_and_of_values_with_a_run(tables, monkeypatch):
    monkeypatch.chdir(tables)
    found = hs.rank("target.csv", sources="all-local", quiet=True)
    assert [one.name for one in found.sources] == ["runs/run"]
    assert found.best.scores["leep"] <= 0
    assert found.best.scores["static"] > 0.5
    assert found.best.scores["label_overlap"] == 1
    assert {one.kind for one in found.judged} == {"source", "random", "plain"}
    values = hs.rank("target_values.csv", "runs/run", quiet=True)
    assert "R²" in "\n".join(values.lines())
    assert "leep" not in values.best.scores
    assert "gbc" not in values.best.scores


def test_a_run_on_these_very_data_is_told(tables):
    found = hs.rank(tables / "source.csv", str(tables / "runs" / "run"), quiet=True)
    assert any("learned from these very samples" in note for note in found.verdict())


def test_texts_have_their_bag_of_words(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "networks")
    from text_models import save_model

    save_model(tmp_path / "bert")
    frame = pd.DataFrame({"text": ["good fine film", "bad poor film"] * 30, "label": ["yes", "no"] * 30})
    frame["text"] += [f" {number}" for number in range(60)]
    frame.to_csv(tmp_path / "texts.csv", index=False)
    found = hs.rank(tmp_path / "texts.csv", f"hf/{tmp_path / 'bert'}", quiet=True)
    bag = next(one for one in found.judged if one.kind == "plain")
    assert bag.name == "bag of words"
    assert bag.terms["knn"].value > 0.9


def test_a_source_that_cannot_serve_is_left_out_and_alone_it_is_an_error(tables, digits_folder):
    found = hs.rank(tables / "target.csv", [str(tables / "runs" / "run"), "headstart/tabular"], quiet=True)
    assert "without weights" in found.left_out["headstart/tabular"]
    assert "left out: headstart/tabular" in "\n".join(found.lines())
    with pytest.raises(UserError, match="No source could be ranked"):
        hs.rank(tables / "target.csv", "headstart/tabular", quiet=True)


def test_a_draw_keeps_every_class_and_their_shares(tables):
    dataset = hs.open(tables / "target.csv")
    rare = np.zeros(len(dataset), dtype=np.int64)
    rare[dataset.splits["train"][:4]] = 1
    turned = replace(dataset, targets=rare)
    rows = some_rows(turned, 24, seed=0)
    assert len(np.unique(rows)) == 24
    assert set(rows) <= set(dataset.splits["train"])
    assert rare[rows].sum() == 1
    assert rare[some_rows(turned, 10, seed=1)].sum() == 1
    assert (some_rows(turned, 24, seed=1) != rows).any()


@pytest.mark.parametrize("source", [5, [5], {"a": 1}])
def test_a_source_that_is_no_name_is_refused(tables, source):
    with pytest.raises(UserError, match="give the name of a source"):
        hs.rank(tables / "target.csv", source, quiet=True)


def test_a_device_that_is_none_is_refused_before_anything_is_encoded(tables):
    with pytest.raises(UserError, match="There is no device 'tpu'"):
        hs.rank(tables / "target.csv", tables / "runs" / "run", device="tpu", quiet=True)


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["headstart", "rank", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code or 0, capsys.readouterr()


def test_a_file_of_names_json_and_a_folder(digits_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "names.txt").write_text("# mine\n\nheadstart/glyphs  # bundled\nheadstart/glyphs\n")
    arguments = (digits_folder, "--sources", tmp_path / "names.txt", "--json", "--quiet", "--out", tmp_path / "out")
    code, told = command(monkeypatch, capsys, *arguments)
    assert code == 0
    value = json.loads(told.out)
    assert value == json.loads((tmp_path / "out" / "ranking.json").read_text())
    assert [row["kind"] for row in value["candidates"]].count("source") == 1
    assert set(COMBINED) <= set(value["candidates"][0]["scores"])
    page = (tmp_path / "out" / "ranking.html").read_text()
    assert "headstart/glyphs" in page
    assert "<svg" in page
    assert "http-equiv" in page
    assert (tmp_path / "out" / "ranking.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "No source was named to rank"),
        (("--source", "headstart/glyph"), "did you mean 'glyphs'"),
        (("--source", "headstart/tabular"), "takes table input"),
        (("--sources", "nowhere.txt"), "cannot be read"),
        (("--sources", "empty.txt"), "names no source"),
        (("--sources", "binary.txt"), "it is no text"),
        (("--source", "headstart/glyphs", "--samples", "3"), "--samples 3"),
        (("--source", "headstart/glyphs", "--out", "empty.txt"), "is a file"),
        (("--source", "file:nowhere.pth torchvision/resnet18"), "does not exist"),
        (("--source", "file:empty.txt"), "tells no architecture"),
    ],
)
def test_mistakes_get_one_sentence(few_digits, arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    code, told = command(monkeypatch, capsys, few_digits, *arguments)
    assert code == 2
    assert said in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "runs").exists()
