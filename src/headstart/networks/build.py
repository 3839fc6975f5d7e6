"""An architecture from its JSON value, with random weights and without a network."""

from __future__ import annotations

from typing import Any

from headstart.errors import UserError, nearest
from headstart.networks.network import Network
from headstart.networks.preprocess import Preprocess

FAMILIES = (
    "timm", "torchvision", "transformers", "tabular", "columns", "pixels", "glyphs", "conv4", "dcgan", "clip",
    "entailment",
)  # fmt: skip


def build(spec: dict[str, Any], preprocess: Preprocess | None = None) -> Network:
    """Build the architecture that ``spec`` (a `Network.spec`) describes, with random weights from torch's generator.

    Parameters
    ----------
    spec : JSON value with ``family`` and what that family needs.
    preprocess : replaces the preprocessing in the spec; a text network has none in its spec, for a tokenizer is files.

    Raises
    ------
    UserError
        If the family or the architecture is not known.
    """
    clip = spec.get("clip")
    spec = {name: value for name, value in spec.items() if name != "clip"}
    family = spec.get("family", "")
    if family == "timm":
        from headstart.networks.timm_family import create_timm, cut_timm

        network = cut_timm(create_timm(spec), spec, preprocess)
    elif family == "torchvision":
        from headstart.networks.torchvision_family import create_torchvision, cut_torchvision

        network = cut_torchvision(create_torchvision(spec), spec, preprocess)
    elif family == "transformers":
        from headstart.networks.transformers_family import create_transformers, cut_transformers

        network = cut_transformers(create_transformers(spec), spec, preprocess)
    elif family == "tabular":
        from headstart.networks.tabular import build_tabular

        network = build_tabular(spec, preprocess)  # type: ignore[arg-type]
    elif family == "columns":
        from headstart.networks.columns import build_columns

        network = build_columns(spec, preprocess)  # type: ignore[arg-type]
    elif family == "pixels":
        from headstart.networks.pixels import build_pixels

        network = build_pixels(spec, preprocess)
    elif family == "glyphs":
        from headstart.networks.glyphs import build_glyphs

        network = build_glyphs(spec)
        network.preprocess = preprocess or network.preprocess
    elif family == "conv4":
        from headstart.networks.conv4 import build_conv4

        network = build_conv4(spec, preprocess)
    elif family == "dcgan":
        from headstart.networks.dcgan import build_dcgan

        network = build_dcgan(spec, preprocess)
    elif family == "clip":
        from headstart.networks.clip_family import create_clip, cut_clip

        network = cut_clip(create_clip(spec), spec, preprocess)
    elif family == "entailment":
        from headstart.networks.entailment_family import create_entailment, cut_entailment

        network = cut_entailment(create_entailment(spec), spec, preprocess)
    else:
        raise UserError(f"No family of networks is called '{family}'; {nearest(family, FAMILIES)}")
    if spec.get("projected"):
        from headstart.networks.projection import project

        network = project(network, spec["projected"])
    if spec.get("taps"):
        network.tap(spec["taps"], spec["n_features"])
    if spec.get("twin") is not None:
        from headstart.networks.twin import twin_of

        if spec["twin"] >= len(network.stages):
            raise UserError(f"A network of {len(network.stages)} stages has no twin from stage {spec['twin'] + 1} on.")
        network = twin_of(network, spec["twin"])
    if clip:
        from headstart.networks.clips import of_clips

        of_clips(network, **clip)
    return network.eval()
