"""The pages of derivations, traces and networks are valid and whole in a browser, wide, narrow and dark."""

from pathlib import Path

import pytest

import clearprop as cp
from browser import NARROW, WIDE, faults, html_errors, opened

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.html")), *sorted((Path(__file__).parent / "golden").glob("*.html"))]


def drawn():
    network = cp.Network(3, [cp.Dense(12, "relu"), cp.Dense(4, "tanh"), cp.Dense(2, "softmax")])
    seen = cp.trace(network, network.initialize(seed=1), [[1.0, -2.0, 0.5]], [1])
    return f"<!DOCTYPE html><html lang='en'><title>A trace</title><body>{seen._repr_html_()}</body></html>"


@pytest.mark.parametrize("page", [*PAGES, None], ids=lambda page: "a trace" if page is None else page.name)
def test_a_page_is_valid_and_whole(page, tmp_path):
    html = drawn() if page is None else page.read_text(encoding="utf-8")
    assert html_errors(html) == []
    for width, dark in ((WIDE, False), (WIDE, True), (NARROW, False)):
        with opened(html, tmp_path, width=width, dark=dark) as shown:
            assert faults(shown) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<math><mi></mi></math>", "an empty math"),
        ("<math><mi>x</mi><foo>y</foo></math>", "foo in a formula"),
        ("<div style='width: 4000px'>wide</div>", "4"),
    ],
)
def test_planted_faults_are_seen(body, fault, tmp_path):
    with opened(f"<!DOCTYPE html><html><body>{body}</body></html>", tmp_path) as shown:
        assert any(fault in found for found in faults(shown))


def test_planted_errors_of_html_are_seen(tmp_path):
    assert html_errors("<!DOCTYPE html><html><body><p>a<b>c</p></b></body></html>")
    with (
        pytest.raises(AssertionError),
        opened("<!DOCTYPE html><html><body><img src='http://127.0.0.1:1/x.png' /></body></html>", tmp_path),
    ):
        pass
