"""Going on from a run with new data of its task: its head, what its data say of each weight, and old samples beside."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headstart import catalogue
from headstart.data import Dataset
from headstart.deep.importance import diagonal_fisher
from headstart.engine import Domain, JoinedStream, Stream
from headstart.engine.device import move
from headstart.engine.fetches import raw_fetch
from headstart.engine.streams import BatchStream
from headstart.errors import HeadstartWarning, UserError, check_names
from headstart.networks import Network
from headstart.networks.heads import picked_rows
from headstart.networks.source_run import open_answers
from headstart.storage import load_tensors, save_tensors
from headstart.tasks import TaskLogic
from headstart.workflow.arm import arm_of
from headstart.workflow.arms.forgetting import own_rows
from headstart.workflow.arms.plain import answers_of, run_folder
from headstart.workflow.arms.tiles import learned_from
from headstart.workflow.arms.workbench import Workbench
from headstart.workflow.run import load
from headstart.workflow.trained_rows import FILE, known_rows, row_hashes

IMPORTANCE = Path("model") / "importance.safetensors"
MOST_ROWS = 500
"""Samples by which the importance of weights is estimated, at most; it is counted for all."""
MOST_OLD = 2_000
"""Old samples that are learned from beside the new ones, at most."""
WEIGHED, REPLAYED = "ewc", "replay"
"""The methods that need the importance of weights, and old samples."""
check_names((WEIGHED, REPLAYED), catalogue.names(), "headstart.workflow.arms.continuing")
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Importance:
    """What old data say of each weight, summed over their ``n`` samples."""

    weights: Weights
    n: int


def check_continuing(bench: Workbench, arms: tuple[str, ...]) -> None:
    """Refuse, before anything is written, an arm that goes on from a source that does not answer the target's task."""
    for arm in (one for one in arms if arm_of(one).former_head):
        former(bench, bench.network(pretrained=True, seed=0), arm)
    going = [arm for arm in arms if arm_of(arm).continues]
    if not going:
        if bench.replayed is not None:
            raise UserError(f"--replay gives old samples to --method {REPLAYED}, which no arm is; leave it out.")
        return
    begun_as_source(bench, bench.network(pretrained=True, seed=0), going[0])
    if any(_weighs(arm) for arm in going):
        importance_of(bench, estimate=False)
    if any(arm_of(arm).replays for arm in going) and bench.replayed is None:
        raise UserError(
            "--method replay learns from old samples beside the new ones; give them with --replay OLD, or use "
            "finetune+lwf or finetune+ewc, which need none."
        )


def begun_as_source(bench: Workbench, network: Network, arm: str) -> Network:
    """Give ``network`` the head with which the source answers, in the target's order of classes or units."""
    source = bench.source
    answers = answers_of(bench) if source.kind == "run" else None
    if answers is None:
        raise UserError(
            f"{arm} goes on from a run of the same task, and {source.spec} does not answer {bench.dataset.name}: give "
            "--source a run that knows all its classes (or predicts the same targets), or choose another method."
        )
    if not isinstance(answers.head, nn.Linear) or answers.spec.get("family") != network.spec.get("family"):
        raise UserError(
            f"{arm} trains the source's own head further, and that of {source.spec} is {_kind(answers)}; fit that run "
            "with --arms scratch,chosen and a trained --method, or choose another method here."
        )
    if answers.taps:
        network.tap(answers.taps, answers.n_features)
    network.head = answers.head.to(bench.device).requires_grad_(True)
    return network


def former(bench: Workbench, network: Network, arm: str) -> Network:
    """Let ``network`` bring the head with which its source answers its own classes."""
    folder = run_folder(bench)
    found = None if folder is None else open_answers(str(folder))
    head = None if found is None else found[0].head
    if found is None or not found[1].task.label_space.one_class or not isinstance(head, nn.Linear) or found[0].taps:
        raise UserError(
            f"{arm} learns the source's own classes too, and {bench.source.spec} has no linear head of classes on its "
            "features; give --source a run that was trained to tell classes, or choose another method."
        )
    if head.in_features != network.n_features:
        raise UserError(f"{arm} needs the source's features as they were, and the target's network has others.")
    network.former = (head.to(bench.device),)
    return network


def continued(bench: Workbench, arm: str, network: Network, n: int) -> Network:
    """Let a network begin an arm as its source answers, on ``n`` samples."""
    network = begun_as_source(bench, network, arm)
    return weighed(bench, network, n) if _weighs(arm) else network


def _weighs(arm: str) -> bool:
    return WEIGHED in [part.strip() for part in arm.split("+")]


def _kind(network: Network) -> str:
    return "one of raw columns" if network.spec.get("family") == "columns" else f"a {type(network.head).__name__}"


def weighed(bench: Workbench, network: Network, n: int) -> Network:
    """Let ``network`` bring the importance of its weights, for a training on ``n`` samples."""
    found, mine = importance_of(bench), dict(network.named_parameters())
    network.importance = {
        name: one.to(bench.device) / n
        for name, one in found.weights.items()
        if name in mine and one.shape == mine[name].shape
    }
    return network


