"""Run folders of earlier versions open, predict and are evaluated; what was begun then is resumed or refused."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import headstart as hs
from headstart.errors import UserError
from headstart.networks import open_source
from headstart.storage import read_json
from headstart.workflow.evaluate import evaluate

FOLDER = Path(__file__).parent / "old_runs"
HOME = "/".join(("", "home", "user"))
ARCHIVES = sorted(FOLDER.glob("*.tar.xz"))
KINDS = ("network", "across")


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.split(".")[0])
def old(request, tmp_path_factory):
    """The folder of runs of one version, where its paths point to it."""
    root = tmp_path_factory.mktemp("old")
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Debian's 3.11.2 has none
    shutil.unpack_archive(request.param, root, **safely)
    for file in root.rglob("arguments.json"):
        file.write_text(file.read_text().replace(HOME, str(root)))
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_run_predicts_what_it_predicted(old, kind):
    run = hs.load(old / kind)
    then = pd.read_parquet(old / kind / "predictions.parquet").query("arm == @run.result['guard']['kept']")
    rows = then["name"].str.extract(r"row (\d+)$")[0].astype(int).to_numpy() - 2  # the header is row 1
    inputs = pd.read_csv(old / "others.csv").iloc[rows].drop(columns="label")
    now = run.model.predict_proba(inputs)
    np.testing.assert_allclose(now, np.stack(list(then["probabilities"])), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_run_is_evaluated(old, kind):
    found = evaluate(old / kind, old / "others.csv")
    assert found.n == 60
    assert found.metrics["accuracy"] > 0.7


@pytest.mark.parametrize("kind", [*KINDS, "pretrained"])
def test_a_finished_old_run_is_resumed_as_it_is(old, kind):
    before = read_json(old / kind / "run.json")
    assert hs.resume(old / kind, quiet=True).result == before
    assert (old / kind / "report.html").exists() == (kind != "pretrained")


def test_an_old_run_is_a_source_with_its_weights(old):
    source = open_source(str(old / "pretrained"))
    assert source.reference() is not None
    model = hs.load(old / "pretrained").model
    weights, kept = source.build().state_dict(), model.network.state_dict()
    assert len(weights) > 5
    assert all(torch.equal(kept[name], value) for name, value in weights.items())


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_old_version_began_is_refused_in_one_sentence(old, kind):
    with pytest.raises(UserError, match=r"changed since the run was begun.*--force") as refused:
        hs.resume(old / f"{kind}-begun", quiet=True)
    assert "\n" not in str(refused.value)


def test_there_are_old_runs():
    assert ARCHIVES
    assert sum(path.stat().st_size for path in ARCHIVES) < 60_000
