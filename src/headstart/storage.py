"""Finished files or no files: every write goes to a temporary file, is synced, and is renamed into place."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.locks import PART, lock, part_name, sweep_parts

_MACHINE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than is allowed here",
    errno.EROFS: "the disk is read-only",
    errno.ENOTDIR: "a part of the path is a file",
    errno.ENOENT: "that place cannot hold files",
    errno.EACCES: "permission was denied",
    errno.EPERM: "permission was denied",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EISDIR: "that is a folder",
    errno.EEXIST: "there is something else of that name",
    errno.ELOOP: "its links lead in a circle",
    errno.EBUSY: "it is in use by the system",
}


@contextlib.contextmanager
def machine_faults(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn a full or read-only disk under ``path`` into a `UserError` of one sentence."""
    try:
        yield
    except OSError as error:
        reason = _MACHINE_FAULTS.get(error.errno or 0)
        if reason is None:
            raise
        raise UserError(f"Could not write {path}: {reason}; free some space or choose another place.") from error


def atomic_write(path: str | os.PathLike[str], write: Callable[[Path], None]) -> None:
    """Call ``write(temporary)`` beside ``path``, sync it to disk, and rename it to ``path``.

    Whatever happens on the way, ``path`` holds either its former content or the whole new one; that a loss of power
    cannot bring back the former one is `sync_names`'s to see to, once for a folder that is finished.
    """
    path = Path(path)
    with machine_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        start = part_name(path.name)
        sweep_parts(path.parent, start)
        handle, name = tempfile.mkstemp(prefix=start, suffix=PART, dir=path.parent)
        # Held until it is renamed, so that nobody takes it for what a killed process left.
        lock(handle)
        temporary = Path(name)
        try:
            write(temporary)
            _sync(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(handle)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_names(folder: Path) -> None:
    """Make the names of all files under ``folder`` outlast a loss of power; their contents were synced when written."""
    with machine_faults(folder):
        for place, _, _ in os.walk(folder):
            _sync(Path(place))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, atomically; what no UTF-8 can say (names in another encoding) is escaped."""
    atomic_write(path, lambda temporary: _write_plain(temporary, text))


def _write_plain(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


MOST_JSON = 2**26
"""Bytes that a JSON file may have; none of Headstart's own comes near."""


def read_json(path: str | os.PathLike[str], most: int = MOST_JSON) -> Any:
    """Read a JSON file of at most ``most`` bytes; one sentence if it is not JSON, or nested or long beyond reading."""
    try:
        if Path(path).stat().st_size > most:
            raise UserError(f"{path} has more than {most // 2**20} MiB, which no file of its kind has; it is not read.")
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be read; the file is damaged or was edited.") from None
    except ValueError as error:
        said = str(error).partition(";")[0]
        raise UserError(f"{path} is not readable JSON ({said}); the file is damaged or was edited.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error


def save_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> None:
    """Save torch tensors as safetensors, atomically, with ``metadata`` and a checksum in the header.

    Parameters
    ----------
    path : path
    tensors : mapping of name to torch.Tensor, any device; shared memory is copied.
    metadata : mapping of name to a JSON value
    """
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    header = {name: json.dumps(value) for name, value in (metadata or {}).items()}
    header["checksum"] = json.dumps(checksum(whole))
    atomic_write(path, lambda temporary: _save_file(whole, temporary, header))


def _save_file(tensors: dict[str, Any], path: Path, header: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata=header)
    except SafetensorError as error:
        # The library hides the system's error, such as a full disk, in its message.
        code = re.search(r"os error (\d+)", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), str(error)) from error
    _in_order(path)


def _in_order(path: Path) -> None:
    """Sort the metadata in a header, which the library writes in an order of chance: equal content is equal bytes."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) <= length:
            file.seek(8)
            file.write(text.ljust(length))


def load_tensors(path: str | os.PathLike[str], *, verify: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Load what `save_tensors` wrote: ``(tensors, metadata)``.

    Raises
    ------
    UserError
        If the file is missing, truncated, no safetensors file, or does not match its checksum.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = {name: json.loads(text) for name, text in (file.metadata() or {}).items() if _is_json(text)}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.") from error
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError, TypeError, RuntimeError) as error:
        said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise UserError(f"{path} is not a whole safetensors file ({said}); fetch or write it again.") from error
    expected = metadata.pop("checksum", None)
    if verify and expected is not None and expected != checksum(tensors):
        raise UserError(f"{path} does not match the checksum in its header; the file is damaged.")
    return tensors, metadata


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def checksum(tensors: Mapping[str, Any]) -> str:
    """Return a BLAKE2b digest of names, dtypes, shapes and bytes of torch tensors, in order of name."""
    import hashlib

    import torch

    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()
