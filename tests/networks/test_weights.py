"""Weights from files that may come from anywhere."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from headstart.errors import UserError
from headstart.networks import read_weights
from headstart.networks.weights import load_matching

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


class Intruder:
    """Unpickling it makes a file: what a hostile checkpoint could do."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.target),)


class Harmless:
    """An object of a class that is not a tensor."""


def assert_read(path: Path) -> None:
    read = read_weights(path)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".th", ".pt"])
def test_plain_files(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(TENSORS, path, metadata={"format": "pt"})
    else:
        torch.save(TENSORS, path)
    assert_read(path)


def test_the_old_format_of_pytorch(tmp_path: Path) -> None:
    torch.save({"state_dict": TENSORS, "epoch": 3}, tmp_path / "old.th", _use_new_zipfile_serialization=False)
    assert_read(tmp_path / "old.th")


@pytest.mark.parametrize("wrap", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "module._orig_mod."])
def test_wrappings_are_taken_off(wrap: str, prefix: str, tmp_path: Path) -> None:
    inner = {f"{prefix}{name}": tensor for name, tensor in TENSORS.items()}
    torch.save({wrap: inner, "epoch": 3, "best": 0.5, "name": "resnet"}, tmp_path / "x.pth")
    assert_read(tmp_path / "x.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_nothing_of_it_runs(zipped: bool, tmp_path: Path) -> None:
    target = tmp_path / "made-by-the-intruder"
    path = tmp_path / "evil.pth"
    torch.save({"state_dict": TENSORS, "x": Intruder(target)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"code or objects beyond tensors.*convert it to safetensors"):
        read_weights(path)
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.is_dir(), "where the same file is unpickled, its code does run"


def test_a_bare_pickle_with_code_is_refused(tmp_path: Path) -> None:
    target, path = tmp_path / "made-by-the-intruder", tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Intruder(target)))
    with pytest.raises(UserError, match="refused"):
        read_weights(path)
    assert not target.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    torch.save({"a": Harmless()}, tmp_path / "object.pt")
    for name in ("module.pt", "object.pt"):
        with pytest.raises(UserError, match="beyond tensors"):
            read_weights(tmp_path / name)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_truncated_files_are_named(suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    tensors = {"a": torch.randn(100, 10)}
    if suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=f"weights{suffix}.*(damaged|whole)"):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_files_of_another_kind_are_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"page{suffix}"
    path.write_text("<!DOCTYPE html><html>404</html>" * 40)
    with pytest.raises(UserError, match="page"):
        read_weights(path)


def test_missing_odd_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_weights(tmp_path / "no.safetensors")
    (tmp_path / "weights.npz").touch()
    with pytest.raises(UserError, match="ending"):
        read_weights(tmp_path / "weights.npz")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(UserError, match="no tensors"):
        read_weights(tmp_path / "empty.pth")


def model() -> nn.Module:
    return nn.ModuleDict({"body": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), "fc": nn.Linear(4, 5)})


def test_weights_must_match_but_for_the_classifier() -> None:
    source, target = model(), model()
    given = source.state_dict()
    given["fc.weight"] = torch.zeros(9, 4)
    load_matching(target, given, "w", ("fc",))
    assert torch.equal(target["body"][0].weight, source["body"][0].weight)
    without = {name: tensor for name, tensor in given.items() if not name.startswith("fc")}
    load_matching(model(), without, "w", ("fc",))


def test_differing_tensors_are_named_and_counted() -> None:
    given = model().state_dict()
    del given["body.0.bias"]
    given["body.1.weight"] = torch.zeros(7)
    given |= {f"other.{i}": torch.zeros(1) for i in range(6)}
    target = model()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(UserError) as error:
        load_matching(target, given, "w.pth", ("fc",))
    message = str(error.value)
    assert "w.pth holds weights of another architecture: 8 tensors differ" in message
    assert "body.0.bias is missing" in message
    assert "and 3 more" in message
    assert all(torch.equal(tensor, before[name]) for name, tensor in target.state_dict().items())


def test_a_counter_that_old_files_lack_may_be_missing() -> None:
    given = {name: tensor for name, tensor in model().state_dict().items() if "num_batches" not in name}
    load_matching(model(), given, "w")


