"""Run folders of strangers: every file of a real run, edited in many ways, is read or refused in one sentence."""

from __future__ import annotations

import copy
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from strangers import HOSTILE, told, unseal

from headstart.errors import UserError
from headstart.networks import open_source, sized
from headstart.problem import Task
from headstart.report.golden import golden
from headstart.report.html import write_report
from headstart.schema import read_checked
from headstart.storage import save_tensors
from headstart.workflow.export import export
from headstart.workflow.opening.fingerprint import read_arguments
from headstart.workflow.options import FitOptions
from headstart.workflow.planning.plan import Plan
from headstart.workflow.run import load
from headstart.workflow.saved import read_plan

# Edits of a JSON value: at the root, and at places inside.

ROOTS = [
    *("", "{", "null", "[]", "3", '"x"', "{}", '{"schema": 1}', '{"schema": "1"}', '{"schema": 99}', '{"a": NaN}'),
    "[" * 90_000,
    '{"schema": 1, "n": 1' + "0" * 5000 + "}",
    "\x00\xff\xfe",
    '{"schema": 1, "a": ' + "[" * 900 + "]" * 900 + "}",
]
VALUES = [
    *(None, True, -1, 3, 10**30, 1e308, 0.5, float("nan"), "", "x", HOSTILE, "y" * 300_000),
    *([], {}, [[[]]], {"a": {"b": None}}, ["x", 3]),
]


def places(value, found=(), deepest=6):
    """Yield the path of every key, and of the first and last item of every list."""
    if len(found) >= deepest:
        return
    keys = (
        list(value)
        if isinstance(value, dict)
        else sorted({0, len(value) - 1})
        if isinstance(value, list) and value
        else []
    )
    for key in keys:
        yield (*found, key)
        yield from places(value[key], (*found, key), deepest)


def edits(whole, n, seed=0):
    """Yield n texts: the file cut, then the roots, then single values replaced, taken out or put beside."""
    rng = np.random.default_rng(seed)
    yield from (whole[: len(whole) // 2], *ROOTS)
    value = json.loads(whole)
    every = list(places(value))
    for _ in range(n):
        other = copy.deepcopy(value)
        *way, last = every[rng.integers(len(every))]
        inner = other
        for key in way:
            inner = inner[key]
        action = rng.integers(6)
        if action == 0:
            del inner[last]
        elif action == 1 and isinstance(inner, dict):
            inner[f"{last} "] = inner.pop(last)
        else:
            inner[last] = VALUES[rng.integers(len(VALUES))]
        yield json.dumps(other)


def reports(folder):
    write_report(folder)


def opens(folder):
    opened = load(folder)
    opened.lines()
    repr(opened)
    json.dumps(opened.result)


def predicts(folder):
    model = load(folder).model
    frame = pd.DataFrame({"age": [0.1, 2.0], "height": [1.0, None], "colour": ["red", "blue"]})
    picture = Image.new("L", (30, 20), 90)
    found = model.predict_proba(frame if model.modality == "table" else [picture])
    assert np.isfinite(found).all()


def sources(folder):
    source = open_source(str(folder))
    source.reference()
    source.build(pretrained=True)


def exports(folder):
    golden(folder, load(folder).model.network)


def resumes(folder):
    FitOptions.from_json(read_arguments(folder / "state" / "arguments.json")["options"])


def plans(folder):
    Plan.from_json({name: item for name, item in read_plan(folder / "plan.json").items() if name != "shift"})


FITTED = {
    "run.json": (opens, reports, sources),
    "plan.json": (reports, plans),
    "metrics.jsonl": (reports,),
    "evidence/map.json": (reports,),
    "evidence/mistakes.json": (reports, exports),
    "evidence/saliency.json": (reports,),
    "model/network.json": (predicts, sources),
    "model/preprocess.json": (predicts, sources),
    "state/arguments.json": (resumes,),
}
ADAPTED = {
    "run.json": (opens, reports),
    "plan.json": (reports,),
    "evidence/domains.json": (reports,),
    "model/adapted.json": (predicts,),
    "model/encoder.json": (predicts,),
    "model/estimator.json": (predicts,),
    "state/arguments.json": (resumes,),
}


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def try_all(folder, name, verbs, texts):
    path = folder / name
    whole, before = path.read_bytes(), tree(folder)
    refused = 0
    for text in texts:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        for verb in verbs:
            try:
                sentence = told(verb, folder)
            except Exception as error:
                raise AssertionError(f"{verb.__name__} of {name} with {text[:3000]!r}") from error
            refused += sentence is not None
            assert "\n" not in (sentence or "")
            assert len(sentence or "") < 1200
        assert tree(folder) <= before | {"report.html"}
    path.write_bytes(whole)
    assert [told(verb, folder) for verb in verbs] == [None] * len(verbs)
    return refused


@pytest.mark.parametrize("name", FITTED)
def test_every_edited_file_of_a_run_is_read_or_refused(name, run):
    unseal(run)
    whole = (run / name).read_text()
    if name == "metrics.jsonl":
        line = whole.splitlines()[0]
        texts = [f"{text}\n{line}\n" for text in edits(line, 8)]
    else:
        texts = list(edits(whole, 8))
    assert try_all(run, name, FITTED[name], texts) > 10


@pytest.mark.parametrize("name", ADAPTED)
def test_every_edited_file_of_a_run_across_domains_is_read_or_refused(name, across):
    unseal(across)
    assert try_all(across, name, ADAPTED[name], list(edits((across / name).read_text(), 8))) > 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 3))
