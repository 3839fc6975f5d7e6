"""Maps between class hierarchies: the source's classes roll up to ancestors that the target's classes share."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headstart.shallow.domains import Domains
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainClassifier
from headstart.shallow.relations.label_map import STRENGTHS, learn_label_map
from headstart.shallow.source_model import answers, fit_model, in_order, is_single, known_rows

Array = np.ndarray
Parents = Mapping[Any, Any]


def line_of(node: Hashable, parents: Parents) -> list[Hashable]:
    """Return the node and its ancestors, nearest first; a `ValueError` names a node that is its own ancestor."""
    line = [node]
    while line[-1] in parents and parents[line[-1]] is not None:
        above = parents[line[-1]]
        if above in line:
            raise ValueError(f"parents make {above!r} an ancestor of itself; expected a tree from children to parents.")
        line.append(above)
    return line


def leaves_of(parents: Parents) -> list[Any]:
    """Return the nodes that are nobody's parent."""
    inner = set(parents.values())
    return [node for node in parents if node not in inner]


def roll_up(
    source_classes: Sequence[Any], target_classes: Sequence[Any], source_parents: Parents, target_parents: Parents
) -> Array:
    """Return ``P(target class | source class)`` [q, k] that the two hierarchies alone allow.

    A source class climbs to its nearest ancestor-or-self under which the target has classes too, and its probability is
    shared among these in equal parts: itself where both sides know it, the target's finer classes below it, or the one
    coarser class above it.

    Raises
    ------
    ValueError : a source class has no ancestor in common with the target's classes.
    """
    lines = [set(line_of(c, target_parents)) for c in target_classes]
    out = np.zeros((len(source_classes), len(target_classes)))
    for row, name in enumerate(source_classes):
        for node in line_of(name, source_parents):
            under = np.array([node in line for line in lines])
            if under.any():
                out[row] = under / under.sum()
                break
        else:
            raise ValueError(
                f"The source class {name!r} has no ancestor in common with the target's classes; give both sides a "
                "common root in source_parents and target_parents."
            )
    return out


class Nodes(NamedTuple):
    """Nodes of a hierarchy, which classes stand under each [nodes, k], and how specific each is, in bits."""

    names: list[Any]
    members: Array
    bits: Array


def hierarchy_nodes(classes: Sequence[Any], parents: Parents) -> Nodes:
    """Return every class and ancestor, from the most specific to the least."""
    lines = [line_of(c, parents) for c in classes]
    names = list(dict.fromkeys(node for line in lines for node in line))
    members = np.array([[node in line for line in lines] for node in names])
    bits = np.log2(len(classes) / members.sum(axis=1))
    order = np.argsort(-bits, kind="stable")
    return Nodes([names[i] for i in order], members[order], bits[order])


def hedge(probabilities: Array, nodes: Nodes, accuracy: float = 0.9) -> Array:
    """Return for each row the number of the most specific node whose probability is at least ``accuracy``, [n].

    Among equally specific nodes the more probable one; where no node reaches it, the most probable.

    References
    ----------
    Deng, Krause, Berg and Fei-Fei, "Hedging Your Bets: Optimizing Accuracy-Specificity Trade-offs in Large Scale Visual
    Recognition", CVPR 2012, section 3 (a threshold on the posterior; their DARTS also tunes a dual variable).
    """
    if not 0 < accuracy <= 1:
        raise ValueError(f"accuracy is {accuracy}; expected a probability above 0.")
    mass = probabilities @ nodes.members.T
    sure = mass >= accuracy - 1e-9
    worth = np.where(sure, nodes.bits[None] + 1e-6 * mass, -1.0 + 1e-6 * mass)
    return np.where(sure.any(axis=1), worth.argmax(axis=1), mass.argmax(axis=1))


