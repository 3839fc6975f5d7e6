"""What a step across domains costs, in CPU seconds, measured in turn; ``python -m benchmarks.speed`` runs it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from headstart.deep.adversarial.dann import DANN
from headstart.engine import Compute, Domain, JoinedStream, train
from headstart.engine.device import layout_of, move
from headstart.engine.optimizers import make_optimizers
from headstart.functional.mk_mmd import WIDTHS, mk_mmd
from headstart.networks import Network
from headstart.tasks import TaskLogic


def by_differences(source: Tensor, target: Tensor) -> Tensor:
    """The same MK-MMD from all differences [n, n, d], made anew for each kernel, as TLlib does."""
    z, n = torch.cat([source, target]), len(source)
    weights = torch.full((2 * n, 2 * n), -1 / n**2)
    weights[:n, :n] = weights[n:, n:] = (1 - torch.eye(n)) / (n * (n - 1))
    total = z.new_zeros(2 * n, 2 * n)
    for width in WIDTHS:
        distances = (z[None] - z[:, None]).square().sum(dim=2)
        scale = distances.detach().sum() / (2 * n * (2 * n - 1))
        total = total + (-distances / (2 * width * scale)).exp()
    return (total * weights).sum()


def seconds(distance: Callable[[Tensor, Tensor], Tensor], source: Tensor, target: Tensor) -> tuple[float, float]:
    """Return the value and the CPU seconds of a distance and its gradient."""
    source, target = (side.clone().requires_grad_() for side in (source, target))
    start = time.process_time()
    value = distance(source, target)
    value.backward()
    return value.item(), time.process_time() - start


def mk_mmd_cost(n: int = 128, d: int = 256, rounds: int = 8) -> tuple[float, str]:
    """Return how many times less the one Gram matrix costs, and a sentence."""
    generator = torch.Generator().manual_seed(0)
    sides = torch.randn(n, d, generator=generator), torch.randn(n, d, generator=generator) + 0.5
    pairs = [[seconds(distance, *sides) for distance in (mk_mmd, by_differences)] for _ in range(rounds + 1)][1:]
    ratio = statistics.median(slow[1] / fast[1] for fast, slow in pairs)
    gap = max(abs(fast[0] - slow[0]) for fast, slow in pairs)
    fast, slow = (1000 * statistics.median(pair[side][1] for pair in pairs) for side in (0, 1))
    return ratio, f"{fast:.2f} against {slow:.0f} ms, forward and backward; largest difference {gap:.0e}"


def bare_steps(network: Network, stream: JoinedStream, logic: TaskLogic, steps: int) -> Iterator[float]:
    """Two passes and one backward by hand, with the same optimizer: no discriminator. CPU seconds per step."""
    layout = layout_of(network, torch.device("cpu"))
    network.to(memory_format=layout or torch.contiguous_format)  # type: ignore[call-overload]
    nets = DANN().build(network, logic)
    groups = [group for group in DANN().groups(nets) if group.player == "all"]
    (optimizer,) = make_optimizers(groups, 1e-2).values()
    parameters = [p for part in optimizer.param_groups for p in part["params"]]
    for part in optimizer.param_groups:
        part["lr"] = 1e-4
    for step in range(steps):
        start = time.process_time()
        batch = move(stream.batch(step), torch.device("cpu"), layout)
        assert batch.source is not None and batch.target is not None  # noqa: PT018
        optimizer.zero_grad(set_to_none=True)
        loss = logic.loss(network(batch.source.x), batch.source.y) + network.features(batch.target.x).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loss.item()
        yield time.process_time() - start


def dann_cost(
    make: Callable[[], Network], x: Tensor, y: Any, logic: TaskLogic, *, batch_size: int, steps: int
) -> tuple[float, str]:
    """Return the ratio of a DANN step of the engine to a bare step of two passes, and a sentence."""
    fetch = lambda positions, view: x[torch.from_numpy(positions)]  # noqa: E731
    stream = JoinedStream(Domain(fetch, n=len(x)), Domain(fetch, y), batch_size=batch_size, seed=0)
    bare, pairs, mark = bare_steps(make(), stream, logic, steps), [], [time.process_time()]

    def bare_step(record: dict[str, Any]) -> None:
        if "validation_loss" not in record:
            spent = time.process_time() - mark[0]
            pairs.append((spent, next(bare)))
            mark[0] = time.process_time()

    train(DANN(), make(), stream, task=logic, steps=steps, on_step=bare_step, compute=Compute("cpu"))
    ratio = statistics.median(a / b for a, b in pairs[2:])
    engine, by_hand = (1000 * statistics.median(side) for side in zip(*pairs[2:], strict=True))
    return ratio, f"{engine:.1f} against {by_hand:.1f} ms a step of {batch_size} + {batch_size}, {len(pairs) - 2} pairs"
