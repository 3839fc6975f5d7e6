"""Generated bad inputs: success, or one sentence and exit code 2; no traceback, no hang, nothing left."""

import tempfile
from pathlib import Path

import hypothesis
import pytest
from calling import require_sentence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds import KINDS, TABLE, predictions

import headstart as hs

FEW, MANY = 5, 37
"""Inputs of each kind: in the fast suite, and (11 kinds, 407 in all) in the slow one."""


def examples(count: int) -> settings:
    return settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(hypothesis.Phase.generate,),
    )  # fmt: skip


def try_all(strategy, count: int, monkeypatch) -> None:
    @examples(count)
    @given(strategy)
    def one(case) -> None:
        with tempfile.TemporaryDirectory() as folder:
            monkeypatch.chdir(folder)
            arguments = case(Path(folder))
            require_sentence(arguments, Path(folder))
            monkeypatch.undo()

    one()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "t.csv").write_text(TABLE * 1)
    hs.pretrain(folder / "t.csv", network="headstart/tabular", out=folder / "run", epochs=1, budget="60s", quiet=True)
    return folder / "run"


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_of_every_kind(kind, monkeypatch):
    try_all(KINDS[kind], FEW, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_of_every_kind(kind, monkeypatch):
    try_all(KINDS[kind], MANY, monkeypatch)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_files_for_a_run(count, run, monkeypatch):
    try_all(st.deferred(lambda: predictions(run)), count, monkeypatch)
