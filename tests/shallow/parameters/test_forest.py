import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.joining import join
from headstart.shallow.parameters.forest import (
    TransferredForestClassifier,
    TransferredForestRegressor,
    forest_outputs,
    read_forest,
)
from headstart.shallow.parameters.tree import as_tree_rows, find_leaves, read_tree, reestimate
from headstart.shallow.parameters.tree_transfer import ser, strut


def rows_and_labels(n=300, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3))
    return rows, (rows[:, 0] > 0).astype(int) + (rows[:, 1] > 0.5)


def test_trees_are_read_as_scikit_learn_has_them():
    rows, labels = rows_and_labels()
    forest = RandomForestClassifier(12, random_state=0).fit(rows, labels)
    assert np.allclose(forest_outputs(read_forest(forest, 3), rows), forest.predict_proba(rows))
    values = ExtraTreesRegressor(7, random_state=0).fit(rows, rows[:, 0])
    assert np.allclose(forest_outputs(read_forest(values, None), rows)[:, 0], values.predict(rows))
    tree = forest.estimators_[0]
    assert (find_leaves(read_tree(tree), as_tree_rows(rows)) == tree.apply(rows)).all()


def test_leaves_are_the_shrunk_shares_of_the_rows_that_reach_them():
    rows, labels = rows_and_labels()
    fitted = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows, labels)
    tree, new = read_tree(fitted, fitted.classes_, 3), as_tree_rows(rows[:40])
    targets = np.eye(3)[(labels[:40] + 1) % 3]
    found, leaf = reestimate(tree, new, targets, 2.0), find_leaves(tree, new)
    for node in np.unique(leaf):
        inside = targets[leaf == node]
        assert np.allclose(found.value[node], (inside.sum(axis=0) + 2 * tree.value[node]) / (len(inside) + 2))
    untouched = np.setdiff1d((tree.left < 0).nonzero()[0], leaf)
    assert np.allclose(found.value[untouched], tree.value[untouched])


def test_strut_finds_a_shifted_threshold_and_a_swapped_side():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, size=(400, 1))
    fitted = DecisionTreeClassifier(max_depth=1).fit(rows, (rows[:, 0] > 0).astype(int))
    tree = read_tree(fitted, fitted.classes_, 2)
    new = as_tree_rows(rng.uniform(4, 6, size=(100, 1)))
    for above in (0, 1):
        targets = np.eye(2)[np.where(new[:, 0] > 5.2, above, 1 - above)]
        found = strut(tree, new, targets)
        assert abs(found.threshold[0] - 5.2) < 0.1
        assert (found.value[find_leaves(found, new)].argmax(axis=1) == targets.argmax(axis=1)).all()
        assert (found.left[0] != tree.left[0]) == (above == 0)


def test_strut_of_values_finds_the_threshold_too():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, size=(300, 1))
    tree = read_forest(RandomForestRegressor(1, max_depth=1, random_state=0).fit(rows, np.sign(rows[:, 0])), None)[0]
    new = as_tree_rows(rng.uniform(4, 6, size=(100, 1)))
    found = strut(tree, new, np.sign(new - 4.7), shrinkage=1e-3)
    assert abs(found.threshold[0] - 4.7) < 0.1


def test_ser_expands_where_the_target_is_finer_and_cuts_where_it_is_simpler():
    rows, _ = rows_and_labels(600)
    coarse, fine = (rows[:, 0] > 0).astype(int), (rows[:, 0] > 0).astype(int) ^ (rows[:, 1] > 0)
    stump = DecisionTreeClassifier(max_depth=1).fit(rows, coarse)
    seen, targets = as_tree_rows(rows), np.eye(2)
    grown = ser(read_tree(stump, stump.classes_, 2), seen, targets[fine], shrinkage=0.1)
    assert len(grown.left) > 3
    assert (grown.value[find_leaves(grown, seen)].argmax(axis=1) == fine).all()
    # a leaf of 150 rows stays the source's under a shrinkage of 300; the half of the tree above it does not
    deep = DecisionTreeClassifier(random_state=0).fit(rows, fine)
    tree = read_tree(deep, deep.classes_, 2)
    cut = ser(tree, seen, np.eye(2)[np.ones(600, dtype=int)], shrinkage=300)
    assert len(np.unique(find_leaves(cut, seen))) < len(np.unique(find_leaves(tree, seen)))
    assert (cut.value[find_leaves(cut, seen)].argmax(axis=1) == 1).all()


def test_without_a_target_label_it_is_the_source_forest():
    rows, labels = rows_and_labels()
    X, y, domain = join(rows, labels, rows[:50] + 1)
    model = TransferredForestClassifier(estimator=RandomForestClassifier(5, random_state=0))
    model.fit(X, y, sample_domain=domain)
    assert np.allclose(model.predict_proba(rows), model.model_.predict_proba(rows))


@pytest.mark.parametrize("way", ["strut", "mix"])
def test_a_change_of_scale_is_learned_from_labels(way):
    rows, labels = rows_and_labels()
    other, truth = rows_and_labels(400, seed=1)
    other = 3 * other + 2
    X, y, domain = join(rows, labels, other, np.where(np.arange(400) < 80, truth, -1))
    options = {"estimator": RandomForestClassifier(20, random_state=0)}
    alone = TransferredForestClassifier(**options).fit(*join(rows, labels, other))
    refined = TransferredForestClassifier(way=way, **options).fit(X, y, sample_domain=domain)
    before, after = (np.mean(m.predict(other[80:]) == truth[80:]) for m in (alone, refined))
    assert after > before + 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"estimator": GradientBoostingClassifier()}, "is no forest"),
        ({"estimator": RandomForestRegressor()}, "is no classifier"),
        ({"way": "prune"}, "way is 'prune'"),
        ({"shrinkage": 0.0}, "shrinkage is 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    rows, labels = rows_and_labels(30)
    with pytest.raises(ValueError, match=words):
        TransferredForestClassifier(**options).fit(*join(rows, labels, rows, labels))


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        TransferredForestClassifier(estimator=RandomForestClassifier(5, random_state=0)),
        TransferredForestRegressor(estimator=RandomForestRegressor(10, random_state=0)),
    ],
    ids=["c", "r"],
)
def test_scikit_learn_contract(model):
    check_estimator(model)
