"""Every finished run joins the user's library, and its source gets what it gave; `mine:NAME` names it everywhere."""

import json
import sys

import pytest

import headstart as hs
from headstart import cli, library
from headstart.errors import UserError
from headstart.workflow.registering import registered
from headstart.workflow.run import load


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_LIBRARY", str(tmp_path / "mine.sqlite"))


def test_a_fit_joins_by_itself(fitted, adapted):
    # The library of all tests: both fits wrote into it when they ended.
    known = {one.path: one for one in library.mine()}
    network, arrays = known[str(fitted)], known[str(adapted)]
    assert (network.serves, arrays.serves) == (True, False)
    assert network.classes == ("flat", "striped")
    assert network.fingerprint == load(fitted).result["data"]["fingerprint"]
    assert network.size > 10_000


def test_what_a_source_gave_is_kept_by_its_source(run, own):
    assert registered(load(run)).path == run
    verdict = load(run).verdict
    told = verdict if verdict.transfers or verdict.planned is None else verdict.planned
    (gain,) = library.gains_of("headstart/glyphs")
    assert (gain.gain, gain.kind, gain.run, gain.target) == (told.gain, told.kind, str(run), "pictures0")
    registered(load(run))
    assert len(library.gains_of("headstart/glyphs")) == 1


def test_mine_names_a_source(run, pictures, own, monkeypatch, capsys):
    def typed(*words):
        monkeypatch.setattr(sys, "argv", ["headstart", "sources", *words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, *capsys.readouterr()

    assert "every finished run becomes one" in typed("--mine")[1]
    assert typed("add", str(run), "--name", "stripes")[0] in (0, None)
    assert json.loads(typed("--mine", "--json")[1])[0]["spec"] == "mine:stripes"
    assert "mine:stripes" in typed("show", "mine:stripes")[1]
    source = hs.open_source("mine:stripes")
    assert source.task.classes == ("flat", "striped")
    assert hs.describe(pictures, source="mine:stripes").source.spec == str(run)  # a path, whatever is forgotten later
    for spoiled in ("a/b", "mine:x", " "):
        assert typed("add", str(run), "--name", spoiled)[0] == 2
    for asked in (lambda: hs.fit(pictures, source="mine:stripe", quiet=True), lambda: hs.open_source("mine:stripe")):
        with pytest.raises(UserError, match="did you mean 'stripes'"):
            asked()
    (run / "run.json").rename(run / "gone.json")
    assert "its folder is" in typed("--mine")[1]
    with pytest.raises(UserError, match="no finished run any more"):
        hs.open_source("mine:stripes")
    assert typed("remove", "stripes")[0] in (0, None)
    assert library.mine() == []


def test_a_library_that_cannot_be_written_does_not_end_a_run(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_LIBRARY", str(tmp_path))
    opened = load(run)
    with pytest.warns(UserWarning, match="not in the library"):
        assert registered(opened) is opened
    monkeypatch.setenv("HEADSTART_LIBRARY", "off")
    assert registered(opened) is opened
