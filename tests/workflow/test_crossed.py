"""Few pictures without a test split: each is judged once, by a model that never saw it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

import headstart as hs
from headstart.data import check, folds
from headstart.data.crossing import is_crossed, n_folds, set_apart, together
from headstart.workflow.crossed_field import choices, composed, inner_scores
from headstart.workflow.planning.plan import _selection


def discs(root, n, size=32):
    random = np.random.default_rng(0)
    for number in range(n):
        picture = Image.fromarray(random.integers(0, 90, (size, size, 3)).astype(np.uint8))
        mask = Image.new("L", (size, size))
        x, y = random.integers(8, size - 8, 2)
        for canvas, colour, name in ((picture, (240, 210, 190), "images"), (mask, 255, "masks")):
            ImageDraw.Draw(canvas).ellipse([x - 6, y - 6, x + 6, y + 6], fill=colour)
            (root / name).mkdir(parents=True, exist_ok=True)
            canvas.save(root / name / f"{number:02d}.png")
    return root


def test_below_forty_pictures_nothing_is_set_apart(tmp_path):
    few = hs.open(discs(tmp_path / "few", 13))
    assert {name: len(rows) for name, rows in few.splits.items()} == {"train": 13, "validation": 0, "test": 0}
    assert is_crossed(few)
    assert n_folds(few) == 5
    assert "judged once" in few.inferred["splits"]
    held = np.concatenate([part for _, part in folds(few, 5)])
    np.testing.assert_array_equal(np.sort(held), np.arange(13))
    apart = set_apart(few, 0)
    assert n_folds(apart) == 0
    assert not is_crossed(few.with_splits({"train": np.arange(9), "validation": np.arange(9, 13)}))
    assert len(apart.splits["test"]) == 3
    assert not is_crossed(apart)
    assert not is_crossed(hs.open(discs(tmp_path / "enough", 40)))
    tested = hs.open(tmp_path / "few", test=discs(tmp_path / "test", 3))
    assert len(tested.splits["test"]) == 3
    assert not is_crossed(tested)


def test_duplicates_lie_in_one_fold(tmp_path):
    root = discs(tmp_path / "twins", 10)
    for kind in ("images", "masks"):
        for first, second in ((0, 4), (4, 7)):
            (root / kind / f"{second:02d}.png").write_bytes((root / kind / f"{first:02d}.png").read_bytes())
    found = together(*check(hs.open(root)))
    assert n_folds(replace(found, group=np.arange(10) // 4)) == 3
    for train, held in folds(found, 5):
        assert len({0, 4, 7} & set(held)) in (0, 3)
        assert not set(train) & set(held)


def test_pictures_of_one_group_lie_in_one_fold(tmp_path):
    root = discs(tmp_path / "stack", 12)
    lines = ["image,group", *(f"{number:02d},patient {number // 4}" for number in range(12))]
    (root / "groups.csv").write_text("\n".join(lines), encoding="utf-8")
    found = hs.open(root)
    assert n_folds(found) == 3
    for _, held in folds(found, 5):
        assert len(held) == 4
        assert len(set(held // 4)) == 1
    enough = discs(tmp_path / "enough", 40)
    (enough / "groups.csv").write_text("image,group\n" + "".join(f"{n:02d}.png,{n // 10}\n" for n in range(40)))
    parted = hs.open(enough).splits
    assert set(parted["test"] // 10).isdisjoint(parted["train"] // 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,group\n00,a\n", "gives no group to 3 pictures, first 'images/01.png'"),
        ("image,group\n00,a\n09,b\n", "line 3: '09' is no picture"),
        ("image,group\n00,a\nimages/00.png,b\n", "line 3, gives 'images/00.png' a second group"),
        ("image,group\n00,\n", "line 2, lacks its image or its group"),
        ("picture,patient\n", "lacks the columns image and group"),
        ("", "lacks the columns image and group"),
    ],
)
def test_groups_that_are_none_are_named(text, said, tmp_path):
    root = discs(tmp_path / "few", 4)
    (root / "groups.csv").write_text(text)
    with pytest.raises(hs.UserError, match=said):
        hs.open(root)
    with pytest.raises(hs.UserError, match=r"write groups\.csv"):
        hs.open(root, group="patient")


def part(*scores):
    """Return a result whose folds reached these scores on rows that they set aside; the first evaluation is worse."""
    lines = [{"fold": fold, "validation_score": score} for fold, best in enumerate(scores) for score in (0.1, best)]
    return {"history": [*lines, {"fold": None, "validation_score": None}]}


def test_each_fold_is_judged_by_the_arm_that_its_own_set_aside_rows_chose():
    results = {"scratch": [part(0.5, 0.9, 0.7)], "finetune": [part(0.6, 0.8, 0.7)]}
    assert inner_scores(results["scratch"][0]) == {0: 0.5, 1: 0.9, 2: 0.7}
    assert choices(results, "finetune") == [{0: "finetune", 1: "scratch", 2: "finetune"}]  # the planned one wins ties
    values = {"scratch": [np.zeros((4, 2))], "finetune": [np.ones((4, 2))]}
    (judged,) = composed(values, np.array([2, 0, 1, 1]), choices(results, "finetune"), "finetune")
    np.testing.assert_array_equal(judged[:, 0], [1, 1, 0, 0])
    assert values["finetune"][0].all()
    assert composed(values, np.array([2, 0, 1, 1]), choices(results, "finetune"), "scratch") is values["scratch"]


def test_folds_without_rows_to_choose_on_are_judged_by_what_is_kept():
    results = {"scratch": [{"history": []}], "finetune": [{"history": []}]}
    values = {"scratch": [np.zeros((2, 1))], "finetune": [np.ones((2, 1))]}
    assert composed(values, np.array([0, 1]), choices(results, "finetune"), "finetune")[0].all()


def test_the_plan_says_who_judges():
    assert "judged once, by one of 5 models that never saw it" in _selection(5, crossed=True)
    assert "validation split" in _selection(0)


@pytest.mark.slow
def test_a_run_judges_every_picture_and_hands_back_a_model_of_all(tmp_path):
    root = discs(tmp_path / "few", 20)
    run = hs.fit(
        root, source="headstart/glyphs", depth="none", epochs=1, batch_size=4, head="fpn", views=1,
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    result = run.result
    assert result["verdict"]["n_test"] == 20
    assert result["plan"]["folds"] == 5
    assert {arm["n_test"] for arm in result["arms"].values()} == {20}
    assert any("The model that is handed back is none of these" in line for line in result["warnings"])
    assert not any("test split" in line for line in result["warnings"])
    import pyarrow.parquet as parquet

    table = parquet.read_table(run.path / "predictions.parquet").to_pydict()
    assert len(set(table["name"])) == 20
    assert len(table["name"]) == 40
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Judged out of fold" in page
    assert len(json.loads((run.path / "evidence/mistakes.json").read_text())["items"]) > 0
    data = hs.open(root)
    with pytest.raises(hs.UserError, match="--forgetting compares on a test split"):
        hs.fit(replace(data), source="headstart/glyphs", forgetting=True, out=tmp_path / "no", quiet=True)
    assert not (tmp_path / "no").exists()
