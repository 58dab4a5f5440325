"""Drawings of the page over ordinary and hostile data, and how tests read them."""

import struct
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np

from clearprop import Dense, Network
from clearprop.formulas.activations import as_activation
from clearprop.glassbox.quantity import Quantity
from clearprop.glassbox.whole_pass import whole_pass
from clearprop.web import drawings
from clearprop.web.drawings.layer_controls import Editing

HOSTILE = ["<script>alert(1)</script>", "\"quotes\" & 'more' </svg>", "\x1b[31m\x00", "W" * 200]
#: names as tables in all languages have them
LONG = [
    "a_column_whose_name_is_of_forty_letters_x",
    "W" * 40,
    "很长的列名" * 8,
    "😀🎉👩🏽‍💻" * 12,
    "عمود باسم طويل جدا يكتب من اليمين إلى اليسار",
    "Щирина столбца Ж—Ш " * 3,
    "<>=+~^#&{}" * 4,
]
SVG = "{http://www.w3.org/2000/svg}"
RNG = np.random.default_rng(7)


def tree(text):
    """The drawing as elements, which also says that it is well formed."""
    return ElementTree.fromstring(text)


def elements(text, tag, style=None):
    """Elements of a tag, of those with a class."""
    found = tree(text).iter(f"{SVG}{tag}")
    return [each for each in found if style is None or style in each.get("class", "").split()]


def buttons(text):
    """Name of a quantity -> the element that stands for it."""
    found = [each for each in tree(text).iter() if each.get("data-quantity")]
    named = {each.get("data-quantity"): each for each in found}
    assert len(named) == len(found)
    return named


def words(text):
    """All that is written in a drawing, a list."""
    return ["".join(each.itertext()) for each in elements(text, "text")]


def pixels_of(picture):
    """Pixels (height, width, channels) of a PNG as we write them."""
    found, place = {}, 8
    while place < len(picture):
        size, name = struct.unpack(">I4s", picture[place : place + 8])
        body = picture[place + 8 : place + 8 + size]
        assert struct.unpack(">I", picture[place + 8 + size : place + 12 + size])[0] == zlib.crc32(
            name + body
        )
        found[name], place = body, place + 12 + size
    width, height, depth, kind = struct.unpack(">IIBB", found[b"IHDR"][:10])
    assert depth == 8
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, {0: 1, 2: 3, 6: 4}[kind])


def network_of(*widths, activation="tanh", output="softmax", **more):
    return Network(
        widths[0], [*(Dense(n, activation) for n in widths[1:-1]), Dense(widths[-1], output)], **more
    )


def passed(network, m=3, seed=0):
    """A network's first parameters and a whole pass over rows drawn at random."""
    theta = network.initialize(seed)
    for l in range(1, network.depth + 1):
        theta.b[l][...] = RNG.normal(size=theta.b[l].shape)
    X = np.random.default_rng(seed).normal(size=(m, network.inputs))
    return theta, whole_pass(network, theta, X, np.arange(m) % network.output.units)


def _network(view, *widths, **more):
    def draw():
        network = network_of(*widths)
        theta, seen = passed(network)
        given = {key: [f"{value}"[:40] for value in values] for key, values in more.items() if key != "fold"}
        fold = more.get("fold", "ends")
        return drawings.network_drawing(network, theta, view=view, seen=seen, fold=fold, **given)

    return draw


def edited(*widths, most_units=1024, most_layers=12, across=365.0):
    """A network with controls that change its layers."""
    network = network_of(*widths)
    editing = Editing(most_units, most_layers)
    return drawings.network_drawing(network, network.initialize(0), across=across, editing=editing)


def _surface(classes, names):
    xs = np.linspace(-3, 3, 40)
    x, y = RNG.uniform(-3, 3, (2, 80))
    scores = np.stack(
        [np.sin(k + xs[None, :] * k) + np.cos(k * xs[:, None]) for k in range(len(classes))], -1
    )
    p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    points = drawings.Points(x, y, RNG.integers(0, len(classes), 80), RNG.random(80) < 0.3)
    values = p[..., 1] if len(classes) == 2 else p
    return lambda: drawings.decision_surface(
        drawings.Surface(xs, xs, values), points, names=names, classes=classes
    )


