"""What strangers put into a run folder reaches neither the page nor the terminal but as text."""

from __future__ import annotations

import json
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from strangers import HOSTILE, told, unseal

from headstart.cli import main
from headstart.errors import UserError
from headstart.report.html import write_report
from headstart.workflow.resume import resume
from headstart.workflow.saved import read_result


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        assert tag not in ("script", "iframe", "object", "link", "form")
        for name, value in attributes:
            assert not name.startswith("on")
            assert not (name in ("href", "src") and str(value).lower().startswith(("javascript:", "data:text")))


def spoiled(value):
    """Every text that may be any text is a hostile one."""
    if isinstance(value, dict):
        return {key: item if key in ("kind", "modality", "schema") else spoiled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spoiled(item) for item in value]
    return HOSTILE if isinstance(value, str) and not value.endswith(".png") else value


@pytest.mark.parametrize("which", ["run", "across"])
def test_the_report_escapes_everything_that_comes_from_files(which, request):
    folder = request.getfixturevalue(which)
    known = {"metric": "accuracy", "verb": "fit", "modality": "image"}
    for path in (folder / "run.json", *folder.glob("evidence/*.json"), folder / "plan.json"):
        whole = json.loads(path.read_text())
        value = spoiled(whole)
        for key in ("arms", "guard", "chosen", "task") if path.name == "run.json" else ():
            value[key] = whole[key]
        if path.name == "run.json":
            value |= {"warnings": [HOSTILE], **{key: whole[key] for key in known if key in whole}}
            value["verdict"] |= {key: whole["verdict"][key] for key in ("arm", "baseline", "metric")}
            for arm in value["arms"].values():
                arm |= {"title": HOSTILE, "papers": [HOSTILE, "https://x.org/" + HOSTILE]}
        path.write_text(json.dumps(value))
    page = write_report(folder).read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    parser = Tags()
    parser.feed(page)
    assert len(parser.seen) > 100


@pytest.mark.parametrize("junk", [b"", b"junk", b"PAR1" + b"\0" * 40 + b"PAR1", None])
def test_predictions_that_are_no_table_of_a_run(junk, run):
    path = run / "predictions.parquet"
    if junk is None:
        pd.DataFrame({"arm": ["probe"], "split": ["test"], "seed": ["x"]}).to_parquet(path)
    else:
        path.write_bytes(junk)
    with pytest.raises(UserError, match=r"predictions\.parquet cannot be used"):
        write_report(run)


@pytest.mark.parametrize("column", ["probabilities", "label", "name"])
def test_predictions_of_other_types_are_one_sentence_or_shown(column, run):
    path = run / "predictions.parquet"
    whole = pd.read_parquet(path)
    for value in (None, "x", 3, [0.5], [float("nan")] * 2, ["a", "b"]):
        frame = whole.copy()
        frame[column] = pd.Series([value] * len(frame), dtype=object)
        frame.to_parquet(path)
        assert "\n" not in (told(write_report, run) or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.json", '{"schema": 1}'),
        ("run.json", '{"schema": 1, "data": null}'),
        ("model/network.json", "[]"),
        ("model/weights.safetensors", "junk"),
        ("metrics.jsonl", "junk\njunk\n"),
    ],
)
def test_the_commands_end_with_exit_code_2_and_one_line(name, text, run, pictures, monkeypatch, capsys):
    (run / name).write_text(text)
    unread = run / "run.json"
    if name != "run.json":
        unseal(run)
    verbs = (["report", str(run)],) if name == "metrics.jsonl" else (["predict", str(run), str(pictures)],)
    assert unread.exists()
    for arguments in verbs:
        monkeypatch.setattr(sys, "argv", ["headstart", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        assert Path(name).name in told.err


def test_a_finished_arm_that_was_edited_is_refused_at_resume(fitted, tmp_path):
    (tmp_path / "result.json").write_text('{"score": "best"}')
    with pytest.raises(UserError, match=r"result\.json: validation is missing"):
        read_result(tmp_path)


def test_resume_of_edited_arguments_is_one_sentence(run):
    (run / "run.json").unlink()
    path = run / "state" / "arguments.json"
    value = json.loads(path.read_text())
    for options in ({"epochs": "three"}, {"seeds": 0}, {"budget": []}, {"unknown": 1}):
        path.write_text(json.dumps(value | {"options": value["options"] | options}))
        with pytest.raises(UserError):
            resume(run, quiet=True)


def test_names_of_files_that_a_spreadsheet_would_run(run, pictures, tmp_path, capsys):
    folder = tmp_path / "new"
    folder.mkdir()
    for name in ("=1+1.png", "fine.png"):
        shutil.copy(next(pictures.rglob("*.png")), folder / name)
    assert main_of("predict", run, folder) == 0
    told = capsys.readouterr()
    assert "\n'=1+1.png," in told.out
    assert "character: 1;" in told.err
    assert main_of("predict", run, folder, "--raw-cells") == 0
    assert "\n=1+1.png," in capsys.readouterr().out
    assert main_of("predict", run, folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "=1+1.png"


def main_of(*arguments):
    before, sys.argv = sys.argv, ["headstart", *map(str, arguments)]
    try:
        main()
    except SystemExit as left:
        return left.code
    finally:
        sys.argv = before
    return 0
