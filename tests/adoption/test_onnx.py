"""ONNX graphs, opened: exports of skl2onnx and PyTorch, graphs as Keras writes them, refusals."""

import builtins
import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

import clearprop as cp
from adopted import assert_certified_and_saved, assert_same, disagreement

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(50, 4)).astype(np.float32)
THREE, TWO = np.array(["ash", "elm", "oak"])[GENERATOR.integers(0, 3, 50)], GENERATOR.integers(0, 2, 50) + 5
LABELS, NUMBERS = GENERATOR.integers(0, 2, (50, 3)), X[:, 0] * 3 + X[:, 1]
FILLS = {
    "W": GENERATOR.normal(size=(4, 5)),
    "b": GENERATOR.normal(size=5),
    "V": GENERATOR.normal(size=(5, 3)),
    "c": GENERATOR.normal(size=3),
    "p": GENERATOR.uniform(0.5, 2, 5),
    "half": np.array(0.5),
    "one": np.array(1.0),
    "root": np.array(np.sqrt(2)),
    "fifth": np.array(0.2),
    "three": np.array(3.0),
    "six": np.array(6.0),
    "nil": np.array(0.0),
    "square": np.zeros((5, 5)),
    "slope": np.array([0.3]),
}


def graph(*nodes, inputs=(("x", (None, 4)),), output="y", width=None, dtype=np.float32, kind=None, opset=20):
    """Model of nodes written "y = Op(a, b)", or as (text, attributes), with the constants of FILLS."""
    made = []
    for node in nodes:
        text, attributes = (node, {}) if isinstance(node, str) else node
        given, call = text.split(" = ")
        operation, operands = call.rstrip(")").split("(")
        domain = "ai.onnx.ml" if operation in ("Scaler", "Normalizer") else ""
        names = [name.strip() for name in operands.split(",")]
        made.append(helper.make_node(operation, names, [given], domain=domain, **attributes))
    floats = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    kind = kind or floats
    used = {name for node in made for name in node.input}
    constants = [numpy_helper.from_array(v.astype(dtype), n) for n, v in FILLS.items() if n in used]
    whole = helper.make_graph(
        made,
        "network",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs],
        [
            helper.make_tensor_value_info(
                output, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), (None, width)
            )
        ],
        constants,
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(whole, opset_imports=imports, ir_version=9)


def outputs(model, rows):
    """What the reference evaluator gives for the table output."""
    with np.errstate(all="ignore"):
        return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: rows})[-1]


DENSE = ("h = MatMul(x, W)", "z = Add(h, b)")
TOP = ("u = MatMul(a, V)", "y = Add(u, c)")
MIDDLES = {
    "keras gelu": ("d = Div(z, root)", "e = Erf(d)", "f = Add(e, one)", "g = Mul(z, f)", "a = Mul(half, g)"),
    "silu": ("s = Sigmoid(z)", "a = Mul(s, z)"),
    "mish": ("s = Softplus(z)", "t = Tanh(s)", "a = Mul(z, t)"),
    "hard sigmoid of Keras 2": ("d = Mul(z, fifth)", "e = Add(d, half)", "a = Clip(e, nil, one)"),
    "hard swish": ("d = Add(z, three)", "e = Clip(d, nil, six)", "f = Mul(z, e)", "a = Div(f, six)"),
    "softsign": ("d = Abs(z)", "e = Add(d, one)", "a = Div(z, e)"),
    "leaky": (("a = LeakyRelu(z)", {"alpha": 0.2}),),
    "elu": (("a = Elu(z)", {"alpha": 0.5}),),
    "celu": (("a = Celu(z)", {"alpha": 0.5}),),
    "selu": ("a = Selu(z)",),
    "gelu": ("a = Gelu(z)",),
    "gelu by tanh": (("a = Gelu(z)", {"approximate": "tanh"}),),
    "hard sigmoid": ("a = HardSigmoid(z)",),
    "learned slope": ("a = PRelu(z, slope)",),
    "relu by clip": ("a = Clip(z, nil)",),
    "batch norm": ("s = Relu(z)", "a = BatchNormalization(s, p, b, b, p)"),
    "columns": ("d = Mul(z, p)", "e = Sub(b, d)", "f = Relu(e)", "a = Div(f, p)"),
    "rows of activations": ("d = Tanh(z)", "e = Neg(d)", "f = Elu(e)", "a = Softplus(f)"),
    "nothing": ("d = Identity(z)", "e = Flatten(d)", "f = Dropout(e)", ("a = Cast(f)", {"to": 1})),
    "own": ("s = Sigmoid(z)", "d = Mul(s, s)", "a = Sub(d, z)"),
    "power": ("d = Pow(z, three)", "e = Tanh(d)", "a = Add(e, z)"),
    "softmax inside": (("a = Softmax(z)", {"axis": 1}),),
}


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("name", MIDDLES)
def test_every_operation(name, size):
    if name in ("own", "power"):
        pytest.importorskip("sympy")
    model = graph(*DENSE, *MIDDLES[name], *TOP)
    rows = (X * size).astype(np.float32)
    assert_same(cp.adopt(model), rows, outputs(model, rows))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("keras gelu", "gelu"),
        ("silu", "silu"),
        ("mish", "mish"),
        ("hard swish", "hard_swish"),
        ("elu", "elu"),
    ],
)
def test_decomposed_activations_are_known_again(name, row):
    model = cp.adopt(graph(*DENSE, *MIDDLES[name], *TOP))
    assert [layer.activation.name for layer in model.network.layers] == [row, "identity"]


