"""Boosted trees as tensors answer as scikit-learn's do, and raw columns stand in a network like any other."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from headstart.data.dataset import TableColumns
from headstart.functional.folds import default_folds
from headstart.networks import load_network, save_network
from headstart.networks.columns import build_columns, columns_spec
from headstart.networks.table_preprocess import TablePreprocess
from headstart.networks.trees import TreesHead
from headstart.problem import Task
from headstart.shallow.heads import boosting
from headstart.shallow.heads.boosting import boost
from headstart.tasks import create_task

SETTINGS = {"max_iter": 20, "max_leaf_nodes": 8, "early_stopping": False, "random_state": 0}


def rows(n=200, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)


def labels_of(x, kind):
    if kind == "regression":
        return np.stack([3 * x[:, 0] + x[:, 1] ** 2, x[:, 2]], axis=1).astype(np.float64)
    if kind == "multilabel":
        return np.stack([x[:, 0] > 0, x[:, 1] * x[:, 2] > 0, np.ones(len(x))], axis=1).astype(np.float64)
    return (x[:, 0] > 0) + (x[:, 1] > 0.5) * (1 if kind == "three" else 0)


def head_of(x, y, kind, k, **options):
    task = "classification" if kind in {"two", "three"} else kind
    found = boost(x, y, task, k, default_folds(y, task), **options)
    return TreesHead(found.arrays, found.depth, x.shape[1]), found


@pytest.mark.parametrize(("kind", "k"), [("two", 2), ("three", 3), ("regression", 2), ("multilabel", 3)])
def test_the_tensors_answer_as_scikit_learn(kind, k):
    x, new = rows(), rows(300, seed=1)
    y = labels_of(x, kind)
    head, _ = head_of(x, y, kind, k, rounds=20)
    outputs = head(torch.as_tensor(new))
    settings = SETTINGS | {"min_samples_leaf": 10}
    if kind == "regression":
        expected = np.stack([HistGradientBoostingRegressor(**settings).fit(x, c).predict(new) for c in y.T], axis=1)
        np.testing.assert_allclose(outputs.numpy(), expected, atol=1e-5)
    elif kind == "multilabel":
        models = [HistGradientBoostingClassifier(**settings).fit(x, c) for c in y.T[:2]]
        expected = np.stack([model.predict_proba(new)[:, 1] for model in models], axis=1)
        np.testing.assert_allclose(outputs.sigmoid()[:, :2].numpy(), expected, atol=1e-5)
        assert (outputs[:, 2] > 4).all()
    else:
        model = HistGradientBoostingClassifier(**settings).fit(x, y)
        np.testing.assert_allclose(outputs.softmax(dim=1).numpy(), model.predict_proba(new), atol=1e-5)


def test_a_value_on_the_threshold_goes_left_as_in_scikit_learn():
    x = np.float32(np.arange(40)[:, None] / 3)
    y = (np.arange(40) > 19).astype(int)
    head, _ = head_of(x, y, "two", 2, rounds=5)
    points = np.float32(np.unique(head.threshold.numpy()))[:, None]
    settings = SETTINGS | {"min_samples_leaf": 2, "max_iter": 5}
    model = HistGradientBoostingClassifier(**settings).fit(x, y)
    np.testing.assert_allclose(head(torch.as_tensor(points)).softmax(1).numpy(), model.predict_proba(points), atol=1e-6)


@pytest.mark.slow  # the exporter takes 4 s; test_the_tensors_answer_as_scikit_learn holds what it exports
def test_trees_can_be_exported(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    x = rows()
    head, _ = head_of(x, labels_of(x, "three"), "three", 3, rounds=4)
    path, some = tmp_path / "trees.onnx", torch.as_tensor(x[:7])
    torch.onnx.export(head.eval(), (some,), path, dynamo=True, dynamic_shapes=({0: "n"},), verbose=False)
    session = runtime.InferenceSession(path)
    found = session.run(None, {session.get_inputs()[0].name: x[:50]})[0]
    np.testing.assert_allclose(found, head(torch.as_tensor(x[:50])).numpy(), atol=1e-5)


def test_a_class_without_rows_is_never_said():
    x = rows()
    head, _ = head_of(x, labels_of(x, "two"), "two", 4, rounds=5)
    assert (head(torch.as_tensor(x)).softmax(dim=1)[:, 2:] < 1e-9).all()


def test_noise_gets_few_rounds_and_structure_many():
    x, rng = rows(), np.random.default_rng(1)
    _, noise = head_of(x, rng.integers(2, size=200), "two", 2)
    _, structure = head_of(x, labels_of(x, "three"), "three", 3)
    assert noise.rounds < structure.rounds


def test_columns_with_trees_are_saved_and_read_back(tmp_path):
    table = [{"a": 1.0 * i, "b": None if i % 5 == 0 else i % 7, "c": "xyz"[i % 3]} for i in range(60)]
    columns = TableColumns(("a", "b"), {"c": ("x", "y", "z")})
    statistics = TablePreprocess.fit(table, columns)
    network = build_columns(columns_spec(statistics), statistics)
    features = network.features(statistics(table)).detach().numpy()
    assert features.shape == (60, 2 + 2 + 4)
    assert features[5].tolist()[3:] == [1, 0, 0, 0, 1]
    y = (np.arange(60) % 3 == 0).astype(int)
    network.head, _ = head_of(features, y, "two", 2)
    logic = create_task(Task("classification", ("no", "yes")))
    save_network(network, logic, tmp_path)
    again, _ = load_network(tmp_path)
    unknown = [*table[:9], {"a": 3.0, "b": 2, "c": "new"}]
    torch.testing.assert_close(again(statistics(unknown)), network(statistics(unknown)), rtol=0, atol=0)


@pytest.mark.parametrize(("labels", "many"), [(rows(seed=1)[:, 0] > 0, False), (rows()[:, 0] > 0, True)])
def test_more_rounds_are_tried_only_where_the_most_of_a_few_was_best(labels, many, monkeypatch):
    """Labels that hang on nothing are best answered after ten rounds; those of one column get better and better."""
    tried = []
    fit = boosting._fit
    monkeypatch.setattr(boosting, "_fit", lambda *found: tried.append(found[-1]) or fit(*found))
    found = boost(rows(), labels.astype(int), "classification", 2, default_folds(labels, "classification"))
    assert max(tried) == (100 if many else 40)
    assert (found.rounds > 20) == many
