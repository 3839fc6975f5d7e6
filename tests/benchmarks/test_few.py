"""Benchmarks of scarce labels: what was measured before cells named their data is measured no second time."""

from __future__ import annotations

from benchmarks import store
from benchmarks.few import without_labels


def test_records_that_name_no_data_are_of_mnist(monkeypatch):
    cell = {"source": "simclr", "seed": 0, "shots": 100}
    monkeypatch.setattr(store, "read", lambda name: [{"what": "sources"} | cell])
    assert without_labels.is_done("sources", data="mnist", **cell)
    assert not without_labels.is_done("sources", data="cifar10", **cell)
    assert not without_labels.is_done("sources", data="mnist", **cell | {"seed": 1})
