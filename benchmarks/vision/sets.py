"""The sets of `benchmarks.vision`, unpacked from HEADSTART_DATA into forms that ``headstart fit`` reads."""

from __future__ import annotations

import io
import runpy
import shutil
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.views import data_folder

FOLDS = 5
PARTS = ("test", "val", "train", "train", "train")
CHOOSING = 5
"""One in so many training pictures of the retina chooses and says when to stop."""


def bccd(place: Path, labelled: int | None, seed: int) -> Path:
    """Return the repository's own split (205, 87 and 72 pictures), with ``labelled`` of the training pictures drawn."""
    folder = place / f"bccd-{labelled or 'all'}-{seed}"
    _once(folder, lambda draft: _bccd(draft, labelled, seed))
    return folder / "BCCD"


def _bccd(folder: Path, labelled: int | None, seed: int) -> None:
    with tarfile.open(data_folder() / "bccd/bccd.tar") as archive:
        archive.extractall(folder, filter="data")
    sets = folder / "BCCD/ImageSets/Main"
    names = sorted((sets / "train.txt").read_text().split())
    drawn = names if labelled is None else list(np.random.default_rng(seed).permutation(names)[:labelled])
    (sets / "train.txt").write_text("".join(f"{name}\n" for name in drawn))
    kept = {name for part in ("train", "val", "test") for name in (sets / f"{part}.txt").read_text().split()}
    for path in [*(folder / "BCCD").glob("JPEGImages/*.jpg"), *(folder / "BCCD").glob("Annotations/*.xml")]:
        if path.stem not in kept:  # pictures without their labels would be negatives
            path.unlink()


def membrane(place: Path, fold: int) -> Path:
    """Return the 30 labelled slices in five blocks: one tests, the next one chooses, three learn; neighbours look
    alike."""
    folder = place / f"membrane-three-{fold}"
    _once(folder, lambda draft: _membrane(draft, fold))
    return folder


def _membrane(folder: Path, fold: int) -> None:
    slices = _members("membrane/isbi_membrane.tar")
    for number in range(30):
        part = PARTS[(number * FOLDS // 30 - fold) % FOLDS]
        for kind, name in (("image", "images"), ("label", "masks")):
            picture = Image.open(io.BytesIO(slices[f"membrane/train/{kind}/{number}.png"])).convert("L")
            _save(picture, folder / part / name / f"{number:02d}.png")


def drive(place: Path) -> Path:
    """Return the retina's own split, 20 to learn from, of which 4 choose, and 20 to test on."""
    folder = place / "drive-three"
    _once(folder, _drive)
    return folder


def _drive(folder: Path) -> None:
    for name, content in _members("drive_retina/drive_256.tar").items():
        part, kind, file = Path(name).parts[-3:]
        if kind in ("images", "1st_manual"):
            picture = Image.open(io.BytesIO(content))
            number = int(file.split("_")[0])
            split = "test" if part == "test" else "val" if number % CHOOSING == 0 else "train"
            where = folder / split / ("images" if kind == "images" else "masks")
            mask = kind == "1st_manual"
            _save(picture.convert("L") if mask else picture.convert("RGB"), where / f"{file.split('_')[0]}.png")


def pneumonia(place: Path) -> Path:
    """Return the X-rays of 28 pixels in their own three splits (4,708, 524 and 624), a folder per class."""
    folder = place / "pneumonia"
    _once(folder, _pneumonia)
    return folder


def _pneumonia(folder: Path) -> None:
    with np.load(data_folder() / "medmnist/pneumoniamnist.npz") as file:
        for part in ("train", "val", "test"):
            for number, (picture, label) in enumerate(
                zip(file[f"{part}_images"], file[f"{part}_labels"].ravel(), strict=True)
            ):
                name = ("normal", "pneumonia")[int(label)]
                _save(Image.fromarray(picture), folder / part / name / f"{number:04d}.png")


def faces(place: Path) -> Path:
    """Return the ORL faces, a folder per person."""
    folder = place / "orl"

    def unpack(draft: Path) -> None:
        with tarfile.open(data_folder() / "faces_orl/orl_faces.tar.gz") as archive:
            archive.extractall(draft, filter="data")

    _once(folder, unpack)
    return folder


def clips(place: Path, by: str) -> Path:
    """Return the recipe's clips of moving digits, 40 of each direction or 16 of each digit."""
    folder = place / f"clips-{by}"
    recipe = Path(__file__).resolve().parents[2] / "recipes/moving_digits.py"
    make = runpy.run_path(str(recipe))["make_clips"]
    _once(folder, lambda draft: make(draft, by, 40 if by == "direction" else 16, 0))
    return folder


def _once(folder: Path, make: object) -> None:
    """Make a folder whole, or not at all."""
    if folder.exists():
        return
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    make(draft)  # type: ignore[operator]
    draft.rename(folder)


def _members(archive: str) -> dict[str, bytes]:
    with tarfile.open(data_folder() / archive) as tar:
        files = [member for member in tar.getmembers() if member.isfile()]
        return {member.name: tar.extractfile(member).read() for member in files}  # type: ignore[union-attr]


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
