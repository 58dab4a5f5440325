"""docs/notes-checked.md is what the code finds in the notes; planted faults change what it finds."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS))  # removed below: the folder is no package of the library

from notes_checked import judging, page  # noqa: E402
from notes_checked.rows import Claim, Formula, Number  # noqa: E402

sys.path.remove(str(DOCS))

NOTES = list(page.NOTES)


def found(note):
    return [each for _, rows in page.judged(note) for each in rows]


def test_the_page_is_up_to_date():
    assert (DOCS / "notes-checked.md").read_text(encoding="utf-8") == page.page(), "run: make notes-checked"


#: name of a slip -> note, a line, a piece of what the note says or of how it is read, a piece of the proof
SLIPS = {
    "mean error without its square": ("001", "140", "sum(y_hat - y) / m", "missing square"),
    "2 (x_hat - y)^2 in a derivative": ("003", "49", "2 * (y_hat[n] - y[n])**2", "square left in"),
    "binary cross-entropy with softmax": ("000", "77", "activation `softmax`", "sigmoid outputs"),
    "p - c of that pair": ("000", "81", "delta[2] = y_hat - y", "(classes)"),
    "log2 without 1/ln 2": ("001", "251", "dC/dy_hat = -y / y_hat", "missing log base"),
    "log2 without 1/ln 2, in z": ("001", "491", "delta[2] = -(y - y_hat)", "missing log base"),
    "no transpose in the backward loop": ("001", "743", "dC/da[l-1] = W[l] @ delta[l]", "missing transpose"),
    "no transpose in its weights": ("001", "737", "W[l] = delta[l] @ a[l-1]", "missing transpose"),
    "forward loop from 0": ("001", "713", "for v = 0", "W[0]"),
    "backward loop down to the inputs": ("001", "733", "for v = L to 1", "layer 0"),
    "t raised before it is used": ("001", "148", "while t++", "theta_1 is not there"),
    "number of weights": ("001", "124", "weights", "the network has 41"),
    "number of biases": ("001", "125", "biases", "the network has 10"),
    "0.37 as the logistic of 0.5": ("001", "443", "1 / (1 + exp(-0.5))", "it is 0.622459"),
    "1.35 for 1.36": ("001", "470", "0.1 - 0.01 * (-125.874)", "it is 1.35874"),
    "ELU printed as ReLU": ("002", "13", "a[1] = maximum(0, z[1])", "wrong activation"),
    "an update that ascends": ("000", "17", "W[1][j,i] - (-eta * dC/dW[1][j,i])", "ascent"),
    "1/n lost on the way to the update": ("000", "91", "eta * m * dC/dW[1]", "missing mean"),
    "bias gradient that keeps y_i": ("000", "63", "dg[1](z[1][j]) * x[i]", "extra factor"),
    "sigma' for sigma in z_o": ("000", "49", "dg[1](z[1][j])) + b[2][o]", "slope for value"),
    "bias missing in W^T x": ("000", "9", "z[1] = W[1] @ x`", "missing bias"),
    "shape of W against the product": ("001", "72", "W[l].T @ a[l-1]", "extra transpose"),
    "shape of W^L": ("001", "120", "W^L", "2 x 3"),
    "squared error without its 2": ("001", "177", "(1-y_hat[j]) * x[i]", "missing two"),
    "dL/dy_hat for dL/dz": ("001", "364", "dC/dy_hat = y_hat - y", "other quantity"),
    "a minus too many in dL/dz_i": ("001", "510", "where(i == t, 1, 0) - y_hat[i]", "sign"),
    "brackets lost in the quotient": ("001", "532", "exp(z[2][t])*exp(z[2][i])", "brackets"),
    "any function": ("001", "16", "any function", "compact set"),
    "which layer W^(1) feeds": ("002", "58", "z[l+1] = W[l] @ a[l]", "W[l+1] @ a[l]"),
    "ReLU'(0) in note 002": ("002", "206", "ReLU'(0)", "no derivative"),
    "ReLU'(0) in note 004": ("004", "324", "slope at 0", "no derivative"),
    "min over C": ("003", "25", r"\min_C", "C is given"),
    "a^L = x": ("003", "29", "a[L] = x", "the first, $a^0$"),
    "index ii": ("000", "59", "dC/dW[1][i,i]", "wrong index"),
    "a_1 for x": ("001", "407", "W[1] @ a[1]", "wrong layer"),
    "b of the layer before": ("001", "657", "b[l-1]", "wrong layer"),
    "dz/db with i and j": ("002", "193", "delta[l][i]", "right is `dC/db[l][i] = delta[l][i]`"),
    "one k for all": (
        "004",
        "140",
        "delta[l+1][k] * W[l+1][k,j] * dg[l](z[l][j]) * a[l-1][i]",
        "missing sum",
    ),
    "delta without the slope": ("004", "264", "(-y/y_hat + (1-y)/(1-y_hat))", "missing slope"),
    "n x n": ("004", "199", "n \\times n", "5 x 3"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_there_by_its_name(name):
    note, line, says, proof = SLIPS[name]
    rows = [each for each in found(note) if line in re.split(r"\W+", each.row.place)]
    (row,) = (each for each in rows if says in each.row.says + each.read and each.verdict == "slipped")
    assert proof in row.proof


#: what the notes leave open -> note, line, the number that answers it
OPEN = {
    "entropy of the prediction": ("001", "202", "1.84644"),
    "expected profit": ("001", "210", "6000"),
    "cross-entropy of the example": ("001", "220", "3.32193"),
    "softmax of 10": ("001", "290", "4.53979e-05"),
    "softmax of 20": ("001", "290", "0.999955"),
    "softmax of -30": ("001", "290", "1.92866e-22"),
}


@pytest.mark.parametrize("name", OPEN)
def test_an_open_number_is_worked_out(name):
    note, line, number = OPEN[name]
    rows = [each for each in found(note) if line in re.split(r"\W+", each.row.place)]
    (row,) = (each for each in rows if each.verdict == "open" and f"it is {number}" in each.proof)
    told = replace(row.row, told=float(number))
    assert judging.judge(told).verdict == "right"
    assert judging.judge(replace(told, told=1.01 * told.told)).verdict == "slipped"


@pytest.mark.parametrize("note", NOTES)
def test_a_slip_has_a_correction_and_the_correction_is_right(note):
    for each in found(note):
        row = each.row
        if each.verdict != "slipped" or isinstance(row, Number):
            continue
        if isinstance(row, Claim):
            assert row.correction, row.place
            assert row.check(row.other)[0], (row.place, row.says)
        else:
            assert each.mended is not None, (row.place, row.text)
            of, text, network = each.mended
            mended = replace(row, of=of, text=text, network=network, mended=None)
            assert judging.judge(mended).verdict == "right", (row.place, text)


@pytest.mark.parametrize("note", NOTES)
def test_a_fault_planted_in_a_right_claim_or_number_is_found(note):
    for each in found(note):
        row = each.row
        if each.verdict != "right" or isinstance(row, Formula):
            continue
        wrong = (
            replace(row, told=1.1 * row.told + 1) if isinstance(row, Number) else replace(row, said=row.other)
        )
        assert judging.judge(wrong).verdict == "slipped", (row.place, row.says)


def _faulty(row):
    """A formula half as large again: no product, sum or choice of the notes is right with it."""
    return replace(row, text=f"1.5 * ({row.text})")


@pytest.mark.parametrize("note", NOTES)
def test_a_fault_planted_in_a_right_formula_is_found(note):
    right = [each.row for each in found(note) if each.verdict == "right" and isinstance(each.row, Formula)]
    assert right
    for row in right[::8]:
        assert judging.judge(_faulty(row)).verdict == "slipped", (row.place, row.text)


@pytest.mark.slow
@pytest.mark.parametrize("note", NOTES)
def test_a_fault_planted_in_any_right_formula_is_found(note):
    for each in found(note):
        if each.verdict == "right" and isinstance(each.row, Formula):
            assert judging.judge(_faulty(each.row)).verdict == "slipped", (each.row.place, each.row.text)


def test_the_sections_follow_the_notes():
    for note, sections in page.NOTES.items():
        first = [int(re.findall(r"\d+", section.rows[0].place)[0]) for section in sections]
        assert first == sorted(first), note


def test_the_summary_counts_the_rows():
    rows = [each for note in NOTES for each in found(note)]
    counts = [sum(each.verdict == verdict for each in rows) for verdict in ("right", "slipped", "open")]
    total = [line for line in page.page().splitlines() if line.startswith("| all ")]
    assert total == [f"| all | {len(rows)} | " + " | ".join(map(str, counts)) + " |"]
