"""The page: every task, missing parts, hostile names, no network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import UserError
from headstart.report import curves
from headstart.report.html import linked, write_report

MakeRun = Callable[..., Path]
VOID = {"meta", "link", "img", "br", "hr", "input", "line", "circle", "rect", "polyline"}


class Page(HTMLParser):
    """Elements, text and identifiers of a page; fails on elements closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.seen if "id" in attrs]


def page(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    run = json.loads((folder / "run.json").read_text())
    change(run)
    (folder / "run.json").write_text(json.dumps(run, ensure_ascii=False))
    return folder


TASKS: dict[str, dict[str, Any]] = {
    "digits": {},
    "two classes, one seed": {"classes": ["ants", "bees"], "seeds": (0,), "n": 49},
    "a hundred classes": {"classes": [f"class {i}" for i in range(100)], "n": 400},
    "labels": {"kind": "multilabel", "classes": ["sky", "sea", "sand"]},
    "values": {"kind": "regression", "modality": "table"},
    "texts": {"modality": "text", "classes": ["negative", "positive"]},
    "rows": {"modality": "table", "classes": ["no", "yes"]},
}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_whole_page(make_run: MakeRun, name: str) -> None:
    found = page(make_run(**TASKS[name]))
    sections = [
        "kept",
        "arms",
        "curves",
        "plan",
        "setting",
        "errors",
        "mistakes",
        "map",
        "saliency",
        "data",
        "papers",
        "again",
    ]
    order = [i for i in found.ids if i in ["verdict", *sections]]
    assert order == ["verdict", *sections]
    assert ("calibration" in found.ids) == (TASKS[name].get("kind") != "regression")
    assert len(found.ids) == len(set(found.ids))
    targets = [a["href"] for tag, a in found.seen if tag == "a" and (a.get("href") or "").startswith("#")]
    assert {target[1:] for target in targets if target} <= set(found.ids)
    assert not re.search(r"\b(nan|None|Undefined)\b", found.text)


@pytest.mark.parametrize("name", TASKS)
def test_every_table_scrolls_by_itself(make_run: MakeRun, name: str) -> None:
    """At the width of a phone the page must not grow wider than the screen."""
    text = write_report(make_run(**TASKS[name])).read_text(encoding="utf-8")
    tables, within = text.count("<table"), len(re.findall(r'<div class="scroll[^>]*>\s*<table', text))
    assert tables == within > 0


@pytest.mark.parametrize("name", TASKS)
def test_nothing_is_fetched_and_nothing_runs(make_run: MakeRun, name: str) -> None:
    found = page(make_run(**TASKS[name]))
    assert not {tag for tag, _ in found.seen} & {"script", "link", "iframe", "object", "embed"}
    for tag, attrs in found.seen:
        assert not [key for key in attrs if key.startswith("on")]
        if "src" in attrs:
            assert tag == "img"
            assert (attrs["src"] or "").startswith("data:image/")
            assert attrs["alt"]


def test_the_sentence_says_kind_numbers_and_the_page_interval_p_and_n(make_run: MakeRun) -> None:
    text = page(make_run()).text
    assert "Transfer helped" in text
    assert "94.0% with transfer and 77.0% from scratch: +17.0 points" in text
    assert "+15.0 to +19.0" in text
    assert "p < 0.001" in text
    assert "Test samples 300 3 seeds" in text


def test_a_negative_verdict_is_said_first_and_the_guards_choice_next(make_run: MakeRun) -> None:
    text = page(make_run(verdict="negative")).text
    assert "Transfer hurt" not in text
    first = text.index("77.0%, from scratch: nothing was gained, and that model is handed back.")
    planned = text.index("Planned was LP-FT: head first, then the last stages, which is not handed back: 60.0%, −17.0")
    kept = text.index("What was kept From scratch (planned was “LP-FT")
    assert text.index("Nothing was gained") < first < planned < kept


def test_a_run_that_was_written_when_the_planned_arm_was_judged_still_speaks_of_the_kept_one(make_run: MakeRun) -> None:
    def change(run: dict[str, Any]) -> None:
        planned = run["verdict"].pop("planned")
        for name in ("arm", "interval_kind", "transfers", "note"):
            run["verdict"].pop(name, None)
        run["verdict"] |= {name: planned[name] for name in ("kind", "gain", "interval", "p")}

    old = edit(make_run(verdict="negative"), change)
    text = page(old).text
    assert "Nothing was gained" in text
    assert "which is not handed back: 60.0%, −17.0 points (−19.0 to −15.0)" in text


def test_what_the_test_split_says_against_the_choice_is_said_on_the_page(make_run: MakeRun) -> None:
    def change(run: dict[str, Any]) -> None:
        run["verdict"]["note"] = "The test split and the choice disagree: probe is better."

    text = page(edit(make_run(), change)).text
    assert text.index("The test split and the choice disagree") < text.index("What was kept LP-FT")


def test_a_model_without_the_source_is_not_sold_as_transfer(make_run: MakeRun) -> None:
    def change(run: dict[str, Any]) -> None:
        run["verdict"] |= {"arm": "probe", "transfers": False}
        run["guard"]["kept"] = "probe"

    text = page(edit(make_run(), change)).text
    assert "Better, without the source" in text
    assert "Transfer helped" not in text
    assert "90.0% with Probe on frozen features and 77.0% from scratch" in text


def test_no_measurable_difference_is_not_sold_as_a_gain(make_run: MakeRun) -> None:
    text = page(make_run(verdict="none")).text
    assert "No measurable difference" in text
    assert "too close to call" in text
    assert "Transfer helped" not in text


def test_a_gain_in_errors_is_told_as_lower(make_run: MakeRun) -> None:
    assert re.search(
        r"Mean absolute error on .* with transfer and .* from scratch: [\d.]+ lower",
        page(make_run(kind="regression")).text,
    )


def test_names_are_text_whatever_they_hold(make_run: MakeRun) -> None:
    hostile = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "日本語", "a&amp;b"]
    folder = make_run(classes=hostile)

    def change(run: dict[str, Any]) -> None:
        run["data"]["name"] = hostile[0]
        run["guard"]["reason"] = hostile[1]
        run["command"] = ["fit", hostile[0]]
        run["warnings"] = [hostile[1]]
        run["plan"]["reasons"] = [hostile[0]]
        run["data"]["damaged"] = [{"name": hostile[1], "reason": hostile[0]}]
        run["arms"]["probe"]["title"] = hostile[0]
        run["arms"]["probe"]["papers"] = [f"javascript:alert(1) https://example.org/{hostile[1]}"]

    found = page(edit(folder, change))
    assert "script" not in {tag for tag, _ in found.seen}
    assert all((a["src"] or "").startswith("data:") for tag, a in found.seen if tag == "img")
    assert not [key for _, attrs in found.seen for key in attrs if key.startswith("on")]
    assert "<script>alert(1)</script>" in found.text
    assert "日本語" in found.text
    assert "a&amp;b" in found.text


