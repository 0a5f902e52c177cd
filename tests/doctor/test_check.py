"""check looks at a training before it begins."""

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.check import check

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((300, 8))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
PIXELS = np.random.default_rng(1).uniform(0, 1, (300, 8))
CLASSES = ev.SoftmaxCrossEntropy()


def mlp(*ends, outputs=2, **more):
    return ev.Sequential([ev.Dense(16, **more), ev.ReLU(), ev.Dense(outputs), *ends])


SOUND = mlp()
SICK = {
    "softmax twice": (mlp(ev.Softmax()), X, Y, CLASSES, "output_activation_wrong"),
    "sigmoid twice": (mlp(ev.Sigmoid(), outputs=1), X, Y, ev.BinaryCrossEntropy(),
                      "output_activation_wrong"),
    "one output": (mlp(outputs=1), X, Y, CLASSES, "output_activation_wrong"),
    "a sigmoid for numbers": (mlp(ev.Sigmoid(), outputs=1), X, 5 * X[:, 0], ev.MeanSquaredError(),
                              "output_activation_wrong"),
    "a softmax of one": (mlp(ev.Softmax(), outputs=1), X, 5 * X[:, 0], ev.MeanSquaredError(),
                         "output_activation_wrong"),
    "absolute error for classes": (mlp(), X, np.eye(2)[Y], ev.MeanAbsoluteError(), "loss_wrong"),
    "squared error for no and yes": (mlp(outputs=1), X, Y, ev.MeanSquaredError(), "loss_wrong"),
    "nothing in between": (ev.Sequential([ev.Dense(16), ev.Dense(16), ev.Dense(2)]), X, Y, CLASSES,
                           "missing_activations"),
    "zeros": (mlp(kernel_init=ev.Zeros()), X, Y, CLASSES, "symmetric_init"),
    "too large": (ev.Sequential([ev.Dense(16, kernel_init=ev.Normal(9.0)), ev.ReLU(), ev.Dense(
        16, kernel_init=ev.Normal(9.0)), ev.ReLU(), ev.Dense(2)]), X, Y, CLASSES, "bad_init_scale"),
    "inputs not scaled": (SOUND, 100 * X + 500, Y, CLASSES, "inputs_not_scaled"),
    "inputs scaled twice": (SOUND, X / 255, Y, CLASSES, "inputs_scaled_twice"),
    "inputs constant": (SOUND, np.ones_like(X), Y, CLASSES, "inputs_constant"),
    "targets not scaled": (mlp(outputs=1), X, 1e4 * X[:, 0] + 1e5, ev.MeanSquaredError(),
                           "targets_not_scaled"),
    "classes from one": (SOUND, X, Y + 1, CLASSES, "labels_wrong_range"),
    "classes below zero": (SOUND, X, Y - 1, CLASSES, "labels_wrong_range"),
    "minus one and one": (mlp(outputs=1), X, 2 * Y - 1, ev.BinaryCrossEntropy(),
                          "labels_wrong_range"),
    "rare classes": (SOUND, X, np.where(np.arange(300) % 25 == 0, 1, 0), CLASSES,
                     "class_imbalance"),
    "dropout in front": (ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dropout(0.5), ev.BatchNorm(),
                                        ev.Dense(2)]), X, Y, CLASSES, "batch_norm_mismatch"),
    "an outlier": (SOUND, np.where(np.arange(2400).reshape(300, 8) == 17, 1e6, X), Y, CLASSES,
                   "inputs_not_scaled"),
    "labels of other rows": (SOUND, X, np.random.default_rng(3).permutation(Y), CLASSES,
                             "labels_corrupted"),
}


