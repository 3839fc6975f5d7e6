"""From what is typed after ``--source`` to a `Source`."""

from __future__ import annotations

from pathlib import Path

from headstart.errors import UserError, nearest
from headstart.isolated import isolate
from headstart.library import located
from headstart.networks.source import Source

FORMS = (
    "timm/NAME",
    "torchvision/NAME",
    "hf/ID",
    "hf/DIRECTORY",
    "file:WEIGHTS",
    "RUN",
    "mine:NAME",
    "headstart/glyphs",
    "headstart/pixels",
    "headstart/conv4",
    "headstart/conv4-group",
    "headstart/dcgan",
    "headstart/dcgan-colour",
    "headstart/tabular",
)


@isolate
def open_source(spec: str, *, network: str | None = None) -> Source:
    """Open a source; weights are read, or fetched, when `Source.build` asks for them.

    Parameters
    ----------
    spec : ``timm/NAME[.TAG]``, ``torchvision/NAME``, ``hf/ID`` or ``hf/DIRECTORY``, ``file:WEIGHTS``, a run folder,
        ``mine:NAME`` of the user's library, ``headstart/glyphs``, ``headstart/pixels``, ``headstart/conv4`` or
        ``headstart/tabular``.
    network : the architecture of a weights file, ``timm/NAME`` or ``torchvision/NAME``.

    Raises
    ------
    UserError
        If there is no such source or architecture, with the nearest names.
    """
    spec = str(located(str(spec)))
    kind, _, name = spec.partition("/")
    if spec.startswith("file:"):
        from headstart.networks.source_file import open_file

        return open_file(spec.removeprefix("file:"), network)
    if network is not None:
        raise UserError(f"--network {network} goes with --source file:WEIGHTS; {spec} tells its own architecture.")
    if kind == "timm" and name:
        from headstart.networks.source_timm import open_timm

        return open_timm(name)
    if kind == "torchvision" and name:
        from headstart.networks.source_torchvision import open_torchvision

        return open_torchvision(name)
    if kind == "hf" and name:
        from headstart.networks.source_transformers import open_transformers

        return open_transformers(name)
    if kind == "headstart":
        return _open_bundled(name)
    from headstart.networks.source_run import open_run, side_of

    if Path(spec).expanduser().is_dir() or side_of(spec) is not None:
        return open_run(spec)
    raise UserError(f"There is no source '{spec}'; {_hint(spec)}")


def _open_bundled(name: str) -> Source:
    from headstart.networks.source_bundled import (
        open_conv4,
        open_conv4_group,
        open_dcgan,
        open_dcgan_colour,
        open_glyphs,
        open_pixels,
        open_tabular,
    )

    bundled = {
        "glyphs": open_glyphs,
        "pixels": open_pixels,
        "conv4": open_conv4,
        "conv4-group": open_conv4_group,
        "dcgan": open_dcgan,
        "dcgan-colour": open_dcgan_colour,
        "tabular": open_tabular,
    }
    if name not in bundled:
        raise UserError(f"There is no source 'headstart/{name}'; {nearest(name, bundled)}")
    return bundled[name]()


def _hint(spec: str) -> str:
    import timm

    from headstart.networks.torchvision_family import list_torchvision

    if timm.is_model(spec.partition(".")[0]):
        return f"did you mean 'timm/{spec}'?"
    if spec in list_torchvision():
        return f"did you mean 'torchvision/{spec}'?"
    if spec.endswith((".safetensors", ".pth", ".pt", ".th")):
        return f"did you mean 'file:{spec}' with --network?"
    hint = nearest(spec.removeprefix("headstart/"), ["glyphs", "tabular"])
    if hint.startswith("did"):
        return hint.replace("'", "'headstart/", 1)
    return f"a source is one of {', '.join(FORMS)}, where RUN is a run folder."
