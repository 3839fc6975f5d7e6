"""Weighers and JDOT at 500 + 500 rows, ours and the peers' side by side: ``python -m benchmarks.domains.weighers``.

Ours, the peers' in their environment, and ours again, one thread each; of every method the median of `TIMES` fits and
predictions in a process that has run it once before. Under a weigher stands one linear model of a fixed strength, so
that what differs is the weights; JDOT chooses the strength of its model by cross-validation, in both libraries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.domains import records
from benchmarks.domains.scale import PEERS, ROOT, made
from benchmarks.domains.tasks import Contender, Task, task, tuned
from benchmarks.render import table
from headstart.shallow.heads.tuned import TunedLogistic

NAME, ROWS, FEATURES, TIMES = "weighers", 500, 64, 7
OURS = {
    "kliep": ("skada: kliep", "adapt: kliep"),
    "ulsif": ("adapt: ulsif",),
    "rulsif": ("adapt: rulsif",),
    "kmm": ("skada: kmm", "adapt: kmm"),
    "nearest": ("skada: nearest", "adapt: nearest"),
    "density_classifier": ("skada: discriminator", "skada: density", "adapt: iwc"),
    "jdot": ("skada: jdot",),
}
"""Ours, and what does the same there: the ratio by a classifier, which skada also has by kernel densities."""
SKADA = {
    "kliep": "KLIEPReweight",
    "kmm": "KMMReweight",
    "nearest": "NearestNeighborReweight",
    "discriminator": "DiscriminatorReweight",
    "density": "DensityReweight",
}
ADAPT = {"kliep": "KLIEP", "ulsif": "ULSIF", "rulsif": "RULSIF", "kmm": "KMM", "nearest": "NearestNeighborsWeighting"}
ADAPT |= {"iwc": "IWC"}


def fixed() -> TunedLogistic:
    return TunedLogistic(strengths=(0.01,), standardise=False)


def ours() -> Iterator[tuple[str, Contender]]:
    """Yield Headstart's."""
    from benchmarks.domains.contenders import _fitted

    for name in OURS:
        yield "headstart", Contender(name, "own", _fitted(partial(_ours, name)))


def _ours(name: str, pair: Any) -> Any:
    from headstart.shallow.features.transport.jdot import JDOT
    from headstart.shallow.shells.reweighted import Reweighted

    return JDOT() if name == "jdot" else Reweighted(weights=name, estimator=fixed())


def theirs() -> Iterator[tuple[str, Contender]]:
    """Yield the peers'; runs in their environment."""
    import skada
    from adapt import instance_based
    from sklearn import set_config

    set_config(enable_metadata_routing=True)
    for name, cls in SKADA.items():
        yield "skada", Contender(name, "own", _skada(getattr(skada, cls), lambda pair: fixed(), weighted=True))
    yield "skada", Contender("jdot", "own", _skada(skada.JDOTClassifier, tuned, weighted=False))
    for name, cls in ADAPT.items():
        yield "adapt", Contender(name, "own", _adapt(getattr(instance_based, cls)))


def _skada(cls: Any, inner: Callable[[Any], Any], *, weighted: bool) -> Callable[[Task], Any]:
    def run(given: Task) -> Any:
        estimator = inner(given.pair)
        model = cls(base_estimator=estimator.set_fit_request(sample_weight=True) if weighted else estimator)
        X, y, domain = given.joined(as_sparse=False)
        model.fit(X, y, sample_domain=domain)
        return np.asarray(model.predict(given.asked, sample_domain=np.full(len(given.asked), domain[-1])))

    return run


def _adapt(cls: Any) -> Callable[[Task], Any]:
    def run(given: Task) -> Any:
        model = cls(fixed(), Xt=given.pair.target_x, verbose=0, random_state=0)
        return np.asarray(model.fit(given.pair.source_x, given.pair.source_y).predict(given.asked)).reshape(-1)

    return run


def measure(contenders: Iterator[tuple[str, Contender]], place: int) -> None:
    """Append one record per method: the seconds of every fit and prediction, and the accuracy."""
    given = task(made(ROWS, FEATURES))
    for library, one in contenders:
        seconds, answer = [], np.empty(0)
        for _ in range(TIMES + 1):
            start = time.process_time()
            answer = one.run(given)
            seconds.append(round(time.process_time() - start, 4))
        found = {"library": library, "method": one.method, "pair": given.pair.name, "place": place}
        found |= {"seconds": seconds[1:], "accuracy": float((answer == given.truth).mean())}
        records.append(NAME, found | records.about("numpy", "scipy", "scikit-learn", "pot", "skada", "adapt"))
        print(library, one.method, sorted(seconds[1:]), round(100 * found["accuracy"], 1), flush=True)


def main() -> None:
    warnings.simplefilter("ignore")
    if sys.argv[1:] == ["peers"]:
        measure(theirs(), 1)
        return
    measure(ours(), 0)
    environment = {**os.environ, "PYTHONPATH": "src", "POT_BACKEND_DISABLE_TENSORFLOW": "1"}
    command = [str(PEERS), "-W", "ignore", "-m", "benchmarks.domains.weighers", "peers"]
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    measure(ours(), 2)


SAID = """\
500 + 500 rows of 64 numbers (made, 10 classes), CPU seconds of a fit and its predictions, one thread: the median of 7
in a process that had run the method before; Headstart's before and behind the peers' in the same run. Under a weigher
stands one linear model of a fixed strength; JDOT's strength is searched in both libraries. Peers' weighers fit once by
their defaults; ours search widths, ridges or strengths by held-out rows. `python -m benchmarks.domains.weighers`;
{date}, {machine}.
"""


def page(folder: Path = records.RESULTS) -> list[str]:
    """Return the part of the results: ours beside each peer, slower or not."""
    last = {(f"{one['library']}: {one['method']}", one["place"]): one for one in records.read(NAME, folder)}
    if not last:
        return []
    lines = []
    for name, peers in OURS.items():
        mine = [last[f"headstart: {name}", place] for place in (0, 2) if (f"headstart: {name}", place) in last]
        seconds = [float(np.median(one["seconds"])) for one in mine]
        for peer in (one for one in peers if (one, 1) in last):
            other = last[peer, 1]
            took = float(np.median(other["seconds"]))
            verdict = "**slower**" if np.mean(seconds) > took else "no slower"
            shown = " and ".join(f"{one:.3f}" for one in seconds)
            accuracy = f"{100 * mine[-1]['accuracy']:.1f}, {100 * other['accuracy']:.1f}"
            lines.append([name, shown, peer, f"{took:.3f}", verdict, accuracy])
    one = next(iter(last.values()))
    head = ["Headstart", "CPU s", "peer", "CPU s", "", "accuracy, %"]
    return [
        "### Weighers beside the peers\n",
        SAID.format(date=one["date"], machine=one["machine"]),
        table(head, lines),
    ]


if __name__ == "__main__":
    main()
