"""Labels as columns of true and false, and outputs as labels: what scikit-learn's `LabelBinarizer` does.

The class itself brings all of `sklearn.preprocessing`, which a first fit would wait for; whoever asks for it
gets it (`binarizer`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils.multiclass import type_of_target, unique_labels

from clearprop.arrays import Array


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels that a classifier knows.

    Attributes
    ----------
    classes : ndarray (K,)
        In increasing order; the numbers of the columns, where rows bear several labels at once.
    kind : {"binary", "multiclass", "multilabel-indicator"}
    sparse : bool
        Whether they came, and are answered, as a sparse matrix.

    Examples
    --------
    >>> labels = Labels.of(np.array(["cat", "dog", "cat"]))
    >>> labels.columns(np.array(["dog", "cat"])).tolist()
    [[True], [False]]
    >>> labels.answers(np.array([0.2, 0.9]), 0.5).tolist()
    ['cat', 'dog']
    """

    classes: Array
    kind: str
    sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> Self:
        """Those in y: labels (m,), or 0/1 (m, K) for several at once; ValueError for anything else."""
        kind = type_of_target(y, input_name="y")
        if "multioutput" in kind:
            raise ValueError("Multioutput target data is not supported with label binarization")
        classes = unique_labels(y)
        if not len(classes):
            raise ValueError(f"y has 0 samples: {y!r}")
        return cls(classes, kind, hasattr(y, "toarray"))

    @property
    def several(self) -> bool:
        """Whether rows bear several labels at once."""
        return self.kind.startswith("multilabel")

    def columns(self, y: Array) -> Array:
        """Known labels (m,) or (m, K) as columns of booleans: K, but one for two classes."""
        if y.ndim == 2:
            if not self.several:
                raise ValueError("The object was not fitted with multilabel input.")
            if y.shape[1] != len(self.classes):
                raise ValueError(
                    f"classes {self.classes} mismatch with the labels {unique_labels(y)} found in the data"
                )
            return np.asarray(y.toarray() if hasattr(y, "toarray") else y).astype(bool)
        places = np.searchsorted(self.classes, y)
        if len(self.classes) <= 2:
            return np.asarray(places == 1)[:, None]
        return np.asarray(places[:, None] == np.arange(len(self.classes)))

    def answers(self, outputs: Array, threshold: float) -> Array:
        """What is said for outputs (m,) or (m, K): the largest, or those above the threshold."""
        if self.sparse:
            return self.binarizer().inverse_transform(outputs, threshold=threshold)
        if self.kind == "multiclass":
            return self.classes[outputs.argmax(axis=1)]
        above = (outputs > threshold).astype(np.int64)
        if self.several:
            return above
        return self.classes[above] if len(self.classes) == 2 else np.repeat(self.classes, len(above))

    def binarizer(self) -> Any:
        """scikit-learn's own, fitted to the same labels."""
        from sklearn.preprocessing import LabelBinarizer

        found = LabelBinarizer()
        found.y_type_, found.sparse_input_, found.classes_ = self.kind, self.sparse, self.classes
        return found
