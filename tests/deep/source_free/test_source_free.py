"""Adapting a source's model to an unlabelled target without the source's data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from turned import accuracy, source_network, target_alone, trained

from headstart import catalogue
from headstart.catalogue.source_free import SOURCE_FREE
from headstart.checks import check_method, create_trial
from headstart.deep.source_free.aad import AaD, nearest
from headstart.deep.source_free.shot import SHOT, nearest_centroids


@pytest.mark.parametrize("name", [entry.name for entry in SOURCE_FREE])
def test_laws(name):
    check_method(catalogue.get(name).load())


@pytest.mark.parametrize("name", [entry.name for entry in SOURCE_FREE])
def test_the_turned_target_is_found_without_the_source(name):
    alone = source_network()
    adapted = trained(catalogue.create(name), target_alone(), source_network(), rate=1e-3, steps=80)
    assert accuracy(alone) < 0.8
    assert accuracy(adapted) > 0.9


def test_shot_holds_the_head():
    before = source_network()
    after = trained(SHOT(), target_alone(), source_network(), rate=1e-3, steps=5)
    assert torch.equal(before.head.weight, after.head.weight)
    assert not torch.equal(before.stages["block1"].inner.weight, after.stages["block1"].inner.weight)


def test_neighbours_are_the_nearest_other_rows_by_cosine_whatever_the_chunks():
    features = torch.randn(23, 4, generator=torch.Generator().manual_seed(0))
    unit = features / features.norm(dim=1, keepdim=True)
    wanted = [sorted(set(range(23)) - {i}, key=lambda j: -float(unit[i] @ unit[j]))[:3] for i in range(23)]
    assert nearest(features, 3, rows=5).tolist() == wanted
    assert nearest(features[:2], 5).tolist() == [[1], [0]]


def test_attraction_and_dispersion_are_their_sums():
    trial = create_trial()
    method = AaD(neighbours=2, beta=3.0)
    nets = method.build(trial.network(), trial.logic).eval()
    stream = trial.stream(method)
    with torch.no_grad():
        nets.memory = method.survey(nets, lambda role: stream.every(role, 5))
        batch = stream.batch(0)
        losses = method.loss(nets, batch, 0.2)
        p = nets.network(batch.target.x).softmax(dim=1).numpy()
        answers = nets.network(trial.x).softmax(dim=1).numpy()
    near = nets.memory["near"][batch.target.rows].numpy()
    alike = [sum(p[i] @ answers[j] for j in near[i]) for i in range(len(p))]
    others = [sum(p[i] @ p[m] for m in range(len(p)) if m != i) for i in range(len(p))]
    assert float(losses["attract"]) == pytest.approx(-np.mean(alike), rel=1e-4)
    assert float(losses["disperse"]) == pytest.approx(np.mean(others) / 3**3, rel=1e-4)


def test_pseudo_labels_are_the_nearest_centroids():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(12, 3)) + 4 * np.eye(3)[np.arange(12) % 3]
    p = rng.dirichlet(np.ones(3), size=12)
    unit = np.column_stack([features, np.ones(12)])
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    weights = p
    for _ in range(2):
        centres = weights.T @ unit / weights.sum(axis=0)[:, None]
        labels = (unit @ (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T).argmax(axis=1)
        weights = np.eye(3)[labels]
    assert nearest_centroids(torch.tensor(features), torch.tensor(p)).tolist() == labels.tolist()


def test_a_class_of_nobody_gains_no_one():
    features = torch.tensor([[9.0, 0.0], [0.0, 9.0], [9.0, 1.0], [1.0, 9.0], [6.5, 5.5]])  # the last lies between
    p = torch.tensor([[0.95, 0.04, 0.01], [0.04, 0.95, 0.01]] * 2 + [[0.4, 0.25, 0.35]])
    assert nearest_centroids(features, p).tolist() == [0, 1, 0, 1, 0]


def test_the_terms_of_shot_are_their_definitions():
    trial, method = create_trial(), SHOT(beta=0.5)
    nets = method.build(trial.network(), trial.logic).eval()
    stream = trial.stream(method)
    with torch.no_grad():
        nets.memory = method.survey(nets, lambda role: stream.every(role, 5))
        batch = stream.batch(0)
        losses = {name: float(loss) for name, loss in method.loss(nets, batch, 0.2).items()}
        p = nets.network(batch.target.x).softmax(dim=1).double().numpy()
    labels = nets.memory["labels"][batch.target.rows].numpy()
    mean = p.mean(axis=0)
    assert losses["certainty"] == pytest.approx(-(p * np.log(p)).sum(axis=1).mean(), rel=1e-5)
    assert losses["diversity"] == pytest.approx((mean * np.log(mean)).sum(), rel=1e-5)
    assert losses["pseudo"] == pytest.approx(-0.5 * np.log(p[np.arange(len(p)), labels]).mean(), rel=1e-5)
