"""Measure skada and adapt on the same pairs, in their own environment.

``PYTHONPATH=src build/domains-peers/bin/python -m benchmarks.domains.peers surf --library skada``, as ``make
bench-domains`` does. Every peer's classifier or regressor is the same linear model that chooses its own strength
(`tasks.tuned`); what takes over 60 CPU seconds on one pair is stopped and written down as not finished.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.domains import records
from benchmarks.domains.measure import FEW_LABELS, SEEDS, cell, line
from benchmarks.domains.pairs import LOADERS, TABLES, Pair, pairs
from benchmarks.domains.tasks import Contender, Task, task, tuned

Array = np.ndarray
CAP = 60.0

SKADA = {
    "coral": "CORAL",
    "subspace_alignment": "SubspaceAlignment",
    "tca": "TransferComponentAnalysis",
    "tjm": "TransferJointMatching",
    "mmd_ls": "MMDLSConSMapping",
    "ot": "OTMapping",
    "ot_entropic": "EntropicOTMapping",
    "ot_class": "ClassRegularizerOTMapping",
    "ot_linear": "LinearOTMapping",
    "kmm": "KMMReweight",
    "kliep": "KLIEPReweight",
    "density": "DensityReweight",
    "discriminator": "DiscriminatorReweight",
    "nearest": "NearestNeighborReweight",
    "gaussian": "GaussianReweight",
    "mmdtars": "MMDTarSReweight",
}
"""Our names to skada's; JDOT is added by the kind of task."""
ADAPT = {"coral": "CORAL", "subspace_alignment": "SA", "tca": "TCA", "kmm": "KMM", "kliep": "KLIEP", "ulsif": "ULSIF"}
ADAPT |= {"rulsif": "RULSIF", "nearest": "NearestNeighborsWeighting", "iwc": "IWC"}
ADAPT_LABELLED = {"feda": "FA", "balanced": "BalancedWeighting"}
"""Those that learn from a few target labels; TrAdaBoost and the regularised linear models are added by the task."""


def skada(pair: Pair, labels: int) -> Iterator[Contender]:
    """Yield skada's shallow methods, with their defaults."""
    if labels:
        return
    import skada as library

    jdot = "JDOTRegressor" if pair.kind == "regression" else "JDOTClassifier"
    for name, cls in (SKADA | {"jdot": jdot}).items():
        yield Contender(name, "tuned", _skada(getattr(library, cls)))


def _skada(cls: Any) -> Callable[[Task], Array]:
    def run(task: Task) -> Array:
        inner = tuned(task.pair)
        if "Reweight" in cls.__name__:
            inner = inner.set_fit_request(sample_weight=True)
        X, y, domain = task.joined(as_sparse=False)
        model = cls(base_estimator=inner)
        model.fit(X, y, sample_domain=domain)  # JDOT's fit returns nothing
        asked = _dense(task.asked)
        return np.asarray(model.predict(asked, sample_domain=np.full(len(asked), domain[-1])))

    return run


def adapt(pair: Pair, labels: int) -> Iterator[Contender]:
    """Yield adapt's shallow methods, with their defaults."""
    from adapt import feature_based, instance_based, parameter_based

    rooms = {**vars(feature_based), **vars(instance_based), **vars(parameter_based)}
    if not labels:
        for name, cls in ADAPT.items():
            yield Contender(name, "tuned", _adapt(rooms[cls]))
        return
    regression = pair.kind == "regression"
    boosting = {"tradaboost": "TrAdaBoost"}
    if regression:
        boosting = {"tradaboost_r2": "TrAdaBoostR2", "two_stage_tradaboost_r2": "TwoStageTrAdaBoostR2"}
    for name, cls in (ADAPT_LABELLED | boosting).items():
        yield Contender(name, "tuned", _adapt(rooms[cls]))
    yield Contender(
        "regular_transfer", "own", _regular(rooms["RegularTransferLR" if regression else "RegularTransferLC"])
    )


