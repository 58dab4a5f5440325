"""Corrections of products, sums and signs: factors and terms lost or too many, squares, order of operands."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from clearprop.glassbox.checker.matrix_language import (
    Leaf,
    function_name,
    leaf_of,
    leaves,
    letters_of,
    written,
)
from clearprop.glassbox.checker.places import (
    Place,
    binary,
    call,
    constant,
    matmul,
    name,
    negated,
    plus,
    times,
    transposed,
)
from clearprop.glassbox.checker.setting import Change, Setting
from clearprop.glassbox.checker.slopes_corrected import is_slope

_OUTER = ("root", "term", "operand", "argument")


def of_scalars(place: Place, setting: Setting) -> Iterator[Change]:
    """A number as a factor: 2, m, ln 2, eta, and the sign."""
    node = place.node
    if place.role not in ("root", "term", "argument"):
        return
    ln2 = call("ln", constant(2))
    yield Change("missing_two", node, times(constant(2), node))
    yield Change("extra_two", node, binary(node, ast.Div(), constant(2)))
    yield Change("missing_mean", node, binary(node, ast.Div(), name("m")))
    yield Change("extra_mean", node, times(name("m"), node))
    yield Change("missing_log_base", node, binary(node, ast.Div(), ln2))
    yield Change("extra_log_base", node, times(ln2, node))
    if setting.asked.new and place.role == "term":
        yield Change("missing_eta", node, times(name("eta"), node))


def of_signs(place: Place, setting: Setting) -> Iterator[Change]:
    """A minus more or less, a difference the wrong way round."""
    node = place.node
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            yield Change("sign", node, inner)
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            sides = [{leaf.name for leaf in leaves(side)} for side in (left, right)]
            of_loss = all(sides) and "y" in sides[0] ^ sides[1]
            slip = "reversed_difference" if of_loss else "sign"
            yield Change(slip, node, binary(right, ast.Sub(), left))
            if not written(right).startswith("-"):
                yield Change("sign_of_term", node, binary(left, ast.Add(), right))
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            yield Change("sign_of_term", node, binary(left, ast.Sub(), right))
    if place.role in ("root", "argument") and not isinstance(node, ast.UnaryOp):
        yield Change("sign", node, negated(node))


def of_powers(place: Place, setting: Setting) -> Iterator[Change]:
    """A square more or less."""
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield Change("square_left_in", node, node.left)
    elif place.role != "base" and not isinstance(node, ast.Attribute) and any(leaves(node)):
        yield Change("missing_square", node, binary(node, ast.Pow(), constant(2)))


def of_operands(place: Place, setting: Setting) -> Iterator[Change]:
    """The operands of a product in the other order; * for @ and @ for *."""
    match place.node:
        case ast.BinOp(op=ast.MatMult(), left=left, right=right):
            yield Change("operands_swapped", place.node, matmul(right, left))
            yield Change("product_for_elementwise", place.node, times(left, right))
        case ast.BinOp(op=ast.Mult(), left=left, right=right) if not setting.in_elements:
            yield Change("elementwise_for_product", place.node, matmul(left, right))


def of_sums(place: Place, setting: Setting) -> Iterator[Change]:
    """A sum more or less, or a mean for it; over units, letters or examples."""
    node = place.node
    if isinstance(node, ast.Call) and function_name(node) in ("sum", "mean"):
        if len(node.args) == 2:
            yield Change("extra_sum", node, node.args[1])
            for letter in sorted(letters_of(setting.tree) - letters_of(node.args[0])):
                yield Change("wrong_index", node, ast.Call(node.func, [name(letter), node.args[1]], []))
        elif function_name(node) == "sum":
            yield Change("extra_sum", node, node.args[0])
            yield Change("missing_mean", node, ast.Call(name("mean"), node.args, node.keywords))
        else:
            yield Change("extra_sum", node, node.args[0])
            total = ast.Call(name("sum"), node.args, node.keywords)
            yield Change("extra_mean", node, total)
            if not node.keywords:
                yield Change("mean_over_outputs", node, binary(total, ast.Div(), name("m")))
        for axis in (0, 1):
            if node.keywords and ast.unparse(node.keywords[0].value) != str(axis):
                changed = call(function_name(node), node.args[0], axis=axis)
                yield Change("wrong_index", node, changed)
    if isinstance(node, ast.Call) and function_name(node) in ("ln", "log", "log2"):
        natural = function_name(node) != "log2"
        slip, other = ("missing_log_base", "log2") if natural else ("extra_log_base", "ln")
        yield Change(slip, node, call(other, *node.args))
    if place.role not in (*_OUTER, "divisor"):
        return
    if setting.in_elements:
        for letter in sorted(letters_of(node) - set(setting.asked.letters)):
            yield Change("missing_sum", node, call("sum", name(letter), node))
    else:
        yield Change("missing_sum", node, call("sum", node))
        axis = 1 if setting.convention == "columns" else 0
        yield Change("missing_sum", node, call("sum", node, axis=axis))


def of_left_out(place: Place, setting: Setting) -> Iterator[Change]:
    """A factor or a term that is too much."""
    match place.node:
        case ast.BinOp(op=ast.Mult() | ast.MatMult(), left=left, right=right):
            for factor, rest in ((left, right), (right, left)):
                slip = _extra(factor)
                told = factor if slip.startswith("extra") and slip != "extra_two" else place.node
                yield Change(slip, place.node, rest, wrong=told)
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            slip = _extra_divisor(right)
            told = right if slip == "extra_factor" else place.node
            yield Change(slip, place.node, left, wrong=told)
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            yield Change("extra_term", place.node, left, wrong=right)
            kept = right if isinstance(place.node.op, ast.Add) else negated(right)
            yield Change("extra_term", place.node, kept, wrong=left)


def _extra(factor: ast.expr) -> str:
    """The slip of a factor that should go."""
    known = {
        "2": "extra_two",
        "1 / 2": "missing_two",
        "0.5": "missing_two",
        "m": "missing_mean",
        "1 / m": "extra_mean",
        "ln(2)": "extra_log_base",
        "1 / ln(2)": "extra_log_base",
    }
    return known.get(ast.unparse(factor)) or ("extra_slope" if is_slope(factor) else "extra_factor")


def _extra_divisor(divisor: ast.expr) -> str:
    known = {"2": "missing_two", "m": "extra_mean", "ln(2)": "extra_log_base", "log(2)": "extra_log_base"}
    return known.get(ast.unparse(divisor), "extra_factor")


def of_missing_factors(place: Place, setting: Setting) -> Iterator[Change]:
    """A factor of the chain rule that is missing."""
    node = place.node
    meant = {leaf.name for leaf in leaves(node)}
    if place.role == "factor" and meant & {"delta", "y", "a"} and not setting.in_elements:
        yield from _weights(node, setting)
    if place.role not in _OUTER or (isinstance(node, ast.Constant) and place.role != "root"):
        return
    rows = setting.convention == "rows"
    for layer in setting.layers:
        received = setting.received(layer)
        for delta in setting.numbers("delta", layer):
            yield _with("missing_delta", node, times(delta, node), delta)
            if not setting.in_elements:
                yield _with("missing_delta", node, matmul(transposed(delta) if rows else delta, node), delta)
        for a in setting.numbers(received.name, received.layer):
            yield _with("missing_input", node, times(node, a), a)
            if not setting.in_elements:
                product = matmul(transposed(node), a) if rows else matmul(node, transposed(a))
                yield _with("missing_input", node, product, a)
    yield from _weights(node, setting)
    for error in setting.numbers("dy_hat", None):
        yield _with("missing_loss_slope", node, times(error, node), error)
    for kind in ("y", "y_hat"):
        for factor in setting.numbers(kind, None):
            yield _with("missing_factor", node, times(factor, node), factor)


def _weights(node: ast.expr, setting: Setting) -> Iterator[Change]:
    rows = setting.convention == "rows"
    for layer in setting.layers:
        for W in setting.numbers("W", layer):
            if setting.in_elements:
                yield _with("missing_weights", node, times(W, node), W)
                continue
            back = matmul(node, W) if rows else matmul(transposed(W), node)
            ahead = matmul(node, transposed(W)) if rows else matmul(W, node)
            yield _with("missing_weights", node, back, W)
            yield _with("missing_weights", node, ahead, W)


def of_missing_terms(place: Place, setting: Setting) -> Iterator[Change]:
    """A bias, a penalty, or the other class's part of a loss that is missing."""
    node = place.node
    if place.role not in _OUTER:
        return
    for layer in setting.layers:
        for b in setting.numbers("b", layer):
            yield Change("missing_bias", node, plus(node, b), right=b)
        for W in setting.numbers("W", layer):
            for term in _penalty_slopes(W, setting):
                yield Change("missing_penalty", node, plus(node, term), right=term)
    if setting.asked.new and place.role == "root":
        old = setting.asked.of.node
        yield Change("missing_term", node, binary(old, ast.Sub(), node), right=old)
    if setting.network.l2 and setting.asked.of.name == "C":
        yield Change("missing_penalty", node, plus(node, _penalty(setting)))
    if setting.network.loss.targets == "probabilities":
        one = constant(1)
        for y, y_hat in zip(setting.numbers("y", None), setting.numbers("y_hat", None), strict=True):
            left = binary(one, ast.Sub(), y)
            rest = binary(one, ast.Sub(), y_hat)
            slope, loss = binary(left, ast.Div(), rest), times(left, call("ln", rest))
            yield Change("missing_term", node, plus(node, slope), right=slope)
            yield Change("missing_term", node, binary(node, ast.Sub(), loss), right=loss)
            yield Change("missing_term", node, plus(node, loss), right=loss)


