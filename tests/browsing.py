"""The page in Chromium, for tests that use it as a person would."""

import contextlib
import shutil

import pytest


@contextlib.contextmanager
def browsing(served, *, dark=False, width=1280, height=720, refused=0, calm=False, touch=False):
    """A tab on the page; anything its console calls an error, and any request elsewhere, fails the test.

    Of requests that the server is to refuse the browser's console speaks by itself, once each.
    """
    sync = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium; apt install chromium")
    complaints = []
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            reduced_motion="reduce" if calm else "no-preference",
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(f"{served.address.origin}/") else complaints.append(asked.url)
            ),
        )
        page.goto(served.address.url)
        yield page
        browser.close()
    expected = [said for said in complaints if "status of 400" in said]
    assert len(expected) == refused
    assert [said for said in complaints if said not in expected] == []
