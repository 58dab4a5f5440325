"""The network and its learning in Chromium, used as a person would use them (slow tier)."""

import re

import pytest

from browsing import browsing
from served import serving

pytestmark = pytest.mark.slow
LINE = "#view-network [data-quantity='W[1][2,0]']"


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def ready(page):
    page.locator("#passes .number").first.wait_for()
    page.locator("#view-network svg").wait_for()


def chosen(page, name):
    """Choose what is learnt, and wait until it stands there."""
    page.select_option("#set", name)
    page.locator("#preview caption", has_text=re.compile(name, re.I)).wait_for()
    page.locator("#status", has_text="paused").wait_for()


def test_numbers_of_the_network_are_pressed_while_it_learns(served):
    with browsing(served) as page:
        ready(page)
        page.get_by_label("Epochs", exact=True).fill("100000")
        page.keyboard.press("Enter")
        page.locator("#status", has_text="paused").wait_for()
        page.get_by_role("button", name="Run", exact=True).click()
        before = page.locator(LINE).get_attribute("aria-label")
        page.wait_for_function(
            "([at, before]) => document.querySelector(at).ariaLabel !== before", arg=[LINE, before]
        )
        page.locator("#view-network [data-quantity='b[1][3]']").click()
        page.locator("#derivation math").first.wait_for()
        assert "b[1][3]" in page.locator("#derivation h3").first.inner_text()
        page.get_by_role("button", name="Pause").click()
        page.locator("#status", has_text="paused").wait_for()
        page.get_by_label("Activations").first.check()
        unit = page.locator("#view-network [data-quantity='a[1][4]']")
        unit.focus()
        page.keyboard.press("Space")
        page.locator("#derivation h3", has_text="a[1][4]").first.wait_for()
        page.locator("#view-network .chosen[data-quantity='a[1][4]']").wait_for()
        assert page.locator("#status").inner_text() == "paused"
        page.get_by_label("Gradients", exact=True).check()
        page.locator("#view-network [aria-label^='dC/dW[1][0,0]']").wait_for()
        page.get_by_text("The layers as a table").click()
        page.get_by_role("columnheader", name="parameters").wait_for()
        page.reload()
        page.locator("#view-network [aria-label^='dC/dW[1][0,0]']").wait_for()


def test_a_point_of_the_plot_is_the_row_that_is_looked_through(served):
    with browsing(served) as page:
        ready(page)
        place = page.locator("#view-answers")
        place.scroll_into_view_if_needed()
        place.locator("image").wait_for()
        point = place.locator("[data-row='7']")
        point.click(force=True)
        page.get_by_role("heading", name="Row 7").wait_for()
        place.locator(".chosen[data-row='7']").wait_for()
        page.get_by_role("button", name="One epoch").click()
        page.get_by_label("Gradients by layer").check()
        page.locator("#view-learning [data-series='layer 2']").wait_for()
        page.locator("#learning").get_by_label("Activations").last.check()
        page.locator("#view-learning svg", has_text="layer 2: sigmoid").wait_for()
        chosen(page, "sine")
        place.scroll_into_view_if_needed()
        place.locator("polyline").wait_for()
        assert page.get_by_label("Confusion").is_hidden()
        chosen(page, "diabetes")
        page.locator("#answers-title").wait_for(state="hidden")


