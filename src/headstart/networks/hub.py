"""Files from the hubs: first what is cached, then the hub if it may be asked, else one sentence."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import getproxies

from headstart.errors import UserError


def hub_cache() -> Path:
    """Return the directory in which huggingface_hub keeps its files."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def torch_cache() -> Path:
    """Return the directory in which torch.hub keeps its files."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def why_not_ask(url: str | None = None) -> str | None:
    """Return why a hub is not asked, in words, None where it may be: forbidden, or its host does not answer.

    The hub's own client would try for half a minute before it gave up.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "the hub may not be asked (HF_HUB_OFFLINE)"
    host = urlparse(url or constants.ENDPOINT).hostname or ""
    if getproxies():
        return None
    try:
        socket.create_connection((host, 443), timeout=5).close()
    except OSError:
        return f"{host} cannot be reached"
    return None


def repository_file(repository: str, names: Sequence[str], what: str, instead: str) -> Path:
    """Return a local copy of the first of ``names`` that a hub repository has.

    Parameters
    ----------
    repository : owner/name on the Hugging Face hub.
    names : file names, the best first.
    what : what is missing, for the error.
    instead : what the user can do instead, for the error.
    """
    found = cached_repository_file(repository, names)
    if found is not None:
        return found
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    reason = why_not_ask()
    for name in names if reason is None else ():
        try:
            return Path(hf_hub_download(repository, name, etag_timeout=10))
        except LocalEntryNotFoundError as error:
            reason = f"the hub could not be reached ({type(error.__cause__ or error).__name__})"
            break
        except EntryNotFoundError:
            reason = f"the repository {repository} has no {' or '.join(names)}"
        except Exception as error:  # the hub's client raises whatever its transport raises
            reason = f"the hub did not give it ({type(error).__name__})"
            break
    folder = hub_cache() / ("models--" + repository.replace("/", "--"))
    raise UserError(f"{what} is not on this machine and {reason}; put it into the cache, {folder}, or {instead}.")


def cached_repository_file(repository: str, names: Sequence[str]) -> Path | None:
    """Return the cached copy of the first of ``names``, without asking the hub."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return Path(found)
    return None


def address_file(url: str, what: str, instead: str) -> Path:
    """Return a local copy of a file that torch.hub would keep; its name holds the beginning of its hash."""
    import torch
    from torch.hub import HASH_REGEX

    name = os.path.basename(urlparse(url).path)
    path = torch_cache() / name
    if path.is_file():
        return path
    reason = why_not_ask(url)
    if reason is None:
        found = HASH_REGEX.search(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), found.group(1) if found else None, progress=False)
            return path
        except (OSError, RuntimeError) as error:
            reason = f"it could not be fetched ({type(error).__name__})"
    raise UserError(f"{what} is not on this machine and {reason}; put {name} into {path.parent}, or {instead}.")
