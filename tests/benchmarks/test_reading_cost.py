"""What a reader of a method reads is counted by names, not by what a room's `__init__` happens to load."""

from __future__ import annotations

from benchmarks.reading_cost import METHODS, cost, home, imported, non_blank


def test_names_are_followed_through_rooms_to_where_they_are_defined():
    assert home("headstart.networks", "Network") == "headstart.networks.network"
    assert home("headstart.networks.network", "Network") == "headstart.networks.network"
    found = cost("headstart.deep.finetune.finetune")
    assert {"headstart.deep.finetune.finetune", "headstart.deep.method", "headstart.data.batches"} <= {*found.modules}
    assert not {"headstart.networks.network", "headstart.data.opening"} & {*found.modules}
    assert found.lines == sum(non_blank(module) for module in found.modules)


def test_lazy_imports_and_those_of_type_checkers_are_left_out():
    assert "headstart.data" not in imported("headstart.networks.source")
    assert "headstart.errors" in imported("headstart.networks.source")


def test_a_trained_method_is_read_in_one_sitting():
    found = cost(*METHODS["FineTune"])
    assert len(found.modules) <= 9
    assert found.lines <= 450


def test_so_is_an_array_method_with_its_shell():
    found = cost(*METHODS["CORAL with its shell"])
    assert len(found.modules) <= 10
    assert found.lines <= 1000
