"""What bad input gets: one sentence, exit code 2, no traceback, nothing half-written."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from headstart import cli


def images(root: Path, counts: dict[str, int]) -> Path:
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).save(root / name / f"{i}.png")
    return root


def good(tmp: Path) -> Path:
    return images(tmp / "good", {"a": 6, "b": 6})


def csv(tmp: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = tmp / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


TABLE = "x,z,label\n" + "".join(f"{i / 7:.3f},{i % 5},{'ab'[i % 2]}\n" for i in range(20))


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def a_pickle_with_code(tmp):
    (tmp / "bomb.pth").write_bytes(pickle.dumps({"weight": Bomb()}))
    return [good(tmp), "--source", f"file:{tmp / 'bomb.pth'}", "--network", "timm/resnet18"]


def a_truncated_weights_file(tmp):
    save_file({"weight": torch.zeros(1000)}, tmp / "whole.safetensors")
    (tmp / "cut.safetensors").write_bytes((tmp / "whole.safetensors").read_bytes()[:1000])
    return [good(tmp), "--source", f"file:{tmp / 'cut.safetensors'}", "--network", "timm/resnet18"]


def weights_of_another_architecture(tmp):
    save_file({"conv9.weight": torch.zeros(3)}, tmp / "other.safetensors")
    return [good(tmp), "--source", f"file:{tmp / 'other.safetensors'}", "--network", "timm/resnet18"]


def mixed_modalities(tmp):
    (good(tmp) / "notes.csv").write_text(TABLE)
    return [tmp / "good", "--source", "headstart/glyphs"]


def an_output_folder_that_exists(tmp):
    (tmp / "out").mkdir()
    (tmp / "out" / "run.json").write_text("{}")
    return [good(tmp), "--source", "headstart/glyphs", "--out", tmp / "out"]


def too_much_damage(tmp):
    for i in range(3):
        (good(tmp) / "a" / f"broken{i}.png").write_bytes(b"\x89PNG not really")
    return [tmp / "good", "--source", "headstart/glyphs"]


def splits_with_other_classes(tmp):
    images(tmp / "set" / "train", {"ant": 5, "bee": 5})
    images(tmp / "set" / "test", {"ant": 5, "wasp": 5})
    return [tmp / "set", "--source", "headstart/glyphs"]


def dangling_output(tmp):
    (tmp / "link").symlink_to(tmp / "nowhere" / "else")
    return [good(tmp), *GLYPHS, "--out", tmp / "link"]


def a_list_for_a_configuration(tmp):
    (tmp / "model").mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp / "model" / name).write_text("[]")
    rows = "text,label\n" + "four words in here,a\nfour others in there,b\n" * 8
    return [csv(tmp, rows), "--source", f"hf/{tmp / 'model'}"]


GLYPHS = ("--source", "headstart/glyphs")
TABULAR = ("--source", "headstart/tabular")

ROWS = {
    "labels of a target without source data": (
        lambda tmp: [images(tmp / "two", {"a": 6, "b": 6}), *GLYPHS, "--target-labels", "learn"],
        ["--target-labels learn", "--source-data"],
    ),
    "a path that does not exist": (lambda tmp: [tmp / "nowhere", *GLYPHS], ["nowhere"]),
    "an empty folder": (lambda tmp: [images(tmp / "empty", {"a": 0}), *GLYPHS], ["empty"]),
    "one class only": (lambda tmp: [images(tmp / "one", {"cat": 6}), *GLYPHS], ["cat"]),
    "a class with one sample": (lambda tmp: [images(tmp / "few", {"a": 6, "lonely": 1}), *GLYPHS], ["lonely"]),
    "labels missing in some rows": (
        lambda tmp: [csv(tmp, TABLE + "0.5,1,\n"), *TABULAR],
        ["label", "22"],
    ),
    "a label column that is not there": (
        lambda tmp: [csv(tmp, TABLE), *TABULAR, "--label", "lable"],
        ["lable", "label"],
    ),
    "mixed modalities": (mixed_modalities, ["notes.csv"]),
    "a ragged CSV": (lambda tmp: [csv(tmp, TABLE + "1,2\n"), *TABULAR], ["data.csv", "22"]),
    "a wrong encoding": (
        lambda tmp: [csv(tmp, TABLE.encode() + b"\xff\xfe,1,a\n"), *TABULAR],
        ["data.csv", "UTF-8"],
    ),
    "an infinite number": (lambda tmp: [csv(tmp, TABLE + "inf,1,a\n"), *TABULAR], ["x", "22"]),
    "an unknown source": (lambda tmp: [good(tmp), "--source", "timm/resnet81"], ["resnet81", "resnet"]),
    "an unknown kind of source": (lambda tmp: [good(tmp), "--source", "headstart/glyps"], ["glyphs"]),
    "an unknown method": (lambda tmp: [good(tmp), *GLYPHS, "--method", "finetun"], ["finetune"]),
    "an unknown arm": (lambda tmp: [good(tmp), *GLYPHS, "--arms", "scratch,prob"], ["probe"]),
    "an unknown option": (lambda tmp: [good(tmp), *GLYPHS, "--budgte", "3m"], ["--budget"]),
    "a depth beyond the network": (lambda tmp: [good(tmp), *GLYPHS, "--depth", "99"], ["99", "stages"]),
    "weights of another architecture": (weights_of_another_architecture, ["other.safetensors", "conv1.weight"]),
    "a truncated weights file": (a_truncated_weights_file, ["cut.safetensors"]),
    "a pickle with code in it": (a_pickle_with_code, ["bomb.pth"]),
    "an output folder that exists": (an_output_folder_that_exists, ["--force"]),
    "over 5% damaged": (too_much_damage, ["--allow-damaged"]),
    "classes that differ between splits": (splits_with_other_classes, ["bee", "wasp"]),
    "a source of another modality": (lambda tmp: [good(tmp), *TABULAR], ["table", "image"]),
    "a hub source that is not at hand": (lambda tmp: [good(tmp), "--source", "timm/resnet18"], ["timm/resnet18"]),
    "a seed below 0": (lambda tmp: [good(tmp), *GLYPHS, "--seed", "-1"], ["--seed", "-1"]),
    "a seed beyond 32 bits": (lambda tmp: [good(tmp), *GLYPHS, "--seed", str(2**64)], ["--seed"]),
    "a depth in other digits": (lambda tmp: [good(tmp), *GLYPHS, "--depth", "²"], ["²", "depth"]),
    "too many epochs": (lambda tmp: [good(tmp), *GLYPHS, "--epochs", str(10**9)], ["--epochs", "100,000"]),
    "too many views": (lambda tmp: [good(tmp), *GLYPHS, "--views", str(10**9)], ["--views", "10,000"]),
    "a learning rate that is no number": (lambda tmp: [good(tmp), *GLYPHS, "--learning-rate", "nan"], ["nan"]),
    "a budget of ages": (lambda tmp: [good(tmp), *GLYPHS, "--budget", "9" * 12 + "h"], ["--budget"]),
    "a config that is a folder": (lambda tmp: [good(tmp), *GLYPHS, "--config", tmp], ["--config"]),
    "a config whose verb is a number": (lambda tmp: [good(tmp), "--config", csv(tmp, "fit = 3", "c.toml")], ["[fit]"]),
    "a config of a thousand brackets": (
        lambda tmp: [good(tmp), "--config", csv(tmp, "a = " + "[" * 9000, "c.toml")],
        ["c.toml", "TOML"],
    ),
    "an arm without a name": (lambda tmp: [good(tmp), *GLYPHS, "--arms", "scratch,+"], ["+"]),
    "a method across domains without source data": (lambda tmp: [good(tmp), *GLYPHS, "--method", "coral"], ["coral"]),
    "a name that is too long": (lambda tmp: [tmp / ("a" * 5000), *GLYPHS], ["does not exist"]),
    "an output whose name is too long": (lambda tmp: [good(tmp), *GLYPHS, "--out", tmp / ("a" * 5000)], ["aaa"]),
    "an output that is a link to nowhere": (dangling_output, ["link"]),
    "an empty name": (lambda tmp: ["", *GLYPHS], ["empty name"]),
    "a configuration of transformers that is a list": (a_list_for_a_configuration, ["config.json"]),
}


@pytest.mark.parametrize("row", ROWS)
def test_bad_input_gets_one_sentence_and_leaves_nothing(row, tmp_path, monkeypatch, capfd):
    make, words = ROWS[row]
    monkeypatch.chdir(tmp_path)
    arguments = [str(part) for part in make(tmp_path)]
    before = set(tmp_path.rglob("*"))
    monkeypatch.setattr(sys, "argv", ["headstart", "fit", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = capfd.readouterr().err
    assert stop.value.code == 2, told
    assert "Traceback" not in told
    for word in words:
        assert word in told
    assert set(tmp_path.rglob("*")) == before


def run(monkeypatch, capfd, *arguments) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["headstart", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, capfd.readouterr().err


def test_a_run_of_a_newer_version_is_refused(tmp_path, monkeypatch, capfd):
    (tmp_path / "run.json").write_text('{"schema": 99}')
    code, told = run(monkeypatch, capfd, "predict", tmp_path, "x.png")
    assert code == 2
    assert "newer version" in told


def test_an_unfinished_run_names_resume(tmp_path, monkeypatch, capfd):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "arguments.json").write_text("{}")
    code, told = run(monkeypatch, capfd, "evaluate", tmp_path, "x")
    assert code == 2
    assert "resume" in told


def test_a_damaged_run_json_is_named(tmp_path, monkeypatch, capfd):
    (tmp_path / "run.json").write_text('{"schema": 1,')
    code, told = run(monkeypatch, capfd, "report", tmp_path)
    assert code == 2
    assert "run.json" in told


def test_an_unknown_option_in_a_config_is_named(tmp_path, monkeypatch, capfd):
    (tmp_path / "c.toml").write_text('[fit]\nbudgte = "3m"\n')
    code, told = run(monkeypatch, capfd, "fit", good(tmp_path), "--config", tmp_path / "c.toml")
    assert code == 2
    assert "budgte" in told
    assert "budget" in told


def test_a_read_only_disk_is_one_sentence(tmp_path, monkeypatch, capfd):
    place = "/proc/headstart-run" if Path("/proc").is_dir() else "/headstart-run"
    code, told = run(monkeypatch, capfd, "fit", good(tmp_path), *GLYPHS, "--out", place)
    assert code == 2
    assert "Traceback" not in told
    assert place in told
