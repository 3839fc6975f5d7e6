"""Every law over the whole catalogue."""

from __future__ import annotations

import pytest

from headstart import catalogue
from headstart.checks import check_fitted, check_method, check_writing, check_zero, create_trial
from headstart.checks.trial import KINDS
from headstart.checks.writing import check_docstring
from headstart.checks.zero import ZERO, create
from headstart.errors import UserError

TRAINED = [entry.name for entry in catalogue.METHODS if entry.kind in ("trained", "penalty")]
FITTED = [entry.name for entry in catalogue.METHODS if entry.kind == "fitted"]
MORE = ["finetune+l2sp+bss", "gradual+delta", "lp_ft+l2sp", "lora+bss"]


@pytest.mark.parametrize(("turn", "expression"), enumerate(TRAINED + MORE))
def test_laws_of_trained_methods(turn: int, expression: str) -> None:
    """Kinds of task take turns; the slow suite tries every method on each."""
    check_method(lambda: catalogue.create(expression), turn=turn)


@pytest.mark.slow
@pytest.mark.parametrize("expression", TRAINED + MORE)
def test_laws_of_trained_methods_on_every_kind_of_task(expression: str) -> None:
    check_method(lambda: catalogue.create(expression))


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        ("delta", {"attention": "saliency"}),
        ("distill", {"features": 0.5}),
        ("distill", {"features": 0.5, "start": "source"}),
        ("finetune", {"depth": 0}),
        ("lora", {"depth": 1, "rank": 2}),
    ],
)
def test_laws_with_options(expression: str, options: dict) -> None:
    check_method(lambda: catalogue.create(expression, None, options), turn=len(options))


@pytest.mark.parametrize("name", FITTED)
def test_laws_of_fitted_methods(name: str) -> None:
    kinds = [kind for kind in KINDS if kind in catalogue.get(name).applies]
    check_fitted(
        lambda kind, n: catalogue.create(name, None, {"kind": kind, "n_outputs": n}),
        maps=name == "stage_probe",
        kinds=kinds or KINDS,
    )


def test_zero_law_covers_every_trained_method() -> None:
    assert set(ZERO) == set(TRAINED) - {"finetune"}


@pytest.mark.parametrize("name", ZERO)
@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_zero_law(name: str, kind: str) -> None:
    zeroed, plain = ZERO[name]
    if create(zeroed).kinds is not None and kind not in create(zeroed).kinds:
        with pytest.raises(UserError, match="learns classification"):
            create_trial(kind).train(create(zeroed), steps=1)
        return
    check_zero(lambda: create(zeroed), lambda: create(plain), create_trial(kind))


@pytest.mark.parametrize("entry", catalogue.METHODS, ids=lambda entry: entry.name)
def test_writing(entry: catalogue.Entry) -> None:
    if entry.kind in ("trained", "penalty", "fitted"):
        check_writing(entry.load())
    else:
        check_docstring(entry.load())
