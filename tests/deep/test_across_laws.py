"""The laws, over every method that is trained on two domains, and that each adapts where the source alone errs."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest
import torch
from two_domains import THREE, adapt, best, network

from headstart import catalogue
from headstart.catalogue.adversarial import ADVERSARIAL
from headstart.catalogue.matching import MATCHING
from headstart.checks import check_method, check_zero, create_trial
from headstart.deep.method import Method
from headstart.deep.unseen.erm import ERM
from headstart.errors import UserError

JOINT = {entry.name: entry for entry in (*MATCHING, *ADVERSARIAL) if entry.kind == "joint"}
MORE: list[tuple[str, dict[str, Any]]] = [("cdan", {"largest": 10, "entropy": False})]
EASIER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {"mcd": ({"rounds": 1}, {"rate": 3e-3, "steps": 100})}
"""Options of a method, and of its training, on these small domains."""


def create(name: str, options: dict[str, Any] | None = None) -> Method:
    return catalogue.create(name, None, options)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [(name, {}) for name in JOINT] + MORE)
def test_laws_on_every_kind_of_task(name: str, options: dict[str, Any]) -> None:
    check_method(lambda: create(name, options))


@pytest.mark.parametrize(
    ("turn", "name", "options"), [(i, *one) for i, one in enumerate([*((n, {}) for n in JOINT), *MORE])]
)
def test_laws(turn: int, name: str, options: dict[str, Any]) -> None:
    check_method(lambda: create(name, options), turn=turn)
    written = inspect.getsource(inspect.getmodule(type(create(name)))).splitlines()  # type: ignore[arg-type]
    assert sum(1 for line in written if line) <= 80


@pytest.mark.parametrize("name", JOINT)
def test_at_strength_0_it_is_training_on_the_source_alone(name: str) -> None:
    kinds = create(name).kinds or {"classification", "regression"}
    for kind in sorted(kinds):
        check_zero(lambda: create(name, {"strength": 0.0}), ERM, create_trial(kind))


@pytest.mark.parametrize("name", JOINT)
def test_it_carries_penalties(name: str) -> None:
    method = catalogue.create(f"{name}+l2sp")
    trial = create_trial()
    nets = method.build(trial.network(), trial.logic)
    losses = method.loss(nets, trial.stream(method).batch(0), 0.5)
    assert list(losses)[:2] == ["task", "l2sp"]
    assert method.decays is False


@pytest.mark.parametrize("entry", JOINT.values(), ids=list(JOINT))
def test_the_catalogue_says_what_the_class_says(entry: catalogue.Entry) -> None:
    method = entry.load()
    assert set(entry.needs) == method.needs
    assert method.kinds is None or all((kind in entry.applies) == (kind in method.kinds) for kind in ALL_KINDS)
    assert {"strength", "depth", "body_rate", "penalties"} <= {field.name for field in fields(method)}


ALL_KINDS = ("classification", "multilabel", "regression")


FIRST = {"dan", "deep_coral", "dann", "cdan", "mcd"}
"""Of each way to adapt; the slow suite has the others."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if name in FIRST else pytest.param(name, marks=pytest.mark.slow) for name in JOINT]
)
def test_it_adapts_where_the_source_alone_errs(name: str) -> None:
    options, training = EASIER.get(name, ({}, {}))
    assert best(adapt(create(name, options), **training)) >= best(alone(**training)) + 0.08


_ALONE: dict[str, Any] = {}


def alone(**training: Any) -> Any:
    key = repr(training)
    if key not in _ALONE:
        _ALONE[key] = adapt(ERM(), **training)
    return _ALONE[key]


@pytest.mark.parametrize("name", JOINT)
def test_a_body_that_stands_still_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="give 1 to 3"):
        create(name, {"depth": 0}).build(network(), THREE)
    nets = create(name, {"depth": 1}).build(network(), THREE)
    assert [p.requires_grad for p in nets.network.stages["block1"].parameters()] == [False] * 6
    assert all(p.requires_grad for p in nets.network.stages["block2"].parameters())


@pytest.mark.parametrize("name", JOINT)
def test_it_says_how_the_players_stand_at_every_evaluation(name: str) -> None:
    options, training = EASIER.get(name, ({}, {}))
    told = [record["measures"] for record in adapt(create(name, options), **(training | {"steps": 4})).history]
    assert len(told) == 4
    assert told[0]
    assert all(isinstance(value, float) for value in told[0].values())
    assert told[0] != told[-1]
    assert "measures" not in alone().history[0]
    assert torch.isfinite(torch.tensor([list(values.values()) for values in told])).all()
