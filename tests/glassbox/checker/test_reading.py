"""What cannot be read is refused with a reason, and nothing is ever run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import clearprop as cp
from clearprop.cli import app
from clearprop.glassbox.checker.matrix_language import read_formula, written
from formula_tables import NETWORKS

REFUSED = [
    ("__import__('os').system('true')", "is not a function"),
    ("(lambda: 1)()", "is not a function"),
    ("np.dot(W[2].T, delta[2])", "write dot(...)"),
    ("x.__class__", "'.__class__' is not in the language; of attributes it has .T alone"),
    ("W[1].shape", "'.shape' is not in the language"),
    ("W[1].sum", "(write sum(...))"),
    ("[x for x in y]", "(ListComp)"),
    ("'a' * 10", "(Constant)"),
    ("1e999", "(Constant)"),
    ("x if y else z[1]", "(IfExp)"),
    ("x := 1", "is not one expression"),
    ("W[2]^T", "a power is **"),
    ("g'(z[1])", "the derivative of g is dg[l](z[l])"),
    ("x and y", "(BoolOp)"),
    ("W[1:2]", "the index '1:2'"),
    ("W[x]", "the index 'x'"),
    ("W[1][0,1,2]", "more than two indices"),
    ("W[1,2]", "the layer comes first"),
    ("z[1][-1]", "the index '-1'"),
    ("W", "W has a layer; write W[1]"),
    ("yhat - y", "did you mean 'y_hat'?"),
    ("detla[2]", "did you mean 'delta'?"),
    ("sigmod(z[1])", "did you mean 'sigmoid'?"),
    ("tanh(z[1], z[2])", "tanh takes 1 argument(s), not 2"),
    ("sum(x, axis=2)", "of options there is axis=0 or axis=1 alone"),
    ("exp(x, axis=0)", "of options there is axis=0 or axis=1 alone"),
    ("sum(x, y)", "sums over a letter"),
    ("x > 0", "a comparison stands nowhere else"),
    ("where(x, 1, 0)", "a comparison stands nowhere else"),
    ("-" * 60 + "x", "nested deeper than 40 levels"),
    ("x" + "+x" * 499, "nested deeper than 40 levels"),
    ("x" + " " * 2000, "longer than the limit of 1000"),
    ("z[1][c] * z[1][d] * z[1][f] * z[1][h] * z[1][i] * z[1][j]", "more than 5 letters"),
    ("W[7]", "there is no W[7]; the network has layers 1 to 2"),
    ("z[0]", "there is no z[0]"),
    ("W[1][3,0]", "W[1] has units 0 to 2, and no 3"),
    ("W[l]", "'l' is no layer here"),
    ("delta[1]", "delta[1] is the very number that the formula is for"),
    ("db[1]", "db[1] is the very number that the formula is for"),
    ("z[1][k]", "k stands for no unit of 'delta[1]'"),
    ("z[1] * z[1][0] * sum(k, z[1][k]) + sum(k, z[1][k] * z[1])", "give it its indices, too"),
    ("sum(k, z[1])", "sums over k, which is not in what it sums"),
    ("k + 1", "'k' stands for no unit here"),
    ("g(3)", "of which layer? write g[1](...)"),
    ("g[3](z[1])", "there is no g[3]"),
    ("dg[l](z[1])", "'l' is no layer here"),
    ("", "is not one expression"),
    (7, "a formula is text"),
]


@pytest.mark.parametrize(("formula", "why"), REFUSED, ids=[str(text)[:40] for text, _ in REFUSED])
def test_what_cannot_be_read_is_refused_with_a_reason(formula, why):
    with pytest.raises(cp.FormulaError) as refused:
        cp.check_formula(formula, "delta[1]", network=NETWORKS["half"])
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ("delta", "names nothing to check; there are C, loss"),
        ("", "names nothing to check"),
        ("delta[9]", "there is no delta[9]"),
        ("delta[1][9]", "delta[1] has units 0 to 2, and no 9"),
        ("y", "is given, and has no formula"),
        ("new z[1]", "a step of gradient descent makes a new W[l] or b[l]"),
        ("dW[1]/dz[1]", "is no derivative of a network's number by another"),
        ("C/W[1]", "a derivative is written dA/dB"),
        ("dz[1][j]/dW[1]", "give 3 indices in all, not 1, or none"),
        ("__import__('os')", "names nothing to check"),
        ("W[1][[0]]", "names nothing to check"),
    ],
)
def test_what_is_asked_must_exist(of, why):
    with pytest.raises(cp.FormulaError) as refused:
        cp.check_formula("x", of, network=NETWORKS["half"])
    assert why in str(refused.value)


@pytest.mark.parametrize("formula", ["9**9**9**9", "exp(exp(exp(9 + x)))", "ln(-1)", "1 / (x - x)"])
def test_what_is_no_number_is_wrong_and_says_so(formula):
    verdict = cp.check_formula(formula, "delta[1]", network=NETWORKS["half"])
    assert not verdict.right
    assert "no finite number" in verdict.misfit


def test_a_network_that_cannot_be_trained_has_no_true_derivatives():
    network = cp.Network(2, [cp.Dense(3, "step"), cp.Dense(1)])
    with pytest.raises(cp.SpecificationError, match="cannot be trained"):
        cp.check_formula("x", "delta[1]", network=network)


def test_the_derivative_of_a_softmax_is_no_vector():
    with pytest.raises(cp.FormulaError, match="softmax has no elementwise derivative"):
        cp.check_formula("dy_hat * dg[2](z[2])", "delta[2]", network=NETWORKS["soft"])


@given(st.text(alphabet="Wbzadxy_ht[]()0123.,T@*+-/ lLkjsumge=<>'\"", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        tree = read_formula(text)
    except cp.FormulaError:
        return
    assert written(read_formula(written(tree))) == written(tree)


# The command line. -----------------------------------------------------------------------------------


def answer(*arguments):
    return CliRunner().invoke(app, ["check-formula", *arguments], env={"COLUMNS": "80"})


def test_the_exit_code_is_the_verdict():
    network = ("--layers", "2-3-1", "--activation", "sigmoid", "--loss", "cross_entropy")
    done = answer("W[2].T @ delta[2] * dg[1](z[1])", "--of", "delta[1]", *network)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "right (vectors as columns)")
    assert "loss='binary_cross_entropy'" in done.stdout
    done = answer("-(y_hat - y)", "--of", "delta[2]", *network)
    assert done.exit_code == 1
    assert "slip: y_hat - y is the wrong way round" in done.stdout
    assert "right is delta[2] = -(y - y_hat)" in done.stdout
    assert "counterexample:" in done.stdout
    done = answer("yhat - y", "--of", "delta[2]", *network)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: 'yhat - y': 'yhat' is not a number of the network; did you mean")


def test_json_holds_the_whole_verdict():
    done = answer("x @ delta[1].T", "--of", "W[1]", "--l2", "0.1", "--convention", "columns", "--json")
    told = json.loads(done.stdout)
    assert (told["right"], told["conventions"]) == (False, ["columns"])
    assert set(told["slips"][0]["names"]) == {"transposed_result", "missing_penalty"}
    assert told["network"]["l2"] == 0.1
    done = answer("y_hat - y", "--of", "delta[2]", "--loss", "squared_error", "--json")
    told = json.loads(done.stdout)
    assert told["slips"][0]["formula"] == "2 * (y_hat - y)"
    assert told["counterexample"]["truth"] == pytest.approx(2 * told["counterexample"]["value"])


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("--layers", "2", "--layers is inputs, hidden and outputs such as 2-3-1"),
        ("--layers", "2-x-1", "--layers is inputs"),
        ("--layers", "2-900-1", "up to 12 units each"),
        ("--activation", "sigmod", "did you mean 'sigmoid'?"),
        ("--loss", "mse", "did you mean 'squared_error'?"),
        ("--output", "tanh", "judges probabilities that sum to 1"),
    ],
)
def test_a_network_that_cannot_be_made_is_bad_input(option, value, why):
    done = answer("y_hat - y", "--of", "delta[2]", "--loss", "cross_entropy", option, value)
    assert done.exit_code == 2
    assert why in done.stderr
