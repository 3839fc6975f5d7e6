"""How much of the package a reader has to read: ``python -m benchmarks.reading_cost [--fits] [--names]``.

A method costs the modules whose names it imports at module level inside the package, directly or not: type checkers'
imports aside, names followed through an `__init__` to where they are defined, and every `__init__` on the way read that
holds code; an array method costs its shell too. With ``--fits`` one fit of pictures and one across domains are run on
tiny data, and the modules are counted of which a function is called after imports are done.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "src/headstart"
METHODS = {
    "FineTune": ("headstart.deep.finetune.finetune",),
    "CORAL with its shell": ("headstart.shallow.features.coral", "headstart.shallow.shells.adapted"),
    "KMM with its shell": ("headstart.shallow.instances.kmm", "headstart.shallow.shells.reweighted"),
}
FITS = {
    "pictures": "hs.fit('pictures', source='headstart/glyphs', epochs=1, out='run', quiet=True)",
    "across domains": "hs.fit('target.csv', source_data='source.csv', out='run', quiet=True)",
}


class Cost(NamedTuple):
    """What a method's reader reads."""

    modules: list[str]
    lines: int


def cost(*modules: str) -> Cost:
    """Return what is read of the package to read modules, themselves included."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen |= {module, *parents(module)}
            waiting += imported(module)
    read = sorted(module for module in seen if non_blank(module))
    return Cost(read, sum(map(non_blank, read)))


def file_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def parents(module: str) -> list[str]:
    """Return the rooms of a module whose `__init__` runs before it; the package's own is its face and costs nothing."""
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(2, len(parts))]


def non_blank(module: str) -> int:
    """Return the lines of a module; an `__init__` that is only a docstring has none."""
    file = file_of(module)
    assert file is not None
    text = file.read_text(encoding="utf-8")
    if file.name == "__init__.py" and all(_is_text(node) for node in ast.parse(text).body):
        return 0
    return sum(1 for line in text.splitlines() if line.strip())


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def imported(module: str) -> Iterator[str]:
    """Yield the modules that define what a module imports from the package when it is imported."""
    for node in _at_import(_body(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE.name:
            yield from (home(str(node.module), alias.name) for alias in node.names)


def home(module: str, name: str) -> str:
    """Return where a name is defined that is imported from a module, which may be an `__init__`."""
    if file_of(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    if file_of(module) == PACKAGE.parent.joinpath(*module.split("."), "__init__.py"):
        for node in _at_import(_body(module)):
            if isinstance(node, ast.ImportFrom) and any(name in (alias.asname, alias.name) for alias in node.names):
                return home(str(node.module), name)
    return module


def _body(module: str) -> list[ast.stmt]:
    file = file_of(module)
    assert file is not None, module
    return ast.parse(file.read_text(encoding="utf-8")).body


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _at_import(getattr(node, part, []))


ENTERED = """
import json, sys
from pathlib import Path
seen, importing = set(), [0]
def told(frame, event, argument):
    code = frame.f_code
    if code.co_name == "<module>":
        importing[0] += {"call": 1, "return": -1}.get(event, 0)
    elif event == "call" and not importing[0] and code.co_flags & 1:  # a function; a class body is not optimised
        seen.add(code.co_filename)
sys.setprofile(told)
import threading
threading.setprofile(told)
import headstart as hs
HERE
sys.setprofile(None)
root = Path(hs.__file__).parent
names = [Path(name) for name in seen if name.startswith(str(root)) and name.endswith(".py")]
print(json.dumps(sorted(str(name.relative_to(root)) for name in names)))
"""


def entered(fit: str) -> list[str]:
    """Run a fit in a process of its own; return the modules of which a function was called."""
    with tempfile.TemporaryDirectory() as folder:
        _write_data(Path(folder))
        code = ENTERED.replace("HERE", fit)
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _write_data(folder: Path) -> None:
    import numpy as np
    import pandas as pd
    from PIL import Image

    for number, name in enumerate(("source", "target")):
        rows = np.random.default_rng(number).normal(size=(60, 3)) + 0.4 * number
        frame = pd.DataFrame(rows, columns=["age", "height", "weight"])
        frame["label"] = np.where(rows[:, 0] + rows[:, 1] > 0.8 * number, "yes", "no")
        frame.to_csv(folder / f"{name}.csv", index=False)
    for number in range(40):
        place = folder / "pictures" / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (12, 12)).astype(np.uint8)
        Image.fromarray(noise).save(place / f"{number}.png")


def main() -> None:
    for said, modules in METHODS.items():
        found = cost(*modules)
        print(f"{said}: {len(found.modules)} modules, {found.lines} lines that are not blank")
        if "--names" in sys.argv:
            print("".join(f"  {non_blank(module):5} {module}\n" for module in found.modules), end="")
    for said, fit in FITS.items() if "--fits" in sys.argv else ():
        names = entered(fit)
        print(f"one fit of {said}: {len(names)} modules entered")
        if "--names" in sys.argv:
            print("".join(f"        {name}\n" for name in names), end="")


if __name__ == "__main__":
    main()
