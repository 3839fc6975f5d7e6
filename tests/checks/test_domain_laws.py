"""The laws of methods across domains, over the whole catalogue; the rooms' tests do not run them again."""

from __future__ import annotations

from functools import partial
from importlib import import_module

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from headstart.catalogue import DOMAIN_KINDS, METHODS
from headstart.checks.domains import check_blind, check_domain_method, check_weights, make_case
from headstart.shallow.heads.ridge import TunedRidge
from headstart.shallow.heads.tuned import TunedLogistic
from headstart.shallow.predictors import DomainClassifier
from headstart.shallow.shells.adapted import Adapted

HOMOGENEOUS = [entry for entry in METHODS if entry.space == "homogeneous"]
FOREST, VALUES = (make(5, random_state=0) for make in (RandomForestClassifier, RandomForestRegressor))
SMALLER = {
    "TransferredForestClassifier": {"estimator": FOREST},
    "TransferredForestRegressor": {"estimator": VALUES},
    "StackedSourcesClassifier": {"estimators": (TunedLogistic(strengths=(0.01,)), FOREST)},
    "StackedSourcesRegressor": {"estimators": (TunedRidge(), VALUES)},
    "TwoStageTrAdaBoostR2": {"steps": 3, "rounds": 3, "folds": 3},
}
"""The laws are of any number of trees and rounds."""


def smaller(method):
    return partial(method, **SMALLER.get(getattr(method, "__name__", ""), {}))


@pytest.mark.parametrize("entry", [e for e in HOMOGENEOUS if e.kind == "weights"], ids=lambda e: e.name)
def test_weights_obey_the_laws(entry):
    check_weights(entry.load())


@pytest.mark.parametrize("entry", [e for e in HOMOGENEOUS if e.kind in {"map", "predictor"}], ids=lambda e: e.name)
def test_methods_obey_the_laws(entry):
    check_domain_method(smaller(entry.load()))


@pytest.mark.parametrize("entry", [e for e in HOMOGENEOUS if e.regressor], ids=lambda e: e.name)
def test_regressors_obey_the_laws(entry):
    module, name = entry.regressor.split(":")
    check_domain_method(smaller(getattr(import_module(module), name)))


def test_source_only_obeys_the_laws():
    check_domain_method(Adapted)


def test_every_kind_is_known():
    assert {e.kind for e in METHODS} >= DOMAIN_KINDS


class Peeping(DomainClassifier):
    """Predicts the true labels that stand behind the mask, as a leaking method would."""

    leaked: np.ndarray

    def _learn(self, domains):
        self.learned_ = True

    def _outputs(self, rows, is_source):
        return np.eye(3)[type(self).leaked[: len(rows)]]


def test_a_method_that_reads_masked_labels_is_found_out(monkeypatch):
    case = make_case("classification")
    seen = type(case).seen

    def spy(self):
        Peeping.leaked = self.y[self.sample_domain < 0]
        return seen(self)

    monkeypatch.setattr(type(case), "seen", spy)
    with pytest.raises(AssertionError, match="masked label"):
        check_blind(Peeping, case)
