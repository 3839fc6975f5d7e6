"""Which stages of the network that encodes samples are trained on both domains, and what that takes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from headstart import catalogue
from headstart.choice.candidates import AT, Candidate
from headstart.choice.cost import staged_seconds
from headstart.choice.joint.behind import Behind
from headstart.choice.joint.plan import STAGE_BATCH, Stages
from headstart.choice.racing import Result
from headstart.data import Dataset
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.models.encoder import Backbone
from headstart.networks import Network
from headstart.workflow.adapting.adaptation import Adaptation
from headstart.workflow.options import AUTO, TRAINED, UNSEEN, FitOptions, depth_of, seconds_of
from headstart.workflow.planning.costs import in_words

OPERATIONS = 3e10
"""Floating-point operations in a second, of one thread of a server of 2026; only shares of a budget follow it."""
PASSES = 3
"""A step's forward and backward pass, in forward passes."""
NORM = "domain"
"""What batch norm counts by unless told otherwise."""
SHARE = 0.5
"""Of the budget, what stages may take that nobody asked for by their number."""
LEAST_ROWS = 100
"""Labelled source rows, and target rows, below which none are trained unless asked for by their number."""
VIEWS = 4
"""Views of a sample at hand, where a method shows several."""
NONE = ("none", "0")
WORDS = {TRAINED, UNSEEN}


def check_depth(options: FitOptions, network: Network | None) -> int:
    """Return how many last stages ``--depth`` asks to train, 1 for ``auto``; 0 where it asks for none or is not given.

    Raises
    ------
    UserError
        If there is no network whose stages could be trained, it has fewer, or nothing that is named trains them.
    """
    if options.norm is not None and options.depth in (None, *NONE):
        raise UserError(
            f"--norm {options.norm} says what batch norm counts by in stages that are trained; give --depth with their "
            "number beside it, or leave it out."
        )
    if options.depth is None or options.depth in NONE:
        return 0
    if network is None or network.spec.get("family") == "pixels":
        what = "a table's columns" if network is None else "the pixels of small pictures"
        raise UserError(
            f"--depth {options.depth} trains a network's last stages, and here {what} are the features; leave it out."
        )
    _check_named(options)
    found = depth_of(options.depth, len(network.stages))
    return 1 if found is None else found


def _check_named(options: FitOptions) -> None:
    """Refuse methods by name of which none is trained, or that train a network of their own."""
    names = [name.strip() for name in (options.method or TRAINED).split(",")]
    learnt = [name for name in names if name not in WORDS and catalogue.parts(name)[0].kind in catalogue.LEARNT]
    if not learnt and not WORDS & {*names}:
        raise UserError(
            f"--depth {options.depth} trains a network's last stages, and of {options.method} nothing is trained; name "
            "a method that is (`headstart methods`, kind joint or source_free) with --method, or leave --depth out."
        )
    for name in learnt:
        if all(field.name != "depth" for field in fields(catalogue.parts(name)[0].load())):
            raise UserError(
                f"--method {name} trains a network of its own, which --depth {options.depth} says nothing about; leave "
                "one of the two out."
            )


def find_stages(adaptation: Adaptation) -> Stages | None:
    """Return the stages that ``--depth`` asks for; None where features stay as they are."""
    encoder, options = adaptation.encoder, adaptation.options
    network = encoder.network if isinstance(encoder, Backbone) else None
    depth = check_depth(options, network)
    if not depth:
        return None
    assert network is not None
    return Stages(depth, options.norm or NORM, step_seconds(network, depth, adaptation.sides.sources[0]))


def not_worth(stages: Stages, candidates: list[Candidate], adaptation: Adaptation) -> str | None:
    """Return why stages that nobody asked for by their number are not trained; None where they are."""
    options, rows = adaptation.options, adaptation.rows
    sizes = len(rows.source), len(rows.target)
    if str(options.depth).strip().lower() != AUTO:
        return None
    if min(sizes) < LEAST_ROWS:
        return f"{sizes[0]} and {sizes[1]} rows are few to move a stage by: {LEAST_ROWS} of each are asked for"
    seconds = sum(staged_seconds(one, stages, *sizes) for one in candidates if staged(one, stages) is not one)
    seconds *= options.seeds
    room = SHARE * seconds_of(options.budget)
    if seconds > room:
        return f"it is expected to take {in_words(seconds)}, and {in_words(room)} of the budget are for it"
    return None


def step_seconds(network: Network, depth: int, dataset: Dataset) -> float:
    """Return the seconds that a step on both domains is expected to take, by the operations of its stages alone."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    rows = np.linspace(0, len(dataset) - 1, min(4, len(dataset))).astype(np.int64)
    cut = min(len(network.stages) - depth, network.last_cut)
    with torch.no_grad():
        state = network.run(network.preprocess(dataset.raw(rows), None), 0, cut)
        with FlopCounterMode(display=False) as counter:
            network.run(state, cut)
    return PASSES * 2 * STAGE_BATCH * counter.get_total_flops() / len(rows) / OPERATIONS


def staged(candidate: Candidate, stages: Stages | None) -> Candidate:
    """Return a candidate that trains the network's stages, where it is one that the loop trains."""
    if stages is None or catalogue.parts(candidate.method)[0].kind not in catalogue.LEARNT:
        return candidate
    label = None if candidate.label is None else f"{candidate.label}{AT}{stages.depth}"
    return replace(candidate, stages=stages, label=label)


def states_behind(adaptation: Adaptation, candidates: list[Candidate], progress: Progress) -> Behind | None:
    """Return the states that candidates train stages from, computed once; None where none does."""
    asking = [one for one in candidates if one.stages is not None]
    if not asking:
        return None
    assert isinstance(adaptation.encoder, Backbone)
    assert asking[0].stages is not None
    shown = max(catalogue.create(one.method, None, one.options).n_views for one in asking)
    views = adaptation.options.views or (VIEWS if shown > 1 else 1)
    if views < shown:
        raise UserError(f"--views {views} is fewer than the {shown} views that {asking[0].method} shows at once.")
    datasets = [*adaptation.sides.sources, adaptation.sides.target.dataset]
    progress.stage("states of the frozen stages", sum(map(len, datasets)))
    rows = np.concatenate([adaptation.rows.source, adaptation.rows.target])
    options = adaptation.options
    return adaptation.encoder.behind(
        datasets,
        rows,
        asking[0].stages.depth,
        views=views,
        seed=options.seed,
        device=options.device,
        on_progress=progress.done,
    )


def stage_words(part: dict[str, Any]) -> str:
    """Say what `told` found."""
    frozen, proof = part["frozen"], part["proof"][-1]
    still = "nothing before them" if not frozen else f"{', '.join(frozen)} stood still"
    proved = f" ({proof['tensors']} tensors, unchanged by their hash)" if frozen else ""
    norms = {"shared": "both domains mixed", "domain": "each domain by itself", "held": "as they came"}[part["norm"]]
    return f"trained {', '.join(part['trained'])}; {still}{proved}; statistics of batch norm: {norms}"


def told(one: Result, network: Network) -> dict[str, Any] | None:
    """Return what a candidate trained of the network and what stood still, with the proof; None for all others."""
    stages = one.candidate.stages
    if stages is None or one.model is None:
        return None
    names = network.stage_names
    split = len(names) - stages.depth
    return {
        "trained": [*names[split:], "head"],
        "frozen": names[:split],
        "proof": [{key: part[key] for key in ("hash", "tensors", "unchanged")} for part in one.model.proof],
        "norm": stages.norm,
    }
