"""Note 001, second part: entropy, cross-entropy, softmax."""

# fmt: off

from notes_checked import losses
from notes_checked.rows import Claim, Formula, Number, Section

LOSS = (
    Section("Information and entropy", (
        Claim("192-195", "likely events carry little information, rare ones much", "`-log2(p)`", losses.information, "less", "more"),
        Number("196", r"IC(A) = -\log_2 p(A)", "-log(0.5) / log(2)", 1, 'a fair coin: 1 bit'),
        Number("197, 198", r"\sum p_i IC(i) = -\sum p_i \log_2 p_i", "-4 * 0.25 * log(0.25) / log(2)", 2, 'four equally likely winners: 2 bits'),
        Number("202", r"\text{entropy of } y = [0\ 1\ 0\ 0]", "log(1) / log(2)", None, "a certain event: log2(1) = 0, and 0 log 0 counts as 0"),
        Number("202-206", r"\text{entropy of } \hat{y} = [0.2\ 0.1\ 0.4\ 0.3]", "-(0.2*log(0.2) + 0.1*log(0.1) + 0.4*log(0.4) + 0.3*log(0.3)) / log(2)", None, "bits"),
        Number("210-214", r"\text{expected profit, of } 10K, 5K, 8K, 1K", "0.2*10000 + 0.1*5000 + 0.4*8000 + 0.3*1000", None, "by the prediction"),
        Number("202, 210", r"\text{the profit by } y", "0*10000 + 1*5000 + 0*8000 + 0*1000", None, "B wins: what comes in"),
    )),
    Section("Cross-entropy", (
        Number("202-220", r"-\sum y_i \log_2 \hat{y}_i, \ y = [0\,1\,0\,0], \ \hat{y} = [0.2\,0.1\,0.4\,0.3]", "-log(0.1) / log(2)", None, 'of the example, actual against predicted, in bits'),
        Claim("224, 228", "it is low where the prediction is close", "`cross_entropy_bits` over q", losses.closeness, "least", "distance"),
        Formula("226", r"-\sum p_i \log_2 q_i", "loss", "-sum(y * log2(y_hat))", "bits", "information expected by p, of an estimate q"),
        Claim("227", "it captures the difference of two distributions", "`cross_entropy_bits`, ordered by it", losses.closeness, "least", "distance", "the difference itself is cross-entropy less entropy (KL)"),
        Formula("230, 349", r"L(\theta) = -\sum y_c \log_2 \hat{y}_c", "C", "-sum(y * log2(y_hat))", "bits"),
        Formula("232-236", r"L(\theta) = -\log_2 \hat{y}_t", "C", "-log2(sum(y * y_hat))", "bits"),
        Claim("249", r"minimise $-\log_2 \hat{y}_t$", "falls as the true class grows likelier", losses.likelihood, -1, 1),
        Formula("251", r"\frac{\partial L}{\partial w} = -\frac{1}{\hat{y}_t} \frac{\partial \hat{y}_t}{\partial w}", "dC/dy_hat", "-y / y_hat", "bits", r"the factor before dy_hat/dw, for the same L"),
        Claim("256", r"$\log_2 \hat{y}_t$ is the probability of class t", "a number from 0 to 1", losses.probability, "log", "y_hat", "$\\hat{y}_t$ is the probability, its logarithm the log-likelihood"),
    )),
    Section("Output activations", (
        Claim("261, 262", "outputs should sum to 1: softmax", "`softmax`", losses.sums_to_one, "softmax", "sigmoid"),
        Claim("263", "sigmoids: each in (0, 1), their sum not 1", "`sigmoid`", losses.not_a_distribution, "sigmoid", "softmax"),
        Formula("272", r"e^{z_1} / \sum_i e^{z_i}", "y_hat[0]", "exp(z[2][0]) / sum(k, exp(z[2][k]))", "bits"),
        Formula("280", r"z^L = b^L + W^L a^{L-1}", "z[L]", "b[L] + W[L] @ a[L-1]", "deep"),
        Formula("282-286", r"e^{z_j} / \sum e^{z_j}", "y_hat[j]", "exp(z[2][j]) / sum(k, exp(z[2][k]))", "bits"),
        Claim("282", r"$\hat{y} = g(z_j^L)$", "a softmax of $z_j$ alone", losses.softmax_of, "z_j", "z", "of all of $z^L$: $\\hat{y} = g(z^L)$"),
        Number("290, 292", r"z^L = [10\ 20\ {-30}]: \ e^{10} / (e^{10} + e^{20} + e^{-30})", "exp(10) / (exp(10) + exp(20) + exp(-30))", None, 'the slide leaves the numbers open'),
        Number("290, 292", r"e^{20} / (e^{10} + e^{20} + e^{-30})", "exp(20) / (exp(10) + exp(20) + exp(-30))", None),
        Number("290, 292", r"e^{-30} / (e^{10} + e^{20} + e^{-30})", "exp(-30) / (exp(10) + exp(20) + exp(-30))", None),
        Claim("294", "the exponential makes negative numbers positive", "`exp`", losses.positive, "exp", "identity"),
        Claim("303-306", "numbers: linear and squared error; probabilities: softmax and cross-entropy", "`loss_for(activation)`", losses.matched, (("identity", "squared_error"), ("softmax", "cross_entropy")), (("softmax", "squared_error"), ("identity", "cross_entropy"))),
    )),
)
