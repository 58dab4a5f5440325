"""The network's drawing: its numbers are the network's, wide layers fold, what is no number is told."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop import Dense, Network, Parameters, trace
from clearprop.errors import SpecificationError
from clearprop.web.drawings import network_drawing
from clearprop.web.drawings.canvas import short
from drawn import SVG, buttons, elements, network_of, passed, tree, words


def line_of(element):
    """The visible line of a weight's button."""
    return next(each for each in element.iter(f"{SVG}path") if "w" in each.get("class").split())


def weights_of(text):
    """(l, row, i) -> the visible line."""
    found = {}
    for name, element in buttons(text).items():
        place = re.fullmatch(r"W\[(\d+)\]\[(\d+),(\d+)\]", name)
        if place:
            found[tuple(map(int, place.groups()))] = line_of(element)
    return found


def label_of(element):
    """The number that a button is labelled with."""
    return float(element.get("aria-label").split(" = ")[1])


@pytest.mark.parametrize("widths", [(1, 1, 2), (2, 3), (4, 5, 3), (12, 12, 12)])
def test_every_unit_weight_and_bias_of_a_small_network_is_there(widths):
    network = network_of(*widths)
    theta, _ = passed(network)
    text = network_drawing(network, theta, lines=200)
    named = set(buttons(text))
    expected = {f"x[{i}]" for i in range(widths[0])}
    for l, (below, n) in enumerate(itertools.pairwise(widths), start=1):
        expected |= {f"W[{l}][{j},{i}]" for j in range(n) for i in range(below)}
        expected |= {f"{kind}[{l}][{j}]" for kind in "ab" for j in range(n)}
    assert named == expected
    assert "more" not in " ".join(words(text))


@pytest.mark.parametrize("view", ["weights", "activations", "gradients"])
def test_labels_are_the_numbers_of_the_pass(view):
    network = network_of(4, 5, 3)
    theta, seen = passed(network)
    found = buttons(network_drawing(network, theta, view=view, seen=seen, example=1))
    derived = view == "gradients"
    W, b = (seen.dW, seen.db) if derived else (theta.W, theta.b)
    for (l, j, i), line in weights_of(
        network_drawing(network, theta, view=view, seen=seen, example=1)
    ).items():
        element = found[f"W[{l}][{j},{i}]"]
        assert label_of(element) == pytest.approx(W[l][j, i], rel=1e-5)
        assert line.get("class").split()[1] == ("k1" if W[l][j, i] < 0 else "k0")
        assert element.get("aria-label").startswith("dC/d" if derived else "W")
    if view == "activations":
        assert not [name for name in found if name.startswith("b")]
        assert [label_of(found[f"a[1][{j}]"]) for j in range(5)] == pytest.approx(seen.a[1][1], rel=1e-5)
        assert [label_of(found[f"x[{i}]"]) for i in range(4)] == pytest.approx(seen.X[1], rel=1e-5)
    else:
        assert [label_of(found[f"b[2][{j}]"]) for j in range(3)] == pytest.approx(b[2], rel=1e-5)
    if derived:
        assert [label_of(found[f"delta[2][{j}]"]) for j in range(3)] == pytest.approx(
            seen.delta[2][1], rel=1e-5
        )
        dx = seen.delta[1][1] @ theta.W[1]
        assert [label_of(found[f"x[{i}]"]) for i in range(4)] == pytest.approx(dx, rel=1e-5)


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_lines_are_the_wider_the_larger(values):
    network = Network(len(values), [Dense(1)])
    theta = Parameters(network, np.array([*values, 0.0]))
    lines = weights_of(network_drawing(network, theta))
    width = {i: float(line.get("stroke-width")) for (_, _, i), line in lines.items()}
    order = sorted(width, key=lambda i: abs(values[i]))
    assert [width[i] for i in order] == sorted(width.values())
    assert len(lines) == len(values)


def test_circles_are_the_fuller_the_larger():
    network = network_of(6, 3)
    theta, seen = passed(network)
    found = buttons(network_drawing(network, theta, view="activations", seen=seen))
    full = [float(found[f"x[{i}]"].find(f"{SVG}circle").get("fill-opacity")) for i in range(6)]
    assert np.argsort(full).tolist() == np.argsort(np.abs(seen.X[0])).tolist()


@pytest.mark.parametrize(
    ("fold", "kept"), [("ends", [0, 1, 2, 17, 18, 19]), ("largest", [3, 5, 8, 9, 11, 13])]
)
def test_a_wide_layer_is_folded(fold, kept):
    network = Network(2, [Dense(20, "tanh"), Dense(1)])
    theta = network.initialize(0)
    theta.W[1][...] *= 1e-3
    theta.W[1][[3, 5, 8, 9, 11, 13]] += 5.0
    text = network_drawing(network, theta, units=7, fold=fold)
    assert [j for j in range(20) if f"a[1][{j}]" in buttons(text)] == kept
    assert "14 more" in words(text)
    assert "layer 1: 6 of 20" in tree(text)[1].text


