"""The loop: the update's mathematics, selection, freezing, faults."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from engine_tiny import TASK, Plain, TinyData, text_network, tiny_network
from torch import nn

from headstart.deep.method import Group, Method, Nets
from headstart.engine import (
    Compute,
    Optimizer,
    Selection,
    Stream,
    cached_states,
    evaluator,
    freeze_table,
    predict,
    raw_fetch,
    train,
)
from headstart.engine.curves import Curve, overfitting
from headstart.engine.frozen import held_names, pick
from headstart.engine.optimizers import make_optimizers, rate_at, set_rate
from headstart.errors import UserError
from headstart.networks.network import hold
from headstart.storage import checksum

ROWS = np.arange(40)
DATA = TinyData(40)


def fetch_of(network, views=1):
    return raw_fetch(DATA, ROWS, network.preprocess, views=views, seed=3)


def stream_of(network, batch_size=8, views=1, **more):
    labels = DATA.labels(ROWS)
    names = DATA.names(ROWS)
    return Stream(fetch_of(network, views), labels, batch_size=batch_size, seed=0, names=names, views=views, **more)


def fit(
    network, method=None, *, steps=12, stream=None, seed=0, evaluate=None, every=None, patience=None, parts=1, **rates
):
    return train(
        method or Plain(),
        network,
        stream or stream_of(network),
        task=TASK,
        steps=steps,
        seed=seed,
        optimizer=Optimizer(**({"learning_rate": 1e-2} | rates)),
        selection=Selection(evaluate, every, patience),
        compute=Compute("cpu", parts=parts),
    )


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(a, b):
    return checksum(weights(a)) == checksum(weights(b))


def near(a, b):
    return all(torch.allclose(x, y, atol=1e-5) for x, y in zip(weights(a).values(), weights(b).values(), strict=True))


def test_it_learns_and_tells_how():
    network = tiny_network()
    found = evaluator(TASK, fetch_of(network), DATA.labels(ROWS))
    trained = fit(network, steps=80, evaluate=found)
    assert trained.history[-1]["validation_loss"] < trained.history[0]["validation_loss"] - 0.2
    assert [record["step"] for record in trained.history] == list(range(5, 81, 5))
    keys = "step epoch train_loss validation_loss validation_score learning_rate seconds"
    assert set(trained.history[0]) == set(keys.split())
    assert trained.stopped == "finished"
    assert trained.history[1]["epoch"] == 2.0


def test_same_seed_same_bits_other_seed_other_bits():
    runs = [fit(tiny_network(), seed=seed).network for seed in (1, 1, 2)]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_the_callers_randomness_is_untouched():
    torch.manual_seed(0)
    network = tiny_network()
    before = torch.get_rng_state()
    fit(network, steps=2)
    assert torch.equal(before, torch.get_rng_state())


def test_one_step_is_adamw_on_the_mean_loss():
    network, twin = tiny_network(dropout=0, norm="group"), tiny_network(dropout=0, norm="group")
    made = stream_of(network)
    fit(network, steps=1, stream=made, learning_rate=0.1, weight_decay=0.3, warmup=0, clip=0.01)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in twin.parameters() if p.ndim > 1], "weight_decay": 0.3},
            {"params": [p for p in twin.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=0.1,
    )
    batch = made.batch(0).target
    nn.functional.cross_entropy(twin(batch.x), batch.y).backward()
    nn.utils.clip_grad_norm_(twin.parameters(), 0.01)
    optimizer.step()
    assert near(network, twin)


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_parts_give_the_same_training(parts):
    whole = fit(tiny_network(dropout=0, norm="group"), weight_decay=0.1)
    cut = fit(tiny_network(dropout=0, norm="group"), weight_decay=0.1, parts=parts)
    assert near(whole.network, cut.network)
    losses = [[record["train_loss"] for record in run.history] for run in (whole, cut)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert cut.settings["parts"] == parts


class Hungry(nn.Module):
    """Runs out of memory above a batch of ``most``."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return x


