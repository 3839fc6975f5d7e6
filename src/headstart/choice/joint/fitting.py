"""Train a method on rows of two domains by the one loop."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart import catalogue
from headstart.choice.joint.body import as_tensor, create_body, create_grid_body
from headstart.choice.joint.plan import Plan
from headstart.deep.method import Method
from headstart.engine import Compute, Domain, JoinedStream, Optimizer, Saving, Selection, Stream, Trained, train
from headstart.engine.settings import Evaluate
from headstart.engine.streams import BatchStream
from headstart.functional.order import canonical_order
from headstart.functional.reuse import shared
from headstart.networks.network import Network
from headstart.shallow.domains import Domains, masked
from headstart.tasks import TaskLogic
from headstart.tasks.base import draw
from headstart.validators.confidence import infomax
from headstart.validators.evidence import Evidence

Array = np.ndarray
CLIP = 5.0
WATCHED = 1000
"""Target rows, evenly over all, whose answers are looked at while a training goes on."""


def train_joint(
    method: str,
    options: dict[str, Any] | None,
    domains: Domains,
    logic: TaskLogic,
    plan: Plan,
    *,
    seed: int,
    state: Path | None = None,
) -> tuple[Network, list[Trained]]:
    """Train the method that ``method`` names on rows of both domains, in units of their own.

    A method without a source ("source_free") starts from a body that was first trained on the source alone. Target rows
    whose labels are known stand beside the sources as one more of them.

    Parameters
    ----------
    domains : rows [n, d] and [m, d], in an order of their own (`ordered`); labels are class numbers, or values.
    state : where checkpoints are kept, so that a training that was stopped goes on with the same bits; None keeps none.
    """
    learner = catalogue.create(method, None, options)
    steps = plan.steps(len(domains.labels), len(domains.target_labels))
    sizes: dict[str, Any] = {"batch_size": plan.batch_size, "seed": seed}
    body = _body(domains.source.shape[1], logic, plan, seed)

    def learn(learner: Any, body: Network, stream: BatchStream, name: str) -> Trained:
        saving = None if state is None else Saving(state / f"{name}.safetensors")
        judge = watcher(learner, logic, domains.target)
        return _train(learner, body, stream, logic, plan, steps, seed, saving, judge)

    def on_source_alone(name: str) -> Trained:
        """The same training for ERM and for what goes on from it: once in a race."""
        seen = domains.source, domains.labels, domains.source_domain, *_known(domains)
        asked = (*seen, repr(plan), seed, steps, repr(logic.task))
        stream = JoinedStream(None, _sources(domains, 1, plan), **sizes)
        found = shared("source alone", asked, lambda: learn(catalogue.create("erm"), body, stream, name))
        return copy.deepcopy(found)

    if method == "erm" and not options:
        found = on_source_alone("joint")
        return found.network, [found]
    if catalogue.parts(method)[0].kind != "source_free":
        stream = JoinedStream(_target(domains, learner, plan), _sources(domains, learner.n_views, plan), **sizes)
        found = learn(learner, body, stream, "joint")
        return found.network, [found]
    source = on_source_alone("source")
    views: dict[str, Any] = {"views": views_of(learner), "shown": learner.n_views}
    target = Stream(fetch_of(domains.target, plan), n=len(domains.target), **views, **sizes)
    found = learn(learner, source.network, target, "target")
    return found.network, [source, found]


def _body(d: int, logic: TaskLogic, plan: Plan, seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if plan.grid is None:
            body = create_body(d, width=plan.width, layers=plan.layers, dropout=plan.dropout)
        else:
            body = create_grid_body(plan.grid, width=plan.width, dropout=plan.dropout)
        body.head = draw(logic.head_of(body))
    return body


def views_of(learner: Any) -> int:
    """Return how many views of each row are at hand: fresh ones for many epochs where a method shows several."""
    return 1 if learner.n_views == 1 else 64


def watcher(learner: Any, logic: TaskLogic, target: Array) -> Evaluate | None:
    """Return what says without labels which of a training's weights are kept; None where the last ones are.

    The mutual information of `WATCHED` target rows and their answers. It is asked where two aims pull at the features,
    a task's and an alignment's, which `Method.measures` tells of: there the last step need not be the best one.
    """
    if not logic.task.label_space.one_class or type(learner).measures is Method.measures:
        return None
    rows = as_tensor(target[np.linspace(0, len(target) - 1, min(len(target), WATCHED)).astype(np.int64)])

    def judge(network: Network) -> dict[str, float]:
        answers = network(rows).softmax(dim=1).double().numpy()
        nothing: Any = None
        score = infomax(Evidence(nothing, nothing, nothing, nothing, answers))
        return {"loss": -score, "score": score}

    return judge


def _train(
    learner: Any,
    body: Network,
    stream: Any,
    logic: TaskLogic,
    plan: Plan,
    steps: int,
    seed: int,
    saving: Saving | None,
    judge: Evaluate | None,
) -> Trained:
    trained = train(
        learner,
        body,
        stream,
        task=logic,
        steps=steps,
        seed=seed,
        optimizer=Optimizer(plan.rate, plan.decay, clip=CLIP),
        selection=Selection(judge, every=max(1, steps // 20)),
        checkpoint=saving,
        compute=Compute(device="cpu", precision="no"),
    )
    if trained.stopped == "interrupted":
        raise KeyboardInterrupt
    return trained


def ordered(domains: Domains) -> Domains:
    """Return both domains in an order of their content alone, so that the table's order changes nothing."""
    first, second = canonical_order(domains.source, domains.labels), canonical_order(domains.target)
    return Domains(
        domains.source[first],
        domains.labels[first],
        domains.target[second],
        domains.target_labels[second],
        domains.source_domain[first],
    )


