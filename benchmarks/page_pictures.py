"""Pictures of every room of the page, in both themes: docs/page.

    python -m benchmarks.page_pictures [--out docs/page] [--only NAME]

Needs the extras `web` and `browser`, and Chromium. A room that is not there is said and left out.
"""

import argparse
import contextlib
import io
import shutil
import sys
import threading
import time
from pathlib import Path

from clearprop.web.bench.bench import Bench
from clearprop.web.bench.sets import generated_set, shipped_set
from clearprop.web.bench.settings import Layer, Settings
from clearprop.web.server import Served

WIDTH, HEIGHT = 1280, 860
COLOURS = 256  #: of a picture's palette
MOST_BYTES = 150_000
#: room -> the data and network it is shown with, what is pressed, and the element that is in the picture
ROOMS = {
    "page": ("moons", ("epochs", "number"), "body"),
    "data": ("penguins", (), "section:has(#data-title)"),
    "layers": ("moons", (), "section:has(#network-title)"),
    "network": ("moons", ("epochs", "number"), "section:has(#drawn-title)"),
    "learning": ("digits", ("epochs",), "section:has(#curves-title)"),
    "glass": ("moons", ("epochs", "number", "certify"), "section:has(#glass-title)"),
    "export": ("moons", (), "section:has(#export-title)"),
    "lessons": ("moons", ("lesson",), "body"),
}


def bench(name):
    """A bench with that data."""
    settings = Settings(layers=(Layer(8), Layer(4)), epochs=60)
    return Bench(generated_set(name) if name == "moons" else shipped_set(name), settings)


@contextlib.contextmanager
def serving(name):
    """The page, served in a thread."""
    served = Served(0, fresh=lambda: bench(name))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    while not served.server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield served
    finally:
        served.stop()
        thread.join(20)


def pressed(page, what):
    """Bring the page to where the picture is taken; false where it has no such thing."""
    match what:
        case "epochs":
            page.locator("#go").click()
            page.get_by_text("ended after").first.wait_for()
        case "number":
            page.locator("[data-of='W[1][2,0]'], [data-quantity='W[1][2,0]']").first.click()
            page.locator("#derivation math").first.wait_for()
        case "certify":
            page.locator("#certify").click()
            page.locator("#certificate pre, #certificate table").first.wait_for()
        case "lesson":
            page.get_by_label("Tour").select_option("boolean")
            page.locator("#lesson-text h3").first.wait_for()
    page.wait_for_timeout(400)


def picture(browser, served, pressing, element, dark):
    """The picture of a room, as the bytes of a PNG; a page that is higher than the screen is shown whole."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    try:
        page.goto(served.address.url)
        page.locator("#passes .number, #passes [data-of]").first.wait_for()
        page.wait_for_timeout(300)
        for each in pressing:
            pressed(page, each)
        shown = page.locator(element).first
        if element != "body":
            shown.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)  # what comes into sight is drawn then
        return page.screenshot() if element == "body" else shown.screenshot()
    finally:
        context.close()


def quantised(png):
    """The same picture on a small palette, and smaller still where it is too large."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (COLOURS, 128, 64, 32):
        held = io.BytesIO()
        image.quantize(colours, kmeans=3, dither=Image.Dither.NONE).save(held, "PNG", optimize=True)
        if held.tell() < MOST_BYTES:
            break
    return held.getvalue()


def main():
    """Take them."""
    from playwright.sync_api import Error, sync_playwright

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--out", type=Path, default=Path("docs/page"))
    asked.add_argument("--only", choices=ROOMS)
    given = asked.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium; apt install chromium")
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for room, (data, pressing, element) in ROOMS.items():
            if given.only not in (None, room):
                continue
            with serving(data) as served:
                for dark in (False, True):
                    path = given.out / f"{room}-{'dark' if dark else 'light'}.png"
                    try:
                        content = quantised(picture(browser, served, pressing, element, dark))
                    except Error as error:
                        print(f"{path.name}: left out, {str(error).splitlines()[0]}")
                        continue
                    path.write_bytes(content)
                    print(f"{path.name}: {len(content) / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
