"""The ground that everything stands on: light imports, whole documentation, clean files, pinned versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement

import headstart
from headstart.cli import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
HEAVY = {"accelerate", "datasets", "matplotlib", "pandas", "peft", "scipy", "sklearn", "timm", "torch", "torchvision"}


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh process holds after ``code``."""
    show = "\nimport sys; print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code + show], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


# Imports


@pytest.mark.parametrize(
    "code",
    [
        "import headstart",
        "import headstart.catalogue, headstart.errors, headstart.problem, headstart.storage",
        "import contextlib, headstart.cli\nwith contextlib.suppress(SystemExit): headstart.cli.app(['--help'])",
        "import contextlib, headstart.cli\nwith contextlib.suppress(SystemExit): headstart.cli.app(['fit', '--help'])",
    ],
)
def test_help_and_import_load_nothing_heavy(code):
    assert loaded_by(code) & HEAVY == set()


def test_estimators_for_arrays_need_no_torch():
    assert (
        loaded_by("from headstart import TransferClassifier; TransferClassifier()") & {"torch", "torchvision"} == set()
    )


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(headstart, name)
    assert thing.__doc__, f"headstart.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(headstart, "no_such_name")
    assert headstart.__version__ == PROJECT["version"]


# Documentation


def command_lines(page: Path) -> list[list[str]]:
    """Command lines of headstart in the page's code blocks, without comments."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    lines = [part.strip().removeprefix("$ ") for line in lines for part in line.split(" | ")]
    return [line.split() for line in lines if line.startswith("headstart ")]


def test_commands_and_options_in_the_pages_exist():
    verbs = typer.main.get_command(app).commands
    seen, wrong = 0, []
    for page in PAGES:
        for words in command_lines(page):
            seen += 1
            verb = verbs.get(words[1])
            verb = getattr(verb, "commands", {}).get(words[2] if len(words) > 2 else "") or verb  # a verb of a verb
            known = [option for parameter in verb.params for option in parameter.opts] if verb else []
            options = [word.partition("=")[0].strip("[]") for word in words[2:] if word.strip("[").startswith("--")]
            if verb is None or any(option not in known for option in options):
                wrong.append(f"{page.name}: {' '.join(words)}")
    assert seen > 10
    assert wrong == []


def test_links_between_the_pages_lead_somewhere():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_every_page_is_reached_from_the_index():
    reached, waiting = set(), [ROOT / "docs/index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)\)", page.read_text(encoding="utf-8"))
        links = [(page.parent / target).resolve() for target in targets if "://" not in target]
        waiting += [link for link in links if link in PAGES and link not in reached]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def test_the_template_of_a_method_is_the_one_that_the_laws_are_run_on():
    [shown], [checked] = (
        [block for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.M)
         if "(Method)" in block]
        for page in (ROOT / "CONTRIBUTING.md", ROOT / "docs/method_template.md")
    )  # fmt: skip
    assert shown == checked


# Files


def text_files() -> list[Path]:
    folders = [ROOT / name for name in (".ci", "benchmarks", "docs", "recipes", "src", "tests")]
    files = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    files += [path for path in ROOT.iterdir() if path.name not in {".git", ".coverage"}]
    return [path for path in files if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def test_no_file_names_a_registry_or_somebodys_folder():
    words = ["pypi" + ".org", "python" + "hosted", "pytorch.org" + "/whl", "index" + "-url", "/sim" + "ple/"]
    home = r"(?<![\w.~}-])/(?:home|Users|root|" + "work" + r")/\w"
    pattern = re.compile("|".join([*map(re.escape, words), home]))
    found = {str(path.relative_to(ROOT)): pattern.findall(path.read_text("utf-8", "replace")) for path in text_files()}
    assert len(found) > 100
    assert {path: hits for path, hits in found.items() if hits} == {}


# Versions


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_constraints_are_exact_public_versions():
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in constraints().values())


def test_constraints_cover_and_satisfy_what_the_project_asks_for():
    pinned = constraints()
    asked = PROJECT["dependencies"] + [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    requirements = [Requirement(line) for line in asked if not line.startswith("headstart[")]
    assert [str(need) for need in requirements if not need.specifier.contains(pinned.get(need.name, "0"))] == []
