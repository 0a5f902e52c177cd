"""The recorder that anyone can feed."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from evenly.records import read_lines

X = np.random.default_rng(0).standard_normal((40, 3))


def test_a_training_by_hand_is_recorded(tmp_path):
    weights = np.random.default_rng(1).standard_normal((3, 2))
    y = (X[:, 0] > 0).astype(int)
    recorder = ev.Recorder({"out": "dense"}, loss="softmax_cross_entropy", optimizer="sgd",
                           learning_rate=0.5, batch=40, data=(X, y), validation=(X[:9], y[:9]))
    for epoch in range(3):
        for _ in range(2):
            scores = X @ weights
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            loss = -np.log(p[np.arange(40), y]).mean()
            d_scores = (p - np.eye(2)[y]) / 40
            gradient = X.T @ d_scores
            after = weights - 0.5 * gradient
            recorder.step(loss, outputs={"out": scores}, output_gradients={"out": d_scores},
                          weights={"out": weights}, gradients={"out": gradient},
                          updated={"out": after}, learning_rate=0.5)
            weights = after
        recorder.epoch(score=0.9, validation_loss=0.5 - epoch / 10)
    record = recorder.record
    assert record.source == "plain"
    assert (len(record.probes), len(record.epochs), record.stopped) == (6, 3, "epochs")
    assert record.shared_rows == 1
    probe = record.probes[-1]
    assert (probe.step, probe.epoch, probe.rows, probe.loss) == (5, 3, 40, loss)
    out = probe.layers["out"]
    np.testing.assert_allclose(
        [out.gradient_norm, out.update_ratio, out.output_gradient, out.mean],
        [np.linalg.norm(gradient),
         0.5 * np.linalg.norm(gradient) / np.linalg.norm(weights + 0.5 * gradient),
         np.sqrt((d_scores**2).mean()) * 40, scores.mean()], rtol=1e-6)
    assert [epoch.validation_loss for epoch in record.epochs] == pytest.approx([0.5, 0.4, 0.3])
    recorder.write(tmp_path / "run.jsonl")
    assert read_lines(tmp_path / "run.jsonl").epochs == record.epochs


def test_every_part_may_be_left_out():
    recorder = ev.Recorder()
    assert recorder.record.stopped == ""
    assert recorder.diagnosis.healthy
    recorder.step(1.0)
    recorder.step(0.5, outputs={"a": np.ones((4, 3))})
    record = recorder.record
    assert record.probes[0].step == 1
    assert not record.initial_layers
    assert record.epochs[0].loss in (0.75, 1.0)
    assert record.network is None


def test_numbers_that_are_not_finite():
    recorder = ev.Recorder({"a": "relu"})
    recorder.step(np.nan, outputs={"a": np.array([[np.nan, 1.0], [2.0, np.inf]])})
    record = recorder.record
    assert record.probes[0].layers["a"].not_finite == 2
    assert record.failed_at == (0, "the output of a")
    assert record.stopped == "diverged"


@pytest.mark.parametrize(("make", "kind", "reason"), [
    (lambda: ev.Recorder({"a": "linear"}), ConfigurationError, "no kind of layer is named"),
    (lambda: ev.Recorder(loss="mse"), ConfigurationError, "no kind of loss is named 'mse'"),
    (lambda: ev.Recorder().step(1.0, outputs={"a": ["x"]}), DataError, "outputs of 'a' must be"),
    (lambda: ev.Recorder().step(1.0, outputs={"a": np.zeros((0, 3))}), DataError, "must be"),
    (lambda: ev.Recorder().step(1.0, weights={"a": np.ones((2, 3))},
                                gradients={"a": np.ones((3, 2))}), DataError, "their gradient"),
])
def test_what_cannot_be_recorded(make, kind, reason):
    with pytest.raises(kind, match=reason):
        make()
