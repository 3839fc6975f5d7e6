"""What differs between kinds of task is said by the kinds: nobody else compares a task's kind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.kinds import KINDS
from headstart.problem import Task
from headstart.tasks import TaskLogic, create_task, logic_of
from headstart.tasks.base import draw


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_torch_side_of_its_own(kind):
    assert issubclass(logic_of(kind), TaskLogic)
    assert len({logic_of(one) for one in KINDS}) == len(KINDS)
    task = Task(kind, **{KINDS[kind].names_in: ("a", "b")})
    assert create_task(task).task.label_space.names == ("a", "b")
    assert task.n_outputs == 2


def test_a_head_that_is_drawn_has_the_bits_of_one_that_its_layers_drew_themselves():
    torch.manual_seed(3)
    wanted = nn.Linear(5, 2)
    head = create_task(Task("classification", ("a", "b"))).head(5)
    assert not head.weight.any()
    torch.manual_seed(3)
    assert torch.equal(draw(head).weight, wanted.weight)
    assert torch.equal(head.bias, wanted.bias)
