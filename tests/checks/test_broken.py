"""A broken method of each kind is caught: roles, players, parts, memory, episodes, what is kept."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from headstart.checks import create_trial
from headstart.checks.contract import check_kept, check_parts, check_players, check_resumed, check_roles
from headstart.checks.methods import check_gradients
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.penalties.bss import BSS
from headstart.deep.method import Group, Method, Nets
from headstart.deep.parts import labelled_source, learning, unlabelled
from headstart.deep.penalty import Penalty

TRIAL = create_trial()
ACROSS = frozenset({"source_labels", "target_inputs"})


@dataclass(kw_only=True)
class Across(Method):
    """Learns the source and is sure on the target: whole."""

    needs: ClassVar[frozenset[str]] = ACROSS

    def loss(self, nets, batch, progress):
        samples, y = labelled_source(batch)
        sure = nets.network(unlabelled(batch).x).softmax(dim=1).square().mean()
        return {"task": nets.task.loss(nets.network(samples.x), y), "sure": -sure}


@dataclass(kw_only=True)
class SourceOnly(Across):
    def loss(self, nets, batch, progress):
        return {"task": super().loss(nets, batch, progress)["task"]}


@dataclass(kw_only=True)
class TargetOnly(Across):
    def loss(self, nets, batch, progress):
        return {"sure": super().loss(nets, batch, progress)["sure"]}


@dataclass(kw_only=True)
class Peeping(Across):
    """Learns from labels of the target that it does not ask for."""

    def loss(self, nets, batch, progress):
        return {"task": nets.task.loss(nets.network(batch.target.x), batch.target.y)}


@dataclass(kw_only=True)
class Queries(Method):
    """Never looks at the support."""

    needs: ClassVar[frozenset[str]] = frozenset({"episodes"})

    def loss(self, nets, batch, progress):
        query = batch.episode.query
        return {"task": nets.task.loss(nets.network(query.x), query.y)}


@dataclass(kw_only=True)
class Support(Queries):
    """Never looks at the queries."""

    def loss(self, nets, batch, progress):
        support = batch.episode.support
        return {"task": nets.task.loss(nets.network(support.x), support.y)}


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (SourceOnly(), "never reads the target"),
        (TargetOnly(), "never reads the source"),
        (Queries(), "never reads the support"),
        (Support(), "never reads the queries"),
    ],
)
def test_who_asks_for_what_it_does_not_read(method, told):
    with pytest.raises(AssertionError, match=told):
        check_roles(method, TRIAL)


def test_who_reads_labels_that_it_did_not_ask_for():
    with pytest.raises((TypeError, AssertionError)):
        check_roles(Peeping(), TRIAL)
    check_roles(Across(), TRIAL)


@dataclass(kw_only=True)
class Critic(Across):
    """Two players; in ``turns`` they move."""

    turns: tuple[str | None, ...] = ("critic", "network")

    def build(self, network, task):
        return Nets(network, task, critic=nn.Linear(network.n_features, 1))

    def groups(self, nets):
        network = Group("network", learning(nets.network), player="network")
        return [network, Group("critic", learning(nets.critic), player="critic")]

    def loss(self, nets, batch, progress):
        told = nets.critic(nets.network.features(unlabelled(batch).x)).square().mean()
        return super().loss(nets, batch, progress) | {"critic": told}

    def step(self, nets, batch, progress, update):
        for player in self.turns:
            update(lambda part: self.loss(nets, part, progress), player=player)


@dataclass(kw_only=True)
class Sly(Critic):
    """Moves a player without the engine."""

    def step(self, nets, batch, progress, update):
        super().step(nets, batch, progress, update)
        with torch.no_grad():
            nets.critic.weight.mul_(0.9)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (Critic(turns=("network",)), "the player critic never moves"),
        (Critic(turns=("critic", "network", "judge")), "moves 'judge', none of"),
        (Critic(turns=()), "makes no update"),
        (Sly(), "moves weights beside its updates"),
    ],
)
def test_players_that_break_the_rules(method, told):
    with pytest.raises(AssertionError, match=told):
        check_players(method, TRIAL)


def test_players_that_keep_them():
    for turns in (("critic", "network"), (None,)):
        check_players(Critic(turns=turns), TRIAL)
        check_gradients(Critic(turns=turns), TRIAL)


@dataclass(kw_only=True)
class Spread(Across):
    """The batch's mean answer couples its samples."""

    def loss(self, nets, batch, progress):
        mean = nets.network(unlabelled(batch).x).softmax(dim=1).mean(dim=0)
        return super().loss(nets, batch, progress) | {"spread": mean.square().sum()}


@dataclass(kw_only=True)
class Said(Spread):
    couples: ClassVar[bool] = True


class Silent(Penalty):
    """BSS that does not say what it is."""

    def term(self, nets, passed):
        return BSS(eta=1.0).term(nets, passed)


@pytest.mark.parametrize("method", [Spread(), FineTune(penalties=(Silent(),))], ids=["method", "penalty"])
def test_who_couples_a_batch_without_saying_so(method):
    with pytest.raises(AssertionError, match="couples the samples of a batch"):
        check_parts(method, TRIAL)


def test_who_says_so_or_does_not_couple():
    for method in (Said(), Across(), FineTune(penalties=(BSS(eta=1.0),))):
        check_parts(method, TRIAL)


@dataclass(kw_only=True)
class Counting(Across):
    """Remembers, outside its nets, how often it was called."""

    def step(self, nets, batch, progress, update):
        nets.__dict__["calls"] = nets.__dict__.get("calls", 0) + 1
        scale = 1.0 / nets.__dict__["calls"]
        update(lambda part: {name: scale * term for name, term in self.loss(nets, part, progress).items()})


def test_who_remembers_outside_of_its_nets_and_memory():
    with pytest.raises(AssertionError, match="stopped"):
        check_resumed(Counting, TRIAL)
    check_resumed(Across, TRIAL)


@dataclass(kw_only=True)
class TwoFaced(Across):
    """Evaluates an average and hands back the trained network."""

    def build(self, network, task):
        return Nets(network, task, average=copy.deepcopy(network).requires_grad_(False))

    def evaluated(self, nets):
        return nets.average

    def finish(self, nets):
        return nets.network


def test_who_evaluates_one_network_and_keeps_another():
    with pytest.raises(AssertionError, match="hands back another"):
        check_kept(TwoFaced(), TRIAL)
    check_kept(Across(), TRIAL)
