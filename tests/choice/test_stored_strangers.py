"""Files of array models from strangers: whatever they hold, one sentence is said and nothing of it runs.

Every one of them would leave a file behind, or a number in `RAN`, if anything of it ran.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys

import pytest
import torch
from stored_cases import FOREST, NEW, answers, kept

from headstart.choice.blend import Blend
from headstart.choice.candidates import NEAREST, Candidate
from headstart.choice.racing import fitted
from headstart.choice.stored import load_estimator, save_estimator
from headstart.errors import UserError
from headstart.storage import load_tensors, save_tensors

RAN: list[int] = []


class Trap:
    """Tells of itself when it is made, called or restored."""

    def __new__(cls, *_, **__):
        RAN.append(1)
        return super().__new__(cls)

    def __setstate__(self, state):
        RAN.append(1)


@pytest.fixture(scope="module")
def model_files(grounds, tmp_path_factory):
    """A small real model with a tree, sparse rows and neighbours in it."""
    place = grounds[False]
    models = [fitted(Candidate(name), place.domains, place) for name in ("coral", "joint_propagation", NEAREST)]
    models.append(fitted(Candidate("transferred_forest", {"estimator": FOREST}), place.domains, place))
    model = kept(Blend(tuple(models), (0.25,) * 4), place)
    folder = tmp_path_factory.mktemp("model")
    save_estimator(model, folder)
    assert len(answers(load_estimator(folder))) == len(NEW)
    return folder


@pytest.fixture
def whole(model_files, tmp_path):
    return shutil.copytree(model_files, tmp_path / "model")


def nodes_of(folder):
    return json.loads((folder / "estimator.json").read_text())


def put(folder, value):
    text = value if isinstance(value, str) else json.dumps(value)
    (folder / "estimator.json").write_text(text, encoding="utf-8")


def refused(folder, capsys):
    RAN.clear()
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UserError) as told:
        load_estimator(folder)
    assert "\n" not in str(told.value)
    assert RAN == []
    assert sorted(path.name for path in folder.iterdir()) == before
    assert capsys.readouterr() == ("", "")


NAMES = [
    "os:system",
    "posix:system",
    "builtins:eval",
    "builtins:object",
    "subprocess:Popen",
    "headstart.choice.stored.reading:math",
    "headstart.choice.stored.reading:Path",
    "headstart.choice.stored.table:import_module",
    "headstart.shallow.shells.reweighted:weight_function",
    "headstart.shallow.shells.shell:Shell",
    "headstart.shallow.shells.adapted:Adapted.__init__.__globals__",
    "headstart.choice.kept:Kept.__class__",
    "headstart.choice.kept.os:system",
    "headstart.choice.auto:AutoAdaptClassifier",
    "headstart.shallow.parameters.array_source:_NetworkFeatures",
    "headstart.shallow.heads.tuned:TunedLogistic ",
    "headstart.shallow.heads.tuned.TunedLogistic",
    "sklearn.pipeline:Pipeline",
    "sklearn.preprocessing._function_transformer:FunctionTransformer",
    "numpy:ndarray",
    f"{__name__}:Trap",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_is_not_in_the_table_is_refused(name, whole, capsys):
    value = nodes_of(whole)
    for node in value["nodes"]:
        if node.get("class") == "headstart.shallow.features.coral:Coral":
            node["class"] = name
    put(whole, value)
    refused(whole, capsys)
    value["nodes"][-1]["class"] = name
    put(whole, value)
    refused(whole, capsys)


def edited(change):
    def apply(value):
        nodes = value["nodes"]
        place = {node.get("class", node["kind"]): node for node in nodes}
        change(nodes, place)

    return apply


CORAL = "headstart.shallow.features.coral:Coral"
NEIGHBOURS = "sklearn.neighbors._unsupervised:NearestNeighbors"
EDITS = {
    "a method replaced": lambda n, p: p[CORAL]["values"].update(_map="x"),
    "a dunder": lambda n, p: p[CORAL]["values"].update(__class__="os"),
    "a dunder of a state": lambda n, p: p[CORAL]["values"].update(__setstate__=1),
    "a property": lambda n, p: p["headstart.choice.kept:Kept"]["values"].update(classes_=[]),
    "a walk": lambda n, p: p[CORAL]["values"].update({"seed.__init__.__globals__": 1}),
    "a private part": lambda n, p: p[CORAL]["values"].update(_sklearn_output_config=1),
    "reduce": lambda n, p: n.insert(0, {"kind": "reduce", "class": "os:system", "values": ["touch ran"]}),
    "a function": lambda n, p: n.insert(0, {"kind": "function", "module": "os", "name": "system"}),
    "a method node": lambda n, p: n.insert(0, {"kind": "method", "of": 0, "name": "fit"}),
    "a kind of this module": lambda n, p: n[0].update(kind="_value"),
    "a kind that is a list": lambda n, p: n[0].update(kind=["object"]),
    "a node more": lambda n, p: n[0].update(more=1),
    "a node that is text": lambda n, p: n.insert(0, "object"),
    "a number for a class": lambda n, p: p[CORAL].update({"class": 3}),
    "a list for a class": lambda n, p: p[CORAL].update({"class": [CORAL]}),
    "values as a list": lambda n, p: p[CORAL].update(values=[1, 2]),
    "itself": lambda n, p: p[CORAL]["values"].update(source_={"node": n.index(p[CORAL])}),
    "a later node": lambda n, p: p[CORAL]["values"].update(source_={"node": len(n) - 1}),
    "a negative node": lambda n, p: p[CORAL]["values"].update(source_={"node": -1}),
    "a true node": lambda n, p: p[CORAL]["values"].update(source_={"node": True}),
    "a node nobody has": lambda n, p: p[CORAL]["values"].update(source_={"node": 10**9}),
    "a node of nan": lambda n, p: p[CORAL]["values"].update(source_={"node": float("nan")}),
    "an unknown float": lambda n, p: p[CORAL]["values"].update(seed={"float": "__import__('os')"}),
    "an array that is not there": lambda n, p: p["array"].update(tensor="../weights"),
    "an array by number": lambda n, p: p["array"].update(tensor=0),
    "turned by a text": lambda n, p: p["array"].update(turned="yes"),
    "processes": lambda n, p: p[NEIGHBOURS]["values"].update(n_jobs=64),
    "a metric that is no name": lambda n, p: p[NEIGHBOURS]["values"].update(metric="os.system"),
    "neighbours without rows": lambda n, p: p[NEIGHBOURS]["values"].pop("_fit_X"),
    "a huge sparse shape": lambda n, p: p["csr_matrix"].update(shape=[2**39, 2**39]),
    "a negative shape": lambda n, p: p["csr_matrix"].update(shape=[-1, 3]),
    "a shape of nan": lambda n, p: p["csr_matrix"].update(shape=[float("nan"), 3]),
    "a narrow shape": lambda n, p: p["csr_matrix"].update(shape=[p["csr_matrix"]["shape"][0], 1]),
    "a tree of few features": lambda n, p: p["tree"].update(n_features=1),
    "a tree of more features": lambda n, p: p["tree"].update(n_features=4000),
    "a tree of nan features": lambda n, p: p["tree"].update(n_features=float("nan")),
    "a tree without children": lambda n, p: p["tree"]["arrays"].pop("left_child"),
    "a tree with other children": lambda n, p: p["tree"]["arrays"].update(left_child=p["tree"]["arrays"]["feature"]),
    "a tree with its values for nodes": lambda n, p: p["tree"]["arrays"].update(
        threshold=p["tree"]["arrays"]["values"]
    ),
    "a named tuple short of a field": lambda n, p: p["headstart.functional.spectral:Axes"]["values"].pop("mean"),
    "another root": lambda n, p: n.pop(),
    "no nodes": lambda n, p: n.clear(),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_refused(edit, whole, capsys):
    value = nodes_of(whole)
    edited(EDITS[edit])(value)
    put(whole, value)
    refused(whole, capsys)


def number(dtype, value):
    return {"kind": "number", "dtype": dtype, "value": value}


@pytest.mark.parametrize(
    "node",
    [
        number("object", 1),
        number("int64", float("nan")),
        number("int64", 2**63),
        number("int8", True),
        number("bool", 1),
        number("float64", "1"),
        number("O", None),
        {"kind": "texts", "shape": [10**12], "items": ["a"]},
        {"kind": "texts", "shape": [1] * 400, "items": ["a"]},
        {"kind": "texts", "shape": [1], "items": [3]},
        {"kind": "dict", "items": [[1, 2]]},
        {"kind": "list", "items": {"a": 1}},
        {"kind": "list", "items": [[1]]},
        {"kind": "object", "class": "headstart.choice.kept:Kept", "values": {"model": ["x"]}},
    ],
)
def test_a_node_of_another_form_is_refused(node, whole, capsys):
    value = nodes_of(whole)
    for other in value["nodes"]:  # keep what names what
        text = json.dumps(other)
        if '"node": ' in text:
            other.update(json.loads(text, object_hook=lambda d: {"node": d["node"] + 1} if set(d) == {"node"} else d))
    value["nodes"].insert(0, node)
    put(whole, value)
    refused(whole, capsys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "\x00\x01",
        '{"schema": 1}',
        '{"schema": 99, "nodes": []}',
        '{"schema": true, "nodes": []}',
        '{"schema": 1, "nodes": {"0": 1}}',
        "[" * 100_000,
        '{"schema": 1, "nodes": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"schema": 1' + "0" * 9999 + "}",
        '{"schema": 1, "nodes": [',
    ],
)
def test_a_file_that_is_no_model_is_refused(text, whole, capsys):
    put(whole, text)
    refused(whole, capsys)


def test_a_file_of_few_nodes_that_would_be_asked_for_ever_is_refused(whole, capsys):
    value = nodes_of(whole)
    blend = {"kind": "object", "class": "headstart.choice.blend:Blend"}
    start = len(value["nodes"]) - 1
    for level in range(40):
        value["nodes"].append({"kind": "tuple", "items": [{"node": start + 2 * level}] * 2})
        value["nodes"].append({**blend, "values": {"members": {"node": start + 2 * level + 1}, "weights": None}})
    value["nodes"].append({"kind": "object", "class": "headstart.choice.kept:Kept", "values": {"model": 1}})
    put(whole, value)
    refused(whole, capsys)


@pytest.mark.parametrize(
    ("field", "number"),
    [*itertools.product(("left_child", "right_child"), (2**40, -2, 0)), ("feature", 2**40), ("feature", -2)],
)
def test_a_tree_that_leads_outside_is_refused(field, number, whole, capsys):
    """Prediction follows these numbers as memory offsets; child 0 would be a circle."""
    tree = next(node for node in nodes_of(whole)["nodes"] if node["kind"] == "tree")
    tensors = load_tensors(whole / "estimator.safetensors")[0]
    tensors[tree["arrays"][field]["tensor"]][0] = number
    save_tensors(whole / "estimator.safetensors", tensors)
    refused(whole, capsys)


def test_a_tree_of_ours_that_goes_in_circles_is_refused(whole, capsys):
    value = nodes_of(whole)
    tree = next(n for n in value["nodes"] if n.get("class") == "headstart.shallow.parameters.tree:Tree")
    tensors = load_tensors(whole / "estimator.safetensors")[0]
    tensors[value["nodes"][tree["values"]["left"]["node"]]["tensor"]][0] = 0
    save_tensors(whole / "estimator.safetensors", tensors)
    refused(whole, capsys)


@pytest.mark.parametrize("number", [10**6, -1])
def test_sparse_indices_that_lead_outside_are_refused(number, whole, capsys):
    node = next(node for node in nodes_of(whole)["nodes"] if node["kind"] == "csr_matrix")
    tensors = load_tensors(whole / "estimator.safetensors")[0]
    tensors[node["indices"]["tensor"]][0] = number
    save_tensors(whole / "estimator.safetensors", tensors)
    refused(whole, capsys)


def test_arrays_of_types_that_numpy_has_not_are_refused(whole, capsys):
    tensors = load_tensors(whole / "estimator.safetensors")[0]
    tensors["0"] = tensors["0"].to(torch.bfloat16)
    save_tensors(whole / "estimator.safetensors", tensors)
    refused(whole, capsys)


def test_a_module_that_a_file_names_is_not_imported(whole, monkeypatch):
    """Importing it alone would run it."""
    (whole / "hostile_module.py").write_text(f"open({str(whole / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(str(whole))
    for name in ("hostile_module:Kept", "hostile_module:os.system"):
        value = nodes_of(whole)
        value["nodes"][-1]["class"] = name
        put(whole, value)
        with pytest.raises(UserError):
            load_estimator(whole)
    assert "hostile_module" not in sys.modules
    assert not (whole / "ran").exists()
