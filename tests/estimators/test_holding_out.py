"""The rows held out are those of scikit-learn's own split, and what it refuses is refused in its words."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from clearprop.estimators.holding_out import held_out_rows

#: rows, share held out, number of classes (0: not by class)
SPLITS = [
    (2, 0.5, 0),
    (11, 0.1, 0),
    (1000, 0.37, 0),
    (4, 0.5, 2),
    (10, 0.2, 2),
    (37, 0.3, 3),
    (1000, 0.1, 2),
    (999, 0.45, 7),
    (30_000, 0.9, 2),
]


def labels_of(m, classes, seed):
    """Each class twice at least, otherwise of unlike frequency; None without classes."""
    if not classes:
        return None
    generator = np.random.default_rng(seed)
    drawn = np.minimum(generator.geometric(0.5, m - 2 * classes) - 1, classes - 1)
    labels = generator.permutation(np.concatenate((np.repeat(np.arange(classes), 2), drawn)))
    return labels == 1 if classes == 2 else labels


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("m", "fraction", "classes"), SPLITS)
def test_rows_and_draws_are_scikit_learns(m, fraction, classes, seed):
    labels = labels_of(m, classes, seed)
    ours, theirs = np.random.RandomState(seed), np.random.RandomState(seed)
    found = held_out_rows(m, fraction, ours, labels)
    wanted = train_test_split(np.arange(m), test_size=fraction, random_state=theirs, stratify=labels)
    for own, rows in zip(found, wanted, strict=True):
        assert np.array_equal(own, rows)
    assert ours.randint(2**31) == theirs.randint(2**31)  # as many draws were taken


@pytest.mark.parametrize(
    ("labels", "fraction"),
    [
        (np.arange(10) == 3, 0.3),  # a class of one row
        (np.arange(10) % 2, 0.1),  # a single row held out, of two classes
        (np.arange(10) % 2, 0.9),  # a single row to train on
        (None, 0.99),  # none to train on
    ],
)
def test_what_scikit_learn_refuses_is_refused_in_its_words(labels, fraction):
    with pytest.raises(ValueError) as theirs:
        train_test_split(
            np.arange(10), test_size=fraction, stratify=None if labels is None else labels[:, None]
        )
    with pytest.raises(ValueError) as ours:
        held_out_rows(10, fraction, np.random.RandomState(0), labels)
    assert str(ours.value) == str(theirs.value)
