"""Photographs before a small bundled network, which sees no more of them than a stamp."""

from __future__ import annotations

import numpy as np

from headstart.data import Dataset
from headstart.networks import Source
from headstart.networks.image_preprocess import ImagePreprocess

LOOKED_AT = 16
"""Pictures whose sides are looked at, evenly over all."""
LARGE = 4
"""Times a network's side from which on details are lost."""


def squeezed(source: Source, target: Dataset) -> tuple[str, ...]:
    """Say in a sentence that pictures are far larger than what a bundled network sees of them; else nothing."""
    if source.kind != "bundled" or target.modality != "image" or not len(target):
        return ()
    seen = source.build(pretrained=False).preprocess
    assert isinstance(seen, ImagePreprocess)
    rows = np.unique(np.linspace(0, len(target) - 1, LOOKED_AT).astype(np.int64))
    side = int(np.median([min(picture.size) for picture in target.raw(rows)]))
    if side < LARGE * seen.size:
        return ()
    return (
        f"{source.spec} sees {seen.size} x {seen.size} pixels of pictures whose shorter side has about {side}: details "
        "are lost; a network for photographs, such as --source torchvision/mobilenet_v3_small, sees more.",
    )
