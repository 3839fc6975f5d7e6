"""Laws of trained methods."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import torch
from sklearn.base import clone

from headstart.checks.contract import check_contract
from headstart.checks.recording import record
from headstart.checks.states import assert_same, weights
from headstart.checks.trial import KINDS, Trial, create_trial
from headstart.checks.writing import check_writing
from headstart.deep.method import Method
from headstart.networks import build, load_network, save_network

Factory = Callable[[], Method]


def check_method(factory: Factory, *, turn: int | None = None) -> None:
    """Run every law on the methods that ``factory`` makes; an AssertionError tells the broken one.

    For the zero law, which needs to know the trade-off, see `check_zero`.

    Parameters
    ----------
    turn : try one kind of task alone, which a number picks; None tries every kind that the method learns.
    """
    check_writing(type(factory()))
    check_parameters(factory())
    kinds = [kind for kind in KINDS if factory().kinds is None or kind in (factory().kinds or ())]
    kinds = kinds if turn is None else [kinds[turn % len(kinds)]]
    for kind in kinds:
        trial = create_trial(kind)
        check_repeatable(factory, trial)
        check_gradients(factory(), trial)
        check_saved(factory(), trial)
        check_finite(factory(), create_trial(kind, absent=True))
    check_contract(factory, create_trial(kinds[0]))


def check_parameters(method: Method) -> None:
    """`clone` and `get_params` give the same hyper-parameters back."""
    twin: Any = clone(method)
    assert str(twin.get_params()) == str(method.get_params()), f"{method!r} does not clone."
    assert str(type(method)(**method.get_params(deep=False))) == str(method), f"{method!r} is not its parameters."


def check_repeatable(factory: Factory, trial: Trial) -> None:
    """Training changes no hyper-parameter; the same seed gives the same bits; the network has the layout of its spec,
    which is the one it had, but where a method says otherwise in the spec."""
    method = factory()
    before = str(vars(method))
    networks = [trial.train(method).network for _ in range(2)]
    first, second = map(weights, networks)
    assert str(vars(method)) == before, f"{method!r} was changed by training: before {before}."
    assert_same(first, second, f"{factory()!r}: two trainings with one seed")
    told = trial.network()
    if networks[0].spec != told.spec:
        told, head = build(networks[0].spec, networks[0].preprocess), told.head
        told.head = head
    assert list(first) == list(weights(told)), f"{factory()!r} changed the names of the network's tensors."


def check_gradients(method: Method, trial: Trial) -> None:
    """Everything that asks for a gradient stands in one group, and every such helper receives one in a step."""
    nets = method.build(trial.network(), trial.logic).train()
    grouped = [id(p) for group in method.groups(nets) for p in group.parameters]
    asking = {id(p): name for name, p in nets.named_parameters() if p.requires_grad}
    assert sorted(grouped) == sorted(asking), f"{method!r}: its groups are not what asks for a gradient."
    stream = trial.stream(method)
    step = record(method, nets, stream, stream.batch(0))
    assert all(loss.ndim == 0 for losses in step.losses for loss in losses.values()), (
        f"{method!r}: each loss must be a scalar."
    )
    moved = {name for _, found in step.moves for name, gradient in found.items() if gradient.any()}
    for name in asking.values():
        helper = not name.startswith("network.")
        twin = f"network.{name.partition('.')[2]}"  # a copy of the network need not move where that itself does not
        still = twin in asking.values() and twin not in moved
        assert not helper or still or name in moved, f"{method!r}: the helper {name} receives no gradient."
    heads = {name for name in asking.values() if name.startswith("network.head.")}
    assert not heads or heads & moved, f"{method!r}: the head receives no gradient."


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
