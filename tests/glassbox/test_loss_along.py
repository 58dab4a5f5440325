"""The loss along one parameter: its tangent is the gradient, its kinks are where units switch."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import clearprop as cp
from clearprop.formulas.activations import activations
from clearprop.glassbox.slopes import slope_share
from clearprop.specification import Dense, Network, Parameters
from networks import PAIR_IDS, PAIRS, random_case


def at_value(theta, name, value):
    """Parameters with one of them at another value."""
    moved = theta.astype(np.float64)
    exec(f"theta.{name} = value", {"theta": moved, "value": value})
    return moved


def wrong_slopes(network, X, Y, theta, along, engine="textbook"):
    """Points of the way, the present one included, whose loss or slope is not the engine's."""
    points = zip(along.values, along.losses, along.slopes, strict=True)
    for value, loss, slope in [(along.at, along.loss, along.slope), *points]:
        moved = at_value(theta, along.name, value)
        other, gradient = cp.gradient(network, moved, X, Y, engine=engine)
        own = eval(f"gradient.{along.name}", {"gradient": gradient})
        if not (np.isclose(loss, other, rtol=1e-10) and np.isclose(slope, own, rtol=1e-9, atol=1e-12)):
            yield value


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=PAIR_IDS)
def test_the_curve_and_its_slopes_are_the_engines(output, loss):
    case = random_case(output, loss, (activations["tanh"],), seed=3)
    for name in ("W[1][1,0]", "W[2][0,1]"):
        along = cp.loss_along(case.network, case.theta, case.X, case.Y, name, span=0.5, points=5)
        assert list(wrong_slopes(case.network, case.X, case.Y, case.theta, along)) == []
    assert along.values[0] == pytest.approx(along.at - 0.5)
    assert along.values[-1] == pytest.approx(along.at + 0.5)


def relu_case(seed=0, examples=8):
    rng = np.random.default_rng(seed)
    network = Network(2, [Dense(3, "relu"), Dense(2, "relu"), Dense(1)], loss="half_squared_error", l2=0.1)
    theta = Parameters(network, rng.normal(0, 1, network.n_parameters))
    return network, theta, rng.normal(0, 1, (examples, 2)), rng.normal(0, 1, examples)


def test_a_wrong_slope_is_noticed():
    network, theta, X, y = relu_case()
    along = cp.loss_along(network, theta, X, y, "W[1][0,1]", points=9)
    assert list(wrong_slopes(network, X, y, theta, along)) == []
    assert list(wrong_slopes(network, X, y, theta, replace(along, slope=along.slope + 1e-6))) == [along.at]
    assert len(list(wrong_slopes(network, X, y, theta, replace(along, slopes=-along.slopes)))) > 0


def misplaced(network, theta, X, along):
    """Kinks at which no such unit's z is 0, changing its sign there."""
    for crossing in along.crossings:
        l, j = (int(k) for k in crossing.where[2:-1].split("]["))
        x = X[crossing.example : crossing.example + 1]
        below, on, above = (
            cp.trace(network, at_value(theta, along.name, crossing.value + step), x).z[l][0, j]
            for step in (-1e-6, 0.0, 1e-6)
        )
        if abs(on) > 1e-9 or below * above > 0:
            yield crossing


@pytest.mark.parametrize("name", ["W[1][0,1]", "b[1][2]", "W[2][1,0]"])
def test_kinks_are_where_z_changes_its_sign_and_none_is_missed(name):
    kinks = 0
    for seed in range(5):
        network, theta, X, y = relu_case(seed)
        along = cp.loss_along(network, theta, X, y, name, span=3.0)
        kinks += len(along.crossings)
        assert list(misplaced(network, theta, X, along)) == []
        found = {(each.where, each.example) for each in along.crossings}
        ends = [cp.trace(network, at_value(theta, name, value), X).z for value in along.values[[0, -1]]]
        for l in (1, 2):  # between the ends of the way, an odd number of sign changes is at least one
            for example, unit in np.argwhere(ends[0][l] * ends[1][l] < 0).tolist():
                assert (f"a[{l}][{unit}]", example) in found
    assert kinks > 10