def test_many_more_edits(seed, run, across):
    for folder, files in ((run, FITTED), (across, ADAPTED)):
        unseal(folder)
        for name, verbs in files.items():
            if name != "metrics.jsonl":
                try_all(folder, name, verbs, list(edits((folder / name).read_text(), 150, seed)))


def test_a_model_of_another_run_or_an_edited_one_is_refused(run, adapted, tmp_path, pictures):
    picture = str(next(pictures.rglob("*.png")))
    assert load(run).model.predict([picture])
    (run / "model" / "README.md").write_text("My own words.")
    assert load(run).model.predict([picture])
    weights = run / "model" / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"\0\0\0\1")
    for use in (lambda: load(run).model, lambda: export(run), lambda: open_source(str(run)).build(pretrained=True)):
        with pytest.raises(UserError, match=r"weights\.safetensors is not the file that the run wrote"):
            use()
    weights.write_bytes(whole)
    shutil.copy(adapted / "model" / "adapted.json", run / "model" / "adapted.json")
    with pytest.raises(UserError, match=r"adapted\.json is not the file that the run wrote"):
        load(run).model  # noqa: B018
    (run / "model" / "adapted.json").unlink()
    (run / "model" / "preprocess.json").unlink()
    with pytest.raises(UserError, match=r"preprocess\.json is missing"):
        load(run).model  # noqa: B018


def test_a_run_of_before_the_digests_opens(run, pictures):
    unseal(run)
    assert load(run).model.predict([str(next(pictures.rglob("*.png")))])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"checkpoint_path": "/etc/passwd"}, "checkpoint_path"),
        ({"pretrained_cfg": {"file": "x"}}, "pretrained_cfg"),
        ({"pretrained_cfg_overlay": {"file": "x"}}, "pretrained_cfg_overlay"),
        ({"features_only": True}, "features_only"),
        ({"scriptable": True}, "scriptable"),
        ({"cache_dir": "/tmp"}, "cache_dir"),
        ({"img_size": 10**9}, "img_size"),
        ({"depth": "2"}, "depth"),
    ],
)
@pytest.mark.parametrize("family", ["timm", "torchvision"])
def test_options_of_a_library_are_a_list_of_allowed_ones(options, word, family, run):
    unseal(run)
    path = run / "model" / "network.json"
    value = json.loads(path.read_text())
    name = {"timm": "resnet10t", "torchvision": "squeezenet1_0"}[family]
    preprocess = json.loads((run / "model" / "preprocess.json").read_text())
    value["spec"] = {"family": family, "name": name, "options": options, "preprocess": preprocess}
    path.write_text(json.dumps(value))
    with pytest.raises(UserError, match=rf"network\.json, spec: options\.{word}"):
        load(run).model  # noqa: B018
    with pytest.raises(UserError, match=rf"network\.json, spec: options\.{word}"):
        open_source(str(run))


TABULAR = {"family": "tabular", "width": 2**14, "blocks": 1000, "dropout": 0.1}
HUGE = {
    "wide": ({"family": "timm", "name": "vit_tiny_patch16_224", "options": {"embed_dim": 3 * 2**18}}, "10,000,000,000"),
    "many": (
        {"family": "timm", "name": "convnext_atto", "options": {"depths": [2**18] * 4, "dims": [1] * 4}},
        "1,000 tensors",
    ),
    "padded": ({"family": "timm", "name": "vit_tiny_patch16_224", "options": {"img_size": 2**14, "patch_size": 1}}, ""),
    "blocks": (TABULAR, "10,000,000,000"),
    "file": (TABULAR | {"blocks": 1}, "bytes of them"),
}


