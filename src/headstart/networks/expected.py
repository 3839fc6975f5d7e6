"""What the files of a saved network must hold; options of the libraries that build it are a list of allowed ones.

A library's builder takes any option it knows, and some of those open files (``checkpoint_path``) or fetch code.
"""

from __future__ import annotations

from typing import Any

from headstart.kinds import KINDS, TASKS
from headstart.networks.clip_family import CONFIG
from headstart.networks.image_preprocess import INTERPOLATIONS
from headstart.schema import Either, Flag, Items, Maybe, Number, Record, Rule, Table, Text, Whole
from headstart.tasks import logic_of

NAME = Text(most=10_000)
SIZE = Whole(1, 2**20)
SHARE = Number(0, 1)
WIDTHS = Items(SIZE, 1, 64)

TIMM_OPTIONS = Record(
    {},
    {
        "in_chans": Whole(1, 64),
        "img_size": Either((Items(SIZE, 2, 2), SIZE)),
        "patch_size": SIZE,
        "depth": Whole(1, 1000),
        "depths": WIDTHS,
        "dims": WIDTHS,
        "embed_dim": SIZE,
        "num_heads": SIZE,
        "mlp_ratio": Number(0, 1000),
        "drop_rate": SHARE,
        "drop_path_rate": SHARE,
        "global_pool": Text(choices=("avg", "avgmax", "max", "token", "map", "")),
        "class_token": Flag(),
        "fc_norm": Maybe(Flag()),
        "qkv_bias": Flag(),
        "reg_tokens": Whole(0, 64),
        "no_embed_class": Flag(),
        "pre_norm": Flag(),
        "width_mult": Number(0.01, 100),
    },
    open=False,
)
TORCHVISION_OPTIONS = Record({}, {"image_size": SIZE}, open=False)

