"""Methods trained on two domains as candidates of a race: laws, kept weights, and a training that is stopped."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from headstart import catalogue
from headstart.checks import check_domain_method
from headstart.choice import Candidate, choose
from headstart.choice.heads import Heads
from headstart.choice.joint import body, face, fitting, plan
from headstart.choice.joint.body import Layers, Units, as_tensor, create_body, create_grid_body
from headstart.choice.joint.face import JointClassifier, JointRegressor
from headstart.choice.joint.material import OfRows, views_of
from headstart.choice.joint.plan import Plan
from headstart.choice.joint.views import warped
from headstart.choice.kept import Kept, keep
from headstart.choice.stored import load_estimator, save_estimator
from headstart.engine import Saving
from headstart.errors import UserError
from headstart.foreign import unusable
from headstart.functional.reuse import reusing
from headstart.problem import Task
from headstart.shallow.joining import join
from headstart.tasks import create_task


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 12)
    monkeypatch.setattr(plan, "MOST_STEPS", 12)


def rotated(n=80, seed=0, angle=0.6):
    """Return a labelled source of three blobs and a target of the same, turned."""
    rng = np.random.default_rng(seed)
    labels, hidden = np.arange(n) % 3, np.arange(n) % 3
    centres = 3 * np.eye(3, 4)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    source, target = (rng.normal(size=(n, 4)) + centres[labels] for _ in range(2))
    return source, labels, target @ turn, hidden


@pytest.mark.parametrize(("face", "method"), [(JointClassifier, "mcc"), (JointRegressor, "erm")])
def test_they_obey_the_laws_of_methods_across_domains(face, method):
    check_domain_method(partial(face, method=method))


def test_answers_need_no_torch_and_are_the_networks():
    rows = np.random.default_rng(0).normal(size=(9, 5))
    network = create_body(5, width=7, layers=2, dropout=0.3).eval()
    network.head = torch.nn.Linear(7, 3)
    with torch.no_grad():
        expected = network(as_tensor(rows)).numpy()
        features = network.features(as_tensor(rows)).numpy()
    layers = Layers.of(network)
    assert np.allclose(layers.outputs(rows), expected, atol=1e-5)
    assert np.allclose(layers.features(rows), features, atol=1e-5)


def test_pictures_are_convolved_and_answers_are_the_networks():
    grid, rows = (2, 5, 6), np.random.default_rng(0).normal(size=(9, 60))
    network = create_grid_body(grid, width=7, dropout=0.3).eval()
    network.head = torch.nn.Linear(7, 3)
    with torch.no_grad():
        expected = network(as_tensor(rows)).numpy()
    found = Layers.of(network).outputs(rows.reshape(9, *grid))
    assert np.allclose(found, expected, atol=1e-5)


def test_many_pictures_are_convolved_a_few_at_once_and_none_is_lost(monkeypatch):
    rng, seen = np.random.default_rng(0), []
    rows = rng.normal(size=(9, 60))
    network = create_grid_body((2, 5, 6), width=7, dropout=0.0)
    network.head = torch.nn.Linear(7, 3)
    model = JointClassifier(grid=(2, 5, 6))
    model.layers_, model.units_ = Layers.of(network), Units.of_pictures(rows, (2, 5, 6))
    whole = model._answers(rows)
    convolve = body._convolved
    monkeypatch.setattr(body, "_convolved", lambda maps, *rest: seen.append(len(maps)) or convolve(maps, *rest))
    monkeypatch.setattr(face, "CONVOLVED_AT_ONCE", 4)
    assert np.allclose(model._answers(rows), whole, atol=1e-12)
    assert max(seen) == 4


def test_units_are_each_columns_own_or_one_for_all():
    rows = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 10.0, 0.0] + [5.0, 0.0, 2.0]
    own, common = Units.of(rows, each=True).of_rows(rows), Units.of(rows, each=False).of_rows(rows)
    assert np.allclose(own.std(axis=0), [1, 1, 0])
    assert common[:, 1].std() / common[:, 0].std() == pytest.approx(rows[:, 1].std() / rows[:, 0].std())
    assert (common[:, 2] == 0).all()
    assert np.isclose((common[:, :2] ** 2).mean(), 1.0)


def test_units_of_pictures_are_one_per_channel():
    maps = np.random.default_rng(0).normal(size=(20, 3, 4, 4)) * np.array([1.0, 5.0, 0.0])[:, None, None] + 2.0
    inside = Units.of_pictures(maps.reshape(20, -1), (3, 4, 4)).of_rows(maps.reshape(20, -1)).reshape(maps.shape)
    assert np.allclose(inside.mean(axis=(0, 2, 3)), 0)
    assert np.allclose(inside.std(axis=(0, 2, 3)), [1, 1, 0])
    gap = inside[:, :2] - maps[:, :2] / maps[:, :2].std(axis=(0, 2, 3), keepdims=True)
    assert np.ptp(gap, axis=(0, 2, 3)).max() < 1e-9


def test_further_views_of_pictures_are_moved_and_the_first_is_plain():
    rows = np.zeros((2, 784))
    rows[:, 14 * 28 + 14] = 1.0
    fetch = OfRows(Plan(noise=0.0, grid=(1, 28, 28))).fetch(rows)
    seen = fetch(np.array([0, 1] * 100), np.arange(200)).reshape(200, 28, 28).numpy()
    lines, columns = (np.tensordot(seen, np.indices((28, 28))[axis]) / seen.sum(axis=(1, 2)) for axis in (0, 1))
    assert (seen[0] == rows[0].reshape(28, 28)).all()
    assert 0.3 < lines[1:].std() < 2
    assert 0.3 < columns[1:].std() < 2
    assert np.abs(np.stack([lines, columns]) - 14).max() < 4


def test_a_warp_is_the_identity_in_the_limit_and_its_edges_fill_what_it_leaves():
    pictures = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3, 6, 9)))
    assert torch.allclose(warped(pictures, np.random.default_rng(1), spread=0.0), pictures)
    flat = torch.full((5, 1, 8, 8), 2.5, dtype=torch.float64)
    assert torch.allclose(warped(flat, np.random.default_rng(1), spread=1.0), flat)
    assert not torch.allclose(warped(pictures, np.random.default_rng(1)), pictures)


def test_only_pictures_are_learned_from_in_many_views():
    assert views_of(OfRows(Plan(grid=(1, 8, 8))), 1) > 1
    assert views_of(OfRows(Plan()), 1) == 1
    assert views_of(OfRows(Plan()), 2) > 1


def test_the_contrast_of_a_picture_is_taken_out():
    rows = np.random.default_rng(0).normal(size=(4, 72))
    network = create_grid_body((1, 8, 9), width=5, dropout=0.0).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.zeros_(module.bias)
    with torch.no_grad():
        once, stronger = (network.features(as_tensor(scale * rows)) for scale in (1.0, 3.0))
    assert torch.allclose(once, stronger, atol=1e-3)


def test_more_views_add_noise_of_their_own_and_the_first_is_plain():
    rows = np.arange(12.0).reshape(6, 2)
    fetch = OfRows(Plan(noise=0.5)).fetch(rows)
    where = np.array([3, 1])
    assert torch.equal(fetch(where, 0), as_tensor(rows[where]))
    noisy = fetch(where, np.array([0, 4]))
    assert torch.equal(noisy[0], as_tensor(rows[3:4])[0])
    assert not torch.equal(noisy[1], as_tensor(rows[1:2])[0])
    assert torch.equal(fetch(where, np.array([0, 4])), noisy)


def test_steps_follow_the_larger_domain_within_bounds(monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 200)
    monkeypatch.setattr(plan, "MOST_STEPS", 1500)
    assert Plan().steps(10, 10) == 200
    assert Plan().steps(100_000, 10) == 1500
    assert Plan().steps(640, 1280) == Plan().steps(1280, 640) == 240
    assert Plan.of(Heads(grid=(1, 8, 8))).steps(640, 1280) == 480
    assert Plan.of(Heads(grid=(1, 8, 8))).steps(60_000, 1280) == 6000
    counts = (np.arange(600) % 20 == 0) * np.ones((4, 1))
    words = Plan.of(Heads(standardise=False), "mcc", counts)
    assert words == Plan.of(Heads(standardise=False), "mcc", csr_matrix(counts)) != Plan()
    assert Plan.of(Heads(standardise=False), "dann", counts) == Plan()
    others = (counts + 1, counts[:, :400], (np.arange(600) % 8 == 0) * np.ones((4, 1)))
    assert all(Plan.of(Heads(standardise=False), "mcc", rows) == Plan() for rows in others)
    assert Plan.of(Heads(), "mcc", counts) == Plan.of(Heads())
    assert [words.steps(n, 10) for n in (10, 1280, 100_000)] == [100, 120, 1500]
    assert words.rate_of(100) == Plan().rate_of(100) / 2
    assert Plan.of(Heads(standardise=False)).layers == 1
    assert Plan.of(Heads()).layers == 2


def test_a_long_training_learns_in_smaller_steps_and_no_other_does():
    assert [Plan(rate=0.004).rate_of(steps) for steps in (1, 600, 1200, 2400)] == [0.004, 0.004, 0.004, 0.002]
    rows = OfRows(Plan.of(Heads(grid=(1, 8, 8))))
    assert rows.rate(catalogue.create("dann"), 2400) == rows.rate(catalogue.create("dann"), 1200) / 2


def test_a_source_free_method_starts_from_the_source_and_sees_none_of_it_afterwards(monkeypatch):
    source, labels, target, _ = rotated()
    seen = []
    trained = fitting.train
    monkeypatch.setattr(fitting, "train", lambda method, network, stream, **o: (
        seen.append((type(method).__name__, stream.gives)), trained(method, network, stream, **o))[1])  # fmt: skip
    model = JointClassifier(method="shot").fit(*join(source, labels, target))
    assert [name for name, _ in seen] == ["ERM", "SHOT"]
    assert "source_labels" in seen[0][1]
    assert "target_inputs" not in seen[0][1]
    assert seen[1][1] == {"target_inputs"}
    assert len(model.history) == 2


def _killed(where):
    """Train with a checkpoint at every step, and be killed after the seventh."""
    real = fitting.train

    def stop(record):
        if record["step"] == 7:
            os.kill(os.getpid(), signal.SIGKILL)

    def train(*given, checkpoint, **options):
        return real(*given, **options, checkpoint=Saving(checkpoint.path, every=0), on_step=stop)

    fitting.train = train
    model = JointClassifier(method="mcc")
    model.keep_in(where)
    X, y, domain = join(*rotated()[:3])
    model.fit(X, y, sample_domain=domain)


def test_a_training_that_was_killed_goes_on_with_the_same_bits(tmp_path):
    X, y, domain = join(*rotated()[:3])
    whole = JointClassifier(method="mcc").fit(X, y, sample_domain=domain)
    process = get_context("fork").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list(tmp_path.rglob("*.safetensors"))
    again = JointClassifier(method="mcc")
    again.keep_in(tmp_path)
    again.fit(X, y, sample_domain=domain)
    assert all(np.array_equal(a, b) for a, b in zip(whole.layers_.weights, again.layers_.weights, strict=True))


def test_they_race_are_blended_kept_and_loaded(tmp_path):
    source, labels, target, _ = rotated()
    choice = choose(*join(source, labels, target), candidates=["coral", Candidate("mcc"), Candidate("shot")])
    by_name = {row["name"]: row for row in choice.table}
    assert not by_name["mcc"]["note"], by_name["mcc"]
    assert not by_name["shot"]["note"], by_name["shot"]
    for one in choice.selection.finished:
        kept = keep(one, choice.selection.data)
        save_estimator(kept, tmp_path / one.name)
        again = load_estimator(tmp_path / one.name)
        assert np.allclose(again.predict_proba(target), kept.predict_proba(target), atol=1e-12)


def test_the_step_kept_is_the_one_whose_answers_tell_most_where_aims_pull_apart(monkeypatch):
    source, labels, target, _ = rotated()
    kept, trained = {}, fitting.train

    def train(method, *given, **options):
        kept[type(method).__name__] = found = trained(method, *given, **options)
        return found

    monkeypatch.setattr(fitting, "train", train)
    monkeypatch.setattr(plan, "LEAST_STEPS", 40)
    monkeypatch.setattr(plan, "MOST_STEPS", 40)
    models = {name: JointClassifier(method=name, seed=1).fit(*join(source, labels, target)) for name in ("dann", "mcc")}
    scores = {record["step"]: record["validation_score"] for record in kept["DANN"].history}
    assert kept["DANN"].best_step == max(scores, key=lambda step: (scores[step], -step))
    p = np.log(np.maximum(models["dann"].predict_proba(target, np.full(80, -1)), 1e-30))
    told = float((np.exp(p) * p).sum(axis=1).mean() - (np.exp(p).mean(axis=0) * np.log(np.exp(p).mean(axis=0))).sum())
    assert told == pytest.approx(max(scores.values()), abs=1e-4)
    assert {record["validation_score"] for record in kept["MCC"].history} == {None}
    values = create_task(Task("regression", targets=("v",)), labels[:, None].astype(float))
    assert fitting.watcher(catalogue.create("dann"), values, OfRows(Plan()), target) is None


def bars(n, seed):
    """Return pictures of a bar somewhere, upright or level, and which."""
    rng, labels = np.random.default_rng(seed), np.arange(n) % 2
    rows = np.zeros((n, 10, 10))
    for row, label in zip(rows, labels, strict=True):
        y, x = rng.integers(0, 6, size=2)
        row[y : y + 5 if label else y + 1, x : x + 1 if label else x + 5] = 1.0
    return rows.reshape(n, 100) + 0.3 * rng.normal(size=(n, 100)), labels


def test_what_is_convolved_tells_shapes_wherever_they_stand_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "LEAST_STEPS", 60)
    monkeypatch.setattr(plan, "MOST_STEPS", 60)
    (source, labels), (target, hidden) = bars(60, 2), bars(400, 3)
    X, y, domain = join(source, labels, 0.7 * target)
    right = {}
    for grid in (None, (1, 10, 10)):
        model = JointClassifier(method="erm", standardise=False, grid=grid).fit(X, y, sample_domain=domain)
        right[grid] = (model.predict(0.7 * target) == hidden).mean()
    assert right[1, 10, 10] > right[None] + 0.08, right
    save_estimator(Kept(model=model, n_classes=2), tmp_path)
    where = np.full(400, -1)
    assert np.array_equal(load_estimator(tmp_path).predict_proba(target), model.predict_proba(target, where))
    path = tmp_path / "estimator.json"
    saved = json.loads(path.read_text())
    grids = [node for node in saved["nodes"] if node["kind"] == "tuple" and node["items"] == [1, 10, 10]]
    for edited in ([4, 5, 5], [1, 5, 20], [1, 100], [1, -1, -1], ["1", 10, 10], [None]):
        grids[0]["items"] = edited
        path.write_text(json.dumps(saved))
        with pytest.raises(UserError, match="the model cannot be used"), unusable("the model"):
            load_estimator(tmp_path).predict_proba(target)


def test_a_method_of_classes_is_left_out_of_a_race_of_values():
    source, _, target, _ = rotated()
    choice = choose(*join(source, source @ [1.0, 2.0, 0.0, 1.0], target), candidates=["mcc", "erm"])
    notes = {row["name"]: row["note"] for row in choice.table}
    assert "classification" in notes["mcc"]
    assert not notes["erm"]


def test_sparse_rows_train_as_the_same_rows_dense():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    rows = (rng.random((100, 30)) < 0.1) * rng.normal(size=(100, 30))
    rows[:60, 0], rows[:, 1] = labels, 0.1  # a constant column, which rounding must not tell apart from itself
    X, y, domain = join(rows[:60], labels, rows[60:])
    for standardise in (True, False):
        model = JointClassifier(method="mcc", standardise=standardise)
        found = [
            model.fit(form(X), y, sample_domain=domain).predict_proba(form(rows)) for form in (np.asarray, csr_matrix)
        ]
        assert np.allclose(*found, atol=1e-3)
        assert np.isinf(model.units_.scale[1])


def test_trained_candidates_of_one_race_bring_the_rows_inside_once(monkeypatch):
    source, labels, target, _ = rotated()
    X, y, domain = join(csr_matrix(source), labels, csr_matrix(target))
    seen, of_rows = [], Units.of_rows
    monkeypatch.setattr(Units, "of_rows", lambda units, rows: seen.append(rows.shape[0]) or of_rows(units, rows))
    with reusing():
        for method in ("erm", "mcc", "shot"):
            JointClassifier(method=method).fit(X, y, sample_domain=domain)
    assert seen == [80, 80]  # the source and the target
