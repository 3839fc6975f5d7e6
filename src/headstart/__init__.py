"""Headstart: transfer learning that proves whether it helped.

>>> import headstart as hs
>>> target = hs.open("flowers/")                                        # doctest: +SKIP
>>> run = hs.fit(target, source="timm/resnet50.a1_in1k", out="runs/f")   # doctest: +SKIP
>>> run.verdict                                                          # doctest: +SKIP
positive, +18.3 points (15.1 to 21.4) over training from scratch
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.choice import AutoAdaptClassifier, AutoAdaptRegressor, choose
    from headstart.data import Dataset, check
    from headstart.data import open_data as open
    from headstart.errors import UserError
    from headstart.estimators import TransferClassifier, TransferRegressor
    from headstart.networks import list_sources, open_source
    from headstart.shallow.diagnose import diagnose
    from headstart.shallow.joining import join
    from headstart.shallow.shells.adapted import Adapted
    from headstart.shallow.shells.each_label import EachLabel
    from headstart.shallow.shells.labelled_only import LabelledOnly
    from headstart.shallow.shells.reweighted import Reweighted
    from headstart.workflow.describe import describe
    from headstart.workflow.evaluate import evaluate
    from headstart.workflow.export import export
    from headstart.workflow.fit import fit
    from headstart.workflow.pretrain import pretrain
    from headstart.workflow.ranking.rank import rank
    from headstart.workflow.resume import resume
    from headstart.workflow.run import Run, load
    from headstart.workflow.watching.watch import watch

__version__ = "0.1.0"

_HOMES = {
    "Adapted": ("headstart.shallow.shells.adapted", "Adapted"),
    "AutoAdaptClassifier": ("headstart.choice", "AutoAdaptClassifier"),
    "AutoAdaptRegressor": ("headstart.choice", "AutoAdaptRegressor"),
    "Dataset": ("headstart.data", "Dataset"),
    "LabelledOnly": ("headstart.shallow.shells.labelled_only", "LabelledOnly"),
    "EachLabel": ("headstart.shallow.shells.each_label", "EachLabel"),
    "Reweighted": ("headstart.shallow.shells.reweighted", "Reweighted"),
    "Run": ("headstart.workflow.run", "Run"),
    "TransferClassifier": ("headstart.estimators", "TransferClassifier"),
    "TransferRegressor": ("headstart.estimators", "TransferRegressor"),
    "UserError": ("headstart.errors", "UserError"),
    "check": ("headstart.data", "check"),
    "choose": ("headstart.choice", "choose"),
    "describe": ("headstart.workflow.describe", "describe"),
    "diagnose": ("headstart.shallow.diagnose", "diagnose"),
    "evaluate": ("headstart.workflow.evaluate", "evaluate"),
    "export": ("headstart.workflow.export", "export"),
    "fit": ("headstart.workflow.fit", "fit"),
    "join": ("headstart.shallow.joining", "join"),
    "list_sources": ("headstart.networks", "list_sources"),
    "load": ("headstart.workflow.run", "load"),
    "open": ("headstart.data", "open_data"),
    "open_source": ("headstart.networks", "open_source"),
    "pretrain": ("headstart.workflow.pretrain", "pretrain"),
    "rank": ("headstart.workflow.ranking.rank", "rank"),
    "resume": ("headstart.workflow.resume", "resume"),
    "watch": ("headstart.workflow.watching.watch", "watch"),
}

__all__ = [
    "Adapted",
    "AutoAdaptClassifier",
    "AutoAdaptRegressor",
    "Dataset",
    "EachLabel",
    "LabelledOnly",
    "Reweighted",
    "Run",
    "TransferClassifier",
    "TransferRegressor",
    "UserError",
    "check",
    "choose",
    "describe",
    "diagnose",
    "evaluate",
    "export",
    "fit",
    "join",
    "list_sources",
    "load",
    "open",
    "open_source",
    "pretrain",
    "rank",
    "resume",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
