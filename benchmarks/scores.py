"""What the scores of a source cost: LogME against the direct D x D decomposition, and all scores of one source.

``python -m benchmarks.scores`` needs no data: features are drawn. Both ways of LogME are measured in turn in one
process, on one thread; the value must be the same. Prints won or lost; adds lines to ``benchmarks/results/scores``.
``all`` or ``logme`` as an argument measures one of the two; ``--threads N`` is for the table of all scores.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import machine, store
from headstart.functional.reuse import reusing
from headstart.scores import SCORES, logme
from headstart.scores.basis import economy

ROUNDS = 3
AIM = 3.0
SECONDS = 5.0


def drawn(n: int, d: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return features of positive parts, as networks give them, that tell k classes somewhat, and labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % k
    hidden = rng.normal(size=(n, 64)) + 0.5 * rng.normal(size=(k, 64))[labels]
    return np.maximum(hidden @ rng.normal(size=(64, d)) / 8 + 0.5 * rng.normal(size=(n, d)), 0), labels


def direct_logme(features: np.ndarray, labels: np.ndarray) -> float:
    """Return LogME as its authors' listing does: an SVD of ``X' X`` [d, d], then fixed-point steps per class."""
    n, d = features.shape
    _, squares, axes = np.linalg.svd(features.T @ features)
    found = []
    for c in np.unique(labels):
        y = (labels == c).astype(np.float64)
        projected = axes @ (features.T @ y)
        alpha = beta = 1.0
        for _ in range(1000):
            m = beta * projected / (alpha + beta * squares)
            gamma = (beta * squares / (alpha + beta * squares)).sum()
            loss = ((features @ (axes.T @ m) - y) ** 2).sum()
            new = gamma / (m @ m), (n - gamma) / loss
            done = abs(new[0] / new[1] / (alpha / beta) - 1) < 1e-9
            alpha, beta = new
            if done:
                break
        m = beta * projected / (alpha + beta * squares)
        loss = ((features @ (axes.T @ m) - y) ** 2).sum()
        evidence = n / 2 * np.log(beta) + d / 2 * np.log(alpha) - n / 2 * np.log(2 * np.pi)
        evidence -= beta / 2 * loss + alpha / 2 * m @ m + 0.5 * np.log(alpha + beta * squares).sum()
        found.append(evidence / n)
    return float(np.mean(found))


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return CPU seconds, wall seconds and the result."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def compare(n: int, d: int) -> dict[str, Any]:
    """Measure both ways of LogME in turn."""
    x, y = drawn(n, d)
    pairs = [(timed(lambda: direct_logme(x, y)), timed(lambda: logme(x, y, intercept=False))) for _ in range(ROUNDS)]
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    off = abs(pairs[0][0][2] - pairs[0][1][2])
    seconds = [statistics.median(one[0] for one in side) for side in zip(*pairs, strict=True)]
    return {
        "what": "logme", "n": n, "d": d, "ratio": round(ratio, 2), "direct": round(seconds[0], 3),
        "ours": round(seconds[1], 3), "off": off, "rounds": ROUNDS, "won": ratio >= AIM and off < 1e-6,
    }  # fmt: skip


def every_score(n: int, d: int, threads: int) -> dict[str, Any]:
    """Measure all scores that read features, one after the other, sharing their decomposition."""
    from threadpoolctl import threadpool_limits

    for score in SCORES.values():  # what a score imports is there before, as in a ranking
        if score.reads == "features":
            score.function(*drawn(60, 20))
    x, y = drawn(n, d)
    with threadpool_limits(threads), reusing(4 * 10**9) as shelf:
        shelf.promise(x)
        parts = {"decomposition": timed(lambda: economy(x))[:2]}
        for name, score in SCORES.items():
            if score.reads == "features":
                parts[name] = timed(lambda score=score: score.function(x, y))[:2]
    wall, cpu = sum(part[1] for part in parts.values()), sum(part[0] for part in parts.values())
    return {
        "what": "all", "n": n, "d": d, "threads": threads, "cpu": round(cpu, 2), "wall": round(wall, 2),
        "parts": {name: [round(value, 3) for value in part] for name, part in parts.items()}, "won": wall <= SECONDS,
    }  # fmt: skip


def _word(row: dict[str, Any]) -> str:
    return "won" if row["won"] else "lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("logme", "all"))
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    about = machine.describe("numpy", "scipy", "headstart")
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        for n, d in ((200, 1280), (500, 2048), (1000, 2048)) if asked.what != "all" else ():
            row = compare(n, d)
            store.append("scores", row | about)
            print(
                f"LogME, n {n}, D {d}: {row['ratio']:.1f} times less CPU ({row['direct']:.2f} s directly, "
                f"{row['ours']:.2f} s; values differ by {row['off']:.1g}; aim {AIM:g}): {_word(row)}"
            )
    if asked.what != "logme":
        show(every_score(5000, 2048, asked.threads), about)
    store.pack("scores")


def show(row: dict[str, Any], about: dict[str, Any]) -> None:
    """Keep and print the table of all scores."""
    store.append("scores", row | about)
    print(
        f"all scores of one source, n 5000, D 2048, {row['threads']} threads: {row['wall']:.1f} s "
        f"({row['cpu']:.1f} CPU s; aim {SECONDS:g} s): {_word(row)}"
    )
    for name, (cpu, wall) in row["parts"].items():
        print(f"  {name:14} {wall:6.2f} s  {cpu:6.2f} CPU s")


if __name__ == "__main__":
    main()
