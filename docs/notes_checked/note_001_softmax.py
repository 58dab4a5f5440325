"""Note 001, fourth part: softmax and cross-entropy, hidden units, parameters, pseudo-code."""

# fmt: off

from notes_checked import descent, losses, shapes
from notes_checked.rows import Claim, Formula, Section

SOFTMAX = (
    Section("Output units", (
        Formula("485", r"\frac{\partial L}{\partial W_{11}^1} = \frac{\partial L}{\partial \hat{y}} \frac{\partial \hat{y}}{\partial z_1^L} \cdots \frac{\partial z_1^1}{\partial W_{11}^1}, \text{ now for k classes}", "W[1][0,0]", "dC/dy_hat[0] * y_hat[0] * (1 - y_hat[0]) * W[2][0,0] * dg[1](z[1][0]) * x[0]", "classes", r"right for a thin network alone: here it is one path of many, and each output of a softmax depends on each z", mended=("W[1][0,0]", "sum(p, delta[2][p] * W[2][p,0]) * dg[1](z[1][0]) * x[0]", "classes")),
        Formula("491", r"-\log_2 \hat{y}_t", "C", "-log2(sum(y * y_hat))", "bits"),
        Formula("493-497, 501", r"\frac{\partial(-\log \hat{y}_t)}{\partial \hat{y}_i} = -\frac{1}{\hat{y}_t} \text{ if } i = t, \text{ else } 0", "dC/dy_hat[i]", "where(y[i] > 0.5, -1/y_hat[i], 0)", "classes", r"with the natural logarithm"),
        Formula("491-501", r"\text{the same, for } L = -\log_2 \hat{y}_t \text{ of line 491}", "dC/dy_hat[i]", "where(y[i] > 0.5, -1/y_hat[i], 0)", "bits"),
        Formula("504, 506", r"\frac{\partial L}{\partial \hat{y}} = -\frac{1}{\hat{y}_t} e(t)", "dC/dy_hat", "-1/sum(y * y_hat) * y", "classes"),
        Formula("510", r"\frac{\partial L}{\partial z_i^L} = -\frac{\partial(-\log \hat{y}_t)}{\partial \hat{y}_t} \frac{\partial \hat{y}_t}{\partial z_i^L}", "delta[2][i]", "sum(t, y[t]/y_hat[t] * y_hat[t] * (where(i == t, 1, 0) - y_hat[i]))", "classes", r"the middle one: a minus too many"),
        Formula("510, 518", r"-\frac{1}{\hat{y}_t} \frac{\partial \hat{y}_t}{\partial z_i^L}", "delta[2][i]", "-sum(t, y[t]/y_hat[t] * y_hat[t] * (where(i == t, 1, 0) - y_hat[i]))", "classes"),
        Formula("512, 524", r"\hat{y}_t = \frac{\exp(z_t^L)}{\sum \exp(z_i^L)}", "y_hat[t]", "exp(z[2][t]) / sum(i, exp(z[2][i]))", "classes"),
        Claim("520, 522", r"$\hat{y} = softmax(z^L)$", "a softmax of all of $z^L$", losses.softmax_of, "z", "z_j"),
        Claim("524-530", r"$\hat{y}_t = softmax(z_t^L)$", "a softmax of $z_t$ alone", losses.softmax_of, "z_j", "z", "the t-th entry of softmax($z^L$); the sum below it has every $z_i$"),
        Formula("532, first", r"-\frac{1}{\hat{y}_t} \cdot \frac{\partial \exp(z_t) / \partial z_i}{\sum \exp} - \frac{\exp(z_t) \, \partial (\sum \exp) / \partial z_i}{(\sum \exp)^2}", "delta[2][i]", "sum(t, y[t] * (-1/y_hat[t] * where(i == t, 1, 0) * exp(z[2][t])/sum(k, exp(z[2][k])) - exp(z[2][t])*exp(z[2][i])/sum(k, exp(z[2][k]))**2))", "classes", r"the brackets around the difference are missing here; the next line has them", mended=("delta[2][i]", "-sum(t, y[t]/y_hat[t] * (where(i == t, 1, 0) * exp(z[2][t])/sum(k, exp(z[2][k])) - exp(z[2][t])*exp(z[2][i])/sum(k, exp(z[2][k]))**2))", "classes")),
        Formula("532, second", r"-\frac{1}{\hat{y}_t} \left(\frac{1_{(t=i)} \exp(z_t)}{\sum \exp} - \frac{\exp(z_t) \exp(z_i)}{(\sum \exp)^2}\right)", "delta[2][i]", "-sum(t, y[t]/y_hat[t] * (where(i == t, 1, 0) * exp(z[2][t])/sum(k, exp(z[2][k])) - exp(z[2][t])*exp(z[2][i])/sum(k, exp(z[2][k]))**2))", "classes"),
        Formula("532, third", r"-\frac{1}{\hat{y}_t} (1_{(t=i)} softmax(z_t) - softmax(z_t) softmax(z_i))", "delta[2][i]", "-sum(t, y[t]/y_hat[t] * (where(i == t, 1, 0) * y_hat[t] - y_hat[t]*y_hat[i]))", "classes"),
        Formula("532, fourth", r"-\frac{1}{\hat{y}_t} (1_{(t=i)} \hat{y}_t - \hat{y}_t \hat{y}_i) = -(1_{(t=i)} - \hat{y}_i)", "delta[2][i]", "-(y[i] - y_hat[i])", "classes"),
        Claim("534", r"$(f/g)' = f'/g - f g' / g^2$", "the quotient rule", descent.quotient_rule, -1.0, 1.0),
        Formula("538, 543, 545", r"\frac{\partial L}{\partial \mathbf{z}^L} = -(e(t) - \hat{\mathbf{y}})", "delta[2]", "-(y - y_hat)", "classes"),
        Formula("491, 543", r"\text{the same, for } L = -\log_2 \hat{y}_t \text{ of line 491}", "delta[2]", "-(y - y_hat)", "bits"),
    )),
    Section("Hidden units", (
        Claim("552, 561", "the chain rule over several paths: their sum", "`dz/dx` of two or three y", descent.several_paths, 3, 2),
        Formula("552, 561", r"\frac{\partial z}{\partial x} = \sum \frac{\partial z}{\partial y_i} \frac{\partial y_i}{\partial x}", "dz[2][k]/dx[i]", "sum(j, W[2][k,j] * dg[1](z[1][j]) * W[1][j,i])", "squares", r"the chain rule, on two layers"),
        Formula("572, 581, 593", r"z^{l+1} = W^{l+1} a_j^l + b^{l+1}", "z[2][k]", "W[2][k,j] * a[1][j] + b[2][k]", "squares", "as printed, with the j; the whole vector $a^l$ is meant"),
        Formula("574, 595, 603", r"\frac{\partial L}{\partial a_j^l} = \sum_p \frac{\partial L}{\partial z_p^{l+1}} \frac{\partial z_p^{l+1}}{\partial a_j^l}", "dC/da[l][j]", "sum(p, delta[l+1][p] * W[l+1][p,j])", "deep"),
        Claim("574, 576", r"p runs to k, the number of classes, for every l", "`sum(p, ...)`", shapes.paths, "k", "n", "over all units of layer l + 1; there are k of them in the last layer alone"),
        Formula("583", r"z^L = W^L a^2 + b^L, \text{ 3 x 4}", "z[L]", "W[L] @ a[L-1] + b[L]", "deep"),
        Formula("585", r"z_1^L = W_{11}^L a_1^2 + W_{12}^L a_2^2 + \ldots + b_1^L", "z[2][0]", "W[2][0,0]*a[1][0] + W[2][0,1]*a[1][1] + W[2][0,2]*a[1][2] + b[2][0]", "squares"),
        Formula("587", r"\frac{\partial z_1^L}{\partial a_2^2} = w_{12}^L", "dz[2][0]/da[1][1]", "W[2][0,1]", "squares"),
        Formula("597, 605", r"\frac{\partial L}{\partial a_j^l} = \sum_p \frac{\partial L}{\partial z_p^{l+1}} W_{p,j}^{l+1}", "dC/da[l][j]", "sum(p, delta[l+1][p] * W[l+1][p,j])", "deep"),
        Claim("607-619", r"$W_{\cdot,j}^{l+1}$ is the j-th column", "`W[l+1][:, j]`", shapes.column, "column", "row"),
        Formula("621, 625", r"(W_{\cdot,j}^{l+1})^T \frac{\partial L}{\partial z^{l+1}}", "dC/da[l][j]", "(W[l+1].T @ delta[l+1])[j]", "deep"),
        Formula("627", r"\frac{\partial L}{\partial a^l} = ((W_{\cdot,1}^{l+1})^T \frac{\partial L}{\partial z^{l+1}}, \ldots)", "dC/da[l]", "W[l+1].T @ delta[l+1]", "deep", r"its left side keeps a j; the vector is meant"),
        Formula("629", r"\frac{\partial L}{\partial a^l} = (W^{l+1})^T \frac{\partial L}{\partial z^{l+1}}", "dC/da[l]", "W[l+1].T @ delta[l+1]", "deep", r"its left side keeps a j; the vector is meant"),
        Formula("636", r"\frac{\partial L}{\partial z_j^l} = \frac{\partial L}{\partial a_j^l} \frac{\partial g(z_j^l)}{\partial z_j^l}", "delta[l][j]", "dC/da[l][j] * dg[l](z[l][j])", "deep"),
        Formula("638", r"\frac{\partial L}{\partial a^l} \odot [\ldots, g'(z_j^l), \ldots]", "delta[l]", "dC/da[l] * dg[l](z[l])", "deep"),
    )),
    Section("Parameters", (
        Formula("645, 653, 661", r"\frac{\partial L}{\partial w^l} = \frac{\partial L}{\partial z^l} \frac{\partial z^l}{\partial w^l}", "W[l][p,q]", "delta[l][p] * a[l-1][q]", "deep", "in components, $z_p$ being the one that $w_{pq}$ enters"),
        Formula("647, 655", r"z^l = W^l a^{l-1} + b^l", "z[l]", "W[l] @ a[l-1] + b[l]", "deep"),
        Formula("657, 663", r"z^l = (w_{jk}) (a_k^{l-1}) + (b_j^{l-1})", "z[l]", "W[l] @ a[l-1] + b[l-1]", "deep", r"in the matrices; line 647 has $b^l$"),
        Formula("665", r"\frac{\partial z^l}{\partial w_{12}^l} = a_2^{l-1}", "dz[2][0]/dW[2][0,1]", "a[1][1]", "squares"),
        Formula("667", r"\frac{\partial z^l}{\partial w_{pq}^l} = a_q^{l-1}", "dz[l][p]/dW[l][p,q]", "a[l-1][q]", "deep", r"of z_p"),
        Formula("669, 673", r"\frac{\partial L}{\partial w_{pq}^l} = \frac{\partial L}{\partial z^l} a_q^{l-1}", "W[l][p,q]", "delta[l][k] * a[l-1][q]", "deep", r"z without its p: read with another letter"),
        Claim("675", r"$\partial L / \partial w^l$ is a matrix like $w^l$", "`dW[l]`: n_l x n_{l-1}", shapes.gradient_shape, (2, (3, 5)), (2, (5, 3)), "the slide counts from 0 here, from 1 before"),
    )),
    Section("The equations", (
        Formula("679, 691", r"\frac{\partial L}{\partial z^l} = (w^{l+1})^T \cdot \frac{\partial L}{\partial z^{l+1}} * \sigma'(z^l)", "delta[l]", "W[l+1].T @ delta[l+1] * d_sigmoid(z[l])", "deep"),
        Formula("681", r"\frac{\partial L}{\partial w^l} = \frac{\partial L}{\partial z^l} \cdot (a^{l-1})^T", "W[l]", "delta[l] @ a[l-1].T", "deep"),
        Formula("683", r"\frac{\partial L}{\partial b^l} = \frac{\partial L}{\partial z^l}", "b[l]", "delta[l]", "deep"),
    )),
    Section("Pseudo-code: gradient descent", (
        Claim("695-709", r"t := 0; while t++ < max: ..., again", "`for t in range(max)`", descent.loop_of_updates, "condition", "body", "t goes up at the end of the body, not in the condition"),
        Formula("703-707", r"\theta_{t+1} := \theta_t - \eta \nabla \theta_t", "new b[l]", "b[l] - eta * dC/db[l]", "deep", "forward, backward, then all parameters at once"),
    )),
    Section("Pseudo-code: forward", (
        Claim("713", "for v = 0 to L - 1", "`for l in 1..L-1`", descent.forward_loop, 0, 1, "from v = 1"),
        Formula("715, 717", r"z^v = b^v + W^v a^{v-1}, \ a^v = g(z^v)", "a[l]", "g[l](b[l] + W[l] @ a[l-1])", "deep", r"for v = 1 to L - 1"),
        Formula("721, 723", r"z^L = b^L + W^L a^{L-1}, \ \hat{y} = O(z^L)", "y_hat", "g[L](b[L] + W[L] @ a[L-1])", "deep"),
    )),
    Section("Pseudo-code: backward", (
        Formula("731", r"\nabla_z^L L = -(e(y) - \hat{y})", "delta[2]", "-(y - y_hat)", "classes"),
        Claim("733, 747", "for v = L to 1: also the layer below", "`delta[l-1]` for l = L..2", descent.backward_loop, 1, 2, "the last two lines of the loop end at v = 2"),
        Formula("737", r"\nabla_w^v L = \nabla_z^v L \, a^{v-1}", "W[l]", "delta[l] @ a[l-1]", "deep"),
        Formula("739", r"\nabla_b^v L = \nabla_z^v L", "b[l]", "delta[l]", "deep"),
        Formula("743", r"\nabla_a^{v-1} L = W^v \nabla_z^v L", "dC/da[l-1]", "W[l] @ delta[l]", "deep"),
        Formula("747", r"\nabla_z^{v-1} L = \nabla_a^{v-1} L \odot [\ldots g'(z^{v-1,j}) \ldots]", "delta[l-1]", "dC/da[l-1] * dg[l-1](z[l-1])", "deep"),
    )),
)