KERAS = (*DENSE, "r = Relu(z)", "u = MatMul(r, V)", "v = Add(u, c)", ("y = Softmax(v)", {"axis": -1}))


def test_a_classifier_as_keras_writes_it(tmp_path):
    given = graph(*KERAS)
    model = cp.adopt(given)
    assert repr(model.network) == "Network(4, [Dense(5, 'relu'), Dense(3, 'softmax')], loss='cross_entropy')"
    assert model.theta.dtype == np.float32
    assert_same(model, X, outputs(given, X))
    assert_certified_and_saved(model, X[:5], tmp_path / "adopted.safetensors")


def test_path_bytes_and_double_precision(tmp_path):
    given = graph(*KERAS, dtype=np.float64)
    path = tmp_path / "network.onnx"
    onnx.save(given, path)
    rows = X.astype(np.float64) * 50
    for source in (path, str(path), path.read_bytes(), given):
        model = cp.adopt(source)
        assert model.theta.dtype == np.float64
        assert_same(model, rows, outputs(given, rows), limit=1e-12)


def test_gemm_takes_its_factors():
    attributes = {"alpha": 0.5, "beta": 2.0}
    given = graph(("z = Gemm(x, W, b)", attributes), "a = Tanh(z)", "y = Gemm(a, V, c)")
    assert_same(cp.adopt(given), X, outputs(given, X))


def test_a_scaler_far_from_zero():
    given = graph(("s = Scaler(x)", {"offset": [1e6] * 4, "scale": [1e-2] * 4}), "y = MatMul(s, W)")
    rows = (X * 100 + 1e6).astype(np.float32)
    assert_same(cp.adopt(given), rows, outputs(given, rows))


def fitted(kind, y, *scalers, **settings):
    settings = {"hidden_layer_sizes": (6,), "max_iter": 20, "solver": "lbfgs", "random_state": 0, **settings}
    return make_pipeline(*scalers, kind(**settings)).fit(X, y)


EXPORTED = {
    "three classes": (lambda: fitted(MLPClassifier, THREE, StandardScaler()), ("ash", "elm", "oak")),
    "two classes": (lambda: fitted(MLPClassifier, TWO, RobustScaler(), activation="logistic"), (5, 6)),
    "several labels": (lambda: fitted(MLPClassifier, LABELS, activation="tanh"), ()),
    "numbers": (lambda: fitted(MLPRegressor, NUMBERS, MinMaxScaler(), PCA(3, whiten=True)), ()),
    "linear": (lambda: make_pipeline(StandardScaler(), LinearRegression()).fit(X, NUMBERS), ()),
    "multinomial": (lambda: LogisticRegression().fit(X, THREE), ("ash", "elm", "oak")),
    "logistic": (lambda: LogisticRegression().fit(X, TWO), (5, 6)),
}


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", EXPORTED)
def test_exports_of_skl2onnx(name, zipmap):
    skl2onnx = pytest.importorskip("skl2onnx")
    make, classes = EXPORTED[name]
    estimator = make()
    options = {} if zipmap or not hasattr(estimator, "predict_proba") else {"zipmap": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = skl2onnx.to_onnx(estimator, X[:1], options=options)
    model = cp.adopt(given)
    assert model.classes == ((0, 1, 2) if zipmap and name == "several labels" else classes)
    rows = X * 3
    found = estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else estimator.predict(rows)
    two = found.ndim == 2 and found.shape[1] == 2
    assert_same(model, rows, found[:, 1:] if two else found)


def test_a_file_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Dropout(0.3), nn.Linear(6, 6, bias=False)
    )
    net.extend(
        [
            nn.SiLU(),
            nn.Linear(6, 5),
            nn.Softplus(beta=2.0),
            nn.Linear(5, 3),
            nn.Softmax(1),
        ]
    ).eval()
    path = tmp_path / "network.onnx"
    for opset in (17, 20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net, torch.zeros(2, 4), path, dynamo=False, opset_version=opset)
        with torch.no_grad():
            wanted = net(torch.tensor(X)).numpy()
        model = cp.adopt(path)
        assert [layer.activation.name for layer in model.network.layers] == [
            "gelu",
            "silu",
            "softplus",
            "softmax",
        ]
        assert_same(model, X, wanted)


