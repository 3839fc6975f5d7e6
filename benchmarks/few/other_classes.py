"""Sources for animals of CIFAR-100 that have seen none of them, and which of them ImageNet has.

A Conv-4 in colour, 32 x 32 pixels, learns the classes of CIFAR-100 that AwA does not name (83 x 70 pictures) from
random weights; what was stopped goes on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import headstart as hs
from benchmarks.views import data_folder
from headstart.networks import save_network
from headstart.networks.conv4 import build_conv4, conv4_spec
from headstart.networks.image_preprocess import ImagePreprocess

BUILD = Path("build/few/other-classes")
SYNSETS: dict[str, tuple[str, ...]] = {
    "beaver": ("beaver",),
    "chimpanzee": ("chimpanzee",),
    "dolphin": (),
    "elephant": ("Indian elephant", "African elephant", "tusker"),
    "fox": ("red fox", "kit fox", "Arctic fox", "grey fox"),
    "hamster": ("hamster",),
    "leopard": ("leopard", "snow leopard"),
    "lion": ("lion",),
    "mouse": (),
    "otter": ("otter",),
    "rabbit": ("wood rabbit", "Angora", "hare"),
    "raccoon": (),
    "seal": (),
    "skunk": ("skunk",),
    "squirrel": ("fox squirrel",),
    "tiger": ("tiger",),
    "wolf": ("timber wolf", "white wolf", "red wolf"),
}
"""Animal to the classes of ImageNet that show it, by their first name there."""


def animals_of_both() -> list[str]:
    """Return the classes that CIFAR-100 and AwA both name."""
    with np.load(data_folder() / "cifar100/cifar100_small.npz", allow_pickle=False) as file:
        fine = {str(name).replace("_", " ") for name in file["classes"]}
    with np.load(data_folder() / "awa2_attributes/awa2_attributes.npz", allow_pickle=True) as file:
        return sorted(fine & {str(name).replace("+", " ") for name in file["classes"]})


def write_others(folder: Path) -> None:
    """Write all pictures of the other classes, a folder per class."""
    animals = animals_of_both()
    with np.load(data_folder() / "cifar100/cifar100_small.npz", allow_pickle=False) as file:
        names = [str(name).replace("_", " ") for name in file["classes"]]
        for part in ("train", "test"):
            for number, (picture, label) in enumerate(zip(file[f"x_{part}"], file[f"y_{part}"].ravel(), strict=True)):
                if names[int(label)] not in animals:
                    path = folder / names[int(label)] / f"{part}-{number}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.fromarray(picture).save(path)


def colour_conv4(folder: Path) -> Path:
    """Write a Conv-4 for pictures of 32 x 32 pixels in colour, with random weights, and return where."""
    seen = ImagePreprocess(
        size=32, crop_pct=1.0, interpolation="bilinear", mean=(0.5,) * 3, std=(0.25,) * 3, channels=3, flip=True
    )
    save_network(build_conv4(conv4_spec() | {"preprocess": seen.to_json()}), None, folder)
    return folder


def of_other_classes(epochs: int = 40, minutes: float = 20, folder: Path = BUILD) -> Path:
    """Return the run that learned the other classes, which is made or gone on with where it is not finished."""
    run = folder / "run"
    if not (run / "run.json").exists():
        if (run / "state/arguments.json").exists():
            hs.resume(run, quiet=True)
        else:
            write_others(folder / "pictures")
            network = str(colour_conv4(folder / "conv4"))
            hs.pretrain(
                folder / "pictures", network=network, epochs=epochs, views=8, budget=f"{minutes}m",
                out=run, quiet=True, force=True, device="cpu",
            )  # fmt: skip
    found = hs.load(run)
    print("other classes", found.result["arms"]["scratch"]["test"], found.result["arms"]["scratch"].get("seconds"))
    return run