@pytest.mark.parametrize("part", ["evidence", "metrics.jsonl", "plan.json", "predictions.parquet"])
def test_a_missing_part_leaves_the_rest(make_run: MakeRun, part: str) -> None:
    folder = make_run()
    shutil.rmtree(folder / part) if part == "evidence" else (folder / part).unlink()
    found = page(folder)
    assert "Transfer helped" in found.text
    assert ("map" in found.ids) == (part != "evidence")
    assert ("curves" in found.ids) == (part != "metrics.jsonl")
    assert ("errors" in found.ids) == (part != "predictions.parquet")


def test_notes_stand_where_evidence_could_not_be_made(make_run: MakeRun) -> None:
    folder = make_run()
    for part in ("map", "mistakes", "saliency"):
        (folder / "evidence" / f"{part}.json").write_text(json.dumps({"note": f"no {part} today"}))
    text = page(folder).text
    assert all(f"no {part} today" in text for part in ("map", "mistakes", "saliency"))


def test_a_run_without_shift_verdict_or_scratch(make_run: MakeRun) -> None:
    def change(run: dict[str, Any]) -> None:
        run["shift"] = None
        del run["arms"]["scratch"]
        run["verdict"] |= {"kind": "none", "gain": None, "interval": None, "p": None}

    text = page(edit(make_run(), change)).text
    assert "Not measured" in text
    assert "nothing says whether the source helped" in text


def test_a_source_that_was_pretrained_has_a_page_too(make_run: MakeRun) -> None:
    def change(run: dict[str, Any]) -> None:
        run["verb"] = "pretrain"
        run["verdict"] = None
        run["arms"] = {"scratch": {"test": {"accuracy": 0.8}, "validation": {}, "seconds": 3.0}}
        for key in ("guard", "chosen", "shift"):
            del run[key]

    text = page(edit(make_run(), change)).text
    assert "A source of your own" in text
    assert "80.0%" in text


def test_pictures_outside_the_evidence_folder_stay_outside(make_run: MakeRun) -> None:
    folder = make_run()
    items = json.loads((folder / "evidence" / "mistakes.json").read_text())
    shutil.copy(folder / "evidence" / "mistake-00.png", folder / "secret.png")
    for item in items["items"]:
        item["picture"] = "../secret.png"
    (folder / "evidence" / "mistakes.json").write_text(json.dumps(items))
    (folder / "evidence" / "saliency.json").unlink()
    assert "img" not in {tag for tag, _ in page(folder).seen}


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path, make_run: MakeRun) -> None:
    with pytest.raises(UserError, match="no finished run"):
        write_report(tmp_path)
    folder = edit(make_run(), lambda run: run.update(schema=99))
    with pytest.raises(UserError, match="newer Headstart"):
        write_report(folder)
    assert not (folder / "report.html").exists()


def test_links_are_made_of_addresses_only() -> None:
    text = str(linked("See arXiv:1512.03385, https://example.org/a?b=1&c=2. <b>"))
    assert '<a href="https://arxiv.org/abs/1512.03385" rel="noreferrer">arXiv:1512.03385</a>,' in text
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">' in text
    assert text.endswith(". &lt;b&gt;")


def test_repeats_that_stop_at_different_epochs_have_a_mean_all_along() -> None:
    short, long = [(1.0, 0.0), (2.0, 1.0)], [(1.5, 1.0), (3.0, 1.0), (4.0, 3.0)]
    mean = dict(curves._mean([short, long]))
    assert mean == {1.5: 0.75, 2.0: 1.0, 3.0: 1.0, 4.0: 2.0}


def test_errors_are_drawn_with_their_own_sign() -> None:
    lines = [{"validation_score": -1.5}, {"validation_score": None}]
    assert [line["validation_score"] for line in curves._told(lines, "mae")] == [1.5, None]
    assert curves._told(lines, "accuracy") == lines


def test_what_spoils_the_figures_is_said_beside_them(make_run: MakeRun) -> None:
    folder = make_run()
    path = folder / "run.json"
    told = [
        "Likely leak: the column 'ward' alone predicts the label with 99.1% balanced accuracy.",
        "3 groups of duplicates lie in more than one split: the test scores may be too good.",
        "The largest class has 12 times the samples of the smallest.",
    ]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"warnings": told}))
    text = page(folder).text
    top, below = text.split("What was kept", 2)[-2:]
    for words in told[:2]:
        assert text.count(words) == 1
        assert f"These figures may be too good to be true. {words}" in top
    assert told[2] in below
    assert told[2] not in top
