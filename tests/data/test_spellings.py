"""Classes that look alike are named, their spellings made visible."""

import pandas as pd
import pytest

from headstart.data import open_data
from headstart.data.spellings import similar_classes

ALIKE = {
    "case": ("yes", "Yes"),
    "a blank within": ("New York", "NewYork"),
    "a no-break blank": ("New York", "New\u00a0York"),
    "zero width": ("cat", "c\u200bat"),
    "a joiner": ("cat", "cat\u200d"),
    "a byte order mark": ("cat", "\ufeffcat"),
    "a soft hyphen": ("cat", "ca\u00adt"),
    "normal form": ("caf\u00e9", "cafe\u0301"),
    "full width": ("A1", "\uff21\uff11"),
    "a variation selector": ("\u2764", "\u2764\ufe0f"),
    "sharp s": ("STRASSE", "stra\u00dfe"),
}


@pytest.mark.parametrize("kind", ALIKE)
@pytest.mark.parametrize("door", ["csv", "frame"])
def test_classes_that_look_alike_are_named_and_kept_apart(kind, door, tmp_path):
    names = ALIKE[kind]
    frame = pd.DataFrame({"x": range(0, 90, 3), "label": [*names, "other"] * 10})
    frame["x"] = frame.x % 7 / 2
    if door == "csv":
        frame.to_csv(tmp_path / "t.csv", index=False)
    dataset = open_data(tmp_path / "t.csv" if door == "csv" else frame)
    assert set(dataset.task.classes) == {*names, "other"}
    (told,) = dataset.warnings
    assert told.isascii()
    for name in names:
        assert name.encode("ascii", "backslashreplace").decode() in told


def test_classes_that_differ_in_more_are_not_named():
    assert similar_classes(("a", "b", "ab", "1", "01", "-1", "1.0", "\U0001f44d", "\U0001f44e")) == ()


def test_a_spelling_with_blanks_around_it_is_merged_and_that_is_said():
    frame = pd.DataFrame({"x": [i % 7 / 2 for i in range(40)], "label": ["yes", "no", "yes ", "\u00a0no"] * 10})
    dataset = open_data(frame)
    assert dataset.task.classes == ("no", "yes")
    (told,) = [text for text in dataset.warnings if "blanks" in text]
    assert r"'yes\x20'" in told
