"""Boxes in four forms: the same boxes whatever the form, what is repaired with a word, and a sentence for what "
"is bad."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from headstart import UserError
from headstart.data import check, open_data, open_labelled
from headstart.data.like import Like

SIZE = (40, 20)
THINGS = [[(2, 3, 12, 13, "cell"), (20, 5, 30, 15, "dust")], [(1, 1, 9, 9, "cell")], [], [(5, 5, 25, 18, "dust")]] * 6


def pictures(folder, n):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        Image.new("RGB", SIZE, (10 * number, 90, 40)).save(folder / f"{number:02d}.png")


def write_rows(root, things=THINGS):
    pictures(root / "images", len(things))
    with (root / "boxes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "xmin", "ymin", "xmax", "ymax", "class"])
        for number, boxes in enumerate(things):
            for box in boxes or [("", "", "", "", "")]:
                writer.writerow([f"images/{number:02d}.png", *box])
    return root / "boxes.csv"


def write_voc(root, things=THINGS, difficult=0, size=(0, 0)):
    pictures(root / "JPEGImages", len(things))
    (root / "Annotations").mkdir()
    for number, boxes in enumerate(things):
        objects = "".join(
            f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
            for a, b, c, d, name in boxes
        )
        side = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
        (root / "Annotations" / f"{number:02d}.xml").write_text(f"<annotation>{side}{objects}</annotation>")
    return root


def write_yolo(root, things=THINGS):
    pictures(root / "images", len(things))
    (root / "labels").mkdir()
    (root / "data.yaml").write_text("names:\n  0: cell\n  1: dust\n")
    for number, boxes in enumerate(things):
        lines = [
            f"{int(name == 'dust')} {(a + c) / 80} {(b + d) / 40} {(c - a) / 40} {(d - b) / 20}"
            for a, b, c, d, name in boxes
        ]
        if lines:
            (root / "labels" / f"{number:02d}.txt").write_text("\n".join(lines) + "\n")
    return root


def coco(things=THINGS):
    boxes = [(number, box) for number, some in enumerate(things) for box in some]
    return {
        "images": [{"id": n, "file_name": f"{n:02d}.png", "width": 40, "height": 20} for n in range(len(things))],
        "categories": [{"id": 7, "name": "cell"}, {"id": 9, "name": "dust"}],
        "annotations": [
            {
                "id": i,
                "image_id": n,
                "category_id": 9 if name == "dust" else 7,
                "bbox": [a, b, c - a, d - b],
                "iscrowd": 0,
            }
            for i, (n, (a, b, c, d, name)) in enumerate(boxes)
        ],
    }


def write_coco(root, things=THINGS, value=None):
    pictures(root / "images", len(things))
    (root / "annotations").mkdir()
    (root / "annotations" / "all.json").write_text(json.dumps(value or coco(things)))
    return root


def write_rows_in_folder(root, things=THINGS):
    return write_rows(root, things).parent


FORMS = {
    "csv": write_rows,
    "folder with a csv": write_rows_in_folder,
    "voc": write_voc,
    "yolo": write_yolo,
    "coco": write_coco,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_boxes(form, tmp_path):
    dataset, checks = check(open_data(FORMS[form](tmp_path)))
    assert (dataset.task.kind, dataset.task.classes, dataset.task.metric) == ("detection", ("cell", "dust"), "map50")
    order = np.argsort([name.split("/")[-1] for name in dataset.names(np.arange(len(dataset)))])
    for row, wanted in zip(order, THINGS, strict=True):
        label = dataset.labels([row])[0]
        assert label.size == (20, 40)
        np.testing.assert_allclose(label.boxes, np.array([box[:4] for box in wanted]).reshape(-1, 4), atol=1e-5)
        assert [dataset.task.classes[number] for number in label.numbers] == [box[4] for box in wanted]
    assert sum(counts["cell"] for counts in checks.counts.values()) == 12  # pictures that have one
    assert [len(dataset.splits[name]) for name in ("train", "validation", "test")] == [24, 0, 0]


def test_lists_of_names_and_names_of_files_are_splits(tmp_path):
    root = write_voc(tmp_path / "voc")
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for name, rows in (("train", range(12)), ("val", range(12, 16)), ("test", range(16, 24))):
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(f"{n:02d}" for n in rows))
    assert [len(rows) for rows in open_data(root).splits.values()] == [12, 4, 8]
    root = write_coco(tmp_path / "coco")
    (root / "annotations" / "all.json").unlink()
    for name, few in (("instances_train2017", THINGS[:12]), ("instances_val2017", THINGS[:4])):
        (root / "annotations" / f"{name}.json").write_text(json.dumps(coco(few)))
    dataset = open_data(root)
    assert dataset.given_splits
    assert [len(rows) for rows in dataset.splits.values()] == [12, 0, 4]  # the only held-out part is the test


def test_a_csv_in_each_splits_folder_names_pictures_beside_it(tmp_path):
    for split, things in (("train", THINGS[:9]), ("valid", THINGS[9:13]), ("test", THINGS[13:18])):
        pictures(tmp_path / split, len(things))
        lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
        lines += [f"{n:02d}.png,40,20,{name},{a},{b},{c},{d}"
                  for n, boxes in enumerate(things) for a, b, c, d, name in boxes]  # fmt: skip
        (tmp_path / split / "_annotations.csv").write_text("\n".join(lines))
    dataset = open_data(tmp_path)
    assert [len(rows) for rows in dataset.splits.values()] == [7, 3, 4]  # of pictures that have a row
    assert "train/00.png" in dataset.names(np.arange(len(dataset)))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/more.csv").write_text("image,xmin,ymin,xmax,ymax,class\na.png,1,1,2,2,cell\n")
    with pytest.raises(UserError, match=r"holds several CSV files \(annotations/more.csv.*rename them, or keep one"):
        open_data(tmp_path)


def test_few_bad_boxes_are_repaired_or_left_out_with_a_word(tmp_path):
    many = [[(2, 3, 12, 13, "cell")] * 3 for _ in range(20)]
    many[0] = [(2, 3, 60, 13, "cell"), (7, 7, 7, 7, "cell"), (2, 3, 12, 13, "cell")]
    dataset = open_data(write_rows(tmp_path, many))
    label = dataset.labels([0])[0]
    np.testing.assert_array_equal(label.boxes, [[2, 3, 40, 13], [2, 3, 12, 13]])
    assert "1 boxes reach over their pictures' borders and are cut there, first" in dataset.warnings[0]
    assert "line 3" in dataset.warnings[1]
    assert "have no area and are left out" in dataset.warnings[1]


def test_what_evaluations_leave_out_is_left_out_with_a_word(tmp_path):
    with pytest.raises(UserError, match="no box at all"):
        open_data(write_voc(tmp_path / "voc", difficult=1))
    value = coco()
    value["annotations"][0]["iscrowd"] = 1
    value["images"][3]["width"] = 99
    dataset = open_data(write_coco(tmp_path / "coco", value=value))
    assert "1 crowds" in " ".join(dataset.warnings)
    assert "1 of 24 pictures" in dataset.warnings[0]
    assert "their labels may lie in wrong places" in dataset.warnings[0]
    assert len(dataset.labels([0])[0].boxes) == 1


def test_classes_of_new_data_are_the_models_by_name(tmp_path):
    task = open_data(write_rows(tmp_path / "a")).task
    few = [[(1, 1, 9, 9, "dust")], []]
    other = open_labelled(write_rows(tmp_path / "b", few), Like(task, "image"))
    assert other.labels([0])[0].numbers.tolist() == [1]
    assert other.labels([0])[0].amounts == (0, 1)
    with pytest.raises(UserError, match="classes that the model does not know"):
        open_labelled(write_rows(tmp_path / "c", [[(1, 1, 9, 9, "hair")], []]), Like(task, "image"))


def edited(write, change):
    def spoil(root):
        write(root)
        change(root)
        return root / "boxes.csv" if write is write_rows else root

    return spoil


def in_file(name, before, after):
    def change(root):
        text = (root / name).read_text()
        assert before in text
        (root / name).write_text(text.replace(before, after, 1))

    return change


def with_coco(change):
    def spoil(root):
        value = coco()
        change(value)
        return write_coco(root, value=value)

    return spoil


BAD = {
    "four equal numbers": (
        lambda root: write_rows(root, [[(7, 7, 7, 7, "cell")], [(1, 1, 9, 9, "cell")]] * 3), "3 of the 6 boxes"
    ),
    "corners swapped": (lambda root: write_rows(root, [[(9, 9, 1, 1, "cell")]] * 4), "x1 < x2 and y1 < y2"),
    "outside": (lambda root: write_rows(root, [[(100, 1, 120, 9, "cell")]] * 4), "lie outside of their pictures"),
    "a word for a corner": (
        edited(write_rows, in_file("boxes.csv", "2,3,12", "2,three,12")), "line 2 has the corner 'three'"
    ),
    "no finite corner": (edited(write_rows, in_file("boxes.csv", "2,3,12", "2,inf,12")), "no finite number"),
    "no class": (edited(write_rows, in_file("boxes.csv", "13,cell", "13,")), "line 2, has no class"),
    "a cell too many": (edited(write_rows, in_file("boxes.csv", "13,cell", "13,cell,x")), "line 2, has 7 cells"),
    "one picture alone": (lambda root: write_rows(root, [[(1, 1, 9, 9, "cell")]]), "one sample only"),
    "no such picture": (edited(write_rows, lambda root: (root / "images" / "00.png").unlink()), "does not exist"),
    "yolo: a class out of range": (
        edited(write_yolo, in_file("labels/00.txt", "0 ", "5 ")), "has the class '5', and 0 to 1"
    ),
    "yolo: pixels": (edited(write_yolo, in_file("labels/00.txt", "0 0.", "0 20.")), "has coordinates in pixels"),
    "yolo: too few": (edited(write_yolo, lambda root: (root / "labels/00.txt").write_text("0 .5 .5")), "has 3 values"),
    "yolo: no picture": (edited(write_yolo, lambda root: (root / "labels/x.txt").write_text("")), "of no picture"),
    "yolo: no names": (edited(write_yolo, lambda root: (root / "data.yaml").write_text("nc: 2")), "no list 'names'"),
    "xml cut off": (edited(write_voc, in_file("Annotations/00.xml", "</annotation>", "")), "is no XML"),
    "xml with entities": (
        edited(write_voc, in_file("Annotations/00.xml", "<annotation>", "<!DOCTYPE a>")), "declares entities"
    ),
    "xml without a name": (edited(write_voc, in_file("Annotations/00.xml", "<name>cell", "<name>")), "lacks its name"),
    "xml: no picture": (edited(write_voc, lambda root: (root / "JPEGImages/00.png").unlink()), "is of a picture"),
    "coco: unknown image": (with_coco(lambda v: v["annotations"][0].update(image_id=99)), "is of the image 99"),
    "coco: unknown category": (with_coco(lambda v: v["annotations"][0].update(category_id=99)), "has the category 99"),
    "coco: three numbers": (with_coco(lambda v: v["annotations"][0].update(bbox=[1, 2, 3])), "bbox"),
    "coco: two of one id": (with_coco(lambda v: v["images"][1].update(id=0)), "two images with the id 0"),
    "coco: one name twice": (with_coco(lambda v: v["categories"][1].update(name="cell")), "two categories called"),
    "coco: a path out of it": (with_coco(lambda v: v["images"][0].update(file_name="../../x.png")), "lies outside of"),
    "xml in other letters": (
        edited(write_voc, lambda root: (root / "Annotations/00.xml").write_text("<!DOCTYPE a><annotation/>", "utf-16")),
        "declares entities",
    ),
    "xml: other sizes": (lambda root: write_voc(root, size=(80, 20)), "24 of 24 pictures"),
    "coco: other sizes": (
        with_coco(lambda v: [one.update(width=20, height=40) for one in v["images"][:2]]),
        "40 x 20 as it is shown, 20 x 40 by its labels",
    ),
    "coco: no boxes": (with_coco(lambda v: v["annotations"].clear()), "holds no box at all"),
    "coco: cut off": (
        edited(write_coco, lambda root: (root / "annotations/all.json").write_text('{"images": [')), "all.json"
    ),
    "coco: a list": (
        edited(write_coco, lambda root: (root / "annotations/all.json").write_text("[1, 2]")), "expected an object"
    ),
    "coco: no picture": (with_coco(lambda v: v["images"][0].update(file_name="x.png")), "which is neither beside it"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_boxes_end_in_one_sentence(case, tmp_path):
    spoil, said = BAD[case]
    path = spoil(tmp_path)
    with pytest.raises(UserError) as told:
        open_data(path)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
