# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Multilayer logistic regression
#
# Which species is a penguin, by its four measurements? First logistic regression, a network of one layer;
# then the same with a hidden layer, beside PyTorch. The cells marked *PyTorch* need `pip install torch`;
# without it skip them, nothing else here depends on them.

# %%
import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import clearprop as cp
from clearprop.datasets import penguins_path

measured = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
penguins = pl.read_csv(penguins_path(), null_values="NA").drop_nulls(measured)
species, y = np.unique(penguins["species"].to_numpy(), return_inverse=True)
X, X_test, y, y_test = train_test_split(
    penguins.select(measured).to_numpy(), y, test_size=0.3, stratify=y, random_state=0
)
mean, deviation = X.mean(axis=0), X.std(axis=0)  # of the training rows only
X, X_test = (X - mean) / deviation, (X_test - mean) / deviation
m = len(X)
print(f"{m} rows to learn from, {len(X_test)} to judge by; classes {', '.join(species)}")

# %% [markdown]
# ## One layer: logistic regression
#
# Three outputs, one a class. Softmax makes probabilities of them, and cross-entropy judges the one of the
# true class $t$:
#
# $$z^1 = W^1 x + b^1, \qquad \hat y_k = \frac{e^{z^1_k}}{\sum_j e^{z^1_j}}, \qquad
# C = \frac{1}{m} \sum_i -\ln \hat y_{i, t_i} .$$
#
# The derivative of the pair is the shortest formula of the course, with $y$ the one-hot row of the true
# class:
#
# $$\delta^L_i = \frac{1}{m} (\hat y_i - y_i) \quad \text{(BP1)}$$

# %%
single = cp.Network(4, [cp.Dense(3, "softmax")], l2=1 / m)  # the penalty of scikit-learn's C = 1
logistic = cp.train(single, X, y, optimizer=cp.LBFGS(tolerance=1e-10), epochs=2000, progress=False)
theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=2000).fit(X, y)
assert np.allclose(logistic.predict(X_test), theirs.predict_proba(X_test), atol=1e-5)
print(f"accuracy on the test rows: {logistic.evaluate(X_test, y_test)['accuracy']:.3f}, as scikit-learn's")

# %% [markdown]
# ## A hidden layer
#
# Between inputs and outputs come eight tanh units:
#
# $$a^1 = \tanh(W^1 x + b^1), \qquad \hat y = \mathrm{softmax}(W^2 a^1 + b^2) .$$
#
# Backward, delta goes through the weights and through the slope $1 - (a^1)^2$:
#
# $$\delta^1 = (\delta^2 W^2) \odot (1 - (a^1)^2) \quad \text{(BP2)}, \qquad
# \frac{\partial C}{\partial W^l} = (\delta^l)^T a^{l-1} \quad \text{(BP4)}, \qquad
# \frac{\partial C}{\partial b^l} = \sum_i \delta^l_i \quad \text{(BP3)}$$

# %%
network = cp.Network(4, [cp.Dense(8, "tanh"), cp.Dense(3, "softmax")])
theta = network.initialize(seed=0)

a1 = np.tanh(X @ theta.W[1].T + theta.b[1])
z2 = a1 @ theta.W[2].T + theta.b[2]
y_hat = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
delta2 = (y_hat - np.eye(3)[y]) / m
delta1 = (delta2 @ theta.W[2]) * (1 - a1**2)

loss, grad = cp.gradient(network, theta, X, y)
assert np.allclose(grad.W[2], delta2.T @ a1)
assert np.allclose(grad.b[2], delta2.sum(axis=0))
assert np.allclose(grad.W[1], delta1.T @ X)
assert np.allclose(grad.b[1], delta1.sum(axis=0))
print(f"C = {loss:.4f} before training; ln 3 = {np.log(3):.4f} is that of a network that knows nothing")

# %% [markdown]
# Is the engine's gradient the mathematics' own? The certificate compares it with the complex step, parameter
# by parameter.

# %%
print(cp.certify(network, theta, X, y))

# %% [markdown]
# ## Training
#
# Stochastic gradient descent in mini-batches of 32 rows, in the order of the rows, so that PyTorch can take
# the very same steps.

# %%
steps = {"optimizer": cp.SGD(0.5), "batch_size": 32, "epochs": 40, "shuffle": False, "progress": False}
ours = []  # the parameters after each epoch
model = cp.train(network, X, y, initial=theta, callbacks=lambda r: ours.append(r.theta.copy()), **steps)
print(f"C = {model.evaluate(X, y)['loss']:.4f} after 40 epochs")
print(f"accuracy on the test rows: {model.evaluate(X_test, y_test)['accuracy']:.3f}")

# %%
said = model.predict(X_test).argmax(axis=1)
confusion = np.zeros((3, 3), int)
np.add.at(confusion, (y_test, said), 1)
pl.DataFrame({"true": species} | {f"said {name}": confusion[:, k] for k, name in enumerate(species)})

