"""One thread, no network, no user data and a cache of their own for all tests and for the processes they start."""

from __future__ import annotations

import gc
import os
import runpy
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

# Set at import: numpy and torch read the thread counts when they are first imported.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", MPLBACKEND="Agg")
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # bits are promised on a CPU; benchmarks/gpu.py is what a card is asked
os.environ.pop("HEADSTART_DATA", None)
_CACHE = tempfile.mkdtemp(prefix="headstart-tests-")
os.environ["HEADSTART_CACHE"] = _CACHE
os.environ["HEADSTART_LIBRARY"] = str(Path(_CACHE) / "sources.sqlite")


def pytest_collection_finish() -> None:
    """What is imported and collected lives to the end: no collection of garbage need walk through it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()
    shutil.rmtree(_CACHE, ignore_errors=True)


@pytest.fixture
def in_a_copy(tmp_path):
    """Return ``run(program, *arguments, path=(), fresh=(), cwd=None)``: a program run in a fork of this process.

    What is slow to import is imported already. ``fresh`` packages are forgotten, so that they are imported anew, from
    ``path`` first. The call returns the exit code, standard output and standard error.
    """

    def run(program, *arguments, path=(), fresh=(), cwd=None):
        out, err = tmp_path / "out", tmp_path / "err"
        child = os.fork()
        if child == 0:
            _be(program, arguments, path, fresh, cwd, out, err)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code, out.read_text(), err.read_text()

    return run


def _be(program, arguments, path, fresh, cwd, out, err):
    code = 1
    try:
        sys.stdout, sys.stderr = (open(file, "w", buffering=1) for file in (out, err))  # noqa: SIM115
        os.chdir(cwd or Path(program).parent)
        for name in [name for name in sys.modules if name.split(".")[0] in fresh]:
            del sys.modules[name]
        sys.path[:0] = [*map(str, path), str(Path(program).parent)]
        sys.argv = [str(program), *map(str, arguments)]
        runpy.run_path(str(program), run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
