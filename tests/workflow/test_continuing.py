"""A run goes on with new data of its task: its head, its importance, old samples, and what is told of gain and loss."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart.data import open_data
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.networks.source_run import open_answers
from headstart.workflow.arms import continuing
from headstart.workflow.arms.continuing import (
    IMPORTANCE,
    begun_as_source,
    importance_of,
    old_rows,
    read_importance,
    remember,
    weighed,
)
from headstart.workflow.network_field import NetworkField
from headstart.workflow.opening.old import open_old
from headstart.workflow.opening.transfer import Given, open_transfer
from headstart.workflow.options import FitOptions


def people(n, seed, turn, names=("no", "yes")):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=list("abc"))
    return frame.assign(label=np.where(x[:, 0] * np.cos(turn) + x[:, 1] * np.sin(turn) > 0, *names[::-1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("continuing")
    people(100, 1, 0.0).to_csv(root / "old.csv", index=False)
    people(80, 2, 1.3).to_csv(root / "new.csv", index=False)
    hs.pretrain(root / "old.csv", network="headstart/tabular", out=root / "source", epochs=8, quiet=True)
    return root


@pytest.fixture(scope="module")
def run(folder):
    return hs.fit(
        folder / "new.csv", source=folder / "source", method="finetune+lwf", arms="replay,chosen", epochs=1,
        replay=folder / "old.csv", remember=True, out=folder / "run", quiet=True,
    )  # fmt: skip


def bench(folder, data="new.csv", source="source", **options):
    asked = FitOptions(source=str(folder / source), **options)
    return NetworkField(open_transfer("fit", Given(folder / data), asked, Progress(quiet=True), began=0.0)).bench


def test_it_begins_as_the_source_answers_in_the_order_of_the_targets_classes(folder):
    place = bench(folder)
    network = begun_as_source(place, place.network(pretrained=True, seed=0), "finetune+lwf").eval()
    theirs, logic = open_answers(str(folder / "source"))
    rows = np.arange(10)
    mine = network(network.preprocess(place.dataset.raw(rows)))
    wanted = theirs(theirs.preprocess(place.dataset.raw(rows)))
    order = [logic.task.classes.index(name) for name in place.logic.task.classes]
    assert torch.allclose(mine, wanted[:, order], atol=1e-5)
    assert all(p.requires_grad for p in network.head.parameters())


def test_what_is_gained_and_lost_stands_in_the_run_and_on_its_page(folder, run):
    both = run.result["forgetting"]["both"]
    assert (both["old"]["n"], both["new"]["n"]) == (20, 16)
    source = hs.load(folder / "source")
    assert both["old"]["source"] == source.arms["scratch"]["test"]["accuracy"]
    for side in ("new", "old"):
        for arm in ("replay", "finetune+lwf"):
            found = both["arms"][arm][side]
            assert found["change"] == pytest.approx(found["value"] - both[side]["source"])
            assert found["interval"][0] <= found["change"] <= found["interval"][1]
    assert both["arms"]["replay"]["new"]["value"] == run.arms["replay"]["test"]["accuracy"]
    assert both["words"] in run.lines()
    page = (folder / "run" / "report.html").read_text()
    section = re.search(r'<section id="continual".*?</section>', page, re.S)[0]
    assert section.count('class="whisker') == 4
    assert section.count('class="zero"') == 4


def test_the_importance_is_kept_counted_and_added_to_what_was_there(folder, run, tmp_path):
    assert read_importance(run.path / IMPORTANCE).n == 64  # training rows of the new data, for no arm brought others
    place = bench(folder)
    network = begun_as_source(place, place.network(pretrained=True, seed=0), "finetune+ewc")
    first = importance_of(place)
    assert first.n == 80  # the rows that the source learned from or chose on
    remember(place, network, tmp_path, "finetune+lwf")
    alone = read_importance(tmp_path / IMPORTANCE)
    remember(place, network, tmp_path, "finetune+ewc")
    both = read_importance(tmp_path / IMPORTANCE)
    assert (alone.n, both.n) == (64, 144)
    assert set(both.weights) == {name for name, _ in network.named_parameters()}
    for name, one in both.weights.items():
        assert torch.allclose(one, alone.weights[name] + first.weights[name], rtol=1e-4, atol=1e-6)
    # A later run finds it kept, its data gone.
    later = bench(folder, source="run")
    assert importance_of(later, estimate=False).n == 64
    brought = weighed(later, later.network(pretrained=True, seed=0), 16).importance["stages.columns.weight"]
    assert torch.allclose(16 * brought, read_importance(run.path / IMPORTANCE).weights["stages.columns.weight"])


def test_some_rows_speak_for_all(folder, monkeypatch):
    place = bench(folder)
    every = importance_of(place).weights["head.bias"].sum()
    monkeypatch.setattr(continuing, "MOST_ROWS", 40)
    place.kept.clear()
    some = importance_of(place)
    assert some.n == 80
    assert 0.6 < some.weights["head.bias"].sum() / every < 1.6


def test_ewc_without_anything_kept_or_at_hand_is_a_sentence_before_anything_is_written(folder, tmp_path):
    place = bench(folder)
    record = json.loads((folder / "source" / "run.json").read_text())
    origin = record["data"]["origin"]
    try:
        record["data"]["origin"] = str(tmp_path / "gone.csv")
        (folder / "source" / "run.json").write_text(json.dumps(record))
        with pytest.raises(UserError, match="fit it with --remember"):
            importance_of(place, estimate=False)
    finally:
        record["data"]["origin"] = origin
        (folder / "source" / "run.json").write_text(json.dumps(record))


def test_old_samples_are_those_learned_from_and_none_of_the_targets_own_test(folder, tmp_path):
    new = open_data(folder / "new.csv")
    pd.concat([pd.read_csv(folder / "old.csv"), pd.read_csv(folder / "new.csv")]).to_csv(
        tmp_path / "all.csv", index=False
    )
    held = len(new.splits["test"]) + len(new.splits["validation"])
    assert len(open_old(str(tmp_path / "all.csv"), new)) == 180 - held
    place = bench(folder, replay=str(folder / "old.csv"), method="replay")
    assert len(place.replayed) == 100
    assert len(old_rows(place)) == 80
    with pytest.raises(UserError, match="no sample but those"):
        open_old(str(tmp_path / "held.csv"), _held(new, folder, tmp_path))
    with pytest.raises(UserError, match=r"--replay .*nothing"):
        open_old(str(tmp_path / "nothing.csv"), new)


def _held(new, folder, tmp_path):
    rows = np.concatenate([new.splits["validation"], new.splits["test"]])
    pd.read_csv(folder / "new.csv").iloc[rows].to_csv(tmp_path / "held.csv", index=False)
    return new


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "finetune+lwf", "source": "headstart/tabular"}, "architecture without weights"),
        ({"method": "replay"}, "give them with --replay OLD"),
        ({"method": "finetune", "replay": "old.csv"}, "which no arm is"),
        ({"method": "finetune+lwf", "other": True}, "does not answer other.csv"),
        ({"method": "co_tuning", "source": "headstart/glyphs"}, "image"),
        ({"remember": True, "source_data": "old.csv"}, "leave it out with --source-data"),
    ],
)
def test_what_cannot_go_on_is_one_sentence(folder, tmp_path, options, words):
    data = folder / "new.csv"
    if options.pop("other", False):
        data = tmp_path / "other.csv"
        people(60, 4, 0.0, names=("left", "right")).to_csv(data, index=False)
    for name in ("replay", "source_data"):
        if name in options:
            options[name] = folder / options[name]
    source = None if "source_data" in options else options.pop("source", folder / "source")
    with pytest.raises(UserError, match=words):
        hs.fit(data, source=source, **options, out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_replay_keeps_more_of_the_old_task(folder):
    found = hs.fit(
        folder / "new.csv", source=folder / "source", replay=folder / "old.csv", arms="finetune,chosen", epochs=10,
        learning_rate=0.02, out=folder / "replayed", quiet=True,
    ).result  # fmt: skip
    assert found["chosen"] == "replay"
    arms = found["forgetting"]["both"]["arms"]
    assert arms["replay"]["old"]["value"] > arms["finetune"]["old"]["value"]
