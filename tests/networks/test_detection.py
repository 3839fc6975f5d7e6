"""Detection: average precision against a slow direct computation, labels in views, detectors and what they "
"hand back."""

import numpy as np
import pytest
import torch

from headstart.functional import detections as ap
from headstart.kinds.boxes import Boxes
from headstart.kinds.structured import objects
from headstart.networks import build
from headstart.networks.glyphs import glyphs_spec
from headstart.problem import Task
from headstart.tasks.base import draw
from headstart.tasks.detection import Detection
from headstart.tasks.detectors import DETECTORS, MOST

TASK = Task("detection", ("cell", "dust"), primary="map50")


def boxes(rows, size=(64, 64)):
    array = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    numbers = np.array([row[4] for row in rows], np.int64)
    amounts = tuple(np.bincount(numbers, minlength=2).tolist())
    return Boxes("p", size, array, numbers, amounts, array.tobytes())


def said(rows):
    found = np.zeros((MOST, 6), np.float32)
    found[:, 5] = -1
    found[: len(rows)] = np.array(rows).reshape(-1, 6)
    return found


@pytest.fixture
def logic():
    return Detection(TASK, 64, "fcos")


@pytest.fixture
def scenes():
    """Random boxes in eight pictures, and answers that are some of them moved, and some that are none."""
    random = np.random.default_rng(0)
    truths, answers = [], []
    for _ in range(8):
        corners = random.uniform(0, 40, (random.integers(0, 5), 2))
        true = [(*corner, *(corner + random.uniform(6, 24, 2)), int(random.integers(2))) for corner in corners]
        mine = [
            (*(np.array(box[:4]) + random.normal(0, 1.5, 4)), random.random(), box[4])
            for box in true
            if random.random() < 0.8
        ]
        others = random.uniform(0, 40, (random.integers(0, 4), 2))
        mine += [(*corner, *(corner + 9), random.random(), int(random.integers(2))) for corner in others]
        truths.append(boxes(true))
        answers.append(said(sorted(mine, key=lambda row: -row[4])))
    return np.stack(answers), objects(truths)


def overlap_of(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height)


def slow_map(truths, answers, thresholds):
    """Average precision from its definition, over a list of pictures that may hold one twice."""
    found = []
    for number in range(2):
        total = sum(int((truth.numbers == number).sum()) for truth in truths)
        for threshold in thresholds if total else []:
            rows = []
            for truth, answer in zip(truths, answers, strict=True):
                left = [box for box, n in zip(truth.boxes, truth.numbers, strict=True) if n == number]
                for row in [row for row in answer if row[5] == number]:
                    values = [overlap_of(row.astype(float).clip(0, 64), box.astype(float)) for box in left]
                    hit = bool(values) and max(values) >= threshold
                    if hit:
                        left.pop(int(np.argmax(values)))
                    rows.append((float(row[4]), hit))
            rows.sort(key=lambda row: -row[0])
            hits = np.cumsum([hit for _, hit in rows])
            precision = hits / np.arange(1, len(rows) + 1)
            recall = hits / total
            found.append(
                np.mean([precision[recall >= r].max() if (recall >= r).any() else 0 for r in np.linspace(0, 1, 101)])
            )
    return float(np.mean(found))


def test_average_precision_is_that_of_a_slow_direct_computation(logic, scenes):
    answers, labels = scenes
    found = logic.metrics(answers, labels)
    assert next(iter(found)) == "map50"
    assert 0.2 < found["map50"] < 1
    assert found["map50"] == pytest.approx(slow_map(labels, answers, [0.5]))
    assert found["map"] == pytest.approx(slow_map(labels, answers, ap.THRESHOLDS))
    assert found["map75"] == pytest.approx(slow_map(labels, answers, [0.75]))


def test_a_draw_of_pictures_counts_each_as_often_as_it_was_drawn(logic, scenes):
    answers, labels = scenes
    measure = logic.over_rows(answers, labels)
    for seed in range(5):
        rows = np.random.default_rng(seed).integers(8, size=8)
        assert measure(rows) == pytest.approx(slow_map(labels[rows], answers[rows], [0.5]))
    assert measure(np.array([int(np.argmin([len(label.boxes) for label in labels]))])) >= 0


