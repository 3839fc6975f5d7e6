"""Sources that come with Headstart: a small network of glyphs, pixels as they are, and an architecture for tables."""

from __future__ import annotations

from headstart.errors import UserError
from headstart.networks.build import build
from headstart.networks.network import Network
from headstart.networks.papers import paper_of
from headstart.networks.source import Source
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.tabular import build_tabular, tabular_spec
from headstart.networks.weights import load_matching, read_weights
from headstart.problem import Domain, Task


def open_glyphs() -> Source:
    """Open the bundled network, trained on letters in printed fonts."""
    from headstart.networks.glyphs import glyphs_classes, glyphs_spec, glyphs_weights

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        network = build(glyphs_spec())
        if pretrained:
            path = glyphs_weights()
            load_matching(network, read_weights(path), str(path), heads=("head",))
        return network

    return Source(
        spec="headstart/glyphs",
        kind="bundled",
        modality="image",
        domain=Domain("image", origin="letters in printed fonts"),
        task=Task("classification", classes=glyphs_classes()),
        title="Glyphs: a small network trained on letters in printed fonts (no digits)",
        licence="Apache-2.0",
        paper=paper_of("resnet"),
        make=make,
        reference_file=glyphs_weights().parent / "reference.safetensors",
        accuracy=0.9414,  # of 2,048 fresh renderings: assets/glyphs/recipe.json
    )


def open_pixels() -> Source:
    """Open small pictures as they are: nothing learned, but what methods trained on two domains convolve."""
    from headstart.networks.pixels import pixels_spec

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        return build(pixels_spec())

    return Source(
        spec="headstart/pixels",
        kind="bundled",
        modality="image",
        domain=Domain("image"),
        task=None,
        title="Pixels: grey pictures of 28 x 28 pixels as they are, nothing learned",
        licence="Apache-2.0",
        paper="",
        make=make,
    )


def open_conv4_group() -> Source:
    """Open the same with group norm, which treats each picture alone."""
    return open_conv4("group")


def open_conv4(norm: str = "batch") -> Source:
    """Open the architecture of few-shot learning's benchmarks, which has no weights of its own."""
    from headstart.networks.conv4 import conv4_spec

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        if pretrained:
            raise UserError(
                "headstart/conv4 is an architecture without weights; pretrain it with `headstart pretrain CLASSES "
                "--network headstart/conv4 --method protonet --out RUN` and take --source RUN."
            )
        return build(conv4_spec(norm))

    return Source(
        spec="headstart/conv4" if norm == "batch" else "headstart/conv4-group",
        kind="bundled",
        modality="image",
        domain=Domain("image"),
        task=None,
        title=f"Conv-4: four convolutions for grey pictures of 28 x 28 pixels, {norm} norm, without weights",
        licence="Apache-2.0",
        paper=paper_of("conv4"),
        make=make,
    )


def open_dcgan_colour() -> Source:
    """Open the same for pictures in colour."""
    return open_dcgan(3)


def open_dcgan(channels: int = 1) -> Source:
    """Open DCGAN's discriminator, which has no weights of its own."""
    from headstart.networks.dcgan import dcgan_spec

    name = "headstart/dcgan" if channels == 1 else "headstart/dcgan-colour"

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        if pretrained:
            raise UserError(
                f"{name} is an architecture without weights; pretrain it with `headstart pretrain PICTURES --network "
                f"{name} --method dcgan --out RUN` and take --source RUN."
            )
        return build(dcgan_spec(channels))

    return Source(
        spec=name,
        kind="bundled",
        modality="image",
        domain=Domain("image"),
        task=None,
        title=f"DCGAN's discriminator for pictures of 32 x 32 pixels, {'grey' if channels == 1 else 'colour'}, without "
        "weights",
        licence="Apache-2.0",
        paper=paper_of("dcgan"),
        make=make,
    )


def open_tabular() -> Source:
    """Open the architecture for tables, which has no weights of its own."""

    def make(pretrained: bool, statistics: TablePreprocess | None) -> Network:
        if pretrained:
            raise UserError(
                "headstart/tabular is an architecture without weights; pretrain it with `headstart pretrain DATA "
                "--network headstart/tabular --out RUN` and take --source RUN."
            )
        if statistics is None:
            raise UserError("headstart/tabular needs the table's columns, and was given none.")
        return build_tabular(tabular_spec(statistics), statistics)

    return Source(
        spec="headstart/tabular",
        kind="bundled",
        modality="table",
        domain=Domain("table"),
        task=None,
        title="Tabular: a residual network over one embedding per column, without weights",
        licence="Apache-2.0",
        paper=paper_of("tabular"),
        make=make,
    )
