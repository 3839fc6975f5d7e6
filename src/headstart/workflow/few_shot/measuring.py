"""How well an arm learns classes from a few samples: the share of right answers in each of many episodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from headstart.data import Dataset
from headstart.data.batches import Episode
from headstart.deep.episodic import Episodic, class_means, cosines, labels_of, square_distances, ways_of
from headstart.deep.method import Nets
from headstart.engine import Domain, EpisodeStream
from headstart.engine.predict import evaluating
from headstart.functional.intervals import interval_of_mean
from headstart.workflow.few_shot.classes import QUERIES

Array = np.ndarray
EPISODES, CHOOSING = 1000, 300
"""Episodes that an accuracy is measured on, and that a choice is made by."""
GRID = ((5, 1), (5, 5), (20, 1), (20, 5))
"""Ways and shots that are measured beside those that were asked for, where classes and samples suffice."""
Answer = Callable[[Episode], Tensor]
Fetch = Callable[[Array, Any], Any]


class Setting(NamedTuple):
    """Ways, shots and queries of the episodes that measure."""

    ways: int
    shots: int
    queries: int

    @property
    def words(self) -> str:
        return f"{self.ways} ways, {self.shots} shot{'s' if self.shots > 1 else ''}"


def episodes(fetch: Fetch, dataset: Dataset, rows: Array, setting: Setting, seed: int) -> EpisodeStream:
    """Return a stream of episodes of some rows; the same seed draws the same ones, whatever is fetched."""
    return EpisodeStream(Domain(fetch, dataset.labels(rows)), **setting._asdict(), seed=seed)


def setting_of(dataset: Dataset, rows: Array, ways: int, shots: int) -> Setting:
    """Return the setting with as many queries as ``ways`` of these rows' classes allow, at most 15."""
    counts = np.sort(np.bincount(dataset.labels(rows)))[::-1]
    least = counts[max(ways, int((counts > 0).sum()) // 2) - 1]
    return Setting(ways, shots, int(np.clip(least - shots, 1, QUERIES)))


def settings_of(dataset: Dataset, rows: Array, asked: Setting) -> list[Setting]:
    """Return the settings that these rows allow, the one that was asked for first."""
    counts = np.bincount(dataset.labels(rows))
    more = [pair for pair in GRID if pair != asked[:2] and (counts > pair[1]).sum() >= pair[0]]
    return [asked, *(setting_of(dataset, rows, *pair) for pair in more)]


def shares(answer: Answer, stream: EpisodeStream, n: int) -> Array:
    """Return the share of right answers in each of ``n`` episodes [n]."""
    found = np.zeros(n)
    for step in range(n):
        episode = stream.batch(step).episode
        assert episode is not None
        logits = answer(episode).detach().cpu()
        found[step] = float((logits.argmax(dim=1) == labels_of(episode.query)).float().mean())
    return found


def own_answer(method: Episodic, nets: Nets) -> Answer:
    """Return a method's own way of answering; one that moves weights does so on copies."""

    def answer(episode: Episode) -> Tensor:
        if method.moves:
            return method.answers(nets, episode)
        with evaluating(nets):
            return method.answers(nets, episode)

    return answer


def by_distance(episode: Episode) -> Tensor:
    """Return minus the squared distances to class means."""
    means = class_means(episode.support.x, labels_of(episode.support), ways_of(episode))
    return -square_distances(episode.query.x, means)


def by_cosine(centre: Tensor) -> Answer:
    """Return answers by the cosine of features, from ``centre`` [d], with class means of unit features."""

    def answer(episode: Episode) -> Tensor:
        unit = torch.nn.functional.normalize(episode.support.x.flatten(1) - centre, dim=1)
        return cosines(
            episode.query.x.flatten(1) - centre, class_means(unit, labels_of(episode.support), ways_of(episode))
        )

    return answer


def by_nearest(episode: Episode) -> Tensor:
    """Minus the squared distance to the nearest sample of each class."""
    distances, y = square_distances(_flat(episode.query.x), _flat(episode.support.x)), labels_of(episode.support)
    return -torch.stack([distances[:, y == k].min(dim=1).values for k in range(ways_of(episode))], dim=1)


def _flat(state: Any) -> Tensor:
    """Return raw inputs as rows of numbers: pictures' pixels, a table's numbers and indicators."""
    if isinstance(state, dict):
        parts = [state[name].float().flatten(1) for name in ("numeric", "missing") if name in state]
        if "categorical" in state and state["categorical"].shape[1]:
            parts.append(state["categorical"].float())
        return torch.cat(parts, dim=1)
    return state.flatten(1)


def told(scores: Array, setting: Setting) -> dict[str, Any]:
    """Return an accuracy with its 95% interval over episodes, as ``run.json`` has it."""
    found = interval_of_mean(scores[None], share=True)
    return {
        **setting._asdict(),
        "accuracy": float(scores.mean()),
        "interval": list(found.bounds),
        "interval_kind": found.kind,
        "episodes": len(scores),
    }
