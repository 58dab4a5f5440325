"""Note 003, a proof of backpropagation, in order."""

# fmt: off

from notes_checked import descent, shapes
from notes_checked.rows import Claim, Formula, Section

NOTE_003 = (
    Section("The network and its loss", (
        Claim("15", "a network is a function that minimises C", "any `theta` makes a network", descent.minimises, "begun", "trained", "training looks for the parameters that make C small"),
        Claim("17", r"$f(f^{L-1}(\ldots f^1(f^0(x))))$", "`a[l] = g[l](W[l] @ a[l-1] + b[l])`, l = 1..L", shapes.composed, 0, 1, "$f^L(f^{L-1}(\\ldots f^1(x)))$"),
        Claim("23, 25", r"$\min_C C(f_{NN}(x^i), y^i)$", "min over C", descent.minimised, "C", "theta", "min over the weights and biases; C is given"),
        Formula("29", r"\hat{a}^L = x", "a[L]", "x", "tanh", "the last activation is the output; x is the first, $a^0$", mended=("a[L]", "g[L](z[L])", "tanh")),
        Claim("29", r"$\hat{a}^{L-1} = \hat{x}$", "`y_hat = a[L-1]`", shapes.output_layer, 2, 3, "$a^L = \\hat{x}$"),
        Formula("29", r"C = (\hat{x} - x)^2", "C", "sum((y_hat - y)**2)", "tanh", r"the target is x here and y from line 49 on; the sum over the outputs is left out"),
        Formula("31", r"g^L(z) = z", "y_hat", "z[2]", "tanh"),
        Formula("37", r"a^L = g^L(W^L \cdot a^{L-1} + b^L)", "a[l]", "g[l](W[l] @ a[l-1] + b[l])", "deep"),
        Formula("41", r"z^L = W \cdot a + b, \ W \in \mathbb{R}^{M \times N}", "z[L]", "W[L] @ a[L-1] + b[L]", "deep"),
        Formula("45", r"z_m^L = w_{m1}^L a_1^{L-1} + \ldots + w_{mN}^L a_N^{L-1} + b_m^L", "z[l][k]", "sum(n, W[l][k,n] * a[l-1][n]) + b[l][k]", "deep"),
    )),
    Section("Backpropagation", (
        Claim("49", r"the case $l = L - 1$ gives $\partial C / \partial \hat{x}$", "$a^{l-1}$ is then `a[L-2]`", shapes.output_layer, 1, 3, "$l - 1 = L$: the activation asked for is the last one"),
        Formula("49", r"\frac{\partial C}{\partial \hat{x}} = 2(\hat{x}_n - y_n)^2", "dC/dy_hat[n]", "2 * (y_hat[n] - y[n])**2", "tanh"),
        Formula("49", r"\frac{\partial C}{\partial a_n^{l-1}} = \sum_m \frac{\partial C}{\partial a_m^l} g'^l(z_m^l) W_{mn}^l", "dC/da[l-1][n]", "sum(k, dC/da[l][k] * dg[l](z[l][k]) * W[l][k,n])", "deep"),
        Claim("49, 45", "m runs from 0 to M - 1, units from 1 to M", "`sum(k, ...)`", shapes.units_counted, 0, 1, "from 1 to M, as lines 41 and 45 count"),
        Formula("53", r"\frac{\partial C}{\partial W_{mn}^l} = \frac{\partial C}{\partial a_m^l} g'^l(z_m^l) a_n^{l-1}", "W[l][k,n]", "dC/da[l][k] * dg[l](z[l][k]) * a[l-1][n]", "deep"),
        Formula("55", r"\frac{\partial C}{\partial b_m^l} = \frac{\partial C}{\partial a_m^l} g'^l(z_m^l)", "b[l][k]", "dC/da[l][k] * dg[l](z[l][k])", "deep"),
    )),
    Section("The update", (
        Claim("57", "these equations are gradient descent", "BP1 to BP4 alone", descent.gradient_moves, "gradient", "update", "they are backpropagation: they give the gradient; lines 61 and 65 descend"),
        Claim("59", r"update W once $\partial C / \partial a_n^l$ is there", "`dC/da[l]` in the place of `dC/dW[l]`", shapes.for_update, "a", "W", r"once $\partial C / \partial W_{mn}^l$ is there, as line 61 has it"),
        Claim("59", "the true correction is the mean over the examples", "`C` is a mean", descent.example_mean, "mean", "sum"),
        Formula("61", r"W \leftarrow W - \rho \frac{1}{D} \sum_d \frac{\partial C_d}{\partial W}", "new W[1]", "W[1] - eta * 1/m * (m * delta[1]).T @ x", "tanh", r"C_d is one example's loss: m times its share of C"),
        Formula("65", r"b \leftarrow b - \rho \frac{1}{D} \sum_d \frac{\partial C_d}{\partial b}", "new b[1]", "b[1] - eta * 1/m * sum(m * delta[1], axis=0)", "tanh"),
    )),
)
