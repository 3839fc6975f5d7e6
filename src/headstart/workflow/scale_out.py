"""Many independent pieces of work: one after the other here, or on the workers of a dask cluster through joblib."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from headstart.errors import UserError

DASK = "dask"
WORKERS = 2
"""Workers of a cluster on this machine, unless another number is asked for."""
PATIENCE = 60.0
"""Seconds for which a scheduler or a first worker is waited for."""
Item = TypeVar("Item")
Result = TypeVar("Result")
Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def check_backend(backend: str | None, workers: int | None) -> None:
    """Refuse what names no backend, before anything is opened.

    Raises
    ------
    UserError
        If the backend is unknown, dask is not installed, or workers are asked for where none are started.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 1000):
        raise UserError(f"--workers is {str(workers)[:40]}; expected a whole number from 1 to 1000.")
    if backend is None:
        if workers is not None:
            raise UserError(f"--workers {workers} are those of --backend {DASK}; name it, or leave them out.")
        return
    name, _, address = backend.partition(":")
    if name != DASK or (":" in backend and not address):
        raise UserError(
            f"--backend '{backend[:100]}' is not known; expected {DASK} for workers on this machine, or "
            f"{DASK}:tcp://HOST:8786 for a cluster that runs."
        )
    if address and workers is not None:
        raise UserError(f"--workers {workers} start on this machine, and {backend} has its own; leave them out.")
    try:
        import distributed  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UserError(
            "--backend dask needs the packages dask and distributed, which are not installed; "
            "`pip install 'headstart[dask]'`."
        ) from error


def here(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Compute one after the other in this process."""
    return [function(item) for item in items]


@contextlib.contextmanager
def scaled_out(backend: str | None, workers: int | None = None) -> Iterator[Map]:
    """Give ``map(function, items)``, whose results come in the order of the items, whoever computed them.

    Parameters
    ----------
    backend : None for one after the other in this process; ``dask`` for a cluster of ``workers`` processes on this
        machine, one thread each, which end with the context; ``dask:ADDRESS`` for one that runs, whose machines need
        the same package, data and weights under the same paths.
    """
    if backend is None:
        yield here
        return
    from distributed import Client, LocalCluster  # pyright: ignore[reportMissingImports]
    from joblib import Parallel, delayed, parallel_config

    address = backend.partition(":")[2]
    with contextlib.ExitStack() as stack:
        if not address:
            # None starts no page of its own, as the documentation of distributed says; its types know a string alone.
            cluster = LocalCluster(n_workers=workers or WORKERS, threads_per_worker=1, dashboard_address=None)  # pyright: ignore[reportArgumentType]
            address = stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(address, timeout=PATIENCE))
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise UserError(
                f"No worker answers at --backend {backend} ({type(error).__name__}); start `dask scheduler` and "
                "`dask worker`, or give --backend dask for workers on this machine."
            ) from error

        def run(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
            with parallel_config(backend=DASK):
                found: Any = Parallel()(delayed(function)(item) for item in items)
                return list(found)

        yield run
