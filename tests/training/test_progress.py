"""Progress goes to standard error: a bar on a terminal, at most ten lines elsewhere, nothing if not asked."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from clearprop.specification import Dense, Network
from clearprop.training import progress, train

NETWORK = Network(1, [Dense(1, "sigmoid")])
X, Y = np.arange(8.0)[:, None], np.arange(8) > 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (7, 7), (95, 10), (1000, 10)])
def test_a_log_gets_at_most_ten_lines(capsys, epochs, lines):
    train(NETWORK, X, Y, epochs=epochs, engine="textbook", validation=0.5)
    shown = capsys.readouterr()
    written = shown.err.splitlines()
    assert shown.out == ""
    assert len(written) == lines
    assert re.fullmatch(
        rf"epoch {epochs}/{epochs}: loss \S+, validation loss \S+, accuracy \S+; 0 s left", written[-1]
    )


def test_the_time_left_is_by_the_pace_of_the_steps_of_this_call(monkeypatch):
    """Reading for 100 seconds, and 40 epochs of an earlier call, say nothing of the epochs to come."""
    clock, stream = iter([0.0, 100.0, 110.0, 120.0]), io.StringIO()
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    shown = progress.Lines(stream, "epoch")
    for done in (40, 50, 60):
        shown.show(progress.Moment(done, 100, loss=1.0))
    assert stream.getvalue().splitlines()[1:] == [
        "epoch 50/100: loss 1; 50 s left",
        "epoch 60/100: loss 1; 40 s left",
    ]


def test_silence_is_silent(capsys):
    train(NETWORK, X, Y, epochs=2, engine="textbook", progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_loss_metric_and_time():
    terminal = Terminal()
    with progress.progress_on(True, terminal) as shown:
        shown.show(progress.Moment(0.5, 3))
        for epoch in (1, 2, 3):
            shown.show(progress.Moment(epoch, 3, 0.5 / epoch, 0.75, 0.9, "accuracy"))
    drawn = terminal.getvalue()
    assert "epoch 3/3" in drawn
    assert "accuracy 0.9" in drawn
    assert re.search(r"\d:\d\d", drawn)


def test_no_standard_error_is_no_fault(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert type(progress.progress_on(True)) is progress.Silence
