"""Note 002, activations, costs and local gradients, in order."""

# fmt: off

from notes_checked import descent, losses, shapes
from notes_checked.rows import Claim, Formula, Section

NOTE_002 = (
    Section("Activation functions", (
        Formula("13", r"\sigma(x) = \frac{1}{1+e^{-x}}", "a[1]", "1 / (1 + e**(-z[1]))", "squares"),
        Formula("13", r"\text{Leaky ReLU: } \max(0.1 x, x)", "a[1]", "maximum(0.1 * z[1], z[1])", "leaky", r"the house's own default is 0.01: LeakyReLU(0.1)"),
        Formula("13", r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}", "a[1]", "(e**z[1] - e**(-z[1])) / (e**z[1] + e**(-z[1]))", "tanh"),
        Formula("13", r"\text{Maxout: } \max(w_1^T x + b_1, w_2^T x + b_2)", "a[1][0]", "maximum(sum(i, W[1][0,i]*x[i]) + b[1][0], sum(i, W[1][1,i]*x[i]) + b[1][1])", "maxout"),
        Formula("13", r"\text{ReLU: } \max(0, x)", "a[1]", "maximum(0, z[1])", "relu"),
        Formula("13", r"\text{ELU: } \max(0, x)", "a[1]", "maximum(0, z[1])", "elu", r"what is printed is ReLU", mended=("a[1]", "where(z[1] > 0, z[1], exp(z[1]) - 1)", "elu")),
    )),
    Section("Forward", (
        Claim("19-53, 84", r"$x_i = a_i^{(1)}$: the input is layer 1", "`x` is `a[0]`, one less", shapes.inputs, 0, 1, "a count of its own, kept through line 96"),
        Formula("58, 87", r"z^{(2)} = W^{(1)} x + b^{(1)}", "z[1]", "W[1] @ x + b[1]", "002", r"its layer 2 is our layer 1"),
        Formula("60, 90", r"a^{(2)} = f(z^{(2)})", "a[1]", "g[1](z[1])", "002"),
        Formula("64, 92", r"z^{(3)} = W^{(2)} a^{(2)} + b^{(2)}", "z[2]", "W[2] @ a[1] + b[2]", "002"),
        Formula("67, 94", r"a^{(3)} = f(z^{(3)})", "a[2]", "g[2](z[2])", "002"),
        Formula("74, 96, 103", r"s = W^{(3)} a^{(3)}", "y_hat", "W[3] @ a[2]", "002", r"an output layer without a bias"),
        Formula("58, 176", r"z^{(2)} = W^{(1)} x, \text{ by the note's own } z^l = w^l a^{l-1}", "z[l+1]", "W[l] @ a[l] + b[l]", "deep", "which layer $W^{(1)}$ feeds: layer 2 in lines 58 to 96 and 230 to 242, layer 1 in lines 176 to 197"),
    )),
    Section("Costs", (
        Claim("107, 115", "any cost will do: even the number of mistakes", "`loss=`", descent.cost_with_slope, "mistakes", "hinge", "any that has a slope to go down; the number of mistakes has none"),
        Claim("96, 115", "cross-entropy of the plain $s = W a$", "loss `cross_entropy`, activation `identity`", losses.judged_by_cross_entropy, "identity", "softmax", "of softmax(s)"),
        Formula("123", r"MSE = \frac{1}{n} \sum_i (y_i - \hat{y}_i)^2", "C", "sum((y - y_hat)**2) / m", "one output"),
        Formula("129", r"MAE = \frac{1}{n} \sum_i |y_i - \hat{y}_i|", "C", "sum(abs(y - y_hat)) / m", "absolute"),
        Formula("135", r"-\frac{1}{n} \sum_i [y_i \log \hat{y}_i + (1 - y_i) \log(1 - \hat{y}_i)]", "C", "-sum(y * ln(y_hat) + (1-y) * ln(1-y_hat)) / m", "binary"),
        Formula("141", r"-\sum_j y_{ij} \log \hat{y}_{ij} \text{ of one example}", "loss", "-sum(y * ln(y_hat))", "classes"),
        Formula("141", r"-\sum_i \sum_j y_{ij} \log \hat{y}_{ij}", "C", "-sum(y * ln(y_hat))", "classes", r"a definition, yet the list's other costs are means", convention="rows"),
        Claim("135, 141", "with c = 2 it is number 3 of the list", "sum against mean", losses.same_list, False, True, "with 1/n before the sum"),
        Formula("147", r"\text{Hinge: } \frac{1}{n} \sum_i \max(0, 1 - y_i \hat{y}_i)", "C", "sum(maximum(0, 1 - y * y_hat)) / m", "hinge"),
        Formula("153", r"\text{Huber: } \frac{1}{2} (y_i - \hat{y}_i)^2 \text{ for } |y_i - \hat{y}_i| \le \delta, \text{ else } \delta |y_i - \hat{y}_i| - \frac{1}{2} \delta^2", "loss", "sum(where(abs(y - y_hat) <= 1, (y - y_hat)**2 / 2, abs(y - y_hat) - 1/2))", "huber", r"delta = 1"),
        Claim("151, 153", "squares near 0, lines beyond, one curve", "`Huber(2.5)`", losses.huber_joint, 0.5, 1.0),
        Formula("159", r"\text{KL: } \sum_i y_i \log(y_i / \hat{y}_i)", "loss", "sum(y * ln(y / y_hat))", "kl"),
        Formula("166", r"\text{Poisson: } \frac{1}{n} \sum_i (\hat{y}_i - y_i \log \hat{y}_i)", "C", "sum(y_hat - y * ln(y_hat)) / m", "poisson", r"less log y!, which no weight moves"),
    )),
    Section("Weight gradient", (
        Formula("176, 180", r"\frac{\partial C}{\partial w_{jk}^l} = \frac{\partial C}{\partial z_j^l} \frac{\partial z_j^l}{\partial w_{jk}^l}", "W[l][j,k]", "delta[l][j] * a[l-1][k]", "deep"),
        Formula("176, 182", r"z_j^l = \sum_k w_{jk}^l a_k^{l-1} + b_j^l", "z[l][j]", "sum(k, W[l][j,k] * a[l-1][k]) + b[l][j]", "deep"),
        Formula("186", r"\frac{\partial z_j^l}{\partial w_{jk}^l} = a_k^{l-1}", "dz[l][j]/dW[l][j,k]", "a[l-1][k]", "deep"),
        Formula("188", r"\frac{\partial C}{\partial w_{jk}^l} = \frac{\partial C}{\partial z_j^l} a_k^{l-1}", "W[l][j,k]", "delta[l][j] * a[l-1][k]", "deep"),
    )),
    Section("Bias gradient", (
        Formula("193", r"\frac{\partial C}{\partial b_i^l} = \frac{\partial C}{\partial z_i^l} \frac{\partial z_j^l}{\partial b_i^l}", "b[l][i]", "delta[l][i] * where(j == i, 1, 0) + 0 * z[l][j]", "deep", r"i and j are mixed: for j other than i the last factor is 0; line 197 has j throughout", mended=("b[l][i]", "delta[l][i]", "deep")),
        Formula("197", r"\frac{\partial C}{\partial b_j^l} = \frac{\partial C}{\partial z_j^l} \frac{\partial z_j^l}{\partial b_j^l} = \frac{\partial C}{\partial z_j^l} \cdot 1", "b[l][j]", "delta[l][j] * 1", "deep"),
        Formula("197", r"\frac{\partial z_j^l}{\partial b_j^l} = 1", "dz[l][j]/db[l][j]", "1", "deep"),
    )),
    Section("Local gradient and derivatives", (
        Formula("201", r"\delta_j^l = \frac{\partial C}{\partial z_j^l}", "delta[l]", "dC/da[l] * dg[l](z[l])", "deep", r"our definition, too"),
        Formula("204", r"\sigma(x) = \frac{1}{1+e^{-x}}", "a[1]", "1 / (1 + e**(-z[1]))", "squares"),
        Formula("204", r"\sigma'(x) = \sigma(x)(1 - \sigma(x))", "da[1]/dz[1]", "sigmoid(z[1]) * (1 - sigmoid(z[1]))", "squares"),
        Formula("205", r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}", "a[1]", "(e**z[1] - e**(-z[1])) / (e**z[1] + e**(-z[1]))", "tanh"),
        Formula("205", r"\tanh'(x) = 1 - \tanh^2(x)", "da[1]/dz[1]", "1 - tanh(z[1])**2", "tanh"),
        Formula("206", r"\text{ReLU: } \max(0, x)", "a[1]", "maximum(0, z[1])", "relu"),
        Formula("206", r"ReLU'(x) = 1 \text{ if } x > 0, \ 0 \text{ if } x \le 0", "da[1]/dz[1]", "where(z[1] > 0, 1, 0)", "relu", r"away from 0"),
        Claim("206", "ReLU'(0) = 0", "`dg(0)`", descent.relu_slope_at_zero, (0.0, 0.0), (0.0, 1.0), "a choice, the house's too: at 0 there is no derivative"),
    )),
    Section("One update", (
        Formula("211-220", r"w := w - \epsilon \frac{\partial C}{\partial w}", "new W[l]", "W[l] - eta * dC/dW[l]", "deep"),
        Formula("215, 217", r"b := b - \epsilon \frac{\partial C}{\partial b}", "new b[l]", "b[l] - eta * dC/db[l]", "deep"),
        Claim("211-220", "the loop goes down", "`theta - eta * dC/dtheta`", descent.direction, -1, 1),
    )),
    Section("One weight", (
        Formula("225, 230", r"\frac{\partial C}{\partial w_{22}^{(2)}} = \frac{\partial C}{\partial z_2^{(3)}} \frac{\partial z_2^{(3)}}{\partial w_{22}^{(2)}}", "W[2][1,1]", "delta[2][1] * a[1][1]", "002"),
        Formula("234-242", r"\frac{\partial C}{\partial a_2^{(3)}} f'(z_2^{(3)}) a_2^{(2)}", "W[2][1,1]", "dC/da[2][1] * dg[2](z[2][1]) * a[1][1]", "002"),
    )),
)
