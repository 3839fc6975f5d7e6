import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from headstart.shallow.heterogeneous.blocks import find_blocks, join_blocks
from headstart.shallow.heterogeneous.cca import BridgeCCA
from headstart.shallow.heterogeneous.dama import DAMA
from headstart.shallow.heterogeneous.hfa import HFA
from headstart.shallow.shells.adapted import Adapted
from headstart.shallow.shells.labelled_only import LabelledOnly


def frames(case):
    source = pd.DataFrame(case.source, columns=[f"s{i}" for i in range(case.source.shape[1])])
    target = pd.DataFrame(case.target, columns=[f"t{i}" for i in range(case.target.shape[1])])
    return source.rename(columns={"s0": "age"}), target.rename(columns={"t0": "age"})


def test_joined_arrays_are_the_blocks_of_a_frame(turned):
    case = turned()
    X, y, sample_domain = case.joined()
    assert X.shape == (160, 13)
    assert np.isnan(X).sum() == 80 * 13
    blocks = find_blocks(X[sample_domain > 0], X[sample_domain < 0])
    assert blocks.source.tolist() == list(range(5))
    assert blocks.target.tolist() == list(range(5, 13))
    assert (y[80:][~case.known] == -1).all()
    assert (y[80:][case.known] == case.target_labels[case.known]).all()


def test_frames_share_columns_of_one_name(turned):
    source, target = frames(turned())
    X, y, sample_domain = join_blocks(source, turned().labels, target, turned().target_labels)
    model = DAMA().fit(X, y, sample_domain=sample_domain)
    assert X.shape == (160, 12)
    assert model.blocks_.shared == (pytest.approx([0]), pytest.approx([0]))
    assert model.bridge_ == "classes and 1 shared columns"


@pytest.mark.parametrize("model", [Adapted(transformer=DAMA()), HFA()])
def test_new_rows_may_come_in_the_whole_table_or_in_their_own_columns(turned, model):
    case = turned()
    X, y, sample_domain = case.joined()
    model.fit(X, y, sample_domain=sample_domain)
    assert np.array_equal(model.predict_proba(X[sample_domain < 0]), model.predict_proba(case.target))
    of_source = np.ones(80)
    whole = model.predict_proba(X[sample_domain > 0], sample_domain=of_source)
    assert np.array_equal(whole, model.predict_proba(case.source, sample_domain=of_source))
    mixed = model.predict_proba(X, sample_domain=sample_domain)
    assert np.allclose(mixed[80:], model.predict_proba(case.target))
    with pytest.raises(ValueError, match=r"7 features, but .* is expecting 13"):
        model.predict(case.target[:, :7])


def test_new_frames_may_have_the_targets_columns_only(turned):
    case = turned()
    source, target = frames(case)
    X, y, sample_domain = join_blocks(source, case.labels, target, case.target_labels)
    model = Adapted(transformer=DAMA()).fit(X, y, sample_domain=sample_domain)
    assert np.array_equal(model.predict_proba(target), model.predict_proba(X[sample_domain < 0]))


def test_a_pipeline_carries_the_joint_table(turned):
    import sklearn

    case = turned()
    X, y, sample_domain = case.joined()
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(DAMA(), LabelledOnly()).fit(X, y, sample_domain=sample_domain)
    assert (model.predict(case.target) == case.target_labels).mean() > 0.9


def test_a_missing_value_is_refused_by_row_and_column(turned):
    case = turned()
    X, y, sample_domain = case.joined()
    X[83, 7] = X[83, 9] = np.nan
    with pytest.raises(ValueError, match="Row 3 of the target rows holds NaN in column 7, 9, which the target has"):
        DAMA().fit(X, y, sample_domain=sample_domain)
    with pytest.raises(ValueError, match="Row 3 of the target rows holds NaN in column 7, 9"):
        Adapted(transformer=DAMA()).fit(X, y, sample_domain=sample_domain)


def test_missing_values_of_frames_are_refused_by_name(turned):
    case = turned()
    source, target = frames(case)
    model = DAMA().fit(*join_blocks(source, case.labels, target, case.target_labels))
    target.loc[2, ["t1", "t4"]] = np.nan
    with pytest.raises(ValueError, match=r"Row 2 .* NaN in column t1, t4, which the target has"):
        model.transform(target)


def test_source_rows_taken_for_target_rows_are_refused(turned):
    X, y, sample_domain = turned().joined()
    model = DAMA().fit(X, y, sample_domain=sample_domain)
    with pytest.raises(ValueError, match="Row 0 of the target rows holds NaN in column 5, 6, 7, 8, 9 and 3 more"):
        model.transform(X[sample_domain > 0])


def test_columns_of_nobody_and_domains_without_columns_are_refused(turned):
    X, y, sample_domain = turned().joined()
    with pytest.raises(ValueError, match="Column 13 is NaN in every row of both domains"):
        BridgeCCA().fit(np.column_stack([X, np.full(160, np.nan)]), y, sample_domain=sample_domain)
    X[80:] = np.nan
    with pytest.raises(ValueError, match="The target rows are NaN in every column"):
        BridgeCCA().fit(X, y, sample_domain=sample_domain)


def test_adapted_still_refuses_nan_for_other_maps(turned):
    X, y, sample_domain = turned().joined()
    with pytest.raises(ValueError, match="NaN"):
        Adapted().fit(X, y, sample_domain=sample_domain)
