"""Folders of pictures and masks: every layout and meaning of values, and a sentence for every bad one."""

import numpy as np
import pytest
from PIL import Image

from headstart import UserError
from headstart.data import check, open_data, open_labelled
from headstart.data.like import Like
from headstart.kinds.masks import IGNORED

BASIC = np.kron([[0, 1], [1, 0]], np.ones((4, 6), int))
RED, GREEN = (255, 0, 0), (0, 255, 0)


def write(root, masks, pictures="images", labels="masks", names=None):
    for number, mask in enumerate(masks):
        mask = np.asarray(mask, np.uint16 if np.max(mask) > 255 else np.uint8)
        name = names[number] if names else f"{number:02d}"
        for folder, content in ((pictures, np.full((*mask.shape[:2], 3), 10 * number + 5, np.uint8)), (labels, mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(content).save(root / folder / f"{name}.png")
    return root


def coloured(mask, colours):
    return np.asarray(colours, np.uint8)[mask]


def read(dataset, row=0):
    return dataset.labels([row])[0].read()


@pytest.mark.parametrize("high", [1, 255, 65535])
def test_two_values_are_background_and_foreground(high, tmp_path):
    dataset = open_data(write(tmp_path, [BASIC.astype(int) * high] * 5))
    assert dataset.task.kind == "segmentation"
    assert dataset.task.classes == ("background", "foreground")
    np.testing.assert_array_equal(read(dataset), BASIC)
    assert dataset.labels([0])[0].amounts == (48, 48)
    assert [len(dataset.splits[name]) for name in ("train", "validation", "test")] == [5, 0, 0]


def test_numbers_are_classes_named_by_them_and_255_has_no_label(tmp_path):
    masks = [np.where(BASIC, 7, 2)] * 4 + [np.where(BASIC, 255, 3)] * 2
    dataset = open_data(write(tmp_path, masks))
    assert dataset.task.classes == ("2", "3", "7")
    np.testing.assert_array_equal(read(dataset, 0), np.where(BASIC, 2, 0))
    np.testing.assert_array_equal(read(dataset, 5), np.where(BASIC, IGNORED, 1))
    assert dataset.labels([5])[0].amounts == (0, 48, 0)


def test_a_list_of_names_names_the_numbers(tmp_path):
    write(tmp_path, [BASIC] * 4)
    (tmp_path / "classes.txt").write_text("sky\nroad\ntree\n")
    assert open_data(tmp_path).task.classes == ("sky", "road", "tree")


def test_a_legend_names_colours_and_greys_among_them(tmp_path):
    write(tmp_path, [coloured(BASIC, [(0, 0, 0), RED])] * 3 + [coloured(BASIC * 0, [(0, 0, 0)])] * 2)
    (tmp_path / "legend.csv").write_text("name,r,g,b\nnothing,0,0,0\ncell,255,0,0\n")
    dataset = open_data(tmp_path)
    assert dataset.task.classes == ("nothing", "cell")
    np.testing.assert_array_equal(read(dataset), BASIC)
    assert not read(dataset, 4).any()


def test_colours_without_a_legend_name_themselves(tmp_path):
    dataset = open_data(write(tmp_path, [coloured(BASIC, [GREEN, RED])] * 4))
    assert dataset.task.classes == ("#00ff00", "#ff0000")


def test_a_palette_is_read_by_its_numbers(tmp_path):
    write(tmp_path, [BASIC] * 4)
    for number in range(4):
        picture = Image.fromarray((BASIC * 3).astype(np.uint8), mode="P")
        picture.putpalette([9, 9, 9] * 256)
        picture.save(tmp_path / "masks" / f"{number:02d}.png")
    assert open_data(tmp_path).task.classes == ("0", "3")


def test_soft_edges_of_black_and_white_are_halved_with_a_word(tmp_path):
    soft = np.kron(BASIC * 255, np.ones((40, 40), int))
    soft[100, 100:300] = np.arange(200)
    dataset = open_data(write(tmp_path, [soft] * 4))
    assert "from 128 up" in dataset.warnings[0]
    assert read(dataset)[100, 100 + 127] == 0
    assert read(dataset)[100, 100 + 128] == 1


@pytest.mark.parametrize("below", [False, True])
def test_splits_may_lie_above_or_below(below, tmp_path):
    for split, n in (("train", 4), ("test", 2)):
        pictures, labels = (f"images/{split}", f"masks/{split}") if below else (f"{split}/images", f"{split}/masks")
        write(tmp_path, [BASIC] * n, pictures, labels)
    dataset = open_data(tmp_path)
    assert dataset.given_splits
    assert [len(dataset.splits[name]) for name in ("train", "test")] == [4, 2]


def test_names_may_agree_up_to_an_underscore(tmp_path):
    write(tmp_path, [BASIC] * 3, names=["21_training", "22_training", "23_training"])
    for name in ("21", "22", "23"):
        path = tmp_path / "masks" / f"{name}_training.png"
        path.rename(tmp_path / "masks" / f"{name}_manual1.png")
    assert open_data(tmp_path).names([1]) == ["images/22_training.png"]


def test_new_data_take_the_models_classes_even_where_they_show_one_alone(tmp_path):
    task = open_data(write(tmp_path / "a", [BASIC * 255] * 3)).task
    other = open_labelled(write(tmp_path / "b", [BASIC * 0] * 2), Like(task, "image"))
    assert other.task == task
    assert not read(other).any()
    numbered = open_data(write(tmp_path / "c", [BASIC * 4 + 1] * 3)).task
    np.testing.assert_array_equal(
        read(open_labelled(write(tmp_path / "d", [BASIC * 0 + 5] * 2), Like(numbered, "image"))), BASIC * 0 + 1
    )


def test_check_counts_pictures_per_class_and_finds_masks_that_differ(tmp_path):
    write(tmp_path, [BASIC, 1 - BASIC, BASIC, BASIC])
    (tmp_path / "images" / "01.png").write_bytes((tmp_path / "images" / "00.png").read_bytes())
    dataset, checks = check(open_data(tmp_path))
    assert checks.duplicates["n_conflicting"] == 1
    assert sum(counts["foreground"] for counts in checks.counts.values()) == 4
    again = open_data(tmp_path)
    assert again.fingerprint == dataset.fingerprint
    Image.fromarray((BASIC * 0).astype(np.uint8)).save(tmp_path / "masks" / "03.png")
    assert open_data(tmp_path).fingerprint != dataset.fingerprint


def bad_size(root):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(root / "masks" / "01.png")


def lacking(root):
    (root / "masks" / "01.png").unlink()


def too_many(root):
    Image.fromarray(np.zeros((8, 12), np.uint8)).save(root / "masks" / "other.png")


def damaged(root):
    path = root / "masks" / "01.png"
    path.write_bytes(path.read_bytes()[:60])


def one_value(root):
    for path in (root / "masks").iterdir():
        Image.fromarray(np.zeros((8, 12), np.uint8)).save(path)


def value_out_of_names(root):
    (root / "classes.txt").write_text("a\nb\n")
    Image.fromarray(np.full((8, 12), 2, np.uint8)).save(root / "masks" / "01.png")


def unknown_colour(root):
    (root / "legend.csv").write_text("name,r,g,b\na,0,0,0\nb,255,0,0\nc,1,1,1\n")
    Image.fromarray(coloured(BASIC, [RED, GREEN])).save(root / "masks" / "01.png")


def colour_twice(root):
    (root / "legend.csv").write_text("name,r,g,b\na,0,0,0\nb,0,0,0\n")


def colour_beyond(root):
    (root / "legend.csv").write_text("name,r,g,b\na,0,0,0\nb,0,300,0\n")


def no_colour(root):
    (root / "legend.csv").write_text("name,r,g,b\na,0,0,zero\n")


def lacks_columns(root):
    (root / "legend.csv").write_text("class,red\na,0\n")


def name_twice(root):
    (root / "classes.txt").write_text("a\na\n")


def grey_picture(root):
    noise = np.random.default_rng(0).integers(0, 256, (8, 12), dtype=np.uint8)
    Image.fromarray(noise).save(root / "masks" / "01.png")


def two_label_folders(root):
    (root / "labels").mkdir()


def one_picture(root):
    for path in [*root.glob("*/*.png")]:
        if path.stem != "00":
            path.unlink()


def no_pictures(root):
    for path in (root / "images").iterdir():
        path.unlink()


def split_without_masks(root):
    root.joinpath("train").mkdir()
    (root / "images").rename(root / "train" / "images")
    (root / "masks").rename(root / "train" / "masks")
    root.joinpath("test").mkdir()


def shares(tmp_path):
    Image.fromarray(np.full(BASIC.shape, 0.5, np.float32)).save(tmp_path / "masks" / "01.tiff")
    (tmp_path / "masks" / "01.png").unlink()


BAD = {
    bad_size: "has 9 x 9 pixels, and its picture 01.png has 12 x 8",
    lacking: "01.png has no mask in masks",
    too_many: "is a mask of no picture",
    shares: "holds numbers that are not whole",
    damaged: "01.png cannot be read",
    one_value: "one value only",
    value_out_of_names: "holds the value 2, which means no class",
    unknown_colour: "the colour #00ff00, which means no class",
    colour_twice: "gives the colour #000000 to a second class",
    colour_beyond: "0 to 255 are expected",
    no_colour: "a colour that is no number",
    lacks_columns: "name, r, g and b are expected",
    name_twice: "names the class 'a' twice",
    grey_picture: "different grey values",
    two_label_folders: "several folders that may be the labels",
    one_picture: "one sample only",
    no_pictures: "holds no pictures",
    split_without_masks: "holds no folder of labels beside its pictures",
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_bad_masks_end_in_one_sentence(spoil, tmp_path):
    write(tmp_path, [BASIC] * 4)
    spoil(tmp_path)
    with pytest.raises(UserError) as told:
        open_data(tmp_path)
    assert BAD[spoil] in str(told.value)
    assert str(told.value).endswith(".")


def test_segmentation_is_asked_of_folders_with_masks_alone(tmp_path):
    (tmp_path / "a").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "a" / "x.png")
    with pytest.raises(UserError, match=r"is no data for segmentation: give .*images/ and masks/"):
        open_data(tmp_path, task="segmentation")
    with pytest.raises(UserError, match="--label does not apply"):
        open_data(write(tmp_path / "b", [BASIC] * 3), label="y")
    frame = {"X": np.zeros((4, 8, 8, 3), np.uint8), "y": [0, 1, 0, 1]}
    with pytest.raises(UserError, match="is no data for segmentation"):
        open_data(frame, task="segmentation")
