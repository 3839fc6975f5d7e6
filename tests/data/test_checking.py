"""One pass finds damage, odd files and duplicates, and counts what is left."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from headstart.data import check, open_data, open_inputs
from headstart.data.duplicates import groups, near_pictures, same, sketch
from headstart.errors import UserError


def test_sound_data_pass_unchanged(folder):
    dataset = open_data(folder({"train/a": 6, "train/b": 3, "test/a": 2, "test/b": 2}))
    whole, found = check(dataset)
    assert len(whole) == len(dataset)
    assert found.counts == {"train": {"a": 6, "b": 3}, "test": {"a": 2, "b": 2}}
    assert found.imbalance == 2.0
    assert (found.damaged, found.odd) == ([], [])
    assert found.duplicates["n_exact"] == found.duplicates["n_near"] == found.duplicates["n_across_splits"] == 0
    json.dumps(found.to_json(), allow_nan=False)
    assert found.lines()[0] == "train: 9 samples (a 6, b 3)"
    absent = "looked for and not found: damaged samples, odd samples, duplicates, imbalance of classes"
    assert found.lines()[-1] == absent


def test_what_was_found_is_not_said_to_be_absent(folder):
    root = folder({"train/a": 9, "train/b": 3, "test/a": 2, "test/b": 2})
    (root / "train" / "a" / "copy.png").write_bytes((root / "train" / "a" / "0.png").read_bytes())
    assert check(open_data(root))[1].lines()[-1] == "looked for and not found: damaged samples, odd samples"


def damage(root):
    sound = (root / "a" / "5.png").read_bytes()
    (root / "a" / "5.png").write_bytes(sound[: len(sound) // 2])
    (root / "b" / "7.png").write_bytes(b"")


def test_damaged_files_are_named_and_left_out(folder):
    root = folder({"a": 30, "b": 30})
    damage(root)
    dataset = open_data(root)
    whole, found = check(dataset)
    assert [entry["name"] for entry in found.damaged] == ["a/5.png", "b/7.png"]
    assert "truncated" in found.damaged[0]["reason"]
    assert "empty" in found.damaged[1]["reason"]
    assert len(whole) == 58
    assert sum(sum(counts.values()) for counts in found.counts.values()) == 58
    assert len(whole.raw(np.arange(58))) == 58
    assert whole.hashes(np.arange(58)) == [
        value
        for name, value in zip(dataset.names(range(60)), dataset.hashes(range(60)), strict=True)
        if name not in ("a/5.png", "b/7.png")
    ]


def test_over_5_percent_damaged_is_refused_unless_allowed(folder):
    root = folder({"a": 12, "b": 12})
    damage(root)
    with pytest.raises(UserError, match=r"2 of the 24 .*a/5\.png.*--allow-damaged"):
        check(open_data(root))
    whole, found = check(open_data(root), allow_damaged=True)
    assert len(whole) == 22
    assert len(found.damaged) == 2


def test_reading_a_damaged_file_is_one_sentence_with_its_name(folder):
    root = folder({"a": 12, "b": 12})
    damage(root)
    with pytest.raises(UserError, match=r"a/5\.png cannot be read"):
        open_data(root).raw(np.arange(24))


def test_a_missing_image_of_a_table_is_damaged(folder, write):
    folder({"all": 40})
    lines = [f"pictures/all/{i}.png,{'ab'[i % 2]}" for i in range(41)]
    whole, found = check(open_data(write("labels.csv", "file,label\n" + "\n".join(lines))))
    assert found.damaged == [{"name": "pictures/all/40.png", "reason": "No such file or directory"}]
    assert len(whole) == 40


def test_odd_kinds_are_named(folder, draw):
    root = folder({"a": 10, "b": 10})
    draw(50).convert("CMYK").save(root / "a" / "press.jpg")
    draw(51, (3, 24)).save(root / "b" / "thin.png")
    _, found = check(open_data(root))
    assert {"name": "a/press.jpg", "what": "CMYK"} in found.odd
    assert found.odd_counts == {"CMYK": 1, "very small": 1}
    assert any("press.jpg" in line for line in found.lines())


def test_exact_copies_are_found_inside_and_across_splits(folder):
    root = folder({"train/a": 6, "train/b": 6, "test/a": 3, "test/b": 3})
    copies = {
        "train/a/0.png": ["train/a/copy.png"],
        "train/b/1.png": ["test/b/leak.png"],
        "train/a/2.png": ["train/b/2b.png"],
    }
    for name, others in copies.items():
        for other in others:
            (root / other).write_bytes((root / name).read_bytes())
    _, found = check(open_data(root))
    assert found.duplicates["n_exact"] == 3
    assert ["train/a/0.png", "train/a/copy.png"] in found.duplicates["exact"]
    assert found.duplicates["across_splits"] == [["train/b/1.png (train)", "test/b/leak.png (test)"]]
    assert found.duplicates["n_conflicting"] == 1
    assert any(line.startswith("leakage") for line in found.lines())


def test_recompressed_scaled_and_lightened_copies_are_near_duplicates(folder, draw):
    root = folder({"train/a": 20, "train/b": 20, "test/a": 4, "test/b": 4})
    original = Image.open(root / "train" / "a" / "3.png")
    original.save(root / "train" / "a" / "again.jpg", quality=60)
    original.resize((61, 61), Image.Resampling.BICUBIC).save(root / "test" / "a" / "larger.png")
    ImageEnhance.Brightness(original).enhance(0.8).save(root / "train" / "a" / "darker.png")
    _, found = check(open_data(root))
    (group,) = found.duplicates["near"]
    assert set(group) == {"train/a/3.png", "train/a/again.jpg", "test/a/larger.png", "train/a/darker.png"}
    assert found.duplicates["n_exact"] == 0
    assert found.duplicates["n_across_splits"] == 1


def test_pictures_of_one_colour_are_no_near_duplicates(folder):
    root = folder({"a": 3, "b": 3})
    for grey in (10, 100, 200):
        Image.new("RGB", (20, 20), (grey, grey, grey)).save(root / "a" / f"blank{grey}.png")
    _, found = check(open_data(root))
    assert found.duplicates["n_near"] == 0


def test_near_duplicates_agree_with_all_pairs_on_random_pictures(draw):
    rng = np.random.default_rng(0)
    pictures = [draw(i) for i in range(60)]
    noisy = [Image.fromarray((np.asarray(p) * 0.97 + rng.normal(0, 2, (24, 24, 3))).clip(0, 255).astype(np.uint8))
             for p in pictures[:10]]  # fmt: skip
    sketches = [sketch(picture) for picture in pictures + noisy]
    hashes = np.array([number for number, _ in sketches], np.uint64)
    small = np.stack([miniature for _, miniature in sketches])
    flat = small.reshape(len(small), -1).astype(float)
    alike = np.corrcoef(flat) >= 0.99
    expected = {(i, j) for i, j in zip(*np.nonzero(alike), strict=True) if i < j}
    found = {tuple(int(row) for row in group) for group in groups(near_pictures(hashes, lambda rows: small[rows]))}
    assert found == expected == {(i, 60 + i) for i in range(10)}


def test_texts_that_differ_in_case_and_punctuation_only_are_near_duplicates():
    texts = ["A fine film!", "a fine film", "another", "third one", "a fine film"] * 1 + [
        f"text {i}" for i in range(35)
    ]
    frame = pd.DataFrame({"text": texts, "label": ["a", "b"] * 20})
    _, found = check(open_data(frame))
    assert (found.duplicates["n_exact"], found.duplicates["n_near"]) == (1, 1)
    assert found.duplicates["near"] == [["row 1", "row 2", "row 5"]]


def test_empty_texts_and_rows_are_damaged():
    texts = [f"text number {i}" for i in range(40)]
    texts[7] = "  "
    whole, found = check(open_data(pd.DataFrame({"text": texts, "label": ["a", "b"] * 20})))
    assert found.damaged == [{"name": "row 8", "reason": "the text is empty"}]
    x = np.random.default_rng(0).normal(size=(40, 2))
    x[3] = np.nan
    whole, found = check(open_data((x, ["a", "b"] * 20)))
    assert found.damaged == [{"name": "row 4", "reason": "all values are missing"}]
    assert len(whole) == 39


def test_a_regression_counts_rows():
    x = np.random.default_rng(0).normal(size=(40, 2))
    _, found = check(open_data((x, np.linspace(0, 1, 40))))
    assert found.counts == {"train": {"rows": 32}, "test": {"rows": 8}}
    assert found.imbalance == 1.0


def test_a_class_that_damage_removes_from_training_is_an_error(folder):
    root = folder({"train/a": 30, "train/b": 1, "test/a": 2, "test/b": 2})
    (root / "train" / "b" / "0.png").write_bytes(b"")
    with pytest.raises(UserError, match="no sample of 'b'"):
        check(open_data(root))


def test_unlabelled_inputs_are_checked_too(folder):
    root = folder({"some": 30})
    (root / "some" / "3.png").write_bytes(b"nonsense")
    whole, found = check(open_inputs(root, modality="image"))
    assert found.damaged == [{"name": "some/3.png", "reason": "no image that can be recognised"}]
    assert found.counts == {"test": {"rows": 29}}
    np.testing.assert_array_equal(whole.splits["test"], np.arange(29))


def test_near_duplicates_are_found_however_few_or_many_lie_together(draw):
    number, small = sketch(draw(3))
    for count in (1, 2, 30):
        hashes, minis = np.full(count, number, np.uint64), np.stack([small] * count)
        assert len(set(near_pictures(hashes, lambda rows: minis[rows]))) == 1  # noqa: B023
    assert same(np.zeros((0, 16), np.uint8)).shape == (0,)
    assert same(np.array([[1] * 16, [2] * 16, [1] * 16], np.uint8)).tolist() == [0, 1, 0]
    assert [rows.tolist() for rows in groups(np.array([5, 2, 5, 7, 2, 5]))] == [[0, 2, 5], [1, 4]]


def test_hashes_that_agree_in_few_bits_or_pictures_that_do_not_correlate_are_no_duplicates(draw):
    number, small = sketch(draw(3))
    other = sketch(draw(4))[1]
    pairs = {
        "six bits": (number ^ 0b111111, small, True),
        "seven bits": (number ^ 0b1111111, small, False),
        "no band in common": (number ^ 0x0001000100010001, small, False),
        "another picture": (number, other, False),
        "darker": (number, (0.5 * small).astype(np.uint8), True),
        "turned": (number, 255 - small, False),
        "flat": (number, np.full_like(small, 100), False),
    }
    for name, (second, miniature, alike) in pairs.items():
        minis = np.stack([small, miniature])
        found = near_pictures(np.array([number, second], np.uint64), lambda rows: minis[rows])  # noqa: B023
        assert (found[0] == found[1]) == alike, name


def test_a_hash_says_where_it_gets_lighter_to_the_right():
    ramp = np.tile(np.linspace(0, 255, 36).astype(np.uint8), (32, 1))
    assert sketch(Image.fromarray(ramp))[0] == 2**64 - 1
    assert sketch(Image.fromarray(ramp[:, ::-1]))[0] == 0
    halves = np.concatenate([ramp[:16], ramp[:16, ::-1]])
    assert sketch(Image.fromarray(halves))[0] == (2**32 - 1) << 32  # the first bit is the upper left one
    grey = sketch(Image.fromarray(ramp))[1]
    assert grey.shape == (16, 18)
    assert abs(grey.astype(float) - np.linspace(3.6, 251.4, 18)).max() < 8
