"""COCO's polygons as masks."""

import json

import numpy as np
import pytest
from PIL import Image

from headstart.data import open_data
from headstart.errors import UserError
from headstart.kinds.masks import IGNORED

SQUARE = [2, 3, 8, 3, 8, 7, 2, 7]


def write(tmp_path, annotations, n=6):
    for number in range(n):
        Image.fromarray(np.full((10, 12, 3), 20 * number, np.uint8)).save(tmp_path / f"{number}.png")
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(n)]
    categories = [{"id": 7, "name": "cell"}, {"id": 3, "name": "dust"}]
    value = {"images": images, "categories": categories, "annotations": annotations}
    (tmp_path / "labels.json").write_text(json.dumps(value))
    return tmp_path


def annotation(image=0, category=7, shape=None, **more):
    shape = [SQUARE] if shape is None else shape
    return {"image_id": image, "category_id": category, "bbox": [2, 3, 6, 4], "segmentation": shape} | more


def test_polygons_become_pixels_whose_middles_they_hold_and_later_ones_cover(tmp_path):
    runs = {"size": [10, 12], "counts": [0, 10, 110]}  # column by column: the first is inside
    folder = write(tmp_path, [
        annotation(), annotation(category=3, shape=[[4, 3, 6, 3, 6, 5, 4, 5]]), annotation(1, shape=runs),
        annotation(2, shape=runs, iscrowd=1), annotation(3), annotation(4, 3), annotation(5, 3),
    ])  # fmt: skip
    data = open_data(folder, task="segmentation")
    assert data.task.classes == ("background", "dust", "cell")
    masks = data.labels(np.arange(6))
    first = masks[0].read()
    assert first.shape == (10, 12)
    expected = np.zeros((10, 12), int)
    expected[3:7, 2:8] = 2
    expected[3:5, 4:6] = 1
    np.testing.assert_array_equal(first, expected)
    assert masks[0].amounts == tuple(np.bincount(first.ravel(), minlength=3))
    assert (masks[1].read()[:, 0] == 2).all()
    assert masks[1].amounts == (110, 0, 10)
    assert (masks[2].read()[:, 0] == IGNORED).all()
    assert open_data(folder).task.kind == "detection"  # boxes, unless masks are asked for


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([[1, 2, 3, 4]], "a polygon of 2 points; at least three are needed"),
        ([], "no polygon"),
        ([[1, 2, 3, 4, 5, 6, 7]], "7 numbers"),
        ({"size": [10, 12], "counts": "PPYo0"}, "compressed runs, which are not read"),
        ({"size": [9, 12], "counts": [108]}, "another size"),
    ],
)
def test_outlines_that_are_none_are_named(tmp_path, shape, said):
    folder = write(tmp_path, [annotation(), annotation(1, shape=shape, id=44)])
    with pytest.raises(UserError, match=f"annotation 44.*{said}"):
        open_data(folder, task="segmentation")
