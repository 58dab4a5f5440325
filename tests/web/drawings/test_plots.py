"""Surfaces, curves and histograms: what is drawn lies where the numbers are."""

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.errors import DataError
from clearprop.formulas.activations import as_activation
from clearprop.web.drawings import (
    Points,
    Surface,
    activation_histograms,
    curves_by_epoch,
    decision_surface,
    fitted_curve,
    gradient_norms,
    layer_histogram,
    loss_curves,
)
from clearprop.web.drawings.contour import contour
from clearprop.web.drawings.epochs import thinned
from clearprop.web.drawings.pixels import png
from drawn import elements, pixels_of, tree, words

GRID = np.linspace(-1, 1, 21)
HEIGHT = GRID[None, :] + 0 * GRID[:, None]  # grows to the right


def raster_of(text):
    (image,) = elements(text, "image")
    return pixels_of(base64.b64decode(image.get("href").partition(",")[2]))


def plot_of(text):
    """Where a number lies: functions of x and y, read from the drawing's own attribute."""
    found = json.loads(tree(text).get("data-plot"))
    x, y = found["x"], found["y"]
    width, height = found["right"] - found["left"], found["bottom"] - found["top"]
    return (
        lambda value: found["left"] + width * (value - x["low"]) / (x["high"] - x["low"]),
        lambda value: found["bottom"] - height * (value - y["low"]) / (y["high"] - y["low"]),
    )


def place_of(mark):
    return tuple(map(float, re.match(r"M([-\d.]+) ([-\d.]+)m", mark.get("d")).groups()))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 8, 3), (2, 9, 4)])
def test_a_picture_has_its_pixels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(png(pixels)), pixels.reshape(*shape[:2], -1))


@given(
    st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=2, max_size=5),
    st.floats(-1, 1),
)
def test_a_contour_lies_between_the_sides(rows, level):
    values = np.array(rows)
    r, c = values.shape
    for (x1, y1), (x2, y2) in contour(np.arange(c), np.arange(r), values, level):
        for x, y in ((x1, y1), (x2, y2)):
            i, j = (int(np.floor(each - 1e-9)) for each in (y, x))  # on an edge, both cells beside it
            near = values[max(i, 0) : int(y + 1e-9) + 2, max(j, 0) : int(x + 1e-9) + 2]
            assert near.min() <= level <= near.max()


def test_the_contour_of_a_plane_is_its_line():
    x, y = np.linspace(0, 2, 9), np.linspace(-1, 1, 7)
    found = contour(x, y, x + 3 * y[:, None], 0.5)
    np.testing.assert_allclose(found[..., 0] + 3 * found[..., 1], 0.5, atol=1e-12)


def test_a_surface_is_blue_above_the_middle_and_fades_towards_it():
    found = raster_of(decision_surface(Surface(GRID, GRID, HEIGHT, middle=0.0))).astype(int)
    assert (found[:, :10, 0] > found[:, :10, 2]).all()  # red over blue: orange
    assert (found[:, 11:, 2] > found[:, 11:, 0]).all()
    assert (np.diff(found[0, :, 3])[:10] <= 0).all()
    assert found[0, 10, 3] == 0
    assert found[0, 0, 3] == found[0, -1, 3] == found[..., 3].max()


def test_the_first_row_of_a_surface_is_at_the_foot():
    found = raster_of(decision_surface(Surface(GRID, GRID, HEIGHT.T, middle=0.0)))
    assert found[0, 0, 2] > found[0, 0, 0]  # large values on top


def test_a_surface_of_classes_shows_the_likeliest():
    p = np.stack([1 - (HEIGHT + 1) / 2, (HEIGHT + 1) / 2, 0 * HEIGHT], -1)
    found = raster_of(decision_surface(Surface(GRID, GRID, p), classes=["a", "b", "c"]))
    assert len({tuple(pixel) for pixel in found[:, :10, :3].reshape(-1, 3)}) == 1
    assert tuple(found[0, 0, :3]) != tuple(found[0, -1, :3])