def test_units_of_a_folded_layer_are_numbered():
    network = Network(20, [Dense(2)], loss="squared_error")
    theta = network.initialize(0)
    seen = trace(network, theta, [np.arange(20) + 0.5], [[0.0, 0.0]])
    asked = {"view": "activations", "seen": seen, "units": 6, "fold": "largest"}
    assert {"15", "16", "17", "18", "19"} <= set(words(network_drawing(network, theta, **asked)))
    named = words(network_drawing(network, theta, **asked, inputs=[f"c{i}" for i in range(18)]))
    assert {"c15c15", "c16c16", "c17c17", "18", "19"} <= set(named)
    assert "17" not in named


def test_of_many_weights_the_largest_are_drawn_and_the_others_counted():
    network = network_of(10, 11, 2)
    theta, _ = passed(network)
    text = network_drawing(network, theta, lines=30)
    drawn = {place[1:] for place in weights_of(text) if place[0] == 1}
    sizes = np.abs(theta.W[1])
    largest = np.argsort(-sizes, axis=None)[:30]
    assert drawn == set(zip(*(each.tolist() for each in np.unravel_index(largest, sizes.shape)), strict=True))
    assert any(text.startswith("30 of 110 weights") for text in words(text))
    assert "W[1]: the largest 30 of 110" in tree(text)[1].text


@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "not a number"), (np.inf, "infinity"), (-np.inf, "minus infinity")]
)
def test_what_is_no_number_is_told_in_a_word(value, word):
    network = network_of(40, 30, 2)
    theta, seen = passed(network)
    theta.W[1][0, 1] = theta.b[1][1] = seen.X[0, 2] = value
    text = network_drawing(network, theta, seen=seen, fold="largest")
    element = buttons(text)["W[1][0,1]"]
    assert element.get("aria-label") == f"W[1][0,1] = {word}"
    assert "odd" in line_of(element).get("class")
    seen = network_drawing(network, theta, view="activations", seen=seen)
    assert short(value) in words(seen)
    assert buttons(seen)["x[2]"].get("aria-label") == f"x[2] = {word}"


def test_of_maxout_the_piece_that_is_taken_is_drawn():
    network = Network(2, [Dense(2, "maxout"), Dense(1)], loss="squared_error")
    theta = network.initialize(0)
    pieces = network.layers[0].activation.pieces
    theta.b[1][...] = np.arange(2 * pieces)  # the last piece of each unit
    seen = trace(network, theta, [[0.0, 0.0]], [1.0])
    rows = {
        row
        for l, row, _ in weights_of(network_drawing(network, theta, view="gradients", seen=seen))
        if l == 1
    }
    assert rows == {pieces - 1, 2 * pieces - 1}
    assert {row for l, row, _ in weights_of(network_drawing(network, theta)) if l == 1} == {0, pieces}


def test_a_wide_network_is_small_to_draw():
    network = Network(784, [Dense(2048, "relu"), Dense(2048, "relu"), Dense(10, "softmax")])
    theta = Parameters(network, np.random.default_rng(0).normal(size=network.n_parameters).astype(np.float32))
    for fold in ("ends", "largest"):
        assert len(network_drawing(network, theta, fold=fold).encode()) < 200_000
    deep = network_of(64, *[64] * 30, 10)
    assert len(network_drawing(deep, passed(deep)[0]).encode()) < 600_000


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"view": "activations"}, "wants a pass"),
        ({"view": "gradients"}, "wants seen="),
        ({"view": "colours"}, "not 'colours'"),
        ({"units": 2}, "whole number from 3"),
        ({"view": "activations", "example": 3}, "examples 0 to 2, and not 3"),
    ],
)
def test_what_is_missing_is_said(asked, message):
    network = network_of(2, 3)
    theta, seen = passed(network)
    given = {"seen": seen} if "example" in asked else {}
    with pytest.raises(SpecificationError, match=re.escape(message)):
        network_drawing(network, theta, **asked, **given)


def test_gradients_of_a_batch_have_no_deltas():
    network = network_of(2, 3)
    theta, seen = passed(network)
    text = network_drawing(network, theta, view="gradients", gradient=seen.gradient)
    assert buttons(text)["delta[1][0]"].get("aria-label") == "delta[1][0]"
    assert label_of(buttons(text)["W[1][2,1]"]) == pytest.approx(seen.dW[1][2, 1], rel=1e-5)
    assert len(elements(text, "circle")) == 5


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_a_short_number_is_short_and_near(value):
    found = short(value)
    assert len(found) <= (6 if 1e-99 < abs(value) < 1e99 or not value else 7)
    assert float(found.replace("−", "-")) == pytest.approx(value, rel=0.51)
