"""Confusion and mistaken pictures, what makes up a unit, what an update changes."""

import base64
import re

import numpy as np
import pytest

from clearprop import Dense, Network
from clearprop.errors import DataError, SpecificationError
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.whole_pass import whole_pass
from clearprop.web.drawings import (
    Change,
    Picture,
    confusion_table,
    neighbourhood,
    picture_tiles,
    update_arrows,
)
from drawn import SVG, buttons, network_of, passed, pixels_of, tree, words

COUNTS = np.array([[8, 2, 0], [0, 0, 0], [1, 3, 996]])


def cells_of(text):
    """(truth, answer) -> the cell."""
    return {(int(c.get("data-truth")), int(c.get("data-answer"))): c for c in tree(text).iter("td")}


def test_a_table_holds_its_counts_and_shades_grow_with_the_share():
    found = cells_of(confusion_table(COUNTS, ["a", "b", "c"]))
    assert {place: int(cell.text.replace(",", "")) for place, cell in found.items()} == dict(
        np.ndenumerate(COUNTS)
    )
    assert [found[0, j].get("class") for j in range(3)] == ["hit8 right", "miss2", "none"]
    assert found[2, 2].get("class") == "hit9 right"
    assert {found[1, j].get("class") for j in range(3)} == {"none"}


def test_a_table_has_headings_for_both_sides():
    root = tree(confusion_table(COUNTS, ["a", "<b>", "c"]))
    heads = [(each.get("scope"), each.text) for each in root.iter("th")]
    assert heads[1:4] == [("col", "a"), ("col", "<b>"), ("col", "c")]
    assert heads[4:] == [("row", "a"), ("row", "<b>"), ("row", "c")]
    assert "1,004 of 1,010 right (99.4%)" in next(root.iter("caption")).text


def test_of_many_classes_those_with_the_most_mistakes_are_shown():
    counts = np.eye(30, dtype=int) * 9
    counts[25, 29] = 4
    text = confusion_table(counts, [f"c{k}" for k in range(30)])
    found = cells_of(text)
    assert len(found) == 400
    assert int(found[25, 29].text) == 4
    assert "the 20 of 30 classes with the most mistakes" in text


@pytest.mark.parametrize(("counts", "labels"), [(np.zeros((2, 3)), "ab"), (np.zeros((2, 2)), "abc")])
def test_a_table_that_does_not_fit_its_labels_is_refused(counts, labels):
    with pytest.raises(DataError, match=f"a confusion of {len(labels)} classes"):
        confusion_table(counts, labels)


def test_empty_answers_are_said_in_words():
    assert "no class" in confusion_table(np.zeros((0, 0), int), [])
    assert "no rows" in confusion_table(np.zeros((2, 2), int), ["a", "b"])
    assert "no mistaken picture" in picture_tiles([])


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (28, 28)])
def test_a_tile_is_its_picture(shape):
    pixels = np.random.default_rng(0).integers(0, 17, shape).astype(float)
    pixels[0, 0] = np.nan
    root = tree(picture_tiles([Picture(pixels, "3", "<8>", 12, 0.91234)], high=16.0))
    (image,) = root.iter("img")
    found = pixels_of(base64.b64decode(image.get("src").partition(",")[2]))[..., 0]
    np.testing.assert_array_equal(found, np.round(255 * np.nan_to_num(pixels) / 16))
    assert image.get("alt") == "row 12: true 3, answered <8> (91.2%)"
    assert next(root.iter("button")).get("data-row") == "12"


def bars_of(text):
    """Name of a term -> its value as labelled, and the bar's signed length."""
    found = {}
    for element in tree(text).iter(f"{SVG}g"):
        bar = next(each for each in element.iter(f"{SVG}rect") if "bar" in each.get("class").split())
        sign = -1 if "k1" in bar.get("class") else 1
        found["".join(next(element.iter(f"{SVG}text")).itertext())] = (
            sign * float(bar.get("width")),
            element,
        )
    return found


@pytest.mark.parametrize(("layer", "terms"), [(1, 30), (1, 4), (2, 2), (2, 5)])
def test_the_terms_of_a_unit_add_up_to_its_z(layer, terms):
    network = network_of(9, 5, 3)
    _, seen = passed(network)
    found = bars_of(neighbourhood(seen, layer, 1, example=1, terms=terms))
    z = float(seen.z[layer][1, 1])
    sums = {f"z[{layer}][1]", f"a[{layer}][1]"}
    lengths = {name: long for name, (long, _) in found.items()}
    scale = lengths[f"z[{layer}][1]"] / z
    assert sum(long for name, long in lengths.items() if name not in sums) / scale == pytest.approx(
        z, abs=0.7 / scale
    )
    products = seen.theta.W[layer][1] * seen.x[layer][1]
    n = len(products)
    assert len(found) == 3 + (n if n <= terms + 1 else terms + 1)
    named = [name for name in found if name not in sums and not name.startswith(("the other", "bias"))]
    order = np.argsort(-np.abs(products))[: len(named)]
    base = "x" if layer == 1 else "a[1]"
    assert named == [f"{base}[{i}]" for i in order]


def test_each_term_is_a_button():
    _, seen = passed(network_of(2, 3, 2))
    named = buttons(neighbourhood(seen, 1, 2, inputs=["<b>", "c"]))
    assert set(named) == {"W[1][2,0]", "W[1][2,1]", "b[1][2]", "z[1][2]", "a[1][2]"}
    assert named["z[1][2]"].get("aria-label") == f"z[1][2]: sum = {seen.z[1][0, 2]:.6g}"


def test_a_unit_without_bias_that_overflowed_is_drawn():
    network = Network(2, [Dense(1, "identity", bias=False)])
    theta = network.initialize(0)
    theta.W[1][...] = 1e300
    text = neighbourhood(whole_pass(network, theta, [[1e300, 1.0]]), 1, 0)
    assert words(text).count("inf") == 3
    assert "b[1][0]" not in buttons(text)


@pytest.mark.parametrize(
    ("layer", "row", "example"), [(0, 0, 0), (3, 0, 0), (1, 5, 0), (1, 0, 3), (1, -1, 0)]
)
def test_a_unit_that_is_not_there_is_refused(layer, row, example):
    _, seen = passed(network_of(9, 5, 3))
    with pytest.raises(SpecificationError):
        neighbourhood(seen, layer, row, example=example)


def test_arrows_are_as_long_as_the_changes():
    by = {"C": -0.5, "b[1][0]": 0.25, "W[1][0,1]": 0.0, "a[1][0]": np.nan}
    quantities = [Quantity("C"), Quantity("b", 1, (0,)), Quantity("W", 1, (0, 1)), Quantity("a", 1, (0,))]
    text = update_arrows([Change(q, 1.0, 1.0 + by[q.text]) for q in quantities])
    ends = {
        name: re.match(r"M([\d.]+) [\d.]+H([\d.]+)", next(each.iter(f"{SVG}path")).get("d")).groups()
        for name, each in buttons(text).items()
    }
    long = {name: float(stop) - float(start) for name, (start, stop) in ends.items()}
    assert long["C"] < 0 < long["b[1][0]"]
    assert long["b[1][0]"] == pytest.approx(-long["C"] / 2, abs=0.2)
    assert (long["W[1][0,1]"], long["a[1][0]"]) == (0.0, 0.0)
    assert {"no change", "NaN", "−0.5", "+0.25"} <= set(words(text))
    assert buttons(text)["a[1][0]"].get("aria-label") == "a[1][0] from 1 to not a number"


def test_no_update_is_said_in_words():
    assert "no update yet" in words(update_arrows([]))
