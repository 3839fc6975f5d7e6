import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import special_ortho_group
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import check_estimator

from headstart.shallow.joining import join
from headstart.shallow.relations.relational_map import RelationalMap, relational_map


def test_a_linear_teacher_is_recovered_up_to_scale_and_turn():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 6))
    teacher = 3 * rows[:, :3] @ special_ortho_group.rvs(3, random_state=0) + 5
    found = relational_map(rows, teacher, strength=0.0)
    ratio = pdist(found(rows)) / pdist(rows[:, :3])
    assert found.end < 1e-5
    assert ratio.std() / ratio.mean() < 0.01


def test_relations_get_nearer_than_the_regression_has_them():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 5))
    found = relational_map(rows, np.tanh(3 * rows[:, :2]) + rows[:, 2:4] ** 2)
    assert found.end < 0.99 * found.start


def test_a_map_keeps_what_the_teacher_tells_apart():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 3
    source = np.column_stack([rng.normal(size=(200, 2)) + 5 * np.eye(3)[labels][:, :2], 20 * rng.normal(size=(200, 3))])
    target, truth = source[:90] + 0.2, labels[:90]
    model = RelationalMap(teacher=LogisticRegression(max_iter=2000)).fit(*join(source, labels, target))
    mapped = model.transform(target)

    def apart(x):
        centres = np.stack([x[truth == c].mean(axis=0) for c in range(3)])
        return pdist(centres).min() / np.mean([x[truth == c].std() for c in range(3)])

    assert apart(mapped) > 3 * apart(target)


def test_any_teacher_and_values_too():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(80, 3)), rng.normal(size=(40, 3))
    data = join(source, (source[:, 0] > 0).astype(int), target)
    assert RelationalMap(teacher=MLPClassifier(max_iter=20)).fit(*data).transform(target).shape == (40, 2)
    values = RelationalMap().fit(*join(source, source[:, 0], target)).transform(target)
    assert abs(np.corrcoef(values[:, 0], target[:, 0])[0, 1]) > 0.99


def test_rows_and_teacher_must_be_the_same_samples():
    with pytest.raises(ValueError, match="as many of each"):
        relational_map(np.zeros((4, 2)), np.zeros((3, 2)))


@pytest.mark.slow
def test_scikit_learn_contract():
    check_estimator(RelationalMap(teacher=LogisticRegression(), steps=5))
