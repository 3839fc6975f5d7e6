"""Rows, models and answers that the tests of kept models share."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from headstart.choice.candidates import Candidate
from headstart.choice.kept import keep
from headstart.choice.racing import Result, prepare
from headstart.shallow.domains import Domains

NEW = np.random.default_rng(0).normal(size=(12, 4))
FOREST, VALUES = RandomForestClassifier(3, random_state=0), RandomForestRegressor(3, random_state=0)


def data(regression):
    n = 30
    classes = np.arange(n) % 3
    rows = np.random.default_rng(1).normal(size=(n, 4)) + 2 * np.eye(4)[classes]
    labels = rows @ np.array([1.0, 2.0, 0.0, -1.0]) if regression else classes
    hidden = np.full(n, np.nan) if regression else np.full(n, -1)
    hidden[:9] = labels[:9]
    numbers = np.repeat([1, 2], n // 2)
    return prepare(Domains(rows, labels, rows + 0.5, hidden, numbers), n_classes=0 if regression else 3)


def kept(model, place):
    return keep(Result(Candidate("one"), model, None, None, {}, 0.0, ""), place)


def answers(model):
    return model.predict_proba(NEW) if model.n_classes else model.predict(NEW)
