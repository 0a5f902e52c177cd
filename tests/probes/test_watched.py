"""A training that is watched is the training that it would have been, to the bit."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import evenly as ev
from evenly.doctor import Cure, Diagnosis, Evidence, Finding, diagnose
from evenly.errors import ConfigurationError, DivergenceError, DoctorWarning
from evenly.probes.pace import Pace
from evenly.records import read_lines
from evenly.training import doctoring

pytestmark = pytest.mark.filterwarnings("ignore::evenly.errors.DoctorWarning")


def random():
    return np.random.default_rng(0)


ROWS = random().standard_normal((150, 6)).astype(np.float32)
CLASSES = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
IMAGES = random().standard_normal((60, 8, 8, 2)).astype(np.float32)
SEQUENCES = random().standard_normal((64, 7, 3)).astype(np.float32)
WORDS = random().integers(0, 9, (60, 5))


@dataclass(frozen=True)
class Noisy(ev.Layer):
    """Draws from the generator of the process, as layers of users do."""

    name: str | None = None

    def arrays(self, shape):
        return {"kernel": ev.ArraySpec(shape, ev.Uniform(0.5, 1.5), decays=True)}

    def forward(self, x, arrays, run):
        noise = np.random.standard_normal(x.shape) if run.training else 0  # noqa: NPY002
        return x * arrays["kernel"] + 0.1 * noise, x

    def backward(self, d_y, arrays, x, run):
        return d_y * arrays["kernel"], {"kernel": (d_y * x).sum(axis=0)}


def mlp():
    return ev.Sequential([
        ev.Dense(12), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.3), ev.Dense(8), ev.Tanh(),
        ev.Dropout(0.1), ev.WeightNorm(ev.Dense(8)), ev.GELU(),
        ev.Residual([ev.Dense(8), ev.Sigmoid()]), ev.DropConnect(ev.Dense(6), 0.2),
        ev.GaussianNoise(0.1), ev.PReLU(), ev.LayerNorm(), ev.Dense(2),
    ])


def cnn():
    return ev.Sequential([
        ev.Conv2D(4, 3), ev.BatchNorm(), ev.ReLU(), ev.MaxPool2D(2), ev.SpatialDropout(0.2),
        ev.Conv2D(4, 2), ev.LeakyReLU(), ev.Flatten(), ev.Dense(2),
    ])


def lstm(**settings):
    return ev.Sequential([ev.LSTM(5, **settings), ev.Dense(2)])


SOFTMAX = ev.SoftmaxCrossEntropy()
TRAININGS = {
    "mlp": lambda **more: ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=6, batch=16,
                                 optimizer=ev.Momentum(0.05), validation=0.2, **more),
    "penalty, clipping, constraint": lambda **more: ev.fit(
        mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=4, penalty=ev.L2(0.01),
        clip=ev.ClipNorm(0.01), constraint=ev.MaxNorm(1.0), **more),
    "schedule, mixup": lambda **more: ev.fit(
        mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=4, optimizer=ev.AdamW(0.01),
        schedule=ev.OneCycle(), augment=ev.Mixup(0.2), **more),
    "early stopping": lambda **more: ev.fit(
        mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=40, optimizer=ev.Adam(0.05), validation=0.3,
        early_stopping=ev.EarlyStopping(2), schedule=ev.ReduceOnPlateau(), **more),
    "float64, weights": lambda **more: ev.fit(
        mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=3, dtype="float64",
        sample_weight=np.linspace(0.5, 1.5, 150), **more),
    "cnn": lambda **more: ev.fit(cnn(), IMAGES, CLASSES[:60], loss=SOFTMAX, epochs=4, batch=16,
                                 **more),
    "lstm": lambda **more: ev.fit(
        lstm(layers=2, bidirectional=True, recurrent_dropout=0.2, dropout=0.1), SEQUENCES,
        CLASSES[:64], loss=SOFTMAX, epochs=4, lengths=random().integers(1, 8, 64), **more),
    "gru": lambda **more: ev.fit(ev.Sequential([ev.GRU(5), ev.Dense(2)]), SEQUENCES, CLASSES[:64],
                                 loss=SOFTMAX, epochs=4, **more),
    "stateful": lambda **more: ev.fit(
        lstm(stateful=True), SEQUENCES, CLASSES[:64], loss=SOFTMAX, epochs=4, batch=16,
        shuffle=False, validation=(SEQUENCES[:16], CLASSES[:16]), **more),
    "embedding": lambda **more: ev.fit(
        ev.Sequential([ev.Embedding(9, 4), ev.GlobalAveragePool(), ev.Dense(1)]), WORDS,
        WORDS.sum(axis=1) * 1.0, loss=ev.MeanSquaredError(), epochs=4, **more),
    "labels": lambda **more: ev.fit(
        ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(3)]), ROWS, ROWS[:, :3] > 0,
        loss=ev.BinaryCrossEntropy(), epochs=4, clip=ev.ClipValue(0.1), **more),
    "own layer": lambda **more: _seeded(lambda: ev.fit(
        ev.Sequential([ev.Dense(6), Noisy(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(2)]), ROWS,
        CLASSES, loss=SOFTMAX, epochs=4, optimizer=ev.Momentum(0.1), **more)),
    "stream": lambda **more: ev.fit(
        ev.Sequential([ev.Dense(6), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.2), ev.Dense(2)]),
        ev.Batches(lambda: ((ROWS[i:i + 40], CLASSES[i:i + 40]) for i in range(0, 150, 40))),
        loss=SOFTMAX, epochs=4, **more),
}


def _seeded(train):
    np.random.seed(3)  # noqa: NPY002
    return train()


@pytest.mark.parametrize("name", TRAININGS)
def test_watching_changes_no_bit(name):
    train = TRAININGS[name]
    plain, watched = train(seed=5), train(seed=5, doctor=True)
    for key, value in plain.weights.items():
        np.testing.assert_array_equal(watched.weights[key], value, err_msg=key)
    assert watched.history.stopped == plain.history.stopped
    for a, b in zip(plain.history, watched.history, strict=True):
        assert (a.loss, a.score, a.gradient_norm, a.validation_loss) == (
            b.loss, b.score, b.gradient_norm, b.validation_loss)
    assert plain.record is None
    # However slow the machine: the first step, and the first one of the last epoch.
    assert watched.record.probes[0].step == 0
    assert len(watched.record.probes) >= 2
    assert len(watched.record.epochs) == len(watched.history)


def test_a_look_at_every_step_changes_no_bit(monkeypatch):
    monkeypatch.setattr(Pace, "due", property(lambda self: 0, lambda self, value: None),
                        raising=False)
    for train in (TRAININGS["mlp"], TRAININGS["lstm"], TRAININGS["own layer"],
                  TRAININGS["schedule, mixup"], TRAININGS["stateful"]):
        plain, watched = train(), train(doctor=True)
        steps = sum(record.steps for record in plain.history)
        assert len(watched.record.probes) == steps
        for key, value in plain.weights.items():
            np.testing.assert_array_equal(watched.weights[key], value, err_msg=key)


def test_a_resumed_training_may_be_watched(tmp_path):
    rule = ev.Checkpoint(tmp_path, steps=4)
    whole = TRAININGS["mlp"]()
    seen = []
    ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=6, batch=16, optimizer=ev.Momentum(0.05),
           validation=0.2, checkpoint=rule, doctor=True, stop=lambda: len(seen) >= 3,
           callbacks=[lambda record: seen.append(record)])
    model = TRAININGS["mlp"](checkpoint=rule, resume=True, doctor=True)
    for key, value in whole.weights.items():
        np.testing.assert_array_equal(model.weights[key], value, err_msg=key)
    assert [epoch.epoch for epoch in model.record.epochs] == [1, 2, 3, 4, 5, 6]
    assert not model.record.initial_layers
    assert model.record.probes[0].step > 0


def test_the_first_probe_is_of_the_untouched_network():
    net = ev.Sequential([ev.Dense(8, bias=False), ev.ReLU(), ev.Dense(2)])
    model = ev.fit(net, ROWS, CLASSES, loss=SOFTMAX, epochs=1, batch=None, doctor=True,
                   optimizer=ev.SGD(0.5))
    record, start = model.record, ev.init(net, 6)
    assert record.initial_layers
    probe = record.probes[0]
    kernel = start.weights["dense_1.kernel"]
    hidden = np.maximum(ROWS @ kernel, 0)
    loss, gradients = start.gradients(ROWS, CLASSES, loss=SOFTMAX)
    first, relu = probe.layers["dense_1"], probe.layers["relu_1"]
    change = np.linalg.norm(0.5 * gradients["dense_1.kernel"]) / np.linalg.norm(kernel)
    norms = np.sqrt(sum((g**2).sum() for name, g in gradients.items() if name != "d_x"))
    assert (probe.step, probe.epoch, probe.rows, probe.learning_rate) == (0, 1, 150, 0.5)
    np.testing.assert_allclose(
        [probe.loss, probe.gradient_norm, first.weight_norm, first.weight_mean,
         first.gradient_norm, first.update_ratio, relu.mean, relu.deviation, relu.zero_share,
         relu.unit_deviation],
        [loss, norms, np.linalg.norm(kernel), kernel.mean(),
         np.linalg.norm(gradients["dense_1.kernel"]), change, hidden.mean(), hidden.std(),
         (hidden == 0).mean(), np.median(hidden.std(axis=0))],
        rtol=1e-4,
    )
    assert first.mean is None  # the activation is fused into it


def test_gradients_on_outputs_do_not_depend_on_the_batch():
    net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(2)])
    twice = np.concatenate([ROWS, ROWS])
    for x, y in ((ROWS, CLASSES), (twice, np.concatenate([CLASSES, CLASSES]))):
        model = ev.fit(net, x, y, loss=SOFTMAX, epochs=1, batch=None, doctor=True)
        gradients = [model.record.probes[0].layers[name].output_gradient
                     for name in ("dense_1", "relu_1", "dense_2")]
        start = ev.init(net, 6)
        scores, kernel = start.predict(x), start.weights["dense_2.kernel"]
        d_scores = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) - np.eye(2)[y]
        d_hidden = d_scores @ kernel.T
        d_first = d_hidden * (x @ start.weights["dense_1.kernel"] > 0)
        wanted = [np.sqrt((d**2).mean()) for d in (d_first, d_hidden, d_scores)]
        np.testing.assert_allclose(gradients, wanted, rtol=1e-4)


def test_dropout_behind_an_activation_hides_nothing_of_it():
    hidden = ev.Sequential([ev.Dense(64), ev.ReLU(), ev.Dense(2)])
    dropped = ev.Sequential([ev.Dense(64), ev.ReLU(), ev.Dropout(0.5), ev.Dense(2)])
    plain, behind = (
        ev.fit(net, ROWS, CLASSES, loss=SOFTMAX, epochs=1, batch=None, doctor=True)
        .record.probes[0].layers["relu_1"] for net in (hidden, dropped)
    )
    for name in ("mean", "deviation", "zero_share", "unit_deviation"):
        assert getattr(behind, name) == pytest.approx(getattr(plain, name), rel=0.1), name


def test_dead_and_twin_units_and_saturation_are_seen():
    net = ev.Sequential([
        ev.Dense(8, kernel_init=ev.Constant(0.1)), ev.ReLU(),
        ev.Dense(6, bias_init=ev.Constant(-99.0)), ev.ReLU(),
        ev.Dense(4, kernel_init=ev.Normal(1.0), bias_init=ev.Constant(9.0)),
        ev.Sigmoid(), ev.Dense(2),
    ])
    record = ev.fit(net, ROWS, CLASSES, loss=SOFTMAX, epochs=2, doctor=True).record
    layers = record.probes[0].layers
    assert layers["dense_1"].twin_share == 1.0
    assert layers["dense_2"].twin_share == 0.0
    assert layers["relu_2"].dead_share == 1.0
    assert layers["relu_1"].dead_share == 0.0
    assert layers["sigmoid_1"].saturated_share == 1.0


def test_saturated_gates_are_seen():
    calm = lstm()
    loud = lstm(input_init=ev.Normal(20.0))
    shares = [
        ev.fit(net, SEQUENCES, CLASSES[:64], loss=SOFTMAX, epochs=1, doctor=True)
        .record.probes[0].layers["lstm_1"].saturated_share for net in (calm, loud)
    ]
    assert shares[0] < 0.05
    assert shares[1] > 0.5


def test_the_statistics_of_batch_norm_are_compared():
    net = ev.Sequential([ev.BatchNorm(), ev.Dense(2)])
    record = ev.fit(net, ROWS * 10 + 3, CLASSES, loss=SOFTMAX, epochs=1, batch=None,
                    doctor=True).record
    gap = record.probes[0].layers["batch_norm_1"]
    x = ROWS.astype(np.float64) * 10 + 3
    assert gap.mean_gap == pytest.approx(np.abs(x.mean(axis=0)).mean(), rel=1e-3)
    assert gap.variance_gap == pytest.approx(np.abs(np.log(x.var(axis=0))).mean(), rel=1e-3)
    assert record.rows_of_batch_norm == {"batch_norm_1": 150}


def test_what_an_epoch_tells():
    model = ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=3, batch=16, validation=0.2,
                   clip=ev.ClipGlobalNorm(1e-6), penalty=ev.L2(0.01), doctor=True)
    assert model.record.stopped == "epochs"
    for epoch, own in zip(model.record.epochs, model.history, strict=True):
        assert (epoch.loss, epoch.validation_loss) == (own.loss, own.validation_loss)
        assert epoch.clipped_share == 1.0
        assert epoch.penalty > 0
        assert len(epoch.step_losses) == own.steps
    for epoch in (model.record.epochs[0], model.record.epochs[-1]):
        assert sum(epoch.answers) == pytest.approx(1)
        assert epoch.train_loss is not None


def test_the_score_of_the_training_set_is_that_of_inference():
    model = ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=3, doctor=True)
    right = model.evaluate(ROWS, CLASSES)
    last = model.record.epochs[-1]
    assert last.train_loss == pytest.approx(right.loss, rel=1e-5)
    assert last.train_score == pytest.approx(right.score)


def test_a_training_that_fails_has_its_record(tmp_path):
    path = tmp_path / "run.jsonl"
    with pytest.raises(DivergenceError) as caught:
        ev.fit(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(1)]), ROWS * 1e10, ROWS[:, 0] * 1e10,
               loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e3), epochs=9, doctor=path)
    record = caught.value.model.record
    assert record.stopped == "diverged"
    assert record.failed_at[0] == caught.value.step - 1
    assert repr(read_lines(path)) == repr(record)


def test_the_record_is_written_as_it_grows(tmp_path):
    path = tmp_path / "run.jsonl"
    seen = []
    model = ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=3, doctor=str(path),
                   callbacks=[lambda record: seen.append(len(read_lines(path).probes))])
    assert seen[0] >= 1
    assert read_lines(path) == model.record


def finding(kind):
    return Finding(kind, "relu_1", None, 0.9, (Evidence("All are dead.", 1.0),), "Why.", "Source",
                   (Cure("Wake them."),))


def test_findings_are_told_once(monkeypatch):
    monkeypatch.setattr(doctoring, "diagnose", lambda record: Diagnosis(
        (finding("dead_relu"), *([finding("overfitting")] if len(record.epochs) > 1 else []))))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=4, doctor=True)
    assert [str(warning.message) for warning in told] == [
        f"{kind} in 'relu_1': All are dead. Wake them." for kind in ("dead_relu", "overfitting")]
    assert told[0].category is DoctorWarning
    assert told[0].message.finding.kind == "dead_relu"
    assert len(model.history) == 4


@pytest.mark.parametrize(("kind", "epochs"), [("dead_relu", 1), ("overfitting", 4)])
def test_what_no_epoch_mends_ends_the_training(monkeypatch, kind, epochs):
    monkeypatch.setattr(doctoring, "diagnose", lambda record: Diagnosis((finding(kind),)))
    model = ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=4, doctor="stop")
    assert len(model.history) == epochs
    assert model.history.stopped == model.record.stopped == ("doctor" if epochs < 4 else "epochs")


def test_the_diagnosis_is_that_of_the_record():
    sick = ev.Sequential([ev.Dense(6, bias_init=ev.Constant(-99.0)), ev.ReLU(), ev.Dense(2)])
    model = ev.fit(sick, ROWS, CLASSES, loss=SOFTMAX, epochs=8, doctor=True)
    found = [(one.kind, one.layer) for one in diagnose(model.record)]
    assert [(one.kind, one.layer) for one in model.diagnosis] == found
    assert found


def test_what_asks_for_no_doctor_is_refused():
    for wrong in ("stopp", 3, b"run.jsonl"):
        with pytest.raises(ConfigurationError, match="doctor is True, 'stop', or a file"):
            ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=1, doctor=wrong)
    with pytest.raises(ConfigurationError, match="fit it with doctor=True"):
        ev.fit(mlp(), ROWS, CLASSES, loss=SOFTMAX, epochs=1).diagnosis  # noqa: B018
