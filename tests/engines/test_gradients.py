"""Gradient certificates: every activation and loss of the tables, both engines, against the mathematics."""

import numpy as np
import pytest

from clearprop.engines import engine_for, forward, gradient
from clearprop.engines.examples import check_examples
from clearprop.engines.protocol import OptimizerState
from clearprop.engines.textbook import Textbook, example_losses, forward_pass, penalty
from clearprop.formulas import language
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import Loss, losses
from clearprop.formulas.optimizers import optimizers
from clearprop.glassbox.certifying import certify
from clearprop.specification import Dense, Network, Parameters
from networks import ENGINES, PAIR_IDS, PAIRS, TRAINABLE, random_case

HIDDEN = (
    *TRAINABLE,
    activations["maxout"](3),
    activations["maxout"](1),
    activations["leaky_relu"](0.1),
    activations["elu"](0.7),
)
ENGINE = pytest.mark.parametrize("engine", ENGINES)


def certificate(case, engine):
    network, theta, X, Y, weights, masks = case
    return certify(network, theta, X, Y, sample_weight=weights, masks=masks, engine=engine)


def require_holds(case, engine):
    found = certificate(case, engine)
    assert found.holds, f"{case.network}\n{found}"
    assert found.left_out < found.examples


def require(engine, output, loss, hidden=(), *, seed, **options):
    """Certify a random case; one whose every example lies on a kink is drawn again."""
    cases = (
        random_case(output, loss, hidden, seed=seed + 10_000 * attempt, **options) for attempt in range(5)
    )
    found = (case for case in cases if certificate(case, "textbook").left_out < len(case.X))
    require_holds(next(found), engine)


@ENGINE
@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_every_output_with_every_loss(output, loss, engine):
    """Without and with hidden layers; weights, penalties and frozen masks drawn at random."""
    seed = PAIRS.index((output, loss))
    require(engine, output, loss, seed=seed)
    hidden = tuple(HIDDEN[(seed + k) % len(HIDDEN)] for k in range(2))
    require(engine, output, loss, hidden, seed=1000 + seed)


@ENGINE
@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda row: repr(row))
def test_every_hidden_activation_with_every_loss(hidden, engine):
    for seed, loss in enumerate(losses.values()):
        require(engine, activations[loss.link], loss, (hidden, hidden), seed=seed)


@ENGINE
@pytest.mark.parametrize(("output", "loss"), PAIRS[::3], ids=PAIR_IDS[::3])
def test_float32(output, loss, engine):
    seed = PAIRS.index((output, loss))
    hidden = (HIDDEN[seed % len(HIDDEN)],)
    require(engine, output, loss, hidden, seed=seed, dtype="float32")


@ENGINE
def test_large_parameters(engine):
    """Saturated units, whose gradients all but vanish, are certified too."""
    for seed, (output, loss) in enumerate(PAIRS[::5]):
        hidden = (HIDDEN[seed % len(HIDDEN)],)
        if "exp" not in (output.name, hidden[0].name):
            require(engine, output, loss, hidden, seed=seed, scale=8.0)


def trained(case, optimizer, steps=50):
    """The case after steps of the textbook engine over all examples."""
    network, theta, X, Y, weights, _ = case
    examples = check_examples(network, X, Y, theta.dtype, weights)
    flat, state = theta.flat.copy(), OptimizerState.fresh(network, theta.dtype)
    order = np.tile(np.arange(len(X)), steps)
    run = Textbook(network, theta.dtype, optimizer).run
    stretch = run(flat, state, examples, order, 0, steps, batch_size=len(X), rates=np.full(steps, 0.05))
    assert stretch.failed == -1
    return case._replace(theta=Parameters(network, flat))


@ENGINE
@pytest.mark.parametrize("loss", losses.values(), ids=losses)
def test_trained_networks(loss, engine):
    smooth = ("tanh", "softplus", "gelu", "relu")
    for seed, name in enumerate(smooth):
        case = random_case(activations[loss.link], loss, (activations[name],), seed=seed, dropout=False)
        for optimizer in ("adam", "momentum"):
            after = trained(case, optimizers[optimizer])
            require_holds(after, engine)
            single = after.theta.astype("float32")
            require_holds(after._replace(theta=single), engine)


