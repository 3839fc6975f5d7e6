"""Laws of trained methods."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sklearn.base import clone
from torch import Tensor

from headstart.checks.trial import KINDS, Trial, create_trial
from headstart.checks.writing import check_writing
from headstart.deep.method import Method
from headstart.networks import Network, load_network, save_network

Factory = Callable[[], Method]


def check_method(factory: Factory) -> None:
    """Run every law on the methods that ``factory`` makes; an AssertionError tells the broken one.

    For the zero law, which needs to know the trade-off, see `check_zero`.
    """
    check_writing(type(factory()))
    check_parameters(factory())
    for kind in KINDS:
        trial = create_trial(kind)
        check_repeatable(factory, trial)
        check_gradients(factory(), trial)
        check_saved(factory(), trial)
        check_finite(factory(), create_trial(kind, absent=True))


def check_parameters(method: Method) -> None:
    """`clone` and `get_params` give the same hyper-parameters back."""
    twin: Any = clone(method)
    assert str(twin.get_params()) == str(method.get_params()), f"{method!r} does not clone."
    assert str(type(method)(**method.get_params(deep=False))) == str(method), f"{method!r} is not its parameters."


def check_repeatable(factory: Factory, trial: Trial) -> None:
    """Training changes no hyper-parameter; the same seed gives the same bits; the network keeps the layout it had."""
    method = factory()
    before = str(vars(method))
    first, second = (weights(trial.train(method).network) for _ in range(2))
    assert str(vars(method)) == before, f"{method!r} was changed by training: before {before}."
    assert_same(first, second, f"{factory()!r}: two trainings with one seed")
    assert list(first) == list(weights(trial.network())), f"{factory()!r} changed the names of the network's tensors."


def check_gradients(method: Method, trial: Trial) -> None:
    """Everything that asks for a gradient stands in one group, and every such helper receives one."""
    nets = method.build(trial.network(), trial.logic).train()
    grouped = [id(p) for group in method.groups(nets) for p in group.parameters]
    asking = {id(p): name for name, p in nets.named_parameters() if p.requires_grad}
    assert sorted(grouped) == sorted(asking), f"{method!r}: its groups are not what asks for a gradient."
    losses = method.loss(nets, trial.batch(), 0.5)
    assert all(loss.ndim == 0 for loss in losses.values()), f"{method!r}: each loss must be a scalar."
    method.backward(losses, nets)
    for name, parameter in nets.named_parameters():
        helper = not name.startswith("network.")
        missing = helper and parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
        assert not missing, f"{method!r}: the helper {name} receives no gradient."
    assert nets.network.head.weight.grad is not None, f"{method!r}: the head receives no gradient."


def check_finite(method: Method, trial: Trial) -> None:
    """A batch of two, and a class that no sample has, leave everything finite."""
    trained = trial.train(method, steps=3, batch_size=2)
    wrong = [name for name, tensor in weights(trained.network).items() if not tensor.isfinite().all()]
    assert not wrong, f"{method!r}: {wrong} are not finite after batches of two with an absent class."


def check_saved(method: Method, trial: Trial) -> None:
    """Saved and loaded, the network predicts the same."""
    network, x = trial.train(method, steps=2).network.eval(), trial.batch().target.x  # type: ignore[union-attr]
    with TemporaryDirectory() as folder, torch.no_grad():
        save_network(network, trial.logic, folder)
        loaded, _ = load_network(folder)
        assert torch.equal(network(x), loaded.eval()(x)), f"{method!r}: the saved network predicts something else."


def check_zero(zeroed: Factory, plain: Factory, trial: Trial | None = None) -> None:
    """With its trade-off at 0 (``zeroed``) a method leaves bit for bit the weights of ``plain``."""
    trial = trial or create_trial()
    first, second = (weights(trial.train(factory()).network) for factory in (zeroed, plain))
    assert_same(first, second, f"{zeroed()!r} and {plain()!r}")


def weights(network: Network) -> dict[str, Tensor]:
    """Return a copy of the network's state."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor], what: str) -> None:
    """Assert that two states agree bit for bit."""
    assert set(first) == set(second), f"{what} differ in their tensors: {sorted(set(first) ^ set(second))}."
    wrong = [name for name in first if not torch.equal(first[name], second[name])]
    assert not wrong, f"{what} differ in {wrong}."
