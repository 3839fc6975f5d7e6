"""What a text source makes of classes' names."""

from __future__ import annotations

import numpy as np

from headstart import catalogue
from headstart.engine.predict import evaluating
from headstart.errors import UserError, check_names
from headstart.networks import Source

Array = np.ndarray
ALIGNED = "aligned"
"""The arm that answers by the nearest name alone."""
check_names([ALIGNED], catalogue.names(), "headstart.workflow.opening.names.ALIGNED")


def text_side(source: Source) -> Source | None:
    """Return the side of a source of two sides that reads texts, where it is not the side in use; None without one."""
    return next((side for side in source.others if side.modality == "text"), None)


def read_aloud(texts: list[str], source: Source, prompts: tuple[str, ...] = ("{}",)) -> Array:
    """Return what a text source makes of names or descriptions [k, d]: pooled features; of several prompts the mean of
    features of unit length."""
    if source.modality != "text":
        raise UserError(
            f"--words {source.spec} reads {source.modality} data; give a source of texts, or an .npz of vectors."
        )
    network = source.build()
    with evaluating(network):
        said = [network.features(network.preprocess([one.replace("{}", t) for t in texts])) for one in prompts]
    found = [one.double().cpu().numpy() for one in said]
    if len(found) == 1:
        return found[0]
    return np.mean([one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-12) for one in found], axis=0)


def prompts_of(given: str | None) -> tuple[str, ...]:
    """Return the templates that ``--prompts`` names, joined by ``|``.

    Raises
    ------
    UserError
        If one has no place for the name.

    Examples
    --------
    >>> prompts_of("a photo of a {}. | a drawing of a {}.")
    ('a photo of a {}.', 'a drawing of a {}.')
    >>> prompts_of(None)
    ('{}',)
    """
    if given is None:
        return ("{}",)
    found = tuple(one.strip() for one in given.split("|"))
    for one in found:
        if one.count("{}") != 1:
            raise UserError(f"--prompts has '{one[:100]}', which needs one {{}} where the class's name goes.")
    return found
