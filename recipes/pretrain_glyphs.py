"""Make the weights of ``headstart/glyphs`` from nothing: letters in printed fonts, no digits.

    python recipes/pretrain_glyphs.py [--steps 5000] [--out src/headstart/networks/assets/glyphs]

Every letter A to Z and a to z is drawn with every font that matplotlib ships and in three stroke widths; training
sees it turned, sheared, scaled, bent, shifted, at low resolution, with changing contrast, polarity and noise, and
names the letter. Capitals that look like their small letters share a class. Everything is a function of the seed
and the step.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import string
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from headstart.deep.finetune.scratch import Scratch
from headstart.engine import Stream, predict, train
from headstart.networks.build import build
from headstart.networks.glyphs import SIZE, glyph_class, glyphs_classes, glyphs_spec, glyphs_weights
from headstart.networks.network import Network
from headstart.problem import Task
from headstart.storage import save_tensors, write_json
from headstart.tasks import TaskLogic, create_task

LETTERS = string.ascii_uppercase + string.ascii_lowercase
SYMBOLS = ("STIXSiz", "STIXNonUni", "LastResort", "cmex")
STROKES = (0, 3, 6)
RESOLUTIONS = (8, 8, 8, 10, 12, 16)
CHUNK = 16
SEED = 0
THREADS = 1  # the same bits whatever the number of cores; letters are drawn ahead on another
BATCH = 128
STEPS = 5000
HELD_OUT, REFERENCE = 2048, 256


def letter_files() -> list[Path]:
    """Return matplotlib's fonts that hold letters."""
    import matplotlib

    files = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("*.ttf"))
    return [file for file in files if not file.name.startswith(SYMBOLS) and "Display" not in file.name]


