"""Note 001, first part: what networks represent, the forward pass, parameters, squared error."""

# fmt: off

from notes_checked import descent, losses, representation, shapes
from notes_checked.rows import Claim, Formula, Section

MODEL = (
    Section("Representative power", (
        Claim("9", "one hidden layer of perceptrons gives any Boolean function, exactly", "`step` units: one for each true row, and an OR", representation.boolean_functions, 1, 0),
        Claim("10", "one hidden layer of sigmoids approximates any continuous function", "on all of R", representation.continuous_functions, "line", "compact", "any continuous function on a compact set"),
        Claim("16", r"any function $f: R^n \to R^m$, closer than $\epsilon$", "max of |g(x) - f(x)|", representation.jump, "jump", "continuous", "any function that is continuous on a compact set"),
        Claim("17", "towers represent such a function", "a sum of towers is the function itself", representation.represented, "equal", "approach", "they approximate it: the error falls with their number"),
        Claim("24", "towers differ in height and place alone", "one width for all", representation.tower_shapes, "both", "place"),
        Claim("25, 26", "a network adds towers up to the function", "2 sigmoid units a tower, an `identity` output", representation.continuous_functions, "compact", "line", "on an interval"),
        Claim("27", "the logistic with a very high w is the step", "`sigmoid(w * x)`, w = 1000", representation.steep_logistic, 1000.0, 1.0),
        Claim("28", "w sets the slope of the logistic", "`dg(w * x + b) * w` is w/4 at the middle", representation.slope, "w", "b"),
        Claim("29", "b sets the place of the transition", "`sigmoid(w * x + b)` is 1/2 at -b/w", representation.position, "b", "w"),
        Claim("36", "two sigmoids with different b, subtracted, are a tower", "`a[1][0] - a[1][1]`", representation.two_sigmoids, "subtract", "add"),
        Claim("43, 44", "two inputs?", "4 sigmoids, then one more of their sum", representation.two_inputs, 2, 1, "the slide leaves it open: the sum of two ridges stands on arms of height 1, and a second layer cuts them off"),
    )),
    Section("Feedforward network", (
        Formula("56", r"\text{dense: every input to every unit}", "dz[l][j]/da[l-1][i]", "W[l][j,i]", "deep"),
        Claim("60", "the input is layer 0", "`x` is `a[0]`", shapes.inputs, 0, 1),
        Claim("61, 62", "L - 1 hidden layers and an output layer", "`network.depth` is L", shapes.hidden_layers, 1, 2),
        Formula("63", r"\text{aggregation, then activation}", "a[l]", "g[l](W[l] @ a[l-1] + b[l])", "deep"),
        Formula("72", r"W^i \in \mathbb{R}^{n^{i-1} \times n^i}, \ z^i = W^i a^{i-1} + b^i", "z[l]", "W[l].T @ a[l-1] + b[l]", "deep", r"with that shape the product of line 79 needs a transpose; line 118 has the right shape"),
        Claim("72", r"$b^i \in R^{n^i}$", "`b[l]`: n_l", shapes.shape, ("b", 1, (5,)), ("b", 1, (4,))),
        Claim("75", r"$W^L \in R^{n^i \times k}$", "`W[L]`: k x n_{L-1}", shapes.shape, ("W", 3, (3, 2)), ("W", 3, (2, 3)), r"$k \times n^{L-1}$"),
        Claim("75", r"$b^L \in R^k$", "`b[L]`: k", shapes.shape, ("b", 3, (2,)), ("b", 3, (3,))),
        Formula("79, 81", r"\mathbf{z}^i = \mathbf{W}^i \mathbf{a}^{i-1} + \mathbf{b}^i", "z[l]", "W[l] @ a[l-1] + b[l]", "deep"),
        Formula("83", r"z_j^1 = \sum W_{ji} x_i + b_j", "z[1][j]", "sum(i, W[1][j,i] * x[i]) + b[1][j]", "slide"),
        Formula("87, 89", r"g(\mathbf{z}^i) = g(\mathbf{b}^i + \mathbf{W}^i \mathbf{a}^{i-1})", "a[l]", "g[l](b[l] + W[l] @ a[l-1])", "deep"),
        Formula("92", r"a_j = g(z_j)", "a[l][j]", "g[l](z[l][j])", "deep"),
        Formula("94", r"\sigma(z) = 1 / (1 + e^{-z})", "a[1]", "1 / (1 + e**(-z[1]))", "deep"),
        Formula("98, 100", r"y = \tanh, \quad y' = 1 - y^2", "da[1]/dz[1]", "1 - a[1]**2", "tanh"),
        Formula("104", r"z^L = W^L a^{L-1} + b^L", "z[L]", "W[L] @ a[L-1] + b[L]", "deep"),
        Formula("106", r"z_1 = w_{11}x_1 + w_{12}x_2 + w_{13}x_3 + b \text{ of the output layer}", "z[2][0]", "W[2][0,0]*x[0] + W[2][0,1]*x[1] + W[2][0,2]*x[2] + b[2][0]", "slide", "line 104 has $a^{L-1}$ there"),
        Formula("106, 108", r"z_2 = w_{21}x_1 + w_{22}x_2 + w_{23}x_3 + b, \text{ the same } b", "z[1][1]", "W[1][1,0]*x[0] + W[1][1,1]*x[1] + W[1][1,2]*x[2] + b[1][0]", "slide", "each unit has a bias of its own"),
        Formula("110", r"\hat{y} = g(\mathbf{W}^L \mathbf{a}^{L-1} + \mathbf{b}^L)", "y_hat", "g[L](W[L] @ a[L-1] + b[L])", "deep"),
        Formula("112", r"\hat{y}_j = g(z_j)", "y_hat[j]", "g[L](z[L][j])", "deep", "of an activation that works unit by unit; the softmax does not"),
    )),
    Section("Parameters", (
        Claim("118", r"$W^1: n^1 \cdot n$", "`W[1]`: n_1 x n_0", shapes.shape, ("W", 1, (5, 4)), ("W", 1, (4, 5)), "line 72 has it the other way round"),
        Claim("119", r"$W^2: n^2 \cdot n^1$", "`W[2]`: n_2 x n_1", shapes.shape, ("W", 2, (3, 5)), ("W", 2, (5, 3))),
        Claim("120", r"$W^L: n^2 \cdot k$", "`W[3]`: k x n_2", shapes.shape, ("W", 3, (3, 2)), ("W", 3, (2, 3)), r"$k \cdot n^2$, as in the two lines above it"),
        Claim("118-120", r"$b^1: n^1$, $b^2: n^2$, $b^L: k$", "`b[l]`: n_l", shapes.shape, ("b", 2, (3,)), ("b", 2, (5,))),
        Claim("124", r"$(L-1) \, n^{i-1} n^i + n k$ weights", "`network.segments`", shapes.weight_count, shapes.weights_told, shapes.weights_summed, r"$\sum_{l=1}^L n_{l-1} n_l$; the note's is right where all layers but the last are equally wide"),
        Claim("124", "the same, all layers but the last equally wide", "4-4-4-3", shapes.counted_alike, shapes.weights_told, shapes.biases_told),
        Claim("125", r"$(L-1) \, n^i + k$ biases", "`network.segments`", shapes.bias_count, shapes.biases_told, shapes.biases_summed, r"$\sum_{l=1}^L n_l$"),
    )),
    Section("Learning the parameters", (
        Formula("133", r"\hat{y} = g(W^3 g(W^2 g(W^1 x + b^1) + b^2) + b^3)", "y_hat", "g(W[3] @ g(W[2] @ g(W[1] @ x + b[1]) + b[2]) + b[3])", "deep"),
        Claim("135", "k outputs of an example, in a row", "`y_hat`: (m, k)", shapes.batch, "m x c", "c x m"),
        Formula("138, 140", r"\frac{1}{N} \sum_{i=1}^m \sum_{j=1}^k (\hat{y}_j^i - y_j^i)", "C", "sum(y_hat - y) / m", "tanh", r"N and m are one number, and line 138 says squared"),
        Claim("140", "min of this sum", "least `C`", losses.no_least, "differences", "squares", "with the square the least is 0"),
        Claim("148-158", r"t := 0; while t++ < max: $\theta_{t+1} := \theta_t - \ldots$", "`for t in range(max)`", descent.loop_of_updates, "condition", "body", "t goes up at the end of the body, not in the condition"),
        Formula("156", r"\theta_{t+1} = \theta_t - \eta \nabla \theta_t", "new W[l]", "W[l] - eta * dC/dW[l]", "deep"),
        Formula("160", r"\nabla \theta = [\partial L / \partial W, \partial L / \partial b]", "W[l]", "delta[l] @ a[l-1].T", "deep", "and dC/db[l] = delta[l], for every l"),
        Claim("164", r"$\nabla W^l \in R^{n_{l-1} \times n_l}$", "`dW[l]`: n_l x n_{l-1}", shapes.gradient_shape, (1, (4, 5)), (1, (5, 4)), "the shape of $W^l$ in $z = W a + b$"),
        Claim("164", r"$\nabla W^L \in R^{n \times k}$", "`dW[L]`: k x n_{L-1}", shapes.gradient_shape, (3, (3, 2)), (3, (2, 3)), "the shape of $W^L$"),
        Claim("166", r"$\nabla b^l \in R^{n_l}$, $\nabla b^L \in R^k$", "`db[l]`: n_l", shapes.shape, ("b", 2, (3,)), ("b", 2, (5,))),
    )),
    Section("Squared error", (
        Formula("170, 173", r"L(\theta) = (1/m) \sum (y_i - \hat{y}_i)^2", "C", "sum((y - y_hat)**2) / m", "tanh"),
        Formula("177", r"\frac{\partial L}{\partial w} = (\hat{y} - y) \hat{y} (1 - \hat{y}) x", "W[1][j,i]", "(y_hat[j]-y[j]) * y_hat[j] * (1-y_hat[j]) * x[i]", "one neuron", r"for the loss of the slide before"),
        Claim("179", r"$y = 1$, $\hat{y} \approx 0$: almost no gradient", "`dC/dW[1]` of a sigmoid neuron", descent.flat_spot, ("squared_error", 1.0, -10.0), ("binary_cross_entropy", 1.0, -10.0)),
        Claim("183", r"$y = 0$, $\hat{y} \approx 1$: almost no gradient", "`dC/dW[1]` of a sigmoid neuron", descent.flat_spot, ("squared_error", 0.0, 10.0), ("binary_cross_entropy", 0.0, 10.0)),
        Claim("187", "so its updates are slow", "`squared_error` on a sigmoid", descent.slow, "squared_error", "binary_cross_entropy"),
    )),
)
