"""Stated limits: what is too large is told so, within memory; memory that runs out is never damage."""

import gzip
import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from headstart.data import check, limits, open_data
from headstart.data import images as pictures
from headstart.data.images import decode_image
from headstart.errors import UserError

SIDE = 64


@pytest.fixture
def small_side(monkeypatch):
    monkeypatch.setattr(pictures, "WORKING_SIDE", SIDE)


def stored(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def waves(width: int, height: int) -> Image.Image:
    """A smooth picture, whose colours survive scaling and JPEG."""
    x, y = np.linspace(0, 6, width), np.linspace(0, 4, height)[:, None]
    return Image.fromarray(np.uint8(127 + 100 * np.stack([np.sin(x + y), np.cos(x - y), np.sin(x) + 0 * y], axis=2)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_is_decoded_at_reduced_size(kind, small_side):
    image = waves(2 * SIDE + 30, 4 * SIDE)
    content = stored(image, kind, **({"quality": 95} if kind == "JPEG" else {}))
    found, odd = decode_image(content)
    assert found.size == (SIDE + 15, 2 * SIDE)
    assert odd == []
    truth = np.asarray(image.resize(found.size, Image.Resampling.BOX), np.float64)
    assert np.abs(np.asarray(found, np.float64) - truth).mean() < 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_large_pictures_of_every_kind_come_out_as_their_small_ones(mode, small_side):
    size = (2 * SIDE, 2 * SIDE)
    if mode == "I;16":
        image = Image.fromarray(np.full(size, 25700, np.uint16))
        colour = (100, 100, 100)
    else:
        image = Image.new("RGB", size, (200, 200, 200)).convert(mode)
        colour = decode_image(Image.new("RGB", (9, 9), (200, 200, 200)).convert(mode))[0].getpixel((5, 5))
    content = stored(image, "TIFF" if mode == "CMYK" else "PNG")
    found, _ = decode_image(content)
    assert found.mode == "RGB"
    assert found.size == (SIDE, SIDE)
    if mode not in ("1", "P"):  # which are dithered
        assert found.getpixel((30, 30)) == colour


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_large_turned_photo_is_turned(orientation, small_side):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = waves(3 * SIDE, 2 * SIDE)
    found, odd = decode_image(stored(image, "JPEG", exif=exif))
    assert odd == ["EXIF-rotated"]
    assert found.size == ((96, 64) if orientation == 3 else (64, 96))


def test_a_picture_beyond_the_limit_of_pixels_is_named_and_never_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("L", (20, 20), i).save(tmp_path / name / f"{i}.png")
    Image.new("L", (40, 30)).save(tmp_path / "a" / "huge.png")
    _, checks = check(open_data(tmp_path), allow_damaged=True)
    assert [(entry["name"], entry["reason"]) for entry in checks.damaged] == [
        ("a/huge.png", "it has 40 x 30 pixels, and at most 1,000 are read")
    ]


def test_values_that_are_no_number_are_damage():
    with pytest.raises(ValueError, match="NaN"):
        decode_image(stored(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF"))


LITTLE_MEMORY = """
import resource, sys
from headstart.data import check, limits, open_data
from headstart.errors import UserError
check(open_data(sys.argv[1]))
data = open_data(sys.argv[2])
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 100 * 2**20, resource.RLIM_INFINITY))
try:
    check(data, allow_damaged=True)
except UserError as error:
    print("told:", error)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size of a process is read from /proc")
def test_memory_that_runs_out_is_not_damage(tmp_path):
    for root, side in (("small", 20), ("large", 7000)):
        for name in ("a", "b"):
            (tmp_path / root / name).mkdir(parents=True)
            for i in range(2):
                Image.new("L", (20, 20), i).save(tmp_path / root / name / f"{i}.png")
        Image.new("RGB", (side, side)).save(tmp_path / root / "a" / "huge.png", compress_level=1)
    run = [sys.executable, "-c", LITTLE_MEMORY, str(tmp_path / "small"), str(tmp_path / "large")]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "told: There is too little memory" in done.stdout, done.stderr[-2000:]
    assert "a/huge.png" in done.stdout


def test_a_packed_file_that_unpacks_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "FREE", 100_000)
    table = "x,label\n" + "1,a\n2,b\n" * 30_000
    for name, text in (("t.csv", table), ("t.jsonl", '{"x": 1, "label": "a"}\n' * 20_000), ("one.csv", "x" * 800_000)):
        path = tmp_path / f"{name}.gz"
        path.write_bytes(gzip.compress(text.encode()))
        with pytest.raises(UserError, match="unpacks to more than 100,000 bytes"):
            open_data(path)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1000, 100)), y=np.arange(1000) % 2)
    with pytest.raises(UserError, match="unpacks to more than"):
        open_data(tmp_path / "x.npz")
    (tmp_path / "plain.csv").write_text(table)
    assert len(open_data(tmp_path / "plain.csv")) == 60_000


def test_a_line_without_end_is_named_by_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_LINE", 1000)
    path = tmp_path / "t.jsonl"
    path.write_text('{"x": 1, "label": "a"}\n{"x": "' + "y" * 2000 + '", "label": "b"}\n')
    with pytest.raises(UserError, match="more than 1,000 bytes in line 2"):
        open_data(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "frame", "array"])
def test_too_many_columns_and_too_long_names_are_refused(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_COLUMNS", 20)
    monkeypatch.setattr(limits, "LONGEST_NAME", 30)
    for names, words in (
        ([f"c{i}" for i in range(30)], "columns, and at most 20"),
        (["n" * 40, "b"], "has 40 characters"),
    ):
        row = dict.fromkeys(names, 1) | {"label": "a"}
        if kind == "array" and len(names) == 2:
            continue
        if kind == "csv":
            data = tmp_path / "t.csv"
            data.write_text(",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n")
        elif kind == "jsonl":
            data = tmp_path / "t.jsonl"
            data.write_text(json.dumps(row) + "\n")
        else:
            data = pd.DataFrame([row]) if kind == "frame" else (np.zeros((4, 30)), [0, 1, 0, 1])
        with pytest.raises(UserError, match=words):
            open_data(data)
