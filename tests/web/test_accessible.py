"""axe-core finds no serious fault in any room, in both themes (slow tier)."""

import pytest

from browsing import browsing
from served import serving

pytestmark = pytest.mark.slow

GRAVE = ("serious", "critical")
WIDTHS = (1280, 820)


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def faults(page, axe):
    """Serious and critical faults: rule, element and what is wrong with it."""
    script = axe().axe_script
    page.evaluate(script)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:240]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"][:5]
    ]


def filled(page):
    """Every room with something in it: a trained network, a picked row, a derivation, a certificate."""
    page.locator("#passes .number").first.wait_for()
    page.get_by_role("button", name="One epoch").click()
    page.locator("#epoch").filter(has_text="1").wait_for()
    page.locator("#preview [data-row]").nth(2).click()
    page.locator("#passes [data-of='W[1][0,0]']").first.click()
    page.locator("#derivation math").first.wait_for()
    page.get_by_role("button", name="Certify").click()
    page.locator("#certificate pre").wait_for()
    page.wait_for_timeout(300)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_serious_fault_is_found(served, axe, dark, width):
    with browsing(served, dark=dark, width=width) as page:
        page.locator("#passes .number").first.wait_for()
        assert faults(page, axe) == []
        filled(page)
        assert faults(page, axe) == []


@pytest.mark.parametrize(
    ("piece", "rule"),
    [
        ("<button></button>", "button-name"),
        ("<input>", "label"),
        ('<p class="faint">hardly to be read</p>', "color-contrast"),
    ],
)
def test_a_planted_fault_is_found(served, axe, piece, rule):
    with browsing(served) as page:
        page.locator("#passes .number").first.wait_for()
        page.evaluate(
            """(piece) => { const at = document.createElement("div"); at.innerHTML = piece;
            for (const each of at.querySelectorAll(".faint")) each.style.color = "#eee";
            document.querySelector("main").prepend(at); }""",
            piece,
        )
        assert any(fault.startswith(f"{rule}:") for fault in faults(page, axe))
