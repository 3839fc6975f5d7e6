"""`check`: one pass over all samples before anything is learned from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from headstart.data import duplicates
from headstart.data.arrow import scratch_array
from headstart.data.dataset import SPLITS, Dataset
from headstart.data.images import decode_image
from headstart.data.inputs import DIGEST_BYTES, digest
from headstart.data.requirements import class_counts, require_splits
from headstart.errors import UserError

MOST_DAMAGED = 0.05
LISTED = 100
_CHUNK = 256
_THREADS = 4


@dataclass(frozen=True)
class Checks:
    """What `check` found.

    Parameters
    ----------
    counts : split to class to number of samples; in regression split to ``{"rows": n}``.
    imbalance : largest class over smallest in the training split; 1 in regression.
    damaged : ``{"name", "reason"}`` of every sample that was left out.
    odd : ``{"name", "what"}`` of the first 100 samples of each odd kind; ``odd_counts`` has all.
    duplicates : ``exact``, ``near`` (lists of lists of names) and ``across_splits`` (names with their split), the
        first 100 groups of each; ``n_exact``, ``n_near``, ``n_across_splits`` count all groups, and
        ``n_conflicting`` those exact ones whose labels differ.
    """

    counts: dict[str, dict[str, int]]
    imbalance: float
    damaged: list[dict] = field(default_factory=list)
    odd: list[dict] = field(default_factory=list)
    odd_counts: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the findings in words, one line each."""
        return [*_count_lines(self), *_damage_lines(self), *_duplicate_lines(self.duplicates)]


def _count_lines(checks: Checks) -> list[str]:
    lines = []
    for split, counts in checks.counts.items():
        total = counts.get("rows", sum(counts.values())) if len(counts) == 1 else sum(counts.values())
        shown = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:12])
        more = f" and {len(counts) - 12} classes more" if len(counts) > 12 else ""
        lines.append(f"{split}: {total} samples" if "rows" in counts else f"{split}: {total} labels ({shown}{more})")
    if checks.imbalance >= 3:
        lines.append(f"imbalance: the largest class has {checks.imbalance:.1f} times the samples of the smallest")
    return lines


def _damage_lines(checks: Checks) -> list[str]:
    lines = []
    if checks.damaged:
        first = "; ".join(f"{entry['name']} ({entry['reason']})" for entry in checks.damaged[:3])
        lines.append(f"damaged: {len(checks.damaged)} left out: {first}{_more(len(checks.damaged), 3)}")
    for what, count in checks.odd_counts.items():
        names = [entry["name"] for entry in checks.odd if entry["what"].startswith(what)][:3]
        lines.append(f"odd: {count} {what}: {', '.join(names)}{_more(count, 3)}")
    return lines


def _duplicate_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for kind, what in (("exact", "the same content"), ("near", "nearly the same content")):
        if found.get(f"n_{kind}"):
            lines.append(f"duplicates: {found[f'n_{kind}']} groups with {what}: {' = '.join(found[kind][0][:4])}")
    if found.get("n_across_splits"):
        first = " = ".join(found["across_splits"][0][:4])
        lines.append(f"leakage: {found['n_across_splits']} groups of duplicates lie in several splits: {first}")
    if found.get("n_conflicting"):
        lines.append(f"labels: {found['n_conflicting']} groups with the same content have different labels")
    return lines


def _more(count: int, shown: int) -> str:
    return f" and {count - shown} more" if count > shown else ""


class _Finding(NamedTuple):
    digest: bytes = bytes(DIGEST_BYTES)
    near: bytes = b""
    hash: int = 0
    odd: tuple[str, ...] = ()
    damage: str = ""


