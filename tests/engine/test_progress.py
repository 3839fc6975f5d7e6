"""What is seen while it runs."""

from __future__ import annotations

import io

from headstart.engine.progress import Progress


def evaluation(step, train, validation):
    values = {"train_loss": train, "validation_loss": validation, "validation_score": 0.5}
    return {"step": step, "epoch": step / 2} | values


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(stream, **options):
    with Progress(stream=stream, **options) as progress:
        progress.stage("fine-tune", 8)
        for step in range(1, 9):
            progress.step({"step": step, "epoch": step / 2, "train_loss": 1 / step})
            if step % 2 == 0:
                progress.step(evaluation(step, 1 / step, 0.5 + step / 100))
        progress.note("The body is frozen.")
    return stream.getvalue()


def test_a_heartbeat_where_there_is_no_terminal():
    lines = show(io.StringIO()).splitlines()
    assert lines[0] == "fine-tune: 8 steps"
    assert lines[-1] == "The body is frozen."
    assert any("step 8/8" in line and "validation loss 0.580" in line for line in lines)
    assert any(line.startswith("fine-tune: Over-fitting") for line in lines)
    assert len(lines) <= 6
    assert "\x1b" not in "".join(lines)


def test_a_live_display_in_a_terminal():
    shown = show(Terminal())
    assert "\x1b" in shown
    assert "fine-tune" in shown
    assert "Over-fitting" in shown


def test_quiet_is_quiet():
    assert show(io.StringIO(), quiet=True) == show(Terminal(), quiet=True) == ""
