"""A small training as a process of its own: killed, interrupted, resumed, or one of several."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engine_tiny import TASK, Plain, TinyData, tiny_network

from headstart.engine import Stream, evaluator, raw_fetch, train
from headstart.engine.device import process_state
from headstart.storage import checksum


@dataclass(kw_only=True)
class Gradual(Plain):
    """Stages are released with progress: 2, 1, then 0 frozen."""

    def groups(self, nets):
        (group,) = super().groups(nets)
        return [group._replace(parameters=list(nets.network.parameters()))]

    def step(self, nets, batch, progress, update):
        nets.network.freeze(2 - int(progress * 3))
        super().step(nets, batch, progress, update)


def job(folder: Path, *, steps=24, norm="batch", dropout=0.2, pause=0.0, every=0.0, method=None, on_step=None):
    """Train; write the checkpoint into ``folder``; return ``Trained``."""
    data, rows = TinyData(40), np.arange(40)
    network = tiny_network(norm=norm, dropout=dropout)
    fetch = raw_fetch(data, rows, network.preprocess, views=3, seed=1)
    stream = Stream(fetch, data.labels(rows), batch_size=8, seed=0, names=data.names(rows), views=3)
    evaluate = evaluator(TASK, raw_fetch(data, rows, network.preprocess), data.labels(rows))

    def report(record):
        time.sleep(pause)
        if on_step is not None:
            on_step(record)

    return train(
        method or Gradual(),
        network,
        stream,
        task=TASK,
        steps=steps,
        learning_rate=1e-2,
        evaluate=evaluate,
        evaluate_every=6,
        patience=50,
        checkpoint=folder / "training.safetensors",
        checkpoint_every=every,
        on_step=report,
        device="cpu",
    )


def digest(trained) -> str:
    return checksum(trained.network.state_dict())


def several(folder: Path) -> None:
    """One of several processes: the main one writes the losses."""
    losses: list[float] = []
    trained = job(
        folder,
        norm="group",
        dropout=0.0,
        every=1e9,
        on_step=lambda record: losses.append(record["train_loss"]),
        method=Plain(frozen=1),
    )
    state = process_state()
    found = {"losses": losses, "weights": digest(trained), "processes": state.num_processes}
    found["scores"] = [record["validation_loss"] for record in trained.history]
    (folder / f"rank{state.process_index}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[1] == "several":
        several(place)
    else:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        trained = job(place, pause=0.02, on_step=lambda record: print(record["step"], flush=True))
        (place / "done.json").write_text(json.dumps([trained.stopped, trained.steps, digest(trained)]))
