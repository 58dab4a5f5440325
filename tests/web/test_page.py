"""The page in Chromium, used as a person would use it (slow tier)."""

import re

import pytest

from browsing import browsing
from served import serving

pytestmark = pytest.mark.slow

TABLE = "size,<b>colour</b>,fine\n" + "\n".join(
    f"{k % 7},{'<script>window.hacked = 1</script>' if k % 3 else 'blue'},{'yes' if k % 7 > 2 else 'no'}"
    for k in range(60)
)


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def figure(page, name):
    """One of the run's figures, as text."""
    return page.locator("#figures div", has=page.get_by_text(name, exact=True)).locator("dd").inner_text()


def test_from_a_fresh_start_to_a_derived_gradient_on_an_uploaded_table(served, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(TABLE, encoding="utf-8")
    with browsing(served) as page:
        assert "token" not in page.url
        page.set_input_files("#file", table)
        page.get_by_text("mine.csv: 45 rows to train on").wait_for()
        page.get_by_role("button", name="Add layer").click()
        page.locator("#layers li").nth(1).wait_for()
        page.get_by_label("Units").nth(1).fill("5")
        page.keyboard.press("Enter")
        page.get_by_text("- 8 - 5 - 1").wait_for()
        page.get_by_role("button", name="One epoch").click()
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_text("ended after 2000 epochs").wait_for()
        assert float(figure(page, "loss")) < 0.5
        page.locator("[data-drawing=curves]").scroll_into_view_if_needed()  # or it is not drawn
        page.locator("[data-drawing=curves] svg").wait_for()
        page.locator("#preview [data-row='5']").click()
        page.get_by_role("heading", name="Row 5").wait_for()
        page.locator("#passes [data-of='W[1][2,0]']").first.click()
        page.locator("#derivation math").first.wait_for()
        assert "BP4" in page.locator("#derivation").inner_text()
        page.get_by_role("button", name="Certify").click()
        page.get_by_text("row 5: holds").wait_for()
        page.locator("#edited").fill("0.25")
        page.get_by_role("button", name="Set", exact=True).click()
        page.get_by_text("edited by hand").wait_for()
        page.locator("#edited[value='0.25']").wait_for()
        assert page.evaluate("window.hacked") is None
        assert page.locator("#preview b, #passes b").count() == 0


def test_keys_run_it_and_a_reload_finds_it_where_it_was(served):
    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        page.locator("body").click(position={"x": 640, "y": 710})
        for key in "eeb":
            page.keyboard.press(key)
        page.locator("#epoch").filter(has_text="2 + 1/").wait_for()
        page.reload()
        page.locator("#epoch").filter(has_text="2 + 1/").wait_for()
        page.locator("#back").fill("1")
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        other = page.context.new_page()
        other.goto(f"{served.address.origin}/")  # without the token, which the origin keeps
        other.locator("#passes .number").first.wait_for()
        assert other.locator("#epoch").inner_text() == "0"


def press_key(page, key):
    """A key with the focus on nothing that wants it."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)


def test_a_lesson_from_a_fresh_start_through_a_stepped_pass_to_an_edited_weight(served):
    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        page.get_by_label("Tour").select_option("boolean")
        page.get_by_role("heading", name="step 1 of 4: One unit: and").wait_for()
        page.locator("#derivation math").first.wait_for()
        for step in (2, 3):
            page.get_by_role("button", name="Next", exact=True).click()
            page.get_by_role("heading", name=f"step {step} of 4").wait_for()
        page.get_by_text("The inputs: a[0] = x").wait_for()
        hidden = page.locator("#passes [data-of='delta[1][0]']")
        assert not hidden.is_visible()
        for said in ("Forward, layer 1 of 2", "Forward, layer 2 of 2", "The loss", "Backward, layer 2 of 2"):
            assert not page.locator("#passes [data-of='delta[2][0]']").is_visible()
            press_key(page, "n")
            page.locator("#stage").filter(has_text=said).wait_for()
        assert page.locator("#passes [data-of='delta[2][0]']").is_visible()
        assert not hidden.is_visible()
        page.get_by_role("button", name="The next layer").click()
        hidden.click()
        page.get_by_role("heading", name="delta[1][0] of row 2").wait_for()
        page.locator("#derivation svg").nth(1).wait_for()
        page.reload()
        page.get_by_role("heading", name="step 3 of 4").wait_for()
        page.locator("#stage").filter(has_text="Backward, layer 1").wait_for()
        shared = page.url
        assert shared == f"{served.address.origin}/#lesson=boolean&step=3"
        page.get_by_role("button", name="Next", exact=True).click()
        page.get_by_role("heading", name="b[1][0] of row 2").wait_for()
        page.locator("#edited").fill("-30")
        page.keyboard.press("Enter")
        page.locator("#lesson-text .moved").first.wait_for()
        page.get_by_text("edited by hand").wait_for()
        page.locator("[data-input='0']").fill("1")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="as in the data").wait_for()
        page.go_back()
        page.get_by_role("heading", name="step 3 of 4").wait_for()
        other = page.context.new_page()
        other.goto(f"{shared}&token={served.address.token}")
        other.get_by_role("heading", name="step 3 of 4").wait_for()
        assert other.url == shared
        other.evaluate(f"location.hash = 'lesson=softmax&step=2&token={served.address.token}'")
        other.get_by_role("heading", name="Softmax, step 2 of 4").wait_for()
        assert other.url.endswith("/#lesson=softmax&step=2")


def test_a_drawn_term_of_a_unit_is_derived_by_the_keyboard(served):
    with browsing(served) as page:
        page.locator("#passes [data-of='z[2][0]']").click()
        page.locator("#derivation svg [data-quantity='W[2][0,3]']").first.focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="W[2][0,3] of row 1").wait_for()
        page.locator("#view").select_option("paths")
        page.locator("#derivation math").first.wait_for()


def test_what_is_refused_is_said(served):
    with browsing(served, refused=1) as page:
        page.locator("#passes .number").first.wait_for()
        page.get_by_label("Number").fill("nonsense")
        page.get_by_role("button", name="Derive").click()
        page.get_by_text("names no number of a network").wait_for()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [820, 1280])
def test_nothing_is_wider_than_the_screen(served, dark, width):
    with browsing(served, dark=dark, width=width) as page:
        page.locator("#passes .number").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
