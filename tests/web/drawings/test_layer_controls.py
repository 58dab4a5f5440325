"""Controls in the drawn network: each says what it does, is large enough, and stands above its own column."""

import itertools

import pytest

from clearprop import Dense, Network
from clearprop.web.drawings import network_drawing
from clearprop.web.drawings.layer_controls import widths_beside
from drawn import SVG, edited, tree

LEAST = 24  #: pixels of a side, for a finger (WCAG 2.5.8)


def pressed(text):
    """Name of a control -> the element."""
    return {each.get("data-press"): each for each in tree(text).iter() if each.get("data-press")}


def boxes(text):
    """Name of a control -> left, top, right, bottom."""
    found = {}
    for name, element in pressed(text).items():
        x, y, width, height = (
            float(element.find(f"{SVG}rect").get(each)) for each in ("x", "y", "width", "height")
        )
        found[name] = x, y, x + width, y + height
    return found


def test_every_hidden_layer_has_its_controls_and_between_columns_one_is_added():
    text = edited(3, 64, 1, 2)
    labels = {name: each.get("aria-label") for name, each in pressed(text).items()}
    assert labels == {
        "add 1": "Add a layer before layer 1",
        "open 1": "Open layer 1 in the form",
        "fewer 1": "Narrow layer 1 by 4 to 60",
        "more 1": "Widen layer 1 by 8 to 72",
        "remove 1": "Take layer 1 away",
        "add 2": "Add a layer before layer 2",
        "open 2": "Open layer 2 in the form",
        "fewer 2": "Layer 2 is as narrow as can be",
        "more 2": "Widen layer 2 by 1 to 2",
        "remove 2": "Take layer 2 away",
        "add 3": "Add a layer before the output",
    }
    found = pressed(text)
    assert [found[name].get("data-units") for name in ("fewer 1", "more 1", "fewer 2")] == ["60", "72", None]
    assert found["fewer 2"].get("aria-disabled") == "true"
    assert {each.get("role") for each in found.values()} == {"button"}


@pytest.mark.parametrize("widths", [(2, 2), (2, 8, 2), (30, 64, 1000, 1, 2), (4, *[9] * 12, 2)])
def test_controls_are_large_enough_and_lie_on_nothing(widths):
    text = edited(*widths)
    found = boxes(text)
    assert all(min(right - left, bottom - top) >= LEAST for left, top, right, bottom in found.values())
    for (one, a), (other, b) in itertools.combinations(found.items(), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (one, other)
    foot = max(bottom for _, _, _, bottom in found.values())
    circles = [float(each.get("cy")) - float(each.get("r")) for each in tree(text).iter(f"{SVG}circle")]
    assert foot < min(circles)


@pytest.mark.parametrize("units", [1, 2, 15, 16, 17, 64, 100, 128, 1000, 1023, 1024])
def test_what_is_pressed_forth_is_pressed_back_at_round_widths(units):
    fewer, more = widths_beside(units, 1024)
    if fewer is not None:
        assert units - max(units // 7, 1) <= fewer < units
        assert units >= 16 or units - fewer == 1
    if more is not None:
        assert units < more <= units + max(units // 7, 1)
        assert widths_beside(more, 1024)[0] <= units
    for start, step in ((64, 1), (1, 1), (1024, 0)):
        there = widths_beside(start, 1024)[step]
        assert widths_beside(there, 1024)[1 - step] == start


def test_there_is_no_more_than_settings_allow():
    assert "add 1" not in pressed(edited(2, 3, 3, 2, most_layers=2))
    assert pressed(edited(2, 9, 2, most_units=9))["more 1"].get("aria-disabled") == "true"


def test_a_drawing_has_no_controls_unless_it_is_asked_for_them():
    network = Network(2, [Dense(3, "tanh"), Dense(1)])
    assert pressed(network_drawing(network, network.initialize(0))) == {}
