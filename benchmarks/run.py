"""All benchmarks: ``python -m benchmarks.run [FAMILY ...]``. An interrupted run continues where it stopped.

``make bench`` runs the families ``engine`` and ``peers``, ``make bench-domains`` the family ``domains``; ``pages``
makes the tables that other pages of docs/ show. ``--fresh`` forgets what was measured before. Real data are read from
the folder that HEADSTART_DATA names; what needs them is left out where it is not set.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import store

ROOT = Path(__file__).resolve().parents[1]
OWN = Path(sys.executable)
PEERS, DOMAIN_PEERS = ROOT / ".bench/venv", ROOT / "build/domains-peers"
DATA = ("hymenoptera", "amazon10", "books")
"""The sets of the table against peers; cifar10 and movies can be named by hand."""
DOMAINS = ("heart", "digits", "wine", "bike", "surf", "googlenet", "adult", "mobilenet", "amazon_text", "amazon")
"""Cheap ones first."""


def module(python: Path, name: str, *arguments: str) -> None:
    """Run a module of the benchmarks in an environment, on one thread, offline."""
    quiet = {"TOKENIZERS_PARALLELISM": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **quiet}
    if python.is_relative_to(DOMAIN_PEERS):
        environment["PYTHONPATH"] = "src"
    subprocess.run([str(python), "-W", "ignore", "-m", name, *arguments], cwd=ROOT, env=environment, check=True)


def environment_of(venv: Path, requirements: str) -> Path:
    """Make the peers' own environment, and return its interpreter."""
    subprocess.run(["sh", "benchmarks/setup.sh", str(venv.relative_to(ROOT)), requirements], cwd=ROOT, check=True)
    return venv / "bin/python"


def has_data(what: str) -> bool:
    """Say whether there are real data, and what is left out where there are none."""
    if not os.environ.get("HEADSTART_DATA"):
        print(f"HEADSTART_DATA is not set: {what} left out.")
    return bool(os.environ.get("HEADSTART_DATA"))


def engine() -> None:
    """Measure speed, and what an accelerator does."""
    module(OWN, "benchmarks.speed")
    module(OWN, "benchmarks.scores", "--threads", "1")
    module(OWN, "benchmarks.gpu")


def peers() -> None:
    """Measure every contender, each seed's round in turn, so that the load of the machine falls on all of them."""
    if not has_data("the comparison with peers is"):
        return
    theirs = environment_of(PEERS, "benchmarks/requirements-peers.txt")
    ours = {"headstart": OWN, "headstart+evidence": OWN}
    for seed in ("0", "1", "2"):
        for contender, python in (dict.fromkeys(("linear", "fastai", "trainer"), theirs) | ours).items():
            if contender != "headstart+evidence" or seed == "0":
                names = ["--contender", contender, "--seeds", seed, "--data", *DATA]
                module(python, "benchmarks.peers.run", *names)


def domains() -> None:
    """Measure every pair of domains with every library, then time and memory, which need no data."""
    theirs = environment_of(DOMAIN_PEERS, "benchmarks/domains/requirements-peers.txt")
    for benchmark in DOMAINS if has_data("the pairs are") else ():
        module(OWN, "benchmarks.domains.measure", benchmark)
        for library in ("skada", "adapt"):
            module(theirs, "benchmarks.domains.peers", benchmark, "--library", library)
    if has_data("domains that nobody has seen are"):
        module(OWN, "benchmarks.domains.unseen")
        module(OWN, "benchmarks.domains.digits_full")
        module(OWN, "benchmarks.domains.stages")
    module(OWN, "benchmarks.domains.scale", "compare", "curves")
    module(OWN, "benchmarks.domains.weighers")


def pages() -> None:
    """Measure what the pages of docs/ show, and no benchmark has."""
    names = () if has_data("the tables of parameters and of other columns are") else ("unsupervised",)
    module(OWN, "benchmarks.pages", *names)


