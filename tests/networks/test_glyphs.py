from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headstart.data.demo import demo_digits
from headstart.networks import build, open_source
from headstart.networks.glyphs import glyphs_spec, glyphs_weights
from headstart.storage import load_tensors, read_json

RECIPE = Path(__file__).parents[2] / "recipes" / "pretrain_glyphs.py"


@pytest.fixture(scope="module")
def glyphs():
    return open_source("headstart/glyphs").build()


def test_the_shipped_weights_are_of_this_recipe():
    digest = hashlib.blake2b(RECIPE.read_bytes(), digest_size=16).hexdigest()
    record = read_json(glyphs_weights().parent / "recipe.json")
    _, metadata = load_tensors(glyphs_weights())
    assert record["recipe_blake2b"] == metadata["recipe_blake2b"] == digest, "run recipes/pretrain_glyphs.py again"


def test_the_weights_are_small():
    assert glyphs_weights().stat().st_size <= 2 * 1024**2


def test_the_weights_are_all_of_the_network_and_nothing_else():
    tensors, _ = load_tensors(glyphs_weights())
    state = build(glyphs_spec()).state_dict()
    assert {name: t.shape for name, t in tensors.items()} == {name: t.shape for name, t in state.items()}


def test_a_sample_does_not_depend_on_its_batch_nor_on_the_mode(glyphs):
    x = torch.randn(6, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    whole = glyphs.eval().features(x)
    alone = torch.cat([glyphs.train().features(x[i : i + 1]) for i in range(6)])
    assert whole.shape == (6, glyphs.n_features)
    assert torch.allclose(whole, alone, atol=1e-5)


def test_the_reference_is_of_these_weights_and_varied():
    source = open_source("headstart/glyphs")
    reference = source.reference()
    assert reference is not None
    assert reference.shape == (256, source.build().n_features)
    assert torch.isfinite(reference).all()
    assert len(torch.unique(reference, dim=0)) == 256


def probe_accuracy(features: np.ndarray, labels: np.ndarray, splits: dict[str, np.ndarray]) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    model.fit(features[splits["train"]], labels[splits["train"]])
    return float(model.score(features[splits["test"]], labels[splits["test"]]))


def test_frozen_features_beat_pixels_on_digits(glyphs):
    gains, scores = [], []
    for seed in (11, 12, 13):
        images, labels, splits = demo_digits(seed)
        rows = np.concatenate([splits["train"], splits["test"][:500]])
        x = glyphs.preprocess([Image.fromarray(image) for image in images[rows]])
        with torch.no_grad():
            features = glyphs.eval().features(x).numpy()
        parts = {"train": np.arange(50), "test": np.arange(50, 550)}
        scores.append(probe_accuracy(features, labels[rows], parts))
        gains.append(scores[-1] - probe_accuracy(images[rows].reshape(550, 64), labels[rows], parts))
    assert np.mean(scores) > 0.85
    assert np.mean(gains) > 0.04
