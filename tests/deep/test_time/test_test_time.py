"""Methods at test time: closed forms, what is moved and what is not, and the harm of a stream of one class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from turned import CLASSES, COLUMNS, LOGIC, blobs

from headstart.catalogue.test_time import TEST_TIME
from headstart.checks.states import assert_same, weights
from headstart.checks.writing import check_file
from headstart.deep.at_test_time import AtTestTime, adapted
from headstart.deep.test_time.adabn import AdaBN
from headstart.deep.test_time.sar import SAR
from headstart.deep.test_time.tent import TENT
from headstart.deep.unseen.erm import ERM
from headstart.engine import Domain, JoinedStream, Optimizer, train
from headstart.errors import UserError
from headstart.functional.confusion import entropy
from headstart.networks.network import Network
from headstart.networks.unset_preprocess import UnsetPreprocess

SOURCE = blobs(120, 1)
SCALE, SHIFT = np.array([0.3, 3.0, 1.0, 1.0]), np.array([4.0, -3.0, 0.0, 2.0])


def moved(n: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Return rows in other units and from other zeros than the source's, and their classes."""
    x, y = blobs(n, seed)
    return torch.from_numpy((x * SCALE + SHIFT).astype(np.float32)), y


TARGET, TRUTH = moved(96, 2)
BATCHES = list(TARGET.split(32))


def small(norm: nn.Module | None) -> Network:
    torch.manual_seed(0)
    first = nn.Sequential(nn.Linear(COLUMNS, COLUMNS), *([] if norm is None else [norm]))
    second = nn.Sequential(nn.Linear(COLUMNS, 16), nn.ReLU())
    network = Network({"first": first, "second": second}, nn.Identity(), 16, UnsetPreprocess("table"), {})
    with torch.no_grad():
        first[0].weight.copy_(torch.eye(COLUMNS))
    network.head = LOGIC.head_of(network)
    return network.eval()


def learned(norm: nn.Module) -> Network:
    """Return a network that has learned the source."""
    stream = JoinedStream(
        None, Domain(lambda rows, view: torch.from_numpy(SOURCE[0][rows]), SOURCE[1]), batch_size=60, seed=0
    )
    return train(ERM(), small(norm), stream, task=LOGIC, steps=60, optimizer=Optimizer(1e-2)).network.eval()


@pytest.fixture(scope="module")
def batch_normed() -> Network:
    return learned(nn.BatchNorm1d(COLUMNS))


@pytest.fixture(scope="module")
def layer_normed() -> Network:
    return learned(nn.LayerNorm(COLUMNS))


def right(outputs: list[torch.Tensor], truth: np.ndarray) -> float:
    return float((torch.cat(outputs).argmax(dim=1).numpy() == truth).mean())


@pytest.mark.parametrize("entry", TEST_TIME, ids=lambda entry: entry.name)
def test_each_is_one_short_file_and_leaves_the_network_as_it_was(entry, batch_normed):
    check_file(entry.load())
    assert entry.load().__bases__ == (AtTestTime,)
    before, modes = weights(batch_normed), [module.training for module in batch_normed.modules()]
    method = entry.load()()
    parameters = str(method.get_params())
    network, outputs = adapted(method, batch_normed, BATCHES)
    assert_same(before, weights(batch_normed), "before and after adapting")
    assert modes == [module.training for module in batch_normed.modules()]
    assert str(method.get_params()) == parameters
    assert [len(found) for found in outputs] == [32, 32, 32]
    assert not any(found.requires_grad for found in outputs)
    _, again = adapted(method, batch_normed, BATCHES)
    assert torch.equal(torch.cat(outputs), torch.cat(again))
    changed = {name for name, value in weights(network).items() if not torch.equal(value, before[name])}
    norm = {
        "stages.first.1." + name for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    }
    assert changed <= norm
    assert bool(changed) != (entry.name == "lame")  # which moves answers only


def test_adabn_statistics_are_those_of_the_target(batch_normed):
    network, outputs = adapted(AdaBN(prior=0), batch_normed, TARGET.split([50, 40, 6]))
    norm, inputs = network.stages["first"][1], batch_normed.stages["first"][0](TARGET).detach()
    assert torch.allclose(norm.running_mean, inputs.mean(dim=0), atol=1e-5)
    assert torch.allclose(norm.running_var, inputs.var(dim=0), rtol=1e-5)
    assert torch.allclose(torch.cat(outputs), network(TARGET), atol=1e-5)


def test_adabn_weighs_the_source_as_prior_rows(batch_normed):
    old = batch_normed.stages["first"][1]
    new = adapted(AdaBN(prior=0), batch_normed, BATCHES)[0].stages["first"][1]
    norm = adapted(AdaBN(prior=32), batch_normed, BATCHES)[0].stages["first"][1]
    assert torch.allclose(norm.running_mean, 0.25 * old.running_mean + 0.75 * new.running_mean, atol=1e-5)
    assert torch.allclose(norm.running_var, 0.25 * old.running_var + 0.75 * new.running_var, rtol=1e-5)


