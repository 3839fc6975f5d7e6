"""Measure one contender over the cells that are not measured yet.

``python -m benchmarks.peers.run --contender linear [--data hymenoptera ...]``, from the project's root, in the
environment of that contender: Headstart's own for ``headstart...``, ``.bench/venv`` for the others.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from benchmarks import machine, store
from benchmarks.peers.tasks import Cell, cells

CONTENDERS = {
    "linear": ("benchmarks.peers.linear", ("image", "text")),
    "fastai": ("benchmarks.peers.fastai_fine_tune", ("image",)),
    "trainer": ("benchmarks.peers.hf_trainer", ("text",)),
    "headstart": ("benchmarks.peers.headstart_fit", ("image", "text")),
    "headstart+evidence": ("benchmarks.peers.headstart_evidence", ("image", "text")),
}
PACKAGES = ("torch", "torchvision", "transformers", "fastai", "scikit-learn", "headstart")


def record(cell: Cell, contender: str, outcome: dict) -> dict:
    """Return the line to keep: the answers' rightness as ones and zeros, in the test set's order."""
    right = [p == item.label for p, item in zip(outcome["predicted"], cell.data.test, strict=True)]
    return {
        "data": cell.data.name,
        "shots": cell.shots,
        "seed": cell.seed,
        "contender": contender,
        "n_train": len(cell.train),
        "budget": cell.budget,
        "seconds": round(outcome["seconds"], 2),
        "accuracy": sum(right) / len(right),
        "correct": "".join("01"[r] for r in right),
        "curve": [[round(s, 2), round(a, 4)] for s, a in outcome["curve"]],
        "choice": outcome["choice"],
        **machine.describe(*PACKAGES),
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", choices=CONTENDERS, required=True)
    parser.add_argument("--data", nargs="*")
    parser.add_argument("--shots", nargs="*")
    parser.add_argument("--seeds", nargs="*", type=int)
    chosen = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    module_name, modalities = CONTENDERS[chosen.contender]
    module = importlib.import_module(module_name)
    done = {(r["data"], r["shots"], r["seed"], r["contender"]) for r in store.read("peers")}
    for cell in cells(chosen.data):
        wanted = cell.data.modality in modalities and (*cell.key, chosen.contender) not in done
        wanted = wanted and (not chosen.shots or cell.shots in chosen.shots)
        if wanted and (not chosen.seeds or cell.seed in chosen.seeds):
            line = record(cell, chosen.contender, module.measure(cell))
            store.append("peers", line)
            print(
                *cell.key,
                chosen.contender,
                f"{line['accuracy']:.1%} in {line['seconds']:.1f} s",
                line["choice"],
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
