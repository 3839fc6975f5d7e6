"""Laws of trained methods: players, roles, parts of a batch, what is remembered, what is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from headstart.checks.recording import Gradients, record
from headstart.checks.states import assert_same, weights
from headstart.checks.trial import Trial
from headstart.data.batches import Batch, Samples
from headstart.deep.method import Method, Nets
from headstart.engine import Saving, Selection
from headstart.networks import Network


class Stop(Exception):
    """Ends a training in its middle."""


def check_contract(factory: Callable[[], Method], trial: Trial) -> None:
    """Run every law of this module on the methods that ``factory`` makes."""
    check_players(factory(), trial)
    check_roles(factory(), trial)
    check_parts(factory(), trial)
    check_resumed(factory, trial)
    check_kept(factory(), trial)


def check_players(method: Method, trial: Trial) -> None:
    """Every player moves in a step, by a gradient; and what is trained moves by `update` alone."""
    nets = _built(method, trial)
    learning = {name: p for name, p in nets.named_parameters() if p.requires_grad}
    before = {name: p.detach().clone() for name, p in learning.items()}
    stream = trial.stream(method)
    step = record(method, nets, stream, stream.batch(0))
    for player in sorted({group.player for group in method.groups(nets)}):
        own = {id(p) for group in method.groups(nets) if group.player == player for p in group.parameters}
        names = {name for name, p in nets.named_parameters() if id(p) in own}
        moves = [found for who, found in step.moves if who in (None, player)]
        moved = any(found[name].any() for found in moves for name in names)
        assert moved, f"{method!r}: the player {player} never moves."
    assert_same(
        before,
        {name: p.detach() for name, p in learning.items()},
        f"{method!r} moves weights beside its updates: before and after",
    )


def check_roles(method: Method, trial: Trial) -> None:
    """What a method asks for it reads: other samples of a role give other gradients."""
    stream = trial.stream(method)
    batch = stream.batch(0)
    seen = _gradients(method, trial, batch)
    for role, moved in _moved(method, batch).items():
        same = all(
            torch.equal(a, b) for a, b in zip(seen.values(), _gradients(method, trial, moved).values(), strict=True)
        )
        assert not same, f"{method!r} needs {sorted(method.needs)}, but never reads the {role}."


def check_parts(method: Method, trial: Trial) -> None:
    """A batch in three parts gives the gradients of the whole; or the method says that it couples a batch's samples.

    Methods whose loss is random in itself are not asked.
    """
    batch = trial.stream(method).batch(0)
    coupled = any(part.couples for part in (method, *getattr(method, "penalties", ())))
    whole = _gradients(method, trial, batch)
    random = not _near(whole, _gradients(method, trial, batch, seed=1))
    if coupled or random:
        return
    same = _near(whole, _gradients(method, trial, batch, parts=3))
    assert same, f"{method!r} couples the samples of a batch (its parts give other gradients); let it say `couples`."


def check_resumed(factory: Callable[[], Method], trial: Trial) -> None:
    """Stopped in the middle of an epoch and resumed by a method made anew, training gives the same bits."""

    def stop(record: dict[str, Any]) -> None:
        if record["step"] == 4 and "validation_loss" not in record:
            raise Stop

    whole = weights(trial.train(factory(), steps=6, batch_size=5).network)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "training.safetensors"
        with contextlib.suppress(Stop):
            trial.train(factory(), steps=6, batch_size=5, checkpoint=Saving(path, every=0), on_step=stop)
        again = trial.train(factory(), steps=6, batch_size=5, checkpoint=Saving(path))
    assert_same(whole, weights(again.network), f"{factory()!r}: a training that was stopped and one that was not")


def check_kept(method: Method, trial: Trial) -> None:
    """The network that is handed back answers as the one that was evaluated."""
    x, answers = trial.x, []

    def watch(network: Network) -> dict[str, float]:
        answers.append(network(x))
        return {"loss": 0.0, "score": 0.0}

    kept = trial.train(method, selection=Selection(watch, every=1, keep_best=False)).network.eval()
    with torch.no_grad():
        assert _close(kept(x), answers[-1]), f"{method!r} evaluates one network and hands back another."


def _built(method: Method, trial: Trial) -> Nets:
    """Return the method's nets, its helpers drawn by one seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return method.build(trial.network(), trial.logic).train()


def _gradients(method: Method, trial: Trial, batch: Batch, *, parts: int = 1, seed: int = 0) -> Gradients:
    """Return the gradients of one step's moves, without dropout."""
    nets = _built(method, trial).eval()
    step = record(method, nets, trial.stream(method), batch, parts=parts, seed=seed)
    return {f"{number}:{name}": g for number, (_, found) in enumerate(step.moves) for name, g in found.items()}


def _near(first: Gradients, second: Gradients) -> bool:
    return all(_close(first[name], second[name]) for name in first)


def _moved(method: Method, batch: Batch) -> dict[str, Batch]:
    """Return, for each role that the method asks for, the batch with other samples in it."""
    if batch.episode is not None:
        support, query = (_other(samples) for samples in batch.episode[:2])
        return {
            "support": batch._replace(episode=batch.episode._replace(support=support)),
            "queries": batch._replace(episode=batch.episode._replace(query=query)),
        }
    roles = {"target": batch.target, "source": batch.source}
    return {role: batch._replace(**{role: _other(s)}) for role, s in roles.items() if s is not None}


def _other(samples: Samples) -> Samples:
    x, *more = [view | {"numeric": view["numeric"] * 1.5 + 1} for view in samples.views]
    return samples._replace(x=x, more=tuple(more))


def _close(first: Tensor, second: Tensor) -> bool:
    return torch.allclose(first, second, rtol=1e-3, atol=1e-5)
