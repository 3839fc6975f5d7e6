"""One thread, no network, no user data and a cache of their own for all tests and for the processes they start."""

from __future__ import annotations

import os
import shutil
import tempfile

# Set at import: numpy and torch read the thread counts when they are first imported.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", MPLBACKEND="Agg")
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # bits are promised on a CPU; benchmarks/gpu.py is what a card is asked
os.environ.pop("HEADSTART_DATA", None)
_CACHE = tempfile.mkdtemp(prefix="headstart-tests-")
os.environ["HEADSTART_CACHE"] = _CACHE


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)
