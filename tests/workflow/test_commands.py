"""The commands as they are typed."""

import io
import json
import sys

import pandas as pd
import pytest

import headstart as hs
from headstart import cli


@pytest.fixture(scope="module")
def source(table_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source") / "run"
    hs.pretrain(table_file, network="headstart/tabular", out=folder, epochs=3, quiet=True)
    return folder


@pytest.fixture(scope="module")
def run(table_file, source, tmp_path_factory):
    return hs.fit(
        table_file, source=str(source), out=tmp_path_factory.mktemp("fit") / "run", epochs=3, arms="probe", quiet=True
    )


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["headstart", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code in (0, None)
    return capsys.readouterr()


def test_json_alone_goes_to_standard_output(table_file, source, tmp_path, monkeypatch, capsys):
    told = command(
        monkeypatch, capsys, "fit", table_file, "--source", source, "--arms", "probe", "--out", tmp_path / "r", "--json"
    )
    assert json.loads(told.out) == json.loads((tmp_path / "r" / "run.json").read_text())
    assert "Kept: probe" in told.err


def test_a_config_gives_defaults_and_the_command_line_wins(table_file, source, tmp_path, monkeypatch, capsys):
    config = tmp_path / "fit.toml"
    config.write_text(f'source = "{source}"\narms = ["probe"]\nseed = 5\n[fit]\nout = "{tmp_path / "r"}"\n')
    told = command(monkeypatch, capsys, "fit", table_file, "--config", config, "--seed", "7", "--json")
    result = json.loads(told.out)
    assert result["arguments"]["arms"] == ["probe"]
    assert result["seed"] == 7
    assert (tmp_path / "r" / "run.json").exists()


def test_predictions_in_json_are_one_document_and_lines_have_their_own_ending(
    run, table_file, tmp_path, monkeypatch, capsys
):
    frame = pd.read_csv(table_file).drop(columns="label").head(5)
    frame.to_csv(tmp_path / "new.csv", index=False)
    told = json.loads(command(monkeypatch, capsys, "predict", run.path, tmp_path / "new.csv", "--json").out)
    assert [record["prediction"] for record in told] == run.model.predict(frame)
    for ending in ("json", "jsonl"):
        command(monkeypatch, capsys, "predict", run.path, tmp_path / "new.csv", "--out", tmp_path / f"p.{ending}")
    assert json.loads((tmp_path / "p.json").read_text()) == told
    assert [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()] == told


def test_the_version_is_told(monkeypatch, capsys):
    assert command(monkeypatch, capsys, "--version").out == f"headstart {hs.__version__}\n"


def test_predict_reads_a_table_and_standard_input(run, table_file, monkeypatch, capsys):
    frame = pd.read_csv(table_file).drop(columns="label")
    expected = run.model.predict(frame)
    from_file = command(monkeypatch, capsys, "predict", run.path, table_file).out
    assert list(pd.read_csv(io.StringIO(from_file))["prediction"]) == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(frame.head(4).to_csv(index=False).encode())))
    from_stdin = command(monkeypatch, capsys, "predict", run.path, "-").out
    assert list(pd.read_csv(io.StringIO(from_stdin))["prediction"]) == expected[:4]


def test_a_missing_column_is_named(run, table_file, tmp_path, monkeypatch, capsys):
    pd.read_csv(table_file).drop(columns="height").to_csv(tmp_path / "less.csv", index=False)
    monkeypatch.setattr(sys, "argv", ["headstart", "predict", str(run.path), str(tmp_path / "less.csv")])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "height" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "key"), [("sources", "spec"), ("methods", "name")])
def test_the_lists_are_for_people_and_json(verb, key, monkeypatch, capsys):
    rows = json.loads(command(monkeypatch, capsys, verb, "--json").out)
    told = command(monkeypatch, capsys, verb).out.split()
    assert {row[key] for row in rows} <= set(told)


def test_export_agrees_with_the_run(run, table_file, tmp_path, monkeypatch, capsys):
    command(monkeypatch, capsys, "export", run.path, "--out", tmp_path / "model.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    assert session.get_inputs()
    with pytest.raises(SystemExit) as stop:
        cli_export_again(run, tmp_path, monkeypatch)
    assert stop.value.code == 2


def cli_export_again(run, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["headstart", "export", str(run.path), "--out", str(tmp_path / "model.onnx")])
    cli.main()
