"""One walk through the page by the keyboard alone, from an opened page to a lesson (slow tier)."""

import re

import pytest

from browsing import browsing
from served import serving

pytestmark = pytest.mark.slow

MOST = 400  #: presses of Tab, more than there are stops
#: whether the focus is at what is sought, and whether one sees where it is: without it, it looks otherwise
FOCUS = """(sought) => {
  const at = document.activeElement;
  const all = [at, ...at.querySelectorAll("*"), at.closest(".views label")].filter((each) => each);
  const looks = () => JSON.stringify(all.map((each) => {
    const { outlineStyle, outlineWidth, strokeOpacity, strokeWidth, fillOpacity } = getComputedStyle(each);
    return [outlineStyle, outlineWidth, strokeOpacity, strokeWidth, fillOpacity];
  }));
  const there = at.matches(sought);
  const box = at.getBoundingClientRect();
  const found = {there, what: at.outerHTML.slice(0, 120), inside: box.bottom > 0 && box.top < innerHeight};
  if (!there) return found;
  const focused = looks();
  at.blur();
  found.seen = looks() !== focused;
  at.focus({preventScroll: true, focusVisible: true});
  return found;
}"""


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


class Walk:
    """Who has a keyboard and no pointer: goes from stop to stop, and sees where the focus is."""

    def __init__(self, page):
        self.page = page
        self.press = page.keyboard.press

    def to(self, sought, key="Tab"):
        """Press Tab until the focus is there."""
        for _ in range(MOST):
            at = self.page.evaluate(FOCUS, sought)
            if at["there"]:
                assert at["seen"], f"nothing shows that this has the focus: {at['what']}"
                assert at["inside"], f"what has the focus is out of sight: {at['what']}"
                return
            self.press(key)
        raise AssertionError(f"Tab does not come to {sought}")

    def still(self, sought):
        """The focus has not been lost by what was done."""
        self.page.wait_for_timeout(300)
        at = self.page.evaluate(FOCUS, sought)
        assert at["there"], f"the focus was at {sought}, and is at {at['what']}"

    def write(self, text):
        """Type in the place of what stands there."""
        self.press("ControlOrMeta+a")
        self.page.keyboard.type(text)
        self.press("Enter")

    def choose(self, value):
        """Turn a menu to one of its values, from the top."""
        value_now = "() => document.activeElement.value"
        self.press("Home")
        for _ in range(40):
            if self.page.evaluate(value_now) == value:
                return
            self.press("ArrowDown")
        raise AssertionError(f"the menu does not come to {value}")

    def reads(self, place, words):
        """Something says this."""
        self.page.locator(place).filter(has_text=re.compile(words)).first.wait_for()


def test_the_whole_page_by_keys_alone(served):
    with browsing(served, height=900) as page:
        page.locator("#passes .number").first.wait_for()
        walk = Walk(page)
        walk.to("#set")
        walk.choose("xor")
        walk.reads("#preview caption", "^xor: 225 rows")
        walk.still("#set")
        walk.to("#layers [name=units]")
        walk.write("5")
        walk.reads("#widths", "2 - 5 - 1")
        walk.still("#layers [name=units]")
        walk.to("[name=optimizer]")
        walk.choose("adamw")
        page.wait_for_function(
            "(chosen) => document.querySelector('[name=optimizer]').value === chosen", arg="adamw"
        )
        walk.still("[name=optimizer]")
        walk.to("#pace")
        walk.choose("20")
        walk.still("#pace")
        walk.to("#go")
        walk.press("Enter")
        walk.reads("#status", "running")
        walk.still("#go")
        walk.press("Enter")
        walk.reads("#status", "paused")
        walk.still("#go")
        walk.to("[data-verb=epoch]")
        walk.press("Enter")
        walk.reads("#epoch", r"^\d+$")
        walk.still("[data-verb=epoch]")
        walk.to("#preview [data-row='5']")
        walk.press("Enter")
        walk.reads("#passes h3", "^Row 5")
        walk.still("#preview [data-row='5']")
        walk.to("[data-step=first]")
        walk.press("Enter")
        walk.reads("#stage", "The inputs")
        walk.press("n")
        walk.reads("#stage", "Forward, layer 1")
        walk.to("[data-step=next]")
        walk.press("Space")
        walk.reads("#stage", "Forward, layer 2")
        walk.to("[data-step=last]")
        walk.press("Enter")
        walk.reads("#stage", "Both passes")
        walk.still("[data-step=last]")
        walk.to("#passes [data-of='z[1][0]']")
        for key in ("End", "ArrowUp", "Enter"):
            walk.press(key)
        walk.reads("#derivation h3", r"^W\[1\]\[4,1\] of row 5")
        walk.still("#passes [data-of='W[1][4,1]']")
        walk.to("#view", "Shift+Tab")
        walk.choose("paths")
        page.locator("#derivation", has=page.locator("math")).wait_for()
        walk.still("#view")
        walk.to("#derivation svg [data-quantity]")
        walk.press("ArrowDown")
        sought = page.evaluate("document.activeElement.dataset.quantity")
        walk.press("Enter")
        walk.reads("#derivation h3", f"^{re.escape(sought)} of row 5")
        walk.still("#derivation, #derivation *")
        walk.to("#edited", "Shift+Tab")
        walk.write("0.25")
        walk.reads("#status", "edited by hand")
        page.locator("#edited[value='0.25']").wait_for()
        walk.still("#edited")
        walk.to("[data-export=script]")
        with page.expect_download() as given:
            walk.press("Enter")
        assert given.value.suggested_filename == "clearprop-xor.py"
        walk.still("[data-export=script]")
        walk.to("#lesson-of")
        walk.choose("boolean")
        walk.reads("#lesson-text h3", "step 1 of 4")
        walk.still("#lesson-of")
        walk.to("[data-turn='1']")
        walk.press("Enter")
        walk.reads("#lesson-text h3", "step 2 of 4")
        walk.still("#lesson-text")


def test_the_focus_stays_on_the_button_that_has_nothing_more_to_do(served):
    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        walk = Walk(page)
        walk.to("#layers [name=units]")
        walk.to("[name=epochs]")
        walk.write("2")
        walk.reads("#figures", "0 of 2")
        walk.to("#go")
        walk.press("Enter")
        walk.reads("#status", "ended after 2 epochs")
        walk.still("#go")
        walk.press("Enter")  # says nothing and does nothing
        walk.still("#go[aria-disabled=true]")
        walk.reads("#status", "ended after 2 epochs")
        walk.to("#passes [data-input='0']")
        walk.write("1.5")
        walk.reads("#passes h3", "edited by hand")
        walk.still("#passes [data-input='0']")
        walk.to("#again", "Shift+Tab")
        walk.press("Enter")
        page.locator("#again").wait_for(state="detached")
        walk.still("#passes")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("document.querySelector('#go').addEventListener('click', (e) => e.target.blur())", "the focus was"),
        ("document.querySelector('#go').tabIndex = -1", "does not come to #go"),
        ("document.querySelector('#go').style.outline = 'none'", "nothing shows"),
    ],
)
def test_a_planted_fault_is_found(served, fault, words):
    def gone(walk):
        walk.to("#go")
        walk.press("Enter")
        walk.still("#go")

    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        gone(Walk(page))
        page.reload()
        page.locator("#passes .number").first.wait_for()
        page.evaluate(fault)
        with pytest.raises(AssertionError, match=words):
            gone(Walk(page))
