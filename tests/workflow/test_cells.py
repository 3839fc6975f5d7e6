"""Prediction files that a spreadsheet opens: what it would run is text, and numbers stay numbers."""

from __future__ import annotations

import csv
import io

import pytest

from headstart.workflow import predict
from headstart.workflow.cells import protected

CLASSES = ("=cmd|' /C calc'!A0", "-1", "@sum", "ok")


@pytest.mark.parametrize(
    "text", ["=1", "+cmd", "-cmd", "@x", "\tx", "\r=1", "\n=1", " =1", "-", "+", "-1-1", "--1", "=1e5"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert protected(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-1", "+1.5", "-.5", "-1e-7", -1.5, -3, "1=1", "a-b", "", "'=1"])
def test_numbers_and_plain_words_stay(cell):
    assert protected(cell) == str(cell)


def records(prediction):
    names = ["=evil.png", "+1", "fine.png", "-x.png"]
    return [{"name": name, "prediction": prediction(place), "p(ok)": -0.5} for place, name in enumerate(names)]


def test_names_and_classes_are_protected_and_it_is_said(capsys):
    rows = list(csv.reader(io.StringIO(predict._csv(predict._safe(records(lambda place: CLASSES[place]))))))
    assert rows[1:] == [
        ["'=evil.png", "'" + CLASSES[0], "-0.5"],
        ["+1", "-1", "-0.5"],
        ["fine.png", "'@sum", "-0.5"],
        ["'-x.png", "ok", "-0.5"],
    ]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "character: 4;" in told


def test_label_sets_and_values_and_headers(capsys):
    sets = predict._csv(predict._safe(records(lambda place: ["-1", "=x"])))
    assert "'-1|=x" in sets
    values = predict._csv(predict._safe([{"name": "a", "prediction": [-1.5, 2.0], "=y": -1.5, "z": 2.0}]))
    rows = list(csv.reader(io.StringIO(values)))
    assert rows[0] == ["name", "prediction", "'=y", "z"]
    assert [float(cell) for cell in rows[1][2:]] == [-1.5, 2.0]
