from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import evenly as ev
from evenly.study import VARIANTS, Design, StudyError
from evenly.study.designs import OPTIMIZERS, build, describe

NAMES = ["plain", "batch-norm", "layer-norm", "dropout", "l2", "batch-norm+dropout"]


def test_the_variants_are_those_of_the_table() -> None:
    assert [row.name for row in VARIANTS] == NAMES
    assert Design().variants == tuple(NAMES)


def test_plain_is_always_run_and_comes_first() -> None:
    assert [row.name for row in Design(variants=("l2", "dropout")).rows] == [
        "plain",
        "l2",
        "dropout",
    ]
    assert [row.name for row in Design(variants=("l2", "plain", "l2")).rows] == ["plain", "l2"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("plain", "Dense ReLU Dense ReLU Dense"),
        ("batch-norm", "Dense BatchNorm ReLU Dense BatchNorm ReLU Dense"),
        ("layer-norm", "Dense LayerNorm ReLU Dense LayerNorm ReLU Dense"),
        ("dropout", "Dense ReLU Dropout Dense ReLU Dropout Dense"),
        ("l2", "Dense ReLU Dense ReLU Dense"),
        (
            "batch-norm+dropout",
            "Dense BatchNorm ReLU Dropout Dense BatchNorm ReLU Dropout Dense",
        ),
    ],
)
def test_a_variant_changes_one_thing_about_the_plain_network(name: str, kinds: str) -> None:
    (row,) = [row for row in VARIANTS if row.name == name]
    net = build(row, Design(hidden=(8, 4)), (5,), 3)
    assert [type(layer).__name__ for layer in net.layers] == kinds.split()
    assert [layer.units for layer in net.layers if isinstance(layer, ev.Dense)] == [8, 4, 3]
    assert (row.penalty is not None) == (name == "l2")


def test_a_network_in_words() -> None:
    net = build(VARIANTS[5], Design(hidden=(8,)), (5,), 3)
    assert describe(net) == "Dense(8) · BatchNorm · ReLU · Dropout(0.2) · Dense(3)"


def test_every_optimizer_can_be_made() -> None:
    for name, choice in OPTIMIZERS.items():
        design = Design(optimizer=name)
        assert design.rate == choice.rate
        assert type(design.make_optimizer()).__name__.lower() == name
    assert Design(optimizer="adam", lr=0.5).rate == 0.5


def test_weights_are_counted_with_biases() -> None:
    assert Design(hidden=(128, 64)).weight_count((64,), 10) == 65 * 128 + 129 * 64 + 65 * 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": ("drpout",)}, "variant: there is no 'drpout': did you mean 'dropout'?"),
        ({"variants": ("zzz",)}, f"variant: there is no 'zzz': choose from {', '.join(NAMES)}"),
        (
            {"variants": ()},
            f"variants: expects at least one, got none: choose from {', '.join(NAMES)}",
        ),
        ({"optimizer": "Adma"}, "optimizer: there is no 'Adma': did you mean 'adam'?"),
        ({"seeds": 0}, "seeds: expects a whole number of at least 1, got 0: try 5"),
        ({"epochs": -1}, "epochs: expects a whole number of at least 1, got -1: try 30"),
        ({"hidden": (8, 0)}, "hidden: expects a whole number of at least 1, got 0: try 128,64"),
        ({"hidden": ()}, "hidden: expects at least one width, got none: try 128,64"),
        ({"lr": 0.0}, "lr: expects a finite number above 0, got 0: try 0.001"),
        ({"lr": float("nan")}, "lr: expects a finite number above 0, got nan: try 0.001"),
        (
            {"test_fraction": 1.0},
            "test_fraction: expects a number between 0 and 1, got 1: try 0.25",
        ),
        (
            {"batch": 1},
            "batch: batch norm expects at least 2 rows a batch, got 1: "
            "take a larger batch, or leave batch norm out of the variants",
        ),
    ],
)
def test_a_setting_out_of_range_says_what_to_do(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError) as caught:
        replace(Design(), **changes)
    assert str(caught.value) == message


def test_a_batch_of_one_is_fine_without_batch_norm() -> None:
    assert Design(batch=1, variants=("plain", "l2")).batch == 1
