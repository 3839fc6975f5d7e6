"""Distances between domains: closed forms, slow double loops, limits."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from torch import Tensor

from headstart.deep.matching.deepjdot import plan_of
from headstart.functional.joint_cost import joint_cost
from headstart.functional.mk_mmd import ANSWERS, WIDTHS, gaussians, joint_mmd, local_mmd, mk_mmd
from headstart.functional.moments import coral_distance, moment_distance


def draw(n: int, d: int, seed: int, moved: float = 0.0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + moved


def slow_mk_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """The definition, kernel by kernel and pair by pair."""
    z = np.concatenate([x, y])
    pairs = [np.sum((z[i] - z[j]) ** 2) for i in range(len(z)) for j in range(len(z)) if i != j]
    total = 0.0
    for width in WIDTHS:
        k = lambda a, b: np.exp(-np.sum((a - b) ** 2) / (2 * width * np.mean(pairs)))  # noqa: B023, E731
        total += np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        total += np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
        total -= 2 * np.mean([k(a, b) for a in x for b in y])
    return float(total)


@pytest.mark.parametrize(("n", "m"), [(5, 7), (8, 8)])
def test_mk_mmd_is_the_double_loop(n: int, m: int) -> None:
    x, y = draw(n, 3, 0), draw(m, 3, 1, moved=0.5)
    assert mk_mmd(x, y).item() == pytest.approx(slow_mk_mmd(x.numpy(), y.numpy()), abs=1e-12)


def test_mk_mmd_sees_no_shift_of_both_no_scale_and_no_order() -> None:
    x, y = draw(9, 4, 0).float(), draw(9, 4, 1, moved=1.0).float()
    value = mk_mmd(x, y)
    for again in (mk_mmd(y, x), mk_mmd(x.flip(0), y), mk_mmd(x + 300, y + 300), mk_mmd(5 * x, 5 * y)):
        torch.testing.assert_close(again, value, rtol=1e-3, atol=1e-4)


def test_mk_mmd_is_unbiased_and_its_gradient_brings_the_domains_together() -> None:
    values = [mk_mmd(draw(6, 2, 2 * seed), draw(6, 2, 2 * seed + 1)).item() for seed in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    x, y = draw(8, 2, 0), draw(8, 2, 1, moved=2.0).requires_grad_()
    mk_mmd(x, y).backward()
    assert (y.grad.sum(dim=0) > 0).all()


def test_mk_mmd_is_finite_for_single_rows_and_for_rows_that_agree() -> None:
    for x, y in ((draw(1, 3, 0), draw(1, 3, 1)), (torch.ones(3, 2), torch.ones(4, 2))):
        y = y.requires_grad_()
        value = mk_mmd(x, y)
        value.backward()
        assert value.isfinite()
        assert y.grad.isfinite().all()


def test_coral_is_its_definition() -> None:
    x, y = draw(9, 4, 0), 2 * draw(7, 4, 1)
    apart = np.cov(x.numpy(), rowvar=False) - np.cov(y.numpy(), rowvar=False)
    assert coral_distance(x, y).item() == pytest.approx(np.sum(apart**2) / (4 * 4**2), rel=1e-12)
    assert coral_distance(x, x + 3).item() == pytest.approx(0, abs=1e-20)
    assert coral_distance(x[:1], y[:1]).item() == 0.0


def test_distances_of_half_precision_are_computed_in_float32() -> None:
    x, y = draw(8, 4, 0).bfloat16(), draw(8, 4, 1).bfloat16()
    for distance in (mk_mmd, coral_distance):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = distance(x, y)
        assert found.dtype == torch.float32
        assert torch.equal(found, distance(x.float(), y.float()))


def test_the_joint_mmd_is_that_of_the_product_of_both_kernels() -> None:
    x, y, p, q = draw(4, 3, 0), draw(6, 3, 1), draw(4, 2, 2).softmax(dim=1), draw(6, 2, 3).softmax(dim=1)
    of_features, answers = gaussians(torch.cat([x, y])), torch.cat([p, q])
    k = lambda i, j: of_features[i, j] * torch.exp(-((answers[i] - answers[j]) ** 2).sum() / (2 * ANSWERS))  # noqa: E731
    within = sum(k(i, j) for i in range(4) for j in range(4) if i != j) / 12
    within = within + sum(k(i, j) for i in range(4, 10) for j in range(4, 10) if i != j) / 30
    expected = within - 2 * sum(k(i, j) for i in range(4) for j in range(4, 10)) / 24
    torch.testing.assert_close(joint_mmd(x, y, p, q), expected)
    torch.testing.assert_close(joint_mmd(x, y, p[:1].expand(4, 2), p[:1].expand(6, 2)), mk_mmd(x, y))


def test_the_local_mmd_compares_class_by_class_what_both_domains_show() -> None:
    x, y, p = draw(5, 3, 0), draw(4, 3, 1), draw(4, 4, 2).softmax(dim=1)
    labels = torch.tensor([0, 0, 1, 3, 3])
    kernel = gaussians(torch.cat([x, y]))
    shown = sorted({0, 3} & set(p.argmax(dim=1).tolist()))
    assert shown
    expected = 0.0
    for c in shown:
        a, b = (labels == c).double() / (labels == c).sum(), p[:, c] / p[:, c].sum()
        others = kernel - torch.diag(kernel.diagonal())
        expected += a @ others[:5, :5] @ a / (1 - (a**2).sum()) + b @ others[5:, 5:] @ b / (1 - (b**2).sum())
        expected -= 2 * a @ kernel[:5, 5:] @ b
    torch.testing.assert_close(local_mmd(x, y, labels, p), expected / len(shown))
    assert local_mmd(x, y, torch.full((5,), 3), torch.eye(4, dtype=torch.float64)[[0, 1, 2, 0]]).item() == 0.0


def test_of_domains_that_show_each_class_at_another_place_only_the_local_mmd_is_large() -> None:
    x, y = torch.tensor([[0.0], [9.0]]).repeat(8, 1), torch.arange(2).repeat(8)
    x = x + 0.1 * draw(16, 1, 0).float()
    right, wrong = torch.eye(2)[y], torch.eye(2)[1 - y]
    assert mk_mmd(x, x).item() < 0.2
    assert abs(local_mmd(x, x, y, right).item()) < 0.2
    assert local_mmd(x, x, y, wrong).item() > 2


def test_the_moment_distance_is_the_central_moment_discrepancy_of_squashed_columns() -> None:
    x, y = draw(9, 4, 0), 2 * draw(7, 4, 1) + 1
    rows = np.concatenate([x, y])
    a = rows.mean(axis=0)
    b = np.sqrt(np.mean((rows - a) ** 2))
    s, t = np.tanh((x.numpy() - a) / b), np.tanh((y.numpy() - a) / b)
    rms = lambda value: np.sqrt(np.mean(value**2))  # noqa: E731
    expected = rms(s.mean(axis=0) - t.mean(axis=0)) / 2
    for k in (2, 3):
        expected += rms(((s - s.mean(0)) ** k).mean(axis=0) - ((t - t.mean(0)) ** k).mean(axis=0)) / 2**k
    assert moment_distance(x, y, 3).item() == pytest.approx(expected)


def test_the_moment_distance_of_a_sample_to_itself_is_0_with_a_finite_gradient() -> None:
    for x in (draw(6, 3, 0), torch.ones(4, 2)):
        y = x.clone().requires_grad_()
        value = moment_distance(x, y)
        value.backward()
        assert value.item() == 0.0
        assert y.grad.isfinite().all()


def test_the_joint_cost_is_written_out() -> None:
    g, t, outputs, y = draw(3, 2, 0), draw(4, 2, 1), draw(4, 3, 2), torch.tensor([2, 0, 1])
    cost = joint_cost(g, y, t, outputs, 0.5)
    for i in range(3):
        for j in range(4):
            told = -torch.log(torch.softmax(outputs[j], dim=0)[y[i]])
            assert cost[i, j].item() == pytest.approx((0.5 * ((g[i] - t[j]) ** 2).mean() + told).item())


def test_deepjdots_plan_without_a_reach_is_that_of_the_network_simplex() -> None:
    cost = draw(6, 4, 0).abs().float().requires_grad_()
    plan = plan_of(cost, None)
    torch.testing.assert_close(plan.sum(dim=1), torch.full((6,), 1 / 6))
    torch.testing.assert_close(plan.sum(dim=0), torch.full((4,), 1 / 4))
    best = ot.emd2(np.full(6, 1 / 6), np.full(4, 1 / 4), cost.detach().double().numpy())
    assert (plan * cost).sum().item() == pytest.approx(best, rel=1e-5)
    (plan * cost).sum().backward()
    assert torch.equal(cost.grad, plan)


def test_deepjdot_leaves_a_class_behind_that_the_target_lacks() -> None:
    y, outputs = torch.tensor([0, 0, 1, 1]), 8 * torch.eye(2)[[0, 0, 0, 0]]
    cost = joint_cost(torch.zeros(4, 2), y, torch.zeros(4, 2), outputs, 1.0)
    forced, free = plan_of(cost, None), plan_of(cost, 0.05)
    assert forced[2:].sum() == pytest.approx(0.5)
    assert free[2:].sum() < 1e-6 < 0.4 < free[:2].sum()


def test_deepjdot_pairs_each_label_with_the_row_that_answers_it() -> None:
    outputs, y = 8 * torch.eye(3)[[2, 0, 1]], torch.arange(3)
    plan = plan_of(joint_cost(torch.zeros(3, 2), y, torch.zeros(3, 2), outputs, 1.0), None)
    torch.testing.assert_close(plan, torch.eye(3)[[2, 0, 1]].T / 3)