def _penalty_slopes(W: ast.expr, setting: Setting) -> Iterator[ast.expr]:
    """dP/dW of the penalties that the network has."""
    if setting.network.l2:
        yield times(name("l2"), W)
    if setting.network.l1:
        positive = ast.Compare(W, [ast.Gt()], [constant(0)])
        yield times(name("l1"), call("where", positive, constant(1), negated(constant(1))))


def _penalty(setting: Setting) -> ast.expr:
    """l2 / 2 |W|^2 over all layers."""
    squares = [
        call("sum", binary(Leaf("W", constant(l)).node, ast.Pow(), constant(2)))
        for l in range(1, setting.network.depth + 1)
    ]
    total = squares[0]
    for square in squares[1:]:
        total = plus(total, square)
    return times(binary(name("l2"), ast.Div(), constant(2)), total)


def of_loss_slopes(place: Place, setting: Setting) -> Iterator[Change]:
    """A piece of y and y_hat alone, which may have been meant as the slope of the loss."""
    inside = [*leaves(place.node)]
    names = {leaf.name for leaf in inside}
    if leaf_of(place.node) is not None or not names <= {"y", "y_hat"} or "y" not in names:
        return
    units = inside[0].units
    last = name("L") if setting.asked.is_generic else constant(setting.network.depth)
    for right in (Leaf("delta", last, units), Leaf("dy_hat", None, units)):
        yield Change("wrong_loss_slope", place.node, right.node)


def _with(slip: str, old: ast.expr, new: ast.expr, factor: ast.expr) -> Change:
    return Change(slip, old, new, right=factor)