def draw(font: ImageFont.FreeTypeFont, letter: str, stroke: int) -> Image.Image:
    """Draw one letter, white on black, its longer side 44 of 64 pixels."""
    page = Image.new("L", (192, 192))
    ImageDraw.Draw(page).text((48, 30), letter, fill=255, font=font, stroke_width=stroke)
    box = page.getbbox()
    assert box is not None, f"{font.path} draws nothing for {letter}"
    ink = page.crop(box)
    scale = 44 / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.LANCZOS)
    glyph = Image.new("L", (64, 64))
    glyph.paste(ink, ((64 - ink.width) // 2, (64 - ink.height) // 2))
    return glyph


def draw_letters() -> tuple[Tensor, list[str]]:
    """Return glyphs [n, 1, 64, 64] from 0 to 1 and their letters."""
    glyphs, letters = [], []
    for file in letter_files():
        font = ImageFont.truetype(str(file), 96)
        for letter in LETTERS:
            if file.name == "cmsy10.ttf" and letter.islower():  # the places of small letters hold symbols there
                continue
            for stroke in STROKES:
                glyphs.append(np.asarray(draw(font, letter, stroke)))
                letters.append(letter)
    return torch.from_numpy(np.stack(glyphs)[:, None]).float() / 255, letters


class Renderer:
    """Fetches rendered letters; the same glyphs in the same views give the same pictures."""

    slow = True

    def __init__(self, glyphs: Tensor, seed: int) -> None:
        self.glyphs, self.seed = glyphs, seed

    def __call__(self, positions: np.ndarray, view: int | np.ndarray = 0) -> Tensor:
        """Return pictures [n, 1, 32, 32] from -1 to 1."""
        rows = np.asarray(positions, dtype=np.int64)
        key = np.stack([rows, np.broadcast_to(np.asarray(view, dtype=np.int64), rows.shape)])
        digest = hashlib.blake2b(key.tobytes(), digest_size=7, salt=self.seed.to_bytes(8, "little")).digest()
        random = torch.Generator().manual_seed(int.from_bytes(digest, "little"))
        return expose(coarsen(warp(self.glyphs[rows], random), random), random)


def warp(glyphs: Tensor, random: torch.Generator) -> Tensor:
    """Scale, shear, turn, shift and bend glyphs [n, 1, 64, 64] into pictures [n, 1, 32, 32]."""
    n = len(glyphs)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    size, aspect = uniform(n) * 0.5 + 1.05, (normal(n) * 0.15).exp()
    angle, shear = normal(n) * 0.15, torch.eye(2).repeat(n, 1, 1)
    shear[:, 0, 1] = normal(n) * 0.2
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    scale = torch.diag_embed(torch.stack([1 / (size * aspect), aspect / size], -1))
    matrix = torch.cat([rotation @ shear @ scale, (uniform(n, 2, 1) - 0.5) * 0.2], -1)
    bend = interpolate(normal(n, 2, 4, 4) * uniform(n, 1, 1, 1) * 0.1, (SIZE, SIZE), mode="bicubic", align_corners=True)
    grid = affine_grid(matrix, [n, 1, SIZE, SIZE], align_corners=False) + bend.permute(0, 2, 3, 1)
    return grid_sample(glyphs, grid, align_corners=False)


def coarsen(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Take the pictures, 16 at a time, through one of the low resolutions."""
    parts = []
    for part in pictures.split(CHUNK):
        side = RESOLUTIONS[int(torch.randint(len(RESOLUTIONS), (1,), generator=random))]
        mode = ("bilinear", "bicubic")[int(torch.randint(2, (1,), generator=random))]
        small = interpolate(part, (side, side), mode="area")
        parts.append(interpolate(small, (SIZE, SIZE), mode=mode, align_corners=False))
    return torch.cat(parts)


def expose(ink: Tensor, random: torch.Generator) -> Tensor:
    """Change contrast, paper, noise and polarity of ink [n, 1, h, w] from 0 to 1; returns -1 to 1."""
    n = len(ink)

    def uniform() -> Tensor:
        return torch.rand(n, 1, 1, 1, generator=random)

    ink = (ink / (ink.amax((1, 2, 3), keepdim=True) + 1e-6)).clamp(0, 1)
    ink = ink ** (torch.randn(n, 1, 1, 1, generator=random) * 0.4).exp()
    paper, strongest = 0.25 * uniform() * (uniform() < 0.4), 1 - 0.35 * uniform()
    noise = torch.randn(ink.shape, generator=random) * 0.08 * uniform()
    grey = (paper + ink * (strongest - paper) + noise).clamp(0, 1)
    return torch.where(uniform() < 0.5, 1 - 2 * grey, 2 * grey - 1)


def recipe_hash() -> str:
    """Return the BLAKE2b digest of this file's bytes."""
    return hashlib.blake2b(Path(__file__).read_bytes(), digest_size=16).hexdigest()


def pretrain(renderer: Renderer, labels: np.ndarray, logic: TaskLogic, steps: int) -> Network:
    """Train the network on rendered letters."""
    torch.manual_seed(SEED)
    network = build(glyphs_spec())
    network.head = logic.head(network.n_features)
    stream = Stream(renderer, labels, batch_size=BATCH, seed=SEED, views=10**6)
    losses: list[float] = []

    def show(record: dict[str, Any]) -> None:
        losses.append(record["train_loss"])
        if record["step"] % 200 == 0:
            print(f"step {record['step']} of {steps}, loss {np.mean(losses[-200:]):.3f}", flush=True)

    return train(
        Scratch(), network, stream, task=logic, steps=steps, learning_rate=3e-3, weight_decay=0.05, warmup=0.02,
        seed=SEED, precision="no", device="cpu", on_step=show,
    ).network  # fmt: skip


def letter_accuracy(network: Network, logic: TaskLogic, glyphs: Tensor, labels: np.ndarray) -> float:
    """Return the accuracy on ``HELD_OUT`` renderings that training has not seen (of the same fonts)."""
    rows = np.random.default_rng(SEED + 1).integers(len(glyphs), size=HELD_OUT)
    fresh = Renderer(glyphs, SEED + 1)
    found = predict(network, logic, lambda positions, view=0: fresh(rows[positions], view), HELD_OUT)
    return float((found.argmax(1) == labels[rows]).mean())


def reference_features(network: Network, glyphs: Tensor) -> Tensor:
    """Return features [256, n_features] of rendered letters."""
    rows = np.random.default_rng(SEED + 2).integers(len(glyphs), size=REFERENCE)
    with torch.no_grad():
        return network.eval().features(Renderer(glyphs, SEED + 2)(rows))


def main(out: Path, steps: int) -> None:
    """Train, and write the weights, the reference features and the record of how they were made."""
    torch.set_num_threads(THREADS)
    start, start_cpu = time.perf_counter(), time.process_time()
    glyphs, letters = draw_letters()
    classes = glyphs_classes()
    labels = np.array([classes.index(glyph_class(letter)) for letter in letters])
    logic = create_task(Task("classification", classes=classes))
    network = pretrain(Renderer(glyphs, SEED), labels, logic, steps)
    record = {
        "recipe": "recipes/pretrain_glyphs.py",
        "recipe_blake2b": recipe_hash(),
        "date": date.today().isoformat(),
        "steps": steps,
        "pictures": steps * BATCH,
        "glyphs": len(glyphs),
        "classes": len(classes),
        "accuracy_on_fresh_renderings": round(letter_accuracy(network, logic, glyphs, labels), 4),
        "n_fresh_renderings": HELD_OUT,
        "seconds": round(time.perf_counter() - start),
        "cpu_seconds": round(time.process_time() - start_cpu),
        "threads": THREADS,
        "versions": {"torch": torch.__version__, "pillow": version("pillow"), "matplotlib": version("matplotlib")},
    }
    reference = reference_features(network, glyphs)
    network.head = torch.nn.Identity()
    save_tensors(out / "weights.safetensors", network.state_dict(), {"recipe_blake2b": record["recipe_blake2b"]})
    save_tensors(out / "reference.safetensors", {"features": reference})
    write_json(out / "recipe.json", record)
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the weights of headstart/glyphs.")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=glyphs_weights().parent)
    arguments = parser.parse_args()
    main(arguments.out, arguments.steps)
