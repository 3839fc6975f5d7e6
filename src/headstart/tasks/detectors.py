"""Detectors on a pyramid of maps: torchvision's heads, losses and boxes, on any network whose stages give maps."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from headstart.tasks.pyramid import Level, spread, stages_of

MOST = 100
"""Boxes that are said of one picture at most."""
LEAST = 0.05
"""Confidence from which a box is said at all."""
START = 4.0
"""Distance to a box's sides, in strides, that the one-stage detector says at first: the middle of what a map is asked.
From 0, boxes without area, it takes hundreds of steps to get there."""
Targets = list[dict[str, Tensor]]


class Pending(NamedTuple):
    """What a head gives while it trains: its pyramid, from which it makes losses once it is told the boxes."""

    head: Detector
    maps: OrderedDict[str, Tensor]

    def losses(self, targets: Targets) -> dict[str, Tensor]:
        return self.head.losses(self.maps, targets)


class Detector(nn.Module):
    """A feature pyramid and a detector's own head on it.

    In training it gives `Pending`; in evaluation boxes [n, `MOST`, 6]: x1, y1, x2, y2, confidence, class number, -1
    where there are no more.

    Parameters
    ----------
    levels : maps of a stride of 4 at least; one that is half as large as the last is added.

    References
    ----------
    Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    channels = 64
    by_class: ClassVar[dict[str, tuple[int, int]]]
    """Layers with outputs per class: how many each class has, and how many classes come before the first."""

    def __init__(self, levels: list[Level], n_classes: int, size: int) -> None:
        super().__init__()
        self.levels = [level for level in levels if level.stride >= self.finest] or levels[-1:]
        self.reads = stages_of(self.levels)
        self.n_classes, self.size = n_classes, size
        self.pyramid = FeaturePyramidNetwork(
            [level.channels for level in self.levels], self.channels, extra_blocks=LastLevelMaxPool()
        )
        body = nn.Identity()
        body.out_channels = self.channels  # type: ignore[assignment]
        strides = [level.stride for level in self.levels]
        self.model = self.make(body, [*strides, 2 * strides[-1]])

    finest = 4

    def make(self, body: nn.Module, strides: list[int]) -> Any:
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Draw all parameters anew, as their builders do."""
        fresh = type(self)(self.levels, self.n_classes, self.size)
        self.load_state_dict(fresh.state_dict())

    def forward(self, maps: dict[str, Tensor]) -> Any:
        found = spread(self.levels, maps)
        pyramid = self.pyramid(OrderedDict((str(place), one) for place, one in enumerate(found)))
        named = OrderedDict((str(place), found) for place, found in enumerate(pyramid.values()))
        return Pending(self, named) if self.training else packed(self.detect(named))

    def losses(self, maps: OrderedDict[str, Tensor], targets: Targets) -> dict[str, Tensor]:
        raise NotImplementedError

    def detect(self, maps: OrderedDict[str, Tensor]) -> Targets:
        raise NotImplementedError

    def images(self, maps: OrderedDict[str, Tensor]) -> ImageList:
        first = maps["0"]
        canvas = first.new_zeros((first.shape[0], 1, self.size, self.size))
        return ImageList(canvas, [(self.size, self.size)] * first.shape[0])


class OneStage(Detector):
    """Every place of every map says a class and its distances to a box's four sides; light, for CPUs.

    References
    ----------
    Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019.
    """

    finest = 8
    by_class: ClassVar[dict[str, tuple[int, int]]] = {"cls_logits": (1, 0)}

    def make(self, body: nn.Module, strides: list[int]) -> Any:
        head = FCOSHead(self.channels, 1, self.n_classes, num_convs=2)
        start = head.regression_head.bbox_reg.bias
        assert start is not None
        nn.init.constant_(start, START)
        anchors = AnchorGenerator(tuple((stride,) for stride in strides), ((1.0,),) * len(strides))
        return FCOS(
            body, self.n_classes, anchor_generator=anchors, head=head, score_thresh=LEAST, detections_per_img=MOST,
            topk_candidates=400,
        )  # fmt: skip

    def _outputs(self, maps: OrderedDict[str, Tensor]) -> tuple[Any, Any, list[int]]:
        found = list(maps.values())
        return (
            self.model.head(found),
            self.model.anchor_generator(self.images(maps), found),
            [one.shape[2] * one.shape[3] for one in found],
        )

    def losses(self, maps: OrderedDict[str, Tensor], targets: Targets) -> dict[str, Tensor]:
        outputs, anchors, counts = self._outputs(maps)
        return self.model.compute_loss(targets, outputs, anchors, counts)

    def detect(self, maps: OrderedDict[str, Tensor]) -> Targets:
        outputs, anchors, counts = self._outputs(maps)
        split = {name: list(value.split(counts, dim=1)) for name, value in outputs.items()}
        sizes = self.images(maps).image_sizes
        return self.model.postprocess_detections(split, [list(one.split(counts)) for one in anchors], sizes)


class TwoStage(Detector):
    """Proposals from every map, each looked at again: Faster R-CNN with a feature pyramid.

    References
    ----------
    Ren et al., "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NeurIPS 2015.
    """

    channels = 128
    by_class: ClassVar[dict[str, tuple[int, int]]] = {"cls_score": (1, 1), "bbox_pred": (4, 1)}

    def make(self, body: nn.Module, strides: list[int]) -> Any:
        names = [str(place) for place in range(len(strides) - 1)]
        # proposals and samples are a half to a quarter of the usual ones: pictures here are small, and so are machines
        return FasterRCNN(
            body,
            rpn_anchor_generator=AnchorGenerator(
                tuple((6 * stride,) for stride in strides), ((0.5, 1.0, 2.0),) * len(strides)
            ),
            rpn_pre_nms_top_n_train=1000, rpn_post_nms_top_n_train=500, rpn_pre_nms_top_n_test=500,
            rpn_post_nms_top_n_test=200, rpn_batch_size_per_image=128,
            box_roi_pool=MultiScaleRoIAlign(names, output_size=7, sampling_ratio=2),
            box_head=TwoMLPHead(self.channels * 49, 256), box_predictor=FastRCNNPredictor(256, self.n_classes + 1),
            box_batch_size_per_image=128, box_score_thresh=LEAST, box_detections_per_img=MOST,
        )  # fmt: skip

    def losses(self, maps: OrderedDict[str, Tensor], targets: Targets) -> dict[str, Tensor]:
        images = self.images(maps)
        moved = [{"boxes": one["boxes"], "labels": one["labels"] + 1} for one in targets]  # 0 is the background
        proposals, first = self.model.rpn(images, maps, moved)
        _, second = self.model.roi_heads(maps, proposals, images.image_sizes, moved)
        return first | second

    def detect(self, maps: OrderedDict[str, Tensor]) -> Targets:
        images = self.images(maps)
        proposals, _ = self.model.rpn(images, maps, None)
        found, _ = self.model.roi_heads(maps, proposals, images.image_sizes, None)
        return [one | {"labels": one["labels"] - 1} for one in found]


def packed(found: Targets) -> Tensor:
    """Return boxes, confidences and classes of n pictures as [n, `MOST`, 6]."""
    rows = []
    for one in found:
        row = torch.cat([one["boxes"], one["scores"][:, None], one["labels"][:, None].to(one["boxes"].dtype)], dim=1)
        empty = row.new_zeros((MOST, 6))
        empty[:, 5] = -1
        rows.append(torch.cat([row, empty])[:MOST])
    return torch.stack(rows)


DETECTORS: dict[str, type[Detector]] = {"fcos": OneStage, "faster_rcnn": TwoStage}