def test_a_planted_fault_is_noticed():
    given = graph(*KERAS)
    model = cp.adopt(given)
    model.engine = "textbook"
    model.theta.W[2][1, 1] += 1e-3
    assert disagreement(model, X, outputs(given, X)) > 1e-6


REFUSED = {
    "operation Conv 'c', which gives 'y', cannot": graph(("y = Conv(x, W)", {"name": "c"})),
    "LogSoftmax.*export the network with a Softmax": graph(*DENSE, "y = LogSoftmax(z)"),
    "QuantizeLinear.*float model": graph(*DENSE, "y = QuantizeLinear(z, one)"),
    r"2 inputs \('x', 'w'\)": graph("y = Add(x, w)", inputs=(("x", (None, 4)), ("w", (None, 4)))),
    "transA=1": graph(("y = Gemm(x, W)", {"transA": 1})),
    "constant first": graph("y = MatMul(W, x)"),
    "skip connection": graph(*DENSE, "a = Relu(z)", "r = MatMul(a, square)", "y = Add(r, a)"),
    r"shape \(5,\), which is not one number for each of the 4": graph("y = Add(x, b)"),
    "computes its operand 1 from the inputs": graph(*DENSE, "y = MatMul(x, z)"),
    "goes over the outputs": graph(*DENSE, ("y = Softmax(z)", {"axis": 0})),
    "rounds to INT64": graph(*DENSE, ("a = Cast(z)", {"to": 7}), ("y = Cast(a)", {"to": 1})),
    "has 3 axes": graph("y = MatMul(x, W)", inputs=(("x", (None, 2, 4)),)),
    "holds STRING": graph("y = MatMul(x, W)", inputs=(("x", (None, 4)),), kind=TensorProto.STRING),
    "puts columns side by side": graph(*DENSE, ("y = Concat(z, z)", {"axis": 1})),
    "divides each row by its norm": graph(*DENSE, ("y = Normalizer(z)", {"norm": "L2"})),
    "no fixed number of columns": graph(
        "s = Mul(x, half)", "a = Relu(s)", "y = MatMul(a, W)", inputs=(("x", (None, None)),)
    ),
    "not an ONNX model": b"\x08\x07not protobuf at all",
    "is not valid": b"",
    "cannot be read": "nowhere.onnx",
    "clearprop.load": "model.safetensors",
    "export it from Keras": "model.keras",
    "load it with torch.load": "model.pt",
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_represented_is_named(message):
    with pytest.raises(cp.SpecificationError, match=message):
        cp.adopt(REFUSED[message])


def test_weights_in_another_file_are_refused(tmp_path):
    path = tmp_path / "network.onnx"
    onnx.save(graph(*KERAS), path, save_as_external_data=True, size_threshold=0, location="weights")
    with pytest.raises(cp.SpecificationError, match="tensor 'W' lies in another file"):
        cp.adopt(path)


def test_damaged_files_are_refused(tmp_path):
    whole = graph(*KERAS).SerializeToString()
    generator = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in generator.integers(0, len(whole), 4):
            damaged[place] = generator.integers(0, 256)
        try:
            with np.errstate(all="ignore"):
                cp.adopt(bytes(damaged[: generator.integers(len(whole) // 2, 2 * len(whole))]))
        except (cp.SpecificationError, cp.FormulaError):
            refused += 1
    assert refused > 20


def test_a_missing_package_is_named(monkeypatch):
    plain = builtins.__import__

    def without(name, *rest, **named):
        if name.split(".")[0] == "onnx":
            raise ModuleNotFoundError(name)
        return plain(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(cp.SpecificationError, match=r"pip install 'clearprop\[onnx\]'"):
        cp.adopt("network.onnx")
