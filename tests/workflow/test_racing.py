"""Several sources race on training rows alone, and the ordinary road goes on with the winner."""

import json
import shutil
import time
from dataclasses import replace

import pytest

import headstart as hs
from headstart.engine.progress import Progress
from headstart.report.html import write_report
from headstart.workflow.opening.transfer import Given, open_transfer
from headstart.workflow.options import FitOptions
from headstart.workflow.racing.field import RaceField
from headstart.workflow.racing.record import read_race

TWO = ["headstart/pixels", "headstart/glyphs"]
QUICK = {"budget": "5m", "epochs": 1, "arms": "scratch,chosen", "device": "cpu", "quiet": True}


@pytest.fixture(scope="module")
def raced(few_digits, tmp_path_factory):
    return hs.fit(few_digits, source=TWO, out=tmp_path_factory.mktemp("raced") / "run", **QUICK)


def race_of(data, folder, **options):
    """Run a race alone, without the road behind it."""
    folder.mkdir(exist_ok=True)
    chosen = FitOptions(**{"sources": tuple(TWO), "device": "cpu"} | options)
    transfer = open_transfer("fit", Given(data), chosen, Progress(quiet=True), began=time.monotonic())
    field = RaceField(transfer)
    field._race(folder)
    return read_race(folder)


def test_the_winner_of_two_sources_walks_the_ordinary_road(raced):
    race = read_race(raced.path)
    assert race.winner.source == raced.result["source"]["spec"] == raced.result["arguments"]["source"]
    assert raced.result["arguments"]["sources"] == TWO
    assert [one.source for one in race.standings] == TWO
    assert raced.result["plan"]["reasons"][0].startswith("2 sources raced")
    assert raced.verdict is not None
    assert hs.load(raced.path).lines() == raced.lines()
    assert any("headstart/pixels" in line for line in raced.lines())
    page = (raced.path / "report.html").read_text(encoding="utf-8")
    assert "headstart/pixels" in page
    assert race.coming in page


def test_a_report_is_not_made_of_an_edited_race(raced, tmp_path):
    copy = shutil.copytree(raced.path, tmp_path / "copy")
    value = json.loads((copy / "race.json").read_text())
    value["standings"][0]["scores"] = ["high"]
    (copy / "race.json").write_text(json.dumps(value))
    with pytest.raises(hs.UserError, match=r"race\.json: standings\[0\]\.scores .* expected an object"):
        write_report(copy)


def test_a_race_reads_no_row_of_the_verdict(few_digits, tmp_path):
    dataset = hs.open(few_digits)
    rows = dataset.splits["test"]
    targets = dataset.targets.copy()
    targets[dataset.stored(rows)] = 1 - targets[dataset.stored(rows)]
    found = [
        race_of(data, tmp_path / name)
        for name, data in (("plain", dataset), ("turned", replace(dataset, targets=targets)))
    ]
    assert without_times(found[0]) == without_times(found[1])


def without_times(race):
    standings = tuple(replace(one, seconds=0.0) for one in race.standings)
    trials = tuple(replace(one, seconds=0.0) for one in race.trials)
    winner = replace(race.winner, why="")
    return replace(race, seconds=0.0, limit=0.0, standings=standings, trials=trials, coming="", winner=winner)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"source": ["headstart/glyphs", "headstart/glyphs"]}, r"--source headstart/glyphs is given 2 times"),
        ({"source": ["headstart/glyphs", "headstart/tabular"]}, r"headstart/tabular takes table input"),
        ({"source": TWO, "trials": 0}, r"--trials is 0; expected a whole number from 1"),
        ({"source": TWO, "source_data": ["a.csv"]}, r"with --source-data name one network"),
        ({"source": "headstart/glyphs", "study": "sqlite:///a.db"}, r"--study shares the trials of a race"),
        ({"source": TWO, "method": "tent"}, r"--method tent adapts at prediction"),
        ({"source": TWO, "method": "shot"}, r"--method shot learns without"),
        ({"source": TWO, "shots": 2, "seeds": 2}, r"--seeds 2 draws others"),
        ({"source": TWO, "depth": "4"}, r"--depth '4' is not a depth"),
    ],
)
def test_what_cannot_race_is_refused_in_a_sentence_and_nothing_is_left(options, said, few_digits, tmp_path):
    with pytest.raises(hs.UserError, match=said) as caught:
        hs.fit(few_digits, out=tmp_path / "run", quiet=True, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda race: race | {"winner": None}, "has no winner"),
        (lambda race: race | {"winner": race["winner"] | {"source": "timm/resnet18"}}, "none of its sources"),
        (lambda race: race | {"seconds": "long"}, "expected a number"),
        (lambda race: race | {"more": 1}, "no key of it"),
    ],
)
def test_an_edited_race_is_refused_in_a_sentence(change, said, raced, tmp_path):
    value = json.loads((raced.path / "race.json").read_text())
    (tmp_path / "race.json").write_text(json.dumps(change(value)))
    with pytest.raises(hs.UserError, match=said):
        read_race(tmp_path)
