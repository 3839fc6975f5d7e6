# ruff: noqa: E501
"""Plausible faults, each with the tests that must notice it. Every text stands once in its file."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """``old`` becomes ``new`` in ``src/file``; at least one of ``tests`` must fail; ``why`` it matters."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str


def room(file: str, *tests: str):
    """Return a maker of mutants of one file with the tests that they share."""

    def mutant(name: str, old: str, new: str, why: str, *others: str) -> Mutant:
        return Mutant(name, f"headstart/{file}", old, new, others or tests, why)

    return mutant


_permuted = room("functional/permuted.py", "tests/functional/test_permuted.py")
_unlabelled = room("functional/unlabelled_accuracy.py", "tests/functional/test_unlabelled_accuracy.py")
_watching = room("workflow/watching/measure.py", "tests/workflow/test_watch.py")
_watched = room("models/watched.py", "tests/workflow/test_watch.py")
_keeping = room("workflow/watching/keeping.py", "tests/workflow/test_watch.py")
_library = room("library.py", "tests/test_library.py")
_both = room("deep/finetune/calibrated_ensemble.py", "tests/deep/test_calibrated_ensemble.py")
_discriminant = room("shallow/heads/discriminant.py", "tests/shallow/parameters/test_averaged_heads.py")
_process = room("shallow/parameters/gaussian_process.py", "tests/shallow/parameters/test_gaussian_process.py")
_averaged = room("shallow/parameters/averaged_heads.py", "tests/shallow/parameters/test_averaged_heads.py")
_mixed = room("deep/finetune/wise_ft.py", "tests/deep/test_mixed_weights.py")
_soup = room("deep/finetune/soup.py", "tests/deep/test_mixed_weights.py")
_guess = room("workflow/planning/first_guess.py", "tests/workflow/test_plan.py")
_ewc = room("deep/finetune/penalties/ewc.py", "tests/deep/test_continual.py")
_fisher = room("deep/importance.py", "tests/deep/test_continual.py")
_continuing = room("workflow/arms/continuing.py", "tests/workflow/test_continuing.py")
_old_rows = room("workflow/opening/old.py", "tests/workflow/test_continuing.py")
_parted = room(
    "workflow/few_shot/classes.py",
    "tests/workflow/test_few_shot.py::test_no_class_straddles_and_groups_of_classes_stay_together",
)
_inner = room("deep/inner.py", "tests/deep/meta/test_meta.py")
_means = room("shallow/parameters/prototypes.py", "tests/shallow/parameters/test_class_means.py")
_no_sample = room("workflow/zero_shot/field.py", "tests/workflow/test_zero_shot.py")
_trials = room("workflow/zero_shot/choosing.py", "tests/workflow/test_zero_shot.py")
_affinity = room("deep/affinity.py", "tests/deep/multitask/test_multitask.py")
_grouping = room("workflow/multitask/grouping.py", "tests/deep/multitask/test_multitask.py")
_listed = room("workflow/zero_shot/classes_file.py", "tests/workflow/test_zero_shot.py")
_blind = room("data/blind.py", "tests/workflow/test_self_supervised.py")
_decoder = room("networks/decoders.py", "tests/deep/unlabelled/test_unlabelled.py")
_beside = room("workflow/opening/beside.py", "tests/workflow/test_half_labelled.py")
_half = room("data/half.py", "tests/workflow/test_half_labelled.py")
_several = room("data/several.py", "tests/workflow/test_multitask.py")
_side_by_side = room("tasks/several.py", "tests/deep/multitask/test_multitask.py")
_unlabelled_gain = room("workflow/arms/unlabelled_gain.py", "tests/workflow/test_half_labelled.py")
_data_sets = room("data/joined.py", "tests/workflow/test_several_data.py")
_experts = room("networks/mixture.py", "tests/deep/multitask/test_multitask.py")
_together = room("workflow/multitask/judging.py", "tests/workflow/test_multitask.py")
_weighed = room("functional/aggregation.py", "tests/functional/test_aggregation.py")
_verdict = room("workflow/judging/verdict.py", "tests/workflow/test_verdict.py")
_across = room("workflow/adapting/field.py", "tests/workflow/test_verdict_across.py")
_road = room(
    "workflow/adapting/adaptation.py",
    "tests/workflow/test_across.py::test_what_any_seed_learned_from_is_evaluated_for_none",
)
_confident = room("choice/confidence.py", "tests/workflow/test_confidence_across.py", "tests/choice/test_confidence.py")
_kept = room("choice/kept.py", "tests/workflow/test_confidence_across.py")
_drift = room("data/drift.py", "tests/workflow/test_evaluate.py")
_like = room("data/like.py", "tests/workflow/test_evaluate.py")
_controls = room("data/controls.py", "tests/data/test_controls.py")
_sized = room("networks/sized.py", "tests/workflow/test_strangers.py", "tests/networks/test_sources.py")
_arms = room("workflow/arms/fitting.py", "tests/workflow/test_heads.py")
_one_fit = room("workflow/arms/one_fit.py", "tests/workflow/test_heads.py")
_folds = room(
    "workflow/arms/fitting.py",
    "tests/workflow/test_budget.py::test_folds_neither_learn_from_nor_choose_on_the_rows_they_are_scored_on",
)
_kept_held = room(
    "workflow/arms/fitting.py",
    "tests/workflow/test_refit.py::test_the_temperature_is_set_on_held_out_rows_and_the_answers_stay",
)
_temperature = room("workflow/arms/temperature.py", "tests/workflow/test_calibrate.py")
_heads = room("workflow/arms/heads.py", "tests/workflow/test_heads.py")
_joint = room("shallow/heads/joint.py", "tests/shallow/test_joint.py")
_measuring = room("workflow/judging/measuring.py", "tests/workflow/test_measuring.py")
_seeds = room("workflow/network_field.py", "tests/workflow/test_kept_seed.py")
_race = room("choice/racing.py", "tests/choice/test_racing.py")
_choosing = room("choice/choosing.py", "tests/choice/test_guard.py")
_gain = room("choice/gain.py", "tests/choice/test_racing.py", "tests/choice/test_choose.py")
_shift = room("choice/label_shift.py", "tests/choice/test_label_shift.py")
_behind = room("choice/joint/behind.py", "tests/choice/test_stages.py", "tests/workflow/test_stages_across.py")
_staged = room("choice/joint/staged.py", "tests/choice/test_stages.py", "tests/workflow/test_stages_across.py")
_states = room("choice/joint/of_states.py", "tests/choice/test_stages.py")
_norms = room("choice/joint/norms.py", "tests/choice/test_stages.py")
_views = room("choice/joint/views.py", "tests/choice/test_joint.py")
_relaxed = room("functional/transport.py", "tests/functional/test_transport.py")
_deepjdot = room("deep/matching/deepjdot.py", "tests/deep/test_matching.py")
_joint_plan = room("choice/joint/plan.py", "tests/choice/test_joint.py")
_material = room("choice/joint/material.py", "tests/choice/test_joint.py")
_body = room("choice/joint/body.py", "tests/choice/test_joint.py", "tests/choice/test_stored.py")
_mcd = room("deep/adversarial/mcd.py", "tests/deep/test_adversarial.py")
_crossed = room("workflow/crossed_field.py", "tests/workflow/test_crossed.py")
_stack = room("choice/stacking.py", "tests/choice/test_stacking.py", "tests/choice/test_racing.py")
_ground = room("workflow/racing/ground.py", "tests/workflow/test_racing.py::test_a_race_reads_no_row_of_the_verdict")
_while_time = room(
    "workflow/racing/ground.py",
    "tests/workflow/test_racing.py::test_what_is_not_expected_to_fit_into_the_time_left_is_not_begun",
    "tests/workflow/test_racing.py::test_a_dear_one_is_foreseen_and_one_that_failed_does_not_count_as_the_one_that_always_runs",
)
_deciding = room(
    "workflow/racing/deciding.py",
    "tests/workflow/test_racing.py::test_a_fine_tuning_wins_where_it_beats_every_head_and_may_not_where_none_ran_to_the_end",
)
_heats = room(
    "workflow/racing/heats.py",
    "tests/workflow/test_racing.py::test_a_source_leaves_after_the_scores_where_it_is_clearly_behind_or_four_are_before_it",
    "tests/workflow/test_racing.py::test_a_source_leaves_after_the_probes_where_its_head_is_clearly_behind_or_three_are_before_it",
)
_tuning = room(
    "workflow/racing/tuning.py",
    "tests/workflow/test_racing.py::test_a_race_that_was_stopped_goes_on_and_decides_the_same",
)
_unseen = room("choice/unseen.py", "tests/choice/test_unseen.py")
_reuse = room("functional/reuse.py", "tests/functional/test_reuse.py")
_blend = room("choice/blend.py", "tests/choice/test_racing.py", "tests/choice/test_choose.py")
_risk = room("validators/source_risk.py", "tests/validators/test_validators.py")
_density = room("validators/density.py", "tests/validators/test_validators.py")
_confidence = room("validators/confidence.py", "tests/validators/test_validators.py")
_structure = room("validators/structure.py", "tests/validators/test_validators.py")
_circular = room("validators/circular.py", "tests/validators/test_validators.py")
_mixval = room("validators/mixval.py", "tests/validators/test_validators.py")
_evidence = room("validators/evidence.py", "tests/validators/test_validators.py")
_ranking = room("workflow/ranking/ranking.py", "tests/workflow/test_rank.py")
_ranked = room("workflow/ranking/rank.py", "tests/workflow/test_rank.py")
_best_stage = room("workflow/ranking/judging.py", "tests/workflow/test_rank.py")
_combining = room("scores/combining.py", "tests/scores/test_combining.py")
_scores = room("scores/logme.py", "tests/scores/test_scores.py")
_left_out = room("scores/linear_probe.py", "tests/scores/test_scores.py")
_near = room("scores/knn.py", "tests/scores/test_scores.py")
_maps = room("engine/maps.py", "tests/engine/test_maps.py")
_bootstrap = room("functional/bootstrap.py", "tests/functional/test_statistics.py")
_mcnemar = room("functional/intervals.py", "tests/functional/test_statistics.py")
_intervals = room("functional/intervals.py", "tests/functional/test_intervals.py", "tests/workflow/test_verdict.py")
_box = room("functional/box.py", "tests/functional/test_convex.py")
_kmm = room("shallow/instances/kmm.py", "tests/shallow/instances/test_weights.py")
_splits = room("data/splits.py", "tests/data/test_splits.py")
_one_class = room("kinds/one_class.py", "tests/data/test_splits.py")
_class_sets = room("kinds/class_sets.py", "tests/test_kinds.py")
_values = room("kinds/values.py", "tests/test_kinds.py")
_tasks = room("tasks/base.py", "tests/test_kinds.py")
_counterpart = room("data/counterpart.py", "tests/data/test_counterpart.py")
_duplicates = room("data/duplicates.py", "tests/data/test_checking.py")
_labels = room("data/labels.py", "tests/data/test_labels.py")
_conventions = room("data/conventions.py", "tests/data/test_conventions.py")
_cache = room("engine/cache.py", "tests/engine/test_cache.py")
_shelf = room("engine/shelf.py", "tests/engine/test_cache.py")
_frozen = room("engine/frozen.py", "tests/engine/test_loop.py")
_session = room("engine/session.py", "tests/engine/test_loop.py", "tests/engine/test_checkpoint.py")
_updates = room("engine/updates.py", "tests/engine/test_loop.py")
_players = room("engine/updates.py", "tests/engine/test_contract.py")
_needs = room("engine/needs.py", "tests/engine/test_contract.py")
_memory = room("engine/session.py", "tests/engine/test_contract.py")
_domain = room("engine/domain.py", "tests/engine/test_roles.py")
_joined = room("engine/joined.py", "tests/engine/test_roles.py")
_episodes = room("engine/episodes.py", "tests/engine/test_roles.py")
_laws = room("checks/contract.py", "tests/checks/test_broken.py")
_curves = room("engine/curves.py", "tests/engine/test_loop.py")
_network = room("networks/network.py", "tests/networks/test_contract.py", "tests/engine/test_loop.py")
_export = room("report/export.py", "tests/report/test_export.py")
_dead = room("functional/scale.py", "tests/workflow/test_heads.py")
_boxes_apart = room("tasks/detection.py", "tests/networks/test_detection.py")
_mistakes = room("tasks/base.py", "tests/report/test_evidence.py")
_precision = room("functional/detections.py", "tests/networks/test_detection.py")
_placement = room("functional/placement.py", "tests/networks/test_segmentation.py")
_masks = room("tasks/segmentation.py", "tests/networks/test_segmentation.py")
_carried = room("networks/network.py", "tests/networks/test_segmentation.py")
_clips = room("data/clips.py", "tests/data/test_clips.py")
_in_time = room("networks/clips.py", "tests/networks/test_clips.py")
_stitching = room("functional/stitching.py", "tests/functional/test_stitching.py")
_taken_over = room("tasks/carried.py", "tests/networks/test_carried_heads.py")
_polygons = room("data/scenes/polygons.py", "tests/data/test_scene_polygons.py")
_boxes = room("data/scenes/boxes.py", "tests/data/test_scene_boxes.py")
_field = room(
    "choice/candidates.py", "tests/choice/test_choose.py::test_of_bags_of_words_no_aligned_kernel_or_covariance_races"
)
_ladder = room("functional/folds.py", "tests/functional/test_order.py")
_probe = room("functional/folds.py", "tests/shallow/test_probe.py")
_linear = room("shallow/heads/linear.py", "tests/shallow/test_probe.py")
_held = room("shallow/instances/held_out.py", "tests/shallow/instances")
_splitters = room("shallow/splitters.py", "tests/shallow/test_splitters.py")
_contest = room("shallow/parameters/contest.py", "tests/shallow/parameters/test_contest.py")
_mixing = room("shallow/heads/mixing.py", "tests/shallow/test_mixing.py")
_source = room(
    "shallow/parameters/array_source.py",
    "tests/test_estimators.py::test_a_source_of_other_classes_never_answers_one_that_it_does_not_know",
)

