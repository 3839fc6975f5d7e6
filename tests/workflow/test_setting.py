import pytest

from headstart.problem import Domain, Task
from headstart.workflow.setting import classify

CATS = Task("classification", ("cat", "dog"))
CARS = Task("classification", ("car", "bus"))
IMAGES = Domain("image")


@pytest.mark.parametrize(
    ("target", "source", "scenario"),
    [
        (CATS, CARS, "inductive"),
        (CATS, CATS, "inductive"),
        (CATS, None, "inductive"),
        (None, CATS, "transductive"),
        (None, None, "unsupervised"),
    ],
)
def test_the_labels_decide_the_scenario(target, source, scenario):
    setting = classify(IMAGES, target, IMAGES, source)
    assert setting.scenario == scenario
    assert setting.reasons["scenario"].endswith(".")


@pytest.mark.parametrize(
    ("target", "source", "space"),
    [
        (Domain("image"), Domain("image"), "homogeneous"),
        (Domain("text"), Domain("image"), "heterogeneous"),
        (Domain("table", ("a", "b")), Domain("table", ("b", "a")), "homogeneous"),
        (Domain("table", ("a", "b")), Domain("table", ("b", "c")), "heterogeneous"),
    ],
)
def test_the_inputs_decide_the_space(target, source, space):
    assert classify(target, CATS, source, CATS).space == space


def test_shared_columns_are_counted():
    reason = classify(Domain("table", ("a", "b")), CATS, Domain("table", ("b", "c", "d")), CATS).reasons["space"]
    assert "1 of 3 source and 2 target columns" in reason
