"""A frozen prefix is computed once."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_job import forked
from engine_tiny import TinyData, TinyTexts, text_network, tiny_network

from headstart.engine import cached_states, raw_fetch, state_bytes
from headstart.engine import states as states_module
from headstart.engine.cache import prefix_key
from headstart.engine.device import Place
from headstart.engine.predict import evaluating
from headstart.engine.shelf import Shelf, cache_directory, trim
from headstart.engine.states import States
from headstart.errors import HeadstartWarning, UserError
from headstart.storage import load_tensors, save_tensors

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
    tried = 1  # a picture tells the size of all
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
    assert computed(tiny_network(), views=2, seed=1) == 20  # the plain view is there
    assert computed(tiny_network(), views=2, seed=2) == 20
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


@pytest.mark.parametrize(
    ("held", "seconds", "written"), [(1.5, 60.0, 2), (1.0, 60.0, 4), (99.0, 60.0, 1), (99.0, 0.0, 4)]
)
def test_a_chunk_is_written_when_enough_is_held_or_enough_time_has_passed(
    tmp_path, network, monkeypatch, held, seconds, written
):
    from headstart.engine import cache

    batch = 5 * state_bytes(network, 1, TinyData(), ROWS, views=1) // len(ROWS)
    monkeypatch.setattr(cache, "CHUNK_BYTES", held * batch)
    monkeypatch.setattr(cache, "CHUNK_SECONDS", seconds)
    cached_states(network, 1, TinyData(), ROWS, batch_size=5, directory=tmp_path)
    assert len(list(tmp_path.glob("*/*.safetensors"))) == written


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
    states = cached_states(network, 1, TinyData(), ROWS, directory=folder / "cache")
    resource.setrlimit(resource.RLIMIT_FSIZE, former)
    good = cached_states(network, 1, TinyData(), ROWS, directory=folder / "good")
    assert torch.equal(states.fetch(ROWS - 5), good.fetch(ROWS - 5))
    (folder / "said").write_text(str(states.notes))


def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path, network):
    forked(small_disk, network, tmp_path).join()
    assert "cannot be used, so what is computed is kept for this run alone" in (tmp_path / "said").read_text()
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("place", ["file", "/proc/nowhere", "file/below", "dangling"])
def test_a_cache_that_is_no_folder_is_said_and_done_without(tmp_path, network, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at all")
    good = cached_states(network, 1, TinyData(), ROWS, directory=tmp_path / "good")
    with pytest.warns(HeadstartWarning, match="cannot be used") as said:
        states = cached_states(network, 1, TinyData(), ROWS, directory=tmp_path / place, batch_size=7)
    assert torch.equal(states.fetch(np.arange(20)), good.fetch(np.arange(20)))
    assert len(said) == 1


def test_more_than_memory_may_hold_is_refused_where_the_cache_cannot_be_written(tmp_path, network, monkeypatch):
    from headstart.engine import shelf

    monkeypatch.setattr(shelf, "IN_MEMORY", 100)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="Could not write"):
        cached_states(network, 1, TinyData(), ROWS, directory=tmp_path / "file", limit=10**9)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_gives_what_it_holds(tmp_path, network):
    cached_states(network, 1, TinyData(), ROWS[:12], directory=tmp_path)
    for folder in (*tmp_path.iterdir(), tmp_path):
        folder.chmod(0o500)
    states = cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    assert states.computed == 8
    for folder in (tmp_path, *tmp_path.iterdir()):
        folder.chmod(0o700)


def rewrite(path, change, target=None):
    """Change a chunk as somebody would who also mends the file's own checksum."""
    tensors, about = load_tensors(path)
    tensors, entries = change(tensors, about["entries"])
    path.unlink()
    save_tensors(target or path, tensors, about | {"entries": entries})