# %% [markdown]
# ## Beside PyTorch, weight by weight (PyTorch)
#
# The same network, first weights, batches and rate. Mind that `CrossEntropyLoss` takes $z^2$, not $\hat y$:
# the softmax is inside it.

# %% tags=["torch"]
import torch

peer = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
layers = {1: peer[0], 2: peer[2]}
with torch.no_grad():
    for l, layer in layers.items():
        layer.weight.copy_(torch.from_numpy(theta.W[l]))
        layer.bias.copy_(torch.from_numpy(theta.b[l]))

# %% [markdown]
# Both gradients, before the first step (PyTorch):

# %% tags=["torch"]
inputs, classes = torch.from_numpy(X), torch.from_numpy(y)
judge = torch.nn.CrossEntropyLoss()
judge(peer(inputs), classes).backward()
for l, layer in layers.items():
    gap = np.abs(layer.weight.grad.numpy() - grad.W[l]).max()
    print(f"dC/dW[{l}]: {grad.W[l].size} numbers, largest difference {gap:.1e}")
    assert gap < 1e-14

# %% [markdown]
# And all 67 parameters after each of the 40 epochs (PyTorch):

# %% tags=["torch"]
optimizer = torch.optim.SGD(peer.parameters(), lr=0.5)
largest = 0.0
for theta_k in ours:
    for first in range(0, m, 32):
        optimizer.zero_grad()
        judge(peer(inputs[first : first + 32]), classes[first : first + 32]).backward()
        optimizer.step()
    for l, layer in layers.items():
        largest = max(largest, float(np.abs(layer.weight.detach().numpy() - theta_k.W[l]).max()))
        largest = max(largest, float(np.abs(layer.bias.detach().numpy() - theta_k.b[l]).max()))
print(f"largest difference of a parameter over {len(ours)} epochs: {largest:.1e}")
assert largest < 1e-10

# %% [markdown]
# ## Exercises
#
# 1. With all weights 0, what are $\hat y$, $\delta^2$ and $\partial C / \partial W^1$? Which layer cannot
#    begin to learn?
# 2. Leave out the hidden layer's activation (`"identity"`). Train; what can this network say that logistic
#    regression cannot?
# 3. Train with only the two bill columns, with and without the hidden layer, and compare.

# %% [markdown]
# **Answer 1.**

# %% jupyter={"source_hidden": true} tags=["answer"]
zero = theta.copy()
zero.flat[:] = 0
seen = cp.trace(network, zero, X, y)
print("y_hat of the first row:", seen.a[2][0])
print("largest dC/dW[1]:", np.abs(seen.dW[1]).max(), " largest dC/dW[2]:", np.abs(seen.dW[2]).max())
print("dC/db[2]:", seen.db[2])
# Every y_hat is 1/3, and delta^2 = (1/3 - y)/m is not 0. But delta^1 = delta^2 W^2 = 0, and a^1 = tanh(0) =
# 0, so neither W^1 nor W^2 moves: only b^2 does. The weights never leave 0; that is why first weights are
# drawn.
assert not seen.dW[1].any()
assert not seen.dW[2].any()
assert seen.db[2].any()

# %% [markdown]
# **Answer 2.**

# %% jupyter={"source_hidden": true} tags=["answer"]
straight = cp.Network(4, [cp.Dense(8), cp.Dense(3, "softmax")])
fitted = cp.train(straight, X, y, **steps)
product = fitted.theta.W[2] @ fitted.theta.W[1]
shift = fitted.theta.W[2] @ fitted.theta.b[1] + fitted.theta.b[2]
one = cp.parameters_from_arrays(cp.Network(4, [cp.Dense(3, "softmax")]), [product], [shift])
folded = cp.forward(cp.Network(4, [cp.Dense(3, "softmax")]), one, X_test)
assert np.allclose(folded, fitted.predict(X_test))  # nothing: W^2 (W^1 x + b^1) + b^2 is one layer
print("the same answers from one layer with W = W^2 W^1:\n", product.round(3))

# %% [markdown]
# **Answer 3.**

# %% jupyter={"source_hidden": true} tags=["answer"]
bills, bills_test = X[:, :2], X_test[:, :2]
for name, layers_ in (("without", []), ("with", [cp.Dense(8, "tanh")])):
    small = cp.Network(2, [*layers_, cp.Dense(3, "softmax")])
    fitted = cp.train(small, bills, y, optimizer=cp.SGD(0.5), epochs=200, progress=False)
    found = fitted.evaluate(bills, y)["loss"], fitted.evaluate(bills_test, y_test)["accuracy"]
    print(f"{name:7} a hidden layer: training C = {found[0]:.3f}, test accuracy {found[1]:.3f}")
# The species lie apart along nearly straight borders: the hidden layer lowers the training loss, and the test
# rows are told apart about as well without it.
