"""Cures change settings to settings that train."""

import numpy as np
import pytest

import evenly as ev
from evenly.doctor import cures, diagnose
from evenly.doctor.rewrite import replaced, rewritten

from .sick import SICK

NET = ev.Sequential([
    ev.Dense(8, kernel_init=ev.Normal(5.0)), ev.Dropout(0.9), ev.BatchNorm(decay=0.999), ev.Tanh(),
    ev.Residual([ev.Dense(8), ev.Sigmoid()]), ev.Dense(3, name="scores"),
])
SETTINGS = ev.Settings(NET, ev.SoftmaxCrossEntropy(), ev.AdamW(0.01, weight_decay=0.9), epochs=2,
                       batch=4, penalty=ev.L2(0.1), clip=ev.ClipGlobalNorm(1e-3))
# What changes nothing here, since there is nothing of the kind in the network.
HARMLESS = ("Leave", "Put ReLU", "Make the hidden layers 4 times as narrow",
            "Use SoftmaxCrossEntropy() on scores.")
X = np.random.default_rng(0).standard_normal((40, 5))
Y = np.arange(40) % 3


def names(net):
    return [type(layer).__name__ for _, layer in net.named_layers()]


@pytest.mark.parametrize("kind", SICK)
def test_every_cure_of_a_finding_gives_settings_that_train(kind):
    (finding, *_) = diagnose(SICK[kind][0]).findings
    assert finding.cure is finding.cures[0]
    for cure in finding.cures:
        if cure.change is None:
            with pytest.raises(ev.errors.ConfigurationError, match="for you to make"):
                cure(SETTINGS)
            continue
        changed = cure(SETTINGS)
        assert changed != SETTINGS or cure.text.startswith(HARMLESS)
        if changed.loss == SETTINGS.loss and changed.targets == SETTINGS.targets and \
                changed.net.output_shape((5,)) == (3,):
            ev.fit(changed, X, Y, validation=(X, Y), progress=False)


def test_the_first_cure_of_a_kind_says_what_it_does():
    cure = cures.rate_times(0.1, 0.5)
    assert cure.text == "Lower the learning rate from 0.5 to 0.05."
    assert cure(SETTINGS).optimizer == ev.AdamW(0.001, weight_decay=0.9)
    assert cures.rate_times(10, 0.5).text == "Raise the learning rate from 0.5 to 5."


def test_a_rewritten_network_keeps_the_names_that_were_given_and_no_others():
    net = replaced(NET, lambda layer: layer)
    assert net == NET
    longer = replaced(NET, lambda layer: [layer, ev.ReLU()] if layer.name == "tanh_1" else layer)
    assert names(longer)[3:5] == ["Tanh", "ReLU"]
    assert longer.layers[-1].name == "scores"
    assert longer.layers[0].name is None


def test_layers_within_containers_are_changed_too():
    seen = []
    rewritten(NET, lambda layers: [seen.append(layer.name) or layer for layer in layers])
    assert "sigmoid_1" in seen
    assert "Sigmoid" not in names(cures.rectify()(SETTINGS).net)


def test_the_output_keeps_its_activation_and_gets_no_normalization():
    settings = ev.Settings(ev.Sequential([ev.Dense(4), ev.Tanh(), ev.Dense(1), ev.Sigmoid()]),
                           ev.MeanSquaredError())
    assert names(cures.rectify()(settings).net) == ["Dense", "ReLU", "Dense", "Sigmoid"]
    assert names(cures.normalize()(settings).net) == ["Dense", "BatchNorm", "Tanh", "Dense",
                                                      "Sigmoid"]


def test_weights_are_drawn_for_what_stands_behind_them():
    settings = ev.Settings(ev.Sequential([
        ev.Dense(4, kernel_init=ev.Zeros()), ev.ReLU(), ev.Dense(4, kernel_init=ev.Zeros()),
        ev.Tanh(), ev.LSTM(3, input_init=ev.Zeros()),
    ]), ev.MeanSquaredError())
    first, _, second, _, third = cures.fresh_weights()(settings).net.layers
    assert first.kernel_init == ev.HeNormal()
    assert second.kernel_init == ev.XavierUniform()
    assert third.input_init == ev.XavierUniform()


def test_dropout_moves_behind_the_normalization():
    settings = ev.Settings(ev.Sequential([
        ev.Dense(4), ev.Dropout(0.5), ev.BatchNorm(), ev.ReLU(), ev.Dense(2),
    ]), ev.SoftmaxCrossEntropy())
    assert names(cures.norm_before_dropout()(settings).net) == [
        "Dense", "BatchNorm", "ReLU", "Dropout", "Dense"]


def test_a_linear_model_gets_a_hidden_layer():
    settings = ev.Settings(ev.Sequential([ev.Dense(3)]), ev.SoftmaxCrossEntropy())
    assert names(cures.widen(8, 64)(settings).net) == ["Dense", "ReLU", "Dense"]


def test_classes_are_weighed():
    changed = cures.weigh_classes([0.5, 5.0])(ev.Settings(NET, ev.BinaryCrossEntropy()))
    assert changed.loss.class_weights == (0.5, 5.0)
