"""The files that faults are drawn from, with the quick tests of each."""

from __future__ import annotations

_CHOICE = tuple(
    f"tests/choice/{name}.py"
    for name in (
        "test_cost",
        "test_guard",
        "test_heads",
        "test_label_shift",
        "test_racing",
        "test_stacking",
        "test_stored",
        "test_stored_strangers",
        "test_choose",
    )
)
_VALIDATORS = ("tests/validators", "tests/shallow/test_splitters.py", "tests/choice/test_choose.py")
_STATISTICS = ("tests/functional/test_statistics.py", "tests/workflow/test_verdict.py")
_READERS = (
    "tests/data/test_columns.py",
    "tests/data/test_labels.py",
    "tests/data/test_opening.py",
    "tests/data/test_mistakes.py",
)
_CACHE = (
    "tests/engine/test_cache.py",
    "tests/engine/test_loop.py",
    "tests/networks/test_segmentation.py",
    "tests/workflow/test_heads.py",
)
_TRAINING = ("tests/engine/test_loop.py", "tests/engine/test_checkpoint.py")
_ARMS = tuple(
    f"tests/workflow/test_{name}.py" for name in ("heads", "calibrate", "kept_seed", "budget", "refit", "fit")
)
_ACROSS = ("tests/workflow/test_verdict_across.py", "tests/workflow/test_across.py")
_HEADS = ("tests/shallow/test_probe.py", "tests/shallow/test_joint.py", "tests/test_estimators.py")

_KINDS = ("tests/test_kinds.py", "tests/data/test_splits.py")
_MAP = {
    "workflow/judging/verdict.py": ("tests/workflow/test_verdict.py",),
    "workflow/crossed_field.py": ("tests/workflow/test_crossed.py",),
    "data/scenes/groups.py": ("tests/workflow/test_crossed.py",),
    "data/scenes/tiles.py": ("tests/workflow/test_tiles.py",),
    "workflow/arms/tiles.py": ("tests/workflow/test_tiles.py",),
    "data/crossing.py": ("tests/workflow/test_crossed.py",),
    "workflow/conclude.py": ("tests/workflow/test_verdict.py", *_ARMS),
    "workflow/network_field.py": ("tests/workflow/test_verdict.py", *_ARMS),
    "workflow/arms/temperature.py": ("tests/workflow/test_calibrate.py", *_ARMS),
    "workflow/record.py": ("tests/workflow/test_verdict.py", *_ARMS),
    "workflow/judging/measuring.py": ("tests/workflow/test_measuring.py", "tests/workflow/test_verdict.py"),
    "workflow/arms/fitting.py": _ARMS,
    "workflow/arms/one_fit.py": _ARMS,
    "workflow/arms/heads.py": _ARMS,
    "workflow/judging/predictions.py": ("tests/workflow/test_verdict.py", *_ARMS),
    "workflow/adapting/field.py": (*_ACROSS, "tests/workflow/test_stages_across.py"),
    "workflow/adapting/race.py": _ACROSS,
    "choice/choosing.py": _CHOICE,
    "choice/racing.py": _CHOICE,
    "choice/gain.py": _CHOICE,
    "choice/blend.py": _CHOICE,
    "choice/stacking.py": _CHOICE,
    "choice/label_shift.py": _CHOICE,
    "choice/smoothing.py": _CHOICE,
    "choice/heads.py": _CHOICE,
    "validators/source_risk.py": _VALIDATORS,
    "validators/density.py": _VALIDATORS,
    "validators/confidence.py": _VALIDATORS,
    "validators/structure.py": _VALIDATORS,
    "validators/circular.py": _VALIDATORS,
    "validators/mixval.py": _VALIDATORS,
    "validators/evidence.py": _VALIDATORS,
    "validators/scorer.py": ("tests/shallow/test_splitters.py",),
    "workflow/arms/names.py": ("tests/networks/test_clip.py",),
    "workflow/opening/names.py": ("tests/networks/test_clip.py",),
    "networks/entailment_family.py": ("tests/networks/test_entailment.py",),
    "networks/source_entailment.py": ("tests/networks/test_entailment.py",),
    "functional/bootstrap.py": _STATISTICS,
    "functional/intervals.py": ("tests/functional/test_intervals.py", *_STATISTICS),
    "functional/calibration.py": ("tests/functional/test_convex.py", "tests/shallow/instances/test_label_shift.py"),
    "functional/temperature.py": (
        "tests/functional/test_convex.py",
        "tests/workflow/test_calibrate.py",
        "tests/workflow/test_refit.py",
        "tests/shallow/features",
    ),
    "shallow/instances/kmm.py": ("tests/shallow/instances/test_weights.py",),
    "shallow/splitters.py": ("tests/shallow/test_splitters.py",),
    "shallow/instances/held_out.py": ("tests/shallow/instances", "tests/shallow/parameters"),
    "functional/folds.py": ("tests/functional/test_order.py", *_HEADS),
    "shallow/heads/linear.py": _HEADS,
    "shallow/heads/discriminant.py": ("tests/shallow/parameters/test_averaged_heads.py",),
    "networks/kernel_head.py": ("tests/shallow/parameters/test_gaussian_process.py",),
    "choice/joint/views.py": ("tests/choice/test_joint.py",),
    "choice/joint/body.py": ("tests/choice/test_joint.py", "tests/choice/test_stored.py"),
    "shallow/heads/joint.py": ("tests/shallow/test_joint.py", "tests/workflow/test_heads.py"),
    "shallow/parameters/contest.py": (
        "tests/shallow/parameters/test_contest.py",
        "tests/test_estimators.py",
        "tests/test_estimators_trees.py",
    ),
    "kinds/one_class.py": _KINDS,
    "kinds/class_sets.py": _KINDS,
    "kinds/values.py": _KINDS,
    "data/splits.py": ("tests/data/test_splits.py",),
    "data/counterpart.py": (
        "tests/data/test_counterpart.py",
        "tests/data/test_columns.py",
        "tests/workflow/test_across.py",
    ),
    "data/duplicates.py": ("tests/data/test_checking.py",),
    "data/labels.py": _READERS,
    "data/columns.py": _READERS,
    "data/delimited.py": (*_READERS, "tests/data/test_types.py", "tests/data/test_indexes.py"),
    "data/conventions.py": (
        "tests/data/test_columns.py",
        "tests/data/test_conventions.py",
        "tests/data/test_types.py",
    ),
    "engine/cache.py": _CACHE,
    "engine/shelf.py": _CACHE,
    "engine/frozen.py": _TRAINING,
    "engine/curves.py": _TRAINING,
    "networks/network.py": (
        "tests/networks/test_segmentation.py",
        "tests/networks/test_contract.py",
        "tests/engine/test_loop.py",
    ),
    "networks/twin.py": ("tests/deep/test_calibrated_ensemble.py",),
    "report/export.py": ("tests/report/test_export.py",),
}
ROOMS = {f"headstart/{file}": tests for file, tests in _MAP.items()}
