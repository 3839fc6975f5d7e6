"""Bi-Tuning's two contrasts, by slow loops over the keys."""

import math

import pytest
import torch

from headstart.checks.trial import create_trial
from headstart.deep.finetune import bi_tuning
from headstart.deep.finetune.bi_tuning import BiTuning


def slow(asked, keys, labels, y, temperature):
    total = 0.0
    for query, label in zip(asked.tolist(), y.tolist(), strict=True):
        sizes = [math.exp(sum(a * b for a, b in zip(query, key, strict=True)) / temperature) for key in keys.tolist()]
        mine = [size for size, its in zip(sizes, labels.tolist(), strict=True) if its == label]
        total -= sum(math.log(size / sum(sizes)) for size in mine) / len(mine)
    return total / len(y)


def test_head_and_projection_are_contrasted_with_all_samples():
    trial = create_trial()
    method = BiTuning(strength=0.5, temperature=0.3)
    nets = method.build(trial.network(), trial.logic).eval()
    whole = trial.batch(len(trial.y)).target
    with torch.no_grad():
        nets.memory = method.survey(nets, lambda role: iter([whole]))
        batch = trial.batch(8)
        losses = method.loss(nets, batch, 0.0)
        y, labels = batch.target.y, torch.as_tensor(trial.y)
        h = nets.network.features(whole.x)
        z = nets.projection(h)
        h, z = (one / one.norm(dim=1, keepdim=True) for one in (h, z))
        head = 0.5 * slow(nets.network.head.weight[y], h, labels, y, 0.3)
        assert losses["head_contrast"].item() == pytest.approx(head, rel=1e-4)
        assert losses["contrast"].item() == pytest.approx(0.5 * slow(z[:8], z, labels, y, 0.3), rel=1e-4)


def test_of_many_samples_keys_of_every_class_are_kept(monkeypatch):
    monkeypatch.setattr(bi_tuning, "MOST", 5)
    trial, method = create_trial(), BiTuning()
    nets = method.build(trial.network(), trial.logic).eval()
    whole = trial.batch(len(trial.y)).target
    order = torch.as_tensor(trial.y).argsort(stable=True)  # class by class, as folders are read
    rows = type(whole)({name: one[order] for name, one in whole.x.items()}, whole.y[order])
    kept = method.survey(nets, lambda role: iter([rows]))
    assert len(kept["labels"]) == len(kept["h"]) == len(kept["z"]) <= 5
    assert kept["labels"].unique().tolist() == [0, 1, 2]
