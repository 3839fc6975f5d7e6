"""What transport between feature spaces needs: fewer rows where there are many, costs of pairs, a first plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from headstart.functional.mmd import squared_distances
from headstart.shallow.domains import Domains
from headstart.shallow.heterogeneous.blocks import Blocks, Standard, class_numbers, in_order, standard

Array = np.ndarray


class Anchors(NamedTuple):
    """Rows [q, d] that stand for many, masses [q] of sum 1, class numbers [q] (-1: none), and each row's anchor [n]."""

    rows: Array
    masses: Array
    labels: Array
    member: Array

    def note(self) -> str:
        """Say what was done."""
        n, q = len(self.member), len(self.rows)
        return "exact" if n == q else f"{q} centres of {n} rows"


def anchors(rows: Array, labels: Array, limit: int, seed: int = 0) -> Anchors:
    """Return rows [n, d] as they are up to ``limit``, else k-means centres of one label each, about ``limit`` of them.

    Labels are class numbers, -1 where masked; each label has centres in proportion to its rows, at least one.
    """
    n = len(rows)
    if n <= limit:
        return Anchors(rows, np.full(n, 1 / n), labels, np.arange(n))
    member, centres, kinds = np.empty(n, dtype=np.int64), [], []
    for kind in np.unique(labels):
        chosen = (labels == kind).nonzero()[0]
        count = max(1, int(limit * len(chosen) / n))
        sampled = KMeans(count, max_iter=20, random_state=seed).fit(rows[chosen])
        member[chosen] = np.asarray(sampled.predict(rows[chosen])) + len(kinds)
        centres.append(sampled.cluster_centers_)
        kinds += [kind] * count
    masses = np.bincount(member, minlength=len(kinds)) / n
    held = masses > 0
    return Anchors(np.concatenate(centres)[held], masses[held], np.array(kinds)[held], (np.cumsum(held) - 1)[member])


def label_cost(labels: Array, target_labels: Array) -> Array:
    """Return 1 where both labels are known and differ, else 0, [n, m]."""
    known = (labels[:, None] >= 0) & (target_labels >= 0)
    return (known & (labels[:, None] != target_labels)).astype(float)


def column_cost(source: Array, target: Array) -> Array:
    """Return squared distances [n, m] over columns that both domains have, as a share of their mean."""
    cost = squared_distances(source, target)
    return cost / max(float(cost.mean()), 1e-300)


def pair_distances(rows: Array, masses: Array) -> Array:
    """Return Euclidean distances between rows as a share of their mean, [q, q]."""
    distances = np.sqrt(squared_distances(rows, rows))
    np.fill_diagonal(distances, 0.0)
    return distances / max(float(masses @ distances @ masses), 1e-300)


def first_plan(source: Anchors, target: Anchors, distances: tuple[Array, Array], cost: Array | None) -> Array:
    """Return a plan [n, m] that matches how far rows are from all others, or, where labels tie them, from each class.

    Without labels each row is described by the quantiles of its distances, and the plan's cost is the third lower
    bound of Gromov-Wasserstein: isometric spaces are matched exactly where no two rows look alike.

    References
    ----------
    Memoli, "Gromov-Wasserstein Distances and the Metric Approach to Object Matching", Foundations of Computational
    Mathematics 2011, section 6.
    """
    from ot import emd

    both = np.intersect1d(source.labels[source.labels >= 0], target.labels[target.labels >= 0])
    if len(both) > 1:
        looks = [_to_classes(one, far, both) for one, far in zip((source, target), distances, strict=True)]
    else:
        looks = [_quantiles(far, one.masses) for one, far in zip((source, target), distances, strict=True)]
    matching = squared_distances(*looks)
    matching /= max(float(matching.mean()), 1e-300)
    return emd(source.masses, target.masses, matching if cost is None else matching + 10 * cost)


def _to_classes(anchors: Anchors, distances: Array, classes: Array) -> Array:
    return np.stack([distances[:, anchors.labels == c].mean(axis=1) for c in classes], axis=1)


def _quantiles(distances: Array, masses: Array, count: int = 20) -> Array:
    order = np.argsort(distances, axis=1)
    reached = np.cumsum(masses[order], axis=1)
    levels = (np.arange(count) + 0.5) / count
    ordered = np.take_along_axis(distances, order, axis=1)
    return np.stack([np.interp(levels, reached[i], ordered[i]) for i in range(len(distances))])


class Carried(NamedTuple):
    """Source rows [n, d_s] and their images [n, q]: a new row has the image of the nearest."""

    rows: Array
    images: Array

    def __call__(self, rows: Array) -> Array:
        """Return images [p, q] of rows [p, d_s]."""
        nearest = NearestNeighbors(n_neighbors=1).fit(self.rows).kneighbors(rows, return_distance=False)
        return self.images[nearest[:, 0]]


def carry(rows: Array, source: Anchors, plan: Array, target_rows: Array) -> Carried:
    """Return every source row's barycentre ``sum_j T_ij z_j / sum_j T_ij`` of what its anchor is carried to.

    Rows [n, d_s] that are equal get one image, the mean of theirs.
    """
    images = plan @ target_rows / np.maximum(plan.sum(axis=1, keepdims=True), 1e-300)
    different, which, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    sums = np.zeros((len(different), target_rows.shape[1]))
    np.add.at(sums, which.ravel(), images[source.member])
    return Carried(different, sums / counts[:, None])


class Sides(NamedTuple):
    """Both domains ready for transport: standardised rows, anchors, and what is known of pairs of them.

    Attributes
    ----------
    scales, rows, anchors : of the source and of the target.
    cost : [n, m] of labels that differ and of shared columns; None where there is nothing to tell.
    """

    scales: tuple[Standard, Standard]
    rows: tuple[Array, Array]
    anchors: tuple[Anchors, Anchors]
    cost: Array | None

    def note(self) -> str:
        """Say how rows were made fewer."""
        notes = [one.note() for one in self.anchors]
        return "exact" if notes == ["exact", "exact"] else f"source: {notes[0]}; target: {notes[1]}"


def sides(domains: Domains, blocks: Blocks, *, standardise: bool, limit: int, seed: int) -> Sides:
    """Prepare two domains; rows come in order of content."""
    domains = in_order(domains)
    scales = _scale(domains.source, standardise), _scale(domains.target, standardise)
    rows = scales[0](domains.source), scales[1](domains.target)
    labels = class_numbers(domains)
    found = anchors(rows[0], labels[0], limit, seed), anchors(rows[1], labels[1], limit, seed)
    cost = label_cost(found[0].labels, found[1].labels)
    first, second = blocks.shared
    if len(first):
        cost = cost + column_cost(found[0].rows[:, first], found[1].rows[:, second])
    return Sides(scales, rows, found, cost if cost.any() else None)


def _scale(rows: Array, standardise: bool) -> Standard:
    own = standard(rows)
    return own if standardise else Standard(own.mean, np.full_like(own.scale, np.sqrt((own.scale**2).mean())))