@pytest.mark.parametrize(
    ("value", "dtype"), [(float("nan"), torch.float32), (float("inf"), torch.float16), (1e300, torch.float64)]
)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_that_are_not_finite_are_named(value: float, dtype: torch.dtype, suffix: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tensors["1.running_var"] = torch.tensor([1.0, value, 1.0], dtype=dtype)
    path = tmp_path / f"w{suffix}"
    torch.save(tensors, path) if suffix == ".pth" else save_file(tensors, path)
    with pytest.raises(UserError, match=r"1 of the 3 values of the tensor '1.running_var'"):
        load_matching(model, read_weights(path), str(path))
    assert torch.isfinite(model[1].running_var).all()


def test_a_head_that_is_dropped_may_hold_anything() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tensors["1.weight"][:] = torch.nan
    load_matching(model, tensors, "here", heads=("1",))


@pytest.mark.parametrize("name", ["state_dict", "model"])
def test_a_checkpoint_that_holds_itself_ends(name: str, tmp_path: Path) -> None:
    circle: dict = {"epoch": 1}
    circle[name] = circle
    torch.save(circle, tmp_path / "circle.pth")
    with pytest.raises(UserError, match="holds itself"):
        read_weights(tmp_path / "circle.pth")


def nested(levels: int) -> dict:
    found: dict = {"state_dict": TENSORS}
    for _ in range(levels):
        found = {"model": found}
    return found


def test_a_deeply_wrapped_checkpoint_is_read_and_a_bottomless_one_refused(tmp_path: Path) -> None:
    torch.save(nested(5), tmp_path / "x.pth")
    assert_read(tmp_path / "x.pth")
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    (tmp_path / "deep.pth").write_bytes(deep)
    with pytest.raises(UserError):
        read_weights(tmp_path / "deep.pth")


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth") as archive, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as bomb:
        for entry in archive.infolist():
            bomb.writestr(entry.filename, archive.read(entry))
        bomb.writestr("archive/data/9", b"\0" * 20_000_000, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="which no weights do"):
        read_weights(tmp_path / "bomb.pth")


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(10**12),
        torch.zeros(2, dtype=torch.complex64),
        torch.eye(3).to_sparse(),
    ],
    ids=["larger than its numbers", "complex", "sparse"],
)
def test_tensors_that_are_not_plain_are_refused_by_name(tensor: torch.Tensor, tmp_path: Path) -> None:
    torch.save({"a.weight": tensor}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"a\.weight"):
        read_weights(tmp_path / "x.pth")


def test_numbers_of_another_type_are_refused_by_name() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    tensors = model.state_dict()
    half = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    load_matching(model, half, "x")
    with pytest.raises(UserError, match=r"0\.weight has numbers of type int64 instead of float32"):
        load_matching(model, tensors | {"0.weight": tensors["0.weight"].long()}, "x")


def header(entries: dict, data: bytes = b"\0" * 16, size: int | None = None) -> bytes:
    text = json.dumps(entries).encode()
    return (len(text) if size is None else size).to_bytes(8, "little") + text + data


def entry(**other: object) -> dict:
    return {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | other}


SPOILED = {
    "empty": b"",
    "short": b"\1\0",
    "cut": header(entry(), b"\0" * 7),
    "a header beyond the file": header(entry(), size=10**6),
    "a header of all memory": header(entry(), size=2**63),
    "offsets beyond the file": header(entry(data_offsets=[0, 10**9], shape=[10**5, 2500])),
    "offsets before the file": header(entry(data_offsets=[-16, 0])),
    "offsets that overlap": header({"a": entry()["a.weight"], "b": entry()["a.weight"]}),
    "offsets with a hole": header(entry(data_offsets=[8, 24]), b"\0" * 24),
    "another shape": header(entry(shape=[3, 2])),
    "a shape without end": header(entry(shape=[2**62, 2**62])),
    "another type": header(entry(dtype="F64")),
    "an unknown type": header(entry(dtype="F7")),
    "no type": header({"a.weight": {"shape": [2, 2], "data_offsets": [0, 16]}}),
    "metadata of numbers": header({**entry(), "__metadata__": {"checksum": 3}}),
    "a list": header([1, 2]),  # type: ignore[arg-type]
    "a deep header": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "another checksum": header({**entry(), "__metadata__": {"checksum": '"x"'}}),
    "a deep checksum": header({**entry(), "__metadata__": {"checksum": "[" * 100_000}}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_safetensors_are_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(SPOILED[name])
    if name == "a deep checksum":  # it is no checksum, so there is none
        assert read_weights(path).keys() == {"a.weight"}
        return
    with pytest.raises(UserError) as told:
        read_weights(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_files_with_bytes_changed_are_read_or_one_sentence(ending: str, tmp_path: Path) -> None:
    whole, path = tmp_path / f"whole{ending}", tmp_path / f"x{ending}"
    save_file(TENSORS, whole) if ending == ".safetensors" else torch.save({"model": TENSORS}, whole)
    data, rng = whole.read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        spoiled = bytearray(data[: rng.integers(len(data))] if rng.random() < 0.2 else data)
        for place in rng.integers(0, max(len(spoiled), 1), 3) if spoiled else ():
            spoiled[place] = rng.integers(256)
        path.write_bytes(spoiled)
        try:
            read_weights(path)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
