"""Which kind of shift lies between two domains? Each family of methods wins only on its own kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.stats import binomtest, ks_2samp

from headstart.functional.domain_auc import domain_auc
from headstart.functional.folds import default_folds
from headstart.functional.mmd import mmd_permutation_test
from headstart.functional.spectral import principal_axes
from headstart.isolated import isolate
from headstart.shallow.adaptation import dense
from headstart.shallow.domains import masked
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.instances.label_shift import mlls_weights

Array = np.ndarray
ShiftKind = Literal["none", "covariate", "label", "subspace", "concept"]
MOST_ROWS = 500
MOST_FEATURES = 300
STRENGTHS = (1.0, 0.1, 0.01, 0.001)
KINDS: dict[str, str] = {
    "none": "no measurable shift",
    "covariate": "covariate shift: P(X) differs",
    "label": "label shift: P(Y) differs, and each class looks alike on both sides",
    "subspace": "subspace shift: the domains vary along different directions",
    "concept": "concept shift: the inputs look alike, but P(Y|X) differs",
}


class Moved(NamedTuple):
    """A feature's shift: target mean minus source mean in pooled deviations, and the Kolmogorov-Smirnov distance."""

    feature: str
    difference: float
    distance: float


@dataclass(frozen=True)
class Diagnosis:
    """What kind of shift the evidence speaks for.

    Attributes
    ----------
    kind : one of `KINDS`. reason : one sentence with the figures that decided.
    auc, interval : of a cross-validated linear domain classifier. mmd, p : with its permutation p.
    auc_label : the AUC left when source rows are reweighted to the estimated class shares of the target.
    auc_standardised : the AUC left when each domain is standardised by itself.
    overlap : share of the target's variance that the source's principal directions hold, by what they hold of the
        source's own; 1 is the same subspace.
    effective_share : effective sample size of covariate weights, as a share of the source rows; the less of the
        target's mass the weighted source reaches, the smaller.
    shares : estimated class shares of the target. moved : the features that move most.
    notes : what could not be seen.
    """

    kind: ShiftKind
    reason: str
    auc: float
    interval: tuple[float, float]
    mmd: float
    p: float
    auc_label: float | None
    auc_standardised: float
    overlap: float
    effective_share: float
    shares: list[float] | None
    moved: list[Moved]
    n_source: int
    n_target: int
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        moved = [item._asdict() for item in self.moved]
        return asdict(self) | {"interval": list(self.interval), "moved": moved, "words": KINDS[self.kind]}

    def lines(self) -> list[str]:
        low, high = self.interval
        lines = [
            f"Kind of shift: {KINDS[self.kind]}. {self.reason}",
            f"  A classifier tells the domains apart with AUC {self.auc:.2f} ({low:.2f} to {high:.2f}; 0.5 is chance); "
            f"MMD² {self.mmd:.3g}, permutation p {self.p:.2g}.",
        ]
        if self.moved and not self.moved[0].feature.startswith("feature "):
            shown = ", ".join(_moved_words(item) for item in self.moved[:5])
            lines.append(f"  Features that move most: {shown}.")
        return lines + [f"  {note}" for note in self.notes]


@isolate
def diagnose(
    source: Any,
    labels: Array,
    target: Any,
    *,
    target_labels: Array | None = None,
    names: list[str] | None = None,
    kind: str = "classification",
    seed: int = 0,
) -> Diagnosis:
    """Measure the shift from rows [n, d] to rows [m, d] and name its kind.

    Decided in this order: no shift when the AUC's interval reaches chance and the MMD is not significant (concept
    shift then, if known target labels contradict the source model); label shift when reweighting the classes takes
    away most of what the domain classifier sees; subspace shift when the source's principal directions miss much of
    the target's variance; else covariate shift. Without target labels concept shift cannot be told.

    Parameters
    ----------
    labels : class numbers, or values, of the source rows.
    target_labels : known labels of target rows, -1 or NaN where unknown; they serve only to see concept shift.
    names : of the features, for those that move most.
    """
    rng = np.random.default_rng(seed)
    rows, others = _some(source.shape[0], rng), _some(target.shape[0], rng)
    x, y, z = dense(source[rows]), np.asarray(labels)[rows], dense(target[others])
    moved = moved_features(x, z, names)
    notes = _gaps(x, z, names, seed)
    columns = _columns(x, z)
    x, z = x[:, columns], z[:, columns]
    auc, interval = domain_auc(x, z, seed=seed)
    mmd, p = mmd_permutation_test(_standard(x, x), _standard(z, x), permutations=200, seed=seed)
    shares, auc_label = _label_shift(x, y, z, rng) if kind == "classification" else (None, None)
    standard = domain_auc(_standard(x, x), _standard(z, z), seed=seed)[0]
    overlap, share = subspace_overlap(x, z), _effective_share(x, z, seed)
    concept = None
    if target_labels is None or masked(target_labels).all():
        notes.append("Concept shift, where P(Y|X) differs, cannot be seen without target labels.")
    elif kind == "classification":
        concept = _concept(source, labels, target, np.asarray(target_labels), seed)
    found, reason = _decide(auc, interval, p, auc_label, standard, overlap, share, concept)
    return Diagnosis(
        kind=found, reason=reason, auc=float(auc), interval=(float(interval[0]), float(interval[1])), mmd=mmd, p=p,
        auc_label=auc_label, auc_standardised=float(standard), overlap=overlap, effective_share=share,
        shares=None if shares is None else shares.tolist(), moved=moved, n_source=len(x), n_target=len(z), notes=notes,
    )  # fmt: skip