@pytest.mark.parametrize(("name", "inputs"), [("moons", 2), ("sine", 1)])
def test_the_ground_of_the_plot_that_is_pressed_is_typed_in(served, name, inputs):
    with browsing(served) as page:
        ready(page)
        chosen(page, name)
        plot = page.locator("#view-answers svg[data-plot]")
        page.locator("#view-answers").scroll_into_view_if_needed()
        plot.wait_for()
        page.locator("#passes [data-of='z[1][0]']").click()
        page.locator("#derivation math").first.wait_for()
        before = page.locator("#passes [data-of='z[1][0]']").inner_text()
        edges = page.evaluate("(at) => JSON.parse(at.dataset.plot)", plot.element_handle())
        place = {"x": edges["left"] + 5.0, "y": edges["bottom"] - 3.0}  # in a corner without rows
        scale = plot.bounding_box()["width"] / float(plot.get_attribute("width"))
        plot.click(position={key: scale * value for key, value in place.items()})
        page.get_by_role("heading", name="edited by hand").wait_for()
        plot.locator(".picked").first.wait_for(state="attached")  # a line is as wide as nothing
        ends = [("x", edges["left"], edges["right"]), ("y", edges["bottom"], edges["top"])][:inputs]
        for i, (axis, first, last) in enumerate(ends):
            low, high = edges[axis]["low"], edges[axis]["high"]
            wanted = low + (high - low) * (place[axis] - first) / (last - first)
            given = float(page.locator(f"[data-input='{i}']").input_value())
            assert abs(given - wanted) < 0.01 * (high - low)
        assert page.locator("#passes [data-of='z[1][0]']").inner_text() != before
        page.locator("#derivation h3", has_text="z[1][0] of row").wait_for()
        row = page.locator("#row").input_value()
        plot.click(position={"x": 2.0, "y": 2.0})  # beside the plot: nothing
        page.locator("#again").click()
        page.locator("#again").wait_for(state="hidden")
        assert page.locator("#passes [data-of='z[1][0]']").inner_text() == before
        assert page.locator("#row").input_value() == row
        plot.locator(".picked").first.wait_for(state="detached")


def test_digits_that_were_mistaken_are_seen(served):
    with browsing(served) as page:
        ready(page)
        chosen(page, "digits")
        page.get_by_role("button", name="One epoch").click()
        page.get_by_label("Mistakes").check()
        page.locator("#view-answers").scroll_into_view_if_needed()
        tile = page.locator("#view-answers .tiles button").first
        tile.wait_for()
        row = tile.get_attribute("data-row")
        tile.click()
        page.get_by_role("heading", name=f"Row {row}", exact=False).wait_for()
        page.get_by_label("Confusion").check()
        page.locator("#view-answers .confusion").wait_for()
        assert page.get_by_label("Over the inputs").is_hidden()


def test_a_remedy_is_pressed_and_said(served):
    with browsing(served) as page:
        ready(page)
        page.get_by_label("Optimizer").select_option("sgd")
        page.get_by_label("Learning rate").fill("1000")
        page.keyboard.press("Enter")
        page.get_by_label("Epochs", exact=True).fill("30")
        page.keyboard.press("Enter")
        page.locator("#status", has_text="paused").wait_for()
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#status", has_text=re.compile("ended|diverged")).wait_for()
        page.locator("#diagnosis").scroll_into_view_if_needed()
        button = page.get_by_role("button", name=re.compile("^Set learning rate"))
        button.wait_for()
        button.click()
        page.locator("#applied", has_text="instead of 1000").wait_for()
        assert float(page.get_by_label("Learning rate").input_value()) < 1000


def test_scales_and_patience_are_mended_by_buttons_and_kept_by_a_reload(served, tmp_path):
    rows = "\n".join(f"{k % 13},{k * 811 % 50000},{1e5 + k * 811 % 50000}" for k in range(80))
    (tmp_path / "far.csv").write_text(f"near,far,y\n{rows}\n", encoding="utf-8")
    with browsing(served) as page:
        ready(page)
        page.set_input_files("#file", tmp_path / "far.csv")
        page.get_by_text("far.csv: 60 rows to train on").wait_for()
        for name in ("Inputs", "Targets"):
            page.locator("#network").get_by_label(name).select_option("raw")
            page.locator("#preview", has_text=f"{name.lower()} raw").wait_for()
        page.locator("#preview [data-row='1']").click()
        first = page.locator("#passes [data-input='1']")
        page.locator("#passes [data-input='1'][value='0']").wait_for()
        page.get_by_label("Patience").fill("4")
        page.keyboard.press("Enter")
        for name in ("inputs", "targets"):
            page.get_by_role("button", name="One epoch").click()
            page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
            page.locator("#diagnosis").scroll_into_view_if_needed()
            page.get_by_role("button", name=f"Set {name} standardised", exact=True).click()
            page.locator("#applied", has_text=f"{name} standardised. The run begins anew").wait_for()
            assert page.locator("#network").get_by_label(name.capitalize()).input_value() == "standardised"
        page.wait_for_function("Number(document.querySelector(\"#passes [data-input='1']\").value) < -1")
        assert "far" in first.locator("..").inner_text()
        page.reload()
        ready(page)
        for name in ("Inputs", "Targets"):
            assert page.locator("#network").get_by_label(name).input_value() == "standardised"
        assert page.get_by_label("Patience").input_value() == "4"
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#status", has_text="none better for as long as patience goes").wait_for()
        assert 4 < int(page.locator("#epoch").inner_text()) < 2000
        chosen(page, "iris")
        assert page.locator("#targets-of").is_hidden()