def test_boxes_of_other_sizes_neither_count_nor_cost(logic):
    true = [(0, 0, 60, 60, 0), (2, 2, 12, 12, 0)]
    answer = said([(0, 0, 60, 60, 0.9, 0), (2, 2, 12, 12, 0.8, 0), (40, 40, 50, 50, 0.7, 0)])
    labels = objects([boxes(true)])
    found = logic.metrics(answer[None], labels)
    assert (found["map_small"], found["map_medium"]) == (1.0, 1.0)
    assert "map_large" not in found  # no true box is so large
    wrong = logic.metrics(said([(40, 40, 50, 50, 0.95, 0), (2, 2, 12, 12, 0.8, 0)])[None], labels)
    assert wrong["map_small"] == pytest.approx(0.5)
    assert wrong["map_medium"] == 0


def test_f1_of_a_picture_asks_for_confidence_and_class(logic):
    labels = objects([boxes([(0, 0, 20, 20, 0), (30, 30, 50, 50, 1)]), boxes([])])
    answers = np.stack([
        said([(0, 0, 20, 20, 0.9, 0), (30, 30, 50, 50, 0.8, 0), (30, 30, 50, 50, 0.4, 1)]), said([(0, 0, 9, 9, 0.3, 0)])
    ])  # fmt: skip
    assert logic.scores(answers, labels).tolist() == [0.5, 1.0]
    assert logic.ranked(answers, labels).tolist() == [0]
    told = logic.told(answers[0], labels[0])
    assert told == {"label": "1 cell, 1 dust", "prediction": "2 cell; F1 50.0%"}
    table = logic.by_class(answers, labels)
    assert [row["recall"] for row in table["rows"]] == [1.0, 0.0]
    assert table["rows"][0]["precision"] == 0.5
    assert logic.metrics(*[logic.constant(labels, 2)[1], labels])["map50"] == 0


def test_a_view_shows_the_boxes_that_it_shows(logic):
    preprocess = build(glyphs_spec()).preprocess.whole(64)
    label = boxes([(0, 0, 32, 16, 0), (50, 20, 62, 30, 1)], size=(32, 64))
    plain = logic.target(label, preprocess, None)
    assert plain["boxes"].tolist() == label.boxes.tolist()
    seen = [logic.target(label, preprocess, seed) for seed in range(30)]
    assert {len(one["labels"]) for one in seen} == {1, 2}
    for one in seen:
        assert ((one["boxes"] >= 0) & (one["boxes"] <= 64)).all()
    back = logic.found_in(said([(0, 0, 32, 16, 1, 0)]), (64, 128))
    assert back.boxes.tolist() == [[0, 0, 64, 32]]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_learns_draws_itself_and_says_boxes(name):
    logic = Detection(TASK, 64, name)
    network = logic.adapt(build(glyphs_spec()))
    head = logic.head_of(network)
    before = {key: value.clone() for key, value in head.state_dict().items()}
    torch.manual_seed(1)
    network.head = draw(head)
    again = logic.head_of(network)
    torch.manual_seed(1)
    draw(again)
    assert all(torch.equal(again.state_dict()[key], value) for key, value in network.head.state_dict().items())
    moved = [key for key, value in network.head.state_dict().items() if not torch.equal(before[key], value)]
    biases = {key for key in before if key.endswith("bias") or "1.weight" in key}
    assert set(before) - set(moved) <= biases | {key for key in before if "head" in key}
    y = [{"boxes": torch.tensor([[4.0, 4.0, 40.0, 40.0]]), "labels": torch.tensor([1])},
         {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}]  # fmt: skip
    x = torch.randn(2, network.preprocess.channels, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    loss = logic.loss(network.train()(x), y)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in network.head.pyramid.parameters())
    with torch.no_grad():
        found = network.eval()(x)
    assert found.shape == (2, MOST, 6)
    assert set(found[..., 5].unique().tolist()) <= {-1.0, 0.0, 1.0}


def test_exported_boxes_are_compared_whatever_their_order(logic):
    rows = [[1, 2, 20, 30, 0.9, 0], [5, 5, 9, 9, 0.6, 1], [40, 40, 50, 60, 0.06, 1]]
    first, second = (said(some)[None].astype(float) for some in (rows, [rows[1], rows[0], rows[2]]))
    assert logic.apart(first, second) == 0
    second[0, 1, 2] += 0.64
    assert logic.apart(first, second) == logic.apart(second, first) == pytest.approx(0.01, rel=1e-4)
    first[0, 2, 5] = -1
    assert logic.apart(first, second) == pytest.approx(0.01, rel=1e-4), "what is hardly shown may come and go"
    second[0, 1, 5] = 1
    assert logic.apart(first, second) == pytest.approx(0.9 - 0.05, rel=1e-4), "another class is another box"
    assert logic.apart(said([])[None], said([])[None]) == 0
    assert logic.apart(said([])[None], second) == logic.apart(second, said([])[None]) == pytest.approx(0.85, rel=1e-4)
