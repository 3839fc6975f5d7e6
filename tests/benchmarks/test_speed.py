"""The measurements compare like with like."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import speed, speed_across


def test_the_bare_loop_trains_the_same_weights_as_the_engine():
    row = speed.loop_cost("tiny", speed.glyphs_network, (1, 32, 32), 8)
    assert "same weights bit for bit" in row.detail
    assert row.ratio > 0


def test_pictures_are_drawn_and_read_back(tmp_path):
    from headstart.data import open_data

    speed.draw_pictures(tmp_path, 4)
    dataset = open_data(str(tmp_path))
    assert len(dataset) == 4
    assert dataset.task.classes == speed.CLASSES


def test_batch_norm_alone_learns_in_the_body_that_is_compared_with():
    network = speed.leave_batch_norm_trainable(speed.torchvision_network("mobilenet_v2"))
    learning = {type(m) for m in network.stages.modules() for p in m.parameters(recurse=False) if p.requires_grad}
    assert learning == {torch.nn.BatchNorm2d}


def test_both_formulations_of_mk_mmd_agree():
    ratio, detail = speed_across.mk_mmd_cost(n=12, d=5, rounds=1)
    assert ratio > 0
    assert float(detail.rpartition(" ")[2]) < 1e-5


def test_a_step_of_dann_is_paired_with_a_bare_one():
    x, y = speed.noise(32, (1, 32, 32))
    ratio, detail = speed_across.dann_cost(speed.glyphs_network, x, y, speed.LOGIC, batch_size=8, steps=4)
    assert ratio > 0
    assert detail.endswith("2 pairs")