THREE = np.digitize(X[:, 0], (-0.5, 0.5))
SOFT = np.abs(GENERATOR.standard_normal((300, 3)))
SOFT /= SOFT.sum(axis=1, keepdims=True)
HOLES = Y.astype(float)
HOLES[5] = np.nan
NUMBERS = ev.MeanSquaredError()
LOGISTIC = ev.BinaryCrossEntropy()
# Targets that the loss refuses: what the finding says of them, and what its cure.
REFUSED = {
    "one-hot": (mlp(outputs=3), np.eye(3)[THREE], CLASSES, "a one among zeros", "argmax"),
    "one-hot, whole numbers": (mlp(outputs=3), np.eye(3, dtype=int)[THREE], CLASSES,
                               "a one among zeros", "argmax"),
    "one-hot, truth values": (mlp(), np.eye(2, dtype=bool)[Y], CLASSES, "a one among zeros",
                              "argmax"),
    "one-hot of another width": (mlp(outputs=5), np.eye(3)[THREE], CLASSES, "a one among zeros",
                                 "argmax"),
    "probabilities": (mlp(outputs=3), SOFT, CLASSES, "are 3 numbers that are not whole", "argmax"),
    "one-hot for one logistic output": (mlp(outputs=1), np.eye(2)[Y], LOGISTIC,
                                        "a one among zeros", "argmax"),
    "text": (mlp(outputs=3), np.array(["a", "b", "c"])[THREE], CLASSES, "text: 'b', 'a', 'c'",
             "numpy.unique"),
    "text objects": (mlp(outputs=3), np.array(["a", "b", "c"], object)[THREE], CLASSES, "text",
                     "numpy.unique"),
    "yes and no": (mlp(outputs=1), np.array(["no", "yes"])[Y], LOGISTIC, "text", "numpy.unique"),
    "numbers as text": (mlp(outputs=1), X[:, 0].astype(str), NUMBERS, "text", "astype(float)"),
    "a missing class": (mlp(), np.array([None, *Y[1:]], object), CLASSES, "1 of the targets",
                        "Leave such rows out"),
    "a class that is NaN": (mlp(), HOLES, CLASSES, "1 of the targets are NaN", "Leave such rows"),
    "an answer that is NaN": (mlp(outputs=1), HOLES, LOGISTIC, "1 of the targets are NaN",
                              "Leave such rows out"),
    "infinite numbers": (mlp(outputs=1), np.where(np.arange(300) < 2, np.inf, X[:, 0]), NUMBERS,
                         "2 of the targets", "Leave such rows out"),
    "three numbers, one output": (mlp(outputs=1), X[:, :3], NUMBERS, "the last layer needs 3",
                                  "3 outputs"),
    "one number, three outputs": (mlp(outputs=3), X[:, 0], NUMBERS, "the last layer needs 1",
                                  "1 output."),
    "a column, three outputs": (mlp(outputs=3), X[:, :1], NUMBERS, "the last layer needs 1",
                                "1 output."),
    "no and yes, two logistic outputs": (mlp(), Y, LOGISTIC, "no or yes", "with 1 outputs"),
    "halves": (mlp(), Y / 2, CLASSES, "no class numbers", "one class number"),
    "a class a step, one answer a row": (mlp(), np.stack([Y, Y, Y], axis=1), CLASSES,
                                         "no class numbers", "one class number"),
    "complex numbers": (mlp(outputs=1), X[:, 0] + 1j, NUMBERS, "complex128", "Give numbers"),
    "dates": (mlp(outputs=1), np.arange(300).astype("M8[D]"), NUMBERS, "datetime64",
              "Give numbers"),
    "from 1, in a column": (mlp(outputs=3), THREE[:, None] + 1, CLASSES, "class number is 3", ""),
    "from 1, as floats": (mlp(outputs=3), THREE + 1.0, CLASSES, "class number is 3", ""),
    "0 and 255": (mlp(), (255 * Y).astype(np.uint8), CLASSES, "class number is 255", ""),
    "0 and 255, logistic": (mlp(outputs=1), 255 * Y, LOGISTIC, "from 0 to 255", ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_targets_that_no_training_could_begin_with_are_told(name):
    net, y, loss, told, cure = REFUSED[name]
    with pytest.raises((ev.errors.DataError, ev.errors.ShapeError)):
        ev.fit(net, X, y, loss=loss, epochs=1, progress=False)
    finding = check(net, X, y, loss=loss).findings[0]
    assert finding.kind == "labels_wrong_range"
    assert told in finding.evidence[0].text
    assert cure in finding.cure.text
    held = check(mlp(outputs=3) if loss is CLASSES else mlp(outputs=1), X,
                 THREE if loss is CLASSES else Y, loss=loss, validation=(X, np.eye(4)[THREE]))
    assert held.findings[0].kind == "labels_wrong_range"
    assert held.findings[0].evidence[0].text.startswith("Validation: ")


def test_cures_of_targets_heal():
    for name in ("three numbers, one output", "one number, three outputs",
                 "no and yes, two logistic outputs"):
        net, y, loss, _, _ = REFUSED[name]
        settings = ev.Settings(net, loss)
        healed = check(settings, X, y).findings[0].cure(settings)
        assert "labels_wrong_range" not in [f.kind for f in check(healed, X, y)]


def test_targets_of_another_task_are_told_as_the_wrong_loss():
    for net, y, loss in ((mlp(), X[:, 0], CLASSES), (mlp(outputs=1), np.eye(3)[THREE], NUMBERS),
                         (mlp(outputs=2), THREE, NUMBERS)):
        settings = ev.Settings(net, loss)
        finding = check(settings, X, y).findings[0]
        assert finding.kind == "loss_wrong"
        y = y.argmax(axis=1) if y.ndim > 1 else y
        assert "loss_wrong" not in [f.kind for f in check(finding.cure(settings), X, y)]


@pytest.mark.parametrize(("net", "y", "loss"), [
    (mlp(), Y.astype(float), CLASSES), (mlp(), Y[:, None], CLASSES),
    (mlp(), Y[:, None].astype(float), CLASSES), (mlp(), Y > 0, CLASSES),
    (mlp(), np.eye(2)[Y], LOGISTIC), (mlp(outputs=1), Y[:, None], LOGISTIC),
    (mlp(outputs=1), X[:, 0], NUMBERS), (mlp(outputs=1), X[:, :1], NUMBERS),
])
def test_targets_that_are_well_as_they_are(net, y, loss):
    assert not {f.kind for f in check(net, X, y, loss=loss, trials=False)} & {
        "labels_wrong_range", "loss_wrong"}


def test_both_a_softmax_too_many_and_one_hot_targets_are_told():
    found = check(mlp(ev.Softmax(), outputs=3), X, np.eye(3)[THREE], loss=CLASSES)
    assert [f.kind for f in found] == ["labels_wrong_range", "output_activation_wrong"]


def test_batches_that_have_no_variance_are_told():
    net = ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    for x, y, batch in ((X, Y, 1), (X[:1], Y[:1], 32)):
        with pytest.raises(ev.errors.ConfigurationError, match="no variance"):
            ev.fit(net, x, y, loss=CLASSES, batch=batch, epochs=1, progress=False)
        found = check(net, x, y, loss=CLASSES, batch=batch)
        assert found.findings[0].kind == "batch_too_small"
        assert "over 1 numbers" in found.findings[0].evidence[0].text


def test_numbers_that_the_element_type_does_not_hold_are_told():
    x, y = X.copy(), 1e39 * X[:, 0]
    x[3, 2] = 1e39
    for wrong_x, wrong_y, loss, outputs, kind in (
        (x, Y, CLASSES, 2, "inputs_not_scaled"), (X, y, NUMBERS, 1, "targets_not_scaled"),
    ):
        with pytest.raises(ev.errors.DataError, match="too large for float32"):
            ev.fit(mlp(outputs=outputs), wrong_x, wrong_y, loss=loss, epochs=1, progress=False)
        found = check(mlp(outputs=outputs), wrong_x, wrong_y, loss=loss, trials=False)
        assert found.findings[0].kind == kind


@pytest.mark.parametrize("name", SICK)
def test_what_would_ail_is_told_before(name):
    net, x, y, loss, kind = SICK[name]
    diagnosis = check(net, x, y, loss=loss)
    assert diagnosis.findings[0].kind == kind, str(diagnosis)
    assert diagnosis.record.epochs == ()


def test_steps_are_tried():
    high = check(SOUND, X, Y, loss=CLASSES, optimizer=ev.SGD(100.0))
    assert high.findings[0].kind == "rate_too_high"
    low = check(SOUND, X, Y, loss=CLASSES, optimizer=ev.SGD(1e-7))
    assert low.findings[0].kind == "rate_too_low"


def test_batches_too_small():
    net = ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)])
    assert check(net, X, Y, loss=CLASSES, batch=2).findings[0].kind == "batch_too_small"


