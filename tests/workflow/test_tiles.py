"""Large pictures are learned from by tiles; whole pictures choose and judge."""

import numpy as np
import pytest
import torch
from PIL import Image

import headstart as hs
from headstart.data.scenes.tiles import tiled, tiles_of
from headstart.engine import cache
from headstart.networks import open_source
from headstart.tasks import create_task
from headstart.workflow.arms.tiles import learned_from, tiles_per_picture
from headstart.workflow.arms.workbench import Workbench, start_processes
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.costs import Speed
from headstart.workflow.planning.facts import Facts, by_tiles


def write(root, n=4, width=80, height=60):
    """Write pictures in which every pixel tells its place, and masks of their right halves."""
    down, across = np.mgrid[:height, :width]
    for number in range(n):
        picture = np.stack([across, down, np.full_like(across, number)], axis=-1).astype(np.uint8)
        mask = np.where(across >= width // 2, 255, 0).astype(np.uint8)
        for folder, content in (("images", picture), ("masks", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(root / folder / f"{number}.png")
    return root


def bench_of(data, size):
    options = FitOptions(source="headstart/glyphs", size=size, head="fpn")
    return Workbench.create(data, open_source("headstart/glyphs"), options, start_processes(None), None)


def test_tiles_cover_a_picture_and_keep_its_scale():
    for height, width, size, tile in ((300, 1000, 1000, 512), (2000, 1500, 1024, 512), (700, 700, 640, 512)):
        boxes = tiles_of(height, width, size, tile)
        covered = np.zeros((height, width), bool)
        for left, top, right, bottom in boxes:
            covered[top:bottom, left:right] = True
            assert max(right - left, bottom - top) == pytest.approx(tile * max(height, width) / size, abs=1)
        assert covered.all()


def test_a_tile_is_a_sample_with_its_part_of_the_mask(tmp_path):
    data = hs.open(write(tmp_path))
    parts = tiled(data, np.array([1, 3]), 80, 40)
    assert len(parts) == 8
    box = (40, 20, 80, 60)
    (raw,), (label,) = parts.raw([7]), parts.labels([7])
    pixels = np.asarray(raw)
    assert pixels[0, 0].tolist() == [40, 20, 3]
    assert pixels[-1, -1].tolist() == [79, 59, 3]
    assert label.size == (40, 40) == pixels.shape[:2]
    assert (label.read() == 1).all()
    assert (parts.labels([4])[0].read() == 0).all()
    assert str(box[0]) in parts.names([7])[0]
    assert len(set(parts.hashes(np.arange(8)))) == 8
    assert len({one.digest for one in parts.labels(np.arange(8))}) == 4  # both masks are alike


def test_batches_hold_tiles_where_the_canvas_is_large_and_whole_pictures_elsewhere(tmp_path):
    data = hs.open(write(tmp_path))
    small = bench_of(data, 64)
    with learned_from(small, small.network(pretrained=False, seed=0), np.arange(4)) as (same, rows):
        assert same is data
        assert rows.tolist() == [0, 1, 2, 3]
    assert tiles_per_picture(small) == 1
    bench = bench_of(data, 576)
    network = bench.network(pretrained=False, seed=0)
    assert bench.logic.tile == 512
    with learned_from(bench, network, np.array([2])) as (parts, rows):
        targets = bench.targets(network, rows, dataset=parts)
        picture = bench.fetch(network, rows, cut=0, dataset=parts)(np.array([0]), 0)
        assert network.preprocess.size == 512
    assert network.preprocess.size == 576
    assert picture.shape[-2:] == (512, 512)
    assert targets.make(0, 0).shape == (512, 512)
    assert tiles_per_picture(bench) == len(parts) == 2
    assert bench.fetch(network, np.array([0]), cut=0)(np.array([0]), 0).shape[-2:] == (576, 576)


def test_a_plan_counts_tiles_and_says_how_pictures_enter(tmp_path):
    facts = Facts(10, 10, True, 1, 1, "", Speed(0.1, 0.1), n_validation=4, n_test=3, inner=2)
    counted = by_tiles(facts, 4.0)
    assert (counted.n_train, counted.n_validation, counted.n_test, counted.inner) == (40, 16, 12, 8)
    assert by_tiles(facts, 1.0) is facts
    data = hs.open(write(tmp_path, width=1000, height=20))
    labels = data.labels(np.arange(4))
    task = create_task(data.task, labels)
    assert any("--size 992 keeps more" in line for line in hs.describe(data).lines())
    (said,) = task.configured({"size": 1024}).noted(labels)
    assert "by tiles of 512; choice and verdict are of whole pictures" in said
    assert not task.configured({"size": 512, "head": None}).noted(labels[:0])


@pytest.mark.slow
def test_a_large_canvas_is_learned_from_by_tiles_and_judged_whole(tmp_path):
    run = hs.fit(
        write(tmp_path / "data", n=4), source="headstart/glyphs", size=544, head="fpn", epochs=1, depth="1", views=1,
        batch_size=4, arms="chosen", out=tmp_path / "run", quiet=True, test=write(tmp_path / "test", n=2),
    )  # fmt: skip
    assert run.arms["finetune"]["n_test"] == 2
    assert run.result["plan"]["steps"] == 4 * 2 / 4  # two tiles a picture, four a batch


@pytest.mark.slow
def test_states_that_are_kept_of_few_rows_only_are_kept_of_none(tmp_path, monkeypatch):
    data = hs.open(write(tmp_path / "data", n=16))
    network = bench_of(data, 64).network(pretrained=True, seed=0)
    each = cache.state_bytes(network, 2, data, np.arange(1), views=1, carry=True)
    for name in ("LIMIT", "IN_MEMORY"):
        monkeypatch.setattr(cache, name, 5 * each)
    options = {"source": "headstart/glyphs", "size": 64, "head": "fpn", "epochs": 1, "batch_size": 4, "views": 1}
    run = hs.fit(data, **options, depth="3", arms="chosen", out=tmp_path / "run", quiet=True)
    assert run.arms["finetune"]["test"]["iou"] > 0
    assert torch.isfinite(next(run.model.network.parameters())).all()