NAMED = [
    # the verdict
    _permuted("each p for itself", "float((smallest <= smallest[0]).mean())", "float(smallest[0])",
              "the smallest of several p is small by chance"),
    _permuted("a row judges itself", "scores = (fitted - own[:, None] * members)", "scores = (fitted - 0 * members)",
              "a classifier that has seen a row tells it apart without any shift"),
    _unlabelled("a row is its own neighbour", "np.fill_diagonal(squares, np.inf)", "pass",
                "every held-out answer would agree with itself"),
    _watching("alarm at any p", "differs = tests.p <= ALARM", "differs = tests.p <= 1", "no shift is fine"),
    _watching("one kind of test is forgotten", "2 * min(inputs.p, told.p)", "2 * told.p",
              "inputs that move without the answers are seen"),
    _watched("directions of the rows", "signs / np.sqrt(COLUMNS)", "signs / np.linalg.norm(rows)",
             "kept and new rows must be made alike"),
    _keeping("rows in another order", "found[np.searchsorted(sought, rows)]", "found",
             "answers and labels belong to their rows"),
    _library("changes outside of one transaction", 'base.execute("BEGIN IMMEDIATE")', 'base.execute("BEGIN DEFERRED")',
             "two processes that read before they write lose one another's names"),
    _guess("an-anecdote-decides", "n < LEAST_TARGETS", "n < 1", "one target would stand for a rule"),
    _guess("networks-that-nobody-measured", "or not low / ROOM <= parameters <= high * ROOM", "", "small networks would speak for large ones"),
    _ewc("ewc-by-the-weight-itself", "(now - start[name]).square()", "now.square()", "weights would be pulled to zero, not to where they were"),
    _fisher("fisher-of-training-mode", ".freeze(0).eval()", ".freeze(0).train()", "dropout would be taken for what the data say"),
    _continuing("importance-not-counted", "one * (len(rows) / len(chosen))", "one", "500 rows would speak for thousands", "tests/workflow/test_continuing.py::test_some_rows_speak_for_all"),
    _continuing("importance-of-the-link-before-is-lost", "one + before.weights[name].to(one)", "one", "a chain of runs would forget its first"),
    _continuing("replayed-rows-that-measure", "every = learned if len(learned) else every", "pass", "what is lost would be measured on rows that were learned from"),
    _old_rows("test-rows-replayed", "dataset.without(np.flatnonzero(strange))", "dataset", "the new test rows would be learned from"),
    _both("the worst steepness", "return max(STEEPNESS, key=by)", "return min(STEEPNESS, key=by)", "answers would be as badly calibrated as can be"),
    _both("a pair of pairs", 'if self.share == 1.0 or "twin" in nets.network.spec:', "if self.share == 1.0:",
          "a refit would double what is doubled"),
    _discriminant("a metric of all rows", "inside = rows - means[place]", "inside = rows", "what tells classes apart would be shrunk away"),
    _averaged("members weighted by rows that they know", "outputs.append(np.stack([head.outputs(x[held]) for head in members]))",
              "outputs.append(np.stack([discriminant(x[held], labels[held], problem.n_outputs).outputs(x[held]) for head in members]))",
              "what learns by heart would win"),
    _process("confidence by rows that it knows", "left_out = wanted - dual / np.diag(inverse)[:, None]", "left_out = wanted - noise * dual",
             "a process is sure of what it has learned"),
    _mixed("the worst mix", "max(MIXES, key=by)", "min(MIXES, key=by)", "the mix is the best on watched rows"),
    _soup("members that do harm", "if found >= best:", "if True:", "a soup takes no member that makes it worse"),
    _verdict("kind from the gain", '"positive" if low > 0 else', '"positive" if gain > 0 else',
             "a gain whose interval reaches below 0 is no proof"),
    _verdict("negative from the gain", '"negative" if high < 0', '"negative" if gain < 0',
             "a loss whose interval reaches above 0 is no proof"),
    _verdict("gain of the baseline", "(first - second).mean()", "(second - first).mean()",
             "the sign of every verdict"),
    _verdict("interval the wrong way", "interval_of_gain(first, second", "interval_of_gain(second, first",
             "the interval must be that of the gain"),
    _across("weakest baseline", "max(baselines, key", "min(baselines, key",
            "beating the worst of the baselines is no news"),
    _across("baseline counts the adapted arm", "if arm != ADAPTED\n    }", "if arm\n    }",
            "an adapted model is not its own baseline"),
    _road("later seeds' rows evaluated", "np.concatenate(learned)", "learned[0]",
          "rows that any seed learned from are seen"),
    _measuring("interval of an error", "return Interval(-found.high, -found.low, found.kind)", "return found",
               "the interval of an absolute error is not negative"),
    _seeds("another seed's predictions", "predictions=predictions.values[kept.kept][index]", "predictions=predictions.values[kept.kept][0]",
              "mistakes and saliency are of the network that is kept"),
    _seeds("the worst seed is kept", "np.argmax([part", "np.argmin([part", "the best seed on validation is kept"),
    # training and choosing
    _one_fit("the fold chooses the head's strength", "fit_head(bench, network, job.arm, job.rows,",
          "fit_head(bench, network, job.arm, np.concatenate([job.rows, job.validation]),",
          "the rows that an arm is scored on choose nothing"),
    _arms("when to stop is seen on rows outside the fold's own", '{"train": job.rows})\n    try:', "{})\n    try:",
          "the fold that is predicted would say when to stop"),
    _arms("validation rows stop the arm that they score", "    if not compared:", "    if len(job.validation):",
          "the best of many epochs on the rows that compare arms is too good by luck",
          "tests/workflow/test_refit.py::test_labels_that_score_an_arm_neither_teach_it_nor_stop_it"),
    _folds("a fold's network has seen the rows that score it", "part = replace(job, rows=train_rows,",
           "part = replace(job, rows=job.rows,", "held-out rows would be learned from"),
    _folds("the inner network has seen the rows that it is watched by", "part = replace(job, rows=rows, validation=watched,",
           "part = replace(job, validation=watched,", "over-fitting would never show, and no fit would stop"),
    _kept_held("the temperature of rows that were learned from", "keep_held_out(bench, folder, predictions, rows)\n    return",
               'learned = bench.dataset.splits["train"]\n    keep_held_out(bench, folder, bench.predict(fitted.network, learned, cut=fitted.cut), learned)\n    return',
               "on its own rows every network is right, and would be made surer"),
    _temperature("the temperature upside down", "Temperature(held_out_steepness(predictions, labels, space.link), len(rows))",
                 "Temperature(1 / held_out_steepness(predictions, labels, space.link), len(rows))",
                 "too sure would become surer"),
    _temperature("the temperature goes in upside down", "steepen(network, steepness)", "steepen(network, 1 / steepness)",
                 "too sure would become surer"),
    _temperature("the temperature of a handful", "if len(rows) < LEAST:", "if len(rows) < 0:",
                 "a handful of rows says nothing about confidence"),
    _heads("views split across inner folds", "((train + shifts).ravel(), held)",
           "(np.setdiff1d(np.arange(copies * len(rows)), held), held)", "a view of a held-out sample would be learned from"),
    _heads("settings are chosen anew", "if settings is None:\n        read, scaled =", "if True:\n        read, scaled =",
           "the refit keeps what was chosen"),
    _views("edges are black", 'padding_mode="border"', 'padding_mode="zeros"', "a picture's background is not always 0"),
    _views("pictures are turned more and more", "spread * rng.normal(size=(n, 2)))", "spread + rng.normal(size=(n, 2)))", "a spread of 0 is the picture"),
    _relaxed("far pairs break a relaxed plan", "np.minimum(cost / (cost.mean() or 1.0), 30.0)", "(cost / (cost.mean() or 1.0))", "an outlier makes whole rows of the kernel vanish"),
    _relaxed("a relaxed plan depends on units", "np.minimum(cost / (cost.mean() or 1.0), 30.0)", "np.minimum(cost, 30.0)", "reach is in mean costs"),
    _relaxed("reach and entropy exchanged", "a, b, scaled, entropy, reach,", "a, b, scaled, reach, entropy,", "the plan is smeared and leaves its marginals at once"),
    _deepjdot("the exact plan is relaxed all the same", "exact_plan(known) if reach is None else relaxed_plan(known, reach=reach)", "relaxed_plan(known, reach=reach or 1.0)", "the paper's plan is promised without a reach"),
    _deepjdot("the reach is not heard", "relaxed_plan(known, reach=reach)", "relaxed_plan(known)", "what the user sets has no effect"),
    _joint_plan("dense words are no words", "filled = rows.count_nonzero() if sparse.issparse(rows) else np.count_nonzero(rows)", "filled = rows.count_nonzero() if sparse.issparse(rows) else rows.size", "the same rows would train otherwise by how they are stored"),
    _joint_plan("all methods hurry on words", "if method in SOON_LEARNED and source is not None", "if source is not None", "adversarial training loses ten points by half its steps"),
    _joint_plan("few columns are words", "rows.shape[1] >= WORDS_COLUMNS and", "", "one-hot tables are not bags of words"),
    _joint_plan("words at the full rate", "rate=cls.rate / 2)", "rate=cls.rate)", "half the steps were settled at half the rate"),
    _material("the plain view is warped too", "views > 0)[:, None], moved", "views >= 0)[:, None], moved", "answers are given on the plain view"),
    _material("tables are seen in many views", "return self.plan.grid is not None", "return True", "noise on a table's columns was never measured to help"),
    _body("answers without torch are not normalised", "GROUPS if normed else 0", "0", "they are not the network's"),
    _body("older models are normalised", "groups: int = 0", "groups: int = 4", "what was saved answers otherwise than it did"),
    _mcd("one class for all is rewarded", "* self.balance * (unevenness", "* -self.balance * (unevenness", "the body collapses"),
    _crossed("scratch is judged by what folds chose", "if kept == REFERENCE:", "if kept != REFERENCE:", "the gain of what is handed back would be another model's"),
    _joint("any other stage will do", "margin > 0]", "margin > -9]", "the best of many looks good by luck"),
    _joint("held-out scores of training rows", "head.outputs(features[held])", "head.outputs(features[train])[: len(held)]",
           "every choice would be made on what was learned"),
    # the race
    _race("race fits on its held-out rows", "np.setdiff1d(np.arange(len(domains.labels)), data.held)",
          "np.arange(len(domains.labels))", "validators would read training rows"),
    _race("held-out rows judged by the whole model", "outputs(part, held_rows, data, is_source=True)",
          "outputs(model, held_rows, data, is_source=True)", "validators would read training rows"),
    _race("weights of other rows", "density_ratio(low_source, low_target, seed=seed)[held]",
          "density_ratio(low_source, low_target, seed=seed)[: len(held)]", "each held row has its own density ratio"),
    # a target that takes no part, and what a race shares
    _unseen("a domain left out is learned from", "np.flatnonzero(domains.source_domain != number)",
            "np.arange(len(domains.labels))", "the choice would be made on training rows"),
    _unseen("units of the target", "domains.source[chosen], hidden,", "domains.target, domains.target_labels,",
            "the target takes no part"),
    _unseen("the fullest domain counts most", "return float(np.mean(self.scores))", "return float(self.scores[0])",
            "domains count alike"),
    _field("everything races on words", "(sparse_rows and one.method in NOT_OF_WORDS)", "False", "what harms words is left out"),
    _ladder("a ladder ends after four", "losses[-1] <= min(losses)", "False", "the best rung may lie further on"),
    _reuse("shapes are looked up alike", 'f"{array.dtype.str}{array.shape}"', 'f"{array.dtype.str}"',
           "another matrix of the same numbers would be handed out"),
    _reuse("a shelf without an end", "while self.held > self.limit:", "while False:", "a race would fill the memory"),
    _reuse("all functions share a shelf's names", "digest = hashlib.blake2b(name.encode(), digest_size=24)",
           "digest = hashlib.blake2b(digest_size=24)", "one function's result would be another's"),
    _race("values without bounds", "values.clip(*data.span)", "values", "one row can be a thousand deviations off",
          "tests/choice/test_stacking.py"),
    _race("the first may be left out", "if budget is not None and out and spent", "if budget is not None and spent",
          "source-only always runs"),
    _race("validators of probabilities for values", "FOR_REGRESSION if data.regression else VALIDATORS", "VALIDATORS",
          "values have no entropy", "tests/choice/test_choose.py"),
    _stack("stack fits on its held-back labels", "labels[known[fold]] = np.nan if data.regression else -1",
           "labels[known[:0]] = np.nan if data.regression else -1",
           "shares are learned from answers to labels that were not seen"),
    _blend("blends lean on the worst", "np.exp((gains - gains.max()) / temperature)",
           "np.exp((gains.min() - gains) / temperature)", "the better a model's evidence, the more it counts"),
    _choosing("any chance will do", "if chances[considered] < CONFIDENCE:", "if chances[considered] < 0:",
              "an adapted model is handed back at a stated risk only"),
    _choosing("need not beat pooled or target-only", "if gains[considered] < gains[safe]:", "if False:",
              "an adapted model must beat the best model without adaptation"),
    _gain("big benchmarks count more", "weights = 1 / counts[inverse]", "weights = 0 * counts[inverse] + 1.0",
          "every benchmark counts alike"),
    _gain("features without bounds", "(features / self.scale).clip(-4, 4)", "(features / self.scale)",
          "no single figure may promise the moon"),
    _shift("alarm without a second witness", "{WITNESS} if sure else None", "{WITNESS}",
           "two witnesses must agree"),
    _shift("a handful speaks", "< FEW:", "< 0:", "20 rows say nothing about shares"),
    # validators
    _risk("DEV without its control variate", "+ eta * weights.mean() - eta", "", "the variance of the weights stays in"),
    _risk("DEV's control variate added", "eta = -together", "eta = together", "the variance doubles"),
    _risk("importance without normalising", "/ weights.sum())", "/ len(weights))", "weights need not sum to n"),
    _density("ratio upside down", "len(first) / len(second)", "len(second) / len(first)",
             "unequal sizes would tilt the weights"),
    _density("domains swapped", ">= len(first)).astype", "< len(first)).astype", "weights would favour the source"),
    _confidence("infomax without diversity", " - _plogp(p.mean(axis=0)).sum()", "",
                "a model that answers one class would win"),
    _structure("a row is its own neighbour", "np.fill_diagonal(similarity, -np.inf)", "similarity += 0.0",
               "every row would be dense by itself"),
    _circular("the way back is judged on answers", "source_outputs=back", "source_outputs=evidence.source_outputs",
              "the model would be judged on the source alone"),
    _mixval("the follower leads", "== answers[first]).mean()", "== answers[second]).mean()",
            "the larger share decides"),
    _evidence("right counts as wrong", "outputs.argmax(axis=1) != labels", "outputs.argmax(axis=1) == labels",
              "every loss the wrong way"),
    # statistics
    _bootstrap("one-sided tail", "tail = (1 - level) / 2", "tail = 1 - level", "95% means 95%"),
    _bootstrap("seeds are not drawn", "weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds",
               "weights = np.full((draws, seeds), 1 / seeds)", "seeds vary too"),
    _mcnemar("one-sided", "binomtest(won, won + lost, 0.5)", 'binomtest(won, won + lost, 0.5, alternative="greater")',
             "neither is better: both sides count"),
    _mcnemar("the smallest p of several seeds", "2 * np.mean(ps)", "np.min(ps)", "the best of several draws is no proof"),
    _intervals("no correction for continuity", "- 1 - z * math.sqrt(variance)", "- z * math.sqrt(variance)",
               "the interval would leave out 0 where the exact p does not"),
    _intervals("the bootstrap is believed of few", "if differing >= FEW:", "if differing >= 0:",
               "it ends at 100% because 1 of 49 is wrong"),
    _intervals("won and lost swapped", "for sign in (1, -1))", "for sign in (-1, 1))", "the sign of every interval"),
    _box("no bound on the sum", "if box.low <= found <= box.high:", "if True:", "the sum's bounds are the point"),
    _kmm("KMM without its mean constraint", "n * (1 - room), n * (1 + room)", "0.0, n * upper",
         "weights would not average to 1"),
    _kmm("KMM without its target", "linear = kernel_mean(source, target, bandwidth) + ridge / n",
         "linear = kernel_mean(source, source, bandwidth) + ridge / n", "nothing would be matched"),
    # splits
    _splits("groups straddle", "if group is not None:\n        return _fold_of_groups", "if False:\n        return _fold_of_groups",
            "a patient on both sides"),
    _splits("folds ignore groups", "if dataset.group is not None:", "if False:", "a patient in two folds"),
    _splits("folds train on their held rows", "(rows[fold != number], rows[fold == number])",
            "(rows, rows[fold == number])", "held-out rows would be learned from"),
    _splits("a given test split is cut again", "if not (code == 2).any():", "if True:", "given splits are kept"),
    _splits("a single sample is held out", "keep_single & (counts[inverse] == 1)", "keep_single & (counts[inverse] < 0)",
            "no fold trains without a class"),
    _one_class("classes without a stratum", "def strata(self, labels: Array) -> Array:\n        return labels.astype(np.int64)",
               "def strata(self, labels: Array) -> Array:\n        return 0 * labels.astype(np.int64)",
               "a rare class would miss a split"),
    _one_class("classes by position", "np.array([self.names.index(name) for name in names])[labels]", "labels",
               "classes are matched by name, never by position", "tests/test_kinds.py"),
    _class_sets("label sets by position", "whole[:, [self.names.index(name) for name in names]] = labels",
                "whole[:, : len(names)] = labels", "classes are matched by name, never by position"),
    _class_sets("the commonest class is the stratum", "rarity.argmin(axis=1) + 1", "rarity.argmax(axis=1) + 1",
                "the rarest class is the one that a split would miss"),
    _values("counts of one value", "(labels == labels[0]).all()", "False", "nothing can be learned of one value"),
    _tasks("heads are drawn anew", "reset()", "pass", "training starts from drawn weights"),
    _splitters("target rows leave the training part", "np.concatenate([source[fold != number], target])",
               "source[fold != number]", "transductive means all target inputs"),
    _counterpart("unknown is the first class", "[-1 if name is None else", "[0 if name is None else",
                 "an empty cell is no label"),
    _counterpart("classes numbered anew", "enumerate(source.task.classes)}\n    rest = -1",
                 "enumerate(sorted({n for n in names if n}))}\n    rest = -1",
                 "class numbers are the source's"),
    # readers
    _duplicates("no contrast asked for", "enough & ((a * b)", "((a * b)", "pictures of one colour have no likeness"),
    _duplicates("copies need no likeness", ">= _CORRELATION * norms[0]", ">= -_CORRELATION * norms[0]",
                "hashes alone collide"),
    _labels("blank labels are a class", "missing = missing | blank", "missing = missing & blank",
            "a blank is a missing label"),
    _labels("infinite targets", "bad = np.flatnonzero(~np.isfinite(found))", "bad = np.flatnonzero(np.isnan(found))",
            "infinity is no label"),
    _labels("classes in order of appearance", "class_order(found) if", "list(found) if",
            "class numbers may not depend on the rows' order"),
    _conventions("a percentage is its number", "pc.divide(numbers, 100.0)", "pc.divide(numbers, 1.0)",
                 "50% is a half in every reader"),
    _conventions("leading zeros count", 'whole = r"0|[1-9][0-9]*"', 'whole = r"[0-9]+"', "007 is no 7"),
    _conventions("the decimal comma is dropped", 'return pc.replace_substring(values, reading.decimal, ".")',
                 'return pc.replace_substring(values, reading.decimal, "")', "12,5 is no 125"),
    _conventions("missing in lower case only", "lowered = pc.utf8_lower(trimmed(values))", "lowered = trimmed(values)",
                 "NA and na are missing alike"),
    # cache keys
    _cache("key without weights", '"weights": checksum(weights)', '"weights": ""', "another network's states"),
    _cache("key without preprocessing", '"preprocess": network.preprocess.to_json()', '"preprocess": {}',
           "states of other pixels"),
    _cache("key without precision", '"precision": place.precision', '"precision": ""', "states of other rounding"),
    _cache("every view is the plain one", "view_seed(seed, content, view)", "view_seed(seed, content, 0)",
           "K views would be one"),
    _shelf("the newest state wins", "for entry, place in first.items() if entry not in self._where",
           "for entry, place in first.items()", "what is here is not computed again"),
    _shelf("the folder in use is trimmed", "if total > limit and folder != keep:", "if total > limit:",
           "states in use would vanish"),
    # freezing and training
    _frozen("frozen buffers may move", "name.startswith(stages) or name in idle", "name in idle",
            "running statistics are frozen too"),
    _session("no proof at the end", "if after != self.held_hash:", "if False:", "frozen must be proved"),
    _session("nothing kept of the best", "and self.settings.selection.keep_best:", "and False:", "the best weights are handed back"),
    _players("all move", "return [self.optimizers[player]]", "return list(self.optimizers.values())",
             "a player moves alone"),
    _players("a coupled batch is cut", "require_whole(self.method, self.place, self.parts * 2)", "pass",
             "halving would change the method"),
    _needs("nothing is missing", "missing = [NEEDS[word]", "missing = [] and [NEEDS[word]", "needs are enforced"),
    _needs("penalties never couple", 'parts = [method, *getattr(method, "penalties", ())]', "parts = [method]",
           "a penalty may couple the batch"),
    _memory("the memory is forgotten", "self.nets.memory = move(dict(found.memory), self.place.device)", "pass",
            "a resumed epoch needs its pseudo-labels"),
    _memory("the trained network is evaluated", "evaluate(self.method.evaluated(self.nets))",
            "evaluate(self.nets.network)", "a teacher is what is kept"),
    _domain("one order for all domains", "if number else [seed, epoch]", "if False else [seed, epoch]",
            "rows of two domains would travel in pairs"),
    _joined("domains out of turn", "torch.cat(values)[order]", "torch.cat(values)", "labels and domains belong to rows"),
    _episodes("support among the queries", "positions[:, self.shots :]", "positions[:, : self.queries]",
              "an episode asks what it has shown"),
    _laws("parts are not compared", "if coupled or random:", "if True:", "who couples must say so"),
    _updates("parts are not weighed", "share = size(part) / self.n", "share = 1.0", "parts would sum, not average"),
    _curves("ties by the higher loss", "rank = (score, -loss)", "rank = (score, loss)", "among equals the lower loss"),
    _curves("patience never ends", "self.waited >= self.patience", "self.waited < 0", "over-fitting would go on"),
    _network("frozen stages train their statistics", "module.training = False\n", "module.training = True\n",
             "batch norm moves without a gradient"),
    _network("frozen stages ask for gradients", "stage.requires_grad_(index >= count)", "stage.requires_grad_(True)",
             "frozen means frozen"),
    # heads
    _probe("the worst strength", "-scores.round(12)))[0]", "scores.round(12)))[0]", "the best strength is kept"),
    _probe("folds without strata", "if rarest >= 2:", "if False:", "a fold could miss a class"),
    _linear("strengths judged on training rows", "[per_sample(head.outputs(validation[0]), validation[1], problem.kind)",
            "[per_sample(head.outputs(features), labels, problem.kind)", "the weakest penalty would always win"),
    _linear("folds judged on training rows", "head.outputs(features[held]), labels[held]",
            "head.outputs(features[train]), labels[train]", "the weakest penalty would always win"),
    _held("held rows are learned from", "train, held = folds != fold, all_folds == fold",
          "train, held = folds == folds, all_folds == fold", "scores of rows that were seen"),
    # export
    _export("no parity asked for", "if not worst < TOLERANCE:", "if False:", "a model that differs would be written"),
    _dead("a dead feature is standardised", "if dead.any() else features", "if False else features",
          "a weight of millions would wait for the first step of fine-tuning"),
    _boxes_apart("boxes the exported model lacks do not count", "((mine, 1), (theirs, 0))", "((mine, 1),)",
                 "an exported detector might say boxes that the run does not"),
    _export("only one sample compared", "worst = max(worst, logic.apart(", "worst = min(worst, logic.apart(",
            "the largest difference counts"),
    _mistakes("right answers shown as mistakes", "order[wrong[order]]", "order", "mistakes are mistakes"),
    # clips
    _clips("frames from the beginnings of equal parts", "(2 * place + 1) * n // (2 * wanted)",
           "2 * place * n // (2 * wanted)", "the first frame would always be taken and the last one never"),
    _clips("frame10 before frame9", "(int(part), \"\") if part.isdigit() else (-1, part)", "(-1, part)",
           "frames would come in the wrong order"),
    _in_time("clips are mirrored", "replace(picture, flip=False)", "picture", "left would be learned as right"),
    _in_time("features of frames are always averaged", "features.mean(dim=1) if self.mean else features.flatten(1)",
             "features.mean(dim=1)", "no head could tell a clip from its reverse"),
    # masks and boxes
    _stitching("tiles are put beside one another unweighted", ".clamp(max=1)", ".clamp(min=1, max=1)",
               "a seam would be seen"),
    _stitching("the last tile ends before the border", "(side - tile) / (count - 1)", "(side - tile - 1) / (count - 1)",
               "a row of pixels would have no answer"),
    _taken_over("outputs of classes go by their number", "before + old.index(name)", "before + names.index(name)",
             "cats would be found as dogs"),
    _polygons("a corner lies in the middle of a pixel", "axis=1) + 0.5)", "axis=1))", "masks would be off by half a pixel"),
    _precision("a draw forgets how often a picture was drawn", "total = float(matches.positives @ weights)",
               "total = float(matches.positives.sum())", "the interval of a draw would be of other pictures"),
    _placement("mirrored pictures with boxes as they were", "moved[:, [0, 2]] = self.size - moved[:, [2, 0]]",
               "pass", "half of the augmented labels would be wrong"),
    _masks("the canvas beside a picture is a class", "Image.Resampling.NEAREST, IGNORED)",
           "Image.Resampling.NEAREST, 0)", "the padding would teach, and be learned"),
    _carried("the map before the cut is left behind", "if name in self.reads and index < cut - 1:",
             "if name in self.reads and index < cut - 2:", "the head would read a map that is not there"),
    _boxes("any number of bad boxes is left out", "if len(left) > MOST_LEFT_OUT * self.total:", "if False:",
           "swapped corners would empty the data with a word alone"),
    # confidence across domains
    _confident("source rows are believed wholly", "found if found < 1 else found**BELIEF", "found",
                 "the target's answers are less often right than the source's"),
    _confident("labels to learn set no temperature", "if one.crossed is not None and len(known) >= LEAST:", "if False:",
                 "the target's own rows say more than the source's"),
    _kept("the temperature is not kept", "if not self.n_classes or self.steepness == 1.0:", "if True:",
          "the report would speak of another model than predict"),
    _stack("answers of rows that were learned by heart", "crossed = (answers * shares.reshape(shape)).sum(axis=1)",
           "crossed = target[data.domains.known]", "the temperature would ask for certainty",
           "tests/workflow/test_confidence_across.py"),
    # new data, and files of strangers
    _drift("no unit is too large", "np.abs(found - mean) > FAR * spread", "np.abs(found - mean) > 1e9 * spread",
           "centimetres for metres, without a word"),
    _drift("no unit is too small", "small and len(found) >= ENOUGH", "False and len(found) >= ENOUGH",
           "ones for thousands, without a word"),
    _like("any separator will do", "label_sets(values, task.separator)", "label_sets(values)",
          "a name with the other sign in it would be cut"),
    _controls("a NUL is kept", "if len(nul):", "if False:", "a binary file would be learned from"),
    _sized("no network is too large", "if seen > MOST or tensors > MOST_TENSORS:", "if False:",
           "a file of a hundred bytes would take all memory"),
    _sized("weights hold any network", "parameters > max(UNASKED, bytes_there)", "False", "as above"),
    # trained stages of a network
    _behind("states of another data set", "places[mine] - start", "places[mine]", "a target's picture would stand behind another's"),
    _behind("states in the order of their data sets", 'whole[order]', "whole", "labels would belong to other rows"),
    _staged("statistics of the other domain", '"source" if is_source else "target", {}', '"target" if is_source else "source", {}',
            "the target would be counted in the source's units"),
    _staged("tensors of other stages are taken", "exactly=True", "exactly=False", "an edited file would be half a model"),
    _states("all stages learn", "catalogue.create(method, self.stages.depth,", "catalogue.create(method, None,",
            "what is said to be frozen moves"),
    _states("the head starts anywhere", "network.head.weight.copy_(torch.from_numpy(coef))", "pass",
            "few steps at a low rate would not reach the frozen network"),
    _norms("a held norm is counted by its batch", "self.bias, False, 0.0", "self.bias, self.training, 0.0", "held means held"),
    _norms("statistics stay behind", "put(network, before)\n    found", "pass\n    found", "looking on would change what is trained"),
    # a race of sources
    _ground("rows of the verdict race", 'rows = whole.splits["train"]', "rows = np.arange(len(whole))",
            "the winner would be chosen on what judges it"),
    _while_time("no stage looks at the clock", "if len(found) and took", "if False and took", "a budget of a minute would take an hour"),
    _while_time("nothing may run", "if len(found) and took", "if done and took", "there would be no winner"),
    _deciding("a fine-tuning wins a tie", "best.scores[-1] <= head.probe", "best.scores[-1] < head.probe",
              "the dearer one would be kept for nothing"),
    _deciding("dropped ones win", "if one.ended == FINISHED", "if one.ended", "one fold would decide"),
    _heats("nobody leaves after the scores", "            if share < CLEAR:", "            if share < 0:", "time goes to the worse"),
    _heats("nobody leaves after the probes", "if share < CLEAR and one.source != best:", "if share < 0 and one.source != best:",
           "time goes to the worse"),
    _tuning("a stopped fine-tuning is left", 'one.user_attrs.get("mark") == mark', 'one.user_attrs.get("mark") == " "',
            "a resumed race would decide otherwise"),
    # ranking of sources
    _ranked("other splits are read", 'permutation(dataset.splits["train"])', "permutation(len(dataset))",
            "the verdict of a fit that follows would be of rows that chose its source"),
    _ranking("a tie is an order", "if self.before(self.best, one) < SURE]", "if False]", "chance would choose the source"),
    _ranking("what is not sure is foreseen as harm", "for one in self.not_beaten) < 0.5 else None", "for one in self.not_beaten) < 1 else None",
             "MiniLM on reviews, 20 points above scratch, would not be expected to beat it"),
    _ranking("harm is hidden", "if self.before(one, random) < 0.5]", "if False]", "negative transfer would not be foreseen"),
    _best_stage("any stage that looks better", "if gain.mean() > gain.std() / np.sqrt(len(gain)):", "if gain.mean() >= 0:",
                "the best of several looks good by luck"),
    _combining("the worst comes first", "(others > mine)", "(others < mine)", "the order would be turned"),
    _scores("the evidence counts no volume", "+ np.log(share).sum(axis=0) / (2 * n)", "+ 0 * np.log(share).sum(axis=0)",
            "any number of features would be free"),
    _left_out("no sample is left out", "1 - 1 / len(columns) - basis.left**2 @ gains", "1 - 0 * (basis.left**2 @ gains)",
              "the probe would be of what it learned"),
    _near("a sample is its own neighbour", "+ np.arange(len(near))] = -np.inf", "+ np.arange(len(near))] = np.inf",
          "every source would be right always"),
    _maps("a fit does not find them", "if states.computed:", "if False:", "all would be encoded twice"),
    _maps("another cut's place", "prefix_key(network, len(network.stages), place)", "prefix_key(network, 1, place)",
          "features would pass for the states of a stage"),
    # the estimators
    _contest("the outer fold is chosen on", "choice = choose(field, train, most)",
             "choice = choose(field, np.arange(n), most)", "the gain would be of what was chosen on the same rows"),
    _contest("the outer fold is learned from", "(model,) = learn(field, name, train, [alpha])\n            told",
             "(model,) = learn(field, name, np.arange(n), [alpha])\n            told", "the gain would be of rows that were seen"),
    _contest("trees learn the outer fold", "in learn_beside(field, train)]", "in learn_beside(field, np.arange(n))]",
             "the gain would be of rows that the trees had seen"),
    _contest("trees learn their fold", "in learn_beside(field, rows[train])]", "in learn_beside(field, rows)]",
             "trees that know their rows by heart would have the whole answer"),
    _contest("the gain is of what is not mixed", "kept, told[TREES] = choice.mix(kept, beside),", "kept, told[TREES] = kept,",
             "the gain would be of another model than the one that answers"),
    _mixing("no first guess", "BELIEF * (SHARES - n / (n + ROWS) / 2) ** 2", "0 * BELIEF * SHARES",
            "ten rows would hand the answer to whoever was lucky"),
    _contest("no caution", "gain.mean() <= CAUTION * gain.std()", "gain.mean() <= 0 * gain.std()",
             "a plainer model is kept where the difference is noise"),
    _contest("source rows are judged", "x, offset, target = candidate.x[rows], candidate.offset[rows], field.target[rows]",
             "x, offset, target = candidate.x, candidate.offset, field.target", "a fold would learn its held rows"),
    _source("a class the source lacks wins", "outputs.min(axis=1, keepdims=True) - 1.0",
            "outputs.max(axis=1, keepdims=True) + 1.0", "the source as it is never answers what it does not know"),
    # without labels, half labelled, several tasks
    _blind("a label is an input", "taken = [*labels, *(name", "taken = [*(name", "an autoencoder would learn the answers"),
    _blind("held out and learned", '"train": np.sort(order[held:])', '"train": np.sort(order)',
           "errors would be those of samples that were learned"),
    _decoder("missing cells count", "given = 1 - x[\"missing\"]", "given = 1 - 0 * x[\"missing\"]",
             "rows with gaps would look unusual"),
    _beside("what judges teaches", "np.concatenate([target.splits[\"test\"], target.splits[\"validation\"]])",
            "target.splits[\"train\"]", "test samples would be learned from without their labels"),
    _half("the unlabelled rows are the others", "base.with_splits(empty).without(np.flatnonzero(found.given))",
          "base.with_splits(empty).without(np.flatnonzero(~found.given))", "labelled test rows would teach"),
    _several("a missing label is one", "splits = {name: rows[given[rows]] for name, rows", "splits = {name: rows for name, rows",
             "a row without a label would be learned and judged as the first class"),
    _side_by_side("a missing label is learned", "given = ~labels.isnan().any(dim=1)", "given = ~labels.isnan().all(dim=1)",
           "values of which some are missing would make the loss NaN"),
    _unlabelled_gain("any gain of unlabelled rows counts", "gains.mean() > t.ppf(1 - level, n - 1) *",
                     "gains.mean() > 0 *", "a handful of labels would choose by luck"),
    _unlabelled_gain("the best of several counts as one", "LEVEL / tried", "LEVEL", "the best of four beats the labels alone by luck four times as often"),
    _data_sets("labels of the first data set only", "ends, ends[1:], strict=False", "ends * 0, ends[1:], strict=False",
            "rows would get the labels of another data set"),
    _experts("the first expert adds too", "shares[:, :, 1:], added", "shares[:, :, :-1], added",
             "a gate would open another expert than its own"),
    _experts("every task has the first gate", "slice(number * self.experts, (number + 1) * self.experts)",
             "slice(0, self.experts)", "a task that stands alone would answer by another's gate"),
    _together("any gain hands back", "gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains))", "gains.mean() > 0",
              "noise on validation rows would decide"),
    _together("the best is told first", "key=lambda one: one.relative)", "key=lambda one: -one.relative)",
              "the harmed task would stand last"),
    _weighed("agreement is projected away", "if j != i and product < 0:", "if j != i:", "tasks that agree would be slowed"),
    _weighed("the longest direction", "np.sqrt(values.min())", "np.sqrt(values.max())", "steps would grow with the conflict"),
    # classes to come
    _parted("a class that measures also learns", 'np.concatenate([parts["validation"], parts["test"]])', 'parts["validation"]',
            "accuracy on classes to come would be of classes that were learned"),
    _inner("the inner steps count as constants", "create_graph=exact", "create_graph=False", "MAML would be its first order"),
    _means("a class without a row answers", "np.where(there, -np.square(means).sum(axis=1), least)",
           "-np.square(means).sum(axis=1)", "features near 0 would be of a class that nobody has"),
    _no_sample("classes set apart are learned", "np.flatnonzero(~new & ~test)", "np.flatnonzero(~test)",
               "what is unseen would have been seen"),
    _trials("classes that measure answer in the trials", "np.where(aside, NEVER, logits)", "logits",
            "a trial would have more unseen classes than there will be"),
    _trials("a gain is foreseen where its settings were chosen", "if other != place]", "if other >= 0]",
            "what was looked for among many settings would be taken for a gain"),
    _affinity("measuring leaves the network in evaluation", "    network.train(training)\n", "",
              "a training that is observed would be another"),
    _grouping("tasks that harm each other are joined", "if rises[best] <= 0:", "if False:",
              "all tasks would be proposed together, whatever was measured"),
    _listed("attributes in the order of the file", "order, aligned = [names.index(name) for name in classes]",
            "order, aligned = list(range(len(classes)))", "each class would be known by another's attributes"),
]  # fmt: skip
