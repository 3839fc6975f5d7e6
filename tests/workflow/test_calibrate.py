"""The temperature is that of the held-out rows, and it goes into the network as it was found."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from headstart.functional.temperature import LEAST, Temperature, held_out_steepness, sharpened
from headstart.problem import Task
from headstart.storage import save_tensors
from headstart.tasks import create_task
from headstart.workflow.arms.temperature import calibrated, temperature_of
from headstart.workflow.judging.calibrate import calibration_record


def held_out(folder, n, sureness):
    """Write held-out probabilities whose logits are ``sureness`` times those that the labels were drawn by."""
    rng = np.random.default_rng(0)
    truth = sharpened(rng.dirichlet(np.ones(3), size=n), 1.0, "classification")
    labels = np.array([rng.choice(3, p=row) for row in truth])
    said = sharpened(truth, sureness, "classification")
    path = folder / "state" / "probe" / "seed-0" / "held-out.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_tensors(path, {"predictions": torch.as_tensor(said), "rows": torch.arange(n)})
    logic = create_task(Task("classification", ("a", "b", "c")))
    return SimpleNamespace(logic=logic, dataset=SimpleNamespace(labels=lambda rows: labels[rows])), said, labels


def test_who_is_too_sure_becomes_less_sure_and_who_doubts_too_much_surer(tmp_path):
    for sureness in (4.0, 0.25):
        bench, said, labels = held_out(tmp_path, 600, sureness)
        found = temperature_of(bench, tmp_path, "probe", 0)
        assert found.n == 600
        assert 0.7 < found.steepness * sureness < 1.4
        after = sharpened(said, found.steepness, "softmax")
        record = calibration_record(found, after, labels, "softmax")
        assert record["temperature"] == 1 / found.steepness
        assert record["after"] < record["before"] / 2


def test_a_few_rows_say_nothing(tmp_path):
    bench, _, _ = held_out(tmp_path, LEAST - 1, 4.0)
    assert temperature_of(bench, tmp_path, "probe", 0) == Temperature()
    assert temperature_of(bench, tmp_path, "scratch", 0) == Temperature()


@pytest.mark.parametrize("p", [0.55, 0.7, 0.9])
def test_the_first_guess_is_one_within_a_factor_of_two(p):
    """Rows that are all right: ``-20 log p_t + (log t)^2 / (2 log(2)^2)`` with ``p_t = 1 / (1 + (1/p - 1)^t)``."""
    t = np.exp(np.linspace(-1, 4, 200_001))
    wanted = t[np.argmin(20 * np.log1p((1 / p - 1) ** t) + np.log(t) ** 2 / (2 * np.log(2) ** 2))]
    found = held_out_steepness(np.array([[p, 1 - p]] * 20), np.zeros(20, dtype=int), "classification")
    assert found == pytest.approx(wanted, rel=1e-3)


@torch.no_grad()
def test_the_heads_outputs_are_multiplied():
    network = SimpleNamespace(head=torch.nn.Linear(4, 3))
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    before = network.head(x)
    torch.testing.assert_close(calibrated(network, 0.25).head(x), 0.25 * before)
