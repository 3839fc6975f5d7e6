"""Clips: which frames are taken, what a sheet holds, what is a clip, and what is wrong with one."""

import sys

import numpy as np
import pytest
from PIL import Image

from headstart.data import open_data, open_inputs
from headstart.data.checking import check
from headstart.data.clips import FRAMES, frame_positions, read_clip
from headstart.errors import UserError


def frames(n, start=0):
    return [Image.fromarray(np.full((10, 12), start + 10 * step, np.uint8)) for step in range(n)]


def write_gif(path, n=16, start=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = frames(n, start)
    first.save(path, save_all=True, append_images=others)


def write_folder(path, n=16, start=0):
    path.mkdir(parents=True)
    for number, frame in enumerate(frames(n, start)):
        frame.save(path / f"frame{number}.png")  # frame10 must follow frame9


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000])
def test_frames_are_the_middles_of_equal_parts_in_order(n):
    found = frame_positions(n)
    assert len(found) == FRAMES
    assert found == sorted(found)
    middles = [(2 * part + 1) * n / (2 * FRAMES) for part in range(FRAMES)]
    assert all(place <= middle < place + 1 for place, middle in zip(found, middles, strict=True))


def test_a_gif_and_its_frames_give_the_same_sheet_in_reading_order(tmp_path):
    write_gif(tmp_path / "a.gif")
    write_folder(tmp_path / "a")
    sheet = read_clip(tmp_path / "a.gif")
    assert sheet.shape == (20, 48, 3)
    np.testing.assert_array_equal(sheet, read_clip(tmp_path / "a"))
    values = [int(sheet[10 * (place // 4), 12 * (place % 4), 0]) for place in range(FRAMES)]
    assert values == [10 * position for position in frame_positions(16)]


def test_moving_gifs_and_folders_of_frames_are_clips_and_still_ones_pictures(tmp_path):
    for split in ("train", "test"):
        for name, start in (("a", 0), ("b", 50)):
            for number in range(2):
                write_gif(
                    tmp_path / "gifs" / split / name / f"{number}.gif", start=start + number + 20 * (split == "test")
                )
                write_folder(tmp_path / "frames" / split / name / str(number), start=start + number)
    gifs, pictures = open_data(tmp_path / "gifs"), open_data(tmp_path / "frames")
    clips = open_data(tmp_path / "frames", modality="clip")
    assert (gifs.frames, pictures.frames, clips.frames) == (FRAMES, 0, FRAMES)
    assert (len(gifs), len(pictures), len(clips)) == (8, 128, 8)
    assert [len(clips.splits[name]) for name in ("train", "validation", "test")] == [4, 0, 4]
    assert clips.names([0]) == ["test/a/0"] or clips.names([0]) == ["train/a/0"]
    assert gifs.raw([0])[0].size == (48, 20)
    assert gifs.hashes([0]) != gifs.hashes([1])
    mixed = [tmp_path / "gifs/train/a/0.gif", tmp_path / "frames/train/a"]
    assert open_inputs(mixed, modality="clip").names([0, 1, 2])[1:] == [str(mixed[1] / "0"), str(mixed[1] / "1")]


def test_a_damaged_clip_is_named_and_left_out(tmp_path):
    for name in "ab":
        for number in range(4):
            write_gif(tmp_path / name / f"{number}.gif", start=3 * number + (name == "b"))
    (tmp_path / "a/3.gif").write_bytes(b"GIF89a broken")
    whole, found = check(open_data(tmp_path), allow_damaged=True)
    assert [entry["name"] for entry in found.damaged] == ["a/3.gif"]
    assert len(whole) == 7


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda place: (place / "x").mkdir(), "no clip"),
        (lambda place: (place / "x.txt").write_text("no"), "no clip"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(tmp_path, make, said):
    make(tmp_path)
    with pytest.raises(UserError, match=said):
        open_inputs(sorted(tmp_path.iterdir()), modality="clip")


def test_a_video_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r"a\.mp4 is a video.*headstart\[video\]"):
        read_clip(tmp_path / "a.mp4")
