"""Towers keep within epsilon, their bounds hold on points of their own, and what cannot be is refused."""

import math
import re

import numpy as np
import pytest

import clearprop as cp
from clearprop.constructions.built import share_near_corners
from clearprop.glassbox.render.bands import standalone

KINDS = [(kind, spacing) for kind in ("sigmoid", "relu") for spacing in ("even", "adaptive")]

#: name: f, domain, what is known of its change
FUNCTIONS = {
    "line": (lambda x: 2 * x - 1, (-1, 2), {"lipschitz": 2}),
    "constant": (lambda x: 3.5, (0, 1), {"lipschitz": 0}),
    "sine": ("sin(3*x)", (0, 3), {"lipschitz": 3}),
    "parabola": ("x**2", (-1, 1), {"lipschitz": 2}),
    "bell": ("exp(-x**2)", (-3, 3), {"lipschitz": math.sqrt(2 / math.e)}),
    "kink": (abs, (-1, 1), {"lipschitz": 1}),
    "sawtooth": (lambda x: abs(4 * x - math.floor(4 * x) - 0.5), (0, 1), {"lipschitz": 4}),
    "clipped": (lambda x: min(max(x, -0.3), 0.5), (-1, 1), {}),
    "steep": ("tanh(20*x)", (-1, 1), {"lipschitz": 20}),
    "root": ("sqrt(x)", (0, 1), {"modulus": math.sqrt}),
    "cusp": (lambda x: np.abs(x) ** (2 / 3), (-1, 1), {"modulus": lambda h: h ** (2 / 3)}),
    "chirp": (lambda x: x * np.sin(1 / x) if x else 0.0, (0.02, 1), {}),
    "far away": (lambda x: np.sin(x - 1e6), (1e6, 1e6 + 2), {"lipschitz": 1}),
    "tiny": (lambda x: 1e-8 * np.cos(1e4 * x), (0, 1e-3), {}),
}


def size_of(f, domain):
    x = np.linspace(*domain, 1001)
    values = np.array([value_of(f, each) for each in x])
    return values.max() - values.min() or 1.0


def value_of(f, x):
    """f(x) by Python alone."""
    if isinstance(f, str):
        names = {name: getattr(math, name) for name in ("sin", "exp", "tanh", "sqrt")}
        return eval(f, {"__builtins__": {}}, {**names, "x": float(x)})
    return float(f(x))


@pytest.mark.parametrize("share", [0.2, 0.1, 0.04])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_within_the_bound_and_the_bound_within_epsilon(name, share):
    f, domain, known = FUNCTIONS[name]
    epsilon = share * size_of(f, domain)
    units = {}
    for kind, spacing in KINDS:
        built = cp.towers(f, domain, epsilon, kind=kind, spacing=spacing, most_units=20_000, **known)
        (edges,) = built.edges
        pieces = len(edges) - 1
        x = np.interp(np.arange(50 * pieces + 1) / 50, np.arange(pieces + 1), edges)
        x = np.concatenate([x, np.random.default_rng(0).uniform(*domain, 1000)])
        if len(x) > 20_000:
            x = np.random.default_rng(1).choice(x, 20_000, replace=False)
        y = np.array([value_of(f, each) for each in x])
        error = np.abs(built.model.predict(x[:, None])[:, 0] - y).max()
        assert error <= built.bound + 1e-9 * np.abs(y).max()
        assert built.bound <= epsilon * (1 + 1e-9)
        assert built.measured.holds
        assert built.modulus.estimated == (not known)
        units[kind, spacing] = built.units
    assert units["relu", "even"] <= units["sigmoid", "even"]
    assert units["relu", "adaptive"] <= units["sigmoid", "adaptive"]


def test_adaptive_spacing_takes_fewer_units_where_a_function_is_flat_for_long():
    for kind in ("sigmoid", "relu"):
        even, adaptive = (
            cp.towers("tanh(20*x)", (-1, 1), 0.05, lipschitz=20, kind=kind, spacing=spacing)
            for spacing in ("even", "adaptive")
        )
        assert adaptive.units < even.units / 5


