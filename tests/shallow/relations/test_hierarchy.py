import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.joining import join
from headstart.shallow.relations.hierarchy import HierarchyMap, hedge, hierarchy_nodes, leaves_of, line_of, roll_up

SOURCE = {"poodle": "dog", "beagle": "dog", "persian": "cat", "dog": "pet", "cat": "pet"}
TARGET = {"husky": "dog", "siamese": "cat", "tabby": "cat", "dog": "pet", "cat": "pet", "parrot": "pet"}


def test_lines_and_leaves():
    assert line_of("poodle", SOURCE) == ["poodle", "dog", "pet"]
    assert leaves_of(TARGET) == ["husky", "siamese", "tabby", "parrot"]
    with pytest.raises(ValueError, match="ancestor of itself"):
        line_of("a", {"a": "b", "b": "a"})


def test_classes_meet_at_their_nearest_common_ancestor():
    found = roll_up(
        ["poodle", "persian", "husky"], ["husky", "siamese", "tabby", "parrot"], {**SOURCE, **TARGET}, TARGET
    )
    assert np.allclose(found, [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [1, 0, 0, 0]])
    assert np.allclose(roll_up(["poodle", "persian"], ["dog", "cat"], SOURCE, {}), np.eye(2))
    with pytest.raises(ValueError, match="'car' has no ancestor in common"):
        roll_up(["car"], ["husky"], SOURCE, TARGET)


def test_hedging_takes_the_most_specific_node_that_is_sure_enough():
    nodes = hierarchy_nodes(["husky", "siamese", "tabby"], TARGET)
    p = np.array([[0.95, 0.03, 0.02], [0.04, 0.5, 0.46], [0.4, 0.3, 0.3]])
    assert [nodes.names[i] for i in hedge(p, nodes, 0.9)] == ["husky", "cat", "pet"]
    assert [nodes.names[i] for i in hedge(p, nodes, 0.45)] == ["husky", "siamese", "cat"]
    with pytest.raises(ValueError, match="accuracy is 0"):
        hedge(p, nodes, 0.0)


def pets(n, names, centres, seed):
    rng = np.random.default_rng(seed)
    which = np.arange(n) % len(names)
    return rng.normal(size=(n, 3)) + np.array(centres)[which], np.array(names, dtype=object)[which]


def fitted(given):
    source, labels = pets(150, ["poodle", "beagle", "persian"], [[6, 0, 0], [6, 4, 0], [-6, 0, 0]], 0)
    target, truth = pets(150, ["husky", "siamese", "tabby"], [[6, 2, 0], [-6, 0, 3], [-6, 0, -3]], 1)
    parents = {name: above for name, above in TARGET.items() if name != "parrot"}
    seen = np.where(np.arange(150) < given, truth, None)
    model = HierarchyMap(source_parents=SOURCE, target_parents=parents)
    return model.fit(*join(source, labels, target, seen)), target, truth


def test_without_a_target_label_the_hierarchy_alone_names_the_targets_classes():
    model, target, truth = fitted(0)
    assert set(model.predict(target)) <= {"husky", "siamese", "tabby"}
    assert (model.predict(target) == truth)[truth == "husky"].all()
    hedged = model.predict_hedged(target, 0.9)
    assert (hedged[truth != "husky"] == "cat").mean() > 0.95
    assert (hedged[truth == "husky"] == "husky").mean() > 0.95


def test_target_labels_tell_the_finer_classes_apart():
    model, target, truth = fitted(12)
    assert (model.predict(target) == truth).mean() > 0.95
    assert np.allclose(model.predict_proba(target).sum(axis=1), 1)


def test_a_coarser_target_needs_the_sources_parents_only():
    source, labels = pets(150, ["poodle", "beagle", "persian"], [[6, 0, 0], [6, 4, 0], [-6, 0, 0]], 0)
    target, truth = pets(100, ["dog", "cat"], [[6, 2, 0], [-6, 0, 0]], 1)
    model = HierarchyMap(source_parents=SOURCE).fit(
        *join(source, labels, target, np.where(np.arange(100) < 6, truth, None))
    )
    assert (model.predict(target) == truth).all()


def test_names_of_another_type_are_refused():
    with pytest.raises(ValueError, match="expected one type"):
        HierarchyMap(target_parents={"a": "b"}).fit(*join([[0.0], [1.0]], [0, 1], [[0.5]]))


@pytest.mark.slow
def test_scikit_learn_contract():
    check_estimator(HierarchyMap(estimator=LogisticRegression()))