def importance_of(bench: Workbench, *, estimate: bool = True) -> Importance:
    """Return what the source's data say of its weights: as the run kept it, else from its data where they still lie.

    Parameters
    ----------
    estimate : whether to compute what is not kept; otherwise it is only looked whether that can be.
    """
    folder = run_folder(bench)
    assert folder is not None
    if (folder / IMPORTANCE).is_file():
        return _aligned(bench, read_importance(folder / IMPORTANCE))
    run = load(folder)
    origin = run.result["data"].get("origin")
    if not origin or not Path(origin).exists():
        raise UserError(
            f"ewc needs what the data of {bench.source.spec} say of its weights: the run kept nothing of it (fit it "
            "with --remember), and its data are not at hand; put them back, or use lwf or l2sp."
        )
    if not estimate:
        return Importance({}, 0)
    found = bench.kept.get("importance")
    if found is None:
        dataset, rows = own_rows(run, learned=True)
        bench.progress.note("ewc: estimate what the source's data say of its weights")
        found = bench.kept["importance"] = _of_rows(*_opened(folder), dataset, rows, bench.options.seed)
    return _aligned(bench, found)


def _opened(folder: Path | None) -> tuple[Network, TaskLogic]:
    found = open_answers(str(folder))
    assert found is not None
    return found


def _of_rows(network: Network, logic: TaskLogic, dataset: Dataset, rows: np.ndarray, seed: int) -> Importance:
    """Estimate the importance on some rows, and count it for all."""
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST_ROWS])
    fetch, labels = raw_fetch(dataset, chosen, network.preprocess), dataset.labels(chosen)
    where = next(network.parameters()).device
    one_by_one = (
        (move(fetch(np.array([i]), 0), where), torch.as_tensor(labels[i : i + 1]).to(where)) for i in range(len(chosen))
    )
    found = diagonal_fisher(network, logic, one_by_one, seed)
    return Importance({name: one * (len(rows) / len(chosen)) for name, one in found.items()}, len(rows))


def _aligned(bench: Workbench, found: Importance) -> Importance:
    """Bring the head's rows into the target's order of classes, as its weights were, and losses into its units."""
    theirs, mine = _opened(run_folder(bench))[1], bench.logic
    if mine.task.label_space.of_classes:
        order = [theirs.task.label_space.names.index(name) for name in mine.task.label_space.names]
        return Importance(picked_rows(found.weights, order), found.n)
    if mine.units is None or theirs.units is None:
        return found
    # In larger units of outputs a stage's weight moves them by less; the head's rows were scaled as the outputs were.
    factor = float(np.mean((theirs.units[1] / mine.units[1]) ** 2))
    weights = {name: one if name.startswith("head.") else one * factor for name, one in found.weights.items()}
    return Importance(weights, found.n)


def remember(bench: Workbench, network: Network, folder: Path, kept: str) -> None:
    """Write what the run's data say of its model's weights; what an EWC arm brought from before is added."""
    if not isinstance(network.head, nn.Linear) or network.spec.get("family") == "columns":
        warnings.warn(
            f"--remember kept nothing: {kept} was handed back, whose head is no layer of weights; name a trained "
            "method and --arms scratch,chosen.",
            HeadstartWarning,
            stacklevel=2,
        )
        return
    rows = bench.dataset.splits["train"]
    found = _of_rows(network, bench.logic, bench.dataset, rows, bench.options.seed)
    weights, n = found.weights, found.n
    if _weighs(kept):
        before = importance_of(bench)
        weights = {name: one + before.weights[name].to(one) if name in before.weights else one
                   for name, one in weights.items()}  # fmt: skip
        n += before.n
    save_tensors(folder / IMPORTANCE, {name: one.cpu() for name, one in weights.items()}, {"n": n})


def read_importance(path: Path) -> Importance:
    """Read what `remember` wrote.

    Raises
    ------
    UserError
        If the file holds anything else.
    """
    tensors, about = load_tensors(path)
    n = (about or {}).get("n")
    wrong = [name for name, one in tensors.items() if not one.is_floating_point() or not (one >= 0).all()]
    if wrong or not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise UserError(f"{path} holds no importance of weights; the file is damaged or was edited.")
    return Importance(dict(tensors), n)


def old_rows(bench: Workbench) -> np.ndarray:
    """Return the old rows to learn from: of a run's own data those that it learned from, so that others can measure."""
    old = bench.replayed
    assert old is not None
    every, folder = np.arange(len(old)), run_folder(bench)
    if folder is not None and (folder / FILE).is_file():
        learned = every[np.isin(row_hashes(old, every), known_rows(folder)["learned"])]
        every = learned if len(learned) else every
    return np.sort(np.random.default_rng(bench.options.seed).permutation(every)[:MOST_OLD])


def stream_of(bench: Workbench, arm: str, network: Network, cut: int, rows: np.ndarray, **settings: Any) -> BatchStream:
    """Return the batches of an arm: of ``rows``, and of old samples beside them where it replays.

    Parameters
    ----------
    settings : ``views``, ``batch_size``, ``seed`` and ``weights``, as in `headstart.engine.Stream`.
    """
    views = settings.get("views", 1)
    if not arm_of(arm).replays:
        with learned_from(bench, network, rows) as (data, mine):
            labels, names = bench.targets(network, mine, views=views, dataset=data), data.names(mine)
            fetch = bench.fetch(network, mine, cut=cut, views=views, dataset=data)
            return Stream(fetch, labels, names=names, **settings)
    labels, names = bench.targets(network, rows, views=views), bench.dataset.names(rows)
    old, theirs = bench.replayed, old_rows(bench)
    assert old is not None
    size, seed, weights = settings["batch_size"], settings["seed"], settings.get("weights")
    for where in (cut, 0):  # both enter where both could be kept
        before = bench.fetch(network, theirs, cut=where, views=views, dataset=old)
        entry = network.entry
        now = bench.fetch(network, rows, cut=where, views=views)
        if entry == network.entry:
            break
    target = Domain(now, labels, names=names, views=views, weights=weights)
    source = Domain(before, old.labels(theirs), names=old.names(theirs), views=views)
    return JoinedStream(target, source, batch_size=size, seed=seed)