def test_both_engines_and_a_saved_file_give_the_same_curve(tmp_path):
    x = np.linspace(0, 3, 500)[:, None]
    for kind in ("sigmoid", "relu"):
        built = cp.towers("sin(3*x)", (0, 3), 0.1, kind=kind)
        textbook = cp.forward(built.model.network, built.model.theta, x, engine="textbook")
        np.testing.assert_allclose(built.model.predict(x), textbook, atol=1e-12)
        assert built.verify(engine="textbook").error == pytest.approx(built.measured.error, abs=1e-12)
        built.model.save(tmp_path / "towers.safetensors")
        again = cp.load(tmp_path / "towers.safetensors")
        np.testing.assert_array_equal(again.predict(x), built.model.predict(x))


def test_a_tower_is_the_difference_of_its_two_sigmoids():
    built = cp.towers("sin(3*x)", (0, 3), 0.3)
    (edges,) = built.edges
    seen = built.model.trace(((edges[3] + edges[4]) / 2)[None, None])
    a, W = seen.a[1][0], built.model.theta.W[2][0]
    np.testing.assert_allclose(a[0::2] - a[1::2], np.eye(len(edges) - 1)[3], atol=1e-9)
    np.testing.assert_allclose(W[0::2], -W[1::2])
    np.testing.assert_allclose(built.level + W[0::2], built.heights)
    assert seen.derive("z[2][0]").value == pytest.approx(built.heights[3], abs=1e-6)


@pytest.mark.parametrize("kind", ["sigmoid", "relu"])
def test_a_built_network_is_trained_further(kind):
    built = cp.towers("sin(3*x)", (0, 3), 0.3, kind=kind)
    X = np.linspace(0, 3, 400)[:, None]
    y = np.sin(3 * X[:, 0])
    before = built.model.evaluate(X, y)["loss"]
    options = {"optimizer": cp.Adam(1e-4), "initial": built.model.theta, "progress": False}
    assert cp.train(built.model.network, X, y, **options).evaluate(X, y)["loss"] < before


@pytest.mark.parametrize(("kind", "spacing"), KINDS)
def test_a_spoiled_parameter_is_found(kind, spacing):
    built = cp.towers("sin(3*x)", (0, 3), 0.1, kind=kind, spacing=spacing)
    W, b = built.model.theta.W, built.model.theta.b
    k = 1 + int(np.abs(W[2][0, 1:]).argmax())  # the first knot may lie at 0
    for view, place, change in ((W[2], (0, k), 0.5), (b[2], 0, 0.2), (W[1], (k, 0), None), (b[1], k, None)):
        right = view[place]
        view[place] = -right if change is None else right + change
        assert not built.verify().holds
        view[place] = right
    assert built.verify().holds
    built.model.theta.b[2][0] = np.nan
    assert not built.verify().holds


#: f of several inputs, its domain, epsilon, Lipschitz constant
SEVERAL = [
    ("x * y", [(0, 1), (0, 1)], 0.2, math.sqrt(2)),
    (lambda x, y: np.sin(3 * x) * y, [(0, 1), (-1, 1)], 0.4, None),
    (lambda x, y: abs(x) + math.cos(y), [(-1, 1), (0, 2)], 0.3, math.sqrt(2)),
    (lambda x, y: 1.0, [(0, 1), (0, 1)], 0.1, 0.0),
    ("x * y * z", [(0, 1), (0, 1), (0, 0.5)], 0.4, math.sqrt(3)),
]


