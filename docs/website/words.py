"""What the rows do not say of themselves: when to use each, where it is from, what keeps it exact.

Keyed by the row's name; the source stands here only where the row names none. A test asks for a line for
every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Of one row: when to use it; its source, and what keeps it exact, where the row does not say."""

    when: str
    source: str = ""
    exact: str = ""


_KINK = "Both factors of a term take the same side at the kink, so the slope there is the one printed."

ACTIVATIONS: Mapping[str, Words] = {
    "identity": Words("For outputs that are any number, with a squared, absolute, Huber or quantile loss."),
    "sigmoid": Words(
        "For an output that is a probability, with `binary_cross_entropy`. In hidden layers its slope of at "
        "most 1/4 makes deep networks learn slowly; choose `tanh` or a rectifier there.",
        exact="Computed from exp(-|z|), so that no z overflows.",
    ),
    "tanh": Words(
        "For hidden layers of small, smooth problems: its values are centred, and its slope is 1 at 0. "
        "A deep stack of it still loses its gradient where units are saturated."
    ),
    "relu": Words(
        "For hidden layers, wide and deep ones too: cheap, and its slope does not shrink for z > 0. A unit that is "
        "off for every row learns nothing more; `diagnose` finds such units.",
        exact=_KINK,
    ),
    "leaky_relu": Words(
        "For hidden layers in which rectifiers die: the slope to the left is never 0.", exact=_KINK
    ),
    "elu": Words(
        "For hidden layers whose mean should be near 0 while the slope to the right stays 1; at alpha = 1 the "
        "slope has no jump at 0.",
        exact="e^z - 1 is one function, `expm1`, which keeps its digits near 0; the minimum keeps it from "
        "overflowing on the side that is not taken.",
    ),
    "selu": Words(
        "For deep plain stacks without normalisation, with `lecun_normal` and standardised inputs: the two "
        "constants make mean 0 and variance 1 a fixed point from layer to layer.",
        exact="As `elu`: through `expm1`, which keeps its digits near 0.",
    ),
    "softplus": Words(
        "For outputs that are positive, such as a scale, and as a smooth `relu` where a derivative without "
        "jumps is wanted (influence, Jacobians).",
        exact="Computed as max(z, 0) + log1p(exp(-|z|)): nothing overflows, and small values keep their digits.",
    ),
    "gelu": Words("For hidden layers where a smooth rectifier is wanted, as in transformers' dense blocks."),
    "silu": Words(
        "For hidden layers; the default of the Tabular estimators. Smooth, and not monotone left of 0.",
    ),
    "mish": Words("For hidden layers, in place of `silu` where a recipe asks for it; it costs more."),
    "hard_sigmoid": Words(
        "For gates that are to reach 0 and 1 exactly, or for hardware without exp. Beyond -3 and 3 its slope "
        "is 0, and a unit there does not learn."
    ),
    "exp": Words("For outputs that are rates of counts, with the `poisson` loss."),
    "step": Words(
        "For networks that are written down: the perceptron, Boolean functions. It cannot be trained by "
        "backpropagation."
    ),
    "softmax": Words(
        "For outputs that are probabilities of classes that exclude each other, with `cross_entropy`.",
        exact="The largest z is taken off before exp, which changes no quotient and keeps every exp at 1 or "
        "below; log a is computed as z less its log-sum-exp, never as the log of a rounded a.",
    ),
    "maxout": Words(
        "For hidden layers that learn their own shape: each unit is the largest of several linear pieces, at "
        "as many times the weights."
    ),
    "monotone": Words(
        "For several outputs that must not cross, such as quantiles: `cp.Quantile((0.1, 0.5, 0.9))` on three of them."
    ),
}

