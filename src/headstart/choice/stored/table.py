"""The classes that an array model may be made of, by their exact names, and the attributes that they may have."""

from __future__ import annotations

import dataclasses
import inspect
import re
from functools import cache
from importlib import import_module
from typing import Any

from headstart import catalogue
from headstart.catalogue.entry import Entry
from headstart.errors import UserError, check_names

_DOMAIN = ("_n_features_out",)
_FOREST = ("_n_samples", "_n_samples_bootstrap", "_sample_weight", "estimator", "estimator_params")
_SGD = (
    "_standard_coef",
    "_standard_intercept",
    "_average_coef",
    "_average_intercept",
    "_expanded_class_weight",
)
CLASSES: dict[str, tuple[str, ...]] = {
    "headstart.choice.blend:Blend": (),
    "headstart.choice.joint.body:Layers": (),
    "headstart.choice.joint.body:Units": (),
    "headstart.choice.joint.face:JointClassifier": _DOMAIN,
    "headstart.choice.joint.face:JointRegressor": _DOMAIN,
    "headstart.choice.joint.staged:StagedClassifier": _DOMAIN,
    "headstart.choice.joint.staged:StagedRegressor": _DOMAIN,
    "headstart.choice.kept:Kept": (),
    "headstart.choice.smoothing:Smoothed": (),
    "headstart.functional.gaussian_transport:Affine": (),
    "headstart.functional.kernels:KernelBasis": (),
    "headstart.functional.linear:Basis": (),
    "headstart.functional.spectral:Axes": (),
    "headstart.functional.transport:Frame": (),
    "headstart.shallow.features.feda_semi:Coupled": (),
    "headstart.shallow.features.kernel_map:KernelMap": (),
    "headstart.shallow.features.transport.moving:Displacements": ("centre", "rows", "steps"),
    "headstart.shallow.features.transport.soft_fits:Features": ("linear", "approximation", "map"),
    "headstart.shallow.features.transport.soft_fits:SoftLogistic": (
        "features",
        "strength",
        "shown",
        "coef",
        "intercept",
    ),
    "headstart.shallow.features.transport.soft_fits:SoftRidge": ("features", "model"),
    "headstart.shallow.heterogeneous.anchors:Carried": (),
    "headstart.shallow.heterogeneous.augmentation:Augmented": (),
    "headstart.shallow.heterogeneous.blocks:Blocks": (),
    "headstart.shallow.heterogeneous.blocks:Standard": (),
    "headstart.shallow.heterogeneous.hfa:Space": (),
    "headstart.shallow.instances.tradaboost:Vote": (),
    "headstart.shallow.instances.tradaboost_r2:Voice": (),
    "headstart.shallow.heads.nearest:TunedNearest": (),
    "headstart.shallow.parameters.biased:Linear": (),
    "headstart.shallow.parameters.stacked:Stack": (),
    "headstart.shallow.parameters.towards_source:Correction": (),
    "headstart.shallow.parameters.towards_source:_State": (),
    "headstart.shallow.parameters.tree:Tree": (),
    "headstart.shallow.relations.hierarchy:Nodes": (),
    "headstart.shallow.relations.ot_labels:Propagation": (),
    "headstart.shallow.relations.propagation:_State": (),
    "headstart.shallow.relations.relational_map:LinearMap": (),
    "headstart.shallow.several.weighted:Evidence": (),
    "headstart.shallow.shells.adapted:Adapted": _DOMAIN,
    "headstart.shallow.shells.reweighted:Reweighted": _DOMAIN,
    "headstart.shallow.heads.tuned:TunedLogistic": (),
    "headstart.shallow.heads.ridge:TunedRidge": (),
    "sklearn.ensemble._forest:RandomForestClassifier": _FOREST,
    "sklearn.ensemble._forest:RandomForestRegressor": (*_FOREST, "class_weight"),
    "sklearn.kernel_approximation:Nystroem": _DOMAIN,
    "sklearn.linear_model._logistic:LogisticRegression": (),
    "sklearn.linear_model._ridge:RidgeCV": (),
    "sklearn.linear_model._stochastic_gradient:SGDClassifier": _SGD,
    "sklearn.linear_model._stochastic_gradient:SGDRegressor": _SGD,
    "sklearn.neighbors._unsupervised:NearestNeighbors": (),
    "sklearn.preprocessing._data:StandardScaler": (),
    "sklearn.tree._classes:DecisionTreeClassifier": (),
    "sklearn.tree._classes:DecisionTreeRegressor": ("class_weight",),
}
"""Exact class to the attributes that it has beside its parameters and those that end in an underscore.

These strings, and the paths of the catalogue's maps and predictors, alone are imported; a name in a file is looked up
among them and goes no further.
"""
MOVED = {
    "headstart.shallow.nearest:TunedNearest": "headstart.shallow.heads.nearest:TunedNearest",
    "headstart.shallow.shells:Adapted": "headstart.shallow.shells.adapted:Adapted",
    "headstart.shallow.shells:Reweighted": "headstart.shallow.shells.reweighted:Reweighted",
    "headstart.shallow.tuned:TunedLogistic": "headstart.shallow.heads.tuned:TunedLogistic",
    "headstart.shallow.tuned:TunedRidge": "headstart.shallow.heads.ridge:TunedRidge",
    "headstart.shallow.heads.tuned:TunedRidge": "headstart.shallow.heads.ridge:TunedRidge",
}
"""What a class of the table was called by earlier versions, whose models still open."""
check_names(MOVED.values(), CLASSES, "headstart.choice.stored.table.MOVED")
LEFT_OUT = frozenset({"_loss_function_", "held_out_", "history", "translated", "place", "behind", "opened", "proof"})
"""Attributes that no prediction reads: compiled objects, and how a search or a training went and where it was kept."""
NEIGHBOURS = "sklearn.neighbors._unsupervised:NearestNeighbors"
"""Is fitted again on its own rows: its index would be trusted memory offsets."""
_LEARNED = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*_|_[a-z0-9_]*[a-z0-9]_")


