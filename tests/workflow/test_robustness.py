"""Under attack: what moves do to a linear model in closed form, and what a run says of models that learn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart.networks import Network
from headstart.networks.unset_preprocess import UnsetPreprocess
from headstart.problem import Task
from headstart.tasks import Classification
from headstart.workflow.arm import without_moves
from headstart.workflow.arms.attacked import ATTACKS, under_attack

TWO = Classification(Task("classification", ("a", "b")))


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
def test_the_margin_of_a_linear_model_falls_by_the_radius_times_the_length_of_its_weights_in_l1(epsilon):
    rng = np.random.default_rng(0)
    head = torch.nn.Linear(5, 2)
    rows = torch.from_numpy(rng.normal(size=(40, 5)).astype(np.float32))
    y = torch.from_numpy(np.arange(40) % 2)
    network = Network({"same": torch.nn.Identity()}, head, 5, UnsetPreprocess("table"), {"family": "mine"}).eval()
    told = under_attack(network, TWO, rows, y, epsilon)
    assert list(told) == ["clean", *ATTACKS]
    sign = 2.0 * y.numpy() - 1
    margin = {name: sign * (np.log(p[:, 1]) - np.log(p[:, 0])) for name, p in told.items()}
    w = (head.weight[1] - head.weight[0]).detach()
    size = rows.square().mean(dim=1).sqrt()
    shift = (epsilon * size * w.abs().sum()).numpy()
    assert np.allclose(margin["clean"], sign * (rows @ w + head.bias[1] - head.bias[0]).detach().numpy(), atol=1e-4)
    for name in ATTACKS:  # the slope has one sign everywhere, so that one step is the worst there is
        assert np.allclose(margin["clean"] - margin[name], shift, atol=1e-4)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A table, in which many columns tell the class a little, and a source of the same columns."""
    root = tmp_path_factory.mktemp("attack")
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    x = rng.normal(size=(400, 6)) + 0.8 * (2 * y[:, None] - 1)
    frame = pd.DataFrame(x, columns=list("abcdef")).assign(label=np.where(y == 1, "yes", "no"))
    hs.pretrain(frame[:150], network="headstart/tabular", out=root / "source", epochs=1, quiet=True)
    frame[150:].to_csv(root / "target.csv", index=False)
    return root


def fit(root, method, arms, name):
    return hs.fit(str(root / "target.csv"), source=str(root / "source"), label="label", method=method, arms=arms,
                  epochs=2, out=root / name, quiet=True)  # fmt: skip


@pytest.mark.slow
def test_a_run_with_moved_inputs_tells_what_it_and_the_same_without_withstand(root):
    run = fit(root, "finetune+pgd", "chosen", "run")
    told = run.result["robustness"]
    assert set(told["arms"]) == {"finetune+pgd", "finetune"}
    assert (told["epsilon"], told["attacks"], told["n"]) == (0.1, {"FGSM": 1, "PGD": 5}, 50)
    for arm, values in told["arms"].items():
        assert values["clean"] == pytest.approx(run.result["arms"][arm]["test"]["accuracy"])
        assert values["PGD"] <= values["clean"]
    assert run.result["guard"]["kept"] == "finetune+pgd"  # the other is there for comparison alone
    page = (run.path / "report.html").read_text()
    assert "Under attack" in page
    assert "PGD, 5 steps" in page


def test_named_arms_are_candidates_and_without_moved_inputs_nothing_is_attacked(root):
    run = fit(root, "finetune", "chosen", "plain")
    assert "robustness" not in run.result
    assert set(run.result["arms"]) == {"finetune"}
    assert "Under attack" not in (run.path / "report.html").read_text()


def test_the_same_without_keeps_the_other_penalties():
    assert without_moves("lp_ft+l2sp+vat") == "lp_ft+l2sp"
    assert without_moves("pgd") == "finetune"
    assert without_moves("finetune+l2sp") is None
