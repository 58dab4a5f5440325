"""Note 001, third part: the chain rule, binary cross-entropy, the numbers of the worked example."""

# fmt: off

from notes_checked import assignment, descent, shapes
from notes_checked.rows import Claim, Formula, Number, Section

CHAIN = (
    Section("The chain through a thin network", (
        Claim("312", r"$\nabla W^L \in R^{n \times k}$, again", "`dW[L]`: k x n_{L-1}", shapes.gradient_shape, (3, (3, 2)), (3, (2, 3)), "the shape of $W^L$"),
        Claim("314", r"$\nabla b^l \in R^n$, $\nabla b^L \in R^k$", "`db[l]`: n_l", shapes.shape, ("b", 3, (2,)), ("b", 3, (3,))),
        Formula("319", r"\frac{\partial L}{\partial w_{12}} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial z^1} \frac{\partial z^1}{\partial a^1} \frac{\partial a^1}{\partial z^2} \cdots \frac{\partial z^1}{\partial w_{12}}", "dz[1]/da[1]", "W[1]", "deep and thin", r"the layers are counted from both ends: z^1 does not depend on a^1, so dz^1/da^1 is 0 and the chain breaks", mended=("dz[2]/da[1]", "W[2]", "deep and thin")),
        Formula("324-326", r"-\log_2 \hat{y}_t", "C", "-log2(sum(y * y_hat))", "bits"),
        Formula("338, 355", r"\frac{\partial L}{\partial W_{11}^1} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial z_1^L} \frac{\partial z_1^L}{\partial a_1^2} \cdots \frac{\partial z_1^1}{\partial W_{11}^1}", "W[1][0,0]", "dC/dy_hat[0] * dg[3](z[3][0]) * W[3][0,0] * dg[2](z[2][0]) * W[2][0,0] * dg[1](z[1][0]) * x[0]", "deep and thin", r"for a thin network, as the slide says"),
        Claim("341", "it tells how much the loss changes with $W_{11}$", "`dC = dW[1][0,0] * step`, for small steps", descent.first_order, 1.0, 2.0),
        Formula("357", r"\frac{\partial L}{\partial W_{11}^2} = \frac{\partial L}{\partial \hat{y}} \cdots \frac{\partial z_1^2}{\partial W_{11}^2}", "W[2][0,0]", "dC/dy_hat[0] * dg[3](z[3][0]) * W[3][0,0] * dg[2](z[2][0]) * a[1][0]", "deep and thin"),
        Formula("359", r"\frac{\partial L}{\partial W_{11}^L} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial z_1^L} \frac{\partial z_1^L}{\partial W_{11}^L}", "W[3][0,0]", "dC/dy_hat[0] * dg[3](z[3][0]) * a[2][0]", "deep and thin"),
    )),
    Section("Binary cross-entropy", (
        Formula("362, 378", r"L = -y \log \hat{y} - (1 - y) \log(1 - \hat{y})", "C", "sum(-y * ln(y_hat) - (1-y) * ln(1-y_hat))", "binary"),
        Formula("364", r"\frac{\partial L}{\partial \hat{y}} = \left[\frac{-y}{\hat{y}} + \frac{1-y}{1-\hat{y}}\right] \hat{y}(1-\hat{y}) = (\hat{y} - y)", "dC/dy_hat", "y_hat - y", "binary", r"the product with dy_hat/dz, which line 366 writes beside it, is dL/dz", mended=("delta[2]", "y_hat - y", "binary")),
        Formula("366", r"\frac{\partial L}{\partial \hat{y}} \times \frac{\partial \hat{y}}{\partial z}", "delta[2]", "dC/dy_hat * d_sigmoid(z[2])", "binary"),
        Formula("385, 393", r"\frac{\partial L}{\partial \hat{y}} = \frac{-y}{\hat{y}} + \frac{1-y}{1-\hat{y}}", "dC/dy_hat", "(-y/y_hat + (1-y)/(1-y_hat))", "binary"),
        Formula("387, 395", r"\frac{\partial L}{\partial z} = \left(\frac{-y}{\hat{y}} + \frac{1-y}{1-\hat{y}}\right) \hat{y}(1-\hat{y})", "delta[2]", "(-y/y_hat + (1-y)/(1-y_hat)) * y_hat * (1-y_hat)", "binary"),
        Formula("387, 395", r"\frac{\partial L}{\partial z} = \hat{y} - y", "delta[2]", "y_hat - y", "binary"),
        Formula("389", r"\frac{\partial L}{\partial w} = (\hat{y} - y) x", "W[1][j,i]", "(y_hat[j]-y[j]) * x[i]", "one logistic neuron"),
        Formula("397", r"\frac{\partial L}{\partial w^2} = (\hat{y} - y) a^1", "W[2][o,j]", "(y_hat[o]-y[o]) * a[1][j]", "binary"),
        Formula("399, 424", r"z^2 = w^2 a_1 + b", "z[2]", "W[2] @ a[1] + b[2]", "binary"),
        Formula("401", r"a^1 = \frac{1}{1 + e^{-z^1}}", "a[1]", "1 / (1 + e**(-z[1]))", "binary"),
        Formula("403", r"\delta^L = \frac{\partial L}{\partial \hat{y}} \sigma'(z^L)", "delta[2]", "dC/dy_hat * d_sigmoid(z[2])", "binary"),
        Formula("405", r"\hat{y} = \frac{1}{1 + e^{-z^2}}", "y_hat", "1 / (1 + e**(-z[2]))", "binary"),
        Formula("407", r"z^1 = w_1 a_1 + b_1", "z[1]", "W[1] @ a[1] + b[1]", "binary", r"a_1 was x"),
        Formula("409, 411", r"\frac{\partial L}{\partial a^1} = (\hat{y} - y) w^2 = \delta^L w^2", "dC/da[1][j]", "sum(o, (y_hat[o]-y[o]) * W[2][o,j])", "binary", r"summed over outputs, of which there is one"),
        Formula("413", r"\frac{\partial L}{\partial z^1} = (\hat{y} - y) w^2 a^1 (1 - a^1)", "delta[1][j]", "sum(o, (y_hat[o]-y[o]) * W[2][o,j]) * a[1][j] * (1-a[1][j])", "binary"),
        Formula("415", r"\delta^1 = \delta^L w^2 \sigma'(z^1)", "delta[1][j]", "sum(o, delta[2][o] * W[2][o,j]) * d_sigmoid(z[1][j])", "binary"),
        Formula("417", r"\frac{\partial L}{\partial w^1} = (\hat{y} - y) w^2 a^1 (1 - a^1) x", "W[1][j,i]", "sum(o, (y_hat[o]-y[o]) * W[2][o,j]) * a[1][j] * (1-a[1][j]) * x[i]", "binary"),
        Formula("420", r"\frac{\partial L}{\partial w^1} = \delta^1 x", "W[1][j,i]", "delta[1][j] * x[i]", "binary"),
    )),
    Section("The equations", (
        Formula("428", r"\delta^L = \frac{\partial L}{\partial \hat{y}} \odot \sigma'(z^L)", "delta[L]", "dy_hat * dg[L](z[L])", "deep"),
        Formula("429", r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", "delta[l]", "(W[l+1].T @ delta[l+1]) * dg[l](z[l])", "deep"),
        Formula("430", r"\frac{\partial L}{\partial b_j^l} = \delta_j^l", "b[l][j]", "delta[l][j]", "deep"),
        Formula("431", r"\frac{\partial L}{\partial w_{jk}^l} = a_k^{l-1} \delta_j^l", "W[l][j,k]", "a[l-1][k] * delta[l][j]", "deep"),
    )),
    Section("The worked example", (
        Number("437, 443", r"a_1^1 = 0.37, \ z_1^1 = 0.5", "1 / (1 + exp(-0.5))", 0.37, 'the activation is the sigmoid, line 383'),
        Number("437, 466", r"w_{11}^1 x_1 = 0.1 \cdot 60, \text{ of } z_1^1 = 0.5", "0.1 * 60", None, 'the other inputs and the bias, which the slide does not give, would make up the rest'),
        Number("437, 450", r"\hat{y} = 0.25, \text{ from } w_{11}^2 a_1^1 = 12 \cdot 0.37", "1 / (1 + exp(-12 * 0.37))", None, 'by this weight alone; the other units and the bias would make up the rest'),
        Formula("445, 447", r"\frac{\partial L}{\partial w_{11}^2} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial z_1^2} \frac{\partial z_1^2}{\partial w_{11}^2}", "W[2][0,0]", "dC/dy_hat[0] * dg[2](z[2][0]) * a[1][0]", "binary"),
        Number("450", r"\frac{-1}{0.25} = -4", "-1 / 0.25", -4),
        Number("452", r"0.25 - 1 = -0.75", "0.25 - 1", -0.75),
        Formula("454", r"\left(\frac{-y}{\hat{y}} + \frac{1-y}{1-\hat{y}}\right) \hat{y} (1-\hat{y})", "delta[2]", "(-y/y_hat + (1-y)/(1-y_hat)) * y_hat * (1-y_hat)", "binary"),
        Number("456", r"-0.75 \cdot 0.37 = -0.2775", "-0.75 * 0.37", -0.2775),
        Number("458", r"12 - 0.01 (-0.2775) = 12.0028", "12 - 0.01 * (-0.2775)", 12.0028),
        Formula("462", r"\frac{\partial L}{\partial w_{11}^1} = \frac{\partial L}{\partial \hat{y}} \cdots \frac{\partial z_1^1}{\partial w_{11}^1}", "W[1][0,0]", "dC/dy_hat[0] * dg[2](z[2][0]) * W[2][0,0] * dg[1](z[1][0]) * x[0]", "binary"),
        Formula("464", r"(\hat{y} - y) \, w_{11}^2 \, a_1^1 (1 - a_1^1) \, x_1", "W[1][0,0]", "(y_hat[0] - y[0]) * W[2][0,0] * a[1][0] * (1 - a[1][0]) * x[0]", "binary"),
        Number("466, 468", r"-0.75 \cdot 12 \cdot 0.37 (1 - 0.37) 60 = -125.874", "-0.75 * 12 * 0.37 * (1 - 0.37) * 60", -125.874),
        Number("470", r"0.1 - 0.01 (-125.874) = 1.35", "0.1 - 0.01 * (-125.874)", 1.35, '1.36 to two places'),
        Number("466", r"\text{the same with } a_1^1 = \sigma(0.5)", "-0.75 * 12 * sigmoid(0.5) * (1 - sigmoid(0.5)) * 60", None, "what line 468 would be"),
        Claim("472", r"assignment: $\partial L / \partial w_{13}^1$", "`dC/dW[1][0,2] = delta[1][0] * x[2]`", assignment.answer, "receiver first", "sender first", "worked out below the notes"),
    )),
)
