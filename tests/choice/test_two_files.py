"""A method is two files, the method and its test, and one line of the catalogue: nothing else has to know it."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import headstart as hs
from headstart import catalogue
from headstart.catalogue.entry import Entry, Variant

METHODS = '''
from dataclasses import dataclass
import numpy as np
from headstart.shallow.adaptation import DomainTransformer

@dataclass(kw_only=True, eq=False, repr=False)
class Centred(DomainTransformer):
    """Each domain without its mean."""

    def _learn(self, domains):
        self.means_ = [np.asarray(rows).mean(axis=0) for rows in (domains.source, domains.target)]

    def _map(self, rows, is_source):
        return rows - self.means_[0 if is_source else 1]

def nearer_weights(source, target, *, labels=None, seed=0):
    return 1 / (1 + np.linalg.norm(source - target.mean(axis=0), axis=1))
'''
NEEDS = ("source_labels", "target_inputs")
APPLIES = "table; classification"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in which a package that Headstart does not know of put a map and a reweighting into the catalogue."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "strange_methods.py").write_text(METHODS)
    rng = np.random.default_rng(0)
    for name, offset in (("source", 0.0), ("target", 30.0)):
        labels = np.arange(120) % 2
        rows = rng.normal(size=(120, 3)) + 5 * labels[:, None] * [1, 1, 0] + offset
        frame = pd.DataFrame(rows.round(3), columns=["a", "b", "c"]).assign(label=np.where(labels, "wild", "calm"))
        frame.to_csv(folder / f"{name}.csv", index=False)
    lines = (
        Entry("centred", "Centred", "strange_methods:Centred", ("A paper",), needs=NEEDS, applies=APPLIES, kind="map",
              raced=(Variant(),), cost=(0.0, 0.0, 0.0, 0.0)),
        Entry("nearer", "Nearer rows", "strange_methods:nearer_weights", (), needs=NEEDS, applies=APPLIES,
              kind="weights", raced=(Variant(),), cost=(0.0, 0.0, 0.0, 0.0)),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(catalogue, "METHODS", (*catalogue.METHODS, *lines))
        yield (
            folder,
            hs.fit(
                folder / "target.csv",
                source_data=str(folder / "source.csv"),
                method="centred",
                out=folder / "run",
                quiet=True,
            ),
        )
        sys.modules.pop("strange_methods", None)


def test_it_is_raced_chosen_saved_loaded_and_reported(run):
    folder, found = run
    assert found.result["guard"]["kept"] == "adapted"
    assert found.result["across"]["kept"] == "centred"
    assert found.verdict.gain > 0.3
    assert "Centred" in (folder / "run" / "report.html").read_text()
    answers = hs.load(folder / "run").model.predict(pd.read_csv(folder / "target.csv").drop(columns="label"))
    assert np.mean(np.array(answers) == pd.read_csv(folder / "target.csv")["label"]) > 0.9


@pytest.mark.slow
def test_it_stands_in_the_standard_field_and_the_shipped_evidence_judges_it(run):
    folder, _ = run
    frames = [pd.read_csv(folder / f"{name}.csv") for name in ("source", "target")]
    frames[1][["a", "b", "c"]] -= 29  # near enough that no alarm of label shift goes off
    rows = np.concatenate([frame[["a", "b", "c"]].to_numpy() for frame in frames])
    labels = np.concatenate([(frames[0]["label"] == "wild").astype(int), np.full(120, -1)])
    choice = hs.choice.choose(rows, labels)
    raced = {row["name"]: row for row in choice.table}
    assert {"centred", "nearer"} <= raced.keys()
    assert np.isfinite(raced["centred"]["predicted_gain"])
    assert raced["nearer"]["note"] == ""
