"""The pages that `make docs` makes: every row, verb and public name has one, and its code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import clearprop as cp

DOCS = Path(__file__).parents[1] / "docs"
TABLES = ["activations", "losses", "optimizers", "schedules", "initializers"]


@pytest.fixture(scope="module")
def website():
    sys.path.insert(0, str(DOCS))
    import website
    import website.making  # and all that makes pages

    yield website
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def made(website, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    (folder / "stale.md").write_text("of a row that is no more")
    website.making.write(folder)
    return folder


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_told_when_to_use_and_where_from(website, table):
    rows = getattr(cp, table)
    assert set(website.words.TABLES[table]) == set(rows)
    for name, row in rows.items():
        words = website.rows.words_of(table, name)
        assert words.when.endswith(".")
        assert website.rows.source_of(row, words)


def test_a_row_of_which_nothing_is_said_is_found(website):
    with pytest.raises(LookupError, match=r"nothing of activations\['snake'\]"):
        website.rows.words_of("activations", "snake")
    snake = cp.Activation("snake", "z + sin(z)**2", derivative="1 + sin(2*z)")
    with pytest.raises(LookupError, match=r"'snake' nor .* names a source"):
        website.rows.source_of(snake, website.words.Words("Never."))


def test_pages_have_formulas_plots_and_every_name(made):
    for table in ("activations", "losses"):
        for name, row in getattr(cp, table).items():
            page = (made / table / f"{name}.md").read_text()
            assert page.startswith(f"# {name}\n")
            assert page.count("$$") >= 4
            assert "<svg" in page
            assert all(text in page for text in (getattr(row, "linked_delta", ""), *row.parameter_names))
    assert all(row.title in (made / "optimizers.md").read_text() for row in cp.optimizers.values())
    assert all(f"`{name}`" in (made / "initializers.md").read_text() for name in cp.initializers)
    schedules = (made / "schedules.md").read_text()
    assert schedules.count("<svg") == len(cp.schedules)
    assert not (made / "stale.md").exists()


def test_pages_are_written_once(website, made):
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*.md")}
    website.making.write(made)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*.md")} == before


def test_the_code_of_the_made_pages_runs(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = 0
    for page in sorted(made.glob("*/*.md")):
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            exec(compile(block, str(page), "exec"), {"__name__": "page"})
            ran += 1
    assert ran == len(cp.activations) + len(cp.losses)


def test_every_verb_has_its_help_on_a_page(made):
    from clearprop.cli import app

    for command in app.registered_commands:
        page = (made / "command-line" / f"{command.name}.md").read_text()
        assert f"Usage: clearprop {command.name}" in page
        assert "Show this message and exit." in page


def test_every_public_name_stands_on_one_page(website):
    grouped = [name for _, _, names in website.public_names.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(cp.__all__)
    assert website.public_names.missing(cp.__all__, grouped) == []


def test_a_public_name_without_an_entry_or_a_docstring_is_found(website, monkeypatch):
    missing = website.public_names.missing
    assert missing(cp.__all__, set(cp.__all__) - {"train"}) == ["train"]

    def forward():
        pass

    monkeypatch.setattr(cp, "forward", forward)
    assert missing(cp.__all__, cp.__all__) == ["forward"]


def test_bars_and_stars_of_docstrings_mean_themselves(website):
    from website.docstrings import escaped

    assert escaped(["|W|^2 is `a * b`, 2 * x", ">>> 2 * 3", "6", "", "a*"]) == [
        r"\|W\|^2 is `a * b`, 2 \* x",
        ">>> 2 * 3",
        "6",
        "",
        r"a\*",
    ]
    assert escaped(["**parameters : float", "many `Model`s, **summed**"]) == [
        "**parameters : float",
        r"many `Model`\ s, **summed**",
    ]


FAULTY = """# A page

[nowhere](nowhere.md), [no such place](#no-such-place), $\\nosuchcommand$, ![no picture](missing.png)

```{toctree}
:glob:

reference/index
reference/measured
reference/changelog
reference/contributing
workshop/*
experiments*
```
"""


@pytest.mark.slow
def test_a_faulty_page_fails_the_build_and_every_fault_is_told(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(FAULTY)
    (tmp_path / "docs/workshop").mkdir()
    (tmp_path / "docs/workshop/first.md").write_text("# A chapter that came later\n")
    planted = "import clearprop; clearprop.__all__.append('planted'); clearprop.planted = 3; "
    options = ["-b", "html", "-W", "-n", "--keep-going", "-c", str(DOCS / "website")]
    options += [str(tmp_path / "docs"), str(tmp_path / "built")]
    script = f"{planted}import sys; from sphinx.cmd.build import main; sys.exit(main({options!r}))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert told.returncode == 1, told.stderr
    faults = (
        "'nowhere.md'",
        "no-such-place",
        "nosuchcommand",
        "missing.png",
        "clearprop.planted has no entry",
    )
    for fault in faults:
        assert fault in told.stderr, fault
    assert "workshop" not in told.stderr  # it stands in the table of contents
    assert "experiments*" not in told.stderr  # a place that is kept
