"""The library of text models loads quietly: what it has to say of weights is asked for and checked by the caller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


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
