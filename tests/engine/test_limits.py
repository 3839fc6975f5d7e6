"""The clock that ends a training between two steps, and the step number that it leaves for a resumed one."""

from __future__ import annotations

import numpy as np
import pytest
from engine_tiny import TASK, Plain, TinyData, tiny_network

from headstart.engine import Compute, Optimizer, Saving, Selection, Stream, evaluator, raw_fetch, train
from headstart.engine.settings import Limit
from headstart.storage import checksum

DATA, ROWS, STEPS = TinyData(40), np.arange(40), 20


class Clock:
    """Seconds that only pass when a network computes."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def fit(clock=None, *, step=5.0, evaluation=0.0, seconds=60.0, stop_at=None, path=None, **limit):
    """Train a network that takes ``step`` seconds a training pass, and ``evaluation`` an evaluation."""
    clock = clock or Clock()
    network = tiny_network()

    def slow(module, inputs):
        clock.now += step if module.training else evaluation

    network.register_forward_pre_hook(slow)
    fetch = raw_fetch(DATA, ROWS, network.preprocess)
    watch = evaluator(TASK, fetch, DATA.labels(ROWS))

    def halt(record):
        if record["step"] == stop_at and "validation_loss" not in record:
            raise KeyboardInterrupt

    return train(
        Plain(),
        network,
        Stream(fetch, DATA.labels(ROWS), batch_size=8, seed=0),
        task=TASK,
        steps=STEPS,
        optimizer=Optimizer(1e-2),
        selection=Selection(watch),
        checkpoint=None if path is None else Saving(path, every=0),
        compute=Compute("cpu"),
        on_step=halt,
        limit=Limit(seconds=seconds, clock=clock, **limit),
    )


def bits(trained):
    return checksum(trained.network.state_dict())


@pytest.mark.parametrize(("seconds", "steps"), [(60.0, 12), (31.0, 6), (1.0, 2), (0.0, 1), (1e9, STEPS)])
def test_the_clock_ends_a_slow_training_within_its_seconds(seconds, steps):
    clock, told = Clock(), []
    trained = fit(clock, seconds=seconds, on_cut=told.append)
    assert trained.steps == steps
    assert clock.now <= max(seconds, 2 * 5.0)
    assert (trained.stopped, told) == (("finished", []) if steps == STEPS else ("budget", [steps]))


def test_the_last_evaluation_counts_too():
    clock = Clock()
    trained = fit(clock, seconds=60.0, evaluation=10.0)
    assert trained.stopped == "budget"
    assert clock.now <= 60.0


def test_a_cut_training_is_evaluated_and_hands_back_its_best():
    trained = fit(seconds=36.0)
    assert [record["step"] for record in trained.history] == [5, 7]
    assert trained.best_step in {5, 7}


def test_resumed_after_the_cut_was_kept_it_gives_the_same_bits(tmp_path):
    kept = []
    whole = fit(seconds=60.0, on_cut=kept.append)
    path = tmp_path / "training.safetensors"
    assert fit(stop_at=7, seconds=1e9, path=path).stopped == "interrupted"
    resumed = fit(cut=kept[0], seconds=0.0, path=path)
    assert (resumed.stopped, resumed.steps) == ("budget", whole.steps)
    assert bits(resumed) == bits(whole)
    again = fit(cut=kept[0], path=path)
    assert (again.stopped, bits(again)) == ("budget", bits(whole))


def test_time_of_former_sessions_counts(tmp_path):
    path = tmp_path / "training.safetensors"
    fit(stop_at=7, seconds=60.0, path=path)
    assert fit(seconds=60.0, path=path).steps == fit(seconds=60.0).steps


def test_a_planned_stop_keeps_the_rate_of_all_steps():
    whole, short = fit(seconds=1e9), fit(seconds=1e9, stop=10)
    assert (short.stopped, short.steps) == ("finished", 10)
    assert [record["learning_rate"] for record in short.history] == [
        record["learning_rate"] for record in whole.history[:2]
    ]
    assert [record["train_loss"] for record in short.history] == [record["train_loss"] for record in whole.history[:2]]
