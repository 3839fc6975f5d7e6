"""The whole road with masks and with boxes: from a folder to a verdict, and what is done with a finished run."""

import csv
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

import headstart as hs
from headstart.report.export import export_onnx
from headstart.workflow.evaluate import evaluate
from headstart.workflow.predict import predict_files


def draw(root, n=16, size=(64, 48)):
    """Write bright discs on a dark ground, and where they are."""
    random = np.random.default_rng(0)
    for number in range(n):
        split = root / ("train", "train", "val", "test")[number % 4]
        picture = Image.fromarray(random.integers(40, 110, (*size[::-1], 3)).astype(np.uint8))
        mask = Image.new("L", size)
        x, y, r = random.integers(10, 54), random.integers(10, 38), random.integers(6, 12)
        for canvas, colour in ((picture, (230, 200, 180)), (mask, 255)):
            ImageDraw.Draw(canvas).ellipse([x - r, y - r, x + r, y + r], fill=colour)
        for folder, image in (("images", picture), ("masks", mask)):
            (split / folder).mkdir(parents=True, exist_ok=True)
            image.save(split / folder / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("discs") / "discs")


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return hs.fit(
        discs, source="headstart/glyphs", depth="none", epochs=2, batch_size=4, head="fpn", views=2, out=out, quiet=True
    )


def test_a_folder_of_masks_ends_in_a_verdict_with_pictures(run):
    result = run.result
    assert result["task"] == {"kind": "segmentation", "classes": ["background", "foreground"], "targets": []}
    assert set(result["arms"]) == {"scratch", "finetune"}
    assert result["verdict"]["metric"] == "iou"
    low, high = result["verdict"]["interval"]
    assert low <= result["verdict"]["gain"] <= high
    assert result["arms"]["finetune"]["frozen"]["unchanged"]
    assert len(result["arms"]["finetune"]["frozen"]["stages"]) == len(result["source"]["stages"])
    assert result["baselines"]["majority"]["mean_iou"] < 0.5
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "boundary F1" in page
    assert "data:image/" in page
    item = json.loads((run.path / "evidence" / "mistakes.json").read_text())["items"][0]
    with Image.open(run.path / "evidence" / item["picture"]) as panels:
        assert panels.width > 4 * panels.height * 0.9


def test_predictions_are_masks_of_the_pictures_own_size(run, discs, tmp_path, capsys):
    predict_files(
        run.path,
        [str(discs / "test" / "images" / "03.png"), str(discs / "test" / "images" / "07.png")],
        out=tmp_path / "masks",
    )
    with Image.open(tmp_path / "masks" / "03.png") as mask:
        assert (mask.mode, mask.size) == ("P", (64, 48))
        said = np.asarray(mask)
    predict_files(run.path, [str(discs / "test" / "images" / "03.png")], out=None, as_json=True)
    record = json.loads(capsys.readouterr().out)[0]
    assert record["share(foreground)"] == pytest.approx((said == 1).mean(), abs=1e-6)
    with pytest.raises(hs.UserError, match=r"no known ending"):
        predict_files(run.path, [str(discs / "test" / "images")], out=tmp_path / "masks.txt")


