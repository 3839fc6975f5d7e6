"""The contract of trained methods, proved by eight that need all of it: trained, killed, resumed, saved and loaded."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from cases import CASES, source_weights
from protonet import ProtoNet
from simclr import SimCLR

from headstart.checks import check_method
from headstart.deep.method import Method
from headstart.errors import UserError
from headstart.networks import load_network, save_network
from headstart.storage import checksum

KILLED_AT = 11


def killed(name: str, path: Path) -> None:
    """Train until a step in the middle of an epoch, and be killed there."""

    def kill(record: dict) -> None:
        if record["step"] == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    CASES[name]().train(path, kill, every=0)


BUILT_IN = {"dann", "detection", "mcd", "mean_teacher", "protonet", "shot", "simclr"}
"""Proofs of a kind that the package has by now, with tests of its own."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in BUILT_IN else name for name in CASES]
)
def test_it_trains_is_killed_resumed_saved_and_loaded(name: str, tmp_path: Path) -> None:
    source_weights()
    case = CASES[name]()
    before = case.evaluate(case.network)["score"]
    whole = case.train()
    best = max(record["validation_score"] for record in whole.history)
    assert best > max(before, case.above), (before, [record["validation_score"] for record in whole.history])

    process = get_context("fork").Process(target=killed, args=(name, tmp_path / "training.safetensors"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    steps: list[int] = []
    again = CASES[name]().train(tmp_path / "training.safetensors", lambda record: steps.append(record["step"]))
    assert min(steps) == KILLED_AT
    assert checksum(again.network.state_dict()) == checksum(whole.network.state_dict())
    for told in ("train_loss", "terms", "measures"):
        assert [record.get(told) for record in again.history] == [record.get(told) for record in whole.history]

    network = again.network.eval()
    save_network(network, case.logic, tmp_path / "model")
    loaded, _ = load_network(tmp_path / "model", case.logic)
    loaded.entry = network.entry
    with torch.no_grad():
        assert torch.equal(network(case.inputs), loaded(case.inputs))
        assert torch.equal(network.features(case.inputs), loaded.features(case.inputs))


@pytest.mark.parametrize("name", sorted({*CASES} - {"shot", "mean_teacher", "dann", "mcd"}))
def test_each_proof_is_short(name: str) -> None:
    path = Path(__file__).parent / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


@pytest.mark.parametrize("method", [SimCLR, ProtoNet])
def test_each_method_obeys_the_laws(method: type[Method]) -> None:
    check_method(method, turn=0)


def test_a_head_is_made_by_its_task_alone_and_never_reads_what_a_cut_left_behind(tmp_path: Path) -> None:
    case = CASES["detection"]()
    assert (case.network.last_cut, CASES["tagging"]().network.last_cut, CASES["dann"]().network.last_cut) == (1, 1, 3)
    save_network(case.network, case.logic, tmp_path)
    with pytest.raises(UserError, match="a task of its own"):
        load_network(tmp_path)
    case.network.entry = 2
    with pytest.raises(ValueError, match="left behind"):
        case.network(case.inputs)
