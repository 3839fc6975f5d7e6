"""A frozen prefix is computed once."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch
from engine_job import forked
from engine_tiny import TinyData, TinyTexts, text_network, tiny_network

from headstart.engine import cached_states, raw_fetch, state_bytes
from headstart.engine import states as states_module
from headstart.engine.predict import evaluating
from headstart.engine.shelf import trim
from headstart.engine.states import States
from headstart.errors import UserError

ROWS = np.arange(5, 25)


@pytest.fixture
def network():
    return tiny_network()


def recomputed(network, cut, data, rows, positions, view, views):
    with evaluating(network):
        return network.run(raw_fetch(data, rows, network.preprocess, views=views, seed=2)(positions, view), 0, cut)


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
@pytest.mark.parametrize("views", [1, 3])
def test_states_are_what_the_prefix_gives(tmp_path, network, cut, views):
    data = TinyData()
    states = cached_states(network, cut, data, ROWS, views=views, seed=2, batch_size=7, directory=tmp_path)
    positions, chosen = np.array([3, 0, 19, 3]), np.array([0, 2, 1, 1])
    expected = recomputed(network, cut, data, ROWS, positions, chosen, views)
    assert torch.allclose(states.fetch(positions, chosen), expected, atol=1e-6)
    assert (len(states), states.n_views, states.computed) == (20, views, 20 * views)


def test_only_what_is_missing_is_computed(tmp_path, network):
    data, seen = TinyData(), []
    first = cached_states(network, 1, data, ROWS[:12], directory=tmp_path)
    before = network.preprocess.calls
    tried = 4
    second = cached_states(
        network, 1, data, ROWS, directory=tmp_path, on_progress=lambda done, total: seen.append((done, total))
    )
    assert (first.computed, second.computed) == (12, 8)
    assert seen[-1] == (8, 8)
    assert network.preprocess.calls - before == 8 + tried
    third = cached_states(network, 1, data, ROWS[::-1], directory=tmp_path)
    assert third.computed == 0
    assert torch.equal(third.fetch(np.arange(20)), second.fetch(np.arange(20)[::-1].copy()))


def test_what_is_read_again_has_the_same_bits(tmp_path, network):
    data = TinyData()
    runs = [
        cached_states(network, 2, data, ROWS, views=2, batch_size=6, directory=tmp_path / folder)
        for folder in ("a", "a", "b")
    ]
    found = [run.fetch(np.arange(20), 1) for run in runs]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_equal_content_is_computed_once(tmp_path, network):
    data = TinyData()
    data.x[6] = data.x[5]
    states = cached_states(network, 1, data, ROWS, directory=tmp_path)
    assert states.computed == 19
    both = states.fetch(np.array([0, 1]))
    assert torch.equal(both[0], both[1])


def test_the_key_knows_weights_cut_preprocessing_and_content(tmp_path, network):
    data = TinyData()

    def computed(network, cut=1, data=data, **more):
        return cached_states(network, cut, data, ROWS, directory=tmp_path, **more).computed

    assert computed(network) == 20
    assert computed(tiny_network()) == 0
    with torch.no_grad():
        network.stages["two"][0].weight += 1
        network.head.weight += 1
    assert computed(network) == 0
    with torch.no_grad():
        network.stages["stem"][1].running_mean += 1
    assert computed(network) == 20
    assert computed(tiny_network(), cut=2) == 20
    assert computed(tiny_network(noise=0.2)) == 20
    other = TinyData()
    other.x[7] += 1
    assert computed(tiny_network(), data=other) == 1
    assert computed(tiny_network(), views=2, seed=1) == 40
    assert computed(tiny_network(), views=2, seed=2) == 40
    assert computed(tiny_network(), views=3, seed=1) == 20


def test_without_augmentation_views_are_one(tmp_path):
    network = tiny_network(noise=0)
    states = cached_states(network, 1, TinyData(), ROWS, views=5, directory=tmp_path)
    assert (states.n_views, states.computed) == (1, 20)
    assert torch.equal(states.fetch([2], 4), states.fetch([2], 0))


@pytest.mark.parametrize("cut", [1, 2])
def test_texts_are_padded_and_masked(tmp_path, monkeypatch, cut):
    network, data = text_network(), TinyTexts()
    rows = np.arange(30)
    for room in (states_module.IN_MEMORY, 0):
        monkeypatch.setattr(states_module, "IN_MEMORY", room)
        states = cached_states(network, cut, data, rows, batch_size=4, directory=tmp_path)
        for positions in (np.array([3]), np.array([29, 0, 7, 7])):
            found = states.fetch(positions)
            with torch.no_grad():
                expected = network.run(network.preprocess(data.raw(positions)), 0, cut)
                rest = network.run(found, cut) if cut < 2 else found
                whole = network.run(expected, cut) if cut < 2 else expected
            assert torch.allclose(rest, whole, atol=1e-6)
            if cut < 2:
                assert torch.equal(found["attention_mask"], expected["attention_mask"])
                shown = expected["attention_mask"].bool()
                assert torch.allclose(found["hidden"][shown], expected["hidden"][shown])


def test_chunks_on_disk_give_what_memory_gives(tmp_path, network, monkeypatch):
    from headstart.engine import cache

    monkeypatch.setattr(cache, "CHUNK_BYTES", 2000)
    data = TinyData()
    small = cached_states(network, 1, data, ROWS, views=2, batch_size=3, directory=tmp_path)
    monkeypatch.setattr(states_module, "IN_MEMORY", 0)
    large = cached_states(network, 1, data, ROWS, views=2, batch_size=3, directory=tmp_path)
    assert len(list(tmp_path.glob("*/*.safetensors"))) > 3
    positions, views = np.array([19, 3, 3, 11, 0]), np.array([1, 0, 1, 1, 0])
    assert torch.equal(small.fetch(positions, views), large.fetch(positions, views))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_chunk_is_computed_again_with_a_note(tmp_path, network, damage):
    data = TinyData()
    good = cached_states(network, 1, data, ROWS, directory=tmp_path).fetch(np.arange(20))
    (path,) = tmp_path.glob("*/*.safetensors")
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-100], "flip": whole[:-1] + bytes([whole[-1] ^ 1]), "empty": b""}[damage])
    again = cached_states(network, 1, data, ROWS, directory=tmp_path)
    assert again.computed == 20
    assert "damaged" in again.notes[0]
    assert torch.equal(again.fetch(np.arange(20)), good)
    assert cached_states(network, 1, data, ROWS, directory=tmp_path).notes == []


def test_a_kill_loses_at_most_the_chunk_in_hand(tmp_path, network, monkeypatch):
    from headstart.engine import cache

    monkeypatch.setattr(cache, "CHUNK_BYTES", 2000)
    data = TinyData()

    def stop(done, total):
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_states(network, 1, data, ROWS, batch_size=3, directory=tmp_path / "a", on_progress=stop)
    rest = cached_states(network, 1, data, ROWS, batch_size=3, directory=tmp_path / "a")
    assert rest.computed <= 14
    whole = cached_states(network, 1, data, ROWS, batch_size=3, directory=tmp_path / "b")
    assert torch.equal(rest.fetch(np.arange(20)), whole.fetch(np.arange(20)))


def test_the_size_is_estimated_and_too_much_is_declined(tmp_path, network):
    data = TinyData()
    size = 4 * 6 * 6 * 4 * 20
    assert state_bytes(network, 1, data, ROWS) == size
    assert state_bytes(network, 1, data, ROWS, views=3) == 3 * size
    assert state_bytes(network, 3, data) == 8 * 4 * 40
    assert cached_states(network, 1, data, ROWS, directory=tmp_path, limit=size - 1) is None
    assert not list(tmp_path.iterdir())
    assert isinstance(cached_states(network, 1, data, ROWS, directory=tmp_path, limit=size), States)


def small_disk(network, folder):
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    try:
        cached_states(network, 1, TinyData(), ROWS, directory=folder / "cache")
    except UserError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        (folder / "said").write_text(str(error))


def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path, network):
    forked(small_disk, network, tmp_path).join()
    assert "Could not write" in (tmp_path / "said").read_text()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "said"]


def test_the_network_is_left_as_it_was(tmp_path, network):
    network.train()
    before = [tensor.clone() for tensor in network.state_dict().values()]
    cached_states(network, 3, TinyData(), ROWS, directory=tmp_path)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))


def test_old_states_make_room(tmp_path):
    import os

    for age, name in enumerate(["old", "middle", "new"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(bytes(100))
        os.utime(tmp_path / name, (age, age))
    trim(tmp_path, tmp_path / "old", limit=200)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "new"}
