"""scikit-learn's transformers that a file may hold: what each learns, and what of it can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .values import NotReadable

# Letters of what is learned, with n for the number of columns: i a whole number from 0, b a truth
# value, s a text, d an element type, n a number or n of them, v an array (n,), V one of one axis,
# m one of n columns, l a list of n arrays of one axis, e an estimator, o whatever it is. ? may be
# None or missing.
_SELECTED = "scores_:v pvalues_:?v"
_ENCODED = ("_infrequent_enabled:?b categories_:l _infrequent_indices:?o "
            "_default_to_infrequent_mappings:?o ")
_REDUCED = "explained_variance_:V explained_variance_ratio_:V singular_values_:V components_:m "
_TABLE: Mapping[str, Mapping[str, str]] = {
    "preprocessing": {
        "StandardScaler": "mean_:?v var_:?v scale_:?v n_samples_seen_:n",
        "MinMaxScaler": "n_samples_seen_:n scale_:v min_:v data_min_:v data_max_:v data_range_:v",
        "MaxAbsScaler": "n_samples_seen_:n max_abs_:v scale_:v",
        "RobustScaler": "center_:?v scale_:?v",
        "QuantileTransformer": "n_quantiles_:i references_:V quantiles_:m",
        "PowerTransformer": "lambdas_:v _scaler:?e",
        "Normalizer": "", "Binarizer": "", "FunctionTransformer": "",
        "OneHotEncoder": _ENCODED + "_drop_idx_after_grouping:?o drop_idx_:?o _n_features_outs:o",
        "OrdinalEncoder": _ENCODED + "_missing_indices:?o",
        "KBinsDiscretizer": "bin_edges_:v n_bins_:v _encoder:?e",
        "PolynomialFeatures": "_min_degree:i _max_degree:i n_output_features_:i _n_out_full:i",
    },
    "impute": {
        "SimpleImputer": "statistics_:v indicator_:?e _fit_dtype:?d _fill_dtype:?d",
        "MissingIndicator": "_precomputed:?b _n_features:i features_:V",
    },
    "feature_selection": {
        "VarianceThreshold": "variances_:v",
        **dict.fromkeys(("SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe"),
                        _SELECTED),
    },
    "decomposition": {
        "PCA": _REDUCED + "_fit_svd_solver:?s mean_:?v noise_variance_:n n_samples_:i "
               "n_components_:i",
        "TruncatedSVD": _REDUCED,
    },
    "compose": {
        "ColumnTransformer": "transformers_:o _columns:o _transformer_to_input_indices:o "
                             "_remainder:o sparse_output_:b output_indices_:o",
        "TransformedTargetRegressor": "regressor_:e transformer_:e _training_dim:i",
    },
    "pipeline": {"Pipeline": "", "FeatureUnion": ""},
}
_HOMES = {name: home for home, names in _TABLE.items() for name in names}
_OF_ALL = "n_features_in_:?i feature_names_in_:?v _sklearn_output_config:?o "
NAMES = tuple(_HOMES)
# Functions that arguments may be, by the names that a file has for them.
_FUNCTIONS = {
    "numpy": "log log1p log2 log10 exp expm1 sqrt square cbrt abs sign sin cos tan arcsinh sinh "
             "arctanh tanh reciprocal",
    "sklearn.feature_selection": "f_classif f_regression chi2 mutual_info_classif "
                                 "mutual_info_regression r_regression",
}
_MOST_JOBS, _MOST_DEGREE = 256, 64


def functions() -> dict[str, Any]:
    """The functions that a file may name."""
    return {f"{home}.{name}": getattr(import_module(home), name)
            for home, names in _FUNCTIONS.items() for name in names.split()}


def listed(name: str) -> type | None:
    """The class of a name, None for what is not in the table or not in this scikit-learn."""
    return getattr(import_module(f"sklearn.{_HOMES[name]}"), name, None) if name in _HOMES else None


def learned(name: str) -> dict[str, str]:
    """What fit may leave in an object of a class of the table, with the letters of each."""
    return dict(item.split(":") for item in (_OF_ALL + _TABLE[_HOMES[name]][name]).split())


def check(one: Any, fitted: Mapping[str, Any], memory: int) -> None:
    """Raises NotReadable for a transformer that cannot be: with values of another form than fit
    leaves, or such that it would write a file, start many processes or take memory for columns that
    the file merely claims.

    Arguments:
        one: as its class makes it of its arguments, without what was learned.
        fitted: what was learned.
        memory: bytes that a row may take.
    """
    name = type(one).__name__
    letters, n = learned(name), fitted.get("n_features_in_")
    needed = {key for key, letter in letters.items() if "?" not in letter}
    if fitted.keys() - letters.keys() or (fitted and needed - fitted.keys()):
        raise NotReadable(f"{name} learns other things: {', '.join(letters)}")
    for key in sorted(fitted, key=list(letters).index):
        letter, value = letters[key], fitted[key]
        if not (value is None and "?" in letter) and not _RIGHT[letter[-1]](value, n):
            raise NotReadable(f"{name}: {key} cannot be that")
    jobs = getattr(one, "n_jobs", None)
    if jobs is not None and not (type(jobs) is int and abs(jobs) <= _MOST_JOBS):
        raise NotReadable(f"{name}: n_jobs cannot be that")
    if getattr(one, "memory", None) is not None:
        raise NotReadable(f"{name}: memory names a folder to write to")
    if name in _CHECKS and not _CHECKS[name](one, fitted, memory):
        raise NotReadable(f"{name}: its parts do not fit each other")


def _whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _array(value: Any, *shape: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == len(shape) and all(
        wanted is None or wanted == size for size, wanted in zip(value.shape, shape, strict=True))


_RIGHT: Mapping[str, Callable[[Any, Any], bool]] = {
    "i": lambda value, n: _whole(value) and 0 <= value < 2**31,
    "b": lambda value, n: isinstance(value, (bool, np.bool_)),
    "s": lambda value, n: isinstance(value, str),
    "d": lambda value, n: isinstance(value, np.dtype),
    "n": lambda value, n: isinstance(value, (int, float, np.number)) or _array(value, n),
    "v": lambda value, n: n is not None and _array(value, n),
    "V": lambda value, n: _array(value, None),
    "m": lambda value, n: n is not None and _array(value, None, n),
    "l": lambda value, n: isinstance(value, list) and len(value) == n and all(
        _array(part, None) for part in value),
    "e": lambda value, n: isinstance(value, BaseEstimator),
    "o": lambda value, n: True,
}


def _one_hot(one: Any, fitted: Mapping[str, Any], memory: int) -> bool:
    counts = fitted.get("_n_features_outs", [])
    return isinstance(counts, list) and len(counts) == len(fitted.get("categories_", ())) and all(
        _whole(count) and 0 <= count <= len(known)
        for count, known in zip(counts, fitted.get("categories_", ()), strict=True))


def _polynomial(one: Any, fitted: Mapping[str, Any], memory: int) -> bool:
    if not fitted:
        return True
    least, most = fitted["_min_degree"], fitted["_max_degree"]
    if not least <= most <= _MOST_DEGREE:
        return False
    counts = [one._num_combinations(
        n_features=fitted["n_features_in_"], min_degree=begin, max_degree=most,
        interaction_only=one.interaction_only, include_bias=one.include_bias,
    ) for begin in (least, 0)]
    told = [fitted["n_output_features_"], fitted["_n_out_full"]]
    return counts == told and counts[1] * 8 <= memory


def _steps(key: str, size: int) -> Callable[[Any, Mapping[str, Any], int], bool]:
    """A check that a list holds tuples: a name, an estimator or a word, and columns."""

    def are_steps(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(step, tuple) and len(step) == size and isinstance(step[0], str)
            and (step[1] is None or isinstance(step[1], (str, BaseEstimator))) for step in value)

    return lambda one, fitted, memory: all(
        are_steps(value) for value in (getattr(one, key), fitted.get(f"{key}_", [])))


def _missing(one: Any, fitted: Mapping[str, Any], memory: int) -> bool:
    columns = fitted.get("features_", np.zeros(0, int))
    return columns.dtype.kind in "iu" and bool(
        ((columns >= 0) & (columns < fitted.get("n_features_in_", 0))).all())


_CHECKS: Mapping[str, Callable[[Any, Mapping[str, Any], int], bool]] = {
    "OneHotEncoder": _one_hot, "PolynomialFeatures": _polynomial, "MissingIndicator": _missing,
    "Pipeline": _steps("steps", 2), "FeatureUnion": _steps("transformer_list", 2),
    "ColumnTransformer": _steps("transformers", 3),
}
