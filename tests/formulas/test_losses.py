"""Every loss of the table: slope, linked forms, extremes, domains, values by hand."""

import math

import numpy as np
import pytest

from clearprop.engines import forward, gradient, textbook
from clearprop.errors import FormulaError
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.latex import latex
from clearprop.formulas.losses import Loss, as_loss, loss_for, loss_from_dict, losses
from clearprop.glassbox.certifying import certify
from clearprop.specification import Dense, Network
from networks import PAIR_IDS, PAIRS, TRAINABLE, fits, targets_for

LINKED = [loss for loss in losses.values() if loss.linked_value]


@pytest.fixture(params=losses.values(), ids=losses)
def loss(request):
    return request.param


def outputs(loss, rng, m=40, n=3):
    """Outputs well inside the loss's domain."""
    if loss.targets == "distribution":
        return rng.dirichlet(np.full(n, 3.0), m)
    if loss.domain.high == 1:
        return rng.uniform(0.05, 0.95, (m, n))
    return rng.uniform(0.05, 4, (m, n)) if loss.domain.low == 0 else 2 * rng.normal(size=(m, n))


def test_slope_is_the_complex_step(loss):
    rng = np.random.default_rng(0)
    a, y = outputs(loss, rng), targets_for(loss, 40, 3, rng)
    step = loss.value_of(a + 1e-30j, y).imag / 1e-30
    np.testing.assert_allclose(loss.slope_of(a, y), step, rtol=1e-13, atol=1e-14)


def test_slope_left_out_is_found(loss):
    pytest.importorskip("sympy")
    rng = np.random.default_rng(0)
    a, y = outputs(loss, rng), targets_for(loss, 40, 3, rng)
    again = Loss(loss.name, loss.value, parameters=loss.parameters)
    np.testing.assert_allclose(again.slope_of(a, y), loss.slope_of(a, y), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("loss", LINKED, ids=lambda loss: loss.name)
def test_linked_forms_are_the_plain_forms(loss):
    """Where the plain form can be computed: value, and slope times the link's pullback."""
    rng = np.random.default_rng(0)
    link = activations[loss.link]
    z = 2 * rng.normal(size=(40, 3))
    y = targets_for(loss, 40, 3, rng)
    a = textbook.activate(link, z)
    log_a = textbook.log_softmax(z)
    plain = loss.value_of(a, y).sum(axis=1)
    linked = loss.linked_value_of(z, a, y, log_a).sum(axis=1)
    np.testing.assert_allclose(linked, plain, rtol=1e-12, atol=1e-13)
    plain_delta = textbook.pull_back(link, loss.slope_of(a, y), z, a)
    np.testing.assert_allclose(loss.linked_delta_of(z, a, y), plain_delta, rtol=1e-10, atol=1e-13)


EXTREMES = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], np.float32)


def extreme_targets(loss):
    """All the corners of what y may be."""
    if loss.targets == "distribution":
        return [np.eye(3)[[i] * 4] for i in range(3)] + [np.full((4, 3), 1 / 3)]
    corners = {"signs": (-1, 1), "probabilities": (0, 0.5, 1), "counts": (0, 1, 100)}
    return [np.full((4, 3), y) for y in corners.get(loss.targets, (-100, 0, 1, 100))]


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_finite_in_float32_far_out(output, loss):
    net = Network(3, [Dense(3, output, bias=False)], loss=loss)
    for y in extreme_targets(loss):
        z = np.repeat(EXTREMES, output.pieces, axis=1)
        seen = textbook.ForwardPass()
        with np.errstate(all="ignore"):
            seen.z[1], seen.a[1] = z, textbook.activate(output, z)
            seen.x[1] = EXTREMES
            value = textbook.example_losses(net, seen, y.astype(np.float32))
            delta, _ = textbook.backward_pass(
                net, net.initialize(dtype="float32"), seen, y.astype(np.float32), np.ones(4, np.float32)
            )
        assert np.isfinite(value).all()
        assert np.isfinite(delta[1]).all()


def test_misfits_are_refused_with_a_reason(loss):
    misfits = [row for row in TRAINABLE if not fits(row, loss)]
    for row in misfits:
        with pytest.raises(FormulaError, match=f"(judges|finite).*{row.name}.*use activation '{loss.link}'"):
            Network(2, [Dense(2, row)], loss=loss)
    assert bool(misfits) == (loss.domain.low == 0 or loss.targets == "distribution")


def test_the_link_always_fits(loss):
    assert fits(activations[loss.link], loss)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_bits_are_nats_over_ln_2(name):
    nats, bits = losses[name], losses[f"{name}_bits"]
    rng = np.random.default_rng(0)
    a, y = outputs(nats, rng), targets_for(nats, 40, 3, rng)
    z = rng.normal(size=(40, 3))
    for field in ("value_of", "slope_of"):
        np.testing.assert_allclose(getattr(bits, field)(a, y), getattr(nats, field)(a, y) / math.log(2))
    np.testing.assert_allclose(bits.linked_delta_of(z, a, y), nats.linked_delta_of(z, a, y) / math.log(2))
    log_a = np.log(a)
    np.testing.assert_allclose(
        bits.linked_value_of(z, a, y, log_a), nats.linked_value_of(z, a, y, log_a) / math.log(2)
    )


