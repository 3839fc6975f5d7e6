"""The only training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from headstart.deep.method import Method
from headstart.engine.device import find_place
from headstart.engine.limits import Limit
from headstart.engine.session import Session
from headstart.engine.settings import Settings
from headstart.engine.streams import Stream
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass
class Trained:
    """What training leaves.

    Attributes
    ----------
    network : with the best weights (the last, without validation), on the device it was trained on.
    history : one record per evaluation: ``step``, ``epoch``, ``train_loss`` (mean since the last record),
        ``validation_loss``, ``validation_score`` (None without validation), ``learning_rate``, ``seconds``.
    best_step : steps done when the weights kept were reached.
    steps : steps done in all.
    stopped : ``finished``, ``patience``, ``budget`` (the clock of a `Limit`) or ``interrupted``.
    frozen : ``stages`` (names), ``hash`` of all that had to stand still, ``tensors`` (how many), ``unchanged``: True.
    settings : device, precision, layout, processes, batch size, parts: what was chosen or asked for.
    notes : sentences for the user, such as a warning of over-fitting.
    """

    network: Network
    history: list[dict[str, Any]]
    best_step: int
    steps: int
    stopped: str
    frozen: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def train(
    method: Method,
    network: Network,
    stream: Stream,
    *,
    task: TaskLogic,
    steps: int,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-2,
    warmup: float = 0.1,
    clip: float | None = 1.0,
    seed: int = 0,
    evaluate: Callable[[Network], dict[str, float]] | None = None,
    evaluate_every: int | None = None,
    patience: int | None = None,
    keep_best: bool = True,
    precision: str | None = None,
    parts: int = 1,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 30.0,
    on_step: Callable[[dict[str, Any]], None] | None = None,
    device: str | torch.device | None = None,
    accelerator: Any = None,
    limit: Limit | None = None,
) -> Trained:
    """Train ``network`` by ``method`` on ``stream``.

    Everything random is a function of ``seed`` and the step, so that a run stopped at any moment and resumed
    from its checkpoint gives, on a CPU, the same bits as one that was never stopped.

    Parameters
    ----------
    method, network, stream, task : what is trained, on what. The network already has the task's head.
    steps : updates of the weights by the whole batch.
    learning_rate, weight_decay : of AdamW; a group's rate multiplies the first; vectors are not decayed.
    warmup : share of the steps in which the rate rises from 0; afterwards half a cosine to 0.
    clip : largest norm of a player's gradient, or None.
    seed : of dropout, of helpers' weights, of the method's own randomness.
    evaluate : network to ``{"loss", "score"}``, a higher score is better; the best weights are handed back.
    evaluate_every : steps between evaluations; an epoch if None.
    patience : evaluations without a better one before stopping; None: never.
    keep_best : hand back the best evaluation's weights; False: the last, and evaluations only watch.
    precision : ``no`` (float32) or ``bf16``; chosen by device if None.
    parts : micro-batches that a process's share of the batch is cut into; doubled when memory runs out.
    checkpoint : file to write to, and to resume from if it is there.
    checkpoint_every : seconds between checkpoints, 0 for every step; writing takes at most about 3% of the time.
    on_step : called with ``{"step", "epoch", "train_loss", "learning_rate", "seconds"}`` per step, and with the
        evaluation's record (see `Trained.history`).
    device : explicit device; else the accelerator's, else the fastest at hand.
    accelerator : `accelerate.Accelerator` or `accelerate.PartialState`; by default the process's own.
    limit : where it ends before its steps: a planned stop, or a clock.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        A loss that is not finite (named: step and samples), a checkpoint that is damaged or of another run, memory
        too small for one sample, a full disk.
    RuntimeError
        If something frozen moved: a fault of the method.
    """
    place = find_place(accelerator, device, precision)
    settings = Settings(
        steps=steps,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        warmup=warmup,
        clip=clip,
        seed=seed,
        evaluate_every=evaluate_every or stream.steps_per_epoch,
        patience=patience,
        keep_best=keep_best,
        parts=parts,
        checkpoint_every=checkpoint_every,
    )
    devices = [place.device] if place.device.type == "cuda" else []
    if devices:
        stream.feed_card()
    with torch.random.fork_rng(devices):
        session = Session(method, network, stream, task, settings, place)
        session.evaluate, session.on_step = evaluate, on_step
        session.path = None if checkpoint is None else Path(checkpoint)
        session.limit = limit or Limit()
        try:
            stopped = session.run()
        finally:
            stream.close()
        return Trained(
            network=session.finish(),
            history=session.curve.history,
            best_step=session.curve.best_step if session.best else session.step,
            steps=session.step,
            stopped=stopped,
            frozen=session.proof,
            settings=session.describe(),
            notes=session.notes,
        )
