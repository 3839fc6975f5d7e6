"""Batches are a pure function of the step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine_tiny import TinyData, TinyPreprocess

from headstart.engine import Stream, raw_fetch


def positions_and_views(positions, view):
    return torch.from_numpy(np.stack([positions, np.broadcast_to(view, len(positions))], axis=1))


def stream(n=10, batch_size=4, **more):
    return Stream(positions_and_views, np.arange(n) % 3, batch_size=batch_size, seed=5, **more)


def test_every_sample_comes_once_an_epoch_and_every_batch_is_full():
    made = stream(views=3)
    seen = torch.cat([made.batch(step).target.x for step in range(15)])
    assert all(len(made.batch(step).target.y) == 4 for step in range(15))
    for epoch in range(6):
        places, views = seen[epoch * 10 : epoch * 10 + 10].T
        assert sorted(places.tolist()) == list(range(10))
        assert set(views.tolist()) == {epoch % 3}
    assert seen[:10, 0].tolist() != seen[10:20, 0].tolist()


def test_a_batch_depends_on_its_step_alone():
    forward, backward = stream(), stream()
    ahead = [forward.batch(step).target.x for step in range(8)]
    back = [backward.batch(step).target.x for step in reversed(range(8))]
    assert all(torch.equal(a, b) for a, b in zip(ahead, reversed(back), strict=True))


def test_parts_are_slices_of_the_batch():
    made = stream(names=[f"s{i}" for i in range(10)], weights=np.arange(10))
    whole, part = made.batch(2).target, made.part(2, 1, 3).target
    assert torch.equal(part.x, whole.x[1:3])
    assert torch.equal(part.y, whole.y[1:3])
    assert torch.equal(part.weight, whole.x[1:3, 0].float())
    assert part.names == whole.names[1:3] == made.sample_names(2)[1:3]


def test_a_batch_larger_than_the_data_holds_each_sample_once():
    made = stream(n=3, batch_size=64)
    assert made.batch_size == 3
    assert made.steps_per_epoch == 1
    assert sorted(made.batch(4).target.x[:, 0].tolist()) == [0, 1, 2]


class Counted(TinyData):
    """Counts how often each sample is decoded."""

    def __init__(self, n):
        super().__init__(n)
        self.decoded = np.zeros(n, dtype=int)

    def raw(self, rows):
        np.add.at(self.decoded, rows, 1)
        return super().raw(rows)


@pytest.mark.parametrize(("room", "most"), [(None, 2), (0, 12)])
def test_pictures_are_decoded_twice_at_most_while_there_is_room(room, most):
    data, plain, rows = Counted(20), TinyData(20), np.arange(3, 20)
    fetch = raw_fetch(data, rows, TinyPreprocess())
    if room is not None:
        fetch._room = room
    made = Stream(lambda p, v: fetch(p, v), data.labels(rows), batch_size=6, seed=0)
    for step in range(34):
        batch = made.batch(step).target.x
        assert torch.equal(batch, TinyPreprocess()(plain.raw(rows[made.places(step)[0]])))
        batch.zero_()  # what is done to a batch does not reach what is kept
    assert data.decoded.max() == most


def test_fetching_ahead_changes_nothing():
    data, rows = TinyData(20), np.arange(3, 20)
    fetch = raw_fetch(data, rows, TinyPreprocess(), views=4, seed=1)
    fast = Stream(fetch, data.labels(rows), batch_size=6, seed=0, views=4)
    plain = Stream(lambda p, v: fetch(p, v), data.labels(rows), batch_size=6, seed=0, views=4)
    steps = [0, 1, 2, 7, 8, 3]
    assert all(torch.equal(fast.batch(s).target.x, plain.batch(s).target.x) for s in steps)
    fast.close()
    assert torch.equal(fast.batch(1).target.x, plain.batch(1).target.x)
    fast.close()


def test_a_view_is_made_of_content_seed_and_number_alone():
    data = TinyData(20)
    data.x[7] = data.x[3]
    one = raw_fetch(data, np.array([3, 4, 7]), TinyPreprocess(), views=4, seed=1)
    other = raw_fetch(data, np.array([9, 3]), TinyPreprocess(), views=2, seed=1)
    assert torch.equal(one(np.array([0]), 1), other(np.array([1]), 1))
    assert torch.equal(one(np.array([0]), 1), one(np.array([2]), 1))
    assert not torch.equal(one(np.array([0]), 1), one(np.array([0]), 2))
    again = raw_fetch(data, np.array([3]), TinyPreprocess(), views=4, seed=2)
    assert not torch.equal(one(np.array([0]), 1), again(np.array([0]), 1))


def test_one_view_is_the_plain_one():
    data = TinyData(5)
    fetch = raw_fetch(data, np.arange(5), TinyPreprocess(), views=1, seed=1)
    assert torch.equal(fetch(np.array([2, 0]), 3), torch.from_numpy(data.x[[2, 0]]))


def test_a_card_is_fed_ahead_with_the_same_batches(monkeypatch):
    """Only the memory differs: what is made ahead and page-locked holds the same numbers."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)  # page-locking needs a card
    fetched = np.random.default_rng(0).normal(size=(7, 3))
    fetch = lambda positions, view: {"x": torch.from_numpy(fetched[positions])}  # noqa: E731
    plain, fed = (Stream(fetch, np.arange(7), batch_size=4, seed=1) for _ in range(2))
    fed.feed_card()
    for step in (0, 1, 5):
        one, other = plain.batch(step).target, fed.batch(step).target
        assert torch.equal(one.x["x"], other.x["x"])
        assert torch.equal(one.y, other.y)
    fed.close()
