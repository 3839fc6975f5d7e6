"""What each candidate is worth: its best stage, every score of it, and the order of all of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headstart import library
from headstart.data import Dataset
from headstart.engine.maps import POOLED
from headstart.errors import UserError
from headstart.functional.reuse import reusing
from headstart.kinds import SHARES
from headstart.networks import Source
from headstart.scores import (
    COMBINED,
    SCORES,
    Terms,
    label_overlap,
    mmd_similarity,
    past_gain,
    proxy_a_similarity,
    score_all,
)
from headstart.workflow.ranking.encoding import Encoded, Material

Array = np.ndarray
PLAIN, RANDOM, SOURCE = "plain", "random", "source"


@dataclass(frozen=True)
class Judged:
    """One candidate: a source, a source's architecture with random weights, or features that need no source.

    Attributes
    ----------
    name : for people. kind : `SOURCE`, `RANDOM` or `PLAIN`. stage : whose features are the best.
    terms : the scores of the combined rank, by `headstart.scores.COMBINED`. scores : all others that are defined.
    stages : the probe of every stage that was tried.
    """

    name: str
    kind: str
    stage: str
    terms: dict[str, Terms] = field(repr=False)
    scores: dict[str, float] = field(repr=False)
    stages: dict[str, float]
    speed: float | None
    parameters: int
    source: Source | None = None
    notes: tuple[str, ...] = ()


def judge(name: str, kind: str, encoded: Encoded, material: Material, source: Source | None = None) -> Judged:
    """Score a candidate on the features of its best stage."""
    labels = material.labels
    with reusing():
        probes = {stage: COMBINED["linear_probe"](x, labels) for stage, x in encoded.maps.items()}
        stage = best_stage(probes)
        features = encoded.maps[stage]
        known = {"linear_probe": probes[stage]}
        terms = {one: known.get(one) or function(features, labels) for one, function in COMBINED.items()}
        others = tuple(one for one in SCORES if one not in COMBINED)
        scores = score_all(features, labels, others)
    if kind == SOURCE and source is not None:
        scores |= of_source(source, encoded.maps[POOLED], material)
    values = {one: probe.value for one, probe in probes.items()}
    return Judged(name, kind, stage, terms, scores, values, encoded.speed, encoded.parameters, source)


def best_stage(probes: dict[str, Terms]) -> str:
    """Return the pooled features, or a stage whose probe beats theirs by more than the difference's standard error.

    The best of several looks good by luck: of stages that are ahead by that much the best mean counts, and of equal
    ones the first.
    """
    usual = probes[POOLED].per_sample
    able = {POOLED: usual.mean()}
    for stage, probe in probes.items():
        gain = probe.per_sample - usual
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            able[stage] = probe.per_sample.mean()
    return max(able, key=lambda stage: able[stage])


def of_source(source: Source, pooled: Array, material: Material) -> dict[str, float]:
    """Return what a source's own answers, inputs, labels and past say, where they are at hand."""
    found: dict[str, float] = {}
    task = material.dataset.task
    if source.accuracy is not None:
        found["static"] = source.accuracy
    gains = past_gains(source, material.dataset)
    if gains:
        found["past"] = past_gain(gains)
    if source.task is not None and task is not None and source.task.classes and task.classes:
        found["label_overlap"] = label_overlap(source.task.classes, task.classes)
    reference = source.reference()
    if reference is not None and reference.shape[1] == pooled.shape[1] and len(reference) > 9 and len(pooled) > 9:
        own = reference.numpy().astype(np.float64)
        found["mmd"] = mmd_similarity(own, pooled, seed=material.seed)
        found["proxy_a"] = proxy_a_similarity(own, pooled, seed=material.seed)
    answers = source_answers(source, material)
    if answers is not None and material.labels.ndim == 1:
        found |= {one: SCORES[one].function(answers, material.labels) for one in ("leep", "nce")}
    return found


def past_gains(source: Source, dataset: Dataset) -> list[float]:
    """Return the gains of a source on other data, as the user's library knows them: shares of right answers, of the
    same kind of task."""
    key = str(Path(source.spec).expanduser().absolute()) if source.kind == "run" else source.spec
    assert dataset.task is not None
    known = SHARES & {*dataset.task.label_space.metrics}
    with contextlib.suppress(UserError):  # a library that cannot be read has nothing to say
        found = library.gains_of(key)
        return [one.gain for one in found
                if one.gain is not None and one.metric in known and one.fingerprint != dataset.fingerprint]  # fmt: skip
    return []


def source_answers(source: Source, material: Material) -> Array | None:
    """Return a run's own class probabilities [n, q] of the rows; None where it has none for such samples."""
    from headstart.engine import predict, raw_fetch
    from headstart.networks.source_run import open_answers

    model = source.reference_file
    if source.kind != "run" or model is None or not Path(model.parent / "network.json").is_file():
        return None
    opened = open_answers(str(model.parent))
    if opened is None or not opened[1].task.label_space.one_class:
        return None
    network, logic = opened
    columns: Any = getattr(network.preprocess, "columns", ())
    mine = material.dataset.columns
    if not set(columns) <= set(() if mine is None else mine.names):
        return None
    fetch = raw_fetch(material.dataset, material.rows, network.preprocess, views=1, seed=0)
    return predict(network, logic, fetch, len(material.rows), batch_size=16).astype(np.float64)
