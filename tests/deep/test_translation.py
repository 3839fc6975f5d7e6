"""Pictures translated with the task's loss: the terms, the zero law, what is refused, and digits turned inside out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from headstart import catalogue
from headstart.choice.joint.body import create_body, create_grid_body
from headstart.deep.method import Method
from headstart.deep.translation.cycada import CyCADA
from headstart.deep.unseen.erm import ERM
from headstart.engine import Compute, Domain, JoinedStream, Optimizer, Selection, Trained, train
from headstart.errors import UserError
from headstart.networks.translators import create_judge, create_translator
from headstart.problem import Task
from headstart.tasks import Classification

GRID = (1, 16, 16)
THREE = Classification(Task("classification", ("zero", "one", "four")))


def digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    kept = np.isin(y, (0, 1, 4))
    large = zoom(x[kept].reshape(-1, 8, 8) / 8 - 1, (1, 2, 2), order=1).astype(np.float32)
    return large.reshape(len(large), -1), np.unique(y[kept], return_inverse=True)[1]


X, Y = digits()
SOURCE, TARGET = slice(0, 200), slice(250, 450)


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = create_body(256, width=32, layers=1, dropout=0.0)
        made.head = THREE.head_of(made)
        torch.nn.init.normal_(made.head.weight, std=0.1)
    return made


def stream() -> JoinedStream:
    fetch = lambda x: lambda positions, view: torch.from_numpy(x[positions])  # noqa: E731
    inverted = Domain(fetch(-X[TARGET]), n=200)
    return JoinedStream(inverted, Domain(fetch(X[SOURCE]), Y[SOURCE]), batch_size=16, seed=0)


def trained(method: Method, steps: int) -> Trained:
    return train(
        method, network(), stream(), task=THREE, steps=steps, optimizer=Optimizer(4e-3),
        selection=Selection(every=max(1, steps // 2)), compute=Compute("cpu"),
    )  # fmt: skip


def accuracy(one: Trained) -> float:
    answers = one.network.eval()(torch.from_numpy(-X[TARGET])).argmax(dim=1).numpy()
    return float(np.mean(answers == Y[TARGET]))


@pytest.mark.slow
def test_it_learns_what_is_turned_inside_out_where_the_source_alone_errs_and_pictures_keep_their_class():
    found = trained(CyCADA(grid=GRID, width=8), 200)
    alone = trained(ERM(), 60)
    assert accuracy(found) >= accuracy(alone) + 0.3
    assert found.nets is not None
    there = found.nets.to_target(torch.from_numpy(X[SOURCE]).reshape(-1, *GRID)).detach().flatten(1)
    assert torch.corrcoef(torch.stack([there.flatten(), torch.from_numpy(X[SOURCE]).flatten()]))[0, 1] < -0.5
    supervised = np.mean(found.network(there).argmax(dim=1).numpy() == Y[SOURCE])
    assert supervised > 0.9
    assert 0 <= found.history[-1]["measures"]["judge_accuracy"] <= 1


def test_at_strength_0_it_is_training_on_the_source_alone_bit_for_bit():
    one, other = (trained(method, 3).network.state_dict() for method in (CyCADA(grid=GRID, strength=0.0), ERM()))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_each_term_is_what_it_says_and_players_move_by_their_own():
    method = catalogue.create("cycada+l2sp", None, {"grid": GRID, "width": 4, "cycle": 2.0})
    net, batch = network(), stream().batch(0)
    nets = method.build(net, THREE)
    losses = method.loss(nets, batch, 1.0)
    source, target = (part.x.reshape(-1, *GRID) for part in (batch.source, batch.target))
    there, back = nets.to_target(source), nets.to_source(target)
    away = (nets.to_source(there) - source).abs().mean() + (nets.to_target(back) - target).abs().mean()
    fool = ((nets.judge_target(there) - 1) ** 2).mean() + ((nets.judge_source(back) - 1) ** 2).mean()
    assert list(losses) == ["task", "l2sp", "translated", "fool", "cycle"]
    assert losses["cycle"].item() == pytest.approx(2 * away.item(), rel=1e-5)
    assert losses["fool"].item() == pytest.approx(fool.item() / 2, rel=1e-5)
    translated = torch.nn.functional.cross_entropy(net(there.flatten(1)), batch.source.y)
    assert losses["translated"].item() == pytest.approx(translated.item(), rel=1e-3)
    losses["translated"].backward()
    assert all(p.grad is not None for p in nets.to_target.parameters())  # the task's loss moves what translates
    players = {group.name: group.player for group in method.groups(nets)}
    assert players["judge_target"] == players["judge_source"] == "judges"
    assert {players[name] for name in ("to_target", "to_source", "layer1", "head")} == {"all"}


def test_rows_that_are_no_pictures_are_refused():
    with pytest.raises(UserError, match="does not say that its rows are pictures; use --source headstart/pixels"):
        CyCADA().build(network(), THREE)
    body = create_grid_body(GRID, width=8, dropout=0.0)
    body.head = THREE.head_of(body)
    assert CyCADA().build(body, THREE).to_target(torch.zeros(2, *GRID)).shape == (2, *GRID)


def test_translators_keep_the_size_and_see_seven_pixels():
    torch.manual_seed(0)  # of few channels all may be asleep
    translator, judge = create_translator(3, 8), create_judge(3, 4)
    assert translator(torch.zeros(2, 3, 9, 17)).shape == (2, 3, 9, 17)
    assert judge(torch.zeros(2, 3, 16, 32)).shape == (2, 1, 4, 8)
    x = torch.zeros(1, 3, 21, 21, requires_grad=True)
    translator(x)[0, 0, 10, 10].backward()
    seen = x.grad.abs().sum(dim=1)[0]
    assert seen[7:14, 7:14].min() > 0
    seen[7:14, 7:14] = 0
    assert (seen == 0).all()
