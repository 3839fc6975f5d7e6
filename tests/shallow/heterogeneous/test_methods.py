"""What every method between feature spaces obeys."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator, check_estimators_nan_inf

from headstart.catalogue import METHODS
from headstart.checks.domains import check_domain_method, model_of
from headstart.shallow.domains import mask
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.heterogeneous.blocks import join_blocks

ENTRIES = {entry.name: entry for entry in METHODS if entry.space == "heterogeneous"}
CLOSE = {"coot": 0.7}  # columns have no counterparts after a turn: only its labelled rows help


def whole(name):
    return model_of(ENTRIES[name].load()(), "classification")


def test_every_method_of_the_issue_is_listed():
    assert set(ENTRIES) == {"bridge_cca", "dama", "hfa", "shfa", "gromov_wasserstein", "coot"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_is_a_scikit_learn_estimator(name):
    check_estimator(ENTRIES[name].load()(), on_skip=None)
    check_estimators_nan_inf(name, ENTRIES[name].load()())


@pytest.mark.parametrize("name", ENTRIES)
def test_obeys_the_laws_of_methods_across_domains(name):
    check_domain_method(ENTRIES[name].load(), kind="classification")


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.kind == "map"])
def test_serves_regression(name):
    check_domain_method(ENTRIES[name].load(), kind="regression")


@pytest.mark.parametrize("name", ENTRIES)
def test_a_turn_into_another_dimension_is_undone(turned, name):
    case = turned()
    alone = TunedLogistic().fit(case.source[::2], case.labels[::2]).score(case.source[1::2], case.labels[1::2])
    assert alone > 0.95
    assert case.accuracy(whole(name)) > CLOSE.get(name, alone - 0.05)


@pytest.mark.slow  # no plan offers these methods
@pytest.mark.parametrize("name", ENTRIES)
def test_the_source_itself_helps_where_a_turn_is_all_there_is(turned, name):
    """Eight classes, one label of each: better than the target alone, and than with noise in the source's place."""
    accuracies = []
    for seed in range(4):
        case = turned(n=120, k=8, d=5, e=8, per_class=1, seed=seed)
        known = case.known
        noise = case._replace(source=np.random.default_rng(seed).normal(size=case.source.shape))
        alone = TunedLogistic().fit(case.target[known], case.target_labels[known])
        rest = alone.score(case.target[~known], case.target_labels[~known])
        accuracies.append([case.accuracy(whole(name)), noise.accuracy(whole(name)), rest])
    with_source, with_noise, alone = np.mean(accuracies, axis=0)
    assert with_source > with_noise + 0.05
    if name != "coot":  # columns have no counterparts after a turn
        assert with_source > alone + 0.03


@pytest.mark.parametrize("name", ENTRIES)
def test_the_order_of_rows_and_the_names_of_classes_do_not_matter(turned, name):
    case = turned(n=45)
    X, y, sample_domain = case.joined()
    straight = whole(name).fit(X, y, sample_domain=sample_domain).predict_proba(case.target)
    order = np.random.default_rng(0).permutation(90)
    names = np.array(["ant", "bee", "cat", None], dtype=object)[y]
    other = whole(name).fit(X[order], names[order], sample_domain=sample_domain[order])
    assert other.classes_.tolist() == ["ant", "bee", "cat"]
    assert np.allclose(straight, other.predict_proba(case.target), atol=0.02)


@pytest.mark.parametrize("name", ENTRIES)
def test_new_rows_are_served_as_well_as_old_ones(turned, name):
    case = turned(n=160)
    X, y, sample_domain = join_blocks(
        case.source, case.labels, case.target[:80], mask(case.target_labels[:80], ~case.known[:80])
    )
    model = whole(name).fit(X, y, sample_domain=sample_domain)
    assert (model.predict(case.target[80:]) == case.target_labels[80:]).mean() > CLOSE.get(name, 0.9)


@pytest.mark.parametrize("name", ["bridge_cca", "hfa", "shfa"])
def test_nothing_that_ties_the_domains_is_refused(turned, name):
    X, y, sample_domain = turned(per_class=0).joined()
    with pytest.raises(ValueError, match="label") as refusal:
        whole(name).fit(X, y, sample_domain=sample_domain)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ENTRIES)
def test_shared_columns_do_for_target_labels(turned, name):
    """Three columns that both domains have tell the classes; each domain has others beside."""
    case = turned(per_class=0)
    rng = np.random.default_rng(1)
    X, y, sample_domain = join_blocks(rng.normal(size=(80, 2)), case.labels, rng.normal(size=(80, 3)))
    bridge = np.concatenate([case.source[:, :3], case.source[::-1, :3]])
    model = whole(name).fit(np.hstack([X, bridge]), y, sample_domain=sample_domain)
    found = model.predict(np.hstack([X, bridge])[80:])
    assert (found == case.labels[::-1]).mean() > 0.85


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry.kind == "map"])
def test_identical_domains_are_mapped_alike(turned, name):
    rows = turned().source
    X = np.concatenate([rows, rows])
    sample_domain = np.repeat([1, -1], 80)
    mapped = ENTRIES[name].load()().fit(X, np.tile(turned().labels, 2), sample_domain=sample_domain)
    out = mapped.transform(X, sample_domain=sample_domain)
    assert np.allclose(out[:80], out[80:], atol=1e-6 * np.abs(out).max())