def test_a_run_is_evaluated_and_exported_with_parity(run, discs, tmp_path):
    found = evaluate(run.path, discs)
    assert found.metric == "iou"
    assert found.interval[0] <= found.metrics["iou"] <= found.interval[1]
    pytest.importorskip("onnxruntime")
    export_onnx(run.path, tmp_path / "model.onnx")
    card = json.loads((tmp_path / "model.onnx.json").read_text())
    assert card["output"]["shape"] == ["n", 2, 64, 64]
    assert card["parity"]["largest_difference"] < 1e-4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"arms": "probe,chosen"}, "--arms probe does not fit segmentation"),
        ({"method": "lp_ft"}, "--method lp_ft does not fit segmentation"),
        ({"shots": 5}, "--shots 5 counts labels per class"),
        ({"head": "unett"}, "did you mean 'unet'"),
        ({"size": 77}, "multiple of 32"),
        ({"source": None}, "the choice of a source goes by heads that are found without gradients"),
        ({"source": ["headstart/glyphs", "headstart/pixels"]}, "a race goes by heads that are found without gradients"),
        ({"trials": 2}, "a race goes by heads"),
        ({"source": "headstart/tabular"}, "table"),
        ({"class_weight": "balanced"}, "weighs classes"),
        ({"metric": "accuracy"}, "does not measure a segmentation"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_is_written(options, said, discs, tmp_path):
    with pytest.raises(hs.UserError, match=said):
        hs.fit(discs, **{"source": "headstart/glyphs", "out": tmp_path / "run", "quiet": True} | options)
    assert not (tmp_path / "run").exists()


def test_sources_are_not_ranked_by_answers_in_space(discs):
    with pytest.raises(hs.UserError, match="a ranking of sources goes by heads"):
        hs.rank(discs, ["headstart/glyphs"])


@pytest.fixture(scope="module")
def boxed(tmp_path_factory):
    """Discs and squares, and a CSV of their boxes."""
    root, random, rows = tmp_path_factory.mktemp("boxed"), np.random.default_rng(0), []
    (root / "images").mkdir()
    for number in range(16):
        picture = Image.fromarray(random.integers(40, 110, (48, 64, 3)).astype(np.uint8))
        for kind in ("disc", "square"):
            x, y, r = (int(one) for one in (random.integers(12, 52), random.integers(12, 36), random.integers(8, 12)))
            pen = ImageDraw.Draw(picture)
            drawn = pen.ellipse if kind == "disc" else pen.rectangle
            drawn([x - r, y - r, x + r, y + r], fill=(230, 200, 60) if kind == "disc" else (60, 100, 240))
            split = ("train", "train", "val", "test")[number % 4]
            rows.append([f"images/{number:02d}.png", x - r, y - r, x + r, y + r, kind, split])
        picture.save(root / "images" / f"{number:02d}.png")
    with (root / "boxes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "xmin", "ymin", "xmax", "ymax", "class", "split"], *rows])
    return root


@pytest.fixture(scope="module")
def found(boxed, tmp_path_factory):
    out = tmp_path_factory.mktemp("found") / "run"
    options = {"depth": "1", "epochs": 2, "batch_size": 4, "views": 2, "quiet": True}
    return hs.fit(boxed / "boxes.csv", source="headstart/glyphs", out=out, **options)


def test_boxes_end_in_a_verdict_and_are_written_as_coco_and_rows(found, boxed, tmp_path):
    result = found.result
    assert result["task"] == {
        "kind": "detection", "classes": ["disc", "square"], "targets": [], "primary": "map50"
    }  # fmt: skip
    assert result["verdict"]["metric"] == "map50"
    assert result["arms"]["finetune"]["interval_kind"] == "bootstrap"
    assert result["baselines"] == {"nothing": dict.fromkeys(result["baselines"]["nothing"], 0.0)}
    page = (found.path / "report.html").read_text(encoding="utf-8")
    assert "Saying that nothing is there reaches" in page
    assert "AP at .5" in page
    assert "Worst pictures" in page
    pictures = [str(boxed / "images" / "03.png"), str(boxed / "images" / "07.png")]
    for ending in ("json", "csv"):
        predict_files(found.path, pictures, out=tmp_path / f"found.{ending}")
    written = json.loads((tmp_path / "found.json").read_text())
    assert [image["width"] for image in written["images"]] == [64, 64]
    assert [one["name"] for one in written["categories"]] == ["disc", "square"]
    rows = list(csv.DictReader((tmp_path / "found.csv").open()))
    assert len(rows) == len(written["annotations"])
    for row, one in zip(rows, written["annotations"], strict=True):
        assert float(row["xmax"]) - float(row["xmin"]) == pytest.approx(one["bbox"][2], abs=0.02)
        assert 0 <= float(row["xmin"]) < float(row["xmax"]) <= 64


@pytest.mark.slow
@pytest.mark.parametrize("head", ["fcos", "faster_rcnn"])
def test_a_detector_is_evaluated_and_exported_with_parity(head, boxed, tmp_path):
    pytest.importorskip("onnxruntime")
    options = {"depth": "all", "epochs": 12, "batch_size": 4, "arms": "chosen", "head": head, "quiet": True}
    run = hs.fit(boxed / "boxes.csv", source="headstart/glyphs", out=tmp_path / "run", **options)
    measured = evaluate(run.path, boxed / "boxes.csv")
    assert measured.metrics["map50"] > 0.1
    export_onnx(run.path, tmp_path / "model.onnx")
    card = json.loads((tmp_path / "model.onnx.json").read_text())
    assert card["output"]["shape"] == [1, 100, 6]
    assert card["parity"]["largest_difference"] < 1e-3
