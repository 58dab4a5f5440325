"""Note 000, mathematics of the forward and backward step, in order."""

# fmt: off

from notes_checked import descent, losses, shapes
from notes_checked.rows import Claim, Formula, Section

NOTE_000 = (
    Section("Forward step", (
        Formula("5", r"z, \text{ then } y = \sigma(z)", "a[l]", "g[l](W[l] @ a[l-1] + b[l])", "deep", "the two equations of a layer"),
        Formula("9", r"\sum_i w_i x_i + b", "z[1][j]", "sum(i, W[1][j,i] * x[i]) + b[1][j]", "squares"),
        Formula("9", r"z = W^T x", "z[1]", "W[1] @ x", "squares", r"the note's $W^T$ is our W"),
        Formula("11", r"y = \sigma(z)", "a[1]", "sigmoid(z[1])", "squares"),
    )),
    Section("Error and update", (
        Formula("15", r"E = \frac{1}{2} \sum_i (y_i - t_i)^2", "C", "sum((y_hat - y)**2) / 2", "squares"),
        Formula("17, 23", r"w_{ij} \leftarrow w_{ij} - \nabla w_{ij}, \quad \nabla w = -n \frac{\partial E}{\partial w_{ij}}", "new W[1][j,i]", "W[1][j,i] - (-eta * dC/dW[1][j,i])", "squares", r"the two together: one minus too many"),
        Claim("21", "the step goes against the gradient", "`theta - eta * dC/dtheta` lowers `C`", descent.direction, -1, 1, "so the update of lines 17 and 23, which adds eta dE/dw, is not the one that the words ask for"),
        Formula("25, 27", r"y_i = \sigma_j(z_i), \text{ of node } j \text{ in layer } i", "a[1][j]", "g[1](z[1][i])", "squares", "one letter for the layer and another for the unit"),
        Formula("29", r"w_{ij} \text{ connects } i \text{ in } l-1 \text{ to } j \text{ in } l", "dz[l][j]/da[l-1][i]", "W[l][j,i]", "deep", r"its $w_{ij}$ is our `W[j,i]`"),
        Claim("31", r"$b_{ij}$ is the bias of unit j in layer l", "`b[l][j]`", shapes.bias_indices, 2, 1, "one index: no bias belongs to a pair of units"),
        Formula("33", r"t_o \text{ is the target of output } o", "dC/dy_hat[o]", "y_hat[o] - y[o]", "squares"),
        Claim("35-39", "two cases: weights into the output layer, and into a hidden one", "`delta[L]` by BP1, `delta[l]` by BP2", descent.both_cases, ("output", "hidden"), ("output",)),
    )),
    Section("Case 1: into the output layer", (
        Formula("43", r"\frac{\partial E}{\partial w_{jo}} = (y_o - t_o) \frac{\partial (y_o - t_o)}{\partial w_{jo}}", "W[2][o,j]", "(y_hat[o]-y[o]) * dg[2](z[2][o]) * a[1][j]", "squares", r"with the last factor written out"),
        Formula("45", r"w_{jo} \leftarrow w_{jo} - n \frac{\partial E}{\partial w_{jo}}", "new W[2][o,j]", "W[2][o,j] - eta * dC/dW[2][o,j]", "squares"),
        Formula("49", r"z_o = \sum_j w_{jo} \sigma_j'(z_j) + b_o", "z[2][o]", "sum(j, W[2][o,j] * dg[1](z[1][j])) + b[2][o]", "squares", r"within the next equation"),
        Formula("49", r"\frac{\partial z_o}{\partial b_o} = 1", "dz[2][o]/db[2][o]", "1", "squares"),
        Formula("51, 53", r"\frac{\partial z_o}{\partial b_o} = v_o", "dz[2][o]/db[2][o]", "delta[2][o]", "squares", r"$v_o$ is our delta; the left side was to be dE/db, as the heading says", mended=("b[2][o]", "delta[2][o]", "squares")),
    )),
    Section("Case 2: into a hidden layer", (
        Formula("57", r"\frac{\partial E}{\partial w_{ij}} = \sum_o (y_o - t_o) \frac{\partial (y_o - t_o)}{\partial w_{ij}}", "W[1][j,i]", "sum(o, (y_hat[o]-y[o]) * dg[2](z[2][o]) * W[2][o,j]) * dg[1](z[1][j]) * x[i]", "squares", r"with the last factor written out"),
        Formula("59", r"w_{ij} \leftarrow w_{ij} - n \frac{\partial E}{\partial w_{ii}}", "new W[1][j,i]", "W[1][j,i] - eta * dC/dW[1][i,i]", "squares"),
        Claim("61-63", "heading: these are the biases of the output layer", "`dC/db[l]` has the shape of `b[l]`", shapes.bias_of, "output", "hidden", "of the hidden layer: the formula below has one number for each hidden unit"),
        Formula("63", r"\frac{\partial z_o}{\partial b_o} = \sum_o (y_o - t_o) \sigma_o'(z_o) w_{jo} \sigma_o'(z_j) y_i", "b[1][j]", "sum(o, (y_hat[o]-y[o]) * dg[2](z[2][o]) * W[2][o,j]) * dg[1](z[1][j]) * x[i]", "squares", r"read as dE/db of the hidden layer, which the heading asks for"),
        Formula("63, 64", r"\sigma_o'(z_j) \sum_o v_o w_{jo}", "b[1][j]", "dg[2](z[1][j]) * sum(o, delta[2][o] * W[2][o,j])", "mixed", "the slope is of the hidden unit j, whose activation need not be the output's"),
        Formula("64", r"= y_i \sigma_o'(z_j) \sum_o v_o w_{jo}", "b[1][j]", "x[i] * dg[1](z[1][j]) * sum(o, delta[2][o] * W[2][o,j])", "squares"),
        Formula("64", r"y_i \sigma'(z_j) \sum_o v_o w_{jo} \text{ as } \partial E / \partial w_{ij}", "W[1][j,i]", "x[i] * dg[1](z[1][j]) * sum(o, delta[2][o] * W[2][o,j])", "squares", r"this is what the line derives"),
    )),
    Section("The method in four steps", (
        Formula("66", r"\text{forward, then } E(y_o, t_o)", "C", "sum((g[2](W[2] @ g[1](W[1] @ x + b[1]) + b[2]) - y)**2) / 2", "squares"),
        Formula("67", r"\text{error signals, times the weights}", "dC/da[l]", "W[l+1].T @ delta[l+1]", "deep", "the slope g' comes on top before the next layer"),
        Formula("68", r"\text{gradients from error and forward signals}", "W[l]", "delta[l] @ a[l-1].T", "deep"),
        Formula("69", r"\theta \leftarrow \theta -", "new W[l]", "W[l]", "deep", "the line breaks off after the minus", mended=("new W[l]", "W[l] - eta * dC/dW[l]", "deep")),
    )),
    Section("Cross-entropy and its derivative", (
        Claim("73", "descent serves for the cross-entropy as well", "`theta - eta * dC/dtheta`, loss `cross_entropy`", descent.cross_entropy_descends, -1, 1),
        Formula("75", r"E = -\sum_i [c_i \ln p_i + (1 - c_i) \ln(1 - p_i)]", "C", "-sum(y * ln(y_hat) + (1-y) * ln(1-y_hat))", "binary", r"a definition: of the loss that goes with sigmoid outputs. It is no logistic function, which the words before it announce"),
        Claim("75, 77", "this sum, with p from a softmax and one-hot c", "loss `binary_cross_entropy`, activation `softmax`", losses.paired, "softmax", "sigmoid", r"the sum over $c \ln p + (1 - c) \ln(1 - p)$ goes with sigmoid outputs, $-\sum c_i \ln p_i$ with the softmax"),
        Formula("77, 79", r"\frac{\partial E}{\partial score_i} = \frac{\partial E}{\partial p_i} \frac{\partial p_i}{\partial score_i}", "delta[2][i]", "dC/dy_hat[i] * y_hat[i] * (1 - y_hat[i])", "softmax with binary loss", r"under a softmax every $p_k$ depends on $score_i$", mended=("delta[2][i]", "sum(k, dC/dy_hat[k] * y_hat[k] * (where(i == k, 1, 0) - y_hat[i]))", "softmax with binary loss")),
        Formula("81", r"\frac{\partial E}{\partial score} = p_i - c_i", "delta[2]", "y_hat - y", "softmax with binary loss", r"right with sigmoid outputs, and with $-\sum c_i \ln p_i$ under the softmax", mended=("delta[2]", "y_hat - y", "classes")),
    )),
    Section("Batch gradient descent", (
        Formula("85", r"Q \text{ is the sum of the losses}", "C", "sum((y_hat - y)**2) / 2", "squares", "the formula below has the mean", convention="rows"),
        Formula("87, 89", r"Q(w) = \frac{1}{n} \sum_{i=1..n} Q_i(w)", "C", "sum((y_hat - y)**2) / 2 / m", "squares"),
        Formula("91", r"w = w - nano \nabla Q(w)", "new W[1]", "W[1] - eta * dC/dW[1]", "squares"),
        Formula("91", r"w = w - nano \sum_i \nabla Q_i(w)", "new W[1]", "W[1] - eta * m * dC/dW[1]", "squares", r"the sum of the examples' gradients is m times the gradient of their mean"),
    )),
)
