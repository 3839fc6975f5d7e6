"""A target beside a source: same columns, same classes, labels wherever there are any."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.data import check, open_counterpart, open_data
from headstart.errors import UserError


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": rng.normal(50, 9, 60), "town": rng.choice(["Bonn", "Lyon"], 60), "ill": ["yes", "no", "no"] * 20}
    )
    path = tmp_path / "source.csv"
    frame.to_csv(path, index=False)
    return open_data(str(path), label="ill")


def write(tmp_path, text):
    path = tmp_path / "target.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_empty_cells_are_unlabelled_and_new_categories_join(source, tmp_path):
    path = write(tmp_path, "town,age,ill\nLyon,33,yes\nOslo,51,\nBonn,,no\n")
    found = open_counterpart(path, source)
    assert found.labels.tolist() == [1, -1, 0]
    assert found.dataset.columns.categorical["town"] == ("Bonn", "Lyon", "Oslo")
    assert found.dataset.raw([1])[0]["town"] == "Oslo"
    assert found.dataset.task is None


def test_a_class_keeps_the_sources_number_where_the_target_lacks_the_others(source, tmp_path):
    assert open_counterpart(write(tmp_path, "town,age,ill\nLyon,33,yes\nBonn,40,yes\n"), source).labels.tolist() == [
        1,
        1,
    ]


def test_without_a_label_column_nothing_is_labelled(source, tmp_path):
    assert (open_counterpart(write(tmp_path, "age,town\n33,Lyon\n"), source).labels == -1).all()


def test_columns_that_are_missing_are_all_named(source, tmp_path):
    with pytest.raises(UserError, match=r"lacks 2 columns of the source data \('age', 'town'\)"):
        open_counterpart(write(tmp_path, "height,ill\n1,yes\n"), source)


def test_classes_that_the_source_lacks_are_named(source, tmp_path):
    with pytest.raises(UserError, match=r"1 class that the source data do not have \(perhaps\)"):
        open_counterpart(write(tmp_path, "age,town,ill\n33,Lyon,perhaps\n"), source)


def test_frames_and_numbers(tmp_path):
    frame = pd.DataFrame(
        {"a": np.linspace(0, 1, 40), "b": np.linspace(1, 0, 40) ** 2, "price": np.linspace(5, 9.5, 40)}
    )
    source = open_data(frame, label="price")
    target = frame.assign(price=[np.nan, *frame.price[1:]])
    labels = open_counterpart(target, source).labels
    assert np.isnan(labels[0])
    assert labels[1:] == pytest.approx(frame.price[1:])


def images(folder, places):
    for number, place in enumerate(places):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 40, 90)).save(path)
    return str(folder)


def test_folders_of_classes_and_loose_files(tmp_path):
    source = open_data(images(tmp_path / "s", [f"{c}/{i}.png" for c in ("ant", "bee") for i in range(6)]))
    labelled = open_counterpart(images(tmp_path / "t", ["bee/1.png", "ant/2.png"]), source)
    names = labelled.dataset.names(range(2))
    assert dict(zip(names, labelled.labels, strict=True)) == {"bee/1.png": 1, "ant/2.png": 0}
    assert (open_counterpart(images(tmp_path / "u", ["1.png", "2.png"]), source).labels == -1).all()
    with pytest.raises(UserError, match="no class of the source data \\(wasp\\)"):
        open_counterpart(images(tmp_path / "v", ["bee/1.png", "wasp/2.png"]), source)


def test_labels_stay_with_their_rows_when_damaged_files_leave(tmp_path):
    source = open_data(images(tmp_path / "s", [f"{c}/{i}.png" for c in ("ant", "bee") for i in range(6)]))
    folder = images(tmp_path / "t", [f"{c}/{i}.png" for c in ("ant", "bee") for i in range(15)])
    (tmp_path / "t" / "ant" / "3.png").write_bytes(b"no picture")
    found = open_counterpart(folder, source)
    dataset, _ = check(found.dataset)
    kept = type(found)(dataset, found.stored_labels)
    assert len(kept.labels) == 29
    for name, label in zip(dataset.names(range(29)), kept.labels, strict=True):
        assert name.startswith(["ant", "bee"][label])


@pytest.mark.parametrize(
    "names", [(-1, 1), (-1, 0), ("-1", "1"), ("007", "07"), (True, False), (1.0, 2.0), ("01", "1")]
)
@pytest.mark.parametrize("door", ["csv", "parquet", "frame"])
def test_classes_called_like_a_mask_or_by_numbers_are_classes(names, door, tmp_path):
    rows = pd.DataFrame(
        {"a": np.arange(20) % 7 / 2, "b": np.arange(20) % 5 / 4, "label": [names[i % 2] for i in range(20)]}
    )
    source = open_data(rows)
    target = rows.assign(a=rows.a + 0.25).astype({"label": object})
    target.loc[[3, 8], "label"] = None
    path = target if door == "frame" else tmp_path / f"t.{door}"
    if door != "frame":
        getattr(target, f"to_{door}")(path, index=False)
    found = open_counterpart(path, source).labels
    expected = source.labels(np.arange(20))
    expected[[3, 8]] = -1
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("cell", ["1.7e308", "-1.7e308", "1e300", "inf"])
def test_numbers_that_cannot_be_computed_with_are_refused_on_either_side(cell, tmp_path):
    whole = "a,b,label\n" + "".join(f"{i % 7},{i / 4},{'xy'[i % 2]}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(whole + f"1,{cell},x\n")
    with pytest.raises(UserError, match=r"'b' .*row 22"):
        open_data(tmp_path / "t.csv")
    (tmp_path / "s.csv").write_text(whole)
    with pytest.raises(UserError, match=r"'b' .*row 22"):
        open_counterpart(tmp_path / "t.csv", open_data(tmp_path / "s.csv"))
