"""Last stages of a pretrained network trained on two domains: states found by features, what moves and what stands."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from headstart.choice.candidates import Candidate
from headstart.choice.choosing import race_and_select
from headstart.choice.joint import plan
from headstart.choice.joint.behind import Behind
from headstart.choice.joint.norms import HeldNorm, hold_norms, moving_norms, statistics_of
from headstart.choice.joint.of_states import OfStates
from headstart.choice.joint.plan import Plan, Stages
from headstart.choice.joint.staged import StagedClassifier, StagedRegressor
from headstart.choice.kept import Kept, keep, stages_of
from headstart.choice.racing import prepare
from headstart.choice.stored import load_estimator, save_estimator
from headstart.choice.unseen import choose_unseen
from headstart.networks.network import Network
from headstart.networks.unset_preprocess import UnsetPreprocess
from headstart.problem import Task
from headstart.shallow.domains import Domains
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.joining import join
from headstart.tasks import create_task

N = 48


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 6)
    monkeypatch.setattr(plan, "MOST_STEPS", 6)


def network() -> Network:
    """Return three stages with batch norm, its statistics those of some inputs."""
    torch.manual_seed(0)
    stages = {f"block{i}": nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU()) for i in (1, 2, 3)}
    made = Network(stages, nn.Identity(), 6, UnsetPreprocess("table"), {"family": "mine"})
    with torch.no_grad():
        for _ in range(30):
            made.train()(torch.randn(64, 6))
    return made.eval().freeze(3)


def domains(shift: float = 1.0):
    """Return raw rows of both domains [n, 6] and the source's labels; those of the target are the same."""
    rng, labels = np.random.default_rng(0), np.arange(N) % 3
    source = rng.normal(size=(N, 6)) + 2 * np.eye(3, 6)[labels]
    return source, labels, 1.5 * (rng.normal(size=(N, 6)) + 2 * np.eye(3, 6)[labels]) + shift


def stood(depth: int = 1, shift: float = 1.0):
    """Return features of both domains, labels, and the states behind them in two data sets."""
    made, (source, labels, target) = network(), domains(shift)
    raw = [torch.from_numpy(part).float() for part in (source, target)]
    cut = 3 - depth
    with torch.no_grad():
        features = np.concatenate([made.run(x).numpy() for x in raw]).astype(np.float64)
        states = [made.run(x, 0, cut) for x in raw]
    parts = [(N, lambda positions, view, part=part: part[torch.from_numpy(positions)]) for part in states]
    return features[:N], labels, features[N:], Behind(made, depth, cut, features, parts, views=2)


def trained(face=StagedClassifier, shift=1.0, labels=None, **options):
    source, found, target, behind = stood(options.get("depth", 1), shift)
    model = face(**options)
    model.stand_on(behind)
    X, y, domain = join(source, found if labels is None else labels, target)
    return model.fit(X, y, sample_domain=domain), source, target, behind


def test_states_are_found_by_features_in_any_order_and_across_data_sets():
    source, _, target, behind = stood()
    rows = np.concatenate([target[5:7], source[3:4], target[:1]])
    found = behind.fetch(rows)(np.array([3, 0, 2, 1]), np.array([0, 0, 0, 0]))
    expected = behind.network.run(found, 2).detach().numpy()
    assert np.allclose(expected, rows[[3, 0, 2, 1]], atol=1e-6)
    with pytest.raises(ValueError, match="row 1: its features are of no sample here"):
        behind.places(np.stack([source[0], 0.5 * source[0] + 0.5 * source[1]]))


@pytest.mark.parametrize("method", ["mcc", "dann", "shot", "fixmatch"])
def test_only_the_last_stages_and_the_head_move(method):
    model, _, target, behind = trained(method=method, depth=2)
    before = network().state_dict()
    now = behind.network.state_dict()
    assert all(torch.equal(before[name], now[name]) for name in before)
    assert {name.split(".")[1] for name in model.weights_ if name.startswith("stages.")} == {"block2", "block3"}
    moved = {name: not np.array_equal(value, before[name].numpy()) for name, value in model.weights_.items()
             if name.startswith("stages.")}  # fmt: skip
    assert all(moved[f"stages.{stage}.0.weight"] for stage in ("block2", "block3"))
    assert model.proof[-1]["stages"] == ["block1"]
    assert model.network().stages["block1"] is behind.network.stages["block1"]
    assert model.network().stages["block2"] is not behind.network.stages["block2"]
    assert model.proof[-1]["unchanged"]
    assert model.predict_proba(target, np.full(N, -1)).shape == (N, 3)


