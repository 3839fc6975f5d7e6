from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from headstart.data.demo import demo_digits, write_demo
from headstart.errors import UserError


def test_splits_share_nothing_and_hold_everything():
    images, labels, splits = demo_digits(seed=1, per_class=5)
    assert images.shape == (1797, 8, 8)
    assert images.dtype == np.uint8
    assert images.max() == 255
    assert np.bincount(labels[splits["train"]]).tolist() == [5] * 10
    together = np.sort(np.concatenate([splits["train"], splits["test"]]))
    assert np.array_equal(together, np.arange(1797))


def test_the_seed_decides():
    first, again, other = (demo_digits(seed=seed)[2]["train"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_folder_holds_the_same_pictures(tmp_path):
    folder = write_demo(tmp_path / "a" / "digits", per_class=3)
    images, labels, splits = demo_digits(per_class=3)
    for split, rows in splits.items():
        files = sorted((folder / split).glob("*/*.png"), key=lambda file: file.name)
        assert [int(file.stem) for file in files] == rows.tolist()
        assert [int(file.parent.name) for file in files] == labels[rows].tolist()
        assert np.array_equal(np.asarray(Image.open(files[0])), images[rows[0]])
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]


def test_a_folder_that_exists_is_refused(tmp_path):
    with pytest.raises(UserError, match="exists already"):
        write_demo(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("per_class", [0, 151])
def test_impossible_numbers_of_labels_are_refused(per_class):
    with pytest.raises(UserError, match="1 to 150"):
        demo_digits(per_class=per_class)
