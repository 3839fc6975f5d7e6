"""What each trained method or penalty is with its trade-off at 0: the table of the zero law."""

from __future__ import annotations

from typing import Any

from headstart import catalogue
from headstart.errors import check_names

Recipe = tuple[str, int | None, dict[str, Any]]

ZERO: dict[str, tuple[Recipe, Recipe]] = {
    "lp_ft": (("lp_ft", None, {"head_rate": 1.0}), ("finetune", None, {})),
    "wise_ft": (("wise_ft", None, {"head_rate": 1.0, "mix": 1.0}), ("finetune", None, {})),
    "calibrated_ensemble": (("calibrated_ensemble", None, {"head_rate": 1.0, "share": 1.0}), ("finetune", None, {})),
    "soup": (("soup", None, {"head_rate": 1.0, "members": (0,)}), ("finetune", None, {})),
    "surgical": (("surgical", None, {"strength": 0.0}), ("finetune", None, {})),
    "stoch_norm": (("stoch_norm", None, {"share": 0.0}), ("finetune", None, {})),
    "co_tuning": (("co_tuning", None, {"strength": 0.0}), ("finetune", None, {})),
    "bi_tuning": (("bi_tuning", None, {"strength": 0.0}), ("finetune", None, {})),
    "gradual": (("gradual", 0, {}), ("finetune", 0, {})),
    "l2sp": (("l2sp", None, {"alpha": 0.0, "beta": 0.0}), ("finetune", None, {})),
    "delta": (("delta", None, {"alpha": 0.0, "beta": 0.0}), ("finetune", None, {})),
    "bss": (("bss", None, {"eta": 0.0}), ("finetune", None, {})),
    "lwf": (("lwf", None, {"strength": 0.0}), ("finetune", None, {})),
    "ewc": (("ewc", None, {"strength": 0.0}), ("finetune", None, {})),
    "replay": (("replay", None, {"share": 0.0}), ("finetune", None, {})),
    "pgd": (("pgd", None, {"strength": 0.0}), ("finetune", None, {})),
    "vat": (("vat", None, {"strength": 0.0}), ("finetune", None, {})),
    "lora": (("lora", None, {"alpha": 0.0}), ("finetune", 0, {})),
    "distill": (
        ("distill", None, {"weight": 0.0, "start": "source"}),
        ("finetune", None, {"stage_decay": 1.0, "body_rate": 1.0}),
    ),
    "scratch": (("scratch", None, {}), ("finetune", None, {"stage_decay": 1.0, "body_rate": 1.0})),
}
"""Name to (the method at 0, what it must then equal), each as expression, depth and options of `catalogue.create`.

Fine-tuning is what the others are compared with. Distillation and training from scratch start here from the same
weights as fine-tuning, which the law needs and a real run does not give them.
"""
check_names(ZERO, catalogue.names(), "headstart.checks.zero.ZERO")


def create(recipe: Recipe) -> Any:
    """Return the method of a recipe."""
    return catalogue.create(recipe[0], recipe[1], recipe[2])
