"""Segmentation: its loss and metrics against slow direct ones, labels that follow their pictures, and its heads."""

import numpy as np
import pytest
import torch
from PIL import Image

from headstart import UserError
from headstart.functional import overlap
from headstart.functional.placement import plain_placement
from headstart.kinds.masks import IGNORED, Mask
from headstart.kinds.structured import objects
from headstart.networks import build
from headstart.networks.glyphs import glyphs_spec
from headstart.networks.scene_preprocess import ScenePreprocess
from headstart.networks.timm_family import timm_spec
from headstart.networks.torchvision_family import torchvision_spec
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.tasks.decoders import DECODERS
from headstart.tasks.segmentation import Segmentation

TASK = Task("segmentation", ("sky", "road", "tree"))


def mask(pixels):
    pixels = np.asarray(pixels, np.uint8)
    amounts = tuple(int((pixels == number).sum()) for number in range(3))
    return Mask("m", pixels.shape, amounts, pixels.tobytes(), lambda: pixels)


@pytest.fixture
def logic():
    return Segmentation(TASK, 64, "unet")


def test_the_loss_is_cross_entropy_and_dice_by_the_letter(logic):
    random = torch.Generator().manual_seed(0)
    outputs = torch.randn(2, 3, 4, 5, generator=random)
    truth = torch.randint(0, 2, (2, 4, 5), generator=random)
    truth[0, 0, :2] = -1
    found = 0.0
    for i in range(2):
        cross, places = 0.0, 0
        both, sizes = np.zeros(3), np.zeros(3)
        for row in range(4):
            for column in range(5):
                c = int(truth[i, row, column])
                if c < 0:
                    continue
                p = outputs[i, :, row, column].softmax(0).numpy()
                cross, places = cross - np.log(p[c]), places + 1
                both[c] += p[c]
                sizes += p
                sizes[c] += 1
        there = [c for c in range(3) if (truth[i] == c).any()]
        found += cross / places + np.mean([1 - 2 * both[c] / sizes[c] for c in there])
    assert float(logic.loss(outputs, list(truth))) == pytest.approx(found / 2, rel=1e-5)
    one = logic.loss(outputs, list(truth), torch.tensor([1.0, 0.0]))
    assert float(one) == pytest.approx(float(logic.loss(outputs[:1], [truth[0]])) / 2, rel=1e-5)


def test_scores_are_those_of_a_slow_count_in_the_pictures_own_pixels(logic):
    random = np.random.default_rng(0)
    truths = [random.integers(0, 3, (40, 64)), np.kron(random.integers(0, 2, (16, 12)), np.ones((8, 8), int))]
    truths[0][:3] = IGNORED
    said = random.integers(0, 3, (2, 64, 64)).astype(np.uint8)
    labels = objects([mask(one) for one in truths])
    expected, total = [], np.zeros((3, 3))
    for truth, answer in zip(truths, said, strict=True):
        height, width = truth.shape
        placed = plain_placement(64, width, height)
        counts = np.zeros((3, 3))
        for row in range(height):
            for column in range(width):
                if truth[row, column] != IGNORED:
                    y, x = int((row + 0.5) * placed.down / height), int((column + 0.5) * placed.across / width)
                    counts[truth[row, column], answer[y, x]] += 1
        total += counts
        either = counts.sum(0) + counts.sum(1) - np.diag(counts)
        expected.append(np.mean([counts[c, c] / either[c] for c in range(3) if either[c]]))
    np.testing.assert_allclose(logic.scores(said, labels), expected)
    found = logic.metrics(said, labels)
    assert next(iter(found)) == "iou"
    assert found["iou"] == pytest.approx(np.mean(expected))
    assert found["pixel_accuracy"] == pytest.approx(np.trace(total) / total.sum())
    assert found["dice"] == pytest.approx(np.mean(2 * np.diag(total) / (total.sum(0) + total.sum(1))))
    assert logic.over_rows(said, labels)(np.array([1, 1])) == pytest.approx(expected[1])


def test_a_perfect_answer_scores_one_and_is_no_mistake(logic):
    truth = np.kron([[0, 1], [2, 0]], np.ones((32, 32), int))
    labels, said = objects([mask(truth)]), truth[None].astype(np.uint8)
    assert set(logic.metrics(said, labels).values()) == {1.0}
    assert len(logic.ranked(said, labels)) == 0
    assert logic.told(said[0], labels[0])["prediction"].endswith("IoU 100.0%")
    assert logic.evaluated(torch.from_numpy(said), labels) == {"loss": 0.0, "score": 1.0}


def test_boundaries_count_as_one_within_the_tolerance():
    truth, near, far = (np.zeros((200, 200), np.uint8) for _ in range(3))
    truth[50:150, 50:150], near[52:152, 50:150], far[60:160, 50:150] = 1, 1, 1
    assert overlap.boundary_f1(overlap.boundary_counts(truth, near, 2)).tolist() == [1.0, 1.0]
    assert overlap.boundary_f1(overlap.boundary_counts(truth, far, 2))[1] < 0.75
    counts = overlap.boundary_counts(truth, np.zeros_like(truth), 2)
    assert overlap.boundary_f1(counts)[1] == 0
    assert np.isnan(overlap.boundary_f1(overlap.boundary_counts(truth * 0, truth * 0, 3))[1:]).all()


