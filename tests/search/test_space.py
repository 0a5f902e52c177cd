"""Spaces: plain data, Optuna's distributions, arguments of an estimator."""

import optuna
import pytest

import evenly as ev
from evenly.search import SearchError
from evenly.search.space import Space, arguments, default_space, space_file, value_of


def test_a_space_is_plain_data_or_distributions():
    space = Space.of({"a": {"low": 1, "high": 4}, "b": {"low": 0.5, "high": 2, "log": True},
                      "c": ["x", None], "d": optuna.distributions.FloatDistribution(0, 1),
                      "hidden": [[8], [16, 8]], "e": ["none", True]})
    kinds = {name: type(own).__name__ for name, own in space.ranges.items()}
    assert kinds == {"a": "IntDistribution", "b": "FloatDistribution",
                     "c": "CategoricalDistribution", "d": "FloatDistribution",
                     "hidden": "CategoricalDistribution", "e": "CategoricalDistribution"}
    assert space.settings({"hidden": "[16, 8]", "e": "none"}) == {"hidden": (16, 8), "e": None}
    assert dict(space.words())["b"] == "0.5 to 2, logarithmic"
    assert dict(space.words())["a"] == "1 to 4, whole"


def test_numbers_have_few_figures_and_stay_within():
    space = Space.of({"a": {"low": 0.12345, "high": 0.9}})
    assert space.settings({"a": 0.456789}) == {"a": 0.457}
    assert space.settings({"a": 0.12346}) == {"a": 0.12345}


@pytest.mark.parametrize(("entry", "words"), [
    (3, "expects a list"), ({"low": 1}, "'high' is missing"), ([], "expects a list"),
    ({"low": 2, "high": 1}, "expects a list"), ({"low": "a", "high": "b"}, "expects a list"),
    ({"low": 0.0, "high": 1.0, "log": True}, "expects a list"), ({"min": 1}, "expects a list"),
    ("batch", "expects a list"), ({"low": 1, "high": 2, "log": True, "step": 2}, "expects a list"),
])
def test_what_is_no_range_is_one_line(entry, words):
    with pytest.raises(SearchError, match=words) as caught:
        Space.of({"rate": entry})
    assert str(caught.value).startswith("space: rate: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [{}, [1], "learning_rate"])
def test_what_is_no_space_is_one_line(given):
    with pytest.raises(SearchError, match="space: expects"):
        Space.of(given)


def test_a_file_holds_a_space(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text('norm = ["batch", "none"]\nunits = {low = 4, high = 8}\n')
    assert Space.of(space_file(path)).settings({"norm": "none"}) == {"norm": None}
    path.write_text("norm = [")
    with pytest.raises(SearchError, match=r"space\.toml: is no TOML"):
        space_file(path)
    with pytest.raises(SearchError, match="cannot be read"):
        space_file(tmp_path / "nothing.toml")


def test_names_stand_for_arguments():
    net = ev.NetClassifier((100, 50, 25), optimizer="momentum")
    assert arguments(net, {"layers": 2, "decay": 0.1, "momentum": 0.5, "label_smoothing": 0.1}) == {
        "hidden": (100, 50), "optimizer__weight_decay": 0.1, "optimizer__beta": 0.5,
        "loss__label_smoothing": 0.1}
    assert arguments(net, {"units": 64, "taper": 1.0})["hidden"] == (64, 64, 64)
    # An optimizer without momentum has none to set.
    assert arguments(net, {"optimizer": "sgd", "momentum": 0.5}) == {"optimizer": "sgd"}
    assert arguments(net, {"optimizer": "adam", "momentum": 0.5})["optimizer__beta_1"] == 0.5
    for name, value in (("layers", 3), ("units", 100), ("taper", 0.5), ("momentum", 0.9)):
        assert value_of(net, name) == value


@pytest.mark.parametrize("kind", [ev.NetClassifier, ev.NetRegressor, ev.TableClassifier,
                                  ev.TableRegressor])
@pytest.mark.parametrize("optimizer", [None, "sgd", "momentum", "rmsprop", "adam", "nadam"])
def test_every_estimator_has_a_space_around_what_it_has(kind, optimizer):
    net = kind(optimizer=optimizer)
    space = Space.of(default_space(net))
    near, exact = space.nearest(net)
    assert near.keys() == space.ranges.keys()
    assert near["norm"] == "batch"
    assert (near["layers"], near["units"], near["taper"]) == (2, 128, 0.5)
    assert exact == (optimizer is None)  # others do not decay, and the space has no 0
    made = net.set_params(**arguments(net, space.settings(near)))
    assert made.hidden == (128, 64)
    assert made.optimizer.learning_rate == value_of(kind(optimizer=optimizer), "learning_rate")


def test_what_the_space_has_not_is_the_nearest():
    space = Space.of({"norm": ["layer", "batch"], "dropout": {"low": 0.3, "high": 0.5}})
    assert space.nearest(ev.NetClassifier()) == ({"norm": "batch", "dropout": 0.3}, False)
    assert space.nearest(ev.NetClassifier(norm="group", dropout=0.4)) == ({"dropout": 0.4}, False)


def test_what_is_no_table():
    with pytest.raises(SearchError, match=r"shape \(rows, columns\).* got ndarray and int"):
        ev.tune(1, 2)
