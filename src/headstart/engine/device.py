"""Where a run computes: device, precision, processes, memory layout."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from headstart.data.batches import Batch, Episode, Samples
from headstart.errors import UserError, nearest

PRECISIONS = ("no", "bf16")
_KINDS = ("cuda", "mps", "cpu")
SMALL_NETWORK = 1_000_000
"""Parameters up to which a network is computed on one CPU thread."""


def choose_device(name: str | None = None) -> torch.device:
    """Return the device called ``name`` (``cuda``, ``cuda:1``, ``mps``, ``cpu``), or the fastest one at hand.

    Raises
    ------
    UserError
        If the name is unknown, or the machine has no such device.
    """
    if (name is None or name == "auto") and _asked_for_cpu():
        return torch.device("cpu")
    if name is None or name == "auto":
        at_hand = (kind for kind in _KINDS if _available(kind))
        return torch.device(next(at_hand))
    kind, _, number = str(name).partition(":")
    if kind not in _KINDS or (number and not number.isdigit()):
        raise UserError(f"There is no device '{name}'; {nearest(kind, _KINDS)}")
    if not _available(kind) or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        raise UserError(f"The device '{name}' is not available here; leave --device out or use --device cpu.")
    return torch.device(str(name))


def _available(kind: str) -> bool:
    return {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}.get(kind, lambda: True)()


def choose_precision(device: torch.device, name: str | None = None) -> str:
    """Return ``name`` if given, else ``bf16`` where the card computes it in hardware, else ``no`` (float32)."""
    if name is not None:
        if name not in PRECISIONS:
            raise UserError(f"There is no precision '{name}'; {nearest(name, PRECISIONS)}")
        return name
    if device.type != "cuda":
        return "no"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"


@dataclass(frozen=True)
class Place:
    """One process's place in a run: its device, the precision, and its rank among the processes."""

    device: torch.device
    precision: str = "no"
    rank: int = 0
    ranks: int = 1

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which the forward pass runs."""
        if self.precision == "no":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.ranks > 1:
            process_state().wait_for_everyone()

    def share(self, n: int) -> tuple[int, int]:
        """Return where this process's share of ``n`` samples starts and stops."""
        return n * self.rank // self.ranks, n * (self.rank + 1) // self.ranks


def find_place(accelerator: Any = None, device: Any = None, precision: str | None = None) -> Place:
    """Ask accelerate (or the given ``accelerator``) for processes and device; explicit values win.

    Parameters
    ----------
    accelerator : `accelerate.Accelerator`, `accelerate.PartialState` or None
    device : name or torch.device; None for the accelerator's, or the fastest at hand.
    precision : ``no``, ``bf16``, or None to choose by device.
    """
    wish = None if device is None else choose_device(str(device))
    state = accelerator if accelerator is not None else process_state(wish)
    several = state.num_processes > 1
    if wish is None or several:
        wish = state.device if several or accelerator is not None else choose_device(None)
    return Place(wish, choose_precision(wish, precision), state.process_index, state.num_processes)


def process_state(device: torch.device | None = None) -> Any:
    """Return accelerate's view of the processes; started by ``accelerate launch``, or one alone."""
    from accelerate import PartialState

    if PartialState._shared_state:
        return PartialState()
    chosen = choose_device(None) if device is None else device
    return PartialState(cpu=chosen.type == "cpu")


def _asked_for_cpu() -> bool:
    """Whether ``accelerate launch --cpu`` started this process."""
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")


@contextlib.contextmanager
def few_threads(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Compute a small network on one CPU thread: its layers are over before a second one has started.

    Threads that wait for one another cost most where other programs run too; and the same bits on every number of
    cores come with it.
    """
    former = torch.get_num_threads()
    small = device.type == "cpu" and sum(p.numel() for p in network.parameters()) <= SMALL_NETWORK
    torch.set_num_threads(1 if small else former)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def keep_memory() -> bool:
    """Let glibc keep large blocks for the next pass instead of giving them back; return whether it was done.

    On a CPU every pass otherwise maps and clears its activations anew, page by page: up to half of the time of a
    MobileNetV2 forward pass. It holds for the whole process; the price is that freed memory stays with it.
    """
    import ctypes

    trim_threshold, mmap_threshold, mmap_max = -1, -3, -4
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(mmap_threshold, 2**25) and mallopt(trim_threshold, 2**31 - 1) and mallopt(mmap_max, 0))


def is_plain_cnn(network: nn.Module) -> bool:
    """Whether the channels-last layout pays: convolutions with batch norm (not ConvNeXt, not transformers)."""
    return any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def layout_of(network: nn.Module, device: torch.device) -> torch.memory_format:
    """Return the memory layout in which a network computes fastest: channels last for large plain CNNs.

    On a CPU a training step of MobileNetV2 takes a quarter less time so; small networks gain nothing.
    """
    large = device.type == "cuda" or sum(p.numel() for p in network.parameters()) > SMALL_NETWORK
    plain = device.type in {"cuda", "cpu"} and large and is_plain_cnn(network)
    return torch.channels_last if plain else torch.preserve_format


def move(value: Any, device: torch.device, layout: torch.memory_format = torch.preserve_format) -> Any:
    """Move a batch, a state or a tensor to ``device``; images ([n, c, h, w]) into ``layout``."""
    if isinstance(value, Tensor):
        images = value.ndim == 4 and layout != torch.preserve_format
        if device.type == "mps" and value.dtype == torch.float64:
            value = value.float()  # that device has no double precision
        return value.to(device, non_blocking=True, memory_format=layout if images else torch.preserve_format)
    if isinstance(value, dict):
        return {name: move(item, device, layout) for name, item in value.items()}
    if isinstance(value, Batch | Samples | Episode):
        return type(value)(*(move(item, device, layout) for item in value))
    if isinstance(value, tuple):
        return tuple(move(item, device, layout) for item in value)
    if isinstance(value, list) and any(isinstance(item, Tensor | dict) for item in value):
        return [move(item, device, layout) for item in value]
    return value


def seed_device(seed: int, device: torch.device) -> None:
    """Seed the generators of the CPU and of ``device``.

    `torch.manual_seed` does so too, but formats a stack trace for every kind of card that was never started: 0.6 ms,
    which a step of a small network would feel.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed_all(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory, of the card or of the machine, is used up."""
    from accelerate.utils.memory import should_reduce_batch_size

    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or (isinstance(error, Exception) and should_reduce_batch_size(error))


def free_memory(device: torch.device) -> None:
    """Give cached blocks back to the device after it ran out of memory."""
    import gc

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