def extra_of(name: str) -> tuple[str, ...] | None:
    """Return the attributes that a class has beside its parameters and what it learned; None for a class unknown."""
    if name in CLASSES:
        return CLASSES[name]
    kept = (entry for entry in catalogue.METHODS if entry.kind in ("map", "predictor"))
    return _DOMAIN if any(name in (entry.path, entry.regressor) for entry in kept) else None


def name_of(cls: type) -> str:
    """Return a class's name as the table writes it."""
    return f"{cls.__module__}:{cls.__qualname__}"


@cache
def class_of(name: str) -> Any:
    """Return the class of an entry of the table; `KeyError` for every other name."""
    if extra_of(name) is None:
        raise KeyError(name)
    module, _, short = name.partition(":")
    return getattr(import_module(module), short)


def is_tuple(cls: Any) -> bool:
    """Whether a class of the table is a named tuple."""
    return issubclass(cls, tuple)


@cache
def parameters(cls: Any) -> tuple[str, ...]:
    """Return the names of a class's fields or, for scikit-learn's own, of its constructor's arguments."""
    if is_tuple(cls):
        return cls._fields
    if dataclasses.is_dataclass(cls):
        return tuple(item.name for item in dataclasses.fields(cls))
    return tuple(name for name in inspect.signature(cls.__init__).parameters if name != "self")


def may_have(name: str, attribute: str) -> bool:
    """Whether an object of the class ``name`` may carry ``attribute``: data only, never in the place of a method."""
    cls = class_of(name)
    if attribute in parameters(cls) or attribute in (extra_of(name) or ()):
        return True
    return not is_tuple(cls) and _LEARNED.fullmatch(attribute) is not None and not hasattr(cls, attribute)


def refuse_unkept(entry: Entry) -> None:
    """Refuse a method across domains whose model cannot be kept, before anything is trained.

    Raises
    ------
    UserError
        If a class of the method is not in the table.
    """
    of_ours = entry.kind in ("weights", *catalogue.LEARNT)  # their models are shells of the package itself
    paths = [] if of_ours else [path for path in (entry.path, entry.regressor) if path]
    unkept = [path.partition(":")[2] for path in paths if extra_of(path) is None]
    if unkept:
        raise UserError(
            f"--method {entry.name} makes a model ({unkept[0]}) that a run cannot keep in a safe file; choose another "
            "method, or use it from Python."
        )
