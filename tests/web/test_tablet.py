"""The page under a finger, on a tablet held either way, in both themes (slow tier)."""

import re

import pytest

from browsing import browsing
from drawn import LONG
from served import serving

pytestmark = pytest.mark.slow

LEAST = 24  #: pixels of a target, either way (WCAG 2.5.8)
#: controls that a finger misses; what lies in a drawing has the size of its number
SMALL = """(least) => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((each) => each.checkVisibility() && !each.closest("svg") && !each.matches(".skip"))
  .map((each) => [each, each.closest("label:has([type=radio], [type=checkbox])") ?? each])
  .map(([each, target]) => [each.outerHTML.slice(0, 90), target.getBoundingClientRect()])
  .filter(([, {width, height}]) => width < least || height < least)
  .map(([what, {width, height}]) => `${width.toFixed(0)} x ${height.toFixed(0)}: ${what}`)"""
#: words that run out of the element they stand in, where that neither scrolls nor says so by dots
CUT = """() => [...document.querySelectorAll("button, label, th, td, dt, dd, p, h2, h3, summary, legend")]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1 && each.clientWidth)
  .filter((each) => getComputedStyle(each).display !== "inline")
  .filter((each) => getComputedStyle(each).textOverflow !== "ellipsis")
  .map((each) => `${each.scrollWidth} in ${each.clientWidth}: ${each.outerHTML.slice(0, 90)}`)"""
TABLE = ",".join([f'"{name}"' for name in LONG[:5]]) + ",kind\n"
TABLE += "".join(f"{k % 7},{k % 5},{LONG[2 + k % 3]},{k * k % 11},{k % 3},{LONG[k % 4]}\n" for k in range(80))


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def tapped(page):
    """An epoch, a number opened and a certificate, all by a finger."""
    page.get_by_role("button", name="One epoch").tap()
    page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
    page.locator("summary", has_text="More settings").tap()
    page.locator("#passes [data-of='W[1][2,0]']").first.tap()
    page.locator("#derivation math").first.wait_for()
    page.get_by_role("button", name="Certify").tap()
    page.locator("#certificate pre").wait_for()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(820, 1180), (1180, 820)])
@pytest.mark.parametrize("table", ["moons", "long words"])
def test_everything_is_as_large_as_a_finger_and_nothing_is_cut(served, size, dark, table, tmp_path):
    with browsing(served, width=size[0], height=size[1], dark=dark, touch=True) as page:
        page.locator("#passes .number").first.wait_for()
        if table != "moons":
            (tmp_path / "long.csv").write_text(TABLE, encoding="utf-8")
            page.set_input_files("#file", tmp_path / "long.csv")
            page.get_by_text("long.csv: 60 rows to train on").wait_for()
        tapped(page)
        faults = [*page.evaluate(SMALL, LEAST), *page.evaluate(CUT)]
        assert faults == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_planted_fault_is_found(served):
    with browsing(served, width=820, height=1180, touch=True) as page:
        page.locator("#passes .number").first.wait_for()
        page.evaluate(
            """() => { const made = document.createElement("p"); made.textContent = "W".repeat(400);
            made.style.cssText = "width: 50px; white-space: nowrap";
            document.querySelector("main").prepend(made);
            document.querySelector("#certify").style.cssText = "min-height: 0; height: 20px; padding: 0"; }"""
        )
        assert [fault.split(":")[0].split(" x ")[1] for fault in page.evaluate(SMALL, LEAST)] == ["20"]
        assert len(page.evaluate(CUT)) == 1
