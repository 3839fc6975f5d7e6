"""The caller's state is the caller's: settings neither break a call, nor change its result, nor are they changed."""

import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

import headstart as hs

X, Y = make_classification(120, 5, random_state=0)
FRAME = pd.DataFrame(X, columns=list("abcde")).assign(label=np.where(Y, "yes", "no"))


def state() -> dict[str, object]:
    return {
        "python": random.getstate(),
        "numpy": repr(np.random.get_state(legacy=False)),
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": torch.is_autocast_enabled("cpu"),
        "errors": np.geterr(),
        "filters": list(warnings.filters),
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    out = tmp_path_factory.mktemp("source") / "run"
    hs.pretrain(FRAME, network="headstart/tabular", out=out, epochs=2, budget="60s", quiet=True)
    return out


def fit(tmp_path, source) -> np.ndarray:
    run = hs.fit(
        FRAME[:40], source=str(source), arms="scratch,chosen", method="finetune", epochs=2, budget="60s", quiet=True,
        out=tmp_path / "run", force=True,
    )  # fmt: skip
    return run.model.predict_proba(FRAME[40:].drop(columns="label"))


def pretrain(tmp_path, source) -> np.ndarray:
    options = {"network": "headstart/tabular", "epochs": 1, "budget": "60s", "quiet": True}
    run = hs.pretrain(FRAME[:40], out=tmp_path / "run", force=True, **options)
    return run.model.predict_proba(FRAME[40:].drop(columns="label"))


def describe(tmp_path, source) -> list[str]:
    return hs.describe(FRAME, source=str(source)).lines()


def use(tmp_path, source) -> list[object]:
    run = hs.load(source)
    from headstart.workflow.evaluate import evaluate

    return [run.model.predict(FRAME[40:].drop(columns="label")), evaluate(source, FRAME, label="label").to_json()]


def estimator(tmp_path, source) -> np.ndarray:
    model = hs.TransferClassifier(LogisticRegression().fit(X[:60], Y[:60]), alpha=1.0, cv=2).fit(X[60:80], Y[60:80])
    return model.predict_proba(1e3 * X[80:])


def choose(tmp_path, source) -> np.ndarray:
    from headstart.choice import AutoAdaptClassifier

    rows, labels, domain = hs.join(X[:40], Y[:40], X[40:80] + 0.5)
    model = AutoAdaptClassifier(budget=60, candidates=["source_only", "coral"])
    return model.fit(rows, labels, sample_domain=domain).predict(1e3 * X[80:])


CALLS = (fit, pretrain, describe, use, estimator, choose)


@pytest.fixture
def settings():
    """Everything that another program may have set, and sets back afterwards."""
    before = np.geterr(), list(warnings.filters), torch.get_default_dtype()
    np.seterr(all="raise")
    warnings.simplefilter("error")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        yield
    torch.set_default_device(None)
    torch.set_default_dtype(before[2])
    np.seterr(**before[0])
    warnings.filters[:] = before[1]


@pytest.fixture(scope="module")
def plain(tmp_path_factory, source):
    return {call.__name__: call(tmp_path_factory.mktemp("plain"), source) for call in CALLS}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_what_others_set_neither_changes_a_result_nor_is_changed(call, plain, source, settings, tmp_path):
    random.seed(5)
    np.random.seed(5)
    torch.default_generator.manual_seed(5)
    before = state()
    found = call(tmp_path, source)
    assert state() == before
    expected = plain[call.__name__]
    np.testing.assert_equal(found, expected)


def test_the_state_is_put_back_after_a_mistake_too(tmp_path):
    before = state()
    with pytest.raises(hs.UserError):
        hs.fit(FRAME, source="headstart/nothing", out=tmp_path / "run", quiet=True)
    assert state() == before
