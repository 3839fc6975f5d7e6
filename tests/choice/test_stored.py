"""Array models in safe files: every method comes back with equal answers."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import is_regressor
from stored_cases import FOREST, VALUES, answers, kept

from headstart import catalogue
from headstart.catalogue.entry import Entry
from headstart.choice.candidates import NEAREST, Candidate
from headstart.choice.choosing import race_and_select
from headstart.choice.joint.body import Layers, Units
from headstart.choice.joint.face import JointClassifier
from headstart.choice.kept import Kept, keep
from headstart.choice.racing import fitted
from headstart.choice.stored import load_estimator, refuse_unkept, save_estimator
from headstart.choice.stored.table import CLASSES, class_of, may_have
from headstart.errors import UserError
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic

DOMAIN_METHODS = [entry for entry in catalogue.METHODS if entry.kind in catalogue.DOMAIN_KINDS]
FEW_TREES = {
    ("transferred_forest", False): {"estimator": FOREST},
    ("transferred_forest", True): {"estimator": VALUES},
    ("stacked_sources", False): {"estimators": (FOREST, TunedLogistic())},
    ("stacked_sources", True): {"estimators": (VALUES, TunedRidge())},
}


class Itself(Candidate):
    """A method that has one face only."""

    def __init__(self, entry):
        super().__init__(entry.name)

    def build(self, **_):
        return catalogue.get(self.method).load()()


def again(model, folder):
    save_estimator(model, folder)
    return load_estimator(folder)


@pytest.mark.parametrize("entry", DOMAIN_METHODS, ids=lambda entry: entry.name)
def test_every_method_comes_back_with_equal_answers(entry, grounds, tmp_path):
    made = 0
    for regression, place in grounds.items():
        if entry.answers_unknown and not regression:
            place = place._replace(n_classes=place.n_classes + 1)
        values_only = entry.kind == "predictor" and is_regressor(entry.load()())
        if values_only and not regression:
            continue
        one = Candidate(entry.name, FEW_TREES.get((entry.name, regression)))
        try:
            model = fitted(Itself(entry) if values_only else one, place.domains, place)
        except ValueError:  # for classes only
            continue
        one = kept(model, place)
        assert np.array_equal(answers(one), answers(again(one, tmp_path / str(regression))))
        made += 1
    assert made


def test_a_model_of_pictures_from_before_they_were_normalised_still_answers_as_it_did(tmp_path):
    rng = np.random.default_rng(0)
    sizes = [(4, 1, 5, 5), (4, 4, 5, 5), (6, 16), (3, 6)]
    before = Layers(tuple(rng.normal(size=size) for size in sizes), tuple(rng.normal(size=size[0]) for size in sizes))
    model, rows = JointClassifier(grid=(1, 8, 8)), rng.normal(size=(5, 64))
    model.layers_, model.units_ = before, Units.of_pictures(rows, (1, 8, 8))
    model.classes_, model.n_features_in_ = np.arange(3), 64
    expected = again(Kept(model=model, n_classes=3), tmp_path).model._answers(rows)
    file = next(tmp_path.glob("*.json"))
    value = json.loads(file.read_text())
    for node in value["nodes"]:
        if node.get("class") == "headstart.choice.joint.body:Layers":
            assert node["values"].pop("groups") == 0
    file.write_text(json.dumps(value))
    assert np.array_equal(load_estimator(tmp_path).model._answers(rows), expected)
    model.layers_ = before._replace(groups=2)
    assert not np.allclose(again(Kept(model=model), tmp_path / "normed").model._answers(rows), expected)
    for wrong in (3, -1, "2"):
        with pytest.raises(ValueError, match="cannot be normalised"):
            before._replace(groups=wrong).outputs(rows.reshape(5, 1, 8, 8))


@pytest.mark.parametrize("regression", [False, True])
def test_everything_that_a_race_hands_back_comes_back(regression, grounds, tmp_path):
    candidates = ["coral", "jdot"] if regression else ["coral", "self_training"]
    data = grounds[regression]
    selection = race_and_select(data.domains, n_classes=data.n_classes, candidates=candidates)
    names = {one.name for one in selection.finished}
    assert {"source_only", "target_only", "pooled", "blend", "stacked"} <= names
    assert regression or "smoothed" in names
    for one in selection.finished:
        model = keep(one, selection.data)
        assert np.array_equal(answers(model), answers(again(model, tmp_path / one.name)))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_nearest_neighbours_of_dense_and_of_sparse_rows_come_back(form, grounds, tmp_path):
    place = grounds[False]
    domains = place.domains._replace(source=form(place.domains.source), target=form(place.domains.target))
    one = kept(fitted(Candidate(NEAREST), domains, place), place)
    assert np.array_equal(answers(one), answers(again(one, tmp_path)))


def test_what_cannot_be_kept_is_refused_and_nothing_is_written(tmp_path):
    class Strange(Kept):
        pass

    for model in (Strange(), Kept(model=os.system), Kept(model={1: 2}), Kept(model=np.array([object()]))):
        with pytest.raises(UserError, match=r"cannot keep|can keep"):
            save_estimator(model, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_method_that_cannot_be_kept_is_refused_before_training():
    for entry in DOMAIN_METHODS:
        refuse_unkept(entry)
    with pytest.raises(UserError, match=r"--method new .* cannot keep"):
        refuse_unkept(Entry("new", "New", "headstart.choice.auto:AutoAdaptClassifier", (), kind="predictor"))


def test_no_class_of_the_table_lets_a_file_replace_a_method():
    methods = {
        path for entry in DOMAIN_METHODS for path in (entry.path, entry.regressor) if path and entry.kind != "weights"
    }
    for name in {*CLASSES, *methods}:
        cls = class_of(name)
        assert isinstance(cls, type)
        for attribute in (
            "predict",
            "fit",
            "_outputs",
            "__class__",
            "__dict__",
            "__reduce__",
            "__setstate__",
            "answer",
        ):
            assert not may_have(name, attribute)
