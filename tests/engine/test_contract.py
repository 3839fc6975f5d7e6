"""What the engine promises a method: needs, players that move alone, whole batches, a memory, whom it evaluates."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from engine_tiny import TASK, Plain, TinyData, tiny_network

from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.penalties.bss import BSS
from headstart.deep.method import Group, Method, Nets
from headstart.engine import Compute, Domain, JoinedStream, Optimizer, Saving, Selection, Stream, raw_fetch, train
from headstart.engine.device import Place
from headstart.engine.needs import require_whole
from headstart.errors import UserError
from headstart.storage import checksum

DATA, ROWS = TinyData(24), np.arange(24)


def stream_of(network, labelled=True):
    fetch = raw_fetch(DATA, ROWS, network.preprocess)
    labels = DATA.labels(ROWS) if labelled else None
    return Stream(fetch, labels, n=len(ROWS), batch_size=8, seed=0)


def fit(method, network=None, *, stream=None, steps=4, parts=1, path=None, evaluate=None, on_step=None):
    network = network or tiny_network(dropout=0, norm="group")
    return train(
        method,
        network,
        stream or stream_of(network),
        task=TASK,
        steps=steps,
        optimizer=Optimizer(1e-2),
        selection=Selection(evaluate, every=2),
        checkpoint=None if path is None else Saving(path, every=0),
        compute=Compute("cpu", parts=parts),
        on_step=on_step,
    )


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"source_labels"}, "labelled source data"),
        ({"domains", "target_inputs"}, "several domains"),
        ({"episodes"}, "few-shot episodes"),
        ({"target_labels"}, "a label of every target sample"),
        ({"some_target_labels"}, "labels of some target samples"),
    ],
)
def test_what_is_missing_is_one_sentence_before_the_first_step(needs, told):
    greedy = type("Greedy", (Plain,), {"needs": frozenset(needs)})
    network = tiny_network()
    before = checksum(network.state_dict())
    with pytest.raises(UserError, match=rf"Greedy needs .*{told}, but is given only samples of the target; give"):
        fit(greedy(), network, stream=stream_of(network, labelled=False))
    assert checksum(network.state_dict()) == before


def test_views_are_asked_for_too_and_unknown_needs_are_found_when_the_class_is_made():
    pair = type("Pair", (Plain,), {"n_views": 2})
    with pytest.raises(UserError, match=r"Pair needs 2 views .* is shown 1"):
        fit(pair())
    with pytest.raises(TypeError, match="needs \\['targets'\\]"):
        type("Typo", (Plain,), {"needs": frozenset({"targets"})})


@dataclass(kw_only=True)
class Turns(Plain):
    """Moves one player, named by ``player``; None: all."""

    player: str | None = None

    def groups(self, nets):
        body = list(nets.network.stages.parameters())
        return [Group("body", body, player="body"), Group("head", list(nets.network.head.parameters()), player="head")]

    def step(self, nets, batch, progress, update):
        update(lambda part: self.loss(nets, part, progress), player=self.player)


def moved(method):
    network = tiny_network(dropout=0, norm="group")
    torch.nn.init.normal_(network.head.weight)
    before = copy.deepcopy(network.state_dict())
    after = fit(method, network).network.state_dict()
    return {
        "head" if name.startswith("head") else "body" for name in before if not torch.equal(before[name], after[name])
    }


def test_players_move_alone():
    assert moved(Turns(player="head")) == {"head"}
    assert moved(Turns(player="body")) == {"body"}
    assert moved(Turns()) == moved(Plain()) == {"head", "body"}
    with pytest.raises(ValueError, match=r"Turns moves the player 'tail', .*\['body', 'head'\]"):
        fit(Turns(player="tail"))


@dataclass(kw_only=True)
class Coupled(Plain):
    couples: ClassVar[bool] = True


@pytest.mark.parametrize(
    ("method", "name"), [(Coupled(), "Coupled"), (FineTune(penalties=(BSS(),)), "BSS")], ids=lambda v: str(v)[:8]
)
def test_a_batch_whose_samples_are_coupled_is_never_cut(method, name):
    class Hungry(torch.nn.Module):
        def forward(self, x):
            if len(x) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return x

    network = tiny_network()
    network.stages["two"].append(Hungry())
    with pytest.raises(UserError, match=f"{name} couples the samples of a batch, so .* cannot be cut"):
        fit(method, network)
    with pytest.raises(UserError, match=f"{name} couples .* cannot be cut"):
        fit(method, parts=2)
    with pytest.raises(UserError, match=f"{name} couples the samples of a batch, which 2 processes"):
        require_whole(method, Place(torch.device("cpu"), rank=1, ranks=2), 1)
    assert fit(method).steps == 4
    require_whole(FineTune(), Place(torch.device("cpu"), ranks=2), 8)


@dataclass(kw_only=True)
class Remembering(Method):
    """Learns from what the network itself says of all rows, once an epoch."""

    needs: ClassVar[frozenset[str]] = frozenset({"target_inputs"})

    def survey(self, nets, rows):
        assert not torch.is_grad_enabled()
        assert not nets.training
        outputs = torch.cat([nets.network(samples.x) for samples in rows("target")])
        return {"labels": outputs.argmax(dim=1)}

    def loss(self, nets, batch, progress):
        taught = nets.memory["labels"][batch.target.rows]
        return {"task": nets.task.loss(nets.network(batch.target.x), taught)}


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_memory_of_all_rows_survives_a_stop(tmp_path, at):
    """An epoch has 3 steps: stopped in the middle, at its end, and after the next survey."""

    def start():
        network = tiny_network()
        torch.nn.init.normal_(network.head.weight)
        return network, stream_of(network, labelled=False)

    def halt(record):
        if record["step"] == at and "validation_loss" not in record:
            raise Stop

    network, stream = start()
    whole = fit(Remembering(), network, stream=stream, steps=8)
    network, stream = start()
    with pytest.raises(Stop):
        fit(Remembering(), network, stream=stream, steps=8, path=tmp_path / "c.safetensors", on_step=halt)
    network, stream = start()
    again = fit(Remembering(), network, stream=stream, steps=8, path=tmp_path / "c.safetensors")
    assert checksum(again.network.state_dict()) == checksum(whole.network.state_dict())


@dataclass(kw_only=True)
class Averaged(Plain):
    """Evaluates and keeps an average of the weights."""

    def build(self, network, task):
        nets = super().build(network, task)
        return Nets(nets.network, task, teacher=copy.deepcopy(network).requires_grad_(False))

    def step(self, nets, batch, progress, update):
        super().step(nets, batch, progress, update)
        for mine, theirs in zip(nets.teacher.parameters(), nets.network.parameters(), strict=True):
            mine.lerp_(theirs.detach(), 0.5)

    def evaluated(self, nets):
        return nets.teacher


def test_what_is_evaluated_is_what_is_kept():
    seen = []

    def evaluate(network):
        seen.append(checksum(network.state_dict()))
        return {"loss": 1.0, "score": float(len(seen) == 1)}

    kept, plain = fit(Averaged(), evaluate=evaluate), fit(Plain())
    assert checksum(kept.network.state_dict()) == seen[0]
    assert seen[0] != seen[1]
    assert checksum(kept.network.state_dict()) != checksum(plain.network.state_dict())


def test_two_domains_in_parts_give_the_gradient_of_the_whole():
    @dataclass(kw_only=True)
    class Both(Method):
        needs: ClassVar[frozenset[str]] = frozenset({"source_labels", "target_inputs"})

        def loss(self, nets, batch, progress):
            entropy = torch.distributions.Categorical(logits=nets.network(batch.target.x)).entropy().mean()
            return {"source": nets.task.loss(nets.network(batch.source.x), batch.source.y), "entropy": entropy}

    found = []
    for parts in (1, 3):
        network = tiny_network(dropout=0, norm="group")
        fetch = raw_fetch(DATA, ROWS, network.preprocess)
        stream = JoinedStream(Domain(fetch, n=5), Domain(fetch, DATA.labels(ROWS)), batch_size=8, seed=0)
        found.append(fit(Both(), network, stream=stream, parts=parts).network.state_dict())
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-5) for name in found[0])


def test_who_evaluates_leaves_no_trace_on_training():
    def careless(network):
        network.eval()
        return {"loss": 1.0, "score": 0.0}

    runs = [fit(Plain(), tiny_network(), evaluate=evaluate, steps=6) for evaluate in (careless, None)]
    losses = [[record["train_loss"] for record in run.history] for run in runs]
    assert losses[0] == losses[1]
