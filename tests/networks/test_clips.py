"""Networks of clips: every frame as a picture, time for heads that read it, and what is saved."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.errors import UserError
from headstart.networks import load_network, open_source, save_network
from headstart.networks.clips import HEADS, of_clips
from headstart.problem import Task
from headstart.tasks import create_task

FRAMES, ACROSS = 8, 4
TASK = Task("classification", ("left", "right"))


def sheets(n=2):
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (64, 128, 3), np.uint8)) for _ in range(n)]


def clip_network(reader="gru"):
    network = of_clips(open_source("headstart/glyphs").build(), FRAMES, ACROSS, reader)
    logic = create_task(TASK, np.array([0, 1]))
    torch.manual_seed(0)
    network.head = logic.head_of(network)
    return network.eval(), logic


def test_features_are_those_of_each_frame_in_order_and_of_the_mean():
    plain, (timed, _), (mean, _) = open_source("headstart/glyphs").build(), clip_network(), clip_network("mean")
    x = timed.preprocess(sheets())
    assert x.shape[:2] == (2, FRAMES)
    each = plain.features(x.flatten(0, 1)).unflatten(0, (2, FRAMES))
    torch.testing.assert_close(timed.features(x), each.flatten(1))
    torch.testing.assert_close(mean.features(x), each.mean(dim=1))
    frame = sheets(1)[0].crop((32, 32, 64, 64))  # the second row's second: the sixth
    torch.testing.assert_close(x[0, 5], plain.preprocess([frame])[0])
    stage = timed.stage_names[1]
    expected = plain.pooled_maps(x.flatten(0, 1), [stage])[stage].unflatten(0, (2, FRAMES)).mean(dim=1)
    torch.testing.assert_close(timed.pooled_maps(x, [stage])[stage], expected)


def test_cached_states_enter_as_samples_do():
    network, _ = clip_network()
    x = network.preprocess(sheets())
    whole = network(x)
    for cut in range(1, len(network.stages) + 1):
        network.entry = 0
        state = network.run(x, 0, cut)
        network.entry = cut
        torch.testing.assert_close(network(state), whole)


@pytest.mark.parametrize("reader", sorted(HEADS))
def test_heads_in_time_tell_a_clip_from_its_reverse_and_a_mean_does_not(reader):
    (timed, _), (mean, _) = clip_network(reader), clip_network("mean")
    torch.nn.init.normal_(mean.head.weight)
    x = timed.preprocess(sheets(1))
    assert (timed(x) - timed(x.flip(1))).abs().max() > 1e-4
    torch.testing.assert_close(mean(x), mean(x.flip(1)))
    timed(x).sum().backward()
    assert all(p.grad is not None for p in timed.head.parameters())


def test_a_view_is_the_same_for_all_frames_and_never_mirrored():
    network, _ = clip_network()
    frame = sheets(1)[0].crop((0, 0, 32, 32))
    still = Image.new("RGB", (128, 64))
    for place in range(FRAMES):
        still.paste(frame, (32 * (place % ACROSS), 32 * (place // ACROSS)))
    views = network.preprocess([still], [7])[0]
    assert not torch.equal(views[0], network.preprocess([still])[0, 0])
    for view in views[1:]:
        torch.testing.assert_close(view, views[0])
    mirrored = open_source("headstart/glyphs").build()
    mirrored.preprocess = replace(mirrored.preprocess, flip=True)
    assert not of_clips(mirrored, FRAMES, ACROSS, "gru").preprocess.picture.flip


def test_what_is_saved_answers_the_same_and_copies_do(tmp_path):
    network, logic = clip_network("attention")
    save_network(network, logic, tmp_path)
    again, _ = load_network(tmp_path)
    x = network.preprocess(sheets())
    torch.testing.assert_close(again(again.preprocess(sheets())), network(x))
    torch.testing.assert_close(copy.deepcopy(network)(x), network(x))
    assert of_clips(again, FRAMES, ACROSS, "gru") is again
    assert again.n_features == network.n_features


def test_a_source_without_pictures_is_refused():
    network = open_source("headstart/glyphs").build()
    network.preprocess = object()
    with pytest.raises(UserError, match="takes none"):
        of_clips(network, FRAMES, ACROSS, "gru")
    assert network.own_head(2) is None
