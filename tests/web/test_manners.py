"""The page's manners in Chromium: keyboard alone, reloads, tabs, downloads, a model alone (slow tier)."""

import re
import subprocess
import sys

import pytest

import clearprop as cp
from browsing import browsing
from clearprop.datasets import penguins_path
from clearprop.web.opening import opened
from served import serving

pytestmark = pytest.mark.slow

#: every control a reader sees and could use; of a group with arrow keys its one stop
CONTROLS = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const other = (each) => each.type === "radio" && !each.checked;  // arrow keys go there from the one that is
  const usable = all.filter(
    (each) => each.tabIndex >= 0 && !each.disabled && !other(each) && each.checkVisibility());
  usable.forEach((each, k) => { each.dataset.control = k; });
  return usable.map((each) => each.outerHTML.slice(0, 120));
}"""
#: what has the focus, and whether one sees that it has
FOCUSED = """() => {
  const at = document.activeElement;
  const own = getComputedStyle(at);
  const inner = [...at.querySelectorAll("*")].map((each) => getComputedStyle(each));
  const seen = own.outlineStyle !== "none" || [own, ...inner].some(
    (each) => parseFloat(each.strokeWidth) >= 3 || parseFloat(each.strokeOpacity) >= 0.5);
  return [Number(at.dataset.control ?? -1), seen, at.outerHTML.slice(0, 120)];
}"""
UNNAMED = """() => [...document.querySelectorAll("button, input, select, textarea, [role=button]")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.getAttribute("aria-label") || each.textContent.trim() || each.title
    || [...(each.labels ?? [])].some((label) => label.textContent.trim())))
  .map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def ready(page):
    page.locator("#passes .number").first.wait_for()
    page.wait_for_timeout(300)


def test_every_control_is_reached_by_tab_and_seen_there(served):
    with browsing(served) as page:
        ready(page)
        controls = page.evaluate(CONTROLS)
        reached = set()
        for _ in range(len(controls) + 2):
            page.keyboard.press("Tab")
            place, seen, what = page.evaluate(FOCUSED)
            assert seen or place < 0, f"nothing shows that this has the focus: {what}"
            reached.add(place)
        assert [what for k, what in enumerate(controls) if k not in reached] == []
        assert page.evaluate(UNNAMED) == []


def test_a_planted_control_without_a_name_is_found(served):
    with browsing(served) as page:
        ready(page)
        page.evaluate(
            """() => document.body.prepend(Object.assign(document.createElement("button"), {tabIndex: 0}))"""
        )
        assert len(page.evaluate(UNNAMED)) == 1


def test_a_table_of_numbers_is_one_stop_and_arrows_move_inside(served):
    with browsing(served) as page:
        ready(page)
        tables = page.locator("#passes table.numbers")
        for k in range(tables.count()):
            assert tables.nth(k).locator("[tabindex='0']").count() == 1
        page.locator("#passes [data-of='z[1][0]']").focus()
        page.keyboard.press("ArrowRight")
        assert focused(page) == "a[1][0]"
        page.keyboard.press("ArrowDown")
        assert focused(page) == "a[1][1]"
        page.keyboard.press("Home")
        assert focused(page) == "z[1][0]"
        page.keyboard.press("End")
        assert focused(page) == "W[1][7,1]"
        page.keyboard.press("Enter")
        page.locator("#derivation math").first.wait_for()
        assert page.locator("#of").input_value() == "W[1][7,1]"


def focused(page):
    return page.evaluate("document.activeElement.dataset.quantity ?? document.activeElement.dataset.of")


