"""Every fault of a table is handled and said, or refused in one message, from Python and the command line."""

import pytest

from bad_input import (
    CASES,
    HANDLED,
    PAGE,
    SILENT,
    model_of_cases,
    page,
    through_python,
    through_the_command_line,
)

WAYS = {"python": through_python, "command line": through_the_command_line}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return model_of_cases(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("verb", "case"), [(verb, case) for _, verb, case in CASES], ids=[f"{s}: {c.what}" for s, _, c in CASES]
)
def test_a_fault_is_handled_and_said_or_refused_everywhere_alike(model, verb, case):
    outcomes = {way: run(case, verb, model) for way, run in WAYS.items()}
    outcome, said = outcomes["python"]
    assert outcome == case.outcome, said
    assert outcomes["command line"] == (outcome, said)
    if outcome == HANDLED:
        assert said or case.what in SILENT
    else:
        remedy = said[0].partition("; ")[2] or said[0].partition(": ")[2]
        assert remedy, said
        assert case.name in said[0] or "target columns" in said[0], said


def test_what_escapes_as_another_error_is_found(model, monkeypatch):
    def broken(*given, **more):
        raise TypeError("planted")

    monkeypatch.setattr("clearprop.tables.reading.read_files", broken)
    for run in WAYS.values():
        with pytest.raises((TypeError, AssertionError)):
            run(CASES[0][2], "train", model)


def test_the_page_says_what_is_said_today(model):
    assert PAGE.read_text(encoding="utf-8") == page(model)