def _histograms():
    z = RNG.normal(size=(50, 9)) * 3
    rows = {"relu": np.maximum(z - 6, 0), "tanh": np.tanh(z * 9), "sigmoid": 1 / (1 + np.exp(-z))}
    layers = [
        drawings.layer_histogram(f"layer {k}: {name}", a, z, as_activation(name))
        for k, (name, a) in enumerate(rows.items(), start=1)
    ]
    layers += [drawings.layer_histogram(name, np.full((2, 2), np.nan)) for name in HOSTILE]
    return drawings.activation_histograms([*layers, drawings.layer_histogram("constant", np.ones((3, 3)))])


def _update():
    names = [Quantity("C"), Quantity("W", 2, (2047, 2047)), Quantity("b", 1, (0,)), Quantity("a", 1, (1,))]
    numbers = [(1.23456789, 1.1), (-0.000123456, -1.5e-7), (0.0, np.nan), (3.0, 3.0)]
    changes = [drawings.Change(name, *each) for name, each in zip(names, numbers, strict=True)]
    return drawings.update_arrows(changes)


def _unit(layer, inputs=()):
    _, seen = passed(network_of(30, 6, 3))
    return lambda: drawings.neighbourhood(seen, layer, 0, inputs=inputs)


E = np.arange(1, 301)
LOSS = np.exp(-E / 50) + 0.01
#: what is drawn -> its function
DRAWINGS = {
    "one unit": _network("weights", 1, 1, 2),
    "weights": _network(
        "weights", 4, 5, 3, inputs=["a", "b c", "long_name_of_a_column_beyond"], outputs="xyz"
    ),
    "activations": _network("activations", 4, 5, 3, inputs=HOSTILE, outputs=HOSTILE[:3]),
    "gradients": _network("gradients", 4, 5, 3, inputs="abcd"),
    "wide": _network("gradients", 784, 300, 20, 10, fold="largest"),
    "deep": _network("weights", 30, *[64] * 9, 2),
    "edited": lambda: edited(30, 64, 1000, 1, 2),
    "edited, no hidden layer": lambda: edited(2, 2),
    "two classes": _surface(["no", "yes"], ("bill_length_mm", "y")),
    "hostile classes": _surface(HOSTILE, tuple(HOSTILE[:2])),
    "long names": _network("weights", 7, 5, 7, inputs=LONG, outputs=LONG),
    "long classes": _surface(LONG, (LONG[1], LONG[2])),
    "long axes": _surface(LONG[3:5], (LONG[4], LONG[5])),
    "a curve of long names": lambda: drawings.fitted_curve(E, LOSS, names=(LONG[6], LONG[1]), picked=7.5),
    "a unit of long names": _unit(1, LONG),
    "curve": lambda: drawings.fitted_curve(E, LOSS, drawings.Points(E[:50], LOSS[:50], held=E[:50] < 9)),
    "loss": lambda: drawings.loss_curves(E, LOSS, [None if k % 3 else 0.1 + k / 900 for k in E], scale="log"),
    "diverged": lambda: drawings.loss_curves(E, np.where(E > 100, np.nan, LOSS), scale="linear"),
    "hostile series": lambda: drawings.curves_by_epoch(E, dict.fromkeys(HOSTILE, LOSS), HOSTILE[0]),
    "one epoch": lambda: drawings.loss_curves([1], [0.5], [0.25]),
    "no epoch": lambda: drawings.loss_curves([], []),
    "norms": lambda: drawings.gradient_norms(E, LOSS[:, None] * 10.0 ** -np.arange(9)),
    "histograms": _histograms,
    "a unit of layer 1": _unit(1, HOSTILE),
    "a unit of layer 2": _unit(2),
    "update": _update,
    "no update": lambda: drawings.update_arrows([]),
    "no layer": lambda: drawings.activation_histograms([]),
}
TABLES = {
    "confusion": lambda: drawings.confusion_table(np.diag([3, 5, 0, 1]) + 1, HOSTILE),
    "many classes": lambda: drawings.confusion_table(np.eye(40, dtype=int), [str(k) for k in range(40)]),
    "pictures": lambda: drawings.picture_tiles(
        [drawings.Picture(RNG.random((8, 8)), name, name[::-1], k, 0.5) for k, name in enumerate(HOSTILE)]
    ),
    "no picture": lambda: drawings.picture_tiles([]),
}