BY_HAND = [  # name, parameters, a, y, value, slope
    ("half_squared_error", {}, 0.25, 1.0, 0.28125, -0.75),
    ("squared_error", {}, 0.25, 1.0, 0.5625, -1.5),
    ("absolute_error", {}, 0.25, 1.0, 0.75, -1.0),
    ("absolute_error", {}, 1.5, 1.0, 0.5, 1.0),
    ("absolute_error", {}, 1.0, 1.0, 0.0, 0.0),
    ("binary_cross_entropy", {}, 0.25, 1.0, math.log(4), -4.0),
    ("binary_cross_entropy", {}, 0.25, 0.0, math.log(4 / 3), 4 / 3),
    ("binary_cross_entropy_bits", {}, 0.25, 1.0, 2.0, -4 / math.log(2)),
    ("cross_entropy", {}, 0.5, 1.0, math.log(2), -2.0),
    ("cross_entropy", {}, 0.5, 0.0, 0.0, 0.0),
    ("cross_entropy_bits", {}, 0.125, 1.0, 3.0, -8 / math.log(2)),
    ("hinge", {}, 0.25, 1.0, 0.75, -1.0),
    ("hinge", {}, 0.25, -1.0, 1.25, 1.0),
    ("hinge", {}, 2.0, 1.0, 0.0, 0.0),
    ("hinge", {}, 1.0, 1.0, 0.0, 0.0),
    ("squared_hinge", {}, 0.25, 1.0, 0.5625, -1.5),
    ("squared_hinge", {}, 2.0, 1.0, 0.0, 0.0),
    ("huber", {}, 0.5, 0.0, 0.125, 0.5),
    ("huber", {}, 3.0, 0.0, 2.5, 1.0),
    ("huber", {"delta": 2.0}, -3.0, 0.0, 4.0, -2.0),
    ("kl_divergence", {}, 0.25, 0.5, 0.5 * math.log(2), -2.0),
    ("kl_divergence", {}, 0.25, 0.0, 0.0, 0.0),
    ("poisson", {}, 2.0, 3.0, 2 - 3 * math.log(2), -0.5),
    ("quantile", {"q": 0.9}, 1.0, 3.0, 1.8, -0.9),
    ("quantile", {"q": 0.9}, 3.0, 1.0, 0.2, 0.1),
]


@pytest.mark.parametrize(("name", "parameters", "a", "y", "value", "slope"), BY_HAND)
def test_by_hand(name, parameters, a, y, value, slope):
    row = losses[name](**parameters)
    assert row.value_of(np.array([a]), np.array([y]))[0] == pytest.approx(value, rel=1e-14, abs=1e-15)
    assert row.slope_of(np.array([a]), np.array([y]))[0] == pytest.approx(slope, rel=1e-14, abs=1e-15)


def test_every_loss_is_checked_by_hand():
    assert {name for name, *_ in BY_HAND} == set(losses)


def test_kinks_are_where_the_slope_jumps(loss):
    """Across a zero of a kink's expression the slope jumps; elsewhere it does not."""
    rng = np.random.default_rng(0)
    y = targets_for(loss, 1, 2000, rng)[0] if loss.targets != "distribution" else rng.random(2000)
    a = rng.uniform(0.01, 0.99, 2000) if loss.domain.low == 0 else rng.uniform(-3, 3, 2000)
    near = np.zeros(2000, dtype=bool)
    for kink in loss.kinks:
        from clearprop.formulas.language import evaluate

        near |= np.abs(evaluate(kink, {"a": a, "y": y, **dict(loss.parameters)})) < 1e-6
    jump = np.abs(loss.slope_of(a + 1e-9, y) - loss.slope_of(a - 1e-9, y))
    assert (jump[~near] < 1e-3).all()
    if loss.kinks:
        assert abs(np.diff(loss.slope_of(np.array([1 - 1e-9, 1 + 1e-9]), np.ones(2)))[0]) > 0.5


def test_plain_data_gives_the_row_again(loss):
    assert loss_from_dict(loss.to_dict()) == loss
    assert latex(loss.value)
    assert latex(loss.slope)


def test_the_notes_pairs():
    pairs = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "identity": "squared_error"}
    for activation, name in pairs.items():
        assert loss_for(activations[activation]).name == name


def test_bad_rows_are_refused():
    with pytest.raises(FormulaError, match="given together"):
        Loss("mine", "(a - y)**2", slope="2*(a-y)", linked_delta="a - y")
    with pytest.raises(FormulaError, match="uses z"):
        Loss("mine", "z - y", slope="1")
    with pytest.raises(FormulaError, match="targets is one of"):
        Loss("mine", "a - y", slope="1", targets="cats")
    with pytest.raises(FormulaError, match="did you mean 'hinge'"):
        as_loss("hing")
    with pytest.raises(FormulaError, match="identifier"):
        Loss("my loss", "a - y", slope="1")


@pytest.mark.parametrize("engine", ["textbook", "compiled"])
@pytest.mark.parametrize(
    ("name", "formula", "derivative", "loss"),
    [
        ("sigmoid", "1 / (1 + exp(-2 * z))", "2 * a * (1 - a)", "binary_cross_entropy"),
        ("exp", "exp(2 * z)", "2 * a", "poisson"),
    ],
)
def test_an_own_activation_that_bears_a_links_name_is_not_taken_for_it(
    name, formula, derivative, loss, engine
):
    own = Activation(name, formula, derivative=derivative, range=activations[name].range)
    network = Network(2, [Dense(1, own)], loss=loss)
    theta = network.initialize(seed=1)
    X, Y = np.random.default_rng(0).normal(size=(4, 2)), np.array([[0.0], [1.0], [0.0], [1.0]])
    value, _ = gradient(network, theta, X, Y, engine=engine)
    expected = losses[loss].value_of(forward(network, theta, X, engine=engine), Y).sum() / 4
    assert value == pytest.approx(expected, rel=1e-12)
    assert certify(network, theta, X, Y, engine=engine).holds


def test_the_names_of_coupled_activations_are_taken():
    with pytest.raises(FormulaError, match="belongs to a coupled activation"):
        Activation("softmax", "z", derivative="1")
