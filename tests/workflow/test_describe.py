import numpy as np
import pytest

import headstart as hs
from headstart.errors import UserError
from headstart.workflow.shift import measure_shift


def test_a_target_with_a_source_is_classified_and_its_shift_measured(digits_folder):
    description = hs.describe(digits_folder, source="headstart/glyphs")
    assert (description.setting.scenario, description.setting.space) == ("inductive", "homogeneous")
    assert description.shift.auc > 0.9
    text = "\n".join(description.lines())
    for word in ("Scenario", "Feature space", "Carried over", "AUC"):
        assert word in text


def test_without_labels_the_scenario_is_transductive(digits_folder):
    description = hs.describe(digits_folder / "test" / "1", source="headstart/glyphs", label="none")
    assert description.dataset.task is None
    assert description.setting.scenario == "transductive"
    assert description.to_json()["task"] is None


def test_unlabelled_data_of_unknown_kind_are_refused(table_file):
    with pytest.raises(UserError, match="--modality"):
        hs.describe(table_file, label="none")


def test_the_same_domain_is_close_and_another_is_far():
    rng = np.random.default_rng(0)
    one, same, other = rng.normal(size=(120, 5)), rng.normal(size=(120, 5)), rng.normal(3, 1, size=(120, 5))
    near, far = measure_shift(one, same), measure_shift(one, other)
    assert near.interval[0] < 0.5 < near.interval[1]
    assert "close" in near.words
    assert far.auc > 0.95
    assert far.p < 0.01 < near.p
