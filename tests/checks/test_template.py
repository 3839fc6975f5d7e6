"""The annotated template in the documentation is a method that obeys the laws; and laws do catch who breaks them."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from headstart.checks import check_method, check_network, check_zero, create_trial
from headstart.checks.methods import check_gradients, check_repeatable
from headstart.checks.writing import check_docstring, check_inheritance
from headstart.deep.finetune.finetune import FineTune
from headstart.deep.finetune.scratch import Scratch
from headstart.deep.method import Batch, Group, Losses, Method, Nets

TEMPLATE = Path(__file__).parents[2] / "docs" / "method_template.md"


def test_the_template_obeys_the_laws(tmp_path: Path) -> None:
    code = re.search(r"```python\n(.*?)```", TEMPLATE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    path = tmp_path / "confidence.py"
    path.write_text(code.group(1), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("confidence", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    import sys

    sys.modules["confidence"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    check_method(module.Confidence)
    check_zero(lambda: module.Confidence(strength=0.0), FineTune)
    del sys.modules["confidence"]


@dataclass(kw_only=True)
class Forgetful(Method):
    """No paper here."""

    steps: int = 0

    def loss(self, nets: Nets, batch: Batch, progress: float) -> Losses:
        self.steps += 1
        return {"task": nets.task.loss(nets.network(batch.target.x), batch.target.y)}

    def groups(self, nets: Nets) -> list[Group]:
        return [Group("head", list(nets.network.head.parameters()))]


def test_laws_catch_who_breaks_them() -> None:
    trial = create_trial()
    with pytest.raises(AssertionError, match="changed by training"):
        check_repeatable(Forgetful, trial)
    with pytest.raises(AssertionError, match="groups"):
        check_gradients(Forgetful(), trial)
    with pytest.raises(AssertionError, match="equation"):
        check_docstring(Forgetful)
    with pytest.raises(AssertionError, match="inherits"):
        check_inheritance(type("Heir", (Scratch,), {}))
    with pytest.raises(AssertionError, match="differ"):
        check_zero(lambda: FineTune(stage_decay=0.5), FineTune)


def test_laws_of_networks_hold_and_catch() -> None:
    rows = [{f"x{i}": float(i + n) for i in range(5)} for n in range(3)]
    network = create_trial().network()
    check_network(network, rows)
    network.n_features += 1
    with pytest.raises(AssertionError, match="n_features"):
        check_network(network, rows)
    network.n_features -= 1
    network.pool = torch.nn.LayerNorm(network.n_features)
    with pytest.raises(AssertionError, match="pooling"):
        check_network(network, rows)
