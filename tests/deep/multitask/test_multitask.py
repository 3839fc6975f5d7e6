"""Weightings of several tasks: one loop, one body, labels that may be missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from headstart import catalogue
from headstart.catalogue.multitask import MULTITASK
from headstart.checks import create_trial
from headstart.checks.states import assert_same, weights
from headstart.checks.writing import check_writing
from headstart.data.batches import Batch, Samples
from headstart.deep.affinity import Affinity, Observed, affinity
from headstart.deep.multitask.dwa import Past
from headstart.deep.multitask.gradnorm import Weights
from headstart.engine import Optimizer, Stream, train
from headstart.errors import UserError
from headstart.networks import load_network, save_network
from headstart.networks.heads import answering, steepen
from headstart.networks.mixture import MixtureHead
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.tasks.several import SeveralTasks
from headstart.workflow.multitask.grouping import proposed

NAMES = [entry.name for entry in MULTITASK]
NONE = np.nan


def problem(names=("kind", "size", "tags")):
    """Sixteen rows of the trial with a class, two values and two marks; some labels are missing."""
    x = create_trial().x
    labels = {
        "kind": np.where(np.arange(16) % 5 == 0, NONE, np.arange(16) % 3)[:, None],
        "size": np.where(np.arange(16)[:, None] % 4 == 1, NONE, x["numeric"][:, :2].numpy() * 5 + 3),
        "tags": (x["numeric"][:, :2].numpy() > 0).astype(float),
    }
    labels["size"][3, 1] = NONE  # a row with one of its two values
    tasks = {
        "kind": Task("classification", ("a", "b", "c")),
        "size": Task("regression", targets=("u", "v")),
        "tags": Task("multilabel", ("p", "q")),
    }
    known = {"size": labels["size"][~np.isnan(labels["size"]).any(axis=1)]}
    logic = SeveralTasks({name: create_task(tasks[name], known.get(name)) for name in names})
    return x, np.concatenate([labels[name] for name in names], axis=1), logic


def network(logic):
    made = create_trial().network()
    made.head = logic.head(made.n_features)
    torch.nn.init.normal_(made.head.weight, std=0.3, generator=torch.Generator().manual_seed(0))
    return made


def trained(method, names=("kind", "size", "tags"), steps=5, batch_size=8):
    x, labels, logic = problem(names)

    def fetch(positions, view):
        return {name: one[torch.from_numpy(positions)] for name, one in x.items()}

    stream = Stream(fetch, labels, batch_size=batch_size, seed=0)
    return train(method, network(logic), stream, task=logic, steps=steps, optimizer=Optimizer(1e-2))


@pytest.mark.parametrize("name", NAMES)
def test_laws(name):
    method = catalogue.create(name)
    check_writing(type(method))
    assert set(catalogue.get(name).needs) == method.needs
    first, second = (weights(trained(catalogue.create(name)).network) for _ in range(2))
    assert_same(first, second, name)
    assert str(catalogue.create(name)) == str(method)
    assert all(tensor.isfinite().all() for tensor in first.values())
    start = weights(network(problem()[2]))
    head = "head.linear.weight" if name == "mmoe" else "head.weight"
    assert (first[head] != start["head.weight"]).any()
    assert (first["stages.block1.inner.weight"] != start["stages.block1.inner.weight"]).any()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("equal", "uncertainty", "famo", "mmoe")])
def test_with_one_task_it_is_plain_training(name):
    plain = weights(trained(catalogue.create("equal"), ("kind",)).network)
    found = weights(trained(catalogue.create(name), ("kind",)).network)
    assert all(torch.allclose(found[key], plain[key], atol=1e-5) for key in plain)


def test_one_expert_is_hard_sharing_and_several_start_there():
    plain = weights(trained(catalogue.create("equal")).network)
    assert_same(plain, weights(trained(catalogue.create("mmoe", None, {"experts": 1})).network), "one expert")
    x, _, logic = problem()
    shared, mixed = network(logic).eval(), network(logic).eval()
    catalogue.create("mmoe").build(mixed, logic)
    with torch.no_grad():
        assert torch.allclose(shared(x), mixed(x), atol=1e-6)


def test_each_task_mixes_the_experts_by_its_own_gate_and_stands_alone():
    """Gates shut but for one expert leave ``W (x + B relu(A x + a)) + b`` of that expert, written out by hand."""
    head = MixtureHead(5, [2, 3], experts=3, hidden=4)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in head.parameters():
            p.normal_(generator=rng)
        head.gates.weight.zero_()
        head.gates.bias.copy_(torch.tensor([-99.0, 99.0, -99.0, 99.0, -99.0, -99.0]))
        x = torch.randn(6, 5, generator=rng)
        raised = torch.relu(x @ head.down.weight[:4].T + head.down.bias[:4])
        second = (x + raised @ head.up[0]) @ head.linear.weight[:2].T + head.linear.bias[:2]
        first = x @ head.linear.weight[2:].T + head.linear.bias[2:]
        assert torch.allclose(head(x), torch.cat([second, first], dim=1), atol=1e-5)
        for p in head.parameters():
            p.normal_(generator=rng)
        whole = head(x)
        for number, part in enumerate((slice(0, 2), slice(2, 5))):
            assert torch.allclose(head.of_task(number)(x), whole[:, part], atol=1e-5)


def test_a_mixture_is_saved_reordered_and_made_steeper(tmp_path):
    x, _, _ = problem()
    logic = create_task(Task("classification", ("a", "b", "c")))
    made = create_trial().network().eval()
    made.head = MixtureHead(made.n_features, [3], experts=2, hidden=4)
    torch.nn.init.normal_(made.head.up, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = made(x)
        save_network(made, logic, tmp_path)
        found, _ = load_network(tmp_path)
        assert torch.equal(found(x), wanted)
        fewer = answering(found, logic, create_task(Task("classification", ("c", "a"))))
        assert torch.allclose(fewer(x), wanted[:, [2, 0]], atol=1e-6)
        assert torch.allclose(steepen(fewer, 3.0)(x), 3 * wanted[:, [2, 0]], atol=1e-5)
        save_network(fewer, create_task(Task("classification", ("c", "a"))), tmp_path)
        assert torch.equal(load_network(tmp_path)[0](x), fewer(x))
    value = json.loads((tmp_path / "network.json").read_text())
    (tmp_path / "network.json").write_text(json.dumps(value | {"head": value["head"] | {"experts": 1}}))
    with pytest.raises(UserError, match="head"):
        load_network(tmp_path)


def test_missing_labels_are_not_learned_from():
    x, labels, logic = problem()
    nets = catalogue.create("equal").build(network(logic).eval(), logic)
    outputs = nets.network(x)
    whole = logic.losses(outputs, torch.as_tensor(labels))
    given = ~np.isnan(labels[:, 0])
    kind = torch.as_tensor(labels[given, 0]).long()
    assert torch.allclose(whole["kind"], torch.nn.functional.cross_entropy(outputs[given][:, :3], kind))
    part = logic.parts["size"]
    some = ~np.isnan(labels[:, 1:3]).any(axis=1)
    assert torch.allclose(whole["size"], part.loss(outputs[some][:, 3:5], torch.as_tensor(labels[some, 1:3])))
    nothing = torch.full((16, labels.shape[1]), torch.nan, dtype=torch.float64)
    assert [float(loss.detach()) for loss in logic.losses(outputs, nothing).values()] == [0.0, 0.0, 0.0]


def test_equal_weights_and_the_mean_gradient_are_one():
    """CAGrad with c = 0 combines gradients by hand to what the sum of losses gives."""
    x, labels, logic = problem()
    batch = Batch(Samples(x, torch.as_tensor(labels)))
    found = []
    for method in (catalogue.create("equal"), catalogue.create("cagrad", None, {"c": 0.0})):
        nets = method.build(network(logic).eval(), logic)
        method.backward(method.loss(nets, batch, 0.0), nets)
        found.append({name: p.grad for name, p in nets.named_parameters()})
    assert found[0].keys() == found[1].keys()
    for name, wanted in found[0].items():
        assert torch.allclose(torch.zeros(()) if wanted is None else wanted, found[1][name], atol=1e-5)


def test_a_task_whose_loss_falls_slowly_counts_more():
    past = Past(2)
    assert past.weights(2.0).tolist() == [0.5, 0.5]
    for losses in ([1.0, 1.0], [1.0, 1.0], [0.9, 0.5], [0.9, 0.5]):
        past.add(torch.tensor(losses), 2)
    assert past.weights(2.0).tolist() == pytest.approx(torch.tensor([0.45, 0.25]).softmax(0).tolist())


def test_gradnorm_raises_what_has_a_short_gradient_or_has_learned_less():
    short, slow = Weights(2), Weights(2)
    short.move(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 3.0]), 1.5, 0.1)
    assert short.values.tolist() == pytest.approx([2 * 1.05 / 1.9, 2 * 0.85 / 1.9])
    slow.move(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.0]), 1.5, 0.1)
    assert slow.values.tolist() == [1.0, 1.0]
    slow.move(torch.tensor([0.9, 0.1]), torch.tensor([1.0, 1.0]), 1.5, 0.1)
    assert slow.values.tolist() == pytest.approx([1.1, 0.9])
    slow.move(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 1.0]), 0.0, 0.1)
    assert slow.values.tolist() == pytest.approx([1.0, 1.0]), "at a = 0 weighted norms become equal"


def test_famos_weights_move_towards_the_task_that_falls_less():
    x, labels, logic = problem()
    method = catalogue.create("famo", None, {"rate": 10.0})
    nets = method.build(network(logic).eval(), logic)
    batch = Batch(Samples(x, torch.as_tensor(labels)))

    def update(closure, player=None):
        closure(batch)
        with torch.no_grad():
            nets.network.head.weight[3:5] *= 0.0
            nets.network.head.bias[3:5] *= 0.0  # the values' loss falls, the others stand still

    before = logic.losses(nets.network(x), torch.as_tensor(labels))
    method.step(nets, batch, 0.0, update)
    after = logic.losses(nets.network(x), torch.as_tensor(labels))
    assert after["size"] < before["size"]
    kind, size, tags = nets.shares.xi.tolist()
    assert size < kind
    assert kind == pytest.approx(tags)


def test_affinity_is_what_a_step_on_one_task_does_to_another():
    x, labels, logic = problem()
    y = torch.as_tensor(labels)
    nets = catalogue.create("equal").build(network(logic), logic)
    nets.train()
    state = {name: one.clone() for name, one in nets.state_dict().items()}
    found = affinity(nets, Batch(Samples(x, y)), 0.01)
    assert nets.network.training
    assert_same(state, nets.state_dict(), "measuring moves nothing")
    nets.network.eval()
    before = logic.losses(nets.network(x), y)
    before["size"].backward()
    shared = [p for p in nets.network.stages.parameters() if p.grad is not None]
    length = torch.stack([p.grad.square().sum() for p in shared]).sum().sqrt()
    with torch.no_grad():
        for p in shared:
            p -= 0.01 / length * p.grad
        after = logic.losses(nets.network(x), y)
    wanted = [1 - float(after[name] / before[name].detach()) for name in before]
    assert found[1].tolist() == pytest.approx(wanted, abs=1e-5)
    assert found.diag().min() > 0
    nothing = y.clone()
    nothing[:, 0] = torch.nan
    lacking = affinity(nets, Batch(Samples(x, nothing)), 0.01)
    assert lacking[0].isnan().all()
    assert lacking[:, 0].isnan().all()
    kept = Affinity(3)
    kept.add(found)
    kept.add(lacking)
    assert kept.told()["mean"][0] == pytest.approx(found[0].tolist())
    assert kept.told()["n"] == 2


def test_observing_changes_no_bit_of_a_training():
    plain = trained(catalogue.create("pcgrad"))
    seen = trained(Observed(method=catalogue.create("pcgrad"), every=2))
    assert_same(weights(plain.network), weights(seen.network), "observed")
    assert seen.nets.affinity.told()["n"] == 3


def test_tasks_that_help_each_other_are_proposed_together():
    apart = -0.1 * np.ones((4, 4)) + 1.1 * np.eye(4)
    assert proposed(apart) == [[0], [1], [2], [3]]
    apart[0, 2] = apart[2, 0] = apart[1, 3] = apart[3, 1] = 0.5
    assert proposed(apart) == [[0, 2], [1, 3]]
    assert proposed(100 * apart @ np.diag([1, 10, 0.1, 5])) == [[0, 2], [1, 3]], "units of the losses say nothing"
    assert proposed(np.ones((3, 3))) == [[0, 1, 2]]