def _decide(
    auc: float,
    interval: tuple[float, float],
    p: float,
    auc_label: float | None,
    standard: float,
    overlap: float,
    share: float,
    concept: str | None,
) -> tuple[ShiftKind, str]:
    alike = interval[0] < 0.55 and p > 0.01
    if alike and concept:
        return "concept", concept
    if alike:
        return "none", f"AUC {auc:.2f} is near chance and MMD's p is {p:.2g}."
    if auc_label is not None and auc - auc_label > 0.6 * (auc - 0.5) and auc_label < 0.65 and overlap > 0.8:
        return "label", f"With the source's classes in the target's estimated shares the AUC falls to {auc_label:.2f}."
    if overlap < 0.75:
        return "subspace", f"The source's principal directions hold only {100 * overlap:.0f}% of the target's variance."
    if standard < 0.6:
        left = "chance" if standard < 0.55 else f"{standard:.2f}"
        why = f"Each domain standardised by itself, the AUC falls to {left}: means and scales move"
    else:
        why = f"Weights that turn the source into the target leave {100 * share:.0f}% of its rows in effect"
    reachable = "" if share > 0.05 or standard < 0.6 else ", too few for reweighting; features have to be aligned"
    return "covariate", why + reachable + "."


def moved_features(source: Array, target: Array, names: list[str] | None = None, most: int = 8) -> list[Moved]:
    """Return the features that move most, by the Kolmogorov-Smirnov distance of their two samples."""
    deviation = np.sqrt((source.var(axis=0) + target.var(axis=0)) / 2)
    difference = (target.mean(axis=0) - source.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    likely = np.argsort(-np.abs(difference), kind="stable")[: 4 * most]
    found = []
    for column in likely:
        test: Any = ks_2samp(source[:, column], target[:, column])
        name = f"feature {column}" if names is None else names[column]
        found.append(Moved(name, float(difference[column]), float(test.statistic)))
    return [item for item in sorted(found, key=lambda item: -item.distance) if item.distance > 0.1][:most]


GAP = " missing"
"""Ending of the 0/1 features that say which values of a column are missing."""


def _moved_words(item: Moved) -> str:
    if item.feature.endswith(GAP):
        more = "more" if item.difference > 0 else "less"
        return f"{item.feature.removesuffix(GAP)} ({more} often missing in the target)"
    return f"{item.feature} ({item.difference:+.2f} sd)"


def _gaps(source: Array, target: Array, names: list[str] | None, seed: int) -> list[str]:
    """Say where which values are missing tells the domains apart by itself: a trace of how data were recorded."""
    columns = [number for number, name in enumerate(names or []) if name.endswith(GAP)]
    if not columns:
        return []
    auc = float(domain_auc(source[:, columns], target[:, columns], seed=seed)[0])
    if auc < 0.75:
        return []
    shares = [(float(source[:, column].mean()), float(target[:, column].mean())) for column in columns]
    most = max(range(len(columns)), key=lambda number: abs(shares[number][0] - shares[number][1]))
    assert names is not None
    return [
        f"Which values are missing tells the domains apart by itself (AUC {auc:.2f}): {names[columns[most]]} in "
        f"{100 * shares[most][0]:.0f}% of the source rows and {100 * shares[most][1]:.0f}% of the target rows. That "
        "shows how the data were recorded before it shows what they mean."
    ]


def subspace_overlap(source: Array, target: Array, share: float = 0.9) -> float:
    """Return how much of the target's variance the source's main principal directions hold, relative to the source's.

    The directions are those of the first half of the source rows that hold ``share`` of its variance; the other half
    says what they hold of rows that they have not seen. 1: the same subspace; 0: orthogonal.
    """
    first, second = source[::2], source[1::2]
    found = principal_axes(first)
    held = np.cumsum(found.variances) / max(float(found.variances.sum()), 1e-300)
    axes = found.axes[:, : int(np.searchsorted(held, share)) + 1]

    def captured(rows: Array) -> float:
        rows = rows - rows.mean(axis=0)
        return float(((rows @ axes) ** 2).sum() / max(float((rows**2).sum()), 1e-300))

    return min(captured(target) / max(captured(second), 1e-12), 1.0)


def _some(n: int, rng: np.random.Generator) -> Array:
    return np.sort(rng.permutation(n)[:MOST_ROWS])


def _columns(x: Array, z: Array) -> Array:
    """The features of largest pooled variance, at most `MOST_FEATURES`."""
    spread = np.concatenate([x, z]).var(axis=0)
    return np.sort(np.argsort(-spread, kind="stable")[:MOST_FEATURES])


def _standard(rows: Array, by: Array) -> Array:
    spread = by.std(axis=0)
    return (rows - by.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)


def _label_shift(x: Array, y: Array, z: Array, rng: np.random.Generator) -> tuple[Array | None, float | None]:
    """Estimate the target's class shares by EM, and the AUC against a source drawn in these shares."""
    classes, numbers = np.unique(y, return_inverse=True)
    if len(classes) < 2 or np.bincount(numbers).min() < 2:
        return None, None
    weights = mlls_weights(x, z, labels=numbers)
    prior = np.bincount(numbers) / len(numbers)
    shares = prior * np.array([weights[numbers == number].mean() for number in range(len(classes))])
    shares /= shares.sum()
    drawn = rng.choice(len(x), size=len(x), replace=True, p=weights / weights.sum())
    return shares, float(_auc_of_draw(x, drawn, z))


def expected_shares(posterior: Array, prior: Array, rounds: int = 200) -> Array:
    """Return the target's class shares by EM on the source model's probabilities [m, k].

    References
    ----------
    Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
    Computation 2002.
    """
    shares = prior.copy()
    for _ in range(rounds):
        weighted = posterior * (shares / prior)
        new = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - shares).max() < 1e-8:
            break
        shares = new
    return shares


