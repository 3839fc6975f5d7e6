"""A kind of task that is new: two files and one line, and the whole road knows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import headstart

WHOLE = '''
"""Counts: how many of something there are."""
import numpy as np
from headstart.kinds.values import Values

class Whole(Values):
    logic = "headstart.tasks.counting:Counting"
    metrics = ("miss", "exact")
    errors = frozenset({"miss"})
    shares = frozenset({"exact"})
    meaning = "expected counts"
    purpose = "It counts {names} of {unit}."

    def refused(self, labels):
        wrong = (labels < 0) | (labels != np.rint(labels))
        return "has counts that are negative or no whole numbers" if wrong.any() else super().refused(labels)

    def predicted(self, estimator, rows):
        return np.maximum(super().predicted(estimator, rows), 0)

    def answers(self, predictions):
        return np.rint(predictions[:, 0]).astype(int).tolist()
'''
COUNTING = '''
"""Counts with torch: a loss that outliers sway less, and no count below zero."""
import numpy as np
from torch.nn import functional as F
from headstart.tasks.base import average
from headstart.tasks.regression import Regression

class Counting(Regression):
    def loss(self, outputs, y, weight=None):
        wanted = ((y - self._like(self.mean, y)) / self._like(self.scale, y)).to(outputs.dtype)
        return average(F.smooth_l1_loss(outputs, wanted, reduction="none").mean(dim=1), weight)

    def predict(self, outputs):
        return super().predict(outputs).clamp_min(0)

    def metrics(self, predictions, y):
        return self.leading({"miss": float(np.abs(predictions - y).mean()),
                             "exact": float((np.rint(predictions) == y).all(axis=1).mean())})
'''
LINE = '    "regression": Values,\n'
WORK = """
import json, sys
import headstart as hs
from headstart.report.html import write_report
from headstart.workflow.evaluate import evaluate

out = {}
hs.pretrain("table.csv", task="tally", network="headstart/tabular", epochs=1, out="source", seed=0, quiet=True)
run = hs.fit("table.csv", task="tally", source="source", arms=("probe", "chosen"),
             method="finetune", epochs=1, out="run", seed=0, quiet=True)
found = hs.load("run")
out["kind"] = found.result["task"]["kind"]
out["arms"] = sorted(found.result["arms"])
out["metric"] = found.result["metric"]
out["answers"] = found.model.predict("new.csv")
out["values"] = found.model.predict_proba("new.csv").ravel().tolist()
out["evaluated"] = evaluate("run", "table.csv").metrics
write_report("run")
across = hs.fit("new.csv", task="tally", source_data=["table.csv"], out="across", seed=0, quiet=True)
out["across"] = across.model.predict("new.csv")
try:
    hs.fit("broken.csv", task="tally", source="source", out="never", quiet=True)
except hs.UserError as error:
    out["refused"] = str(error)
json.dump(out, open("out.json", "w"))
"""


@pytest.mark.slow
def test_a_new_kind_is_two_files_and_one_line(tmp_path, in_a_copy):
    package = tmp_path / "src" / "headstart"
    shutil.copytree(Path(headstart.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kinds" / "whole.py").write_text(WHOLE)
    (package / "tasks" / "counting.py").write_text(COUNTING)
    table = package / "kinds" / "__init__.py"
    text = table.read_text().replace(LINE, LINE + '    "tally": Whole,\n')
    table.write_text(
        text.replace(
            "from headstart.kinds.values", "from headstart.kinds.whole import Whole\nfrom headstart.kinds.values"
        )
    )
    x = np.random.default_rng(0).normal(size=(60, 2)).round(3)
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame.assign(y=np.rint(np.exp(0.5 + x[:, 0])).astype(int)).to_csv(tmp_path / "table.csv", index=False)
    frame.assign(y=x[:, 0]).to_csv(tmp_path / "broken.csv", index=False)
    frame.head(9).to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "work.py").write_text(WORK)
    code, _, failed = in_a_copy(tmp_path / "work.py", path=[tmp_path / "src"], fresh={"headstart"})
    assert code == 0, failed
    out = json.loads((tmp_path / "out.json").read_text())
    assert out["kind"] == "tally"
    assert out["metric"] == "miss"
    assert out["arms"] == ["finetune", "probe"]
    assert out["answers"] == np.rint(out["values"]).astype(int).tolist()
    assert set(out["evaluated"]) == {"miss", "exact"}
    assert all(isinstance(answer, int) and answer >= 0 for answer in out["across"])
    assert "no whole numbers" in out["refused"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "miss" in page
    assert "It counts y of a table row." in (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