@pytest.mark.parametrize("which", HUGE)
def test_a_network_beyond_the_limit_is_refused_before_it_takes_memory(which, run, monkeypatch):
    import resource

    monkeypatch.setattr(sized, "MOST_TENSORS", 1000)
    unseal(run)
    path = run / "model" / "network.json"
    value, (spec, word) = json.loads(path.read_text()), HUGE[which]
    table = {"modality": "table", "mean": {"a": 0.0}, "std": {"a": 1.0}, "categories": {}}
    preprocess = table if spec["family"] == "tabular" else json.loads((run / "model" / "preprocess.json").read_text())
    (run / "model" / "preprocess.json").write_text(json.dumps(preprocess))
    path.write_text(json.dumps(value | {"spec": spec | {"preprocess": preprocess}, "head": None}))
    if which != "file":
        (run / "model" / "weights.safetensors").unlink()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=rf"network\.json asks for a network of more than .*{word}"):
        load(run).model  # noqa: B018
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


def test_what_a_run_keeps_for_itself_is_checked_too(run, tmp_path):
    from types import SimpleNamespace

    from headstart.workflow.arms.refit import AGAIN
    from headstart.workflow.arms.temperature import temperature_of
    from headstart.workflow.opening.source_choice import fitted_on
    from headstart.workflow.planning.timetable import Timetable
    from headstart.workflow.trained_rows import FILE, known_rows

    for text in ROOTS:
        (tmp_path / "file.json").write_text(text, encoding="utf-8", errors="surrogateescape")
        for use in (
            lambda: Timetable(1.0, 0.0, {}, path=tmp_path / "file.json"),
            lambda: read_checked(tmp_path / "file.json", AGAIN),
        ):
            with pytest.raises(UserError):
                use()
        (run / "run.json").write_text(text, encoding="utf-8", errors="surrogateescape")
        (run / "state" / "arguments.json").write_text(text, encoding="utf-8", errors="surrogateescape")
        told(fitted_on, str(run))
        with pytest.raises(UserError):
            read_arguments(run / "state" / "arguments.json")
    assert len(known_rows(run)["learned"])
    save_tensors(run / FILE, {"learned": torch.ones(3)})
    with pytest.raises(UserError, match="holds no hashes of rows"):
        known_rows(run)
    path = run / "state" / "probe" / "seed-0" / "held-out.safetensors"
    task = Task("classification", ("a", "b"))
    bench = SimpleNamespace(
        logic=SimpleNamespace(task=task), dataset=SimpleNamespace(labels=lambda rows: np.zeros(30, int)[rows])
    )
    for tensors in ({}, {"rows": torch.arange(30), "predictions": torch.ones(30, 3)}, {"rows": torch.arange(40) * 9.0}):
        save_tensors(path, tensors)
        with pytest.raises(UserError, match=r"held-out\.safetensors cannot be used"):
            temperature_of(bench, run, "probe", 0)


def test_a_network_without_a_task_does_not_answer(run):
    unseal(run)
    path = run / "model" / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"task": None}))
    with pytest.raises(UserError, match="has no task"):
        load(run).model  # noqa: B018


@pytest.mark.parametrize(
    "name", ["evidence/secret.png", "run.json", "model/weights.safetensors", "evidence", "predictions.parquet"]
)
def test_a_link_that_leaves_the_folder_is_refused(name, run, tmp_path):
    outside = tmp_path / "outside"
    path = run / name
    if path.exists():
        path.rename(outside)
    else:
        outside.write_bytes(b"\x89PNG secret")
    path.symlink_to(outside)
    for use in (load, write_report, lambda folder: open_source(str(folder))):
        with pytest.raises(UserError, match="is a link that leaves the folder"):
            use(run)


def test_a_link_inside_the_folder_is_followed_and_a_pipe_is_refused(run):
    (run / "evidence" / "again.json").symlink_to(run / "evidence" / "map.json")
    write_report(run)
    os.mkfifo(run / "evidence" / "mistakes.png")
    with pytest.raises(UserError, match="is no file"):
        write_report(run)
