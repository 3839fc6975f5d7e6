"""Heads on frozen features choose on folds of their own training rows, and on nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from headstart.data import open_data
from headstart.engine.progress import Progress
from headstart.networks import open_source
from headstart.workflow.arms.fitting import _measure, _tagged, fit_stopped
from headstart.workflow.arms.heads import POOLED, fit_probe, inner_folds
from headstart.workflow.arms.one_fit import Job, fit_once
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import facts_of
from headstart.workflow.planning.plan import make_plan


def pictures(n=40, noise=0.0):
    images, labels = load_digits(n_class=4, return_X_y=True)
    rng = np.random.default_rng(0)
    shown = (images[:n].reshape(-1, 8, 8, 1) * 255 / 16).repeat(3, axis=3)
    return (shown + noise * rng.normal(size=shown.shape) * 255).clip(0, 255).astype(np.uint8), labels[:n]


def bench_of(x, y, **options):
    dataset = open_data((x, y), group=options.pop("group", None))
    source = open_source("headstart/glyphs")
    chosen = FitOptions(source="headstart/glyphs", device="cpu", **options)
    return Workbench.create(dataset, source, chosen, start_processes("cpu"), Progress(quiet=True))


@pytest.mark.parametrize("arm", ["probe", "knn", "stage_probe", "averaged_heads", "gaussian_process"])
def test_labels_of_held_out_rows_change_nothing(arm, tmp_path, monkeypatch):
    """The fold that an arm is scored on must not choose its strength, scale, stage or number of neighbours."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    x, y = pictures(noise=0.6)
    heads = []
    for shift in (0, 1):
        bench = bench_of(x, y, arms=(arm,), epochs=1)
        rows = bench.dataset.splits["train"]
        learned, held = rows[::2], rows[1::2]
        stored = bench.dataset.targets
        stored[held] = (stored[held] + shift) % 4
        network = bench.network(pretrained=True, seed=0)
        plan = make_plan(facts_of(bench.dataset, network, Speed(0.0, 1e-4)), bench.options)
        fitted = fit_once(bench, plan, Job(arm, 0, learned, held, tmp_path / str(shift), fold=0))
        heads.append((fitted.settings, [tensor.numpy() for tensor in fitted.network.head.state_dict().values()]))
    assert heads[0][0] == heads[1][0]
    for one, other in zip(heads[0][1], heads[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_trained_arm_stops_by_rows_of_its_own(tmp_path, monkeypatch):
    """When to stop, and the weights themselves, are the same whatever the labels of the fold that is predicted."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    ends = []
    for shift in (0, 1):
        bench = bench_of(*pictures(), method="finetune", arms=("finetune",), epochs=1)
        rows = bench.dataset.splits["train"]
        learned, held = rows[::2], rows[1::2]
        stored = bench.dataset.targets
        stored[held] = (stored[held] + shift) % 4
        plan = make_plan(
            facts_of(bench.dataset, bench.network(pretrained=True, seed=0), Speed(0.0, 1e-4)), bench.options
        )
        fitted, search = fit_stopped(bench, plan, Job("finetune", 0, learned, held[:0], tmp_path / str(shift), fold=0))
        scores = [(record["validation_loss"], record["validation_score"]) for record in search.history]
        ends.append((scores, [tensor.numpy() for tensor in fitted.network.state_dict().values()]))
    assert ends[0][0] == ends[1][0]
    for one, other in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_views_and_groups_stay_on_one_side_of_inner_folds():
    x, y = pictures()
    group = np.arange(40) // 4
    bench = bench_of(x, y, group=group)
    rows, copies = bench.dataset.splits["train"], 3
    sample, groups = np.tile(np.arange(len(rows)), copies), np.tile(bench.dataset.group[rows], copies)
    for train, held in inner_folds(bench, rows, copies):
        assert not set(sample[train]) & set(sample[held])
        assert not set(groups[train]) & set(groups[held])
        assert len(train) + copies * len(held) == copies * len(rows)


def test_a_probe_says_what_it_chose_and_repeats_it():
    bench = bench_of(*pictures())
    rows = bench.dataset.splits["train"]
    first, second = (bench.network(pretrained=True, seed=0).freeze(4) for _ in range(2))
    settings = fit_probe(bench, first, rows, stages=True)
    assert set(settings) == {"features", "standardise", "strength"}
    assert fit_probe(bench, second, rows, settings=settings) == settings
    other = settings | {"standardise": not settings["standardise"], "strength": 0.5}
    assert fit_probe(bench, bench.network(pretrained=True, seed=0).freeze(4), rows, settings=other) == other
    answers = [bench.predict(network, rows).argmax(axis=1) for network in (first, second)]
    np.testing.assert_array_equal(*answers)
    assert (first.taps == ()) == (settings["features"] == POOLED)


class OfAStage(torch.nn.Module):
    """A head that reads the map after one stage."""

    def __init__(self, name, channels, outputs):
        super().__init__()
        self.reads, self.linear = (name,), torch.nn.Linear(channels, outputs)

    def forward(self, maps):
        return self.linear(maps[self.reads[0]].mean(dim=(2, 3)))


def test_a_feature_that_hardly_varies_gets_no_weight_that_fine_tuning_would_blow_up(monkeypatch):
    """Its column standardised, a weight of a million would wait for the first step that turns the feature up."""
    bench, measured = bench_of(*pictures()), Workbench.features

    def turned_down(self, network, rows, **more):
        features = measured(self, network, rows, **more)
        return features * np.where(np.arange(features.shape[1]) == 0, 1e-9, 1.0)

    monkeypatch.setattr(Workbench, "features", turned_down)
    network = bench.network(pretrained=True, seed=0)
    asked = {"features": POOLED, "standardise": True, "strength": 1.0}
    fit_probe(bench, network, bench.dataset.splits["train"], settings=asked)
    weight = network.head.weight.abs()
    assert weight[:, 0].max() < weight[:, 1:].max()


def test_what_the_head_reads_of_frozen_stages_is_cached_with_their_states(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    bench = bench_of(*pictures(), method="finetune", arms=("finetune",), epochs=1, depth="1")
    network = bench.network(pretrained=True, seed=0)
    stage = network.stage_names[-2]
    channels = bench.source.build().pooled_maps(torch.zeros(1, 1, 32, 32), [stage])[stage].shape[1]
    bench.logic.head_of = lambda _: OfAStage(stage, channels, 4)
    plan = make_plan(facts_of(bench.dataset, network, Speed(0.0, 1e-4)), bench.options)
    rows = bench.dataset.splits["train"]
    fitted = fit_once(bench, plan, Job("finetune", 0, rows, rows[:0], tmp_path))
    assert len(fitted.frozen["stages"]) == len(network.stages) - 1
    assert fitted.cut == len(network.stages) - 1 > network.stage_names.index(stage)
    cached = bench.predict(fitted.network, rows, cut=fitted.cut)
    assert np.array_equal(cached, bench.predict(fitted.network, rows, cut=0))


def test_a_training_ends_by_patience_by_rounds_or_as_planned(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    bench = bench_of(*pictures(), method="finetune", arms=("finetune",), epochs=5, patience=1)
    rows = bench.dataset.splits["train"]
    learned, held = rows[::2], rows[1::2]
    bench.dataset.targets[held] = np.random.default_rng(0).permutation(bench.dataset.targets[held])
    plan = make_plan(facts_of(bench.dataset, bench.network(pretrained=True, seed=0), Speed(0.0, 1e-4)), bench.options)
    per_epoch = len(learned) / plan.batch_size

    def fit(name, validation, **more):
        return fit_once(bench, plan, Job("finetune", 0, learned, validation, tmp_path / name, **more))

    whole, watched, short = fit("a", held[:0]), fit("b", held), fit("c", held[:0], rounds=1.0)
    assert (whole.stopped, whole.steps) == ("finished", whole.planned)
    assert whole.planned == pytest.approx(plan.steps / plan.per_epoch * per_epoch, abs=1)
    assert whole.rounds == pytest.approx(whole.steps / per_epoch)
    assert whole.epochs == round(whole.steps / per_epoch)
    assert (watched.stopped, watched.planned) == ("patience", whole.planned)
    assert watched.steps < whole.steps
    assert watched.rounds < watched.epochs
    assert (short.steps, short.epochs) == (max(1, round(per_epoch)), 1)
    best = min(watched.history, key=lambda record: (-record["validation_score"], record["validation_loss"]))
    assert watched.rounds == pytest.approx(best["step"] / per_epoch)
    learns = sum(p.numel() for p in whole.network.parameters() if p.requires_grad)
    assert 0 < learns == whole.trainable
    few, alone = fit_stopped(bench, plan, Job("finetune", 0, rows[:4], held[:0], tmp_path / "e"))
    assert few is alone  # four rows cannot spare any to watch
    assert few.history[-1]["validation_score"] is None


def test_a_head_without_gradients_makes_no_epochs_and_records_say_whose_they_are(tmp_path):
    bench = bench_of(*pictures())
    rows = bench.dataset.splits["train"]
    plan = make_plan(facts_of(bench.dataset, bench.network(pretrained=True, seed=0), Speed(0.0, 1e-4)), bench.options)
    job = Job("probe", 0, rows, rows[:0], tmp_path)
    found = fit_once(bench, plan, job)
    assert (found.epochs, found.rounds, found.steps, found.planned, found.stopped) == (0, 0.0, 0, 0, "finished")
    assert found.trainable == sum(tensor.numel() for tensor in found.network.head.state_dict().values()) > 0
    found.history = [{"step": 1}]
    for arm, stage in (("probe", "fine-tune"), ("scratch", "train from scratch")):
        assert _tagged(found, replace(job, arm=arm, fold=2)) == [
            {"arm": arm, "seed": 0, "fold": 2, "stage": stage, "step": 1}
        ]
    assert _measure(bench, found, rows[:0], tmp_path) == ({}, 0.0)
    metrics, score = _measure(bench, found, rows[:1], tmp_path)
    assert metrics["accuracy"] == score
    assert (tmp_path / "held-out.safetensors").exists()


def test_a_training_is_called_by_what_it_is_for(tmp_path):
    job = Job("finetune", 3, np.arange(4), np.arange(0), tmp_path)
    labels = [
        replace(job, **more).label for more in ({}, {"fold": 1}, {"fold": 0, "part": "search"}, {"part": "again"})
    ]
    assert labels == [
        "finetune (seed 3)",
        "finetune (seed 3, fold 2)",
        "finetune (seed 3, fold 1, when to stop)",
        "finetune (seed 3, again)",
    ]


def test_all_rows_start_from_the_probe_that_inner_rows_chose(tmp_path, monkeypatch):
    """What a search chose for the head that training starts from is kept, and not searched anew."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    bench = bench_of(*pictures(), method="lp_ft", arms=("lp_ft",), epochs=1)
    network, rows = bench.network(pretrained=True, seed=0), bench.dataset.splits["train"]
    plan = make_plan(facts_of(bench.dataset, network, Speed(0.0, 1e-4)), bench.options)
    found = fit_once(bench, plan, Job("lp_ft", 0, rows, rows[:0], tmp_path / "search"))
    other = {**found.settings["probe"], "strength": 7 * found.settings["probe"]["strength"]}
    again = fit_once(bench, plan, Job("lp_ft", 0, rows, rows[:0], tmp_path, settings={"probe": other}))
    assert again.settings["probe"] == other
    assert again.history != found.history
