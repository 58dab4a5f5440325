"""The usual slips, simplest first: a name, what happened, and why it is wrong, with the equation it breaks.

F1 z = W a + b, F2 a = g(z); BP1 delta[L] = dC/dz[L], BP2 delta[l] = (W[l+1]^T delta[l+1]) * g'(z[l]),
BP3 dC/db = delta, BP4 dC/dW = delta a^T, the sum over examples and the penalty included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Slip:
    """One kind of slip.

    Attributes
    ----------
    name : str
    rank : int
        Simpler explanations have lower ones.
    what : str
        With the pieces of the formula for {old} and {new}.
    why : str
    """

    name: str
    rank: int
    what: str
    why: str


_TEXTS: tuple[tuple[str, str, str], ...] = (
    (
        "missing_transpose",
        "{old} is not transposed",
        "errors go back through W transposed, and dC/dW is delta times the transposed input (BP2, BP4)",
    ),
    (
        "extra_transpose",
        "{old} should not be transposed",
        "transposed, its rows are no longer the receiving units (F1, BP2)",
    ),
    (
        "transposed_result",
        "the whole is transposed: {old}",
        "a row of W, and of dC/dW, belongs to the receiving unit: delta x^T, not x delta^T (BP4)",
    ),
    ("operands_swapped", "{old} has its operands in the wrong order", "a matrix product is not commutative"),
    (
        "elementwise_for_product",
        "{old} multiplies elementwise",
        "units are summed over here, so it is the matrix product @ (F1, BP2, BP4)",
    ),
    (
        "product_for_elementwise",
        "{old} is a matrix product",
        "each unit's error is multiplied by its own g'(z), elementwise (BP2)",
    ),
    (
        "indices_swapped",
        "the indices of {old} are swapped",
        "the first index of W is the receiving unit (F1)",
    ),
    ("wrong_index", "{old} has a wrong index", "each index names the unit that is summed over or asked for"),
    (
        "missing_sum",
        "a sum is missing: {new}",
        "all paths (or examples) contribute, and are added (BP2, BP3)",
    ),
    ("extra_sum", "{old} sums where nothing is to be summed", "each unit has a number of its own"),
    (
        "reversed_difference",
        "{old} is the wrong way round",
        "the loss falls as y_hat goes towards y, so its slope is y_hat - y (BP1)",
    ),
    ("sign_of_term", "a sign in {old} is wrong", "each term has the sign that its derivative gives it"),
    ("sign", "the sign of {old} is wrong", "a lost minus of the chain rule turns descent into ascent"),
    (
        "square_left_in",
        "the square is left in {old}",
        "the derivative of u**2 is 2 u: the exponent comes down and goes (BP1)",
    ),
    ("missing_square", "{old} should be squared", "without the square, errors of both signs cancel"),
    (
        "missing_two",
        "the factor 2 is missing in {old}",
        "the derivative of u**2 is 2 u, and of u**2 / 2 it is u (BP1)",
    ),
    (
        "extra_two",
        "{old} is twice what it should be",
        "the 1/2 of the loss cancels the 2 of its derivative, or a 1/2 is lost (BP1)",
    ),
    (
        "missing_mean",
        "1/m is missing in {old}",
        "C is the mean over the m examples, so each gradient carries 1/m: sum against mean (BP1)",
    ),
    (
        "extra_mean",
        "{old} is divided by m once too often",
        "delta carries the share 1/m already (BP1, BP3, BP4)",
    ),
    (
        "mean_over_outputs",
        "{old} averages over the outputs, too",
        "an example's loss is summed over its outputs, and C is the mean over examples alone",
    ),
    (
        "missing_log_base",
        "1/ln 2 is missing in {old}",
        "the derivative of log2(u) is 1/(u ln 2): a loss in bits has it in every gradient (BP1)",
    ),
    ("extra_log_base", "{old} has a factor ln 2 too many", "the loss is in natural logarithms (BP1)"),
    ("slope_of_activation", "{old} takes g' at a", "g' is taken at z, where g is; BP2 has g'(z)"),
    ("slope_of_wrong_layer", "{old} is g' of another layer", "delta[l] has g' at the layer's own z[l] (BP2)"),
    (
        "value_for_slope",
        "{old} is g, not its derivative",
        "the chain rule passes an activation by g'(z) (BP2)",
    ),
    ("slope_for_value", "{old} is g', not g", "forward, a unit gives g(z) itself (F2)"),
    (
        "missing_slope",
        "the factor g' is missing, {new}",
        "the chain rule passes every activation by g'(z) (BP1, BP2)",
    ),
    (
        "extra_slope",
        "the factor g' in {old} is too much",
        "here no activation is passed, or it is in already: y_hat - y of a matched pair holds it (BP1)",
    ),
    ("wrong_layer", "{old} is of another layer than {new}", "W[l] leads from a[l-1] to z[l] (F1, BP2, BP4)"),
    ("wrong_symbol", "{old} stands for {new}", "each number has its own place in the equations"),
    ("missing_bias", "the bias {new} is missing", "z = W a + b (F1)"),
    (
        "missing_penalty",
        "the penalty is missing, {new}",
        "dC/dW holds l2 W + l1 sign W, the derivative of P (BP4)",
    ),
    ("missing_eta", "the learning rate is missing in {old}", "a step goes eta times the gradient"),
    (
        "missing_delta",
        "the factor delta is missing, {new}",
        "the chain rule begins at C: delta = dC/dz (BP3, BP4)",
    ),
    ("missing_input", "the input is missing, {new}", "dz/dW is what the layer receives, a[l-1] (BP4)"),
    ("missing_weights", "the weights are missing, {new}", "dz[l+1]/da[l] is W[l+1] (BP2)"),
    (
        "missing_loss_slope",
        "the factor dC/dy_hat is missing, {new}",
        "the chain rule begins with the slope of the loss (BP1)",
    ),
    (
        "missing_term",
        "a term is missing: {new}",
        "every term of the equation counts, such as those of both classes, y and 1 - y",
    ),
    ("extra_factor", "the factor {old} is too much", "no link of the chain gives it"),
    ("extra_term", "the term {old} is too much", "no path gives it"),
    (
        "missing_kronecker",
        "1 stands in {old} for every i and j",
        "of the softmax, dy_hat_i/dz_j has the 1 where i = j alone",
    ),
    ("missing_factor", "the factor {new} is missing", "the loss row has it"),
    (
        "slope_of_other_activation",
        "{old} is the derivative of {new}",
        "the derivative belongs to the layer's own activation (F2, BP2)",
    ),
    ("missing_activation", "the activation {new} is missing", "a unit gives g(z), not z (F2)"),
    (
        "wrong_activation",
        "{old} is not what the layer's activation gives, {new}",
        "a = g(z) with the layer's own g (F2)",
    ),
    ("wrong_slope", "{old} is not g'(z)", "the derivative belongs to the layer's own activation (F2, BP2)"),
    (
        "other_quantity",
        "the formula is right for {new}, not for {old}",
        "it is another derivative of the same chain",
    ),
    ("wrong_loss_slope", "{old} is not the slope of the loss", "BP1 begins with dC/dy_hat"),
)

#: the slips by name, simplest first
SLIPS: Mapping[str, Slip] = MappingProxyType(
    {name: Slip(name, rank, what, why) for rank, (name, what, why) in enumerate(_TEXTS)}
)
