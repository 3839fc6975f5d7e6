"""Work in copies of a process that has imported everything, killed at a file operation or at a moment.

``python kill_job.py ROOT VERB=KILLS ... [--seed N]`` prints one JSON line per case: what was killed where, and what was
wrong afterwards (nothing, if all is well).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comparing import plain, where

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "tempfile.mkstemp"}
FOREIGN = ".ses"
"""What onnxruntime writes into the temporary folder when it is imported."""
LIBRARIES = {"headstart", "sklearn", "scipy", "pandas", "torch", "onnx", "onnxruntime", "jinja2", "PIL", "psutil",
             "pyarrow", "matplotlib", "ot", "skops"}  # fmt: skip


def is_change(event: str, arguments: tuple[Any, ...], root: str) -> bool:
    """Whether an audited event changes files under ``root``."""
    if event == "open":
        path, _, flags = arguments
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and str(path).startswith(root)
    return event in CHANGES and any(str(part).startswith(root) for part in arguments)


def work(verb: str, case: Path, data: Path) -> None:
    """Do the work of a verb, or finish it where it was begun."""
    import headstart as hs

    out = case / "out"
    begun = (out / "run.json").exists() or (out / "state" / "arguments.json").exists()
    if (
        verb in {"fit", "pretrain", "across", "replace", "tasks", "joined", "zero", "episodes", "pairs", "drawn"}
        and begun
        and not (verb == "replace" and is_former(out))
    ):
        hs.resume(out, quiet=True)
    elif verb == "fit":
        hs.fit(data / "small.csv", source=str(data / "source"), arms="scratch,finetune", method="finetune", epochs=1,
               seed=3, out=out, quiet=True)  # fmt: skip
    elif verb == "replace":
        resumed = hs.resume(out, quiet=True)
        if resumed.result["verb"] == "pretrain":
            hs.fit(data / "small.csv", source=str(data / "source"), arms="finetune", method="finetune", epochs=1,
                   seed=3, out=out, force=True, quiet=True)  # fmt: skip
    elif verb == "pretrain":
        hs.pretrain(data / "small.csv", network="headstart/tabular", epochs=2, seed=3, out=out, quiet=True)
    elif verb == "across":
        hs.fit(data / "target.csv", source_data=str(data / "small.csv"), method="coral", seed=3, out=out, quiet=True)
    elif verb == "tasks":
        hs.fit(
            data / "several.csv", label=["kind", "size"], method="equal,pcgrad", epochs=1, seed=3, out=out, quiet=True
        )
    elif verb == "joined":
        hs.fit([data / "kinds.csv", data / "small.csv"], label=["kind", "label"], method="mmoe", epochs=1, seed=3,
               out=out, quiet=True)  # fmt: skip
    elif verb == "zero":
        hs.fit(data / "kinds.csv", label="kind", classes=data / "classes.csv", source=str(data / "source"),
               method="eszsl", seed=3, out=out, quiet=True)  # fmt: skip
    elif verb == "episodes":
        hs.pretrain(data / "kinds.csv", label="kind", network="headstart/tabular", method="protonet", ways=2, shots=1,
                    epochs=1, seed=3, out=out, quiet=True)  # fmt: skip
    elif verb == "pairs":
        hs.pretrain(data / "kinds.csv", label="kind", left="age,height", right="weight", network="headstart/tabular",
                    method="contrastive", epochs=1, seed=3, out=out, quiet=True)  # fmt: skip
    elif verb == "drawn":
        hs.pretrain(data / "pictures", network="headstart/dcgan", method="dcgan", epochs=1, seed=3, out=out, quiet=True)
    elif verb == "export":
        from headstart.workflow.export import export

        export(data / "fitted", out=out / "model.onnx", force=True)
    elif verb == "describe":
        found = hs.describe(data / "pictures", source="headstart/glyphs").to_json()
        out.mkdir(exist_ok=True)
        (out / "described.json").write_text(json.dumps(found))


def is_former(out: Path) -> bool:
    return json.loads((out / "run.json").read_text())["verb"] == "pretrain" if (out / "run.json").exists() else False


def child(job: Callable[[], None], case: Path, kill_at: int | None = None, kill_after: float | None = None) -> int:
    """Run a job in a copy of this process; return how many changes it made, -1 if it was killed."""
    counted = case.parent / f"{case.name}.count"
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _prepare(case)
            count = _count(str(case), kill_at)
            job()
            counted.write_text(str(count[0]))
            code = 0
        except BaseException:
            import traceback

            (case.parent / f"{case.name}.error").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return -1
    if os.WEXITSTATUS(status):
        raise RuntimeError((case.parent / f"{case.name}.error").read_text())
    return int(counted.read_text())


def _prepare(case: Path) -> None:
    (case / "tmp").mkdir(parents=True, exist_ok=True)
    os.environ.update(HEADSTART_CACHE=str(case / "cache"), TMPDIR=str(case / "tmp"))
    tempfile.tempdir = str(case / "tmp")


def _count(root: str, kill_at: int | None) -> list[int]:
    count = [0]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if (event == "open" or event in CHANGES) and is_change(event, arguments, root):
            if count[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += 1

    sys.addaudithook(hear)
    return count


def state(case: Path) -> dict[str, Any]:
    """What must be the same, whatever was killed: names of files, weights, results; nothing temporary."""
    files = sorted(path for path in case.rglob("*") if path.is_file() and "cache" not in path.relative_to(case).parts)
    files = [path for path in files if path.name != FOREIGN]
    found: dict[str, Any] = {"files": [str(path.relative_to(case)) for path in files]}
    found["cache"] = sorted(path.suffix for path in (case / "cache").rglob("*") if path.name.endswith(".part"))
    for path in files:
        name = str(path.relative_to(case))
        if path.suffix in {".safetensors", ".onnx", ".parquet"}:
            found[name] = path.read_bytes().hex()
        elif path.name in {"run.json", "described.json", "plan.json"}:
            found[name] = plain(json.loads(path.read_text()))
    return found


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    wrong = [
        f"{name}: {where(found.get(name), wanted.get(name))}"
        for name in sorted(wanted.keys() | found.keys())
        if found.get(name) != wanted.get(name)
    ]
    if found["files"] != wanted["files"]:
        wrong.append(f"{sorted({*found['files']} ^ {*wanted['files']})}")
    return wrong


def make_data(data: Path, verbs: list[str]) -> None:
    """Write what the verbs work on, in a copy of this process."""
    import numpy as np
    import pandas as pd
    from PIL import Image

    import headstart as hs

    for number, name in enumerate(("small", "target")):
        rng = np.random.default_rng(number)
        x = rng.normal(size=(60, 3)) + 0.4 * number
        frame = pd.DataFrame(x, columns=["age", "height", "weight"])
        frame["label"] = np.where(x[:, 0] + x[:, 1] > number, "yes", "no")
        frame.to_csv(data / f"{name}.csv", index=False)
    for number in range(24):
        folder = data / "pictures" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    x = np.random.default_rng(2).normal(size=(80, 3))
    names = [f"kind {number % 8}" for number in range(80)]
    kinds = pd.DataFrame(x + 0.5 * np.arange(80)[:, None] % 8, columns=["age", "height", "weight"]).assign(kind=names)
    kinds.to_csv(data / "kinds.csv", index=False)
    kinds.assign(size=x[:, 0]).to_csv(data / "several.csv", index=False)
    listed = pd.DataFrame(np.random.default_rng(3).normal(size=(9, 3)), columns=list("abc"))
    listed.assign(**{"class": [f"kind {number}" for number in range(9)]}).to_csv(data / "classes.csv", index=False)
    if not {"fit", "replace", "export", "zero"} & set(verbs):
        return
    hs.pretrain(data / "small.csv", network="headstart/tabular", epochs=1, out=data / "source", quiet=True)
    if "export" not in verbs:
        return
    hs.fit(data / "small.csv", source=str(data / "source"), arms="finetune", method="finetune", epochs=1,
           out=data / "fitted", quiet=True)  # fmt: skip


def start(case: Path, verb: str, data: Path) -> None:
    """Put there what the verb finds."""
    shutil.rmtree(case, ignore_errors=True)
    case.mkdir(parents=True)
    if verb == "replace":
        shutil.copytree(data / "source", case / "out")


def work_and_tell(verb: str, case: Path, data: Path) -> None:
    work(verb, case, data)
    (case.parent / "modules").write_text("\n".join(sys.modules))


def import_all(listed: Path) -> None:
    """Import what a copy of this process has imported, so that the next ones need not."""
    for name in listed.read_text().splitlines():
        if name not in sys.modules and name.split(".")[0] in LIBRARIES:
            try:
                importlib.import_module(name)
            except Exception:  # some modules are made, not imported
                continue


def kill_and_finish(verb: str, case: Path, data: Path, changes: int, seconds: float, number: int, kills: int,
                    rng: random.Random) -> dict[str, Any]:  # fmt: skip
    """Kill the work once and its resumption once, finish it, and say what was wrong."""
    start(case, verb, data)
    by_time = number % 4 == 3
    first: dict[str, Any] = (
        {"kill_after": rng.uniform(0.02, seconds)} if by_time else {"kill_at": number * changes // kills}
    )
    second: dict[str, Any] = (
        {"kill_after": rng.uniform(0.02, seconds)} if rng.random() < 0.25 else {"kill_at": rng.randrange(changes)}
    )
    told = {"verb": verb, "first": first, "second": second, "killed": 0}
    for kill in (first, second, {}):
        told["killed"] += child(lambda: work(verb, case, data), case, **kill) < 0
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("verbs", nargs="+", help="VERB=KILLS")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    root, rng = given.root.resolve(), random.Random(given.seed)
    data, case = root / "data", root / "case"
    data.mkdir(parents=True)
    importlib.import_module("headstart.workflow.fit")
    wanted = dict(part.split("=") for part in given.verbs)
    child(lambda: make_data(data, list(wanted)), root / "making")
    for verb, kills in wanted.items():
        start(case, verb, data)
        child(lambda verb=verb: work_and_tell(verb, case, data), case)
        import_all(root / "modules")
        start(case, verb, data)
        began = time.monotonic()
        changes = child(lambda verb=verb: work(verb, case, data), case)
        seconds, whole = time.monotonic() - began, state(case)
        for number in range(int(kills)):
            try:
                told = kill_and_finish(verb, case, data, changes, seconds, number, int(kills), rng)
                told |= {"wrong": differences(state(case), whole)}
            except RuntimeError as error:
                told = {"verb": verb, "number": number, "killed": 0, "wrong": [str(error)]}
            print(json.dumps(told | {"changes": changes, "seconds": round(seconds, 2)}), flush=True)


if __name__ == "__main__":
    main()
