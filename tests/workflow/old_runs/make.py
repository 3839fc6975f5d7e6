"""Make small runs of this version, for later versions to open: ``python make.py NAME.tar.xz`` in an empty folder.

Networks are 8 wide, so that a run with its data takes a few kilobytes. The begun runs were interrupted on the way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOME = "/".join(("", "home", "user"))
"""Stands for the folder that the runs were made in."""


def table(path: Path, seed: int) -> None:
    import numpy as np
    import pandas as pd

    x = np.random.default_rng(seed).normal(size=(60, 3)) + 0.4 * seed
    frame = pd.DataFrame(x.round(3), columns=["age", "height", "weight"])
    frame["label"] = np.where(x[:, 0] + x[:, 1] > 0.8 * seed, "yes", "no")
    frame.to_csv(path, index=False)


@contextlib.contextmanager
def interrupted(module: Any, name: str, call: int) -> Iterator[None]:
    """Interrupt the work at the given call of a function."""
    real, calls = getattr(module, name), []

    def counted(*args: Any, **options: Any) -> Any:
        calls.append(name)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*args, **options)

    setattr(module, name, counted)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        setattr(module, name, real)


def make() -> None:
    import headstart.workflow.across.fit as across

    import headstart as hs
    import headstart.workflow.fit as network
    from headstart.networks.tabular import tabular_spec

    tabular_spec.__kwdefaults__.update(width=8, blocks=1)
    table(Path("people.csv"), 0)
    table(Path("others.csv"), 1)
    hs.pretrain("people.csv", network="headstart/tabular", epochs=3, out="pretrained", quiet=True)
    fitted: dict[str, Any] = {"arms": "scratch,probe,finetune", "method": "finetune", "epochs": 3, "seed": 3}
    hs.fit("others.csv", source="pretrained", out="network", quiet=True, **fitted)
    raced: dict[str, Any] = {"source_data": "people.csv", "target_labels": "learn", "shots": 10, "seed": 3}
    hs.fit("others.csv", out="across", quiet=True, **raced)
    with interrupted(network, "run_arm", 2):
        hs.fit("others.csv", source="pretrained", out="network-begun", quiet=True, **fitted)
    with interrupted(across, "conclude_across", 1):
        hs.fit("others.csv", out="across-begun", quiet=True, **raced)


def pack(target: Path) -> None:
    """Pack all but what is made again and what names this machine."""
    import platform

    for page in Path().rglob("report.html"):
        page.unlink()
    for file in [*Path().rglob("*.json"), *Path().rglob("README.md")]:
        text = file.read_text()
        file.write_text(text.replace(str(Path().absolute()), HOME).replace(platform.platform(), "Linux"))
    for scratch in Path().rglob("checkpoint.safetensors"):
        scratch.unlink()
    shutil.make_archive(str(target).removesuffix(".tar.xz"), "xztar", ".")


if __name__ == "__main__":
    archive = Path(sys.argv[1]).absolute()
    os.environ["HEADSTART_CACHE"] = f"{archive}.cache"
    make()
    pack(archive)
