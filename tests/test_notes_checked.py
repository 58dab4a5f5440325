"""docs/notes-checked.md is what the checker says of the notes, and tells the slips that are known."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def notes():
    sys.path.insert(0, str(DOCS))
    from notes_checked import page

    yield page
    sys.path.remove(str(DOCS))


def test_the_page_is_up_to_date(notes):
    assert (DOCS / "notes-checked.md").read_text(encoding="utf-8") == notes.page(), "run: make notes-checked"


#: note, a piece of what the checker reads, what it must say
KNOWN = [
    ("001", "sum(y_hat - y) / m", "missing square"),
    ("003", "2 * (y_hat[n] - y[n])**2", "square left in"),
    ("000", "dg[1](z[1][j])) + b[2][o]", "slope for value"),
    ("000", "dC/dW[1][i,i]", "wrong index"),
    ("000", "eta * m * dC/dW[1]", "missing mean"),
    ("001", "dC/dy_hat = -y / y_hat", "missing log base"),
    ("001", "dC/dy_hat = y_hat - y", "other quantity"),
    ("001", "b[l-1]", "wrong layer"),
    ("001", "dC/da[l-1] = W[l] @ delta[l]", "missing transpose"),
    ("001", "W[l] = delta[l] @ a[l-1]", "missing transpose"),
    ("001", "0.1 - 0.01 * (-125.874)", "the note has 1.35, it is 1.35874"),
    ("001", "1 / (1 + exp(-0.5))", "the note has 0.37, it is 0.622459"),
    ("004", "delta[l+1][k] * W[l+1][k,j] * dg[l](z[l][j]) * a[l-1][i]", "missing sum"),
    ("004", "delta[2] = (-y/y_hat + (1-y)/(1-y_hat))", "missing slope"),
]


@pytest.mark.parametrize(("note", "read", "told"), KNOWN)
def test_a_known_slip_of_the_notes_is_told(note, read, told):
    page = (DOCS / "notes-checked.md").read_text(encoding="utf-8")
    section = page.split(f"## Note {note}:")[1].split("Counterexamples of note")[0]
    (row,) = (line for line in section.splitlines() if f"`{read}`" in line or f"{read}`" in line)
    assert "**wrong**" in row
    assert told in row
