"""Depth, learning rates by stage, gradual unfreezing, LP-FT's head."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.checks import create_trial
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.gradual import GradualUnfreezing
from headstart.deep.finetune.lp_ft import LPFT
from headstart.deep.finetune.scratch import Scratch
from headstart.errors import UserError
from headstart.shallow.parameters.probe import Probe


def test_rates_decay_with_the_distance_from_the_head() -> None:
    trial = create_trial()
    method = FineTune(stage_decay=0.5, body_rate=0.2, head_rate=3.0)
    nets = method.build(trial.network(), trial.logic)
    rates = {group.name: group.rate for group in method.groups(nets)}
    assert rates == pytest.approx(
        {"columns": 0.2 * 0.125, "block1": 0.2 * 0.25, "block2": 0.2 * 0.5, "block3": 0.2, "head": 3.0}
    )


@pytest.mark.parametrize(("depth", "frozen"), [(None, 0), (0, 4), (1, 3), (4, 0)])
def test_depth_counts_the_last_stages(depth: int | None, frozen: int) -> None:
    trial = create_trial()
    method = FineTune(depth=depth)
    before = {name: tensor.clone() for name, tensor in trial.network().state_dict().items()}
    network = trial.train(method).network
    assert method.frozen_stages(network) == frozen
    still = network.stage_names[:frozen]
    for name, tensor in network.state_dict().items():
        stage = name.split(".")[1] if name.startswith("stages") else "head"
        if stage in still:
            assert torch.equal(tensor, before[name]), name
    moved = {
        name.split(".")[1]
        for name, t in network.stages.state_dict(prefix="stages.").items()
        if not torch.equal(t, before[name])
    }
    assert moved == set(network.stage_names[frozen:])


@pytest.mark.parametrize("depth", [-1, 5])
def test_a_depth_beyond_the_network_is_one_sentence(depth: int) -> None:
    trial = create_trial()
    with pytest.raises(UserError, match="4 stages"):
        FineTune(depth=depth).build(trial.network(), trial.logic)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(None, [4, 4, 3, 2, 1, 0]), (2, [4, 4, 3, 3, 2, 2]), (0, [4, 4, 4, 4, 4, 4])],
)
def test_gradual_unfreezing_is_a_function_of_progress(depth: int | None, expected: list[int]) -> None:
    network, method = create_trial().network(), GradualUnfreezing(depth=depth)
    assert [method.frozen_at(network, p) for p in (0.0, 0.19, 0.35, 0.5, 0.7, 1.0)] == expected


def test_gradual_unfreezing_moves_only_what_is_unfrozen() -> None:
    trial, method = create_trial(), GradualUnfreezing()
    nets = method.build(trial.network(), trial.logic).train()
    seen = {}
    for progress in (0.0, 0.5, 0.99):
        nets.zero_grad(set_to_none=True)
        update = lambda closure: method.backward(closure(trial.batch()), nets)  # noqa: E731
        method.step(nets, trial.batch(), progress, update)
        stages = nets.network.stages.items()
        seen[progress] = [name for name, stage in stages if any(p.grad is not None for p in stage.parameters())]
    names = nets.network.stage_names
    assert seen == {0.0: [], 0.5: names[2:], 0.99: names}


def test_lp_ft_starts_from_the_probes_head_at_one_rate() -> None:
    trial, method = create_trial(), LPFT(stage_decay=1.0)
    assert method.starts_from_probe
    network = trial.network().eval()
    with torch.no_grad():
        features = network.features(trial.x).numpy()
    probe = Probe(n_outputs=3).fit(features, trial.y)
    probe.to_head(network.head, trial.logic)
    nets = method.build(network, trial.logic)
    np.testing.assert_allclose(nets.network.head.weight.detach().numpy(), probe.coef_, rtol=1e-6)
    with torch.no_grad():
        outputs = nets.network(trial.x).numpy()
    np.testing.assert_allclose(outputs, probe.decision_function(features), atol=1e-4)
    assert {group.rate for group in method.groups(nets)} == {0.1}


def test_scratch_declares_that_it_takes_nothing_from_the_source() -> None:
    assert not Scratch.from_source
    trial = create_trial()
    nets = Scratch().build(trial.network(), trial.logic)
    assert {group.rate for group in Scratch().groups(nets)} == {1.0}


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_fine_tuning_lowers_the_loss(kind: str) -> None:
    trial = create_trial(kind)

    def loss(network: torch.nn.Module) -> float:
        with torch.no_grad():
            return trial.logic.loss(network.eval()(trial.x), torch.as_tensor(trial.y)).item()

    assert loss(trial.train(FineTune(body_rate=1.0), steps=60).network) < 0.6 * loss(trial.network())
