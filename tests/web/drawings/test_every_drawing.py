"""What holds for every drawing: well formed, escaped, named, nothing that the page's policy refuses."""

import re

import pytest

from browser import opened
from clearprop.glassbox.quantity import read_name
from clearprop.web.drawings import standalone, stylesheet
from drawn import DRAWINGS, HOSTILE, SVG, TABLES, buttons, elements, tree

#: in the page: words that leave their drawing or lie on one another
FAULTS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg.drawing")) {
    const name = svg.parentElement.id, box = svg.getBoundingClientRect();
    const places = [...svg.querySelectorAll("text")].filter(t => t.textContent.trim())
      .map(t => [t.textContent, t.getBoundingClientRect()]);
    for (const [text, a] of places) {
      if (Math.min(a.left - box.left, box.right - a.right, a.top - box.top, box.bottom - a.bottom) < -1)
        found.push(`${name}: "${text}" leaves the drawing`);
      for (const [other, b] of places) {
        const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (a !== b && text <= other && x > 1.5 && y > 4) found.push(`${name}: "${text}" on "${other}"`);
      }
    }
  }
  return found;
}"""


def drawn_anew(name):
    return (DRAWINGS | TABLES)[name]()


@pytest.mark.parametrize("name", [*DRAWINGS, *TABLES])
def test_names_are_escaped_and_nothing_is_inline(name):
    text = drawn_anew(name)
    tree(text)
    assert not re.search(r"<script|\sstyle=|\son\w+=|[\x00-\x09\x0b-\x1f\x7f]", text)
    assert all(
        address.startswith("data:image/png;") for address in re.findall(r'(?:href|src)="([^"]*)"', text)
    )


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_says_what_it_is(name):
    text = drawn_anew(name)
    root = tree(text)
    assert root[0].tag == f"{SVG}title"
    assert root[0].text
    found = buttons(text)
    assert root.get("role") == ("group" if found else "img")
    for quantity, element in found.items():
        assert read_name(quantity).text.replace("dC/d", "") == quantity
        assert element.get("role") == "button"
        assert element.get("tabindex") == "0"
        assert element.get("aria-label")


@pytest.mark.parametrize("name", DRAWINGS)
def test_what_is_cut_has_the_whole_as_its_title(name):
    for element in elements(drawn_anew(name), "text"):
        shown = "".join(element.itertext()) if not len(element) else element.text
        if shown and shown.endswith("…"):
            whole = element.find(f"{SVG}title").text
            assert whole.startswith(shown[:-1])
            assert len(whole) > len(shown) - 1


@pytest.mark.parametrize("name", DRAWINGS)
def test_its_classes_are_in_the_stylesheet(name):
    known = set(re.findall(r"\.([a-z]\w*)", stylesheet()))
    used = {each for element in tree(drawn_anew(name)).iter() for each in element.get("class", "").split()}
    assert used - known == set()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_file_of_its_own_has_colours_put_in(name, dark):
    text = standalone(drawn_anew(name), dark=dark)
    tree(text)
    assert not re.search(r"var\(|--\w|light-dark|class=\"hit\"", text)
    assert f'fill="{"#15181e" if dark else "#ffffff"}"' in text


def page_of(bodies):
    body = "".join(f'<section id="{name}">{text}</section>' for name, text in bodies.items())
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Drawings</title><style>'
        f"{stylesheet()}</style></head><body>{body}</body></html>"
    )


@pytest.mark.slow
def test_words_stand_clear_of_each_other(tmp_path):
    with opened(page_of({name: draw() for name, draw in DRAWINGS.items()}), tmp_path, dark=True) as page:
        assert page.evaluate(FAULTS) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "fault"), [("20", '"planted" on "planted too"'), ("9999", '"planted" leaves the drawing')]
)
def test_planted_words_are_found(tmp_path, place, fault):
    text = '<svg class="drawing" viewBox="0 0 300 40" width="300"><text x="22" y="20">planted too</text>'
    text += f'<text x="{place}" y="20">planted</text></svg>'
    with opened(page_of({"x": text}), tmp_path) as page:
        assert page.evaluate(FAULTS) == [f"x: {fault}"]


def test_hostile_names_are_told_apart_in_a_table():
    text = drawn_anew("confusion")
    assert "&lt;script&gt;" in text
    assert "\\x1b[31m\\x00" in text
    assert f">{HOSTILE[3]}" not in text
    assert text.count(f' title="{HOSTILE[3]}"') == 2  # what is cut says the whole where a pointer rests