@ENGINE
def test_trained_until_the_gradient_cancels(engine):
    """Where p - y all but cancels, the plain relative error grows and the certificate's does not."""
    network = Network(2, [Dense(2, "softmax")])
    X = np.repeat(np.eye(2), 2, axis=0)
    Y = np.array([[0.7, 0.3]] * 2 + [[0.2, 0.8]] * 2)
    flat, state = np.zeros(6), OptimizerState.fresh(network, "float64")
    examples = check_examples(network, X, Y, "float64")
    order, rates = np.tile(np.arange(4), 2000), np.full(2000, 2.0)
    Textbook(network, "float64").run(flat, state, examples, order, 0, 2000, batch_size=4, rates=rates)
    theta = Parameters(network, flat)
    _, found = gradient(network, theta, X, Y, engine=engine)
    assert np.abs(found.flat).max() < 1e-12
    assert certify(network, theta, X, Y, engine=engine).holds


@pytest.mark.parametrize("seed", range(10))
def test_against_50_digits(seed):
    """Central differences of the forward pass in mpmath at 80 digits, and both engines' float64."""
    mpmath = pytest.importorskip("mpmath")
    output, loss = PAIRS[(7 * seed + 3) % len(PAIRS)]
    hidden = (HIDDEN[(3 * seed) % len(HIDDEN)],)
    network, theta, X, Y, weights, masks = random_case(output, loss, hidden, seed=50 + seed)
    to_mpf = np.frompyfunc(lambda x: mpmath.mpf(float(x)), 1, 1)
    with mpmath.workdps(80):
        numbers = language.high_precision()
        inputs, targets, w = to_mpf(X), to_mpf(Y), to_mpf(weights)
        h = mpmath.mpf(10) ** -26

        def objective(k, step):
            exact = Parameters(network, to_mpf(theta.flat))
            exact.flat[k] += step
            seen = forward_pass(network, exact, inputs, masks, numbers)
            losses_ = example_losses(network, seen, targets, numbers)
            return (w * losses_).sum() / w.sum() + penalty(network, exact)

        slopes = [(objective(k, h) - objective(k, -h)) / (2 * h) for k in range(theta.flat.size)]
        exact = np.array([float(slope) for slope in slopes])
    for engine in ENGINES:
        name = engine if isinstance(engine, str) else engine.values[0]
        _, found = gradient(network, theta, X, Y, engine=name, sample_weight=weights, masks=masks)
        np.testing.assert_allclose(found.flat, exact, rtol=1e-12, atol=1e-14 * np.abs(exact).max())


@ENGINE
@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_loss_of_the_batch(output, loss, engine):
    """C is the weighted mean of the example losses plus the penalties."""
    case = random_case(output, loss, (activations["tanh"],), seed=3)
    network, theta, X, Y, weights, masks = case
    value, _ = gradient(network, theta, X, Y, engine=engine, sample_weight=weights, masks=masks)
    seen = forward_pass(network, theta, X, masks)
    by_example = example_losses(network, seen, Y)
    assert value == pytest.approx(
        np.average(by_example, weights=weights) + penalty(network, theta), rel=1e-12
    )


@ENGINE
@pytest.mark.parametrize("row", HIDDEN, ids=lambda row: repr(row))
def test_forward_agrees_with_the_textbook(row, engine):
    for dtype, tolerance in (("float64", 1e-13), ("float32", 2e-5)):
        case = random_case(row, losses["squared_error"], (row,), seed=8, dtype=dtype, dropout=False)
        X = np.random.default_rng(0).normal(size=(37, case.network.inputs))
        found = forward(case.network, case.theta, X, engine=engine)
        assert found.dtype == dtype
        oracle = forward(case.network, case.theta.astype("float64"), X.astype(dtype), engine="textbook")
        np.testing.assert_allclose(found, oracle, rtol=tolerance, atol=tolerance * np.abs(oracle).max())


@ENGINE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_stays_finite(engine, dtype):
    """z = +-1e4 through the links: loss and gradient are finite."""
    for loss in losses.values():
        network = Network(1, [Dense(3, loss.link, bias=False)], loss=loss)
        theta = Parameters(network, np.array([1.0, -1.0, 0.5], dtype))
        X = np.array([[1e4], [-1e4]])
        Y = {"counts": np.ones((2, 3)), "signs": np.ones((2, 3)), "numbers": np.ones((2, 3))}.get(
            loss.targets, np.eye(3)[:2]
        )
        value, found = gradient(network, theta, X, Y, engine=engine)
        assert np.isfinite(value), loss.name
        assert np.isfinite(found.flat).all(), loss.name