EDITS = {
    "states": lambda tensors, entries: ({name: value + 1 for name, value in tensors.items()}, entries),
    "names": lambda tensors, entries: (tensors, entries[::-1]),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_states_or_names_does_not_survive_with_its_key(tmp_path, network, edit):
    good = cached_states(network, 1, TinyData(), ROWS, directory=tmp_path).fetch(np.arange(20))
    (path,) = tmp_path.glob("*/*.safetensors")
    rewrite(path, EDITS[edit])
    again = cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    assert again.computed == 20
    assert torch.equal(again.fetch(np.arange(20)), good)


def test_states_of_another_network_are_refused_in_this_ones_place(tmp_path, network):
    cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    (mine,) = tmp_path.glob("*/*.safetensors")
    with torch.no_grad():
        network.stages["stem"][1].running_mean += 1
    cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    (other,) = [path for path in tmp_path.glob("*/*.safetensors") if path.parent != mine.parent]
    good = load_tensors(other)[0]["state"].clone()  # the file stays mapped
    other.write_bytes(mine.read_bytes())
    assert cached_states(network, 1, TinyData(), ROWS, directory=tmp_path).computed == 20
    assert torch.equal(load_tensors(other)[0]["state"], good)


def test_what_a_killed_process_left_in_the_cache_goes(tmp_path, network):
    cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / ".abc.safetensors.xyz.part").write_bytes(b"half")
    cached_states(network, 1, TinyData(), ROWS, directory=tmp_path)
    assert [path.suffix for path in folder.iterdir()] == [".safetensors"]


def fill(network, folder, number):
    for turn in range(5):
        states = cached_states(network, 1, TinyData(), np.roll(ROWS, turn + number), batch_size=3, directory=folder)
        trim(folder, folder, limit=0)
        torch.save(states.fetch(np.argsort(np.roll(ROWS, turn + number))), folder / f"{number}")


def test_processes_share_a_cache_that_others_empty_meanwhile(tmp_path, network):
    jobs = [forked(fill, network, tmp_path, number) for number in range(3)]
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    found = [torch.load(tmp_path / str(number)) for number in range(3)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_network_is_left_as_it_was(tmp_path, network):
    network.train()
    before = [tensor.clone() for tensor in network.state_dict().values()]
    cached_states(network, 3, TinyData(), ROWS, directory=tmp_path)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))


def test_old_states_make_room(tmp_path):
    for age, name in enumerate(["old", "middle", "new"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(bytes(100))
        os.utime(tmp_path / name, (age, age))
    trim(tmp_path, tmp_path / "old", limit=200)
    assert {path.name for path in tmp_path.iterdir()} == {"old", "new"}


def test_new_states_push_out_what_is_more_than_20_gigabytes(tmp_path, network):
    for name, size in (("many", 21), ("few", 19)):
        (tmp_path / name / "gone").mkdir(parents=True)
        with (tmp_path / name / "gone" / "x").open("wb") as file:
            file.truncate(size * 2**30)  # a file of holes: it takes no room
        cached_states(network, 1, TinyData(), ROWS, directory=tmp_path / name)
        assert (tmp_path / name / "gone").exists() == (name == "few")


def test_states_of_another_precision_or_stage_are_others():
    network, cpu = tiny_network(), torch.device("cpu")
    keys = {prefix_key(network, cut, Place(cpu, precision)) for cut in (1, 2) for precision in ("no", "bf16")}
    assert len(keys) == 4
    assert prefix_key(tiny_network(), 1, Place(cpu, "no")) in keys


def test_the_cache_lies_where_it_is_told_and_nowhere_without_a_home(tmp_path, monkeypatch):
    assert cache_directory(tmp_path) == tmp_path
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine" / "features"
    monkeypatch.setenv("HEADSTART_CACHE", "~nobody/at/all")
    assert cache_directory() == Path(os.devnull) / "features"


def test_what_cannot_be_written_is_said_once_beside_what_was_damaged(tmp_path):
    (tmp_path / "file").write_text("x")
    shelf = Shelf(tmp_path / "file" / "below")
    shelf.notes.append("The cached chunk a was damaged; its states are computed again.")
    for name in "ab":
        shelf.add([name], {"x": torch.zeros(1, 3)})
    assert len(shelf.notes) == 2
    assert shelf.notes[0].startswith("The cached chunk a")
    assert shelf.notes[1].startswith(f"The cache {tmp_path / 'file'} cannot be used, so what is computed is kept")
    assert "a part of the path is a file" in shelf.notes[1]
    assert ".safetensors" not in shelf.notes[1]
    assert shelf.computed == 2
    assert shelf.missing(["a", "c", "b", "c"]) == [1]