@pytest.mark.parametrize(("f", "domain", "epsilon", "lipschitz"), SEVERAL)
def test_several_inputs_keep_the_bound_outside_of_corners(f, domain, epsilon, lipschitz):
    built = cp.towers(f, domain, epsilon, lipschitz=lipschitz)
    assert built.bound <= epsilon
    generator = np.random.default_rng(0)
    low, high = np.array(domain, dtype=float).T
    X = generator.uniform(low, high, (20_000, len(domain)))
    for d, edges in enumerate(built.edges):  # a third of the points beside a line
        rows = slice(d * 3000, (d + 1) * 3000)
        if len(edges) > 2:
            X[rows, d] = generator.choice(edges[1:-1], 3000) + generator.uniform(-1, 1, 3000) * 2 * built.blur
    near = [
        np.abs(X[:, d, None] - edges[1:-1]).min(axis=1, initial=np.inf) < built.blur
        for d, edges in enumerate(built.edges)
    ]
    corner = np.sum(near, axis=0) > 1
    error = np.abs(built.model.predict(X)[:, 0] - built.f(X))
    assert error[~corner].max() <= built.bound + 1e-12
    inside = generator.uniform(low, high, (200_000, len(domain)))
    crossings = sum(
        np.abs(inside[:, d, None] - edges[1:-1]).min(axis=1, initial=np.inf) < 10 * built.blur
        for d, edges in enumerate(built.edges)
    )
    wide = share_near_corners(built.edges, 10 * built.blur)
    assert np.mean(crossings > 1) == pytest.approx(wide, rel=0.1, abs=1e-4)


def test_the_holes_at_corners_are_there_and_are_told():
    built = cp.towers("x * y", [(0, 1), (0, 1)], 0.2, lipschitz=math.sqrt(2))
    assert built.measured.corners > built.epsilon
    assert "at the corners of cells" in str(built)
    corner = np.array([[built.edges[0][1], built.edges[1][1]]])
    assert built.model.predict(corner)[0, 0] == pytest.approx(built.level, abs=1e-3)


def test_a_tower_of_two_inputs_is_four_sigmoids_and_a_threshold():
    built = cp.towers("x * y", [(0, 1), (0, 1)], 0.2, lipschitz=math.sqrt(2))
    counts = (built.model.theta.W[2] != 0).sum(axis=1)
    assert (counts == 4).all()
    middle = [[(each[1] + each[2]) / 2 for each in built.edges]]
    towers = built.model.trace(middle).a[2][0].reshape(built.heights.shape)
    assert towers[1, 1] > 0.99
    assert towers.sum() == pytest.approx(1, abs=0.01)


