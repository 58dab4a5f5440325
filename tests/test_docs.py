"""The code of the documentation's pages runs as it stands, page by page."""

import re
from pathlib import Path

import pytest

import clearprop

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(
        page
        for folder in (".", "how-to", "explanations")
        for page in sorted((ROOT / "docs" / folder).glob("*.md"))
    ),
]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_a_pages_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks(page)), str(page), "exec"), {"__name__": "page"})


def test_the_proofs_that_the_migration_page_names_are_there():
    proofs = (ROOT / "tests/estimators/test_peculiarities.py").read_text(encoding="utf-8")
    page = (ROOT / "docs/scikit-learn.md").read_text(encoding="utf-8")
    table = page.split("## Peculiarities")[1].split("## Where")[0]
    named = re.findall(r"`([a-z_]+_[a-z_]+)`", table)
    named = [name for name in named if name.count("_") > 2 and name not in ("n_iter_no_change",)]
    assert len(named) >= 12
    for name in named:
        assert f"def test_{name}(" in proofs, name
    for defined in re.findall(r"^def test_(\w+)\(", proofs, re.MULTILINE):
        assert defined in named or defined == "the_clipped_losses_are_scikit_learns_functions", defined


def test_every_parameter_beyond_scikit_learns_is_in_the_migration_page():
    from inspect import signature

    from sklearn import neural_network

    page = (ROOT / "docs/scikit-learn.md").read_text(encoding="utf-8")
    for name in ("MLPClassifier", "MLPRegressor"):
        ours, theirs = (
            signature(getattr(library, name)).parameters for library in (clearprop, neural_network)
        )
        for parameter in set(ours) - set(theirs):
            assert f"| `{parameter}` |" in page, parameter
