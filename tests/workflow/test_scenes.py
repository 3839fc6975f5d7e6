"""The whole road with masks: from a folder to a verdict, and what is done with a finished run."""

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
    assert result["verdict"]["interval"] is not None
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
        ({"source": None}, "name one with --source"),
        ({"source": "headstart/tabular"}, "table"),
        ({"class_weight": "balanced"}, "weighs classes"),
        ({"metric": "accuracy"}, "does not measure a segmentation"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_is_written(options, said, discs, tmp_path):
    with pytest.raises(hs.UserError, match=said):
        hs.fit(discs, **{"source": "headstart/glyphs", "out": tmp_path / "run", "quiet": True} | options)
    assert not (tmp_path / "run").exists()
