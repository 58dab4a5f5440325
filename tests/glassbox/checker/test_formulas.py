"""Right formulas are called right, slipped ones wrong, and by their slip: tables and planted slips."""

import numpy as np
import pytest

import clearprop as cp
from clearprop.glassbox.checker.slips import SLIPS
from formula_tables import NETWORKS, RIGHT, SLIPPED, planted

PLANTED = [*planted()]


def checked(name, of, formula, convention="auto"):
    return cp.check_formula(formula, of, network=NETWORKS[name], convention=convention)


@pytest.mark.parametrize("name", NETWORKS)
def test_right_formulas_are_right_in_their_convention_and_by_themselves(name):
    for network, of, formula, convention in RIGHT:
        if network == name:
            verdict = checked(name, of, formula, convention)
            assert verdict.right, verdict
            assert verdict.conventions == (convention,)
            assert verdict.slips == ()
            assert verdict.counterexample is None
            assert convention in checked(name, of, formula).conventions


@pytest.mark.parametrize("name", NETWORKS)
def test_slipped_formulas_are_wrong_by_their_slip(name):
    for network, of, formula, convention, slips in SLIPPED + PLANTED:
        if network == name:
            verdict = checked(name, of, formula, convention)
            assert not verdict.right, verdict
            assert set(verdict.slips[0].names) <= slips, verdict


def test_there_are_enough_of_both():
    assert len(RIGHT) >= 60
    assert len(SLIPPED) + len(PLANTED) >= 120
    named = {slip for *_, slips in SLIPPED + PLANTED for slip in slips}
    assert len(SLIPS.keys() & named) >= 35


@pytest.mark.parametrize("name", ["half", "soft", "deep", "l2"])
def test_the_corrected_formula_is_right_and_the_counterexample_is_one(name):
    for network, of, formula, convention, _ in SLIPPED:
        if network != name:
            continue
        verdict = checked(name, of, formula, convention)
        for each in verdict.slips:
            if each.formula:
                assert checked(name, of, each.formula, each.convention).right, verdict
        example = verdict.counterexample
        if verdict.misfit:
            assert example is None
        else:
            assert abs(example.value - example.truth) > 0.02 * abs(example.truth)
            given = dict(example.numbers)
            weights = np.concatenate([given["W[1]"].ravel(), given["x"].ravel()])
            assert set(np.abs(2 * weights)) <= {1, 2, 3, 4}


def test_a_counterexample_is_the_networks_own():
    """The numbers shown, put into the network by hand, give the truth that is shown."""
    network = NETWORKS["soft"]
    verdict = cp.check_formula("W[2].T @ delta[2]", "delta[1]", network=network, convention="columns")
    example = verdict.counterexample
    given = dict(example.numbers)
    theta = cp.parameters_from_arrays(network, [given["W[1]"], given["W[2]"]], [given["b[1]"], given["b[2]"]])
    seen = cp.trace(network, theta, [given["x"]], [given["y"]])
    unit = int(example.element.removeprefix("delta[1][").rstrip("]"))
    assert example.truth == pytest.approx(seen.delta[1][0, unit], rel=1e-12)
    assert example.value == pytest.approx((given["W[2]"].T @ seen.delta[2][0])[unit], rel=1e-12)


def test_a_users_own_activation_has_its_function_and_derivative():
    snake = cp.Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=2.0)
    network = cp.Network(2, [cp.Dense(3, snake), cp.Dense(2)])
    right = "W[2].T @ delta[2] * d_snake(z[1])"
    assert cp.check_formula(right, "delta[1]", network=network).right
    assert cp.check_formula("snake(W[1] @ x + b[1])", "a[1]", network=network).right
    assert cp.check_formula("z[1] + sin(2 * z[1])**2 / 2", "a[1]", network=network).right
    assert not cp.check_formula("W[2].T @ delta[2] * d_tanh(z[1])", "delta[1]", network=network).right


def test_the_truth_is_the_networks_not_the_rows_word():
    """A wrong derivative in a row is what its network computes, and a formula is judged by that."""
    wrong = cp.Activation("bent", "tanh(z)", derivative="1 - a**2 + z**2")
    network = cp.Network(2, [cp.Dense(3, wrong), cp.Dense(2)])
    assert cp.check_formula("W[2].T @ delta[2] * dg[1](z[1])", "delta[1]", network=network).right
    assert not cp.check_formula("W[2].T @ delta[2] * (1 - a[1]**2)", "delta[1]", network=network).right
    # the local derivative of a by z, element by element, comes from the complex step and shows the fault
    assert cp.check_formula("where(i == j, 1 - a[1][j]**2, 0)", "da[1][i]/dz[1][j]", network=network).right


