"""`rank`: which source first, before any training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from headstart.data import Dataset, check
from headstart.engine import choose_device
from headstart.engine.progress import Progress
from headstart.errors import UserError
from headstart.isolated import isolate
from headstart.networks import Source
from headstart.scores import COMBINED
from headstart.scores.combining import Combined, combine
from headstart.workflow.opening.source_choice import WITHOUT_WEIGHTS, fitted_on
from headstart.workflow.opening.target import open_target
from headstart.workflow.opening.task_methods import require_solvable
from headstart.workflow.options import FitOptions
from headstart.workflow.ranking.encoding import Material, encode_plain, encode_source
from headstart.workflow.ranking.judging import PLAIN, RANDOM, SOURCE, Judged, judge
from headstart.workflow.ranking.naming import named_sources, short_names
from headstart.workflow.ranking.ranking import Ranking
from headstart.workflow.scale_out import Map, check_backend, here, scaled_out

Array = np.ndarray
SAMPLES = 1000
"""Training samples that are read unless more are asked for."""


@isolate
def rank(
    data: Any,
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    *,
    sources: str | None = None,
    network: str | None = None,
    samples: int = SAMPLES,
    label: str | None = None,
    group: str | None = None,
    text: str | None = None,
    image: str | None = None,
    task: str | None = None,
    modality: str | None = None,
    seed: int = 0,
    device: str | None = None,
    precision: str | None = None,
    allow_damaged: bool = False,
    out: str | Path | None = None,
    quiet: bool = False,
    backend: str | None = None,
    workers: int | None = None,
) -> Ranking:
    """Order sources by how well their frozen features serve ``data``, before any training, and say how sure that is.

    Only training samples are read, as `fit` would split them off. Features are computed once per source and kept, so
    that a stopped call goes on where it was and a following `fit` finds them.

    Parameters
    ----------
    data : path, DataFrame, arrays, or what `headstart.open` returned.
    source : one source or several; ``file:WEIGHTS`` may bring its architecture after a blank.
    sources : ``all-local``, or a text file of one source a line.
    network : the architecture of ``file:`` sources that bring none.
    samples : training samples that are read, drawn by ``seed`` where there are more.
    label, group, text, image, task, modality, seed, device, precision, allow_damaged, quiet : as in `fit`.
    out : folder for ``ranking.json``, a picture and a page; None writes nothing.
    backend : ``dask`` shares the sources out over ``workers`` processes on this machine (2 by default), and
        ``dask:ADDRESS`` over a cluster that runs; the order is the same. None computes here, one source after another.
    workers : processes of ``dask``.

    Returns
    -------
    Ranking

    Raises
    ------
    UserError
        If nothing can be ranked, in a sentence.
    """
    if not isinstance(samples, int) or isinstance(samples, bool) or not 10 <= samples <= 100_000:
        raise UserError(f"--samples {samples} is no number of samples to rank by; give one from 10 to 100000.")
    check_backend(backend, workers)
    folder, spoken = None if out is None else _folder(out), _spoken(source)
    choose_device(device)
    options = FitOptions(
        label=label, group=group, text=text, image=image, task=task, modality=modality, seed=seed,
        device=device, precision=precision, allow_damaged=allow_damaged,
    )  # fmt: skip
    dataset = open_target(data, options)
    require_solvable(dataset, "a ranking of sources")
    named = named_sources(dataset, spoken, sources, network)
    dataset, _ = check(dataset, allow_damaged=allow_damaged)
    with Progress(quiet=quiet) as progress:
        rows = some_rows(dataset, samples, seed)
        material = Material(dataset, rows, progress, device, precision, seed)
        with scaled_out(backend, workers) as apply:
            found = _rank(material, named, apply)
    if folder is not None:
        found.save(folder)
    return found


def _spoken(source: Any) -> list[str]:
    """Return the names of one source or several; a run may be given as its path, or as itself."""
    several = [] if source is None else [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(several, list | tuple) or not all(isinstance(one, str | os.PathLike) for one in several):
        raise UserError(f"source is {str(source)[:100]}; give the name of a source, or a list of names.")
    return [os.fspath(one) for one in several]


def _folder(out: str | Path) -> Path:
    """Refuse a file where the ranking's folder is to be."""
    folder = Path(out).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder} is a file; give a folder.")
    return folder


def some_rows(dataset: Dataset, most: int, seed: int) -> Array:
    """Return at most ``most`` training rows, drawn by seed, ascending: of every stratum its share, and one at least."""
    rows = np.random.default_rng(seed).permutation(dataset.splits["train"])
    assert dataset.task is not None
    strata = dataset.task.label_space.strata(dataset.labels(rows))
    turn = np.empty(len(rows))
    for stratum in np.unique(strata):
        mine = np.flatnonzero(strata == stratum)
        turn[mine] = np.arange(len(mine)) / len(mine)
    return np.sort(rows[np.argsort(turn, kind="stable")[:most]])


def _one(material: Material, names: dict[str, str], item: tuple[str, Source]) -> Judged | str:
    """Return a source on its scores, or why it cannot be ranked; here, or on a worker."""
    told, source = item
    material.progress.note(told)
    try:
        encoded = encode_source(source, material, names[source.spec])
    except UserError as error:
        return str(error)
    return judge(names[source.spec], SOURCE, encoded, material, source)


def _rank(material: Material, named: list[Source], apply: Map) -> Ranking:
    names = short_names(named)
    told = [f"source {number} of {len(named)}: {names[source.spec]}" for number, source in enumerate(named, start=1)]
    shared = material if apply is here else replace(material, progress=Progress(quiet=True, stream=StringIO()))
    found = apply(partial(_one, shared, names), list(zip(told, named, strict=True)))
    judged = [one for one in found if not isinstance(one, str)]
    left_out = {source.spec: one for source, one in zip(named, found, strict=True) if isinstance(one, str)}
    if not judged:
        raise UserError("No source could be ranked: " + " ".join(left_out.values()))
    first = _in_order(judged, material.seed)[0][0].source
    assert first is not None
    name, encoded = encode_plain(material)
    judged.append(judge(name, PLAIN, encoded, material))
    if first.spec not in WITHOUT_WEIGHTS:
        name = f"random weights of {names[first.spec]}"
        encoded = encode_source(first, material, name, pretrained=False)
        judged.append(judge(name, RANDOM, encoded, material, first))
    ordered, combined = _in_order(judged, material.seed)
    dataset, task = material.dataset, material.dataset.task
    assert task is not None
    return Ranking(
        dataset.name, task.to_json(), dataset.modality, len(material.rows), ordered, combined, left_out,
        _notes(dataset, named), material.seed, material.labels.ndim > 1,
    )  # fmt: skip


def _in_order(judged: list[Judged], seed: int) -> tuple[list[Judged], Combined]:
    """Return candidates best first, and their order in the same order."""
    found = combine([[one.terms[name] for name in COMBINED] for one in judged], seed=seed)
    at = found.order
    turned = Combined(found.ranks[at], np.arange(len(at)), found.before[np.ix_(at, at)], found.places[at])
    return [judged[i] for i in at], turned


def _notes(dataset: Dataset, named: list[Source]) -> list[str]:
    known = [one.spec for one in named if one.kind == "run" and fitted_on(one.spec) == dataset.fingerprint]
    return [f"{', '.join(known)} learned from these very samples, so its scores say nothing."] if known else []
