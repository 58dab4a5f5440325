"""Formulas read once more: the walk that ONNX nodes and C expressions share.

A `Reading` says what an operation is in its own terms. What does not depend on z (numbers, parameters, what
is made of them) is computed here, so a file holds numbers in its place.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np

from clearprop.formulas import language
from clearprop.formulas.activations import Activation

Term = TypeVar("Term")  #: a value in the making: the name of a tensor, an expression

ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISON = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<="}


class Reading(ABC, Generic[Term]):
    """One way to write formulas down."""

    def __init__(self) -> None:
        self._known: dict[str, Term] = {}

    @abstractmethod
    def number(self, value: float) -> Term:
        """A constant; it may be infinite or NaN."""

    @abstractmethod
    def operation(self, sign: str, left: Term, right: Term) -> Term:
        """`left sign right`, for + - * /."""

    @abstractmethod
    def negative(self, operand: Term) -> Term:
        """-operand."""

    @abstractmethod
    def power(self, base: Term, exponent: Term) -> Term:
        """base ** exponent."""

    @abstractmethod
    def square(self, base: Term) -> Term:
        """base ** 2."""

    @abstractmethod
    def choice(self, sign: str, left: Term, right: Term, yes: Term, no: Term) -> Term:
        """`yes` where `left sign right` (> < >= <=), else `no`."""

    @abstractmethod
    def call(self, primitive: str, arguments: list[Term]) -> Term:
        """A primitive of the language, but for `where`."""

    def activation(self, row: Activation, z: Term) -> Term:
        """g(z) of a row with its parameters."""
        self._known = {}
        self._parameters = {name: np.float64(value) for name, value in row.constants.items()}
        return self._read(language.parse(row.formula), z)

    def _read(self, node: ast.expr, z: Term) -> Term:
        if isinstance(node, ast.Name) and node.id == "z":
            return z
        key = ast.dump(node)
        if key not in self._known:
            depends = any(isinstance(n, ast.Name) and n.id == "z" for n in ast.walk(node))
            self._known[key] = self._operation(node, z) if depends else self.number(self._folded(node))
        return self._known[key]

    def _folded(self, node: ast.expr) -> float:
        with np.errstate(all="ignore"):
            return float(language.evaluate(ast.unparse(node), self._parameters))

    def _operation(self, node: ast.expr, z: Term) -> Term:
        match node:
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=2)):
                return self.square(self._read(node.left, z))
            case ast.BinOp(op=ast.Pow()):
                return self.power(self._read(node.left, z), self._read(node.right, z))
            case ast.BinOp():
                sign = ARITHMETIC[type(node.op)]
                return self.operation(sign, self._read(node.left, z), self._read(node.right, z))
            case ast.UnaryOp(op=ast.USub()):
                return self.negative(self._read(node.operand, z))
            case ast.UnaryOp():
                return self._read(node.operand, z)
            case ast.Call(func=ast.Name(id="where"), args=[ast.Compare() as condition, yes, no]):
                sign = COMPARISON[type(condition.ops[0])]
                left, right = self._read(condition.left, z), self._read(condition.comparators[0], z)
                return self.choice(sign, left, right, self._read(yes, z), self._read(no, z))
            case ast.Call(func=ast.Name(id=name)):
                return self.call(name, [self._read(argument, z) for argument in node.args])
        raise AssertionError(f"unchecked node {ast.dump(node)}")
