"""Sources of a ranking shared out over a dask cluster: the same table, and mistakes in a sentence."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart import library
from headstart.errors import UserError
from headstart.library import Gain
from headstart.scores import past_gain
from headstart.workflow.ranking.judging import past_gains
from headstart.workflow.scale_out import check_backend, scaled_out


@pytest.mark.parametrize(
    ("backend", "workers", "words"),
    [
        ("ray", None, "expected dask for workers"),
        ("dask:", None, "expected dask for workers"),
        ("dask:tcp://host:8786", 3, "has its own"),
        (None, 2, "are those of --backend dask"),
        ("dask", 0, "--workers is 0"),
        ("dask", True, "--workers is True"),
        ("dask", None, r"pip install 'headstart\[dask\]'"),
    ],
)
def test_a_backend_that_cannot_be_is_one_sentence(backend, workers, words, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=words) as caught:
        check_backend(backend, workers)
    assert "\n" not in str(caught.value)


def test_rank_refuses_before_it_opens_anything(tmp_path):
    with pytest.raises(UserError, match="--backend 'daks' is not known"):
        hs.rank(tmp_path / "nothing.csv", "headstart/glyphs", backend="daks")


def test_without_a_backend_results_come_in_order():
    with scaled_out(None) as apply:
        assert apply(lambda n: n * n, [3, 1, 2]) == [9, 1, 4]


@pytest.mark.slow
def test_two_workers_give_the_table_of_one_process(tmp_path):
    pytest.importorskip("distributed")
    x = np.random.default_rng(1).normal(size=(80, 3))
    frame = pd.DataFrame(x, columns=list("abc")).assign(label=np.where(x[:, 0] + x[:, 1] ** 2 > 1, "yes", "no"))
    frame.to_csv(tmp_path / "target.csv", index=False)
    for name, columns in (("one", list("abc")), ("two", list("ab")), ("strange", list("uvw"))):
        source = frame.set_axis([*"abc", "label"] if name != "strange" else [*"uvw", "label"], axis=1)
        source[[*columns, "label"]].to_csv(tmp_path / f"{name}.csv", index=False)
        hs.pretrain(tmp_path / f"{name}.csv", network="headstart/tabular", epochs=1, out=tmp_path / name, quiet=True)
    sources = [tmp_path / name for name in ("one", "two", "strange")]
    alone = hs.rank(tmp_path / "target.csv", sources, quiet=True)
    shared = hs.rank(tmp_path / "target.csv", sources, quiet=True, backend="dask", workers=2)
    assert [one.name for one in shared.judged] == [one.name for one in alone.judged]
    assert list(shared.left_out) == [str(tmp_path / "strange")]
    assert shared.left_out == alone.left_out
    for mine, theirs in zip(shared.judged, alone.judged, strict=True):
        assert mine.scores == pytest.approx(theirs.scores)
        assert {n: one.value for n, one in mine.terms.items()} == pytest.approx(
            {n: one.value for n, one in theirs.terms.items()}
        )
    np.testing.assert_array_equal(shared.combined.before, alone.combined.before)


def test_a_past_gain_counts_other_data_of_the_same_kind_and_is_shrunk(tmp_path, monkeypatch, digits_folder):
    assert past_gain([0.3, 0.1]) == pytest.approx(0.4 / 3)
    monkeypatch.setenv("HEADSTART_LIBRARY", str(tmp_path / "mine.sqlite"))
    dataset, source = hs.open(digits_folder), hs.open_source("headstart/glyphs")
    one = Gain("other", "f1", "positive", "accuracy", 0.2, 0.1, 0.3, 50, "lp_ft", "scratch", "/r/1", "2026")
    assert past_gains(source, dataset) == []
    for gain in (
        one,
        replace(one, run="/r/2", fingerprint=dataset.fingerprint, gain=0.9),
        replace(one, run="/r/3", metric="mae", gain=7.0),
        replace(one, run="/r/4", gain=None),
        replace(one, run="/r/5", gain=-0.1),
    ):
        library.put_gain("headstart/glyphs", gain)
    library.put_gain("headstart/pixels", replace(one, run="/r/6", gain=0.5))
    assert past_gains(source, dataset) == [0.2, -0.1]
    (tmp_path / "mine.sqlite").write_text("no library")
    assert past_gains(source, dataset) == []
