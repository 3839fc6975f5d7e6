"""`predict --adapt`: adapted answers, the others beside them, and what is said of both."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
import torch

from headstart.errors import HeadstartWarning, UserError
from headstart.models.adapting import Batches, compared
from headstart.problem import Task
from headstart.tasks import create_task
from headstart.workflow.evaluate import evaluate
from headstart.workflow.predict import predict_files
from headstart.workflow.pretrain import pretrain

N = 90
RNG = np.random.default_rng(5)
CLASS = np.arange(N) % 3
ROWS = RNG.normal(size=(N, 3)) * 0.4 + 2 * np.eye(3)[CLASS]
FRAME = pd.DataFrame(ROWS, columns=["a", "b", "c"]).assign(kind=np.array(["-x", "y", "z"])[CLASS])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapt")
    return pretrain(FRAME, label="kind", network="headstart/tabular", epochs=6, out=folder / "r", quiet=True)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    path = tmp_path_factory.mktemp("moved") / "moved.csv"
    (FRAME.drop(columns="kind").sort_values("a") + 1.0).to_csv(path, index=False)
    return path


def read(capsys):
    out, said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(out))), said


def test_adapted_answers_stand_in_the_usual_columns_and_the_others_beside(run, moved, capsys):
    predict_files(run.path, [str(moved)])
    before, _ = read(capsys)
    predict_files(run.path, [str(moved)], adapt="tent")
    after, said = read(capsys)
    assert list(after[0]) == [*before[0], "unadapted", *(f"unadapted p({name})" for name in ("-x", "y", "z"))]
    for old, new in zip(before, after, strict=True):
        assert new["name"] == old["name"]
        assert new["unadapted"] == old["prediction"]
        assert [new[f"unadapted {key}"] for key in old if key.startswith("p(")] == [
            old[key] for key in old if key.startswith("p(")
        ]
    values, others = (np.array([float(row[f"{p}p(y)"]) for row in after]) for p in ("", "unadapted "))
    assert others.std() > 0.2
    assert 0 < np.abs(values - others).max() < 0.1  # each row's own answer, though they were seen in another order
    changed = sum(row["prediction"] != row["unadapted"] for row in after)
    assert f"--adapt tent changed {changed} of {N} answers ({changed / N:.1%})" in said
    assert {row["unadapted"] for row in after} == {"'-x", "y", "z"}  # a cell that a spreadsheet would run is protected


def test_from_python_the_answers_are_the_same_and_the_model_stays(run, moved, capsys):
    rows = pd.read_csv(moved)
    straight = run.predict(rows)
    predict_files(run.path, [str(moved)], adapt="sar", raw_cells=True)
    assert run.predict(rows, adapt="sar") == [row["prediction"] for row in read(capsys)[0]]
    assert run.predict(rows) == straight == run.model.predict(rows)


@pytest.mark.parametrize(
    ("rows", "adapt", "told"),
    [
        (FRAME, "adabn", "AdaBN replaces the statistics of batch norm, and this network has none"),
        (FRAME, "tnet", "--adapt tnet names no method at test time; did you mean 'tent'"),
        (FRAME, "mcc", "names no method at test time"),
        (FRAME[:1], "tent", "--adapt tent adapts to many rows, but 1 was given"),
    ],
)
def test_what_has_no_meaning_is_one_sentence(run, rows, adapt, told):
    with pytest.raises(UserError, match=told):
        run.predict(rows[["a", "b", "c"]], adapt=adapt)


def test_a_stream_of_one_class_and_few_rows_are_told(run):
    one = FRAME[FRAME.kind == "y"][["a", "b", "c"]]
    with pytest.warns(HeadstartWarning) as told:
        run.predict(one, adapt="tent")
    said = " ".join(str(warning.message) for warning in told)
    assert "had only 30 rows to adapt to" in said
    assert "The answers before adapting are of 1.0 classes of 3" in said
    assert "rather trust the column unadapted" in said


def probabilities(answers):
    return 0.9 * np.eye(4)[answers] + 0.025


def test_a_collapse_is_told_and_a_mix_of_classes_is_not():
    logic = create_task(Task("classification", tuple("abcd")), None)
    mixed, one = probabilities(np.arange(80) % 4), probabilities(np.repeat([1, 2], [76, 4]))
    found = compared(logic, "tent", one, mixed)
    assert found.changed == 60
    (told,) = found.warnings
    assert "--adapt tent put 76 of 80 answers into 'b', which before had 20: adapting has collapsed" in told
    assert not compared(logic, "tent", mixed[::-1], mixed).warnings
    (told,) = compared(logic, "tent", one, one).warnings
    assert "classes of 4" in told


def test_values_have_no_classes_to_collapse_to():
    logic = create_task(Task("regression", targets=("u",)), np.arange(50.0)[:, None])
    found = compared(logic, "adabn", np.zeros((50, 1)), np.arange(50.0)[:, None])
    assert (found.changed, found.warnings) == (49, [])


def test_batches_mix_rows_that_come_in_order_and_none_is_of_one_row():
    fetched = []
    batches = Batches(lambda rows, view: fetched.append(rows) or torch.from_numpy(rows), 129, torch.device("cpu"))
    first, second = list(batches), list(batches)
    assert [len(batch) for batch in first] == [43, 43, 43]
    assert torch.equal(torch.cat(first), torch.cat(second))
    assert sorted(torch.cat(first).tolist()) == list(range(129))
    assert torch.cat(first).diff().ne(1).any()


def test_an_evaluation_says_what_adapting_reached_and_what_was_before(run, capsys):
    labelled = FRAME.assign(a=FRAME.a + 1.0)
    plain = evaluate(run.path, labelled, label="kind")
    found = evaluate(run.path, labelled, label="kind", adapt="tent")
    assert plain.unadapted is None
    assert "unadapted" not in plain.to_json()
    assert found.unadapted == pytest.approx(plain.metrics)
    after = run.model.adapted(labelled.drop(columns="kind"), "tent").after
    assert found.metrics["accuracy"] == pytest.approx(np.mean(after.argmax(axis=1) == CLASS))
    assert found.metrics["log_loss"] != pytest.approx(plain.metrics["log_loss"], rel=1e-6)
    assert all("unadapted" in line for line in found.lines() if not line.startswith("Warning"))
    assert found.to_json()["unadapted"] == found.unadapted
    with pytest.raises(UserError, match="tent"):
        evaluate(run.path, labelled, label="kind", adapt="tnet")