def _auc_of_draw(x: Array, drawn: Array, z: Array) -> float:
    """The AUC of a linear classifier between a draw with repetition and the target; copies of a row stay together."""
    from sklearn.metrics import roc_auc_score

    rows = np.concatenate([x[drawn], z])
    label = np.repeat([1, 0], [len(drawn), len(z)])
    group = np.concatenate([drawn, len(x) + np.arange(len(z))]) % 3
    scores = np.empty(len(rows))
    for part in range(3):
        held = group == part
        model = TunedLogistic(strengths=(0.01,)).fit(rows[~held], label[~held])
        scores[held] = model.decision_function(rows[held])
    return float(roc_auc_score(label, scores))


def _effective_share(x: Array, z: Array, seed: int) -> float:
    """Kish's effective sample size of held-out covariate weights, as a share of the rows, times their mean up to 1.

    True ratios p_t / p_s have mean 1 over the source. Where the domains do not overlap every source row's weight is
    near 0: equally near, so that the sample size alone would call all rows effective.
    """
    rows, label = np.concatenate([x, z]), np.repeat([0, 1], [len(x), len(z)])
    ratio = np.ones(len(x))
    for train, held in default_folds(label, "classification", 3, seed):
        model = TunedLogistic(strengths=(0.01,)).fit(rows[train], label[train])
        mine = held[held < len(x)]
        ratio[mine] = np.exp(np.clip(model.decision_function(x[mine]), -20, 20)) * len(x) / len(z)
    return float(ratio.sum() ** 2 / (len(x) * (ratio**2).sum()) * min(1.0, ratio.mean()))


def _concept(source: Any, labels: Array, target: Any, target_labels: Array, seed: int) -> str | None:
    """Say how far known target labels contradict the source model, or None."""
    known = (~masked(target_labels)).nonzero()[0]
    if len(np.unique(labels)) < 2:
        return None
    model = TunedLogistic(strengths=STRENGTHS, n_folds=3)
    folds = default_folds(labels, "classification", 3, seed)
    right = [model.fit(source[train], labels[train]).predict(source[held]) == labels[held] for train, held in folds]
    own = float(np.concatenate(right).mean())
    hits = int((model.fit(source, labels).predict(target[known]) == target_labels[known]).sum())
    high = binomtest(hits, len(known)).proportion_ci(0.95).high
    if high >= own - 0.05:
        return None
    return (
        f"The source model is right on {100 * own:.0f}% of held-out source rows but on {hits} of {len(known)} known "
        "target rows, although the inputs look alike."
    )
