"""Published figures beside which ours are printed, in percent: averages over the pairs, or single pairs.

Office-Caltech10 SURF, full transductive protocol: Wang et al., "Visual Domain Adaptation with Manifold Embedded
Distribution Alignment", ACM MM 2018, and the results kept with that code; EasyTL: Wang et al., ICME 2019. Digits
(1,800 / 2,000 x 256): the same paper. Amazon reviews (5,000 words and pairs): Ganin et al., "Domain-Adversarial
Training of Neural Networks", JMLR 2016, table 1; CMD: Zellinger et al., ICLR 2017.
"""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """A published average, which head it was measured with, and under which name it was published."""

    method: str
    head: str
    value: float
    name: str


SURF = (
    Figure("source_only", "1-NN", 31.4, "1-NN"),
    Figure("source_only", "tuned", 41.1, "SVM"),
    Figure("joint_pca", "1-NN", 43.6, "PCA"),
    Figure("tca", "1-NN", 46.2, "TCA"),
    Figure("gfk", "1-NN", 43.1, "GFK"),
    Figure("jda", "1-NN", 46.8, "JDA"),
    Figure("tjm", "1-NN", 46.3, "TJM"),
    Figure("coral", "tuned", 48.8, "CORAL (SVM)"),
    Figure("subspace_alignment", "tuned", 41.5, "SA (SVM)"),
    Figure("artl", "own", 44.3, "ARTL"),
    Figure("jgsa", "1-NN", 50.0, "JGSA"),
    Figure("easytl", "own", 50.5, "EasyTL"),
    Figure("meda", "own", 52.7, "MEDA"),
    Figure("auto", "own", 52.7, "MEDA, the best published"),
)
DIGITS = {
    "U->M": {
        ("source_only", "1-NN"): 44.7,
        ("source_only", "tuned"): 62.2,
        ("joint_pca", "1-NN"): 45.0,
        ("tca", "1-NN"): 51.2,
        ("gfk", "1-NN"): 46.5,
        ("jda", "1-NN"): 59.7,
        ("tjm", "1-NN"): 52.3,
        ("coral", "tuned"): 30.5,
        ("artl", "own"): 67.7,
        ("jgsa", "1-NN"): 68.2,
        ("meda", "own"): 72.1,
        ("auto", "own"): 72.1,
    },
    "M->U": {
        ("source_only", "1-NN"): 65.9,
        ("source_only", "tuned"): 68.2,
        ("joint_pca", "1-NN"): 66.2,
        ("tca", "1-NN"): 56.3,
        ("gfk", "1-NN"): 61.2,
        ("jda", "1-NN"): 67.3,
        ("tjm", "1-NN"): 63.3,
        ("coral", "tuned"): 49.2,
        ("artl", "own"): 88.8,
        ("jgsa", "1-NN"): 80.4,
        ("meda", "own"): 89.5,
        ("auto", "own"): 89.5,
    },
}
AMAZON = (
    Figure("source_only", "tuned", 76.0, "SVM"),
    Figure("msda", "tuned", 80.2, "mSDA + SVM"),
    Figure("auto", "own", 81.3, "mSDA + DANN, the best published"),
)
AVERAGES = {"surf": SURF, "amazon": AMAZON}


def average(benchmark: str, method: str, head: str) -> tuple[float, str] | None:
    """Return the published average of a method with a head and the name it was published under, if there is one."""
    if benchmark == "digits":
        found = [cells.get((method, head)) for cells in DIGITS.values()]
        values = [value for value in found if value is not None]
        return (sum(values) / 2, "mean of two cells") if len(values) == 2 else None
    for figure in AVERAGES.get(benchmark, ()):
        if (figure.method, figure.head) == (method, head):
            return figure.value, figure.name
    return None


def cell(benchmark: str, pair: str, method: str, head: str) -> float | None:
    """Return the published figure of one pair, if there is one."""
    return DIGITS.get(pair, {}).get((method, head)) if benchmark == "digits" else None
