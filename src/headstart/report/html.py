"""The report: one HTML file that needs no network, made from the files of the run folder alone."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from headstart.foreign import unusable
from headstart.isolated import isolate
from headstart.report import across, blind, headline, quality, sections, several, stories
from headstart.report import format as fmt
from headstart.report.continual import continual
from headstart.report.curves import curves
from headstart.report.folder import RunFolder, read_folder
from headstart.report.glossary import GLOSSARY
from headstart.report.new_classes import few_shot, zero_shot
from headstart.report.race import race
from headstart.report.robustness import robustness
from headstart.report.training import training
from headstart.report.verification import verification
from headstart.storage import write_text

_END = r"""[^\s<>"']*[^\s<>"'.,;)]"""
_LINK = re.compile(rf"(https?://{_END})|\barXiv[: ](\d{{4}}\.\d{{4,5}})|\bdoi[: ](10\.\d{{4,}}/{_END})")


@isolate
def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` into a finished run's folder and return its path.

    Raises
    ------
    UserError
        If the folder holds no finished run, or one of a newer version.
    """
    folder = read_folder(Path(run_dir))
    path = folder.path / "report.html"
    with unusable(f"The report of {folder.path}", "a file of the run is damaged or was edited"):
        page = render(folder)
    write_text(path, page)
    return path


def render(folder: RunFolder) -> str:
    """Return the page for a run as text."""
    if folder.run.get("multitask"):
        return environment().get_template("several.html").render(**several.context(folder))
    if folder.run.get("without_labels"):
        return environment().get_template("blind.html").render(**blind.context(folder))
    return environment().get_template("report.html").render(**context(folder))


@cache
def environment() -> Any:
    from jinja2 import ChainableUndefined, Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("headstart.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,
    )
    environment.filters |= {
        "percent": fmt.percent,
        "plain": fmt.plain,
        "count": fmt.count,
        "amount": fmt.amount,
        "linked": linked,
    }
    return environment


def context(folder: RunFolder) -> dict[str, Any]:
    """Return what the template shows, one entry per section."""
    return {
        "run": folder.run,
        "plan": sections.plan(folder),
        "verdict": headline.verdict(folder),
        "kept": sections.kept(folder),
        "arms": sections.arms(folder),
        "curves": curves(folder),
        "errors": quality.errors(folder),
        "calibration": quality.calibration(folder),
        "mistakes": stories.mistakes(folder),
        "across": across.across(folder),
        "raced": race(folder),
        "domains": across.domains(folder),
        "training": training(folder),
        "robustness": robustness(folder),
        "continual": continual(folder),
        "few_shot": few_shot(folder),
        "zero_shot": zero_shot(folder),
        "who": verification(folder),
        "map": stories.feature_map(folder),
        "saliency": stories.saliency(folder),
        "data": stories.data(folder),
        "papers": stories.papers(folder),
        "again": stories.reproduce(folder),
        "glossary": GLOSSARY,
    }


def linked(text: Any) -> Markup:
    """Escape ``text`` and turn web addresses, arXiv numbers and DOIs in it into links."""
    text, done, parts = str(text), 0, []
    for found in _LINK.finditer(text):
        url, arxiv, doi = found.groups()
        target = url or (f"https://arxiv.org/abs/{arxiv}" if arxiv else f"https://doi.org/{doi}")
        parts += [escape(text[done : found.start()])]
        parts += [Markup('<a href="{}" rel="noreferrer">{}</a>').format(target, found.group(0))]
        done = found.end()
    return Markup("").join([*parts, escape(text[done:])])