def test_the_focus_stays_in_a_drawing_that_is_drawn_anew(served):
    drawing = """<svg class="drawing" role="group" width="90" height="30"><title>Two</title>
      <g data-quantity="W[1][0,0]" role="button" tabindex="0" aria-label="first">
      <circle cx="9" cy="9" r="8"/></g>
      <g data-quantity="W[1][1,0]" role="button" tabindex="0" aria-label="second">
      <circle cx="50" cy="9" r="8"/></g></svg>"""
    with browsing(served) as page:
        ready(page)
        page.evaluate(
            """(svg) => { const place = document.createElement("div"); place.id = "planted";
            place.innerHTML = svg; document.querySelector("main").prepend(place);
            place.addEventListener("click", (e) => { window.pressed = e.target.dataset.quantity; }); }""",
            drawing,
        )
        page.locator("#planted [aria-label=first]").focus()
        page.keyboard.press("ArrowRight")
        assert focused(page) == "W[1][1,0]"
        page.evaluate("(svg) => { document.getElementById('planted').innerHTML = svg; }", drawing)
        page.wait_for_function("document.activeElement.dataset.quantity === 'W[1][1,0]'")
        assert page.locator("#planted [tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        assert page.evaluate("window.pressed") == "W[1][1,0]"


def test_a_slow_pace_is_kept_by_a_reload_and_left_at_full_speed(served):
    with browsing(served) as page:
        ready(page)
        page.get_by_label("Pace").select_option("5")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#epoch").filter(has_text=re.compile(r"^0 \+ [2-6]/8$")).wait_for()
        page.reload()
        page.get_by_role("button", name="Pause").wait_for()
        assert page.get_by_label("Pace").input_value() == "5"
        page.get_by_label("Pace").select_option("0")
        page.get_by_text("ended after 2000 epochs").wait_for()


def test_a_reload_finds_the_row_and_the_open_number_and_tabs_stand_apart(served):
    with browsing(served) as page:
        ready(page)
        page.locator("#preview [data-row='5']").click()
        page.get_by_role("heading", name=re.compile("^Row 5")).wait_for()
        page.locator("#passes [data-of='W[1][2,0]']").first.click()
        page.locator("#derivation math").first.wait_for()
        page.get_by_role("button", name="One epoch").click()
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        other = page.context.new_page()
        other.goto(f"{served.address.origin}/")
        other.locator("#passes .number").first.wait_for()
        assert other.locator("#epoch").inner_text() == "0"
        other.get_by_label("Set").select_option("sine")
        other.get_by_text("sine: 225 rows to train on").wait_for()
        page.reload()
        page.locator("#derivation math").first.wait_for()
        assert page.locator("#of").input_value() == "W[1][2,0]"
        page.get_by_role("heading", name=re.compile("^Row 5")).wait_for()
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        assert "moons" in page.locator("#preview").inner_text()
        assert "sine" in other.locator("#preview").inner_text()


def test_what_is_taken_away_is_what_the_page_has(served, tmp_path):
    with browsing(served) as page:
        ready(page)
        page.get_by_role("button", name="One epoch").click()
        page.locator("#epoch").filter(has_text=re.compile("^1$")).wait_for()
        page.get_by_role("button", name="Derivation as LaTeX").click()
        page.get_by_text("open a derivation in the glass box first").wait_for()
        page.locator("#passes [data-of='W[1][2,0]']").first.click()
        found = {}
        for label in ("Python script", "Model file", "ONNX", "Derivation as LaTeX", "Drawing as SVG"):
            with page.expect_download() as given:
                page.get_by_role("button", name=label).click()
            name = given.value.suggested_filename
            given.value.save_as(tmp_path / name)
            page.get_by_text(f"{name} is made").wait_for()
            found[label] = tmp_path / name
        page.get_by_label("Gradients", exact=True).check()
        with page.expect_download() as given:
            page.get_by_role("button", name="Drawing as SVG").click()
        given.value.save_as(tmp_path / "gradients.svg")
    drawn = (tmp_path / "gradients.svg").read_text(encoding="utf-8")
    assert "radients" in drawn
    assert "radients" not in found["Drawing as SVG"].read_text(encoding="utf-8")
    assert sorted(path.name for path in found.values()) == [
        f"clearprop-moons.{suffix}" for suffix in ("onnx", "py", "safetensors", "svg", "tex")
    ]
    told = subprocess.run(
        [sys.executable, found["Python script"]], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert told.stdout == "the weights of the page, bit for bit: True\n"
    assert len(cp.load(found["Model file"]).history["loss"]) == 1


def test_a_model_alone_takes_rows_that_are_typed(tmp_path):
    settings = cp.Settings(hidden=(4,), epochs=2)
    cp.fit_table(penguins_path(), "species", settings=settings).save(tmp_path / "penguins.safetensors")
    opening = opened([str(tmp_path / "penguins.safetensors")])
    with serving(fresh=opening.fresh) as served, browsing(served, refused=1) as page:
        page.get_by_text("penguins.safetensors: 1 row to train on").wait_for()
        page.get_by_text("Type rows for the model").click()
        header = page.locator("#typed").input_value().strip()
        assert header.endswith(",species")
        page.locator("#typed").fill(f"{header}\nBiscoe,47,15,210,5000,female,2008,Gentoo")
        page.get_by_role("button", name="Read these rows").click()
        page.get_by_text("typed.csv: 1 row to train on").wait_for()
        page.locator("#passes dd input[value='5000']").wait_for()
        page.locator("#typed").fill("island,species\nBiscoe,Gentoo")
        page.get_by_role("button", name="Read these rows").click()
        page.locator("#data-said").filter(has_text="bill_length_mm").wait_for()
        page.reload()
        page.get_by_text("typed.csv: 1 row to train on").wait_for()
        page.set_input_files("#file", penguins_path())
        page.get_by_text("penguins.csv: 258 rows to train on").wait_for()


def test_who_asks_for_little_motion_sees_few_drawings(served):
    counted = """() => { window.drawn = 0; new MutationObserver(() => { window.drawn += 1; })
      .observe(document.getElementById("view-network"), {childList: true}); }"""
    found = {}
    for calm in (False, True):
        with browsing(served, calm=calm) as page:
            ready(page)
            page.get_by_label("Pace").select_option("20")
            page.evaluate(counted)
            page.get_by_role("button", name="Run", exact=True).click()
            page.locator("#epoch").filter(has_text=re.compile(r"^[3-9] ")).wait_for()
            found[calm] = page.evaluate("window.drawn")
    assert found[True] < found[False]