def test_training_begins_where_the_linear_model_of_the_features_ends():
    source, labels, target, behind = stood()
    hidden = np.full(N, -1)
    logic = create_task(Task("classification", ("a", "b", "c")))
    material = OfStates(behind, Stages(1), Plan.of_stages())
    body = material.body(Domains(source, labels, target, hidden, np.ones(N, dtype=int)), logic, 0)
    expected = TunedLogistic(standardise=False, n_folds=3).fit(source, labels).predict_proba(target)
    with torch.no_grad():
        found = body(material.fetch(target)(np.arange(N), 0)).softmax(dim=1).numpy()
    assert np.allclose(found, expected, atol=1e-4)


def test_values_are_learned_too_from_where_the_ridge_ends():
    model, source, _, _ = trained(StagedRegressor, labels=stood()[0] @ np.arange(6.0), method="erm")
    error = np.abs(model.predict(source, np.ones(N)) - source @ np.arange(6.0)).mean()
    assert error < 0.3 * np.abs(source @ np.arange(6.0) - (source @ np.arange(6.0)).mean()).mean()


def test_statistics_by_domain_are_each_domains_own_and_the_targets_answer():
    model, source, target, behind = trained(method="erm", norm="domain", shift=3.0)
    name = "stages.block3.1.running_mean"
    assert set(model.statistics_) == {"source", "target"}
    linear = model.network(False).stages["block3"][0]
    with torch.no_grad():
        sides = {"source": source, "target": target}
        inputs = {side: linear(behind.fetch(rows)(np.arange(N), 0)) for side, rows in sides.items()}
    for side, x in inputs.items():
        assert np.allclose(model.statistics_[side][name], x.mean(dim=0).numpy(), atol=1e-5)
    assert np.array_equal(model.network(False).state_dict()[name].numpy(), model.statistics_["target"][name])
    assert np.array_equal(model.network(True).state_dict()[name].numpy(), model.statistics_["source"][name])
    first, second = (model.predict_proba(target, np.full(N, sign)) for sign in (-1, 1))
    assert not np.allclose(first, second)
    assert trained(method="erm", norm="shared")[0].statistics_ == {}


def test_held_statistics_do_not_move_while_scales_learn():
    model = trained(method="mcc", norm="held")[0]
    before = network().state_dict()
    for part in ("running_mean", "running_var", "num_batches_tracked"):
        assert np.array_equal(model.weights_[f"stages.block3.1.{part}"], before[f"stages.block3.1.{part}"].numpy())
    assert not np.array_equal(model.weights_["stages.block3.1.weight"], before["stages.block3.1.weight"].numpy())
    moving = trained(method="mcc", norm="shared")[0]
    assert not np.array_equal(moving.weights_["stages.block3.1.running_mean"], before["stages.block3.1.running_mean"])


def test_a_held_norm_answers_as_the_norm_in_evaluation_and_names_stay():
    made = network().freeze(0)
    twin = copy.deepcopy(made)
    hold_norms(twin, 2)
    x = torch.randn(9, 6)
    assert twin.state_dict().keys() == made.state_dict().keys()
    assert [type(m) is HeldNorm for m in twin.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)] == [
        False, True, True]  # fmt: skip
    assert torch.allclose(twin.eval()(x), made.eval()(x), atol=1e-6)
    held, norm = (one.stages["block3"][1] for one in (twin, made))
    seen = 3 + torch.randn(8, held.num_features)
    assert torch.allclose(held.train()(seen), norm.eval()(seen), atol=1e-6)  # also while the rest is trained
    twin.train()(x)
    assert torch.equal(twin.stages["block3"][1].running_mean, made.stages["block3"][1].running_mean)


