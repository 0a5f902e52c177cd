"""Models that were trained apart, as one."""

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError

X = np.random.default_rng(0).standard_normal((40, 3))
LOSSES = {
    "classes": (ev.SoftmaxCrossEntropy(), (X[:, 0] > 0).astype(int), 2),
    "labels": (ev.BinaryCrossEntropy(), (X[:, :1] > 0).astype(int), 1),
    "counts": (ev.Poisson(), np.floor(np.exp(X[:, :1])), 1),
    "numbers": (ev.Huber(), X[:, :1], 1),
    "quantiles": (ev.Quantile((0.1, 0.5, 0.9)), X[:, :1], 3),
}


def models(name, count=3, front=()):
    loss, y, outputs = LOSSES[name]
    net = ev.Sequential([*front, ev.Dense(6, name="first"), ev.Residual([ev.Dense(6), ev.Tanh()]),
                         ev.Dropout(0.2), ev.Dense(outputs)])
    return [ev.fit(net, X, y, loss=loss, epochs=2, batch=10, seed=seed) for seed in range(count)]


def answers(model, name):
    loss = LOSSES[name][0]
    if loss.counts_right_answers:
        return model.predict_proba(X)
    return loss.predicted(model.predict(X))


@pytest.mark.parametrize("name", LOSSES)
def test_it_answers_the_mean_and_is_a_model_like_any_other(name, tmp_path):
    several = models(name)
    one = ev.ensemble(several)
    mean = np.mean([answers(model, name) for model in several], axis=0)
    np.testing.assert_allclose(answers(one, name), mean, rtol=1e-5, atol=2e-6)
    assert one.history == several[0].history
    y = LOSSES[name][1]
    assert np.isfinite(one.evaluate(X, y).loss)
    ev.save(tmp_path / "one.evenly", one)
    again = ev.load(tmp_path / "one.evenly")
    np.testing.assert_array_equal(again.predict(X), one.predict(X))
    assert "member_2_first.kernel" in again.weights
    module = ev.to_torch(one)
    np.testing.assert_allclose(ev.from_torch(module, 3).predict(X), one.predict(X), atol=1e-6)
    assert "log_p" in str(ev.show_work(one, X[:1], y[:1])) or name != "classes"
    further = ev.fit(one, X, y, loss=LOSSES[name][0], epochs=1, batch=10)
    assert np.isfinite(further.history[-1].loss)


def test_what_answers_otherwise_is_refused():
    first = models("classes", 1)[0]
    for other, words in (
        (models("labels", 1)[0], "output_shape"), (ev.init(first.net, 3), "averaged otherwise"),
        (ev.init(first.net, 4, loss=first.loss), "input_shape"),
        (ev.init(first.net, 3, loss=first.loss, dtype="float64"), "dtype"),
    ):
        with pytest.raises(ConfigurationError, match=f"ensemble: model 2 .*{words}"):
            ev.ensemble([first, other])
    for wrong in ([], first, [first, "second"]):
        with pytest.raises(ConfigurationError, match="expects a list of models"):
            ev.ensemble(wrong)
