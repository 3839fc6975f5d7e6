"""Names that look the same, names that are not text, and links that lead round in a circle."""

import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

import headstart as hs
from headstart.errors import UserError

COMPOSED, APART = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def pictures(folder, count=3):
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


def test_a_class_in_two_normal_forms_is_one_class_across_splits(tmp_path):
    for split, name in (("train", COMPOSED), ("val", APART), ("test", COMPOSED)):
        pictures(tmp_path / split / name)
        pictures(tmp_path / split / "tea")
    dataset = hs.open(tmp_path)
    assert dataset.task.classes == (COMPOSED, "tea")
    assert [len(dataset.splits[name]) for name in ("train", "validation", "test")] == [6, 6, 6]
    assert len(dataset.raw(range(len(dataset)))) == 18


def test_two_normal_forms_side_by_side_are_told_apart_by_their_characters(tmp_path):
    for name in (COMPOSED, APART, "tea"):
        pictures(tmp_path / name)
    with pytest.raises(UserError) as caught:
        hs.open(tmp_path)
    assert r"'caf\xe9'" in str(caught.value)
    assert r"'cafe\u0301'" in str(caught.value)


LOOPS = {
    "a class that is the folder above": lambda root: (root / "loop").symlink_to(root),
    "a folder in a class": lambda root: (root / "tea" / "up").symlink_to(root),
    "a folder above all": lambda root: (root / "tea" / "up").symlink_to(root.parent),
    "its own folder": lambda root: (root / "tea" / "same").symlink_to(root / "tea"),
    "a link to itself": lambda root: (root / "tea" / "self").symlink_to(root / "tea" / "self"),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_link_that_leads_back_is_named(tmp_path, loop):
    root = tmp_path / "data"
    for name in ("cocoa", "tea"):
        pictures(root / name)
    LOOPS[loop](root)
    with pytest.raises(UserError, match=r"The link .*(leads back to|cannot be followed)"):
        hs.open(root)


def test_two_folders_that_lead_into_each_other_are_named(tmp_path):
    root = tmp_path / "data"
    for name in ("cocoa", "tea"):
        pictures(root / name)
    (root / "tea" / "x").symlink_to(root / "cocoa")
    (root / "cocoa" / "y").symlink_to(root / "tea")
    with pytest.raises(UserError, match="leads back to"):
        hs.open(root)


def test_links_that_lead_elsewhere_are_followed(tmp_path):
    pictures(tmp_path / "store" / "one")
    pictures(tmp_path / "data" / "tea")
    (tmp_path / "data" / "cocoa").symlink_to(tmp_path / "store" / "one")
    (tmp_path / "data" / "tea" / "more").symlink_to(tmp_path / "store" / "one")
    assert len(hs.open(tmp_path / "data")) == 9


def test_a_class_folder_that_is_not_utf8_is_named(tmp_path):
    for name in ("caf\udce9", "tea"):
        pictures(tmp_path / name)
    with pytest.raises(UserError, match=r"b'caf\\xe9' in .* is not UTF-8; rename it"):
        hs.open(tmp_path)


@pytest.fixture
def strange(tmp_path):
    """A folder whose name is not UTF-8, with pictures in two classes and a table."""
    root = tmp_path / "caf\udce9"
    for name in ("cocoa", "tea"):
        pictures(root / "pictures\udce9" / name, 6)
    rows = "".join(f"{number / 7:.3f},{number % 5},{'ab'[number % 2]}\n" for number in range(30))
    (root / "table\udce9.csv").write_text("x,z,label\n" + rows)
    return root


@pytest.mark.slow  # they are opened in the fast suite
def test_data_in_folders_whose_names_are_not_utf8_are_learned_from(strange, tmp_path):
    for name in ("pictures\udce9", "table\udce9.csv"):
        data = strange / name
        options = {"network": "headstart/tabular" if name.endswith("csv") else "headstart/glyphs", "epochs": 1}
        source = hs.pretrain(data, **options, out=tmp_path / "source", quiet=True, force=True)
        run = hs.fit(data, source=str(source.path), method="probe", arms="probe", out=tmp_path / "run", quiet=True,
                     force=True)  # fmt: skip
        assert "\\udce9" in run.result["data"]["name"]
        assert run.model.predict(str(data if name.endswith("csv") else data / "tea"))
        assert hs.resume(run.path).result == run.result


def test_an_out_that_is_not_utf8_is_refused_before_anything_is_written(strange):
    with pytest.raises(UserError, match=r"b'caf\\xe9' in .* is not UTF-8"):
        hs.fit(strange / "pictures\udce9", source="headstart/glyphs", out=strange / "run", quiet=True)
    assert not (strange / "run").exists()


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.slow
def test_in_the_plain_locale_a_description_is_printed_and_names_are_explained(tmp_path):
    code = """
import sys
from headstart import cli
for arguments in (["describe", "emoji.csv"], ["describe", "emoji.csv", "--json"], ["describe", "folder"]):
    sys.argv = ["headstart", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        print("code", end.code, flush=True)
"""
    rows = "".join(f"{number * 7 % 11},{'😀😢'[number % 2]}\n" for number in range(40))
    (tmp_path / "emoji.csv").write_text("x,label\n" + rows, encoding="utf-8")
    for name in (COMPOSED, "tea"):
        pictures(tmp_path / "folder" / name)
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | PLAIN, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 0", "code 0", "code 2"]
    assert r"\U0001f600" in done.stdout
    assert r"\ud83d\ude00" in done.stdout
    assert "cannot be read in this locale; set LC_ALL=C.UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