#: what is given, a piece of what is said
REFUSED = [
    (("x", (0, 1), 0), {}, cp.SpecificationError, "epsilon is a number above 0"),
    (("x", (0, 1), math.nan), {}, cp.SpecificationError, "epsilon is a number above 0"),
    (("x", (1, 0), 0.1), {}, cp.SpecificationError, "from 1 to 0 is empty"),
    (("x", (1, 1), 0.1), {}, cp.SpecificationError, "empty"),
    (("x", (0, math.inf), 0.1), {}, cp.SpecificationError, "endless"),
    (("x", (0, 1e-300), 1e-302), {}, cp.SpecificationError, "no room to compute in"),
    (("x", (-1e300, 1e300), 1e299), {}, cp.SpecificationError, "no room to compute in"),
    (("x", 3, 0.1), {}, cp.SpecificationError, "domain is (low, high)"),
    (("x", [(0, 1)] * 7, 0.1), {}, cp.SpecificationError, "at most 6"),
    (("x + t", (0, 1), 0.1), {}, cp.FormulaError, "uses t, which it is not given"),
    ((7, (0, 1), 0.1), {}, cp.SpecificationError, "f is a function or a formula"),
    (("x", (0, 1), 0.1), {"kind": "tanh"}, cp.SpecificationError, "kind is one of 'sigmoid', 'relu'"),
    (("x", (0, 1), 0.1), {"spacing": "odd"}, cp.SpecificationError, "spacing is one of"),
    (("x", [(0, 1)] * 2, 0.1), {"kind": "relu"}, cp.SpecificationError, "built for one input"),
    (("x", (0, 1), 0.1), {"most_units": 0}, cp.SpecificationError, "most_units"),
    (("x", (0, 1), 0.1), {"lipschitz": "1"}, cp.SpecificationError, "lipschitz is a number from 0"),
    (("x", (0, 1), 0.1), {"lipschitz": -1}, cp.SpecificationError, "lipschitz is a number from 0"),
    (("x", (0, 1), 0.1), {"lipschitz": 1, "modulus": abs}, cp.SpecificationError, "give one of them"),
    (("x", (0, 1), 0.1), {"modulus": 3}, cp.SpecificationError, "modulus is a function of a distance"),
    (("x", (0, 1), 0.1), {"modulus": lambda h: -h}, cp.SpecificationError, "must be a number from 0"),
    (("x", (0, 1), 0.1), {"modulus": lambda h: 1 / 0}, cp.SpecificationError, "ZeroDivisionError"),
    (("x", (0, 1), 1e-4), {}, cp.SpecificationError, "more than the 2,000"),
    (("x * y", [(0, 1)] * 2, 1e-2), {}, cp.SpecificationError, "hidden units would be needed"),
    (("x", (0, 1), 1e-8), {"spacing": "adaptive"}, cp.SpecificationError, "samples of f"),
    (("x", (1e12, 1e12 + 1), 0.1), {}, cp.SpecificationError, "shift the domain nearer to 0"),
    (("log(x)", (0, 1), 0.1), {}, cp.DataError, "f(0) is -inf; towers need a function that is finite"),
    (("sqrt(x)", (-1, 1), 0.1), {}, cp.DataError, "f(-1) is nan"),
    ((lambda x: 1 / x, (-1, 1), 0.1), {}, cp.DataError, "f(0) is inf"),
    ((lambda x: math.log(x), (0, 1), 0.1), {}, cp.DataError, "f(0) fails (ValueError"),
    ((lambda x: (x, x), (0, 1), 0.1), {}, cp.DataError, "one number as its value"),
    ((lambda x: x + 1j, (0, 1), 0.1), {}, cp.DataError, "no real number"),
    ((lambda x: None, (0, 1), 0.1), {}, cp.DataError, "no real number"),
    (("sin(100000*x)", (0, 10), 0.1), {}, cp.DataError, "give lipschitz="),
    (("floor(3*x)", (0, 1), 0.1), {}, cp.DataError, "f jumps by 1 at about x = (0.333333)"),
    (("where(y > 0.25, x, 0)", [(0.5, 1), (0, 1)], 0.1), {}, cp.DataError, "about x = (1, 0.25)"),
    (("floor(3*x)", (0, 1), 0.1), {"lipschitz": 5}, cp.DataError, "give a larger one"),
    (("5*x", (0, 1), 0.1), {"lipschitz": 4}, cp.DataError, "a slope of 5"),
    (("5*x", (0, 1), 0.1), {"modulus": lambda h: min(5 * h, 0.05)}, cp.DataError, "f changes faster there"),
    (("5*x", (0, 1), 0.1), {"modulus": lambda h: 1 + 5 * h}, cp.DataError, "must go to 0"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "options", "error", "said"), REFUSED)
def test_what_cannot_be_built_is_refused(given, options, error, said):
    with pytest.raises(error, match=re.escape(said)):
        cp.towers(*given, **options)


@pytest.mark.parametrize(("kind", "spacing"), KINDS)
def test_the_picture_has_every_tower_and_stays_inside(kind, spacing):
    built = cp.towers("sin(3*x)", (0, 3), 0.3, kind=kind, spacing=spacing)
    svg = built.svg()
    lines = re.findall(r'<polyline points="([^"]*)"', svg)
    assert len(lines) == built.heights.size + 2
    for line in lines:
        places = np.array([each.split(",") for each in line.split()], dtype=float)
        assert (places >= 0).all()
        assert (places <= (720, 358)).all()
    assert "nan" not in svg
    assert standalone(svg).startswith("<svg")


def test_the_picture_of_several_inputs_is_a_section():
    built = cp.towers("x * y", [(0, 1), (0, 1)], 0.2, lipschitz=math.sqrt(2))
    assert "x[1] = 0.25" in built.svg(at=(0.5, 0.25))
    for at in ((0.5,), (0.5, 2.0)):
        with pytest.raises(cp.SpecificationError, match="at is a point of the domain"):
            built.svg(at=at)
