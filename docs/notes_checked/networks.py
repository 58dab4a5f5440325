"""The networks in which the notes' formulas are read."""

import clearprop as cp


def _net(inputs, *layers, **settings):
    return cp.Network(inputs, [cp.Dense(*layer) for layer in layers], **settings)


#: name in the page -> network
NETWORKS = {
    "squares": _net(2, (3, "sigmoid"), (2, "sigmoid"), loss="half_squared_error"),
    "binary": _net(2, (3, "sigmoid"), (1, "sigmoid")),
    "classes": _net(2, (3, "sigmoid"), (4, "softmax")),
    "bits": _net(2, (3, "sigmoid"), (4, "softmax"), loss="cross_entropy_bits"),
    "softmax with binary loss": _net(2, (3, "sigmoid"), (4, "softmax"), loss="binary_cross_entropy"),
    "one neuron": _net(2, (1, "sigmoid"), loss="squared_error"),
    "one logistic neuron": _net(2, (1, "sigmoid")),
    "deep": _net(2, (5, "sigmoid"), (4, "sigmoid"), (3, "sigmoid"), loss="half_squared_error"),
    "deep and thin": _net(1, (1, "sigmoid"), (1, "sigmoid"), (1, "sigmoid")),
    "tanh": _net(2, (3, "tanh"), (2, "identity"), loss="squared_error"),
    "relu": _net(2, (3, "relu"), (2, "identity"), loss="squared_error"),
    "leaky": _net(2, (3, cp.LeakyReLU(0.1)), (2, "identity"), loss="squared_error"),
    "elu": _net(2, (3, "elu"), (2, "identity"), loss="squared_error"),
    "maxout": _net(2, (3, cp.Maxout(2)), (2, "identity"), loss="squared_error"),
    "mixed": _net(2, (3, "tanh"), (2, "sigmoid"), loss="half_squared_error"),
    "slide": _net(3, (3, "sigmoid"), (2, "sigmoid"), loss="half_squared_error"),
    "002": cp.Network(4, [cp.Dense(3, "tanh"), cp.Dense(2, "tanh"), cp.Dense(5, bias=False)]),
    "4-5-3-2": _net(4, (5, "tanh"), (3, "tanh"), (2, "identity"), loss="squared_error"),
    "absolute": _net(2, (3, "tanh"), (1, "identity"), loss="absolute_error"),
    "hinge": _net(2, (3, "tanh"), (1, "identity"), loss="hinge"),
    "huber": _net(2, (3, "tanh"), (1, "identity"), loss="huber"),
    "kl": _net(2, (3, "tanh"), (4, "softmax"), loss="kl_divergence"),
    "poisson": _net(2, (3, "tanh"), (1, "exp")),
    "one output": _net(2, (3, "tanh"), (1, "identity"), loss="squared_error"),
}
