"""Tensors from files that may come from anywhere: safetensors, or PyTorch files read without running any code."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.errors import UserError
from headstart.storage import load_tensors

PICKLED = (".pth", ".th", ".pt", ".bin", ".ckpt")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
_DEEPEST = 8
_WRAPPING_PREFIXES = ("module.", "_orig_mod.")


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read named tensors from ``.safetensors``, or from ``.pth``, ``.th``, ``.pt``, ``.bin`` with weights only.

    A checkpoint's wrapping (``state_dict``, ``model``, the prefix ``module.``) is taken off; what is no tensor is
    left out.

    Raises
    ------
    UserError
        If the file is missing, damaged, of another kind, holds no tensors, or holds code or objects (refused unread).
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"The weights file {path} does not exist.")
    if path.suffix == ".safetensors":
        tensors: Any = load_tensors(path)[0]
    elif path.suffix in PICKLED:
        tensors = _read_pickled(path)
    else:
        kinds = ", ".join((".safetensors", *PICKLED))
        raise UserError(f"{path} is no weights file that Headstart reads; the ending is one of {kinds}.")
    tensors = _unwrap(tensors, path)
    if not tensors:
        raise UserError(f"{path} holds no tensors by name; give a file with a network's state dict.")
    return tensors


def _read_pickled(path: Path) -> Any:
    _refuse_bomb(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _tells_of_code(str(error), path):
            raise UserError(
                f"{path} contains code or objects beyond tensors and was refused unread; convert it to safetensors "
                "where you trust it, and give that file."
            ) from error
        raise UserError(f"{path} is damaged or no PyTorch file ({_first_line(error)}); fetch it again.") from error
    except MemoryError:
        raise
    except Exception as error:  # a file of any bytes makes the reader raise whatever its parts raise
        raise UserError(f"{path} is damaged or no PyTorch file ({_first_line(error)}); fetch it again.") from error


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that unpacks to far more than it is: PyTorch writes its archives unpacked."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            whole = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UserError(f"{path} is damaged or no PyTorch file ({_first_line(error)}); fetch it again.") from error
    if whole > 4 * path.stat().st_size + 2**20:
        raise UserError(
            f"{path} unpacks from {path.stat().st_size:,} to {whole:,} bytes, which no weights do; it was not read."
        )


def _tells_of_code(message: str, path: Path) -> bool:
    if any(word in message for word in ("GLOBAL", "Unsupported global", "Unsupported class")):
        return True
    # Newer pickles name their objects by instructions that the weights-only reader does not know at all.
    with path.open("rb") as file:
        return "Unsupported operand" in message and file.read(1) == b"\x80"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    # torch's own advice on unsafe loading is a page long, and wrong here.
    return type(error).__name__ if not text or "weights_only" in text[0] else text[0][:120].rstrip(".")


def _unwrap(tensors: Any, path: Path) -> dict[str, Tensor]:
    for _ in range(_DEEPEST):
        names = _WRAPPERS if isinstance(tensors, Mapping) else ()
        inner = next((tensors[name] for name in names if isinstance(tensors.get(name), Mapping)), None)
        if inner is None:
            break
        tensors = inner
    else:
        raise UserError(
            f"{path} wraps its tensors more than {_DEEPEST} times, or holds itself; give a file with a state dict."
        )
    if not isinstance(tensors, Mapping):
        return {}
    found = {str(name): value.detach() for name, value in tensors.items() if isinstance(value, Tensor)}
    for name, value in found.items():
        if not _is_plain(value):
            raise UserError(f"The weights {name[:80]} are no plain tensor that is all there; convert the file anew.")
    for prefix in _WRAPPING_PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is dense numbers, as many as it says: one with a stride of 0 can be of any size."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.device.type == "meta":
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def load_matching(model: nn.Module, tensors: Mapping[str, Tensor], where: str, heads: Iterable[str] = ()) -> None:
    """Load ``tensors`` into ``model``, which must match by name and shape but for the classifier's.

    Parameters
    ----------
    model : the library's own model, whole.
    tensors : a state dict of the same architecture.
    where : what to call the weights in an error.
    heads : modules of the classifier, ignored on both sides.

    Raises
    ------
    UserError
        If tensors are missing, left over or of another shape: the first five and how many; or hold NaN or infinity.
    """
    prefixes = tuple(f"{head}." for head in heads)
    own = {name: value for name, value in model.state_dict().items() if not name.startswith(prefixes or ("\0",))}
    given = {name: value for name, value in tensors.items() if not name.startswith(prefixes or ("\0",))}
    differences = [f"{name} is missing" for name in own if name not in given and not _optional(name)]
    differences += [f"{name} is not in the architecture" for name in given if name not in own]
    differences += [
        f"{name} has shape {tuple(given[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in given and given[name].shape != own[name].shape
    ]
    differences += [
        f"{name} has numbers of type {_word(given[name])} instead of {_word(own[name])}"
        for name in own
        if name in given and given[name].is_floating_point() != own[name].is_floating_point()
    ]
    if differences:
        shown = "; ".join(differences[:5]) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
        raise UserError(
            f"{where} holds weights of another architecture: {len(differences)} tensors differ from the "
            f"{len(own)} expected ({shown})."
        )
    require_finite({name: value.to(own[name].dtype) for name, value in given.items()}, where)
    model.load_state_dict(given, strict=False)


def require_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights and statistics with NaN or infinity in them; the first such tensor is named."""
    for name, tensor in tensors.items():
        if (tensor.is_floating_point() or tensor.is_complex()) and not bool(torch.isfinite(tensor).all()):
            count = int((~torch.isfinite(tensor)).sum())
            raise UserError(
                f"{where} holds NaN or infinity in {count} of the {tensor.numel()} values of the tensor '{name}', and "
                "nothing can be learned from that; fetch the weights again, or take another source."
            )


def _word(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _optional(name: str) -> bool:
    # Files older than PyTorch 0.4.1 lack this counter, which evaluation never uses.
    return name.endswith("num_batches_tracked")