class Mixes(ev.Layer):
    """A layer that lets each row see the one before it."""

    name = None

    def forward(self, x, arrays, run):
        return x + run.xp.concatenate([x[-1:], x[:-1]]), None

    def backward(self, d_y, arrays, saved, run):
        return d_y + run.xp.concatenate([d_y[1:], d_y[:1]]), {}


def test_rows_that_see_each_other():
    diagnosis = check(ev.Sequential([ev.Dense(8), Mixes(), ev.ReLU(), ev.Dense(2)]), X, Y,
                      loss=CLASSES)
    assert diagnosis.findings[0].kind == "rows_coupled"


HEALTHY = {
    "plain": (SOUND, X, Y, CLASSES),
    "a bias in front of batch norm": (
        ev.Sequential([ev.Dense(16), ev.BatchNorm(), ev.ReLU(), ev.Dense(2)]), X, Y, CLASSES),
    "a deep residual network": (ev.Sequential(
        [ev.Dense(16), *[ev.Residual([ev.LayerNorm(), ev.Dense(16), ev.ReLU(), ev.Dense(16)])] * 8,
         ev.Dense(2)]), X, Y, CLASSES),
    "tanh": (ev.Sequential([ev.Dense(16, kernel_init=ev.XavierUniform()), ev.Tanh(), ev.Dense(2)]),
             X, Y, CLASSES),
    "pixels": (SOUND, PIXELS, (PIXELS[:, 0] > PIXELS[:, 1]).astype(int), CLASSES),
    "outliers": (SOUND, np.where(np.random.default_rng(2).random(X.shape) < 0.005, 40.0, X), Y,
                 CLASSES),
    "two layers of a bottleneck": (
        ev.Sequential([ev.Dense(32), ev.ReLU(), ev.Dense(4), ev.Dense(32), ev.ReLU(),
                       ev.Dense(2)]), X, Y, CLASSES),
    "numbers": (mlp(outputs=1), X, X[:, 0] + X[:, 1] ** 2, ev.MeanSquaredError()),
    "a sequence": (ev.Sequential([ev.LSTM(8), ev.Dense(2)]), X.reshape(300, 4, 2), Y, CLASSES),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_sound_is_left_alone(name):
    net, x, y, loss = HEALTHY[name]
    diagnosis = check(net, x, y, loss=loss, optimizer=ev.Adam(3e-3))
    assert diagnosis.healthy, str(diagnosis)
    assert "Looked at" in str(diagnosis)


def test_settings_and_models_are_taken():
    settings = ev.Settings(SOUND, CLASSES)
    assert check(settings, X, Y).healthy
    assert check(ev.init(SOUND, 8), X, Y, loss=CLASSES).healthy
    scaled = ev.Settings(SOUND, CLASSES, inputs="standardized")
    assert check(scaled, 100 * X + 500, Y).healthy


def test_what_fit_refuses_is_refused():
    with pytest.raises(ev.errors.DataError, match="NaN"):
        check(SOUND, np.full_like(X, np.nan), Y, loss=CLASSES)
    with pytest.raises(ev.errors.ConfigurationError, match="give a loss"):
        check(SOUND, X, Y)


def test_nothing_is_changed():
    model = ev.init(SOUND, 8, loss=CLASSES)
    before = {name: array.copy() for name, array in model.weights.items()}
    check(model, X, Y, loss=CLASSES)
    assert all((model.weights[name] == array).all() for name, array in before.items())