def _known(domains: Domains) -> tuple[Array, Array]:
    return domains.target[domains.known], domains.target_labels[domains.known]


def _labels(labels: Array) -> Array:
    return labels[:, None] if labels.dtype.kind == "f" else labels


def _sources(domains: Domains, shown: int, plan: Plan) -> list[Domain]:
    parts = [(domains.source[mine], domains.labels[mine])
             for mine in (domains.source_domain == number for number in np.unique(domains.source_domain))]  # fmt: skip
    if len(domains.known):
        parts.append(_known(domains))
    views: dict[str, Any] = {"views": 1 if shown == 1 else 64, "shown": shown}
    return [Domain(fetch_of(rows, plan), _labels(labels), **views) for rows, labels in parts]


def _target(domains: Domains, learner: Any, plan: Plan) -> Domain | None:
    if not any(need.startswith(("target", "some_target")) for need in learner.needs):
        return None
    labels = None if masked(domains.target_labels).all() else _labels(domains.target_labels)
    return Domain(
        fetch_of(domains.target, plan),
        labels,
        n=len(domains.target),
        views=views_of(learner),
        shown=learner.n_views,
    )


def fetch_of(rows: Array, plan: Plan) -> Any:
    """Return rows by position; views above 0 add noise and shift pictures, by positions and views alone."""
    tensor = as_tensor(rows)

    def fetch(positions: Array, view: Any) -> torch.Tensor:
        views = np.broadcast_to(np.asarray(view), np.shape(positions))
        found = tensor[torch.from_numpy(np.asarray(positions))]
        if not views.any():
            return found
        rng = np.random.default_rng([*views.tolist(), *positions.tolist()])
        drawn = rng.normal(size=tuple(found.shape))
        if plan.grid is not None:
            moved = as_tensor(_shifted(found.numpy().reshape(len(found), *plan.grid), rng).reshape(found.shape))
            found = torch.where(torch.from_numpy(views > 0)[:, None], moved, found)
        return found + as_tensor(plan.noise * drawn * (views > 0)[:, None])

    return fetch


def _shifted(pictures: Array, rng: np.random.Generator) -> Array:
    """Return pictures [n, c, h, w], each moved by up to a tenth of its sides; its edge fills what it leaves."""
    lines, columns = (
        np.clip(np.arange(side) + rng.integers(-side // 10, side // 10 + 1, size=(len(pictures), 1)), 0, side - 1)
        for side in pictures.shape[2:]
    )
    number = np.arange(len(pictures))[:, None, None, None]
    channel = np.arange(pictures.shape[1])[:, None, None]
    return pictures[number, channel, lines[:, None, :, None], columns[:, None, None, :]]