def test_points_lie_at_their_numbers_and_carry_their_rows():
    points = Points(
        np.array([-0.5, 0.25, np.nan, 7.0]), np.array([0.5, -1.0, 0.0, 0.0]), np.array([0, 1, 0, 1]),
        np.array([True, False, False, False]), np.array([40, 41, 42, 43]),
    )  # fmt: skip
    text = decision_surface(Surface(GRID, GRID, HEIGHT), points, classes=["<no>", "yes"])
    x, y = plot_of(text)
    marks = {each.get("data-row"): each for each in elements(text, "path", "mark") if each.get("data-row")}
    assert set(marks) == {"40", "41"}
    assert place_of(marks["40"]) == pytest.approx((x(-0.5), y(0.5)), abs=0.11)
    assert place_of(marks["41"]) == pytest.approx((x(0.25), y(-1.0)), abs=0.11)
    assert ["held" in each.get("class") for each in marks.values()] == [True, False]
    assert marks["40"].get("d").partition("m")[2] != marks["41"].get("d").partition("m")[2]
    assert "2 of the 4 points are not drawn" in words(text)
    assert {"<no>", "yes", "training", "validation"} <= set(words(text))


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (np.full((21, 21), np.nan), "441 of the 441 values"),
        (np.where(HEIGHT > 0.9, np.inf, HEIGHT), "42 of the 441 values"),
        (np.full((21, 21, 3), np.nan), "1,323 of the 1,323 values"),
        (np.zeros((21, 21)), None),
        (np.full((21, 21), 1e308), None),
    ],
)
def test_a_surface_without_numbers_says_so(values, note):
    text = decision_surface(Surface(GRID, GRID, values, middle=0.0))
    assert any(note in text for text in words(text)) if note else "not a number" not in text
    lost = ~np.isfinite(values if values.ndim == 2 else values[..., 0])[::-1]
    assert not raster_of(text)[lost, 3].any()


def test_a_surface_of_one_point_is_drawn():
    one = np.zeros(1)
    assert raster_of(decision_surface(Surface(one, one, np.ones((1, 1))))).shape == (1, 1, 4)


@pytest.mark.parametrize("shape", [(3, 21), (21,), (0, 21), (21, 21, 2, 2)])
def test_a_surface_that_does_not_fit_its_grid_is_refused(shape):
    with pytest.raises(DataError, match=re.escape(str(shape))):
        decision_surface(Surface(GRID, GRID, np.zeros(shape)))


def test_a_fitted_curve_and_its_points_share_one_scale():
    text = fitted_curve(GRID, GRID**2, Points(GRID[[3]], GRID[[3]] ** 2), names=("<x>", "y"))
    x, y = plot_of(text)
    (mark,) = [each for each in elements(text, "path", "mark") if each.get("data-row")]
    (line,) = elements(text, "polyline")
    assert place_of(mark) == pytest.approx((x(GRID[3]), y(GRID[3] ** 2)), abs=0.11)
    assert f"{place_of(mark)[0]:g},{place_of(mark)[1]:g}" in line.get("points").split()


@pytest.mark.parametrize(("y", "note"), [([], "no value to draw"), ([np.nan, 1.0, np.inf], "2 of 3 answers")])
def test_a_curve_without_numbers_says_so(y, note):
    assert any(note in text for text in words(fitted_curve(np.arange(len(y)), np.array(y))))


def test_thinning_keeps_what_can_be_seen():
    x = np.arange(20_000.0)
    y = np.random.default_rng(0).normal(size=20_000)
    xs, ys = thinned(x, y, 100)
    assert len(xs) <= 400
    column = np.minimum(x / x[-1] * 100, 99).astype(int)
    for k in range(100):
        inside = y[column == k]
        there = ys[np.minimum(xs / x[-1] * 100, 99).astype(int) == k]
        assert (there.min(), there.max(), there[0], there[-1]) == (
            inside.min(),
            inside.max(),
            *inside[[0, -1]],
        )


