"""The catalogue: expressions, options, and what a mistake says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headstart import catalogue
from headstart.errors import UserError


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, headstart.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_penalties_compose_and_stand_on_fine_tuning() -> None:
    method = catalogue.create("finetune+l2sp+bss", depth=2, options={"l2sp.alpha": "0.3", "eta": 1})
    assert type(method).__name__ == "FineTune"
    assert method.depth == 2
    assert [type(penalty).__name__ for penalty in method.penalties] == ["L2SP", "BSS"]
    assert (method.penalties[0].alpha, method.penalties[1].eta) == (0.3, 1)
    assert str(catalogue.create("l2sp")) == str(catalogue.create("finetune+l2sp"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("finetun",), "did you mean 'finetune'"),
        (("l2sp", None, {"alfa": 1}), "did you mean 'alpha'"),
        (("l2sp+delta", None, {"alpha": 1}), "l2sp.alpha or delta.alpha"),
        (("scratch+bss",), "takes no penalties"),
        (("finetune+lora",), "only penalties"),
        (("scratch", 2), "has no depth"),
        (("finetune", None, {"stage_decay": "fast"}), "a value like 0.9"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple, told: str) -> None:
    with pytest.raises(UserError, match=told):
        catalogue.create(*arguments)


def test_rows_and_papers() -> None:
    assert [row["name"] for row in catalogue.rows()] == catalogue.names()
    assert all(row["paper"] for row in catalogue.rows())
    assert len(catalogue.papers("finetune+l2sp+bss")) == 4
