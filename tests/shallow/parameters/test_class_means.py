"""Class means as heads: by distance and by cosine, with nothing to choose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from headstart.errors import UserError
from headstart.networks.heads import CosineHead, head_from_json, head_to_json, steepen
from headstart.shallow.parameters.cosine import CosineMeans, unit
from headstart.shallow.parameters.prototypes import Prototypes

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 5)), np.arange(12) % 3


def test_prototypes_answer_the_nearest_mean():
    model = Prototypes(n_outputs=4).fit(X, Y)
    means = np.stack([X[k == Y].mean(axis=0) for k in range(3)])
    new = RNG.normal(size=(20, 5)) * 3
    squares = np.square(new[:, None] - means[None]).sum(axis=2)
    logits = model.decision_function(new)
    np.testing.assert_allclose(logits[:, :3] - logits[:, :1], squares[:, :1] - squares)
    assert (model.predict(new) == squares.argmin(axis=1)).all(), "the class without a row is never answered"
    assert model.predict_proba(new)[:, 3].max() < 1e-6


def test_cosines_are_seen_from_the_centre():
    centre = np.full(5, 0.5)
    model = CosineMeans(n_outputs=4).fit(X, Y, centre=centre)
    means = unit(np.stack([unit(X[k == Y] - centre).mean(axis=0) for k in range(3)]))
    new = RNG.normal(size=(20, 5))
    np.testing.assert_allclose(model.decision_function(new)[:, :3], 10 * unit(new - centre) @ means.T)
    scaled = centre + 7 * (new - centre)
    np.testing.assert_allclose(model.decision_function(scaled), model.decision_function(new))
    assert (model.predict(new) < 3).all()
    np.testing.assert_allclose(CosineMeans().fit(X, Y).centre_, X.mean(axis=0))


@pytest.mark.parametrize("model", [Prototypes(kind="regression"), CosineMeans(kind="multilabel")], ids=repr)
def test_a_task_without_classes_is_refused(model):
    with pytest.raises(UserError, match=r"takes the mean of each class, and a (regression|multilabel) task has none"):
        model.fit(X, X[:, :2])


def test_a_cosine_head_is_saved_picked_and_steepened():
    model = CosineMeans(n_outputs=4).fit(X, Y)
    head = CosineHead(*(torch.as_tensor(part) for part in (model.means_, model.centre_, model.offset_)))
    new = torch.randn(7, 5)
    torch.testing.assert_close(
        head(new), torch.as_tensor(model.decision_function(new.numpy())).float(), rtol=1e-4, atol=1e-4
    )
    twin = head_from_json(head_to_json(head))
    twin.load_state_dict(head.state_dict())
    assert torch.equal(twin(new), head(new))

    class Net:
        pass

    net = Net()
    net.head, before = head, head(new)
    torch.testing.assert_close(steepen(net, 0.5).head(new), 0.5 * before)
