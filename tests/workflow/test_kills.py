"""Killed at any operation on a file, resumed, killed again and resumed: the same bits, and nothing left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("kill_job.py")


def killed(root, *verbs):
    done = subprocess.run([sys.executable, str(JOB), str(root), *verbs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_a_few_kills(tmp_path, in_a_copy):
    code, said, failed = in_a_copy(JOB, tmp_path / "root", "pretrain=2")
    assert code == 0, failed[-3000:]
    cases = [json.loads(line) for line in said.splitlines()]
    assert len(cases) == 2
    assert [case for case in cases if case["wrong"]] == []
    assert sum(case["killed"] for case in cases) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "kills"),
    [
        ("fit", 30),
        ("pretrain", 20),
        ("across", 16),
        ("replace", 14),
        ("export", 10),
        ("describe", 10),
        ("tasks", 6),
        ("joined", 3),
        ("zero", 4),
        ("episodes", 4),
        ("pairs", 4),
        ("drawn", 3),
    ],
)
def test_a_hundred_kills(tmp_path, verb, kills):
    cases = killed(tmp_path / "root", f"{verb}={kills}")
    assert len(cases) == kills
    assert [case for case in cases if case["wrong"]] == []
    assert sum(case["killed"] for case in cases) >= kills