def test_out_of_memory_gives_the_same_training_in_smaller_parts():
    network = tiny_network(dropout=0, norm="group")
    network.stages["two"].append(Hungry(3))
    twin = tiny_network(dropout=0, norm="group")
    trained, plain = fit(network, stream=stream_of(network)), fit(twin)
    assert trained.settings["parts"] == 4
    assert near(trained.network, plain.network)
    outputs = predict(trained.network, TASK, fetch_of(network), 12, batch_size=8)  # each halving collects garbage: dear
    assert np.allclose(outputs, predict(plain.network, TASK, fetch_of(twin), 12), atol=1e-5)


def test_too_little_memory_for_one_sample_is_one_sentence():
    network = tiny_network()
    network.stages["one"].append(Hungry(0))
    with pytest.raises(UserError, match="one sample"):
        fit(network)
    with pytest.raises(UserError, match="one sample"):
        predict(network, TASK, fetch_of(network), 40)


def test_frozen_stages_stand_still_and_the_rest_moves():
    network = tiny_network()
    before = weights(network)
    trained = fit(network, Plain(frozen=2))
    moved = {name for name, tensor in weights(trained.network).items() if not torch.equal(tensor, before[name])}
    assert not any(name.startswith(("stages.stem", "stages.one")) for name in moved)
    assert {"head.weight", "stages.two.0.weight", "stages.two.1.running_mean"} <= moved
    assert trained.frozen["stages"] == ["stem", "one"]
    assert trained.frozen["unchanged"] is True


@dataclass(kw_only=True)
class Sneaky(Plain):
    """Moves a buffer of a frozen stage."""

    def step(self, nets, batch, progress, update):
        super().step(nets, batch, progress, update)
        nets.network.stages["stem"][1].running_mean += 1e-3


def test_a_method_that_moves_something_frozen_is_found_out():
    with pytest.raises(RuntimeError, match="Sneaky"):
        fit(tiny_network(), Sneaky(frozen=1))


@dataclass(kw_only=True)
class Teacher(Plain):
    """Has a held helper."""

    def build(self, network, task):
        start = tiny_network(seed=9)
        hold(start)
        nets = super().build(network, task)
        return Nets(nets.network, task, start=start)


def test_held_helpers_are_proved_too():
    plain, more = fit(tiny_network(), Plain(frozen=1)), fit(tiny_network(), Teacher(frozen=1))
    assert more.frozen["tensors"] == plain.frozen["tensors"] + len(tiny_network().state_dict())
    assert same(plain.network, more.network)


def test_nothing_to_train_is_one_sentence():
    network = tiny_network()
    network.head = nn.Identity()
    with pytest.raises(UserError, match="nothing to train"):
        fit(network, Plain(frozen=3))


def scripted(scores, losses):
    found = iter(zip(scores, losses, strict=True))

    def evaluate(network):
        score, loss = next(found)
        kept.append(weights(network))
        return {"score": score, "loss": loss}

    kept: list = []
    return evaluate, kept


def test_the_best_weights_are_handed_back_by_score_then_by_loss():
    evaluate, kept = scripted([0.5, 0.7, 0.7, 0.7, 0.6], [1.0, 0.9, 0.8, 0.8, 0.1])
    trained = fit(tiny_network(), steps=10, evaluate=evaluate, every=2)
    assert trained.best_step == 6
    assert checksum(weights(trained.network)) == checksum(kept[2])


def test_patience_stops():
    evaluate, _ = scripted([0.5, 0.6, 0.6, 0.5, 0.9], [1.0] * 5)
    trained = fit(tiny_network(), steps=10, evaluate=evaluate, every=2, patience=2)
    assert (trained.stopped, trained.steps, trained.best_step) == ("patience", 8, 4)


def test_without_validation_the_last_weights_are_kept():
    trained = fit(tiny_network(), steps=7)
    assert trained.best_step == trained.steps == 7
    assert [record["validation_score"] for record in trained.history] == [None, None]