@ENGINE
def test_shards_add_up(engine):
    """`gradient_sum` over pieces of a batch adds up to the whole, weights included."""
    case = random_case(activations["softmax"], losses["cross_entropy"], (activations["gelu"],), seed=1)
    network, theta, X, Y, weights, masks = case
    examples = check_examples(network, X, Y, "float64", weights)
    computing, scale = engine_for(engine, network, dtype="float64"), examples.scale()
    whole = computing.gradient_sum(theta.flat, examples.X, examples.Y, scale, masks)
    loss, total = 0.0, 0.0
    for rows in np.array_split(np.arange(len(X)), 3):
        some = None if masks is None else {l: mask[rows] for l, mask in masks.items()}
        value, part = computing.gradient_sum(
            theta.flat, examples.X[rows], examples.Y[rows], scale[rows], some
        )
        loss, total = loss + value, total + part
    assert loss == pytest.approx(whole[0], rel=1e-13)
    np.testing.assert_allclose(total, whole[1], rtol=1e-12, atol=1e-15)


@ENGINE
def test_a_row_and_a_loss_of_ones_own(engine):
    snake = Activation("snake", "z + sin(alpha*z)**2 / alpha", derivative="1 + sin(2*alpha*z)", alpha=1.0)
    log_cosh = Loss(
        "log_cosh",
        "softplus(2*(a - y)) - (a - y) - log(2)",
        slope="tanh(a - y)",
        source="a loss this library does not ship",
    )
    require(engine, snake(0.5), log_cosh, (snake, snake(2.0)), seed=4)


def test_found_derivatives_are_certified():
    pytest.importorskip("sympy")
    bump = Activation("bump", "z * exp(-z**2 / width)", width=2.0)
    soft = Loss("soft", "sqrt(1 + (a - y)**2) - 1")
    require("textbook", bump, soft, (bump,), seed=4)


@ENGINE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_read_only_and_reordered_arrays_are_welcome(engine, dtype):
    """Arrays of pandas and of joblib's workers cannot be written to; columns may lie first."""
    case = random_case(activations["softmax"], losses["cross_entropy"], (activations["tanh"],), seed=1)
    network, theta, X, Y, weights, masks = case
    theta = theta.astype(dtype)
    expected = gradient(network, theta, X, Y, engine=engine, sample_weight=weights, masks=masks)
    arrays = [np.asfortranarray(array) for array in (X, Y, weights)]
    contiguous = [np.array(array, dtype=dtype) for array in (X, Y)] + [weights.copy()]
    for given in (arrays, contiguous):
        for array in given:
            array.flags.writeable = False
        kept = None if masks is None else {l: np.asfortranarray(mask) for l, mask in masks.items()}
        X_, Y_, weights_ = given
        loss, found = gradient(network, theta, X_, Y_, engine=engine, sample_weight=weights_, masks=kept)
        assert loss == expected[0]
        np.testing.assert_array_equal(found.flat, expected[1].flat)
    theta.flat.flags.writeable = False
    frozen = Parameters(network, theta.flat)
    forward(network, frozen, contiguous[0], engine=engine)
    _, found = gradient(network, frozen, contiguous[0], contiguous[1], engine=engine)
    assert found.flat.flags.writeable


@ENGINE
def test_a_run_reads_read_only_examples(engine):
    network = Network(2, [Dense(2, "softmax")])
    X, Y, rates, order = np.eye(2), np.eye(2), np.full(1, 0.1), np.arange(2)
    for array in (X, Y, rates, order):
        array.flags.writeable = False
    theta, state = network.initialize(0).flat, OptimizerState.fresh(network, "float64")
    computing = engine_for(engine, network, dtype="float64", optimizer=optimizers["adam"])
    examples = check_examples(network, X, Y, "float64")
    computing.run(theta, state, examples, order, 0, 1, batch_size=2, rates=rates)
    assert state.t == 1