def test_the_lowest_validation_is_marked_and_read():
    text = loss_curves([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0], [4.0, None, 2.5, 3.0])
    (ring,) = elements(text, "circle", "ring")
    x, y = plot_of(text)
    assert (float(ring.get("cx")), float(ring.get("cy"))) == pytest.approx((x(3), y(2.5)), abs=0.11)
    groups = {each.get("data-series"): each for each in tree(text).iter() if each.get("data-series")}
    assert groups["training"].get("data-values") == "4 3 2 1"
    assert groups["validation"].get("data-epochs") == "1 2 3 4"
    assert not [text for text in words(text) if "number" in text]


def test_a_readout_has_few_points_and_the_last():
    E = np.arange(1, 10_001)
    text = curves_by_epoch(E, {"training": 1 / E}, "loss", scale="log")
    (group,) = [each for each in tree(text).iter() if each.get("data-series")]
    epochs = group.get("data-epochs").split()
    assert len(epochs) == len(group.get("data-values").split()) == 60
    assert (epochs[0], epochs[-1]) == ("1", "10000")


def test_many_epochs_of_many_layers_are_small_to_draw():
    norms = np.exp(np.random.default_rng(0).normal(size=(10_000, 40)))
    text = gradient_norms(np.arange(10_000), norms)
    assert len(elements(text, "polyline")) == 6
    assert len(text) < 120_000
    assert "6 of 40 layers" in text


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        ([1.0, np.nan, np.nan], "linear", "a: not a number at epoch 2"),
        ([1.0, 2.0, -np.inf], "log", "a: minus infinity at epoch 3"),
        ([1.0, 0.0, -1.0], "log", "a: 2 at or below 0 have no place here"),
        ([np.nan, np.nan, np.nan], "log", "a: not a number at epoch 1"),
    ],
)
def test_what_has_no_place_on_the_axis_is_told(values, scale, note):
    text = curves_by_epoch([1, 2, 3], {"a": values}, "loss", scale=scale)
    assert note in words(text)


def test_a_line_of_another_length_is_refused():
    with pytest.raises(DataError, match=r"'a' has shape \(2,\), and there are 3 epochs"):
        curves_by_epoch([1, 2, 3], {"a": [1.0, 2.0]}, "loss")


@given(
    st.lists(st.floats(), min_size=0, max_size=8),
    st.sampled_from(["linear", "log"]),
)
@settings(deadline=None)
def test_any_numbers_can_be_drawn(values, scale):
    epochs = np.arange(1, len(values) + 1)
    tree(loss_curves(epochs, values, values, scale=scale))
    tree(fitted_curve(np.array(values), np.array(values)))
    tree(activation_histograms([layer_histogram("a", [values])]))


def test_a_histogram_counts_every_number_and_what_rests():
    z = np.array([[-2.0, 1.0, -9.0], [-1.0, 3.0, -8.0]])
    layers = [
        layer_histogram("relu <1>", np.maximum(z, 0), z, as_activation("relu")),
        layer_histogram("tanh", np.tanh(z), z, as_activation("tanh")),
    ]
    assert (layers[0].counts.sum(), layers[0].dead, layers[0].saturated) == (6, 2 / 3, None)
    assert (layers[1].dead, layers[1].saturated) == (None, 0.5)
    text = activation_histograms(layers)
    tall = [float(each.get("height")) for each in elements(text, "rect")[: len(layers[0].counts)]]
    np.testing.assert_allclose(tall, layers[0].counts / layers[0].counts.max() * max(tall), atol=0.01)
    assert [each for each in words(text) if "dead" in each or "saturated" in each] == [
        "⚠ 66.7% dead",
        "⚠ 50% saturated",
    ]


def test_numbers_that_are_in_no_bin_are_counted():
    text = activation_histograms(
        [layer_histogram("a", [[1.0, np.nan], [np.inf, 1.0]]), layer_histogram("b", [])]
    )
    assert {"⚠ 2 off the scale", "no values"} <= set(words(text))
