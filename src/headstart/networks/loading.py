"""Models of the library of text models, loaded from local files, quietly and whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.errors import UserError
from headstart.networks.weights import require_finite


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Let transformers show no progress and no table of weights that are not used."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    before = logging.get_verbosity()
    try:
        logging.set_verbosity_error()
        yield
    finally:
        logging.set_verbosity(before)


def load_pretrained(kind: Any, directory: Path, spec: str, *, config: Any = None, spared: str | None = None) -> Any:
    """Return a model of the library from local files, every tensor of it found and finite.

    Parameters
    ----------
    kind : a class with ``from_pretrained``. spec : the source's name, for messages. spared : tensors whose names begin
        so may be missing.

    Raises
    ------
    UserError
        If files are damaged, or are of another architecture.
    """
    more = {} if config is None else {"config": config}
    try:
        with quiet_loading():  # weights that this part of a model does not use are no fault
            model, info = kind.from_pretrained(
                str(directory), local_files_only=True, trust_remote_code=False, output_loading_info=True,
                dtype="float32", **more,
            )  # fmt: skip
    except Exception as error:  # the library raises a dozen kinds for damaged or foreign files
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:160].rstrip(".")
        raise UserError(f"{spec} cannot be loaded ({said}); fetch its files again.") from error
    missing = [key for key in sorted(info["missing_keys"]) if spared is None or not key.startswith(spared)]
    missing += sorted(str(item[0]) for item in info["mismatched_keys"])
    if missing:
        rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise UserError(
            f"{spec} holds weights of another architecture: {len(missing)} tensors are missing or of another shape "
            f"({', '.join(missing[:5])}{rest})."
        )
    require_finite(model.state_dict(), spec)
    return model
