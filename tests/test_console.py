"""Whatever happens, a command ends in one sentence and an exit code."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import pytest

from headstart import console
from headstart.errors import HeadstartWarning, UserError

START = "from headstart.console import run\n"


def ended(work, capsys):
    with pytest.raises(SystemExit) as stop:
        console.run(work)
    told = capsys.readouterr()
    assert told.out == ""
    return stop.value.code, told.err


def fails(error):
    def work():
        raise error

    return work


def swallowed_by_typer(error):
    """What typer does to Ctrl-C and to the end of a file."""

    def work():
        try:
            raise error
        except type(error) as caught:
            try:
                raise ValueError("Exit") from caught
            except ValueError:
                sys.exit(1)

    return work


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("The file is missing."), 2, "headstart: The file is missing.\n"),
        (KeyboardInterrupt(), 130, "headstart: Interrupted.\n"),
        (KeyboardInterrupt("Interrupted; resume."), 130, "headstart: Interrupted; resume.\n"),
        (MemoryError(), 2, f"headstart: {console.NO_MEMORY}\n"),
    ],
)
def test_what_is_foreseen_is_one_sentence(error, code, said, capsys):
    assert ended(fails(error), capsys) == (code, said)


def test_ctrl_c_that_typer_turned_into_an_exit_is_told(capsys):
    assert ended(swallowed_by_typer(KeyboardInterrupt("Interrupted; resume.")), capsys) == (
        130,
        "headstart: Interrupted; resume.\n",
    )


@pytest.mark.parametrize(
    ("wrap", "error"),
    [
        (fails, KeyError("colour")),
        (fails, RuntimeError("two\nlines")),
        (fails, EOFError()),
        (swallowed_by_typer, EOFError()),
    ],
)
def test_what_nobody_foresaw_names_a_file_with_the_trace(error, wrap, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, said = ended(wrap(error), capsys)
    (path,) = tmp_path.iterdir()
    assert code == 1
    assert said.count("\n") == 1
    assert type(error).__name__ in said
    assert str(path) in said
    assert "raise error" in path.read_text()


def test_where_nothing_can_be_written_the_trace_goes_to_standard_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    code, said = ended(fails(KeyError("colour")), capsys)
    assert code == 1
    assert "raise error" in said
    assert said.splitlines()[-1].endswith("report it with the trace above.")


def test_own_warnings_are_sentences(capsys):
    def work():
        warnings.warn("The run is being replaced.", HeadstartWarning, stacklevel=1)

    console.run(work)
    assert capsys.readouterr().err == "headstart: The run is being replaced.\n"


def interrupted(code, *signals, environment=None):
    """Run code that prints a line, then send Ctrl-C after each pause; return exit code and standard error."""
    process = subprocess.Popen(
        [sys.executable, "-c", START + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    process.stdout.readline()
    for pause in signals:
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


WRITING = """
import sys, time
from pathlib import Path
from headstart.storage import atomic_write

def wait():
    for _ in range(600):  # a signal just before one long sleep would be heard only after it
        time.sleep(0.05)

def slowly(path):
    path.write_text("half")
    print("writing", flush=True)
    try:
        wait()
    finally:
        time.sleep(0.4)

run(lambda: atomic_write(Path(r"{path}"), slowly))
"""


@pytest.mark.parametrize("signals", [(0,), (0, 0.1), (0, 0.05, 0.05, 0.05)])
def test_ctrl_c_however_often_leaves_no_half_file(tmp_path, signals):
    assert interrupted(WRITING.format(path=tmp_path / "file"), *signals) == (130, "headstart: Interrupted.\n")
    assert not list(tmp_path.iterdir())


WORKERS = """
import time
from headstart.engine.ahead import ahead

def work():
    for value in ahead(lambda x: time.sleep(0.2) or print(x, flush=True), list(range(100)), threads=True):
        pass

run(work)
"""


@pytest.mark.slow
def test_ctrl_c_while_worker_threads_are_busy():
    assert interrupted(WORKERS, 0, 0.05) == (130, "headstart: Interrupted.\n")


IMPORTING = """
import sys, time
from pathlib import Path

def work():
    sys.path.insert(0, r"{folder}")
    import slow_module

run(work)
"""


@pytest.mark.parametrize("hides", [True, False])
def test_ctrl_c_within_an_import(tmp_path, hides):
    raised = "ImportError('the extension failed') from None" if hides else ""
    code = "import time\ntry:\n    print('importing', flush=True)\n    [time.sleep(0.05) for _ in range(600)]\n"
    code += f"except BaseException:\n    raise {raised}\n"
    (tmp_path / "slow_module.py").write_text(code)
    assert interrupted(IMPORTING.format(folder=tmp_path), 0) == (130, "headstart: Interrupted.\n")


def test_text_that_the_terminal_cannot_show_is_escaped():
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = START + "run(lambda: print('caf\\u00e9 \\U0001f600 \\udcff'))"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | plain, capture_output=True, check=True)
    assert done.stdout == b"caf\\xe9 \\U0001f600 \\udcff\n"
