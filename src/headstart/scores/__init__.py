"""Is this source worth it? ``function(features, labels) -> float`` of the target's training rows, higher is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from headstart.errors import check_names
from headstart.scores.basis import Terms
from headstart.scores.domains import label_overlap, mmd_similarity, otce, proxy_a_similarity
from headstart.scores.gbc import gbc
from headstart.scores.h_score import h_score
from headstart.scores.knn import knn, knn_terms
from headstart.scores.leep import leep
from headstart.scores.linear_probe import linear_probe, linear_probe_terms
from headstart.scores.logme import logme, logme_terms
from headstart.scores.nce import nce
from headstart.scores.nleep import nleep
from headstart.scores.parc import parc
from headstart.scores.past import past_gain
from headstart.scores.sfda import sfda
from headstart.scores.static import static
from headstart.scores.transrate import transrate


class Score(NamedTuple):
    """A score of a source: its name for people, the function, what it reads, and whether values (regression) too.

    ``reads`` is ``features``, or ``predictions``: the source's own probabilities.
    """

    title: str
    function: Callable[..., float]
    reads: str = "features"
    of_values: bool = False


SCORES: dict[str, Score] = {
    "knn": Score("k-NN", knn, of_values=True),
    "linear_probe": Score("linear probe", linear_probe, of_values=True),
    "logme": Score("LogME", logme, of_values=True),
    "h_score": Score("H-score", h_score),
    "gbc": Score("GBC", gbc),
    "transrate": Score("TransRate", transrate),
    "sfda": Score("SFDA", sfda),
    "nleep": Score("N-LEEP", nleep),
    "parc": Score("PARC", parc, of_values=True),
    "leep": Score("LEEP", leep, "predictions"),
    "nce": Score("NCE", nce, "predictions"),
}
"""Scores of target labels, those of the combined rank first."""
COMBINED: dict[str, Callable[..., Terms]] = {
    "knn": knn_terms,
    "linear_probe": linear_probe_terms,
    "logme": logme_terms,
}
"""What the combined rank is the mean rank of: scores that are means over samples, so that they can be resampled."""
check_names(COMBINED, SCORES, "headstart.scores.COMBINED")


def score_all(features: Any, labels: Any, names: tuple[str, ...] = ()) -> dict[str, float]:
    """Return all scores that features and labels alone allow (or those named), sharing one decomposition.

    Parameters
    ----------
    features : [n, d]. labels : class numbers [n], or values [n] or [n, k].
    """
    from headstart.functional.reuse import reusing
    from headstart.scores.basis import is_classes, read

    x, y = read(features, labels)
    known = [name for name, one in SCORES.items() if one.reads == "features" and (one.of_values or is_classes(y))]
    with reusing() as shelf:
        x = shelf.promise(x)
        return {name: SCORES[name].function(x, y) for name in known if not names or name in names}


__all__ = [
    "COMBINED",
    "SCORES",
    "Score",
    "Terms",
    "gbc",
    "h_score",
    "knn",
    "label_overlap",
    "leep",
    "linear_probe",
    "logme",
    "mmd_similarity",
    "nce",
    "nleep",
    "otce",
    "parc",
    "past_gain",
    "proxy_a_similarity",
    "score_all",
    "sfda",
    "static",
    "transrate",
]