def check(dataset: Dataset, *, allow_damaged: bool = False) -> tuple[Dataset, Checks]:
    """Decode every sample once, in a stream, and return the data without the damaged ones, and the findings.

    Images are decoded by several threads. Exact duplicates have the same content; near ones look the same
    (`duplicates.near_pictures`) or read the same without case, punctuation and spacing.

    Raises
    ------
    UserError
        If over 5% are damaged and that is not allowed, or if a class loses its last training sample by it.
    """
    pass_ = _Pass(dataset)
    pass_.run()
    _require_whole(dataset, pass_.damaged, allow_damaged)
    damaged = [{"name": dataset.names([row])[0], "reason": reason} for row, reason in pass_.damaged.items()]
    whole = dataset.without(np.array(list(pass_.damaged), np.int64))
    if whole.task is not None and pass_.damaged:
        require_splits(whole.task, whole.labels(np.arange(len(whole))), whole.splits, whole.origin)
    odd, odd_counts = _odd(dataset, pass_.odd)
    counts = _counts(whole)
    keep = np.ones(len(dataset), bool)
    keep[list(pass_.damaged)] = False
    found = _duplicates(whole, pass_.near_groups(keep))
    return whole, Checks(counts, _imbalance(counts), damaged, odd, odd_counts, found)


class _Pass:
    """The pass itself: what is kept per sample is its hash, and for images a miniature on disk."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.digests = np.zeros((len(dataset), DIGEST_BYTES), np.uint8)
        self.near = np.zeros((len(dataset), DIGEST_BYTES), np.uint8)
        self.hashes = np.zeros(len(dataset), np.uint64)
        is_image = dataset.modality == "image"
        self.miniatures = scratch_array((len(dataset), *duplicates.SKETCH) if is_image else (0,), "uint8")
        self.damaged: dict[int, str] = {}
        self.odd: dict[str, list[int]] = {}
        self.odd_words: dict[int, str] = {}

    def run(self) -> None:
        for start, findings in _findings(self.dataset):
            for row, found in enumerate(findings, start):
                self._keep(row, found)
        self.dataset._digests[:] = [self.digests]

    def _keep(self, row: int, found: _Finding) -> None:
        self.digests[row] = np.frombuffer(found.digest, np.uint8)
        self.hashes[row] = found.hash
        if found.damage:
            self.damaged[row] = found.damage
            return
        if self.dataset.modality == "image":
            self.miniatures[row] = np.frombuffer(found.near, np.uint8).reshape(duplicates.SKETCH)
        elif found.near:
            self.near[row] = np.frombuffer(found.near, np.uint8)
        for what in found.odd:
            self.odd.setdefault(what.split(" (")[0], []).append(row)

    def near_groups(self, keep: np.ndarray) -> np.ndarray | None:
        if self.dataset.modality == "image":
            kept = np.flatnonzero(keep)
            hashes = self.hashes[kept]
            return duplicates.near_pictures(hashes, _Rows(self.miniatures, kept))  # type: ignore[arg-type]
        return duplicates.same(self.near[keep]) if self.dataset.modality == "text" else None


class _Rows:
    """A view of some rows of an array on disk."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows = array, rows

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        return self.array[self.rows[index]]


def _findings(dataset: Dataset) -> Iterator[tuple[int, list[_Finding]]]:
    inspect = {"image": _inspect_image, "text": _inspect_text, "table": _inspect_record}[dataset.modality]

    def look(handle: Any) -> _Finding:
        return _inspected(dataset, handle, inspect)

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(dataset), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(dataset)))
            handles = dataset.inputs.handles(dataset.stored(rows))
            mapped = pool.map(look, handles) if dataset.modality == "image" else map(look, handles)
            yield start, list(mapped)


def _inspected(dataset: Dataset, handle: Any, inspect: Callable[[Dataset, Any], _Finding]) -> _Finding:
    try:
        content = dataset.inputs.load(handle)
    except OSError as error:
        return _Finding(damage=error.strerror or str(error))
    try:
        return inspect(dataset, content)._replace(digest=digest(content))
    except Exception as error:  # Pillow raises nearly anything on a damaged file
        reason = "no image that can be recognised" if "cannot identify" in str(error) else str(error)
        return _Finding(digest=digest(content), damage=reason or type(error).__name__)


