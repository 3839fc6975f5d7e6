import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from headstart.functional.linear import principal
from headstart.shallow.heterogeneous.blocks import join_blocks
from headstart.shallow.heterogeneous.cca import BridgeCCA, canonical_correlation, class_bridge


def twice_seen(n=200, seed=0):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 2))
    source = hidden @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(n, 4))
    return source, hidden @ rng.normal(size=(2, 6)) + 0.5 * rng.normal(size=(n, 6))


def correlations(first, second):
    return [np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)]


def test_pairs_give_scikit_learns_correlations():
    source, target = twice_seen()
    X, y, sample_domain = join_blocks(source, np.zeros(200, dtype=int), target)
    pairs = np.column_stack([np.arange(200), np.arange(200)])
    model = BridgeCCA(pairs=pairs, shrinkage=0.0).fit(X, y, sample_domain=sample_domain)
    out = model.transform(X, sample_domain=sample_domain)
    other = CCA(n_components=4, max_iter=5000, tol=1e-12).fit(source, target)
    assert model.correlations_ == pytest.approx(correlations(*other.transform(source, target)), abs=1e-5)
    assert correlations(out[:200], out[200:]) == pytest.approx(model.correlations_, abs=1e-9)
    assert out[:200].var(axis=0) == pytest.approx(model.correlations_, abs=1e-9)
    assert model.bridge_ == "200 pairs"


def test_shuffled_target_rows_with_their_pairs_give_the_same_map():
    source, target = twice_seen()
    order = np.random.default_rng(1).permutation(200)
    labels = np.zeros(200, dtype=int)
    straight = BridgeCCA(pairs=np.column_stack([np.arange(200)] * 2)).fit(*join_blocks(source, labels, target))
    turned = BridgeCCA(pairs=np.column_stack([order, np.arange(200)])).fit(*join_blocks(source, labels, target[order]))
    rows = np.abs(straight.transform(target[:9]))
    assert np.allclose(rows, np.abs(turned.transform(target[:9])), atol=1e-8)


def test_maximum_is_the_dense_problems():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(5, 2)), rng.normal(size=(2, 7))
    first, second = rng.uniform(5, 9, size=5), rng.uniform(5, 9, size=7)
    found = canonical_correlation(first, second, left, right)
    direct = np.linalg.svd(left @ right / np.sqrt(first)[:, None] / np.sqrt(second), compute_uv=False)
    assert found.correlations == pytest.approx(np.minimum(direct[:2], 1))
    assert found.source.T @ np.diag(first) @ found.source == pytest.approx(np.eye(2), abs=1e-12)


def test_classes_pair_every_row_with_every_row_of_its_class(turned):
    case = turned(n=30)
    source, target = principal(case.source).rotated, principal(case.target).rotated
    shown, to_target = class_bridge(case.labels, target, case.target_labels)
    left = source.T @ shown / 30 @ np.linalg.pinv(shown.T @ shown / 30, rcond=1e-8, hermitian=True)
    pairs = [(i, j) for i in range(30) for j in range(30) if case.labels[i] == case.target_labels[j]]
    slow = np.mean([np.outer(source[i], target[j]) for i, j in pairs], axis=0)
    assert left @ to_target == pytest.approx(slow, abs=1e-10)


def test_columns_that_tell_all_of_the_target_recover_the_pairing():
    """With z a linear function of the shared columns, the unpaired answer is that of the pairs."""
    rng = np.random.default_rng(0)
    h = rng.normal(size=(4000, 2))
    source, target = np.hstack([h @ rng.normal(size=(2, 3)), h]), np.hstack([h @ rng.normal(size=(2, 2)), h])
    X = np.full((4000, 7), np.nan)
    X[:2000, :5], X[2000:, 5:], X[2000:, 3:5] = source[:2000], target[2000:, :2], h[2000:]
    model = BridgeCCA(shrinkage=0.0).fit(X, np.repeat([0, -1], 2000), sample_domain=np.repeat([1, -1], 2000))
    assert model.bridge_ == "2 shared columns"
    assert model.correlations_[:2] == pytest.approx([1, 1], abs=0.05)
    out = model.transform(np.hstack([h, target[:, :2]])[:9])  # in the order of the joint table
    of_source = np.full((9, 7), np.nan)
    of_source[:, :5] = source[:9]
    assert np.allclose(out, model.transform(of_source, sample_domain=np.ones(9)), atol=0.1)


def test_few_labelled_rows_in_many_columns_are_shrunk(turned):
    case = turned(d=5, e=60, per_class=3)
    X, y, sample_domain = case.joined()
    X[80:, 5:] += np.random.default_rng(0).normal(size=(80, 60))
    assert BridgeCCA().fit(X, y, sample_domain=sample_domain).shrinkage_ >= 0.9


@pytest.mark.parametrize(
    ("pairs", "said"),
    [([[0, 99], [1, 1]], "beyond the 20"), ([1, 2], "expected 'auto'"), ("labels", "expected 'auto'")],
)
def test_odd_pairs_are_refused(turned, pairs, said):
    X, y, sample_domain = turned(n=20).joined()
    with pytest.raises(ValueError, match=said):
        BridgeCCA(pairs=pairs).fit(X, y, sample_domain=sample_domain)
