"""docs/constructions.md says what its code prints, and has the tables that its command writes."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "constructions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "constructions" / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_what_the_command_writes(pictures, monkeypatch, tmp_path):
    assert pictures.page() == TEXT, "run: make constructions"
    assert TEXT.count("\n|---|") == 3
    spoiled = tmp_path / "constructions.md"
    spoiled.write_text(TEXT.replace("| 128 |", "| 127 |"), encoding="utf-8")
    monkeypatch.setattr(pictures, "PAGE", spoiled)
    assert pictures.page() == TEXT


def test_every_picture_of_the_page_is_there():
    named = re.findall(r"\]\((constructions/[a-z-]+\.svg)\)", TEXT)
    assert {DOCS / name for name in named} == set((DOCS / "constructions").glob("*.svg"))


def test_what_the_page_shows_is_what_its_code_prints(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec("\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)), {})
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    shown = [block for language, block in fences if not language and not block.startswith("clearprop")]
    shown += re.findall(r"print\(.*\)  # (?!why)(.*)", TEXT)
    assert len(shown) > 8
    for block in shown:
        assert block in told.getvalue()