def test_a_loss_that_is_not_finite_names_step_and_samples():
    network = tiny_network()
    data = TinyData(40)
    data.x[17] = np.nan
    fetch = raw_fetch(data, ROWS, network.preprocess)
    made = Stream(fetch, data.labels(ROWS), batch_size=8, seed=0, names=data.names(ROWS))
    when = next(step for step in range(5) if "image 17" in made.sample_names(step))
    with pytest.raises(UserError, match=rf"step {when + 1} of 12.*image 17"):
        fit(network, stream=made)


def test_overfitting_is_told():
    rows = [(3.0, 1.0), (2.0, 1.1), (1.0, 1.2), (0.5, 1.3)]
    history = [{"step": i, "epoch": float(i), "train_loss": t, "validation_loss": v} for i, (t, v) in enumerate(rows)]
    assert "Over-fitting since epoch 0.0" in str(overfitting(history))
    assert overfitting(history[:3]) is None
    assert overfitting([*history, history[0] | {"epoch": 4.0}]) is None
    assert overfitting([record | {"validation_loss": None} for record in history]) is None


def test_the_curve_survives_json():
    curve = Curve(2)
    curve.add({"step": 1, "validation_score": 0.5, "validation_loss": 1.0})
    again = Curve.from_json(curve.to_json())
    assert again == curve
    assert not again.add({"step": 2, "validation_score": 0.5, "validation_loss": 1.0})


