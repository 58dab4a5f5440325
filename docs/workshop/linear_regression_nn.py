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
# # Linear regression as a network of one layer
#
# The line of the [first notebook](linear_regression.ipynb), now fitted step by step: forward, backward,
# update. Then beside PyTorch, weight by weight. The cells marked *PyTorch* need `pip install torch`; without
# it skip them, nothing else here depends on them.

# %%
import numpy as np
import polars as pl
from sklearn.linear_model import LinearRegression

import clearprop as cp
from clearprop.datasets import penguins_path

penguins = pl.read_csv(penguins_path(), null_values="NA").drop_nulls("body_mass_g")
X = penguins["flipper_length_mm"].to_numpy()[:, None].astype(float)
X = (X - X.mean()) / X.std()  # standardised: mean 0, deviation 1; (m, 1)
y = penguins["body_mass_g"].to_numpy() / 1000  # kilograms, (m,)
m = len(X)

# %% [markdown]
# ## The network
#
# One layer, one unit, no activation:
#
# $$z^1 = W^1 x + b^1, \qquad \hat y = a^1 = z^1, \qquad C = \frac{1}{m} \sum_i (\hat y_i - y_i)^2 .$$

# %%
network = cp.Network(1, [cp.Dense(1)], loss="squared_error")
theta = network.initialize(seed=0)
theta.W[1], theta.b[1]

# %% [markdown]
# ## Forward and backward by hand
#
# The chain rule goes through $z^1$. Its derivative has a name, *delta*; row $i$ has its share $1/m$ of the
# mean:
#
# $$\delta^1_i = \frac{\partial C}{\partial z^1_i} = \frac{2}{m} (\hat y_i - y_i) \quad \text{(BP1)}$$
#
# $$\frac{\partial C}{\partial b^1} = \sum_i \delta^1_i \quad \text{(BP3)}, \qquad
# \frac{\partial C}{\partial W^1} = \sum_i \delta^1_i\, x_i \quad \text{(BP4)}$$

# %%
y_hat = X @ theta.W[1].T + theta.b[1]
delta = 2 / m * (y_hat - y[:, None])
dW, db = delta.T @ X, delta.sum(axis=0)
dW, db

# %% [markdown]
# The engine finds the same, and `trace` keeps every number on the way:

# %%
loss, grad = cp.gradient(network, theta, X, y)
assert np.allclose(grad.W[1], dW)
assert np.allclose(grad.b[1], db)
seen = cp.trace(network, theta, X, y)
assert np.allclose(seen.delta[1], delta)
print(f"C = {loss:.4f}")

# %% [markdown]
# A gradient in numbers, for a single bird:

# %%
print(cp.trace(network, theta, X[:1], y[:1]).derive("W[1][0,0]"))

# %% [markdown]
# ## Update
#
# $$W^1 \leftarrow W^1 - \eta \frac{\partial C}{\partial W^1}, \qquad
# b^1 \leftarrow b^1 - \eta \frac{\partial C}{\partial b^1}$$
#
# Ten updates by hand, with $\eta = 0.1$, and by `train`:

# %%
eta = 0.1
by_hand = theta.copy()
for _ in range(10):
    _, grad = cp.gradient(network, by_hand, X, y)
    by_hand.flat[:] -= eta * grad.flat

descent = {"optimizer": cp.SGD(eta), "batch_size": None, "progress": False}
model = cp.train(network, X, y, initial=theta, epochs=10, **descent)
assert np.allclose(model.theta.flat, by_hand.flat, rtol=1e-12)
by_hand.W[1], by_hand.b[1]

# %% [markdown]
# ## The same line as scikit-learn's

# %%
line = LinearRegression().fit(X, y)
for epochs in (1, 10, 30, 100):
    model = cp.train(network, X, y, initial=theta, epochs=epochs, **descent)
    gap = abs(model.theta.W[1][0, 0] - line.coef_[0])
    print(f"{epochs:4} updates: W = {model.theta.W[1][0, 0]:.10f}, {gap:.1e} from scikit-learn's")
assert np.allclose([model.theta.W[1][0, 0], model.theta.b[1][0]], [line.coef_[0], line.intercept_])

# %% [markdown]
# The gap shrinks by the same factor at each update: $1 - 2\eta = 0.8$. That is the curvature: for a
# standardised column $\partial^2 C / \partial W^2 = \frac{2}{m} \sum_i x_i^2 = 2$.

