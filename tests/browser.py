"""A page in Chromium, and what is wrong with it: shared by the slow tests of everything that writes HTML."""

import contextlib
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

NARROW, WIDE = 390, 1280  #: pixels of a phone and of a screen

#: in the page: what a reader would see as broken
_FAULTS = """() => {
  const found = [];
  const boxes = document.querySelectorAll("math, svg");
  for (const box of boxes) {
    const size = box.getBoundingClientRect();
    if (size.width < 1 || size.height < 1)
      found.push(`an empty ${box.nodeName}: ${box.outerHTML.slice(0, 80)}`);
  }
  for (const error of document.querySelectorAll("merror, parsererror")) found.push(error.textContent);
  const known = new Set(["math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msup",
    "msub", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded"]);
  for (const node of document.querySelectorAll("math, math *"))
    if (!known.has(node.nodeName)) found.push(`${node.nodeName} in a formula`);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) found.push(`${root.scrollWidth} wide in ${root.clientWidth}`);
  return found;
}"""


@contextlib.contextmanager
def opened(html, tmp_path, *, width=WIDE, dark=False):
    """The page in headless Chromium; its console's errors and requests elsewhere fail the test."""
    sync = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium; apt install chromium")
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    complaints = []
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith("file://") else complaints.append(asked.url),
        )
        page.goto(path.as_uri())
        yield page
        browser.close()
    assert complaints == []


def faults(page):
    """What a reader of the page would see as broken."""
    return page.evaluate(_FAULTS)


def html_errors(html):
    """Errors of the page by the HTML standard's own parsing rules, and where XML would stumble."""
    html5lib = pytest.importorskip("html5lib")
    parser = html5lib.HTMLParser()
    parser.parse(html)
    found = [f"{place}: {what}" for place, what, _ in parser.errors]
    body = html[html.index("<body") : html.index("</body>") + len("</body>")] if "<body" in html else html
    try:
        ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        found.append(str(error))
    return found
