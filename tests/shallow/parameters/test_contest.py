"""A contest's gain is of rows on which nothing was chosen, and a plainer model wins where the difference is noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from headstart.shallow.parameters.biased import biased_ridge
from headstart.shallow.parameters.contest import Candidate, Field, cautious, choose, learn, nested

ALPHAS = [0.1, 1.0, 10.0]


def folds(target, most):
    count = min(most, len(target))
    return list(KFold(count, shuffle=True, random_state=0).split(target)) if count > 1 else []


def field(candidates, target, path=biased_ridge, **changes):
    return Field(candidates, target, "regression", ALPHAS, path, folds, **changes)


def test_no_model_that_judges_a_fold_and_no_choice_for_it_has_seen_its_rows():
    numbers, target = np.arange(30.0)[:, None], np.random.default_rng(0).normal(size=(30, 1))
    learned = []

    def path(x, y, offset, alphas):
        learned.append(set(x[:, 0].astype(int)))
        return biased_ridge(x, y, offset, alphas)

    plain = Candidate(numbers, np.zeros((30, 1)))
    assert nested(field({"scratch": plain, "transfer": plain}, target, path), 3) is not None
    held = [set(rows) for _, rows in folds(target, 3)]
    assert len(learned) == 3 * (2 * 3 + 2)
    for number, rows in enumerate(learned):
        assert not rows & held[number // 8]


def test_no_model_beside_it_has_seen_the_rows_that_it_is_judged_on():
    numbers, target = np.arange(30.0)[:, None], np.random.default_rng(0).normal(size=(30, 1))
    learned, asked = [], []

    def beside(x, y):
        mine = set(x[:, 0].astype(int))
        np.testing.assert_array_equal(y, target[x[:, 0].astype(int)])
        learned.append(mine)

        def model(rows):
            asked.append((mine, set(rows[:, 0].astype(int))))
            return np.zeros((len(rows), 1))

        return (model,)

    told = field({"scratch": Candidate(numbers, np.zeros((30, 1)))}, target, beside=beside, columns=numbers)
    found = nested(told, 3)
    assert found is not None, "thirty rows have three outer folds"
    np.testing.assert_allclose(found.each["trees"], -np.abs(target)[:, 0])
    held = [set(rows) for _, rows in folds(target, 3)]
    assert len(learned) == 3 * (3 + 1)
    for number, rows in enumerate(learned):
        assert not rows & held[number // 4]
    for mine, rows in asked:
        assert not mine & rows


def test_what_the_models_beside_it_answer_is_mixed_into_what_is_kept():
    """They know the values and the linear candidate knows nothing: the mix is theirs, also on outer folds."""
    numbers = np.arange(40.0)[:, None]
    target = np.sin(7 * numbers)
    plain = Candidate(np.zeros((40, 1)), np.zeros((40, 1)))
    told = field({"scratch": plain}, target, beside=lambda x, y: (lambda rows: np.sin(7 * rows),), columns=numbers)
    choice = choose(told, np.arange(40), 4)
    assert (choice.kept, choice.baseline, choice.mix.share) == ("scratch", "trees", 1.0)
    np.testing.assert_allclose(choice.beside[0], target)
    np.testing.assert_allclose(nested(told, 4).kept, 0, atol=1e-12)


def test_the_best_of_many_that_know_nothing_gains_nothing():
    """Twelve random answers: the best on the rows themselves looks good, and is worth nothing on others."""
    honest, naive = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        target = rng.normal(size=(24, 1))
        names = ["scratch", *(f"guess {number}" for number in range(12))]
        guesses = {name: Candidate(np.zeros((24, 1)), rng.normal(size=(24, 1)), learns=False) for name in names}
        found = nested(field(guesses, target), 4)
        honest.append((found.kept - found.each["scratch"]).mean())
        naive.append(max((scores - found.each["scratch"]).mean() for scores in found.each.values()))
    assert np.mean(naive) > 0.2
    assert abs(np.mean(honest)) < 3 * np.std(honest) / np.sqrt(40)


def test_a_plainer_model_is_kept_where_the_difference_is_noise():
    rng = np.random.default_rng(0)
    plain = rng.normal(size=100)
    losses = {"source": -plain, "transfer": -plain}
    luck = np.repeat([1.0, -1.0, 0.0], [5, 4, 91])  # five rows won, four lost
    assert cautious({"source": plain, "transfer": plain + luck}, losses) == "source"
    assert cautious({"source": plain, "transfer": plain + np.abs(luck)}, losses) == "transfer"
    assert cautious({"source": plain, "transfer": plain + 0.5 + rng.normal(size=100)}, losses) == "transfer"
    assert cautious({"source": plain, "transfer": plain - 0.5}, losses) == "source"


def test_rows_of_the_source_are_learned_from_and_never_judged():
    rng = np.random.default_rng(0)
    x, far = rng.normal(size=(12, 2)), rng.normal(size=(500, 2))
    truth = np.array([[2.0], [-1.0]])
    more = (far, np.zeros((500, 1)), far @ truth)
    plain = Candidate(x, np.zeros((12, 1)))
    played = field({"pooled": plain._replace(more=more), "scratch": plain}, x @ truth + rng.normal(size=(12, 1)))
    found = nested(played, 3)
    assert {name: scores.shape for name, scores in found.each.items()} == {"pooled": (12,), "scratch": (12,)}
    (pooled,) = learn(played, "pooled", np.arange(12), [0.1])
    assert pooled.coef == pytest.approx(truth.T, abs=0.1)


def test_the_baseline_is_the_best_of_what_anybody_would_try():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(60, 1))
    told = {name: Candidate(np.zeros((60, 1)), target + noise * rng.normal(size=(60, 1)), learns=False)
            for name, noise in {"source": 0.5, "pooled": 0.1, "scratch": 2.0, "transfer": 0.01}.items()}  # fmt: skip
    found = choose(field(told, target), np.arange(60), 3)
    assert (found.kept, found.baseline) == ("transfer", "pooled")
    del told["transfer"]
    assert choose(field(told, target), np.arange(60), 3).kept == "pooled"


def test_without_folds_the_plainest_is_kept_unless_the_guard_is_off():
    plain = Candidate(np.ones((1, 1)), np.zeros((1, 1)))
    one = field({"source": plain, "scratch": plain, "transfer": plain}, np.ones((1, 1)))
    assert nested(one, 5) is None
    assert choose(one, np.arange(1), 5).kept == "source"
    assert choose(one._replace(guard=False), np.arange(1), 5).kept == "transfer"


def test_every_row_is_scored_once_by_what_was_chosen_without_it():
    rng = np.random.default_rng(1)
    target = rng.normal(size=(20, 1))
    said = {name: Candidate(np.zeros((20, 1)), target + noise * rng.normal(size=(20, 1)), learns=False)
            for name, noise in {"source": 1.0, "scratch": 0.5, "transfer": 0.01}.items()}  # fmt: skip
    found = nested(field(said, target), 4)
    for name, one in said.items():
        np.testing.assert_allclose(found.each[name], -np.abs(one.offset - target)[:, 0])
    np.testing.assert_array_equal(found.kept, found.each["transfer"])
    np.testing.assert_array_equal(found.baseline, found.each["scratch"])
    whole = choose(field(said, target, guard=False), np.arange(20), 4)
    assert whole.kept == "transfer"
    assert set(whole.alphas.values()) == {1.0}  # the middle one, where nothing is learned
    x = rng.normal(size=(20, 2))
    learned = field({"scratch": Candidate(x, np.zeros((20, 1)))}, target)
    chosen = choose(learned, np.arange(20), 4).alphas["scratch"]
    scores = {}
    for alpha in ALPHAS:
        parts = [
            learn(learned, "scratch", train, [alpha])[0](x[held]) - target[held] for train, held in folds(target, 4)
        ]
        scores[alpha] = np.abs(np.concatenate(parts)).mean()
    assert chosen == min(scores, key=lambda alpha: scores[alpha])


@pytest.mark.parametrize(("positives", "kept"), [(6, "scratch"), (40, "source")])
def test_where_nearly_all_rows_are_of_one_class_the_log_loss_chooses(positives, kept):
    target = (np.arange(100) < positives).astype(int)
    near, far = np.where(target == 1, -0.1, -3.0), np.where(target == 1, -0.1, -0.2)  # both answer "no" to every row
    candidates = {
        name: Candidate(np.zeros((100, 0)), np.stack([np.zeros(100), logit], axis=1), learns=False)
        for name, logit in (("source", far), ("scratch", near))
    }
    told = Field(candidates, target, "classification", ALPHAS, biased_ridge, folds)
    assert choose(told, np.arange(100), 5).kept == kept
