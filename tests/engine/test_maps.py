"""Mean maps of several stages from one pass: what they equal, what is kept, and who finds it."""

import numpy as np
import pytest
from PIL import Image

import headstart as hs
from headstart.engine import cached_states
from headstart.engine.maps import POOLED, cached_maps
from headstart.networks import open_source


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / ("a", "b")[number % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (28, 28)).astype(np.uint8)).save(folder / f"{number}.png")
    return hs.open(tmp_path)


def test_maps_equal_the_stages_means_and_a_fit_finds_the_pooled_features(pictures, tmp_path):
    network, rows = open_source("headstart/glyphs").build(), np.arange(12)
    taps, done = network.stage_names[-2:], []

    def maps():
        return cached_maps(
            network, taps, pictures, rows, directory=tmp_path / "c", on_progress=lambda *so_far: done.append(so_far)
        )

    found = maps()
    raw = network.preprocess(pictures.raw(rows), None)
    assert found[POOLED] == pytest.approx(network.features(raw).detach().numpy(), abs=1e-5)
    for name, means in network.pooled_maps(raw, taps).items():
        assert found[name] == pytest.approx(means.detach().numpy(), abs=1e-5)
    assert done[-1] == (12, 12)
    done.clear()
    again = maps()
    assert done == []
    assert all((again[name] == found[name]).all() for name in found)
    states = cached_states(network, len(network.stages), pictures, rows, directory=tmp_path / "c", alone=True)
    assert states.computed == 0
    assert states.fetch(rows).numpy() == pytest.approx(found[POOLED])
    # States after the last stage, which are no features, are not taken from there.
    assert cached_states(network, 1, pictures, rows, directory=tmp_path / "c", alone=True).computed == 12


def test_maps_that_take_too_much_room_are_none(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("headstart.engine.cache.IN_MEMORY", 10)
    monkeypatch.setattr("headstart.engine.cache.LIMIT", 10)
    network = open_source("headstart/glyphs").build()
    assert cached_maps(network, [], pictures, np.arange(12), directory=tmp_path / "c") is None