MEASURES = Table(Number())
TABLE = Record(
    {"modality": Text(choices=("table",)), "mean": MEASURES, "std": MEASURES, "categories": Table(Items(NAME))}
)
PREPROCESS: dict[str, Rule] = {
    "image": Record(
        {"modality": NAME, "size": Whole(1, 2**14), "mean": Items(Number(), 1, 3), "std": Items(Number(1e-30), 1, 3)},
        {
            "crop_pct": Number(0.01, 10),
            "interpolation": Text(choices=tuple(INTERPOLATIONS)),
            "channels": Whole(1, 3),
            "crop_mode": Text(choices=("center", "squash")),
            "flip": Flag(),
            "views": Whole(1),
            "frames": Whole(1, 256),
            "across": Whole(1, 256),
        },
        open=False,
    ),
    "scene": Record(
        {
            "modality": Text(choices=("image",)),
            "frame": Text(choices=("whole",)),
            "size": Whole(1, 2**14),
            "mean": Items(Number(), 1, 3),
            "std": Items(Number(1e-30), 1, 3),
            "interpolation": Text(choices=tuple(INTERPOLATIONS)),
            "channels": Whole(1, 3),
            "flip": Flag(),
        },
        open=False,
    ),
    "table": TABLE,
    "text": Record(
        {"modality": NAME, "max_length": Whole(1, 2**20), "pad_to": Maybe(Whole(1, 2**20)), "tokenizer": NAME},
        open=False,
    ),
}
CLIP = Record(
    {"frames": Whole(1, 256), "across": Whole(1, 256), "reader": Text(choices=("gru", "attention", "mean"))}, open=False
)
_TAPS: dict[str, Rule] = {
    "taps": Items(NAME),
    "n_features": SIZE,
    "clip": CLIP,
    "projected": Whole(1, 2**14),
    "twin": Whole(0, 10_000),
}
SPEC: dict[str, Rule] = {
    "timm": Record(
        {"family": NAME, "name": NAME, "preprocess": PREPROCESS["image"]},
        {"options": TIMM_OPTIONS, **_TAPS},
        open=False,
    ),
    "torchvision": Record(
        {"family": NAME, "name": NAME, "preprocess": PREPROCESS["image"]},
        {"options": TORCHVISION_OPTIONS, **_TAPS},
        open=False,
    ),
    "transformers": Record(
        {"family": NAME, "config": Record({"model_type": NAME}), "pooling": Text(choices=("mean", "last", "first"))},
        _TAPS,
        open=False,
    ),
    "tabular": Record(
        {
            "family": NAME,
            "width": Whole(1, 2**14),
            "blocks": Whole(0, 1000),
            "dropout": SHARE,
            "preprocess": PREPROCESS["table"],
        },
        _TAPS,
        open=False,
    ),
    "columns": Record({"family": NAME, "preprocess": PREPROCESS["table"]}, _TAPS, open=False),
    "pixels": Record({"family": NAME, "preprocess": PREPROCESS["image"]}, _TAPS, open=False),
    "glyphs": Record({"family": NAME}, {"preprocess": PREPROCESS["image"], **_TAPS}, open=False),
    "conv4": Record(
        {"family": NAME, "norm": Text(choices=("batch", "group")), "width": Whole(8, 2**12)},
        {"preprocess": PREPROCESS["image"], **_TAPS},
        open=False,
    ),
    "clip": Record(
        {"family": NAME, "side": Text(choices=tuple(CONFIG)), "config": Record()},
        {"preprocess": PREPROCESS["image"], **_TAPS},
        open=False,
    ),
    "entailment": Record(
        {
            "family": NAME,
            "config": Record({"model_type": NAME}),
            "labels": Whole(2, 1000),
            "entails": Whole(0, 999),
            "classes": Whole(1, 2**14),
            "templates": Whole(1, 1000),
            "length": Whole(1, 2**12),
        },
        _TAPS,
        open=False,
    ),
    "dcgan": Record({"family": NAME, "width": Whole(4, 2**12), "preprocess": PREPROCESS["image"]}, _TAPS, open=False),
}
TASK = Record(
    {"kind": Text(choices=TASKS), "classes": Items(NAME), "targets": Items(NAME)},
    {"mean": Items(Number()), "scale": Items(Number(1e-300)), "separator": Text(most=1)},
)
LINEAR = Record({"kind": Text(choices=("linear",)), "n_in": SIZE, "n_out": SIZE, "bias": Flag()}, open=False)
NEAREST = Record(
    {
        "kind": Text(choices=("nearest",)),
        "m": Whole(1, 2**31),
        "n_in": SIZE,
        "n_out": SIZE,
        "k": Whole(1, 2**31),
        "link": Text(choices=("softmax", "sigmoid", "identity")),
    },
    {"steepness": Number(1e-9, 1e9)},
    open=False,
)
COSINE = Record(
    {"kind": Text(choices=("cosine",)), "n_in": SIZE, "n_out": SIZE, "steepness": Number(1e-9, 1e9)}, open=False
)
KERNEL = Record(
    {"kind": Text(choices=("kernel",)), "m": Whole(1, 2**31), "n_in": SIZE, "n_out": SIZE, "length": Number(1e-30)},
    open=False,
)
TREES = Record(
    {
        "kind": Text(choices=("trees",)),
        "trees": Whole(1, 10**7),
        "nodes": Whole(1, 10**7),
        "groups": SIZE,
        "n_in": SIZE,
        "n_out": SIZE,
        "depth": Whole(0, 10_000),
    },
    open=False,
)
MIXTURE = Record(
    {
        "kind": Text(choices=("mixture",)),
        "n_in": SIZE,
        "widths": Items(SIZE, 1, 1000),
        "experts": Whole(2, 1000),
        "hidden": SIZE,
    },
    open=False,
)
_KIND = Record(
    {"kind": Text(choices=("none", "linear", "cosine", "nearest", "kernel", "trees", "mixture", "task"))}, open=False
)
HEAD = Either((LINEAR, COSINE, NEAREST, KERNEL, TREES, MIXTURE, _KIND))
NETWORK = Record(
    {"schema": Whole(1), "spec": Record({"family": NAME})},
    {"task": Maybe(TASK), "stages": Items(NAME), "n_features": SIZE, "head": Maybe(HEAD)},
)


def spec_rule(spec: Any) -> Rule:
    """Return the rule for a spec of its family; for an unknown family, that it must be a known one."""
    family = spec.get("family") if isinstance(spec, dict) else None
    if family == "clip" and isinstance(spec.get("side"), str) and spec["side"] in CONFIG:
        needs = {**SPEC["clip"].needs, "config": CONFIG[spec["side"]]}  # type: ignore[attr-defined]
        return Record(needs, SPEC["clip"].may, open=False)  # type: ignore[attr-defined]
    if isinstance(family, str) and family in SPEC:
        return SPEC[family]
    return Record({"family": Text(choices=tuple(SPEC))})


def preprocess_rule(value: Any) -> Rule:
    """Return the rule for a preprocessing of its modality."""
    modality = value.get("modality") if isinstance(value, dict) else None
    if modality == "table" and isinstance(value.get("mean"), dict):
        same = Record({name: Number(1e-300) for name in value["mean"]}, open=False)
        return Record({**TABLE.needs, "std": same})
    if modality == "image" and "frame" in value:
        return PREPROCESS["scene"]
    if isinstance(modality, str) and modality in PREPROCESS and modality != "scene":
        return PREPROCESS[modality]
    return Record({"modality": Text(choices=tuple(name for name in PREPROCESS if name != "scene"))})


def task_rule(task: Any) -> Rule:
    """Return the rule for a saved task: classes to tell apart, or targets with their mean and scale."""
    kind = task.get("kind") if isinstance(task, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        return Record({**TASK.needs, "classes": Items(NAME, 1)})
    names = KINDS[kind].names_in
    n = len(task[names]) if isinstance(task.get(names), list) else 1
    return Record({**TASK.needs, names: Items(NAME, 1)} | logic_of(kind).saved_rules(n))
