"""Heads that answer in space carried over by the names of classes; transformers as pyramids."""

import pytest
import torch

from headstart.networks.build import build
from headstart.networks.timm_family import timm_spec
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.tasks.carried import carry_head
from headstart.tasks.decoders import DECODERS
from headstart.tasks.detectors import DETECTORS
from headstart.tasks.pyramid import Level, find_levels, spread

LEVELS = [Level("a", 8, 8), Level("b", 12, 16), Level("c", 16, 32)]
HEADS = DETECTORS | DECODERS


def pictured(head, maps):
    head.eval()
    if not hasattr(head, "model"):
        return head(maps)
    found = spread(head.levels, maps)
    pyramid = dict(enumerate(head.pyramid({str(place): one for place, one in enumerate(found)}).values()))
    if hasattr(head.model, "rpn"):
        flat = pyramid[0].flatten(1)[:, : 128 * 49]
        return torch.cat(head.model.roi_heads.box_predictor(head.model.roi_heads.box_head(flat)), dim=1)
    return head.model.head(list(pyramid.values()))["cls_logits"]


@pytest.mark.parametrize("name", sorted(HEADS))
def test_classes_of_the_same_name_answer_as_they_did_whatever_their_number(name):
    generator = torch.Generator().manual_seed(0)
    maps = {one.stage: torch.randn(1, one.channels, 128 // one.stride, 128 // one.stride, generator=generator)
            for one in LEVELS}  # fmt: skip
    torch.manual_seed(1)
    old, new = HEADS[name](LEVELS, 3, 128), HEADS[name](LEVELS, 2, 128)
    before = {key: value.clone() for key, value in new.state_dict().items()}
    assert carry_head(new, old, ("mouse", "cat"), ("cat", "dog", "cow")) == ["cat"]
    said, was = pictured(new, maps), pictured(old, maps)
    shift = 1 if name == "faster_rcnn" else 0
    axis = -1 if name == "fcos" else 1
    torch.testing.assert_close(said.select(axis, shift + 1), was.select(axis, shift))
    layer = next(key for key in before if key.split(".")[-2] in new.by_class and key.endswith("weight"))
    each, first = new.by_class[layer.split(".")[-2]]
    mouse = slice(each * first, each * (first + 1))
    torch.testing.assert_close(new.state_dict()[layer][mouse], before[layer][mouse])


def test_heads_of_another_kind_or_width_are_not_carried():
    narrow = [one._replace(channels=4) for one in LEVELS]
    for other in (DECODERS["fpn"](LEVELS, 2, 64), DECODERS["unet"](narrow, 2, 64)):
        assert carry_head(DECODERS["unet"](LEVELS, 2, 64), other, ("a", "b"), ("a", "b")) is None


def test_a_transformers_tokens_are_a_pyramid_in_their_places():
    network = build(timm_spec("vit_tiny_patch16_224", {"img_size": 64, "embed_dim": 24, "depth": 3, "num_heads": 2}))
    logic = create_task(Task("segmentation", ("a", "b"))).configured({"size": 64, "head": "fpn"})
    network.preprocess = network.preprocess.whole(64)
    levels = find_levels(network)
    assert [(one.stride, one.channels) for one in levels] == [(8, 24), (16, 24), (32, 24)]
    patches = torch.arange(16.0).view(1, 16, 1).expand(1, 16, 24)
    tokens = torch.cat([torch.full((1, 1, 24), 99.0), patches], dim=1)
    finer, same, coarser = spread(levels, {levels[0].stage: tokens})
    torch.testing.assert_close(same[0, 0], torch.arange(16.0).view(4, 4))
    assert (finer.shape[-1], coarser.shape[-1]) == (8, 2)
    torch.testing.assert_close(coarser[0, 0], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
    network.head = logic.head_of(network)
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 2, 64, 64)
