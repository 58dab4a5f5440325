"""The reading of formulas as Numba functions of one dtype.

A formula is written out as straight-line Python, one assignment a node, and that text is compiled; equal
subtrees are computed once and constants are folded. What is subtle: constants must have the dtype of the
data, or they would promote a float32 row to float64, so they are globals of the function, typed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from clearprop.formulas import language
from clearprop.formulas.activations import MOST_PARAMETERS
from clearprop.formulas.optimizers import MOST_SCALARS, Optimizer

_PARAMETERS = tuple(f"p{i}" for i in range(MOST_PARAMETERS))
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISON = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<="}


class _Writer:
    """Writes formulas as straight-line code: one assignment a node, equal subtrees once."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)
        self.lines: list[str] = []
        self.constants: dict[str, float] = {}
        self._known: dict[str, str] = {}

    def formula(self, text: str) -> str:
        """Name that holds the formula's value."""
        return self._write(language.parse(text))

    def _write(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.names[node.id]
        if not any(isinstance(n, ast.Name) and n.id in self.names for n in ast.walk(node)):
            return self._constant(float(language.evaluate(ast.unparse(node), {})))
        key = ast.dump(node)
        if key not in self._known:
            self._known[key] = self._assign(self._code(node))
        return self._known[key]

    def _assign(self, code: str) -> str:
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return name

    def _constant(self, value: float) -> str:
        for name, known in self.constants.items():
            if known == value:
                return name
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def _code(self, node: ast.expr) -> str:
        match node:
            case ast.BinOp(op=ast.Pow()):
                return self._power(self._write(node.left), node.right)
            case ast.BinOp():
                return f"{self._write(node.left)} {_BINARY[type(node.op)]} {self._write(node.right)}"
            case ast.UnaryOp(op=ast.USub()):
                return f"-{self._write(node.operand)}"
            case ast.UnaryOp():
                return self._write(node.operand)
            case ast.Call(func=ast.Name(id="where"), args=[ast.Compare() as condition, yes, no]):
                left, right = self._write(condition.left), self._write(condition.comparators[0])
                chosen, other = self._write(yes), self._write(no)
                return f"{chosen} if {left} {_COMPARISON[type(condition.ops[0])]} {right} else {other}"
            case ast.Call(func=ast.Name(id=name)):
                return f"{name}({', '.join(self._write(argument) for argument in node.args)})"
        raise AssertionError(f"unchecked node {ast.dump(node)}")

    def _power(self, base: str, exponent: ast.expr) -> str:
        match exponent:
            case ast.Constant(value=2):
                return f"{base} * {base}"
            case ast.Constant(value=3):
                return f"{base} * {base} * {base}"
        return f"power({base}, {self._write(exponent)})"


class RowCompiler:
    """Compiles formulas for float32 or float64; the same text with the same constants is one function."""

    def __init__(self, real: type) -> None:
        self.real = real
        self._seen: dict[tuple[str, ...], Any] = {}

    @property
    def primitives(self) -> Mapping[str, Any]:
        """The primitives as Numba functions in this dtype."""
        return _primitives(self.real)

    def function(self, arguments: tuple[str, ...], parameters: tuple[str, ...], texts: list[str]) -> Any:
        """f(arguments..., p0..p3) -> the values of the texts."""
        names = {name: f"v{i}" for i, name in enumerate(arguments)}
        names |= dict(zip(parameters, _PARAMETERS, strict=False))
        writer = _Writer(names)
        values = [writer.formula(text) for text in texts]
        head = [*(f"v{i}" for i in range(len(arguments))), *_PARAMETERS]
        return self._compile(head, writer.lines, values, writer.constants)

    def rule(self, row: Optimizer) -> Any:
        """f(theta, g, rate, slots..., c0, c1, p0..p3) -> (theta, slots...)."""
        slots = tuple(name for name, _ in row.slots)
        scalars = (*(name for name, _ in row.scalars), *("unused",) * (MOST_SCALARS - len(row.scalars)))
        arguments = ("theta", "g", "rate", *slots)
        names = {name: f"v{i}" for i, name in enumerate(arguments)}
        names |= {name: f"s{i}" for i, name in enumerate(scalars[: len(row.scalars)])}
        names |= dict(zip(row.parameter_names, _PARAMETERS, strict=False))
        head = [*(f"v{i}" for i in range(len(arguments))), *(f"s{i}" for i in range(MOST_SCALARS))]
        # A slot's new value takes its name for the lines below it, so no node may be reused across lines.
        lines: list[str] = []
        constants: dict[str, float] = {}
        for slot, text in (*row.slots, ("theta", row.step)):
            writer = _Writer(names)
            writer.constants = constants
            writer.lines = lines
            result = writer.formula(text)
            names[slot] = f"new_{slot}"
            lines.append(f"new_{slot} = {result}")
        values = ["new_theta", *(f"new_{slot}" for slot in slots)]
        return self._compile([*head, *_PARAMETERS], lines, values, constants)

    def _compile(
        self, head: list[str], lines: list[str], values: list[str], constants: Mapping[str, float]
    ) -> Any:
        from numba import njit

        body = "".join(f"    {line}\n" for line in lines)
        source = f"def row({', '.join(head)}):\n{body}    return {', '.join(values)}\n"
        key = (source, *map(repr, constants.values()))
        if key not in self._seen:
            scope: dict[str, Any] = dict(self.primitives)
            scope |= {name: self.real(value) for name, value in constants.items()}
            exec(source, scope)  # noqa: S102 - our own text, written from a whitelisted tree
            self._seen[key] = njit(forceinline=True, error_model="numpy")(scope["row"])
        return self._seen[key]


@lru_cache(maxsize=2)
def _primitives(real: type) -> Mapping[str, Any]:
    from clearprop.engines.primitives import build_primitives

    return build_primitives(real)
