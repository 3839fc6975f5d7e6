import numpy as np
import pytest
from scipy import sparse

from headstart.shallow.heterogeneous.blocks import join_blocks
from headstart.shallow.heterogeneous.dama import (
    DAMA,
    Scatter,
    class_forms,
    laplacian_form,
    match_shapes,
    neighbour_graph,
    smallest_ratio,
)
from headstart.shallow.shells.adapted import Adapted


def form(rows, weights):
    out = np.zeros((rows.shape[1],) * 2)
    for i in range(len(rows)):
        for j in range(len(rows)):
            out += 0.5 * weights[i, j] * np.outer(rows[i] - rows[j], rows[i] - rows[j])
    return out


def test_class_forms_are_sums_over_all_pairs():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(12, 3)), rng.integers(0, 3, size=12)
    same = (labels[:, None] == labels).astype(float)
    found = class_forms(rows, labels)
    assert found.small == pytest.approx(form(rows, same))
    assert found.large == pytest.approx(form(rows, 1 - same))


def test_laplacian_form_is_the_sum_over_joint_rows():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(6, 2)), rng.normal(size=(5, 3))
    weights = rng.uniform(size=(11, 11))
    weights = weights + weights.T
    joint = np.block([[source, np.zeros((6, 3))], [np.zeros((5, 2)), target]])
    low, heavy = laplacian_form(source, target, sparse.csr_matrix(weights))
    assert low == pytest.approx(form(joint, weights))
    assert heavy == pytest.approx(joint.T @ np.diag(weights.sum(axis=1)) @ joint)


def test_no_direction_has_a_smaller_ratio():
    rng = np.random.default_rng(0)
    small, large = (part @ part.T for part in rng.normal(size=(2, 6, 9)))
    best = smallest_ratio(Scatter(small, large), 2, ridge=0.0)[:, 0]
    ratio = lambda f: (f @ small @ f) / (f @ large @ f)  # noqa: E731
    assert all(ratio(f) >= ratio(best) * (1 - 1e-9) for f in rng.normal(size=(500, 6)))


def test_neighbours_are_symmetric_and_few():
    graph = neighbour_graph(np.random.default_rng(0).normal(size=(40, 3)), 4)
    assert abs(graph - graph.T).max() == 0
    assert graph.diagonal().max() == 0
    assert 160 <= graph.nnz <= 320
    assert neighbour_graph(np.zeros((1, 3)), 4).nnz == 0


def test_a_turned_and_scaled_neighbourhood_is_recognised(turned):
    case = turned(same_rows=True)
    order = np.random.default_rng(0).permutation(80)
    weights = match_shapes(case.source, 3 * case.target[order])
    assert (np.asarray(weights.argmax(axis=1)).ravel() == np.argsort(order)).all()


def test_without_labels_a_turn_of_the_same_rows_is_undone(turned):
    case = turned(same_rows=True)
    X, y, sample_domain = join_blocks(case.source, case.labels, case.target)
    model = Adapted(transformer=DAMA(standardise=False)).fit(X, y, sample_domain=sample_domain)
    assert model.transformer_.bridge_ == "local geometry"
    assert (model.predict(case.target) == case.labels).mean() > 0.95


def test_rows_of_one_class_meet_across_the_domains(turned):
    case = turned(per_class=4)
    X, y, sample_domain = case.joined()
    out = DAMA(n_components=2).fit(X, y, sample_domain=sample_domain).transform(X, sample_domain=sample_domain)
    source, target = out[:80], out[80:]
    means = np.stack([source[case.labels == c].mean(axis=0) for c in range(3)])
    nearest = ((target[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == case.target_labels)[~case.known].mean() > 0.9