LOSSES: Mapping[str, Words] = {
    "half_squared_error": Words(
        "For numbers, where the delta is to be y_hat - y without a factor, as on the chalkboard."
    ),
    "squared_error": Words(
        "For numbers; the default of an identity output. The answer is the mean given x, and far outliers weigh much."
    ),
    "absolute_error": Words("For numbers with outliers: the answer is the median given x."),
    "binary_cross_entropy": Words(
        "For yes or no, or several labels that may hold at once; the default of a sigmoid output.",
        exact="With sigmoid, log(1 + e^z) - y z replaces two logarithms: it is finite for every z, and the delta "
        "a - y has no division.",
    ),
    "binary_cross_entropy_bits": Words(
        "As `binary_cross_entropy`, counted in bits: 1 is the loss of a fair coin.",
        exact="As `binary_cross_entropy`, divided by log 2.",
    ),
    "cross_entropy": Words(
        "For one of several classes; the default of a softmax output.",
        exact="With softmax, log a comes from z (its log-sum-exp), so a probability that rounds to 0 still has "
        "a finite loss, and the delta is a - y.",
    ),
    "cross_entropy_bits": Words(
        "As `cross_entropy`, counted in bits.", exact="As `cross_entropy`, divided by log 2."
    ),
    "hinge": Words("For two classes, -1 and +1, where only a margin counts and no probability is wanted."),
    "squared_hinge": Words("As `hinge`, with a slope that has no jump at the margin."),
    "huber": Words(
        "For numbers with some outliers: a squared error near the target and an absolute one beyond `delta`."
    ),
    "kl_divergence": Words(
        "For targets that are distributions themselves, such as another model's answers: 0 is a perfect answer. "
        "Its gradient is that of `cross_entropy`.",
        exact="With softmax, log a comes from z, as in `cross_entropy`.",
    ),
    "poisson": Words(
        "For counts: the answer is a rate.",
        exact="With exp, the value has e^z - y z and needs no logarithm; beyond z = 30 the link's tangent keeps "
        "float32 finite.",
    ),
    "quantile": Words(
        "For a quantile instead of a mean: q = 0.9 is exceeded by a tenth of the targets. A tuple asks for several, "
        "one for each output; `monotone` keeps them in order."
    ),
}

OPTIMIZERS: Mapping[str, Words] = {
    "sgd": Words("To see plain gradient descent, and where every step is to be followed by hand."),
    "momentum": Words("Where plain descent zigzags; with a schedule, a strong choice for long runs."),
    "nesterov": Words("As `Momentum`, with the gradient's part of the step looked ahead."),
    "adagrad": Words("For sparse inputs, such as one-hot levels: rare columns keep a large rate."),
    "rmsprop": Words("Where gradients change their size during training and momentum does harm."),
    "adam": Words("The one to begin with: its rate hardly depends on the scale of the gradient."),
    "adamw": Words("`Adam` with a decay of the weights beside the gradient; the default for tables."),
    "lbfgs": Words("For small data and smooth networks, all rows in each step: no rate to choose."),
    "levenberg_marquardt": Words(
        "For least squares with few parameters and few rows: the fastest to a precise fit there."
    ),
}

SCHEDULES: Mapping[str, Words] = {
    "constant": Words(
        "To begin with, and where early stopping ends the run.", "a number in place of a schedule"
    ),
    "inverse_scaling": Words(
        "For plain descent on a stream of rows; a power above 0.5 and up to 1 meets the classical conditions for "
        "convergence."
    ),
    "step_decay": Words(
        "For long runs that are watched: the loss falls visibly at each step down.", "common practice"
    ),
    "exponential": Words("As `StepDecay`, without the jumps.", "common practice"),
    "cosine": Words("For runs whose length is known: the default for tables, with a short warm-up."),
    "one_cycle": Words("For short runs at a high rate with momentum."),
    "reduce_on_plateau": Words(
        "For runs whose length is not known: the rate falls whenever the validation loss has stood still.",
        "common practice; the counting is the training loop's",
    ),
}

INITIALIZERS: Mapping[str, Words] = {
    "glorot_uniform": Words("For sigmoid, tanh and outputs: keeps variance on the way forward and back."),
    "glorot_normal": Words("As `glorot_uniform`, from the normal distribution."),
    "he_uniform": Words("For rectifiers and their smooth kin: makes up for the half that is switched off."),
    "he_normal": Words("As `he_uniform`, from the normal distribution."),
    "lecun_uniform": Words("For networks whose activations have slope 1 at 0 and are centred."),
    "lecun_normal": Words("For `selu`, whose constants were derived with it."),
    "zeros": Words(
        "For an output layer that is to begin with a constant answer; in hidden layers it makes all units "
        "alike for ever.",
        "no distribution: every weight is 0",
    ),
}

TABLES: Mapping[str, Mapping[str, Words]] = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "initializers": INITIALIZERS,
}