def test_the_rate_rises_then_falls():
    rates = [rate_at(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[55] == pytest.approx(0.5)
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.001


@dataclass(kw_only=True)
class Players(Plain):
    """Two players; the second is updated with a rate of 0."""

    def groups(self, nets):
        body = [p for p in nets.network.stages.parameters() if p.requires_grad]
        return [
            Group("body", body, rate=0.5, player="body"),
            Group("head", list(nets.network.head.parameters()), rate=0.0, player="head"),
        ]


def test_each_player_has_its_own_optimizer_and_rate():
    network = tiny_network()
    head = checksum(dict(network.head.state_dict()))
    fit(network, Players(), steps=3)
    assert checksum(dict(network.head.state_dict())) == head
    optimizers = make_optimizers(Players().groups(Nets(network, TASK)), 0.1)
    set_rate(optimizers, 2.0)
    assert {group["lr"] for group in optimizers["body"].param_groups} == {1.0}
    assert {group["weight_decay"] for group in optimizers["body"].param_groups} == {0.0, 0.1}


def test_training_leaves_hyper_parameters_alone():
    method = Plain(frozen=1)
    before = method.get_params()
    fit(tiny_network(), method)
    assert method.get_params() == before
    assert isinstance(method, Method)


@pytest.mark.parametrize("views", [1, 3])
def test_training_from_cached_states_equals_recomputing(tmp_path, views):
    slow, fast = tiny_network(), tiny_network()
    states = cached_states(fast, 2, DATA, ROWS, views=views, seed=3, directory=tmp_path)
    fast.entry = 2
    cached = Stream(states.fetch, DATA.labels(ROWS), batch_size=8, seed=0, names=DATA.names(ROWS), views=views)
    fit(slow, Plain(frozen=2), stream=stream_of(slow, views=views))
    fit(fast, Plain(frozen=2), stream=cached)
    assert near(slow, fast)


def test_prediction_leaves_every_modules_mode():
    network = tiny_network()
    network.train()
    network.stages["one"].eval()
    modes = [module.training for module in network.modules()]
    first = predict(network, TASK, fetch_of(network), 40, batch_size=7)
    assert [module.training for module in network.modules()] == modes
    assert np.allclose(first, predict(network, TASK, fetch_of(network), 40), atol=1e-6)
    assert first.dtype == np.float32
    assert np.allclose(first.sum(1), 1, atol=1e-5)


def test_the_evaluator_gives_the_mean_loss_and_score():
    network = tiny_network()
    nn.init.normal_(network.head.weight)
    values = evaluator(TASK, fetch_of(network), DATA.labels(ROWS), batch_size=7)(network)
    p = predict(network, TASK, fetch_of(network), 40)
    y = DATA.labels(ROWS)
    assert values["loss"] == pytest.approx(-np.log(p[ROWS, y]).mean(), abs=1e-5)
    assert values["score"] == pytest.approx((p.argmax(1) == y).mean())


def test_the_table_tells_what_stands_still():
    rows = {row["stage"]: row for row in freeze_table(tiny_network().freeze(1))}
    assert rows["stem"] == {"stage": "stem", "state": "frozen", "parameters": 48, "trainable": 0, "norm": "held"}
    assert (rows["two"]["state"], rows["two"]["norm"]) == ("trainable", "moving")
    assert rows["head"]["norm"] == "none"
    assert freeze_table(text_network())[0]["norm"] == "none"


def test_the_table_tells_partly_trained_stages_and_norms_of_every_sort():
    network = tiny_network()
    network.stages["one"].requires_grad_(False)
    next(network.stages["two"].parameters()).requires_grad_(False)
    for norm in (module for module in network.stages["two"].modules() if isinstance(module, nn.BatchNorm2d)):
        norm.track_running_stats = False
    network.stages["one"].append(nn.LayerNorm(6))
    rows = {row["stage"]: row for row in freeze_table(network)}
    assert [rows[name]["state"] for name in ("stem", "one", "two", "head")] == [
        "trainable", "partly", "partly", "trainable"
    ]  # fmt: skip
    assert rows["one"]["trainable"] == 12
    assert rows["one"]["parameters"] > 12
    assert rows["two"]["norm"] == "no statistics"
    network.stages["stem"].requires_grad_(False)
    network.head = nn.Identity()
    rows = {row["stage"]: row for row in freeze_table(network)}
    assert (rows["stem"]["state"], rows["stem"]["norm"]) == ("frozen", "moving")
    assert (rows["head"]["state"], rows["head"]["parameters"]) == ("trainable", 0)


def test_what_must_not_move_is_what_is_frozen_idle_or_held():
    network = tiny_network().freeze(1)
    idle, learned = network.stages["two"][0].weight.requires_grad_(False), network.stages["one"][0].weight
    nets = Nets(network, TASK, start=tiny_network(seed=9), critic=nn.Linear(2, 2))
    hold(nets.start)
    learned.requires_grad_(False)  # in a group, so that somebody moves it all the same
    groups = [Group("body", [learned, network.head.weight])]
    names = held_names(nets, groups, 1)
    assert {name for name in nets.state_dict() if name.startswith(("network.stages.stem.", "start."))} <= names
    rest = {name for name in names if not name.startswith(("network.stages.stem.", "start."))}
    assert rest == {"network.stages.two.0.weight"}
    assert set(pick(nets, names)) == names
    assert torch.equal(pick(nets, names)["network.stages.two.0.weight"], idle)


def test_a_curve_says_when_it_overfits_and_when_patience_ends():
    losses = [(4.0, 0.9), (3.0, 1.0), (2.0, 1.1), (1.0, 1.2), (0.5, 1.3)]
    history = [{"step": i, "epoch": float(i), "train_loss": t, "validation_loss": v} for i, (t, v) in enumerate(losses)]
    assert overfitting(history) == (
        "Over-fitting since epoch 1.0: the training loss fell to 0.5 while the validation loss rose to 1.3 "
        "(lowest 0.9 at epoch 0.0)."
    )
    assert overfitting(history[1:], span=4) is None
    for changed in ("train_loss", "validation_loss"):
        level = [dict(record) for record in history]
        level[-1][changed] = level[-2][changed]
        assert overfitting(level) is None
    curve = Curve(patience=2)
    found = [curve.add({"step": i, "validation_score": s, "validation_loss": 1.0}) for i, s in enumerate([0.5, 0.4])]
    assert (found, curve.waited, curve.exhausted) == ([True, False], 1, False)
    assert curve.add({"step": 2, "validation_score": None, "validation_loss": None}) is False
    assert curve.waited == 1
    assert not curve.add({"step": 3, "validation_score": 0.5, "validation_loss": 1.0})
    assert curve.exhausted
    assert not Curve().exhausted
    assert Curve.from_json(Curve().to_json()) == Curve()