def test_statistics_are_taken_without_a_trace():
    made, x = network(), torch.randn(40, 6)
    before = copy.deepcopy(made.state_dict())
    found = statistics_of(made, 1, [x[:20], x[20:]])
    with torch.no_grad():
        given = made.stages["block3"][0](made.run(x, 0, 2))
    assert np.allclose(found["stages.block3.1.running_mean"], given.mean(0), atol=1e-5)
    assert np.allclose(found["stages.block3.1.running_var"], given.var(0), atol=1e-5)
    assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())
    assert [*moving_norms(made, 2)] == ["stages.block2.1", "stages.block3.1"]


def test_they_race_beside_rows_are_blended_smoothed_kept_and_loaded(tmp_path):
    source, labels, target, behind = stood()
    hidden = np.full(N, -1)
    field = ["coral", Candidate("mcc", stages=Stages(1, "domain")), Candidate("mcc")]
    selection = race_and_select(
        Domains(source, labels, target, hidden, np.ones(N, dtype=int)), n_classes=3, candidates=field, behind=behind,
        standardise=False,
    )  # fmt: skip
    notes = {one["name"]: one["note"] for one in selection.table()}
    assert {"mcc", "mcc@1", "coral", "blend", "smoothed"} <= set(notes)
    assert not any(notes.values()), notes
    asked = [one for one in selection.finished if stages_of(one.model)]
    assert {one.name for one in asked} == {"mcc@1", "blend", "smoothed"}
    for one in asked:
        kept = keep(one, selection.data)
        save_estimator(kept, tmp_path / one.name)
        again = load_estimator(tmp_path / one.name)
        again.stand_on(behind)
        assert np.array_equal(again.predict_proba(target), kept.predict_proba(target))


def test_the_order_of_the_table_changes_nothing():
    source, labels, target, behind = stood()
    turned = np.random.default_rng(1).permutation(N)
    models = []
    for order in (np.arange(N), turned):
        model = StagedClassifier(method="mcc")
        model.stand_on(behind)
        X, y, domain = join(source[order], labels[order], target[order])
        models.append(model.fit(X, y, sample_domain=domain))
    assert all(np.array_equal(models[0].weights_[name], models[1].weights_[name]) for name in models[0].weights_)


def test_a_model_without_its_network_says_what_it_lacks():
    model, _, target, _ = trained(method="erm")
    alone = Kept(model=copy.copy(model), n_classes=3)
    alone.model.behind = None
    with pytest.raises(ValueError, match="it works within a run"):
        alone.predict_proba(target)


def test_states_that_are_not_kept_are_computed_anew_with_the_prefix_frozen():
    source, labels, target, behind = stood()
    raw = [torch.from_numpy(part).float() for part in (domains()[0], domains()[2])]
    parts = [(N, lambda positions, view, part=part: part[torch.from_numpy(positions)]) for part in raw]
    anew = Behind(behind.network, 1, 0, np.concatenate([source, target]), parts)
    models = []
    for one in (behind, anew):
        model = StagedClassifier(method="mcc", norm="domain")
        model.stand_on(one)
        X, y, domain = join(source, labels, target)
        models.append(model.fit(X, y, sample_domain=domain))
    assert models[1].proof[-1]["stages"] == ["block1", "block2"]
    assert models[1].proof[-1]["tensors"] == 14
    # A bias before a batch norm has no gradient but rounding, which the optimizer's own scale makes a step of.
    for name in models[0].weights_.keys() - {"stages.block3.0.bias", "stages.block3.1.running_mean"}:
        assert np.allclose(models[0].weights_[name], models[1].weights_[name], atol=1e-5), name
    assert np.allclose(models[0].predict_proba(target), models[1].predict_proba(target), atol=1e-4)


def test_an_unseen_target_is_chosen_for_by_leaving_sources_out_with_stages_too():
    source, labels, target, behind = stood()
    numbers = 1 + np.arange(N) // 16
    data = prepare(Domains(source, labels, target, np.full(N, -1), numbers), n_classes=3, standardise=False)
    found = choose_unseen(data._replace(behind=behind), [Candidate("erm", stages=Stages(1)), Candidate("erm")])
    assert [one.name for one in found.finished] == ["source_only", "erm@1", "erm"]
    assert all(0 <= one.scores["left_out"] <= 1 for one in found.finished)