def test_a_kink_in_the_wrong_place_is_noticed():
    network, theta, X, y = relu_case()
    along = cp.loss_along(network, theta, X, y, "W[1][0,1]", span=3.0)
    first, *others = along.crossings
    moved = replace(first, value=first.value + 1e-4)
    assert list(misplaced(network, theta, X, replace(along, crossings=(moved, *others)))) == [moved]


def test_the_slope_jumps_at_a_kink_and_nowhere_else():
    network, theta, X, y = relu_case(examples=1)
    along = cp.loss_along(network, theta, X, y, "W[1][0,0]", span=6.0, points=2001)
    jumps = np.abs(np.diff(along.slopes)) > 20 * np.median(np.abs(np.diff(along.slopes))) + 1e-9
    places = along.values[:-1][jumps]
    for place in places:
        assert any(place <= each.value <= place + 0.02 for each in along.crossings)


def test_other_kinks_have_their_names():
    X, signs = [[1.0]], [1]
    hinge = Network(1, [Dense(1, bias=False)], loss="hinge", l1=0.1)
    along = cp.loss_along(hinge, Parameters(hinge, np.array([0.4])), X, signs, "W[1][0,0]")
    assert [str(each) for each in along.crossings] == [
        "W[1][0,0] itself (L1) at 0",
        "the loss of y_hat[0] at 1 (example 0)",
    ]
    clipped = Network(1, [Dense(1, "hard_sigmoid", bias=False), Dense(1)])
    theta = Parameters(clipped, np.array([0.4, 1.0, 0.0]))
    along = cp.loss_along(clipped, theta, X, [1.0], "W[1][0,0]", span=(-5.0, 5.0))
    assert [(each.where, round(each.value, 12)) for each in along.crossings] == [
        ("a[1][0]", -3.0),
        ("a[1][0]", 3.0),
    ]
    largest = Network(1, [Dense(1, cp.Maxout(3), bias=False), Dense(1)])
    theta = Parameters(largest, np.array([0.0, 1.0, 2.0, 1.0, 0.0]))
    along = cp.loss_along(largest, theta, X, [1.0], "W[1][0,0]", span=5.0)
    assert [round(each.value, 12) for each in along.crossings] == [2.0]  # at 1 it only leaves the smallest


def loud(network, theta, X, along):
    """Stretches inside which the unit's slope is not small for some example."""
    for stretch in along.stretches:
        place = stretch.unit[2:-1].split("][")
        l, j = (network.depth, int(stretch.unit[6:-1])) if "y_hat" in stretch.unit else map(int, place)
        for value in along.values:
            seen = cp.trace(network, at_value(theta, along.name, value), X)
            row = network.layers[l - 1].activation
            share = slope_share(row, seen.z[l][:, j], seen.a[l][:, j]).max()
            small = share == 0 if stretch.word == "off" else share < 0.01
            if stretch.start <= value <= stretch.stop and not small:
                yield stretch
                break


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "hard_sigmoid", "softplus"])
def test_stretches_are_where_a_units_slope_is_small(activation):
    network = Network(1, [Dense(2, activation), Dense(1)])
    theta = Parameters(network, np.array([0.3, 0.7, 0.1, -0.1, 1.0, 1.0, 0.0]))
    X, y = [[1.0], [2.0]], [1.0, 0.0]
    along = cp.loss_along(network, theta, X, y, "W[1][0,0]", span=20.0, points=101)
    assert {stretch.unit for stretch in along.stretches} == {"a[1][0]"}
    expected = {"relu": {"off"}, "hard_sigmoid": {"off"}}.get(activation, {"saturated"})
    assert {stretch.word for stretch in along.stretches} == expected
    assert list(loud(network, theta, X, along)) == []
    quiet = along.stretches[0]
    wider = replace(quiet, stop=quiet.stop + 5.0)
    assert list(loud(network, theta, X, replace(along, stretches=(wider,)))) == [wider]


def test_a_saturated_softmax_is_told():
    network = Network(1, [Dense(2, "softmax")])
    along = cp.loss_along(network, network.initialize(), [[1.0]], [0], "b[1][0]", span=12.0)
    assert {stretch.unit for stretch in along.stretches} == {"y_hat[0]", "y_hat[1]"}
    assert len(along.stretches) == 4


