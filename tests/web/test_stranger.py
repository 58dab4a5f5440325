"""The page under hands that do not know it: what they get wrong is said, and nothing is lost (slow tier)."""

import re

import pytest

from browsing import browsing
from served import serving

pytestmark = pytest.mark.slow

ALIKE = "a,b,label\n" + "\n".join(f"{k},{k % 5},same" for k in range(40))
HIDING = "Object.defineProperty(document, 'hidden', {get: () => window.away === true})"


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def set_field(page, name, value):
    page.locator(f"#network [name={name}]").fill(value)
    page.keyboard.press("Tab")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_the_slider_goes_back_while_the_run_goes_on_and_never_beyond_it(served):
    with browsing(served) as page:
        set_field(page, "epochs", "100000")
        page.select_option("#pace", "100")
        press(page, "Run")
        page.locator("#epoch").filter(has_text=re.compile(r"^[2-9]\d ")).wait_for()
        box = page.locator("#back").bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] - 8, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, y)
        page.wait_for_timeout(500)  # frames come meanwhile
        wanted = page.locator("#back").input_value()
        page.mouse.up()
        page.get_by_text("paused", exact=True).wait_for()
        page.locator("#epoch").filter(has_text=re.compile(f"^{wanted}$")).wait_for()
        assert 0 < int(wanted) < 20
        assert page.locator("#back").get_attribute("max") == wanted
        press(page, "Reset")
        page.locator("#epoch").filter(has_text=re.compile("^0$")).wait_for()
        assert page.locator("#back").get_attribute("max") == "0"


def test_refused_data_stay_named_until_others_are_learnt(served, tmp_path):
    table = tmp_path / "alike.csv"
    table.write_text(ALIKE, encoding="utf-8")
    with browsing(served, refused=1) as page:
        page.locator("#passes .number").first.wait_for()
        page.set_input_files("#file", table)
        said = page.locator("#data-said")
        said.filter(has_text="nothing to learn").wait_for()
        press(page, "One epoch")
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        assert said.inner_text().endswith("What is learnt is still moons")
        page.select_option("#target", "b")
        page.get_by_text("alike.csv: 30 rows to train on").wait_for()
        assert said.is_hidden()


@pytest.mark.parametrize("typed", ["99999", "-3", "1.5"])
def test_a_row_that_is_none_leaves_the_picked_one(served, typed):
    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        page.locator("#row").fill(typed)
        page.keyboard.press("Tab")
        page.locator("#glass-said").filter(has_text=f"no row {typed}").wait_for()
        assert page.locator("#row").input_value() == "1"


def test_a_weight_that_is_no_number_is_said(served):
    with browsing(served) as page:
        page.locator("#passes [data-of='W[1][2,0]']").first.click()
        page.locator("#edited").fill("")
        press(page, "Set")
        page.wait_for_timeout(200)
        assert page.locator("#glass-said").inner_text() == "write a number"


def test_a_diverged_run_is_not_certified(served):
    with browsing(served, refused=1) as page:
        page.locator("#passes .number").first.wait_for()
        page.select_option("#set", "sine")
        page.get_by_text("sine: 225 rows").wait_for()
        page.locator("#widths").filter(has_text="1 - 8 - 1").wait_for()
        with page.expect_response("**/settings"):
            set_field(page, "learning_rate", "1000")
        with page.expect_response("**/settings"):
            page.select_option("[name=optimizer]", "sgd")
        press(page, "Run")
        page.locator("#status").filter(has_text="diverged").wait_for()
        press(page, "Certify")
        page.locator("#glass-said").filter(has_text="finite no more").wait_for()
        assert page.locator("#certificate").is_hidden()


def test_tabs_that_are_not_seen_leave_the_connections_to_others(served):
    with browsing(served) as page:
        page.context.add_init_script(HIDING)
        for _ in range(8):
            other = page.context.new_page()
            other.goto(f"{served.address.origin}/", timeout=10_000)
            other.locator("#passes .number").first.wait_for()
            other.evaluate(
                "() => { window.away = true; document.dispatchEvent(new Event('visibilitychange')) }"
            )
        other.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')) }")
        press(other, "One epoch")
        other.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
