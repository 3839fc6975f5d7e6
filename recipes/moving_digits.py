"""Make short clips of handwritten digits that move, a folder per class, each clip a GIF of 16 frames of 32 pixels.

    python recipes/moving_digits.py CLIPS [--by direction|digit] [--each 40] [--seed 0]

A digit of scikit-learn's set goes left, right, up or down through the middle of a dark field, or stands nearer to a
side. Clips that go left are, frame by frame, like clips that go right the other way round, so that no single frame,
and no mean of frames, tells them apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

SIDE, DIGIT, FRAMES = 32, 16, 16
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def make_clips(out: Path, by: str, each: int, seed: int) -> None:
    """Write ``each`` clips of every direction, or of every digit."""
    digits, random = load_digits(), np.random.default_rng(seed)
    classes = list(DIRECTIONS) if by == "direction" else [str(number) for number in range(10)]
    for name in classes:
        (out / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            direction = name if by == "direction" else str(random.choice(list(DIRECTIONS)))
            rows = np.arange(len(digits.target)) if by == "direction" else np.flatnonzero(digits.target == int(name))
            ink = np.round(digits.images[random.choice(rows)] * (255 / 16)).astype(np.uint8)
            save_clip(out / name / f"{number:03d}.gif", ink, DIRECTIONS[direction], random)


def save_clip(path: Path, ink: np.ndarray, direction: tuple[int, int], random: np.random.Generator) -> None:
    """Write one digit that goes through the field."""
    digit = Image.fromarray(ink).resize((DIGIT, DIGIT), Image.Resampling.BILINEAR)
    room, aside = SIDE - DIGIT, random.integers(-5, 6)
    frames = []
    for step in np.linspace(-0.5, 0.5, FRAMES):
        x, y = (room * (0.5 + step * along) for along in direction)
        x, y = (x, y + aside) if direction[1] == 0 else (x + aside, y)
        frame = Image.new("L", (SIDE, SIDE))
        frame.paste(digit, (round(x), round(y)))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=60, loop=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--by", choices=("direction", "digit"), default="direction")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    make_clips(asked.out, asked.by, asked.each, asked.seed)


if __name__ == "__main__":
    main()