def few() -> None:
    """Measure few-shot methods on Omniglot (hours; goes on where it stopped), zero-shot on animals, and what is learned
    without labels, half labelled and together."""
    if not has_data("Omniglot and the animals are"):
        return
    module(OWN, "benchmarks.few.animals")
    module(OWN, "benchmarks.few.animals", "--sources", "other_classes", "mobilenet_v2", "--known", "names")
    for method, arguments in OMNIGLOT.items():
        module(OWN, "benchmarks.few.omniglot", method, *arguments.split())
    for seed in "01":
        module(OWN, "benchmarks.few.multi_mnist", "--seed", seed)
        module(OWN, "benchmarks.few.multi_mnist", "--seed", seed, "--methods", "equal,mmoe")
    for name in ("adult", "bike", "wine"):
        module(OWN, "benchmarks.few.tables", name, "tasks")
    for seed in "012":
        module(OWN, "benchmarks.few.tables", "adult", "half", "--seed", seed)
        for name in ("cifar10", "reviews"):
            module(OWN, "benchmarks.few.half", name, "--seed", seed)
    module(OWN, "benchmarks.few.without_labels", "anomalies")
    module(OWN, "benchmarks.few.without_labels", "sources", "--seeds", "3")
    module(OWN, "benchmarks.few.without_labels", "sources", "--data", "cifar10", "--seeds", "2")
    for seed in "01":
        module(OWN, "benchmarks.few.spoken", "--seed", seed)
        module(OWN, "benchmarks.few.generating", "--seed", seed)


def vision() -> None:
    """Measure masks, boxes, a diagnosis and faces (hours; goes on where it stopped)."""
    if has_data("pictures with masks and boxes are"):
        module(OWN, "benchmarks.vision")
        module(OWN, "benchmarks.vision.page")


def ranking() -> None:
    """Fine-tune a zoo of small sources and ask what every score had said."""
    if has_data("the zoo of sources is"):
        module(OWN, "benchmarks.ranking", "--draws", "2")


ONE_SHOT = "--ways 5 --shots 1 --queries 15 --minutes 30"
GROUP = f"{ONE_SHOT} --source headstart/conv4-group --steps 6000"
OMNIGLOT = {
    "nearest": "",
    "protonet": "--ways 60 --shots 1 --queries 5 --steps 2500",
    "classifier": "--ways 60 --shots 1 --queries 5 --steps 2500 --minutes 30",
    "matchingnet": f"{ONE_SHOT} --steps 5000",
    "relationnet": f"{ONE_SHOT} --steps 5000",
    "r2d2": f"{ONE_SHOT} --steps 5000",
    "anil": f"{ONE_SHOT} --steps 5000",
    "maml": "--ways 5 --shots 1 --queries 3 --source headstart/conv4-group --steps 75000 --rate 2e-3 --minutes 90",
    "fomaml": GROUP,
    "meta_sgd": GROUP,
    "reptile": GROUP,
}
"""Methods and their trainings: by episodes of 60 classes, or of the 5 that are asked about."""
GENERAL = (store.RESULTS, "benchmarks.render")
FAMILIES: dict[str, tuple[Callable[[], None], Path, str]] = {
    "engine": (engine, *GENERAL),
    "peers": (peers, *GENERAL),
    "domains": (domains, ROOT / "benchmarks/domains/results", "benchmarks.domains.render"),
    "few": (few, *GENERAL),
    "vision": (vision, *GENERAL),
    "ranking": (ranking, ROOT / "benchmarks/ranking/results", "benchmarks.ranking.render"),
    "pages": (pages, ROOT / "benchmarks/pages/results", "benchmarks.pages.across"),
}
"""What measures, where its results lie, and what writes its page."""


def main() -> None:
    asked = [name for name in sys.argv[1:] if name != "--fresh"] or ["engine", "peers"]
    if unknown := set(asked) - FAMILIES.keys():
        raise SystemExit(f"There is no family {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}.")
    chosen = [FAMILIES[name] for name in asked]
    for folder in {folder for _, folder, _ in chosen} if "--fresh" in sys.argv else ():
        store.forget(folder)
    for measure, folder, _ in chosen:
        measure()
        store.pack_all(folder)
    for page in dict.fromkeys(page for _, _, page in chosen):
        module(OWN, page)


if __name__ == "__main__":
    main()
