"""Pairs of real data that no figure is reported on: with the made shifts, what the choice's evidence learns on."""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.io import wavfile
from scipy.ndimage import gaussian_filter, rotate, zoom
from scipy.signal import spectrogram
from sklearn.decomposition import NMF
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from benchmarks.domains.pairs import Pair, root
from benchmarks.domains.texts import kept_array

Array = np.ndarray
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
PICTURES = 500
"""Pictures of each domain."""
TOPICS, WORDS = 3, 5000


def _spectrum(wave: Array) -> Array:
    """Return the log-spectrogram of a recording on 16 bands and 20 moments, of mean 0 and length 1."""
    wave = np.pad(wave.astype(np.float64), (0, max(0, 1024 - len(wave))))
    power = np.log1p(spectrogram(wave, nperseg=256, noverlap=128)[2][:96])
    grid = np.asarray(zoom(power, (16 / power.shape[0], 20 / power.shape[1]), order=1)).ravel()
    grid -= grid.mean()
    return grid / max(np.linalg.norm(grid), 1e-12)


def spoken() -> Iterator[Pair]:
    """Spoken digits (FSDD): one speaker's recordings to the next one's, both ways."""
    rows: dict[str, list[Array]] = {name: [] for name in SPEAKERS}
    labels: dict[str, list[int]] = {name: [] for name in SPEAKERS}
    with tarfile.open(root() / "fsdd/fsdd.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if not member.name.endswith(".wav"):
                continue
            digit, speaker, _ = member.name.rsplit("/", 1)[-1].split("_")
            file = archive.extractfile(member)
            assert file is not None
            rows[speaker].append(_spectrum(wavfile.read(io.BytesIO(file.read()))[1]))
            labels[speaker].append(int(digit))
    for number, a in enumerate(SPEAKERS):
        for step in (1, 3):
            b = SPEAKERS[(number + step) % len(SPEAKERS)]
            target = np.array(rows[b])
            yield Pair(
                "spoken", f"{a}->{b}", np.array(rows[a]), np.array(labels[a]), target, target, np.array(labels[b])
            )


def worse(pictures: Array, how: str, rng: np.random.Generator) -> Array:
    """Return pictures [n, h, w, 3] from 0 to 1 as another camera would have taken them."""
    if how == "grey":
        return np.repeat(pictures.mean(axis=3, keepdims=True), 3, axis=3)
    if how == "noise":
        return (pictures + 0.15 * rng.normal(size=pictures.shape)).clip(0, 1)
    if how == "blur":
        return gaussian_filter(pictures, (0, 1.0, 1.0, 0))
    if how == "contrast":
        return 0.5 + 0.3 * (pictures - 0.5)
    if how == "rotated":
        return rotate(pictures, 25, axes=(2, 1), reshape=False, order=1, mode="nearest").clip(0, 1)
    return pictures


def mobilenet_features(pictures: Array, batch: int = 50) -> Array:
    """Return MobileNetV2's pooled features [n, 1280] of pictures [n, 32, 32, 3], enlarged three times."""
    made = kept_array("mobilenet", pictures, lambda: _features(pictures, batch))
    return made.astype(np.float16).astype(np.float64)  # half precision, so that the pairs travel


def _features(pictures: Array, batch: int) -> Array:
    import torch

    from benchmarks.peers.features import MEAN, STD, network

    body: Any = network().features
    body.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            images = torch.from_numpy(np.ascontiguousarray(pictures[start : start + batch])).float().permute(0, 3, 1, 2)
            large = torch.nn.functional.interpolate(images, scale_factor=3, mode="bilinear")
            scaled = (large - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
            parts.append(body(scaled).mean((2, 3)).numpy())
    return np.concatenate(parts)


def pictures() -> Iterator[Pair]:
    """CIFAR-10 through MobileNetV2: clean pictures to worse ones, and two the other way round."""
    stored = np.load(root() / "cifar10/cifar10_small.npz")
    images, classes = stored["x_train"].astype(np.float32) / 255, stored["y_train"].astype(np.int64)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    first, second = order[:PICTURES], order[PICTURES : 2 * PICTURES]
    clean = mobilenet_features(images[first])
    for how in ("grey", "noise", "blur", "contrast", "rotated"):
        other = mobilenet_features(worse(images[second], how, rng))
        yield Pair("pictures", f"clean->{how}", clean, classes[first], other, other, classes[second])
        if how in ("grey", "blur"):
            yield Pair("pictures", f"{how}->clean", other, classes[second], clean, clean, classes[first])


def film_texts() -> tuple[list[str], Array, Array]:
    """Return the film reviews, their sentiment, and which of three topics each is about."""
    texts, found, counts = _films()
    factors: Any = NMF(random_state=0).set_params(n_components=TOPICS)
    return texts, found, factors.fit_transform(TfidfTransformer().fit_transform(counts)).argmax(axis=1)


def _films() -> tuple[list[str], Array, Any]:
    texts, found = [], []
    with tarfile.open(root() / "movie_reviews/review_polarity.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if member.name.endswith(".txt") and ("/pos/" in member.name or "/neg/" in member.name):
                file = archive.extractfile(member)
                assert file is not None
                texts.append(file.read().decode("latin-1"))
                found.append(int("/pos/" in member.name))
    words: Any = CountVectorizer(max_features=WORDS, stop_words="english").fit_transform(texts)
    return texts, np.array(found), words.astype(np.float64).tocsr()


def films() -> Iterator[Pair]:
    """Film reviews as counts of words, their sentiment; the domains are three topics."""
    counts = _films()[2]
    _, labels, topic = film_texts()
    for a, b in itertools.permutations(range(TOPICS), 2):
        target = counts[topic == b]
        yield Pair("films", f"{a}->{b}", counts[topic == a], labels[topic == a], target, target, labels[topic == b])
