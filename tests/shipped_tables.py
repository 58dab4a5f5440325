"""scikit-learn's small tables, standardised and split once: (X, X_val, y, y_val); a target of numbers too."""

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def split(load):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    if load is load_diabetes:
        y = (y - y.mean()) / y.std()
    return train_test_split(X, y, random_state=0)


CANCER, IRIS, DIABETES = split(load_breast_cancer), split(load_iris), split(load_diabetes)