def test_the_picture_has_the_curve_the_tangent_and_every_kink():
    network, theta, X, y = relu_case()
    along = cp.loss_along(network, theta, X, y, "W[1][0,1]", span=3.0)
    drawing, name = ElementTree.fromstring(along.svg()), "{http://www.w3.org/2000/svg}"
    (curve,) = drawing.findall(f"{name}polyline")
    points = np.array([list(map(float, pair.split(","))) for pair in curve.get("points").split()])
    assert len(points) == len(along.values)
    (tangent,) = (line for line in drawing.findall(f"{name}line") if line.get("stroke-dasharray") == "7 4")
    x1, y1, x2, y2 = (float(tangent.get(k)) for k in ("x1", "y1", "x2", "y2"))
    across = (points[-1, 0] - points[0, 0]) / (along.values[-1] - along.values[0])
    top, bottom = np.argmin(points[:, 1]), np.argmax(points[:, 1])
    down = (points[top, 1] - points[bottom, 1]) / (along.losses[top] - along.losses[bottom])
    assert (y2 - y1) / down / ((x2 - x1) / across) == pytest.approx(along.slope, rel=1e-2, abs=1e-3)
    titles = {title.text for title in drawing.iter(f"{name}title")}
    assert {str(each) for each in along.crossings} <= titles
    assert {str(each) for each in along.stretches} <= titles
    texts = [text.text for text in drawing.iter(f"{name}text")]
    assert any(along.crossings[0].where == text for text in texts)
    width, height = (float(drawing.get(side)) for side in ("width", "height"))
    for line in drawing.iter(f"{name}line"):
        assert all(0 <= float(line.get(k)) <= width for k in ("x1", "x2"))
        assert all(0 <= float(line.get(k)) <= height for k in ("y1", "y2"))


def test_of_many_kinks_the_nearest_are_drawn_and_the_others_counted():
    network, theta, X, y = relu_case(examples=200)
    along = cp.loss_along(network, theta, X, y, "W[1][0,1]", span=3.0)
    count = len(along.crossings)
    assert count > 100
    assert f"and on {count - 12} kinks farther away" in str(along)
    drawing = along.svg()
    assert f"{count - 40} kinks farther away are not drawn" in drawing
    assert drawing.count('stroke-dasharray="2 3"') == 40
    assert drawing.count('stroke-dasharray="7 4"') == drawing.count("<circle") == 1
    farthest = max(along.crossings, key=lambda each: abs(each.value - along.at))
    nearest = min(along.crossings, key=lambda each: abs(each.value - along.at))
    assert str(nearest) in drawing
    assert str(farthest) not in drawing


def test_a_model_has_it_by_its_labels():
    X, labels = np.random.default_rng(0).normal(size=(20, 2)), np.array([0, 1] * 10)
    network = Network(2, [Dense(3, "relu"), Dense(1, "sigmoid")])
    model = cp.train(network, X, labels, epochs=1, engine="textbook", progress=False)
    along = model.loss_along(X, labels, "W[1][0,0]", span=1.0, points=3)
    direct = cp.loss_along(model.network, model.theta, X, labels, "W[1][0,0]", span=1.0, points=3)
    assert along.svg() == direct.svg()
    assert f"C along {along.name}" in str(along)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a[1][0]", {}, "is no parameter"),
        ("W[9][0,0]", {}, "there are layers 1 to 3"),
        ("W[1][0,7]", {}, "index 7 is beyond the last, 1"),
        ("b[1][3]", {}, "index 3 is beyond the last, 2"),
        ("nonsense", {}, "names no number"),
        ("b[1][0]", {"points": 1}, "points is a whole number from 2"),
        ("b[1][0]", {"span": 0.0}, "span is a number above 0"),
        ("b[1][0]", {"span": "wide"}, "span is a number above 0"),
        ("b[1][0]", {"span": (1.0, 2.0, 3.0)}, "span is a number above 0"),
        ("b[1][0]", {"span": (2.0, 1.0)}, "in that order"),
    ],
)
def test_what_is_wrong_is_said(name, options, words):
    network, theta, X, y = relu_case()
    with pytest.raises(cp.SpecificationError, match=words):
        cp.loss_along(network, theta, X, y, name, **options)
