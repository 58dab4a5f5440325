"""What a certificate measures, reports and prints."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from clearprop import load, train
from clearprop.engines import textbook
from clearprop.engines.textbook import backward_pass, forward_pass, penalize
from clearprop.errors import DataError, SpecificationError
from clearprop.formulas.activations import Activation, activations
from clearprop.formulas.losses import losses
from clearprop.glassbox.certificate import Certificate
from clearprop.glassbox.certifying import certify
from clearprop.glassbox.magnitude import Sized, backward_sizes, sized
from clearprop.specification import Dense, Network, Parameters
from networks import ENGINES, PAIR_IDS, PAIRS, random_case

ENGINE = pytest.mark.parametrize("engine", ENGINES)
NUMBERS = Sized(np.array([3.0]), np.array([5.0]))  # 4 - 1

READINGS = {  # text -> size of it, with u = 3 of size 5, v = 2 of size 2
    "u + v": 7.0,
    "u - v": 7.0,
    "v - u": 7.0,
    "-u": 5.0,
    "u * v": 10.0,
    "2 * u": 10.0,
    "u / v": 2.5,
    "1 / u": 5 / 9,
    "u**2": 9 + 6 * 5,
    "exp(u)": math.exp(3) * 6,
    "where(u > v, u, v)": 5.0,
    "where(u < v, u, 7)": 7.0,
    "maximum(u, v)": 5.0,
    "minimum(u, v)": 2.0,
    "abs(v - u)": 7.0,
    "1": 1.0,
    "p * u": 20.0,
    "2**v": 4 + 4 * math.log(2) * 2,
}


@pytest.mark.parametrize("text", READINGS)
def test_sizes_of_a_formula(text):
    found = sized(text, {"u": NUMBERS, "v": np.array([2.0]), "p": -4.0}, np.zeros(1))
    assert found.size[0] == pytest.approx(READINGS[text], rel=1e-14)


def case_of(network, seed=0, m=6):
    rng = np.random.default_rng(seed)
    return (
        network.initialize(seed),
        rng.normal(size=(m, network.inputs)),
        rng.normal(size=(m, network.widths[-1])),
    )


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_no_gradient_is_larger_than_its_size(output, loss):
    network, theta, X, Y, weights, masks = random_case(output, loss, (activations["maxout"],), seed=2)
    scale = weights / weights.sum()
    seen = forward_pass(network, theta, X, masks)
    _, found = backward_pass(network, theta, seen, Y, scale, masks)
    found = penalize(network, theta.flat, found.flat)
    sizes = backward_sizes(network, theta, seen, Y, scale, masks).gradient.flat
    assert (np.abs(found) <= sizes * (1 + 1e-12)).all()


def test_a_linear_network_by_hand():
    """z = 2 x + 1, C = (z - y)^2 / 2: the size of dC/dW is (|z| + |y|) |x|, though z = y."""
    network = Network(1, [Dense(1)], loss="half_squared_error")
    theta = Parameters(network, np.array([2.0, 1.0]))
    X, Y = np.array([[-3.0]]), np.array([[-5.0]])
    seen = forward_pass(network, theta, X)
    sizes = backward_sizes(network, theta, seen, Y, np.ones(1)).gradient
    size_of_z = 2 * 3 + 1
    assert sizes.b[1][0] == size_of_z + 5
    assert sizes.W[1][0, 0] == (size_of_z + 5) * 3


@ENGINE
def test_prints_a_table(engine):
    network = Network(3, [Dense(4, "tanh"), Dense(2, bias=False)], l2=0.1)
    theta, X, Y = case_of(network)
    found = certify(network, theta, X, Y, engine=engine)
    lines = str(found).splitlines()
    assert lines[0].startswith("Gradient certificate: holds (worst error ")
    assert f"{engine} engine, float64, 24 parameters, 6 example(s)" in lines[1]
    assert lines[3].split() == ["array", "shape", "checked", "worst", "norm", "at"]
    assert [line.split()[:3] for line in lines[4:7]] == [
        ["W[1]", "4x3", "12"],
        ["b[1]", "4", "4"],
        ["W[2]", "2x4", "8"],
    ]
    assert len({line.index("e-") for line in lines[4:7]}) == 1  # the columns are aligned
    assert found.worst == max(check.error for check in found.arrays)
    assert found.checked == found.parameters == 24
    assert found.seconds > 0
    assert not found.sampled


def test_a_wrong_gradient_does_not_hold():
    network = Network(3, [Dense(4, Activation("wrong", "tanh(z)", derivative="1 - a")), Dense(2)])
    theta, X, Y = case_of(network)
    found = certify(network, theta, X, Y, engine="textbook")
    assert not found.holds
    assert [check.error > 1e-3 for check in found.arrays] == [True, True, False, False]
    assert "DOES NOT HOLD" in str(found)
    assert str(found).count("<-") == 2


def test_a_gradient_that_is_not_a_number_does_not_hold():
    row = Activation("odd", "z", derivative="1 + 0 * log(0 * z)")
    network = Network(2, [Dense(2, row), Dense(1)])
    theta, X, Y = case_of(network)
    found = certify(network, theta, X, Y, engine="textbook")
    assert math.isnan(found.worst)
    assert not found.holds


@ENGINE
def test_dead_units_have_error_0(engine):
    network = Network(2, [Dense(3, "relu"), Dense(1)])
    theta, X, Y = case_of(network)
    theta.b[1][...] = -1e3
    found = certify(network, theta, X, Y, engine=engine)
    assert found.holds
    assert found.arrays[0].worst == found.arrays[0].norm == 0.0


@ENGINE
def test_kinks_of_units_are_reported(engine):
    network = Network(2, [Dense(3, "relu"), Dense(2, "hard_sigmoid")], loss="squared_error")
    theta, X, Y = case_of(network)
    np.abs(theta.flat, out=theta.flat)
    np.abs(X, out=X)
    X[1] = 0.0  # with biases of 0: z = 0 in three units
    theta.b[2][0] = 3.0  # and z = 3 in one unit of the next layer, for the same example
    found = certify(network, theta, X, Y, engine=engine)
    assert [(kink.where, kink.count) for kink in found.kinks] == [
        ("layer 1 (relu)", 3),
        ("layer 2 (hard_sigmoid)", 1),
    ]
    assert (found.left_out, found.examples) == (1, 6)
    assert found.holds
    assert "3 in layer 1 (relu)" in str(found)
    assert "1 of 6 examples" in str(found)


@ENGINE
def test_examples_beside_a_kink_are_left_out(engine):
    """Within rounding of a kink the side is undecided; float32 leaves out more than float64."""
    network = Network(1, [Dense(1, "relu"), Dense(1)])
    theta = Parameters(network, np.array([1.0, 1.0, 1.0, 0.0]))
    X = np.array([[-1 + 1e-13], [-1 + 1e-7], [-0.5]])
    found = certify(network, theta, X, np.ones(3), engine=engine)
    assert found.left_out == 1
    assert certify(network, theta.astype("float32"), X, np.ones(3), engine=engine).left_out == 2


@ENGINE
def test_kinks_of_losses_are_reported(engine):
    for name, y in (("absolute_error", 2.0), ("quantile", 2.0)):
        network = Network(1, [Dense(1, bias=False)], loss=name)
        theta = Parameters(network, np.array([2.0]))
        found = certify(network, theta, [[1.0], [3.0]], [y, 1.0], engine=engine)
        assert (found.left_out, found.holds) == (1, True)
        assert f"loss ({name}: a - y = 0)" in str(found)
    network = Network(1, [Dense(1, bias=False)], loss="hinge")
    found = certify(network, Parameters(network, np.array([1.0])), [[1.0], [3.0]], [1, -1], engine=engine)
    assert found.kinks[0].count == found.left_out == 1


@ENGINE
def test_ties_of_maxout_are_kinks(engine):
    network = Network(2, [Dense(2, "maxout"), Dense(1)])
    theta, X, Y = case_of(network)
    X[0] = 0.0
    found = certify(network, theta, X, Y, engine=engine)
    assert (found.kinks[0].where, found.kinks[0].count) == ("layer 1 (maxout)", 2)
    assert found.holds


@ENGINE
def test_dropped_units_and_weightless_examples_are_on_no_kink(engine):
    network = Network(2, [Dense(2, "relu", dropout=0.5), Dense(1)])
    theta, X, Y = case_of(network)
    X[0] = 0.0
    masks = {1: np.ones((6, 2), dtype=bool)}
    masks[1][0] = False
    assert not certify(network, theta, X, Y, masks=masks, engine=engine).kinks
    weights = np.array([0.0, 1, 1, 1, 1, 1])
    assert not certify(network, theta, X, Y, sample_weight=weights, engine=engine).kinks


@ENGINE
def test_weights_of_0_under_l1_are_left_out(engine):
    network = Network(2, [Dense(2, "tanh"), Dense(1)], l1=0.1)
    theta, X, Y = case_of(network)
    theta.W[1][0] = 0.0
    theta.W[2][...] = 0.0
    found = certify(network, theta, X, Y, engine=engine)
    assert found.holds
    assert [check.checked for check in found.arrays] == [2, 2, 0, 1]
    assert [kink.count for kink in found.kinks] == [2, 2]


def test_nothing_left_does_not_hold():
    network = Network(2, [Dense(2, "relu"), Dense(1)])
    theta, _, _ = case_of(network)
    found = certify(network, theta, np.zeros((2, 2)), np.ones(2), engine="textbook")
    assert found.left_out == found.examples == 2
    assert not found.holds
    assert "DOES NOT HOLD" in str(found)
    network = Network(2, [Dense(1, bias=False)], l1=0.1)
    found = certify(network, Parameters(network, np.zeros(2)), np.ones((2, 2)), np.ones(2), engine="textbook")
    assert found.checked == 0
    assert not found.holds


@ENGINE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_network_is_sampled(engine, dtype):
    network = Network(30, [Dense(60, "tanh"), Dense(40, "softplus"), Dense(5, "softmax")], l2=0.01)
    rng = np.random.default_rng(0)
    theta, X, Y = network.initialize(0, dtype=dtype), rng.normal(size=(20, 30)), rng.integers(0, 5, 20)
    found = certify(network, theta, X, Y, engine=engine)
    assert found.holds
    assert found.sampled
    assert found.checked < found.parameters == network.n_parameters
    assert all(check.direction is not None and check.checked > 0 for check in found.arrays)
    assert f"{found.checked} of {found.parameters} parameters, drawn by a fixed seed" in str(found)
    again = certify(network, theta, X, Y, engine=engine)
    assert [check.at for check in again.arrays] == [check.at for check in found.arrays]


def test_a_direction_sees_what_the_sample_misses(monkeypatch):
    """One wrong element of thousands moves the directional derivative of its array."""
    from clearprop.engines import textbook

    network = Network(50, [Dense(60, "tanh"), Dense(1)])
    theta, X, Y = case_of(network)
    honest = textbook.penalize

    def wrong(network, flat, found):
        changed = honest(network, flat, found)
        changed[1234] += 1e-3
        return changed

    monkeypatch.setattr(textbook, "penalize", wrong)
    found = certify(network, theta, X, Y, engine="textbook")
    assert found.arrays[0].direction > 1e-7
    assert not found.holds


def test_bad_input_is_refused():
    network = Network(2, [Dense(1, "step")], loss="squared_error")
    with pytest.raises(SpecificationError, match="cannot be trained"):
        certify(network, network.initialize(), np.ones((1, 2)), [1.0], engine="textbook")
    network = Network(2, [Dense(1)])
    with pytest.raises(DataError):
        certify(network, network.initialize(), np.ones((1, 3)), [1.0], engine="textbook")
    with pytest.raises(SpecificationError, match="the vector has shape"):
        certify(network, Network(3, [Dense(1)]).initialize(), np.ones((1, 2)), [1.0], engine="textbook")
    with pytest.raises(SpecificationError, match="masks have shapes"):
        certify(network, network.initialize(), np.ones((1, 2)), [1.0], masks={0: [[True]]}, engine="textbook")


def test_every_loss_has_a_case():
    assert {loss.name for _, loss in PAIRS} == set(losses)


def trained(certify=True, **options):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(80, 3))
    network = Network(3, [Dense(5, "relu", dropout=0.2), Dense(3, "softmax")], l1=1e-3)
    return train(
        network, X, rng.integers(3, size=80), epochs=3, progress=False, certify=certify, **options
    )  # fmt: skip


@ENGINE
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_may_end_with_a_certificate_that_the_model_file_keeps(tmp_path, engine, dtype):
    model = trained(engine=engine, dtype=dtype, validation=0.1, sample_weight=np.linspace(1, 2, 80))
    found = model.certificate
    assert found.holds
    assert (found.engine, found.dtype, found.examples) == (engine, dtype, 32)
    model.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").certificate == found
    assert trained(certify=False).certificate is None


def test_a_wrong_gradient_is_said_at_the_end_of_training(monkeypatch):
    right = textbook.Textbook.gradient_sum

    def wrong(self, *given):
        loss, gradient = right(self, *given)
        return loss, gradient * 1.001

    monkeypatch.setattr(textbook.Textbook, "gradient_sum", wrong)
    with pytest.warns(UserWarning, match="not certified"):
        model = trained(engine="textbook")
    assert not model.certificate.holds


def test_a_certificate_without_numbers_is_kept_as_one_that_does_not_hold():
    found = trained(engine="textbook").certificate
    nothing = replace(found, arrays=(replace(found.arrays[0], worst=math.nan),))
    plain = json.loads(json.dumps(nothing.to_dict(), allow_nan=False))
    read = Certificate.from_dict(plain)
    assert math.isnan(read.arrays[0].worst)
    assert not read.holds
    for damage in (
        {"arrays": 3},
        {"arrays": [3]},
        {"arrays": [{**plain["arrays"][0], "shape": "x"}]},
        {"arrays": [{**plain["arrays"][0], "norm": "low"}]},
        {"kinks": [{"where": 1, "count": 2}]},
        {"seconds": True},
        {"more": 1},
    ):
        with pytest.raises(TypeError):
            Certificate.from_dict({**plain, **damage})


def test_sums_that_cancel_are_granted_the_digits_they_lose_and_no_more():
    """A column of nearly constant numbers, standardised within W[1]: its terms are 1e5 times their sum."""
    rng = np.random.default_rng(0)
    X = 1e5 + rng.standard_normal((8, 1))
    network = Network(1, [Dense(4, "tanh"), Dense(1, "sigmoid")])
    theta = network.initialize(seed=1)
    theta.b[1][:] = -1e5 * theta.W[1][:, 0]
    y = rng.integers(0, 2, 8)
    found = certify(network, theta, X, y, engine="compiled")
    assert found.holds
    assert 1e-10 < found.tolerance < 1e-7
    plain = certify(network, network.initialize(seed=1), rng.standard_normal((8, 1)), y, engine="compiled")
    assert plain.tolerance == 1e-12