def _inspect_image(dataset: Dataset, content: Any) -> _Finding:
    picture, odd = decode_image(content)
    number, miniature = duplicates.sketch(picture)
    return _Finding(near=miniature.tobytes(), hash=number, odd=tuple(odd))


def _inspect_text(dataset: Dataset, content: Any) -> _Finding:
    text = dataset.inputs.decode(content)
    if not text.strip():
        return _Finding(damage="the text is empty")
    return _Finding(near=duplicates.text_digest(text))


def _inspect_record(dataset: Dataset, content: dict[str, Any]) -> _Finding:
    if all(value is None or value != value for value in content.values()):
        return _Finding(damage="all values are missing")
    return _Finding()


def _require_whole(dataset: Dataset, damaged: dict[int, str], allowed: bool) -> None:
    share = len(damaged) / max(len(dataset), 1)
    if not damaged or (share <= MOST_DAMAGED) or (allowed and share < 1):
        return
    rows = list(damaged)[:3]
    first = "; ".join(f"{name}: {damaged[row]}" for row, name in zip(rows, dataset.names(rows), strict=True))
    advice = "give --allow-damaged to leave them out" if share < 1 else "nothing is left"
    raise UserError(
        f"{len(damaged)} of the {len(dataset)} samples of {dataset.origin} are damaged ({first}"
        f"{_more(len(damaged), 3)}), more than {MOST_DAMAGED:.0%}; repair them, or {advice}."
    )


def _odd(dataset: Dataset, odd: dict[str, list[int]]) -> tuple[list[dict], dict[str, int]]:
    entries = [
        {"name": name, "what": what}
        for what, rows in odd.items()
        for name in dataset.names(rows[:LISTED])
    ]  # fmt: skip
    return entries, {what: len(rows) for what, rows in odd.items()}


def _counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    task = dataset.task
    filled = {name: rows for name, rows in dataset.splits.items() if len(rows)}
    if task is None or task.kind == "regression":
        return {name: {"rows": len(rows)} for name, rows in filled.items()}
    counts = {name: class_counts(task, dataset.labels(rows)) for name, rows in filled.items()}
    return {name: dict(zip(task.classes, map(int, found), strict=True)) for name, found in counts.items()}


def _imbalance(counts: dict[str, dict[str, int]]) -> float:
    train = Counter(counts.get("train", {})).values()
    return float(max(train) / max(min(train), 1)) if train else 1.0


def _duplicates(dataset: Dataset, near: np.ndarray | None) -> dict[str, Any]:
    exact = duplicates.same(dataset.digests())
    exact_groups = duplicates.groups(exact)
    near_groups = [] if near is None else [rows for rows in duplicates.groups(near) if len(set(exact[rows])) > 1]
    place = _split_of(dataset)
    across = [rows for rows in exact_groups + near_groups if len(set(place[rows])) > 1]
    named = [[f"{n} ({SPLITS[place[r]]})" for r, n in zip(rows, dataset.names(rows), strict=True)]
             for rows in across[:LISTED]]  # fmt: skip
    return {
        "exact": [dataset.names(rows) for rows in exact_groups[:LISTED]],
        "near": [dataset.names(rows) for rows in near_groups[:LISTED]],
        "across_splits": named,
        "n_exact": len(exact_groups),
        "n_near": len(near_groups),
        "n_across_splits": len(across),
        "n_conflicting": sum(_conflicts(dataset, rows) for rows in exact_groups),
    }


def _split_of(dataset: Dataset) -> np.ndarray:
    place = np.zeros(len(dataset), np.int64)
    for number, name in enumerate(SPLITS):
        place[dataset.splits[name]] = number
    return place


def _conflicts(dataset: Dataset, rows: np.ndarray) -> bool:
    if dataset.task is None or dataset.targets is None:
        return False
    labels = dataset.labels(rows)
    return bool((labels != labels[0]).any())