def test_layers_are_added_resized_and_taken_away(served):
    with browsing(served) as page:
        ready(page)
        page.get_by_role("button", name="Add layer").click()
        page.get_by_label("Units").nth(1).fill("40")
        page.keyboard.press("Enter")
        page.locator("#widths", has_text="2 - 8 - 40 - 1, 425 parameters").wait_for()
        page.locator("#view-network", has_text="29 more").wait_for()
        page.get_by_label("Activation").nth(1).select_option("relu")
        page.get_by_label("Dropout").nth(1).fill("0.2")
        page.keyboard.press("Enter")
        page.locator("#view-network", has_text="40 relu").wait_for()
        page.get_by_label("bias", exact=True).nth(0).uncheck()
        page.locator("#widths", has_text="417 parameters").wait_for()
        page.get_by_role("button", name="Remove layer 1").click()
        page.locator("#widths", has_text="2 - 40 - 1, 161 parameters").wait_for()


def layers_in(page, widths):
    """Wait until the drawing, the form and the head agree on the hidden layers."""
    whole = " - ".join(map(str, (2, *widths, 1)))
    page.locator("#widths", has_text=f"{whole}, ").wait_for()
    page.locator("#view-network svg > title", has_text=f"{whole.replace(' ', '')}:").wait_for(
        state="attached"
    )
    assert [each.input_value() for each in page.get_by_label("Units").all()] == [str(n) for n in widths]


def test_layers_are_changed_in_the_drawing_by_mouse_and_by_keys(served):
    with browsing(served) as page:
        ready(page)
        page.get_by_role("button", name="One epoch").click()
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        page.get_by_role("button", name="Widen layer 1 by 1 to 9").click()
        layers_in(page, [9])
        page.locator("#epoch").filter(has_text=re.compile("^0$")).wait_for()  # as a change of the form does
        page.get_by_role("button", name="Add a layer before the output").click()
        layers_in(page, [9, 9])
        page.get_by_label("Units").nth(1).fill("64")
        page.keyboard.press("Enter")
        layers_in(page, [9, 64])
        fewer = page.get_by_role("button", name="Narrow layer 2 by 4 to 60")
        assert min(fewer.locator("rect").bounding_box()[side] for side in ("width", "height")) >= 24
        fewer.focus()
        page.keyboard.press("Enter")
        layers_in(page, [9, 60])
        page.wait_for_function("document.activeElement.dataset.press === 'fewer 2'")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        layers_in(page, [9, 64])
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.ariaLabel") == "Add a layer before the output"
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        assert (
            page.evaluate("[document.activeElement.name, document.activeElement.closest('li').innerText]")[0]
            == "activation"
        )
        page.keyboard.press("r")  # relu, of the menu that has the focus
        page.locator("#view-network", has_text="64 relu").wait_for()
        page.get_by_role("button", name="Take layer 1 away").click()
        layers_in(page, [64])
        page.get_by_role("button", name="Take layer 1 away").focus()
        page.keyboard.press("Enter")
        layers_in(page, [])
        page.wait_for_function("document.activeElement.dataset.press === 'add 1'")
        page.keyboard.press("Enter")
        layers_in(page, [8])
        page.reload()
        ready(page)
        layers_in(page, [8])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [820, 1280])
def test_wide_networks_scroll_within_their_panel(served, dark, width):
    with browsing(served, dark=dark, width=width) as page:
        ready(page)
        chosen(page, "digits")
        for k in range(4):
            page.get_by_role("button", name="Add layer").click()
            page.locator("#layers li").nth(k + 1).wait_for()
        page.locator("#view-network", has_text="layer 6").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box, drawn = (
            page.locator(each).bounding_box()["width"] for each in ("#view-network", "#view-network svg")
        )
        assert drawn > box
