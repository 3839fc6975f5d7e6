"""Train a method on rows of two domains by the one loop."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart import catalogue
from headstart.choice.joint.material import Material, views_of, watched
from headstart.deep.method import Method
from headstart.engine import Domain, JoinedStream, Optimizer, Saving, Selection, Stream, Trained, train
from headstart.engine.device import move
from headstart.engine.settings import Evaluate
from headstart.engine.streams import BatchStream
from headstart.functional.order import canonical_order
from headstart.functional.reuse import shared
from headstart.networks.network import Network
from headstart.shallow.domains import Domains, masked
from headstart.tasks import TaskLogic
from headstart.validators.confidence import infomax
from headstart.validators.evidence import Evidence

Array = np.ndarray
CLIP = 5.0


def train_joint(
    method: str,
    options: dict[str, Any] | None,
    domains: Domains,
    logic: TaskLogic,
    material: Material,
    *,
    seed: int,
    state: Path | None = None,
) -> tuple[Network, list[Trained]]:
    """Train the method that ``method`` names on rows of both domains, or on what ``material`` has behind them.

    A method without a source ("source_free") starts from a body that was first trained on the source alone. Target rows
    whose labels are known stand beside the sources as one more of them.

    Parameters
    ----------
    domains : rows [n, d] and [m, d], in an order of their own (`ordered`); labels are class numbers, or values.
    state : where checkpoints are kept, so that a training that was stopped goes on with the same bits; None keeps none.
    """
    plan, learner = material.plan, material.learner(method, options)
    steps = plan.steps(len(domains.labels), len(domains.target_labels))
    sizes: dict[str, Any] = {"batch_size": plan.batch_size, "seed": seed}
    body = material.body(domains, logic, seed)

    def learn(learner: Any, body: Network, stream: BatchStream, name: str) -> Trained:
        saving = None if state is None else Saving(state / f"{name}.safetensors")
        judge = watcher(learner, logic, material, domains.target)
        return _train(learner, body, stream, logic, material, steps, seed, saving, judge)

    def on_source_alone(name: str) -> Trained:
        """The same training for ERM and for what goes on from it: once in a race."""
        seen = domains.source, domains.labels, domains.source_domain, *_known(domains)
        asked = (*seen, material.identity, repr(plan), seed, steps, repr(logic.task))
        stream = JoinedStream(None, _sources(domains, 1, material), **sizes)
        found = shared("source alone", asked, lambda: learn(material.learner("erm", None), body, stream, name))
        return copy.deepcopy(found)

    if method == "erm" and not options:
        found = on_source_alone("joint")
        return found.network, [found]
    if catalogue.parts(method)[0].kind != "source_free":
        target = _target(domains, learner, material)
        stream = JoinedStream(target, _sources(domains, learner.n_views, material), **sizes)
        found = learn(learner, body, stream, "joint")
        return found.network, [found]
    source = on_source_alone("source")
    views: dict[str, Any] = {"views": views_of(material, learner.n_views), "shown": learner.n_views}
    target = Stream(material.fetch(domains.target), n=len(domains.target), **views, **sizes)
    found = learn(learner, source.network, target, "target")
    return found.network, [source, found]


def watcher(learner: Any, logic: TaskLogic, material: Material, target: Array) -> Evaluate | None:
    """Return what says without labels which of a training's weights are kept; None where the last ones are.

    The mutual information of `headstart.choice.joint.material.WATCHED` target rows and their answers. It is asked
    where two aims pull at the features, a task's and an alignment's, which `Method.measures` tells of: there the last
    step need not be the best one.
    """
    if not logic.task.label_space.one_class or type(learner).measures is Method.measures:
        return None
    rows = watched(target)

    def judge(network: Network) -> dict[str, float]:
        with material.answering(network, rows) as asked:
            answers = answers_of(asked, material.fetch(rows), len(rows), material.asked)
        nothing: Any = None
        score = infomax(Evidence(nothing, nothing, nothing, nothing, answers.softmax(dim=1).double().numpy()))
        return {"loss": -score, "score": score}

    return judge


def answers_of(network: Network, fetch: Any, n: int, size: int) -> torch.Tensor:
    """Return the outputs [n, k] of a network in evaluation mode for the plain view of n rows, ``size`` at once."""
    where = next(network.parameters()).device
    parts = np.array_split(np.arange(n), max(1, -(-n // size)))
    with torch.no_grad():
        return torch.cat([network(move(fetch(positions, 0), where)).float().cpu() for positions in parts])


def _train(
    learner: Any,
    body: Network,
    stream: Any,
    logic: TaskLogic,
    material: Material,
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
        optimizer=Optimizer(material.rate(learner, steps), material.plan.decay, clip=CLIP),
        selection=Selection(judge, every=max(1, steps // 20)),
        checkpoint=saving,
        compute=material.compute,
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


def _sources(domains: Domains, shown: int, material: Material) -> list[Domain]:
    parts = [(domains.source[mine], domains.labels[mine])
             for mine in (domains.source_domain == number for number in np.unique(domains.source_domain))]  # fmt: skip
    if len(domains.known):
        parts.append(_known(domains))
    views: dict[str, Any] = {"views": views_of(material, shown), "shown": shown}
    return [Domain(material.fetch(rows), _labels(labels), **views) for rows, labels in parts]


def _target(domains: Domains, learner: Any, material: Material) -> Domain | None:
    if not any(need.startswith(("target", "some_target")) for need in learner.needs):
        return None
    labels = None if masked(domains.target_labels).all() else _labels(domains.target_labels)
    return Domain(
        material.fetch(domains.target),
        labels,
        n=len(domains.target),
        views=views_of(material, learner.n_views),
        shown=learner.n_views,
    )
