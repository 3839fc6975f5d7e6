"""The only training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from headstart.deep.method import Method, Nets
from headstart.engine.device import find_place
from headstart.engine.session import Session
from headstart.engine.settings import Compute, Limit, Optimizer, Saving, Selection, Settings
from headstart.engine.streams import BatchStream
from headstart.networks.network import Network
from headstart.tasks import TaskLogic


@dataclass
class Trained:
    """What training leaves.

    Attributes
    ----------
    network : with the best weights (the last, without validation), on the device it was trained on.
    history : one record per evaluation: ``step``, ``epoch``, ``train_loss`` (mean since the last record),
        ``validation_loss``, ``validation_score`` (None without validation), ``learning_rate``, ``seconds``;
        ``terms`` by name where the loss has several (means since the last record, of this process's share), and
        ``measures`` where the method takes any.
    best_step : steps done when the weights kept were reached.
    steps : steps done in all.
    stopped : ``finished``, ``patience``, ``budget`` (the clock of a `Limit`) or ``interrupted``.
    frozen : ``stages`` (names), ``hash`` of all that had to stand still, ``tensors`` (how many), ``unchanged``: True.
    settings : device, precision, layout, processes, batch size, parts: what was chosen or asked for.
    notes : sentences for the user, such as a warning of over-fitting.
    nets : the method's helpers by name beside the network, such as translators, as the last step left them.
    """

    network: Network
    history: list[dict[str, Any]]
    best_step: int
    steps: int
    stopped: str
    frozen: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    nets: Nets | None = field(default=None, repr=False)


def train(
    method: Method,
    network: Network,
    stream: BatchStream,
    *,
    task: TaskLogic,
    steps: int,
    seed: int = 0,
    optimizer: Optimizer = Optimizer(),  # noqa: B008
    selection: Selection = Selection(),  # noqa: B008
    checkpoint: Saving | None = None,
    compute: Compute = Compute(),  # noqa: B008
    limit: Limit = Limit(),  # noqa: B008
    on_step: Callable[[dict[str, Any]], None] | None = None,
) -> Trained:
    """Train ``network`` by ``method`` on ``stream``.

    Everything random is a function of ``seed`` and the step, so that a run stopped at any moment and resumed
    from its checkpoint gives, on a CPU, the same bits as one that was never stopped.

    Parameters
    ----------
    method, network, stream, task : what is trained, on what. The network already has the task's head.
    steps : updates of the weights by the whole batch.
    seed : of dropout, of helpers' weights, of the method's own randomness.
    optimizer : rates, decay, clipping.
    selection : evaluations, patience, which weights are handed back.
    checkpoint : file to write to, and to resume from if it is there.
    compute : device, precision, processes, parts.
    limit : where it ends before its steps: a planned stop, or a clock.
    on_step : called with ``{"step", "epoch", "train_loss", "learning_rate", "seconds"}`` per step, and with the
        evaluation's record (see `Trained.history`).

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
    place = find_place(compute.accelerator, compute.device, compute.precision)
    settings = Settings(steps, seed, optimizer, selection, selection.every or stream.steps_per_epoch)
    devices = [place.device] if place.device.type == "cuda" else []
    if devices:
        stream.feed_card()
    with torch.random.fork_rng(devices):
        session = Session(method, network, stream, task, settings, place)
        session.updater.parts, session.saving = compute.parts, checkpoint
        session.limit, session.on_step = limit, on_step
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
            nets=session.nets,
        )
