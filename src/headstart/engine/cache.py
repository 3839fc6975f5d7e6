"""A frozen prefix is computed once: states after a cut, kept on disk by the content of each sample."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headstart.engine.ahead import ahead
from headstart.engine.device import Place, choose_precision, layout_of, move, process_state
from headstart.engine.fetches import view_seed
from headstart.engine.predict import evaluating, run_safely
from headstart.engine.shelf import IN_MEMORY, Shelf, cache_directory, trim
from headstart.engine.states import Chunk, States, join, n_bytes, to_chunk
from headstart.errors import HeadstartWarning
from headstart.networks.network import Network
from headstart.storage import checksum

LIMIT = 4 * 2**30
CHUNK_BYTES = 16 * 2**20
CHUNK_SECONDS = 60.0
"""A chunk is written after so many bytes or seconds: what a kill can lose."""

Entry = tuple[int, str, int | None]
"""Row, content hash, seed of the augmented view (None: the plain view)."""


def cached_states(
    network: Network,
    cut: int,
    dataset: Any,
    rows: np.ndarray,
    *,
    views: int = 1,
    seed: int = 0,
    batch_size: int = 64,
    directory: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    precision: str | None = None,
    limit: int | None = None,
    alone: bool = False,
    carry: bool = False,
) -> States | None:
    """Return the states of ``rows`` after stage ``cut``, from the cache where they are, else computed and kept.

    The key is made of the prefix's weights, the network's specification, the cut, the preprocessing, the precision,
    the kind of device and the version of torch; within it, of each sample's content and its view's seed. Training
    from these states equals training with the prefix recomputed at every step, as long as the prefix is frozen.

    Parameters
    ----------
    network : its first ``cut`` stages run in evaluation mode, on the device where the network is.
    cut : 0 (preprocessed samples) to ``len(network.stages)`` (pooled features).
    dataset, rows : `headstart.data.Dataset` and [n] row numbers.
    views : how many per sample: the plain one, and augmented ones where the preprocessing augments.
    seed : of the views.
    batch_size : samples computed at once.
    directory : by default HEADSTART_CACHE, or the user's cache folder.
    on_progress : called with (states computed, states to compute).
    precision : ``no`` or ``bf16``; by device if None.
    limit : bytes; by default 4 GiB or half of the free disk, whichever is less, but what memory may hold at least.
    alone : only this one of several processes calls; otherwise all do, the main one first.
    carry : keep with each state the maps before it that the head reads (`Network.carry`), where it reads any.

    Returns
    -------
    States, or None where they would take more than ``limit``: recompute them with `raw_fetch` instead.

    Raises
    ------
    UserError
        If the cache cannot be written (no folder, read-only, full) and the states take more than a gigabyte of memory;
        less than that is kept in memory, with a warning. No broken file is left.
    """
    rows = np.asarray(rows)
    directory = cache_directory(directory)
    views = views if network.preprocess.augments else 1
    room = max(IN_MEMORY, min(LIMIT, _free_bytes(directory) // 2)) if limit is None else limit
    carry = carry and network.reads_maps
    if state_bytes(network, cut, dataset, rows, views=views, carry=carry) > room:
        return None
    where = next(network.parameters()).device
    place = Place(where, choose_precision(where, precision))
    shelf = Shelf(directory / prefix_key(network, cut, place, carry=carry))
    entries = _entries(dataset, rows, views, seed)
    wanted = [[f"{content}:{number}" for _, content, number in each] for each in entries]
    flat = [entry for each in entries for entry in each]
    with contextlib.nullcontext() if alone else process_state(where).main_process_first():
        shelf.open({name for each in wanted for name in each})
        todo = [flat[i] for i in shelf.missing([name for each in wanted for name in each])]
        if todo:
            encode = encoder(network, cut, carry=carry)
            _compute(network, encode, dataset, _by_length(dataset, todo), shelf, batch_size, place, on_progress)
            trim(directory, shelf.folder)
    for note in shelf.notes:
        warnings.warn(note, HeadstartWarning, stacklevel=2)
    return shelf.states(wanted)


def encoder(network: Network, cut: int, *, carry: bool = False) -> Callable[[Any], Any]:
    """Return what makes states at ``cut`` of preprocessed samples."""
    return partial(network.carry, cut=cut) if carry else partial(network.run, start=0, stop=cut)


def state_bytes(
    network: Network,
    cut: int,
    dataset: Any,
    rows: np.ndarray | None = None,
    *,
    views: int = 1,
    carry: bool = False,
) -> int:
    """Estimate what the states of ``rows`` after ``cut`` take on disk.

    One picture tells, since all have one size; of other modalities up to four samples are tried.
    """
    rows = np.arange(len(dataset)) if rows is None else np.asarray(rows)
    if len(rows) == 0:
        return 0
    most = 1 if network.preprocess.modality == "image" else 4
    tried = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    device, encode = next(network.parameters()).device, encoder(network, cut, carry=carry)
    with evaluating(network):
        sizes = [n_bytes(to_chunk(encode(_raw(network, dataset, [row], device)))) for row in tried]
    return int(np.mean(sizes) * len(rows) * views)


def _raw(network: Network, dataset: Any, rows: Any, device: torch.device) -> Any:
    return move(network.preprocess(dataset.raw(np.asarray(rows)), None), device)


def prefix_key(network: Network, cut: int, place: Place, *, carry: bool = False) -> str:
    """Return the key of all that a state depends on, but for the sample and its view."""
    prefixes = tuple(f"stages.{name}." for name in network.stage_names[:cut])
    weights = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(prefixes)}
    about = {
        "weights": checksum(weights),
        "spec": network.spec,
        "stages": network.stage_names[:cut],
        "cut": cut,
        "pooled": cut == len(network.stages),
        "preprocess": network.preprocess.to_json(),
        "precision": place.precision,
        "device": place.device.type,
        "layout": str(layout_of(network, place.device)),
        "torch": torch.__version__,
    } | ({"carried": sorted(network.reads)} if carry else {})
    return hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16).hexdigest()


def _entries(dataset: Any, rows: np.ndarray, views: int, seed: int) -> list[list[Entry]]:
    contents = dataset.hashes(rows)
    if views == 1:
        return [[(int(row), content, None)] for row, content in zip(rows, contents, strict=True)]
    return [
        [(int(row), content, view_seed(seed, content, view) if view else None) for view in range(views)]
        for row, content in zip(rows, contents, strict=True)
    ]


def _by_length(dataset: Any, todo: list[Entry]) -> list[Entry]:
    """Put texts of like length together, so that little is padded."""
    if dataset.modality != "text":
        return todo
    lengths = [len(text) for text in dataset.raw(np.array([row for row, _, _ in todo]))]
    return [todo[i] for i in np.argsort(lengths, kind="stable")]


def _compute(
    network: Network,
    encode: Callable[[Any], Any],
    dataset: Any,
    todo: list[Entry],
    shelf: Shelf,
    batch_size: int,
    place: Place,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    batches = [todo[start : start + batch_size] for start in range(0, len(todo), batch_size)]
    layout = layout_of(network, place.device)
    held: list[tuple[list[Entry], Chunk]] = []
    began, done = time.monotonic(), 0
    with evaluating(network):
        for batch, raw in zip(batches, ahead(partial(_prepare, network, dataset), batches), strict=True):
            state = run_safely(encode, move(raw, place.device, layout), place)
            held.append((batch, to_chunk(state)))
            done += len(batch)
            full = sum(n_bytes(chunk) for _, chunk in held) >= CHUNK_BYTES
            if full or time.monotonic() - began >= CHUNK_SECONDS or done == len(todo):
                names = [f"{content}:{number}" for batch, _ in held for _, content, number in batch]
                shelf.add(names, join([chunk for _, chunk in held]))
                held, began = [], time.monotonic()
            if on_progress is not None:
                on_progress(done, len(todo))


def _prepare(network: Network, dataset: Any, batch: list[Entry]) -> Any:
    seeds = [number for _, _, number in batch]
    raws = dataset.raw(np.array([row for row, _, _ in batch]))
    return network.preprocess(raws, None if set(seeds) == {None} else seeds)


def _free_bytes(directory: Path) -> int:
    try:
        existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        return shutil.disk_usage(existing).free
    except OSError:
        return 0
