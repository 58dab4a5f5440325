"""The workshop's notebooks run: as Python without PyTorch's cells, and (slow) as notebooks with them."""

import re
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

FOLDER = Path(__file__).parents[1] / "docs" / "workshop"
SOURCES = sorted(FOLDER.glob("[a-z]*.py"))


def cells(source):
    """Head line and text of each cell of a percent script."""
    parts = re.split(r"^# %%", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [part.partition("\n")[::2] for part in parts]


def code(source, without=()):
    """A notebook's code as a script, without the cells of some tags."""
    kept = [
        text
        for head, text in cells(source)
        if "[markdown]" not in head and not any(f'"{tag}"' in head for tag in without)
    ]
    return "\n".join(kept)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    yield
    pyplot.close("all")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs_as_python_without_pytorch(source):
    script = code(source, without=["torch"])
    assert "torch" not in script
    exec(compile(script, str(source), "exec"), {"__name__": "notebook"})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_has_exercises_and_a_folded_answer_for_each(source):
    written = cells(source)
    (exercises,) = (text for head, text in written if "## Exercises" in text)
    asked = re.findall(r"^# (\d)\. ", exercises, re.MULTILINE)
    answers = [text for head, text in written if "[markdown]" in head and "**Answer" in text]
    folded = [head for head, _ in written if '"answer"' in head]
    assert [re.search(r"\d", text)[0] for text in answers] == asked
    assert len(folded) == len(asked) >= 2
    assert all('"source_hidden": true' in head for head in folded)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_readme_lists_it_and_links_between_notebooks_lead_somewhere(source):
    assert f"[{source.stem}]({source.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    for linked in re.findall(r"\]\((\w+)\.ipynb\)", source.read_text(encoding="utf-8")):
        assert (FOLDER / f"{linked}.py").exists()


def test_cells_are_left_out_by_their_tag(tmp_path):
    """A planted cell that fails is not run where its tag is left out, and is run where it is not."""
    source = tmp_path / "planted.py"
    source.write_text('# %%\nx = 1\n\n# %% [markdown]\n# 1 / 0\n\n# %% tags=["torch"]\nx = 1 / 0\n')
    exec(code(source, without=["torch"]))
    with pytest.raises(ZeroDivisionError):
        exec(code(source))


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs_as_a_notebook_with_pytorch(source):
    pytest.importorskip("nbclient")
    pytest.importorskip("torch")
    notebook = runpy.run_path(str(FOLDER / "__main__.py"))["executed"](source, torch=True)
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)
    assert any(cell.outputs for cell in ran)