def _adapt(cls: Any) -> Callable[[Task], Array]:
    def run(task: Task) -> Array:
        pair, known = task.pair, task.known
        given: dict[str, Any] = {"Xt": _dense(pair.target_x)}
        if len(known):
            given = {"Xt": _dense(pair.target_x)[known], "yt": pair.test_y[known]}
        model = cls(tuned(pair), verbose=0, random_state=0, **given).fit(_dense(pair.source_x), pair.source_y)
        return np.asarray(model.predict(_dense(task.asked))).reshape(-1)

    return run


def _regular(cls: Any) -> Callable[[Task], Array]:
    def run(task: Task) -> Array:
        from sklearn.linear_model import LogisticRegressionCV, RidgeCV

        pair, known = task.pair, task.known
        inner = LogisticRegressionCV(max_iter=1000) if pair.kind == "classification" else RidgeCV(np.logspace(-3, 5, 9))
        inner.fit(pair.source_x, pair.source_y)
        model = cls(inner, Xt=pair.target_x[known], yt=pair.test_y[known], verbose=0, random_state=0)
        return np.asarray(model.fit(pair.target_x[known], pair.test_y[known]).predict(task.asked)).reshape(-1)

    return run


def _dense(rows: Any) -> Array:
    return rows.toarray() if sparse.issparse(rows) else rows


LIBRARIES: dict[str, Callable[[Pair, int], Iterator[Contender]]] = {"skada": skada, "adapt": adapt}


def measure(library: str, benchmark: str, labels: int, only: tuple[str, ...] = (), again: tuple[str, ...] = ()) -> None:
    """Append every missing cell to ``results/peers.jsonl`` or, with labels, ``results/peers_labels.jsonl``.

    Small pairs come first; what was not finished on one is not tried on a larger one.
    """
    name = "peers" if labels == 0 else "peers_labels"
    done = {records.key(record): record for record in records.read(name) if record["method"] not in again}
    mine = [r for r in done.values() if (r["benchmark"], r["library"]) == (benchmark, library)]
    slow = {r["method"]: r["pair"] for r in mine if _slow(r) and "smaller" not in r["failed"]}
    for pair in sorted(pairs(benchmark), key=rows):
        for seed in SEEDS if labels else (0,):
            given = task(pair, labels, seed)
            for contender in LIBRARIES[library](pair, labels):
                key = (benchmark, pair.name, library, contender.method, contender.head, labels, seed)
                if key in done or (only and contender.method not in only):
                    continue
                cap = 0.0 if contender.method in slow else CAP
                record = cell(contender, given, seed=seed, cap=cap, library=library)
                if cap == 0.0:
                    record["failed"] = f"not finished in {CAP:.0f} CPU s on {slow[contender.method]}, a smaller pair"
                if _slow(record):
                    slow.setdefault(contender.method, pair.name)
                records.append(name, record)
                print(line(record), flush=True)


def rows(pair: Pair) -> int:
    return pair.source_x.shape[0] + pair.target_x.shape[0]


def _slow(record: records.Record) -> bool:
    return "not finished" in record.get("failed", "")


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="*", default=list(LOADERS))
    parser.add_argument("--library", choices=list(LIBRARIES), required=True)
    parser.add_argument("--labels", type=int, nargs="*", default=[0, *FEW_LABELS])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--again", nargs="*", default=[])
    options = parser.parse_args()
    # torch (which skada's MMD-LS needs) and tensorflow (which adapt imports) do not live in one process
    os.environ["POT_BACKEND_DISABLE_TENSORFLOW" if options.library == "skada" else "POT_BACKEND_DISABLE_PYTORCH"] = "1"
    if options.library == "skada":
        from sklearn import set_config

        set_config(enable_metadata_routing=True)
    for labels in options.labels:
        for benchmark in options.benchmarks:
            if labels == 0 or (benchmark in TABLES and options.library == "adapt"):
                measure(options.library, benchmark, labels, tuple(options.only), tuple(options.again))


if __name__ == "__main__":
    main()
