"""Several domains and episodes in a batch: roles, orders, views, masked and ragged labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from engine_tiny import TinyData, TinyPreprocess

from headstart.data.batches import known
from headstart.engine import Domain, EpisodeStream, JoinedStream, Stream, cached_states, raw_fetch
from headstart.engine.labels import as_labels, pick_labels
from headstart.engine.updates import cut, size
from headstart.errors import UserError


def told(mark):
    """A fetch whose states tell the domain's mark, position and view."""

    def fetch(positions, view):
        views = np.broadcast_to(view, len(positions))
        return torch.from_numpy(np.stack([np.full(len(positions), mark), positions, views], axis=1))

    return fetch


def joined(batch_size=6, views=3):
    target = Domain(told(0), n=10, views=views)
    sources = [Domain(told(1), np.arange(7) % 3, views=2), Domain(told(2), np.arange(4) % 3)]
    return JoinedStream(target, sources, batch_size=batch_size, seed=5)


def test_each_role_has_an_order_of_its_own_and_the_target_that_which_it_has_alone():
    made, alone = joined(), Stream(told(0), n=10, batch_size=6, seed=5, views=3)
    batches = [made.batch(step) for step in range(35)]
    for step, batch in enumerate(batches[:9]):
        assert torch.equal(batch.target.x, alone.batch(step).target.x)
    source = torch.cat([batch.source.x for batch in batches])
    for mark, n, views in ((1, 7, 2), (2, 4, 1)):
        mine = source[source[:, 0] == mark]
        for epoch in range(len(mine) // n):
            _, positions, shown = mine[epoch * n : (epoch + 1) * n].T
            assert sorted(positions.tolist()) == list(range(n))
            assert set(shown.tolist()) == {epoch % views}
    first = source[source[:, 0] == 1][:14, 1]
    assert first[:7].tolist() != first[7:].tolist()


def test_source_domains_take_turns_and_say_who_they_are():
    made = joined(batch_size=5)
    for step in range(6):
        source = made.batch(step).source
        assert torch.equal(source.domain, source.x[:, 0] - 1)
        assert abs(int((source.domain == 0).sum()) - 2.5) == 0.5
        assert torch.equal(source.rows, source.x[:, 1])
        assert torch.equal(source.y, source.rows % 3)


def test_a_joined_batch_depends_on_its_step_alone_and_parts_are_its_slices():
    made, back = joined(), joined()
    ahead = [made.batch(step) for step in range(8)]
    for step in reversed(range(8)):
        whole, again = ahead[step], back.batch(step)
        parts = [made.part(step, start, stop) for start, stop in ((0, 2), (2, 3), (3, 6))]
        for role in ("target", "source"):
            x = getattr(whole, role).x
            assert torch.equal(x, getattr(again, role).x)
            assert torch.equal(x, torch.cat([getattr(part, role).x for part in parts]))
    assert [size(cut(ahead[0], number, 4)) for number in range(4)] == [1, 2, 1, 2]
    assert len(made.sample_names(3)) == 12


def test_a_smaller_domain_begins_its_epochs_sooner():
    made = JoinedStream(Domain(told(0), n=3), Domain(told(1), np.arange(9)), batch_size=64, seed=0)
    batch = made.batch(0)
    assert (made.batch_size, len(batch.target.x), len(batch.source.x)) == (9, 9, 9)
    assert sorted(batch.target.rows.tolist()) == sorted([0, 1, 2] * 3)
    assert batch.source.domain is None


def test_what_a_stream_gives_depends_on_its_labels_and_domains():
    labelled, half = np.array([0, 1, 1]), np.array([0, -1, 1])
    assert Stream(told(0), labelled, batch_size=2, seed=0).gives >= {"target_labels", "some_target_labels"}
    assert Stream(told(0), half, batch_size=2, seed=0).gives == {"target_inputs", "some_target_labels"}
    assert Stream(told(0), n=3, batch_size=2, seed=0).gives == {"target_inputs"}
    assert joined().gives == {"target_inputs", "source_inputs", "source_labels", "domains"}
    unseen = JoinedStream(None, Domain(told(1), half), batch_size=2, seed=0)
    assert unseen.gives == {"source_inputs"}
    assert unseen.batch(0).target is None


def test_rows_of_one_place_in_two_domains_do_not_travel_together():
    made = JoinedStream(Domain(told(0), n=12), Domain(told(1), n=12), batch_size=12, seed=0)
    batch = made.batch(0)
    assert not torch.equal(batch.target.rows, batch.source.rows)


def test_masked_labels_are_said_to_be_so():
    batch = Stream(told(0), np.array([0, -1, 1, -1]), batch_size=4, seed=0).batch(0).target
    assert torch.equal(batch.known, batch.y >= 0)
    assert known(torch.tensor([[1.0, float("nan")], [1.0, 2.0]])).tolist() == [False, True]
    assert not Stream(told(0), n=4, batch_size=4, seed=0).batch(0).target.known.any()


def test_several_views_of_a_sample_come_in_one_batch():
    made = Stream(told(0), n=5, batch_size=5, seed=0, views=4, shown=2)
    for epoch, numbers in ((0, (0, 1)), (1, (2, 3)), (2, (0, 1))):
        first, second = made.batch(epoch).target.views
        assert torch.equal(first[:, 1], second[:, 1])
        assert (set(first[:, 2].tolist()), set(second[:, 2].tolist())) == ({numbers[0]}, {numbers[1]})
    part = cut(made.batch(0), 1, 2).target
    assert [len(view) for view in part.views] == [3, 3]
    with pytest.raises(UserError, match="2 views"):
        Stream(told(0), n=5, batch_size=5, seed=0, shown=2)


def test_ragged_labels_travel_as_a_list():
    boxes = [{"boxes": np.ones((k, 4)), "labels": np.arange(k)} for k in (0, 2, 1)]
    made = Stream(told(0), boxes, batch_size=3, seed=1)
    batch = made.batch(0).target
    assert [len(y["labels"]) for y in batch.y] == [(0, 2, 1)[row] for row in batch.rows]
    assert made.gives >= {"target_labels"}
    assert made.identity != Stream(told(0), boxes[::-1], batch_size=3, seed=1).identity
    assert pick_labels(as_labels([torch.ones(2), None]), np.array([1, 0]))[0] is None


def test_episodes_are_drawn_by_the_step():
    labels = np.repeat(np.arange(5), [6, 6, 6, 6, 2])
    made, again = (EpisodeStream(Domain(told(0), labels), ways=3, shots=2, queries=3, seed=4) for _ in range(2))
    seen = set()
    for step in (7, 3, 0):
        episode = made.batch(step).episode
        other = again.batch(step).episode
        assert torch.equal(episode.query.x, other.query.x)
        rows = torch.cat([episode.support.rows, episode.query.rows])
        assert len(set(rows.tolist())) == 15
        for samples in episode[:2]:
            assert torch.equal(episode.classes[samples.y], torch.from_numpy(labels)[samples.rows])
        assert (len(episode.support.y), len(episode.query.y), made.batch_size) == (6, 9, 9)
        seen.add(tuple(episode.classes.tolist()))
    assert len(seen) > 1
    assert made.steps_per_epoch == 2
    assert made.gives == {"episodes"}


def test_a_part_of_an_episode_keeps_the_whole_support():
    made = EpisodeStream(Domain(told(0), np.arange(12) % 3), ways=2, shots=1, queries=2, seed=0)
    whole, part = made.batch(2), made.part(2, 1, 3)
    for other in (part, cut(whole, 0, 2)):
        assert torch.equal(other.episode.support.x, whole.episode.support.x)
    assert torch.equal(part.episode.query.x, whole.episode.query.x[1:3])
    assert torch.equal(cut(whole, 1, 2).episode.query.y, whole.episode.query.y[2:])


def test_episodes_that_cannot_be_drawn_are_one_sentence():
    with pytest.raises(UserError, match="1 classes have so many"):
        EpisodeStream(Domain(told(0), np.array([0, 0, 0, 1])), ways=2, shots=1, queries=1, seed=0)
    with pytest.raises(UserError, match="one class label"):
        EpisodeStream(Domain(told(0), n=4), ways=2, shots=1, queries=1, seed=0)
    with pytest.raises(UserError, match="samples"):
        Domain(told(0))


def test_fetching_ahead_and_from_the_cache_changes_no_role(tmp_path):
    from engine_tiny import tiny_network

    data, network = TinyData(20), tiny_network()

    def stream(fetches):
        target, source = (Domain(fetch, data.labels(rows), views=2) for fetch, rows in zip(fetches, ROWS, strict=True))
        return JoinedStream(target, source, batch_size=4, seed=0)

    slow = [raw_fetch(data, rows, TinyPreprocess(), views=2, seed=1) for rows in ROWS]
    ahead, plain = stream(slow), stream([lambda p, v, f=fetch: f(p, v) for fetch in slow])
    states = [cached_states(network, 1, data, rows, views=2, seed=1, directory=tmp_path) for rows in ROWS]
    cached = stream([state.fetch for state in states])
    network.eval()
    for step in (0, 1, 4, 2):
        one, other, third = (made.batch(step) for made in (ahead, plain, cached))
        for role in ("target", "source"):
            x = getattr(one, role).x
            assert torch.equal(x, getattr(other, role).x)
            assert torch.allclose(network.run(x, 0, 1), getattr(third, role).x, atol=1e-5)
    ahead.close()


ROWS = (np.arange(8), np.arange(8, 20))


def test_all_samples_are_passed_over_in_order():
    made = joined()
    passed = list(made.every("target", 4))
    assert torch.cat([samples.rows for samples in passed]).tolist() == list(range(10))
    assert {int(v) for samples in passed for v in samples.x[:, 2]} == {0}
    sources = list(made.every("source", 4))
    sizes = [len(source) for source in made.sources]
    assert torch.cat([s.rows for s in sources]).tolist() == [row for size in sizes for row in range(size)]
    assert torch.cat([s.domain for s in sources]).tolist() == [i for i, size in enumerate(sizes) for _ in range(size)]
    with pytest.raises(ValueError, match="no episode"):
        list(made.every("episode", 4))
