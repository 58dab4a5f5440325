"""Texts are read as trees whatever other threads read meanwhile."""

import ast
import gc
import sys
import threading

import pytest

from clearprop.constructions import expression
from clearprop.formulas import language
from clearprop.formulas.trees import expression_tree
from clearprop.glassbox.checker.asked import read_asked
from clearprop.glassbox.checker.matrix_language import read_formula

READERS = {
    "formulas": lambda: language._parsed.__wrapped__("maximum(z, 0)"),
    "Boolean formulas": lambda: expression.parse("a & ~b"),
    "matrices": lambda: read_formula("W[2].T @ delta[2]"),
    "what is asked": lambda: read_asked("delta[2]").of.node,
}


class _Fault:
    """`ast.parse` of CPython 3.11.7 beside another thread: it fails for some calls, then not."""

    def __init__(self, monkeypatch, times):
        self.left, self._parse = times, ast.parse
        monkeypatch.setattr(ast, "parse", self)

    def __call__(self, *args, **keywords):
        if self.left:
            self.left -= 1
            raise SystemError("AST constructor recursion depth mismatch (before=42, after=38)")
        return self._parse(*args, **keywords)


@pytest.mark.parametrize("reader", READERS)
def test_a_text_is_read_again_where_the_interpreter_miscounts(monkeypatch, reader):
    wanted = ast.dump(READERS[reader]())
    fault = _Fault(monkeypatch, 2)
    assert ast.dump(READERS[reader]()) == wanted
    assert fault.left == 0


def test_an_interpreter_that_fails_for_good_is_heard(monkeypatch):
    _Fault(monkeypatch, 10**6)
    with pytest.raises(SystemError, match="depth mismatch"):
        expression_tree("z")


def test_what_is_no_expression_is_refused_as_python_does():
    with pytest.raises(SyntaxError):
        expression_tree("z +")


class _Circle:
    """Rubbish whose collection runs Python, in which the interpreter may go to another thread."""

    def __init__(self):
        self.own = self

    def __del__(self):
        for _ in range(3):
            pass


def test_threads_that_collect_rubbish_read_trees_side_by_side():
    """On CPython 3.11.7 `ast.parse` itself fails here."""
    text, found, errors = "where(z > 0, z, alpha * expm1(minimum(0, z)))", set(), []

    def read():
        try:
            for _ in range(1500):
                _Circle()
                tree = expression_tree(text)
            found.add(ast.dump(tree))
        except Exception as error:
            errors.append(error)

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-5)
    gc.set_threshold(100)
    try:
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)
    assert not errors
    assert found == {ast.dump(ast.parse(text, mode="eval").body)}