# %% [markdown]
# ## Beside PyTorch, weight by weight (PyTorch)
#
# PyTorch records the forward pass and finds the derivatives from the record. Same first weights, same rows,
# same rate; both in float64. After each of 50 updates every parameter is compared.

# %% tags=["torch"]
import torch

layer = torch.nn.Linear(1, 1, dtype=torch.float64)
with torch.no_grad():
    layer.weight.copy_(torch.from_numpy(theta.W[1]))
    layer.bias.copy_(torch.from_numpy(theta.b[1]))
optimizer = torch.optim.SGD(layer.parameters(), lr=eta)
inputs, targets = torch.from_numpy(X), torch.from_numpy(y[:, None].copy())

ours = []
cp.train(network, X, y, initial=theta, epochs=50, callbacks=lambda r: ours.append(r.theta.copy()), **descent)

largest = 0.0
for theta_k in ours:
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(layer(inputs), targets).backward()
    optimizer.step()
    for mine, theirs in ((theta_k.W[1], layer.weight), (theta_k.b[1], layer.bias)):
        largest = max(largest, float(np.abs(mine - theirs.detach().numpy()).max()))
print(f"W: clearprop {ours[-1].W[1][0, 0]:.15f}, PyTorch {layer.weight.item():.15f}")
print(f"b: clearprop {ours[-1].b[1][0]:.15f}, PyTorch {layer.bias.item():.15f}")
print(f"largest difference of a parameter over 50 updates: {largest:.1e}")
assert largest < 1e-12

# %% [markdown]
# ## Exercises
#
# 1. From which learning rate on does it diverge? Derive it from $1 - 2\eta$, then try one rate on each side.
# 2. Give the network the flipper in millimetres, not standardised. Why does $\eta = 0.1$ fail now? How small
#    must $\eta$ be, and how far does descent get in 1,000 updates?
# 3. `half_squared_error` is $\frac{1}{2}(\hat y - y)^2$, as in the notes 000 and 004. Which $\eta$ takes the
#    same steps with it?

# %% [markdown]
# **Answer 1.**

# %% jupyter={"source_hidden": true} tags=["answer"]
# The gap is multiplied by 1 - 2 eta, which stays within (-1, 1) for 0 < eta < 1. (b has the same curvature,
# 2, and on standardised inputs the two do not mix.)
ends = {}
for rate in (0.99, 1.01):
    fitted = cp.train(
        network, X, y, initial=theta, optimizer=cp.SGD(rate), batch_size=None, epochs=500, progress=False
    )
    ends[rate] = abs(fitted.theta.W[1][0, 0] - line.coef_[0])
    print(f"eta = {rate}: {ends[rate]:.1e} from the minimum after 500 updates")
assert ends[0.99] < 1e-3 < 1e3 < ends[1.01]

# %% [markdown]
# **Answer 2.**

# %% jupyter={"source_hidden": true} tags=["answer"]
raw = penguins["flipper_length_mm"].to_numpy()[:, None].astype(float)
A = np.column_stack([raw, np.ones(m)])
curvatures = np.linalg.eigvalsh(2 / m * A.T @ A)
print(f"curvatures {curvatures[0]:.2g} and {curvatures[1]:.3g}: eta must be below {2 / curvatures[1]:.2g}")
fitted = cp.train(
    network, raw, y, optimizer=cp.SGD(1 / curvatures[1]), batch_size=None, epochs=1000, progress=False
)
best = LinearRegression().fit(raw, y)
print(f"after 1,000 updates b = {fitted.theta.b[1][0]:.4f}, where it belongs {best.intercept_:.4f}")
# x is near 200 for every bird, so the step that W can bear is thousands of times too small for b.
assert abs(fitted.theta.b[1][0] - best.intercept_) > 1

# %% [markdown]
# **Answer 3.**

# %% jupyter={"source_hidden": true} tags=["answer"]
half = cp.Network(1, [cp.Dense(1)], loss="half_squared_error")
fitted = cp.train(
    half, X, y, initial=theta, optimizer=cp.SGD(2 * eta), batch_size=None, epochs=10, progress=False
)
assert np.allclose(fitted.theta.flat, by_hand.flat)  # its gradient is half as large, so twice the rate
fitted.theta.W[1], fitted.theta.b[1]