def test_adabn_of_pictures_counts_their_points_and_survives_single_rows():
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    network = Network(
        {"conv": stage}, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 2, UnsetPreprocess("image"), {}
    )
    network.eval().head = LOGIC.head_of(network)
    x = torch.randn(7, 1, 6, 6)
    norm = adapted(AdaBN(prior=0), network, x.split([4, 1, 2]))[0].stages["conv"][1]
    inputs = stage[0](x).detach()
    assert torch.allclose(norm.running_mean, inputs.mean(dim=(0, 2, 3)), atol=1e-6)
    assert torch.allclose(norm.running_var, inputs.transpose(0, 1).flatten(1).var(dim=1), rtol=1e-5)
    one = adapted(AdaBN(), small(nn.BatchNorm1d(COLUMNS)), [TARGET[:1]])[1]
    assert torch.cat(one).isfinite().all()


@pytest.mark.parametrize("method", [AdaBN(), TENT(), SAR()], ids=lambda method: type(method).__name__)
def test_other_units_and_zeros_are_found(method, batch_normed):
    with torch.no_grad():
        assert right([batch_normed(TARGET)], TRUTH) < 0.7
    assert right(adapted(method, batch_normed, BATCHES)[1], TRUTH) > 0.95


def test_the_entropy_falls_under_tent(layer_normed):
    with torch.no_grad():
        before = entropy(layer_normed(TARGET)).mean()
        network, outputs = adapted(TENT(learning_rate=0.03), layer_normed, BATCHES * 4)
        assert entropy(network(TARGET)).mean() < 0.6 * before
    assert torch.equal(outputs[0], layer_normed(BATCHES[0]))  # answered before it is learned from


def test_tent_takes_one_step_of_adam_on_the_mean_entropy(layer_normed):
    network, _ = adapted(TENT(learning_rate=0.01), layer_normed, BATCHES[:1])
    norm = layer_normed.stages["first"][1]
    slopes = torch.autograd.grad(entropy(layer_normed(BATCHES[0])).mean(), [norm.weight, norm.bias])
    for new, old, slope in zip(network.stages["first"][1].parameters(), norm.parameters(), slopes, strict=True):
        assert torch.allclose(new, old - 0.01 * slope.sign(), atol=1e-4)


def test_sar_takes_one_step_at_the_worst_neighbour_on_certain_rows(layer_normed):
    norm, x = layer_normed.stages["first"][1], BATCHES[0]
    start, limit = [p.detach().clone() for p in norm.parameters()], 0.4 * np.log(CLASSES)
    sure = entropy(layer_normed(x)) < limit
    assert 0 < sure.sum() < len(x)
    slopes = torch.autograd.grad(entropy(layer_normed(x))[sure].mean(), list(norm.parameters()))
    length = torch.cat(slopes).norm()
    network, _ = adapted(SAR(learning_rate=0.1, rho=2.0, reset=0.0), layer_normed, [x])
    twin, _ = adapted(SAR(learning_rate=0.0), layer_normed, [x])
    assert torch.equal(twin(x), layer_normed(x))
    near = [p + 2.0 * slope / length for p, slope in zip(start, slopes, strict=True)]
    with torch.no_grad():
        for p, value in zip(norm.parameters(), near, strict=True):
            p.copy_(value)
    try:
        found = entropy(layer_normed(x))
        kept = sure & (found < limit)
        assert 0 < kept.sum() < sure.sum()
        wanted = torch.autograd.grad(found[kept].mean(), list(norm.parameters()))
    finally:
        with torch.no_grad():
            for p, value in zip(norm.parameters(), start, strict=True):
                p.copy_(value)
    for new, old, slope in zip(network.stages["first"][1].parameters(), start, wanted, strict=True):
        assert torch.allclose(new, old - 0.1 * slope, atol=1e-5)


def test_sar_goes_back_to_the_start_where_the_entropy_falls_too_low(layer_normed):
    network, _ = adapted(SAR(learning_rate=0.1, reset=10.0), layer_normed, BATCHES)
    assert_same(weights(layer_normed), weights(network), "a network that was always put back")
    uncertain, _ = adapted(SAR(margin=0.0), layer_normed, BATCHES)
    assert_same(weights(layer_normed), weights(uncertain), "a network that no row was certain for")


def test_a_stream_of_one_class_harms_batch_norm(batch_normed):
    one = torch.from_numpy(SOURCE[0][SOURCE[1] == 0])
    with torch.no_grad():
        assert right([batch_normed(one)], np.zeros(len(one))) > 0.95
    for method in (AdaBN(prior=0), TENT()):
        assert right(adapted(method, batch_normed, [one])[1], np.zeros(len(one))) < 0.8


@pytest.mark.parametrize(
    ("method", "norm", "told"),
    [
        (AdaBN(), nn.LayerNorm(COLUMNS), "AdaBN replaces the statistics of batch norm, and this network has none"),
        (AdaBN(), nn.BatchNorm1d(COLUMNS, track_running_stats=False), "this network has none"),
        (TENT(), None, "TENT moves scales and shifts of batch, layer or group norm, and this network has none"),
        (SAR(), nn.LayerNorm(COLUMNS, elementwise_affine=False), "SAR moves scales and shifts"),
    ],
)
def test_a_network_without_what_is_moved_is_refused(method, norm, told):
    with pytest.raises(UserError, match=told):
        adapted(method, small(norm), BATCHES)