@dataclass(kw_only=True, eq=False, repr=False)
class HierarchyMap(DomainClassifier):
    """The source's classifier, its classes carried over to the target's along two class hierarchies.

    ``p(y | x) = sum_z p_source(z | x) M_zy`` with ``M`` from `roll_up`, and, where target labels are known, `label_map`
    under that prior. Among target classes of one ancestor, a classifier of the target's own labels decides where there
    is one: coarse from the source, fine from the target.

    Parameters
    ----------
    source_parents, target_parents : child to parent, by class name; ancestors may have any names. The target's classes
        are the leaves of ``target_parents``; without it, the known target labels and the source's classes that stand
        under none of them.
    estimator : classifier of the source's classes; None for `TunedLogistic`.
    strengths : of the prior, as in `LabelMap`. seed : of the folds.

    Attributes
    ----------
    classes_ : those of the rows and the leaves of ``target_parents``. map_ : [k, k], zero rows for classes that the
    source does not know. nodes_ : of the target's hierarchy, for `predict_hedged`.

    References
    ----------
    Deng et al., "Hedging Your Bets", CVPR 2012. Silla and Freitas, "A Survey of Hierarchical Classification Across
    Different Application Domains", Data Mining and Knowledge Discovery 2011.
    """

    sparse_input: ClassVar[bool] = True
    source_parents: dict[Any, Any] | None = None
    target_parents: dict[Any, Any] | None = None
    estimator: Any = None
    strengths: tuple[float, ...] = STRENGTHS
    seed: int = 0

    def _learn(self, domains: Domains) -> None:
        domains = in_order(self._widen(domains))
        single, names, k = is_single(domains), self.classes_.tolist(), len(self.classes_)
        estimator = TunedLogistic() if self.estimator is None else self.estimator
        self.model_ = fit_model(estimator, domains.source, domains.labels, domains.target)
        rows, labels = known_rows(domains)
        if single:
            rows, labels = rows[:0], labels[:0]
        above, below = self.source_parents or {}, self.target_parents or self.source_parents or {}
        known = np.unique(domains.labels)
        wanted = self._target_classes(known, np.unique(labels), above)
        prior = np.zeros((k, k))
        named = [names[c] for c in known], [names[c] for c in wanted]
        prior[np.ix_(known, wanted)] = roll_up(*named, above, below)
        self.map_ = prior
        if len(labels):
            self.map_ = learn_label_map(answers(self.model_, rows, k), labels, prior, self.strengths, self.seed).map
        self.nodes_ = hierarchy_nodes(names, below)
        several = len(np.unique(labels)) > 1 and bool(((prior > 0).sum(axis=1) > 1).any())
        self.fine_ = fit_model(TunedLogistic(), rows, labels) if several else None

    def _widen(self, domains: Domains) -> Domains:
        """Let `classes_` hold the target's leaves as well, and renumber the labels."""
        leaves = leaves_of(self.target_parents or {})
        before, wider = self.classes_, np.unique(np.array([*self.classes_.tolist(), *leaves]))
        if wider.dtype.kind != before.dtype.kind:
            raise ValueError(
                f"target_parents has the classes {leaves[:3]} and y has {before[:3].tolist()}; expected one type."
            )
        place = np.searchsorted(wider, before)
        self.classes_ = wider
        hidden = domains.target_labels < 0
        target_labels = np.where(hidden, -1, place[domains.target_labels])
        return domains._replace(labels=place[domains.labels], target_labels=target_labels)

    def _target_classes(self, known: Array, labelled: Array, above: Parents) -> Array:
        names = self.classes_.tolist()
        if self.target_parents:
            leaves = leaves_of(self.target_parents)
            return np.union1d(np.searchsorted(self.classes_, np.array(leaves)), labelled)
        given = {names[c] for c in labelled}
        alone = [c for c in known if not given & set(line_of(names[c], above))]
        return np.union1d(labelled, np.array(alone, dtype=np.int64)).astype(np.int64)

    def _outputs(self, rows: Any, is_source: bool) -> Array:
        outputs = answers(self.model_, rows, len(self.classes_), is_source=is_source)
        if is_source:
            return outputs
        if self.fine_ is None:
            return outputs @ self.map_
        own = answers(self.fine_, rows, len(self.classes_)) + 1e-3
        share = own @ self.map_.T
        return own * ((outputs / np.maximum(share, 1e-12)) @ self.map_)

    def predict_hedged(self, X: Any, accuracy: float = 0.9) -> Array:
        """Return for each target row the most specific class or ancestor that holds ``accuracy``, objects [n]."""
        chosen = hedge(self.predict_proba(X), self.nodes_, accuracy)
        out = np.empty(len(chosen), dtype=object)
        out[:] = [self.nodes_.names[i] for i in chosen]
        return out