@pytest.mark.parametrize(
    ("of", "formula", "told"),
    [
        ("delta[1]", "W[2].T * delta[2] * dg[1](z[1])", "for this network's widths alone; with layers 3-4-5"),
        ("loss", "-ln(where(y > 0, y_hat, 1 - y_hat))", "for targets of 0 and 1 alone"),
    ],
)
def test_a_formula_that_is_right_by_circumstance_is_right_with_a_caveat(of, formula, told):
    verdict = cp.check_formula(formula, of, network=NETWORKS["binary"])
    assert verdict.right
    assert told in verdict.caveat
    assert told in str(verdict)


def test_equal_widths_do_not_hide_a_transpose_and_two_slips_are_both_told():
    network = cp.Network(2, [cp.Dense(2, "tanh"), cp.Dense(2)], loss="half_squared_error")
    verdict = cp.check_formula("W[2] @ delta[2] * dg[1](z[1])", "delta[1]", network=network)
    assert verdict.slips[0].names == ("missing_transpose",)
    verdict = cp.check_formula("W[2] @ (y - y_hat) * dg[1](z[1])", "delta[1]", network=network)
    assert set(verdict.slips[0].names) == {"missing_transpose", "reversed_difference"}
    assert "slip: W[2] is not transposed" in str(verdict)
    assert "\nand: y - y_hat is the wrong way round" in str(verdict)


def test_what_no_usual_slip_explains_is_wrong_all_the_same():
    verdict = cp.check_formula("cos(z[1]) * 3", "delta[1]", network=NETWORKS["half"])
    assert not verdict.right
    assert verdict.slips == ()
    assert "no usual slip explains it" in str(verdict)
    assert verdict.counterexample is not None


def test_shapes_that_do_not_fit_are_told_with_place_and_shapes():
    verdict = cp.check_formula("W[2] @ delta[2]", "dC/da[1]", network=NETWORKS["soft"], convention="columns")
    assert verdict.misfit == "W[2] (2, 4) @ delta[2] (2, 1) do not fit"
    assert verdict.slips[0].formula == "W[2].T @ delta[2]"


@pytest.mark.parametrize(
    ("loss", "output"), [(name, row.link) for name, row in cp.losses.items()], ids=list(cp.losses)
)
def test_every_loss_row_is_known_by_its_name_alone(loss, output):
    """BP1 by the chain, through whatever row the network has."""
    network = cp.Network(2, [cp.Dense(3, "tanh"), cp.Dense(2, output)], loss=loss)
    if output == "softmax":
        right = "(diag(y_hat) - outer(y_hat, y_hat)) @ dy_hat"
    else:
        right = "dC/dy_hat * dg[2](z[2])"
    assert cp.check_formula(right, "delta[2]", network=network).right
    assert not cp.check_formula(f"2 * ({right})", "delta[2]", network=network).right


def test_coupled_layers_have_matrices_for_derivatives():
    network = cp.Network(3, [cp.Dense(4, "softmax"), cp.Dense(2)])
    right = "(diag(a[1]) - outer(a[1], a[1])) @ W[2].T @ delta[2]"
    assert cp.check_formula(right, "delta[1]", network=network).right
    largest = cp.Network(2, [cp.Dense(3, cp.Maxout(2)), cp.Dense(2)])
    assert cp.check_formula("delta[2] @ a[1].T", "W[2]", network=largest).right
    verdict = cp.check_formula("W[2] @ delta[2]", "dC/da[1]", network=largest)
    assert verdict.slips[0].names == ("missing_transpose",)


@pytest.mark.parametrize("name", [n for n, row in cp.activations.items() if isinstance(row, cp.Activation)])
def test_every_elementwise_activation_has_its_derivative(name):
    row = cp.activations[name]
    if row.refuses_training:
        pytest.skip(row.refuses_training)
    network = cp.Network(2, [cp.Dense(3, name), cp.Dense(2)])
    for right in ("dg[1](z[1])", f"d_{name}(z[1])", "dg(W[1] @ x + b[1])"):
        assert cp.check_formula(right, "da[1]/dz[1]", network=network).right, right
    if name != "identity":
        assert not cp.check_formula("W[2].T @ delta[2]", "delta[1]", network=network).right