def test_a_mask_follows_its_picture_into_every_view(logic):
    truth = np.zeros((40, 64), np.uint8)
    truth[10:30, 20:28] = 1
    picture = Image.fromarray(np.repeat(truth[..., None] * 255, 3, axis=2))
    preprocess = ScenePreprocess(64, "nearest", (0.0,) * 3, (1.0,) * 3)
    for seed in [None, *range(12)]:
        shown = preprocess.placement(64, 40, seed).picture(picture, Image.Resampling.NEAREST, (0, 0, 0))
        y = logic.target(mask(truth), preprocess, seed)
        bright = np.asarray(shown)[..., 0] > 0
        np.testing.assert_array_equal(bright, (y == 1).numpy())
        if seed is None:  # what lies beside the picture on its canvas has no label
            assert int((y == -1).sum()) == 64 * 64 - 40 * 64
    assert len({preprocess.placement(64, 40, seed) for seed in range(12)}) == 12


def test_boxes_go_to_the_canvas_and_back():
    preprocess = ScenePreprocess(96)
    boxes = np.array([[10.0, 5.0, 50.0, 30.0], [0.0, 0.0, 80.0, 60.0]])
    for seed in [None, *range(20)]:
        placement = preprocess.placement(80, 60, seed)
        moved = placement.boxes(boxes)
        assert (moved[:, 2:] > moved[:, :2]).all()
        np.testing.assert_allclose(placement.back(moved), boxes, atol=1e-9)


@pytest.mark.parametrize("name", DECODERS)
def test_a_head_reads_the_maps_of_any_size_and_is_saved_by_name(name):
    logic = Segmentation(TASK, 64, "unet").configured({"size": 96, "head": name})
    network = logic.adapt(build(glyphs_spec()))
    network.head = logic.head_of(network)
    x = network.preprocess([Image.new("RGB", (50, 30))] * 2)
    assert network(x).shape == (2, 3, 96, 96)
    again = create_task(TASK, saved=logic.to_json())
    assert (again.size, again.head_name) == (96, name)
    assert [*again.head_of(network).state_dict()] == [*network.head.state_dict()]


def test_a_network_that_cuts_borders_off_answers_for_the_whole_canvas():
    logic = Segmentation(TASK, 64, "unet")
    network = logic.adapt(build(torchvision_spec("squeezenet1_0"))).eval()
    network.head = logic.head_of(network)
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)


def test_maps_that_are_carried_give_the_same_answer_from_every_cut():
    logic = Segmentation(TASK, 64, "unet")
    network = logic.adapt(build(glyphs_spec())).eval()
    network.head = logic.head_of(network)
    x = network.preprocess([Image.effect_noise((50, 40), 80).convert("RGB")] * 2)
    with torch.no_grad():
        features, maps = network.read(x)
        wanted = network.head(maps)
        for cut in range(1, network.last_carry + 1):
            network.entry = 0
            state = network.carry(x, cut)
            network.entry = cut
            mine, read = network.read(state)
            assert torch.equal(network.head(read), wanted)
            assert torch.equal(mine, features)
    assert network.last_carry == len(network.stages)


def test_a_network_without_maps_in_space_is_refused_in_a_sentence():
    spec = timm_spec("vit_tiny_patch16_224", {"depth": 1, "embed_dim": 12, "num_heads": 1, "patch_size": 32})
    for size, said in ((256, "does not take pictures of 256 pixels"), (224, "take a convolutional network")):
        network = build(spec)
        network.preprocess = network.preprocess.whole(size)
        with pytest.raises(UserError, match=said):
            Segmentation(TASK, size, "unet").head_of(network)


def test_sizes_and_heads_that_are_none_are_refused():
    logic = create_task(TASK, objects([mask(np.zeros((100, 210)))] * 3))
    assert logic.size == 224
    assert create_task(TASK, objects([mask(np.zeros((9, 9)))])).size == 64
    for options, said in (
        ({"size": 100}, "multiple of 32"),
        ({"size": 4096}, "multiple of 32"),
        ({"head": "une"}, "unet"),
    ):
        with pytest.raises(UserError, match=said):
            logic.configured(options)
    with pytest.raises(UserError, match="--size 64 is for masks and boxes"):
        create_task(Task("classification", ("a", "b"))).configured({"size": 64, "head": None})


def test_flips_average_over_the_mirror_image_and_large_canvases_go_by_tiles(monkeypatch):
    from headstart.tasks import segmentation

    logic = create_task(Task("segmentation", ("background", "vessel"))).configured({"size": 64})
    uneven = torch.linspace(-2, 2, 64).expand(1, 1, 64, 64)
    sides = []

    def network(x):
        sides.append(x.shape[-1])
        return torch.cat([x, x * torch.arange(x.shape[-1])], dim=1)  # the place counts, as nothing equivariant would

    network.entry = 0
    plain, mirrored = network(uneven).softmax(1), network(uneven.flip(-1)).flip(-1).softmax(1)
    torch.testing.assert_close(logic.run(network, uneven).softmax(1), plain)
    torch.testing.assert_close(logic.flipped().run(network, uneven).exp(), (plain + mirrored) / 2)
    sides.clear()
    monkeypatch.setattr(segmentation, "TILE", 32)
    logic.run(network, uneven)
    assert set(sides) == {32}
    network.entry = 1  # states that are kept are of the whole canvas
    sides.clear()
    logic.run(network, uneven)
    assert sides == [64]
    with pytest.raises(UserError, match="--flips is for masks"):
        create_task(Task("classification", ("a", "b"))).flipped()


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_decoder_answers_in_the_size_of_what_its_maps_are_of(name):
    from headstart.tasks.pyramid import Level

    head = DECODERS[name]([Level("a", 8, 4), Level("b", 8, 8)], 2, 64)
    maps = {"a": torch.zeros(1, 8, 8, 8), "b": torch.zeros(1, 8, 4, 4)}
    assert head(maps).shape == (1, 2, 32, 32)
