"""The model: arrays by name, predictions, gradients."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import evenly as ev
from evenly.errors import ConfigurationError, DataError
from tests.contract.common import definition, error, values

NET = ev.Sequential([ev.Dense(6), ev.BatchNorm(), ev.Tanh(), ev.Dropout(0.3), ev.Dense(4)])
LOSS = ev.SoftmaxCrossEntropy()


def test_weights_are_the_arrays_themselves():
    model = ev.init(NET, 5, seed=2)
    x = values(0, (3, 5))
    before = model.predict(x)
    model.weights["dense_2.bias"][...] = [0, 0, 7, 0]
    assert np.allclose(model.predict(x) - before, [0, 0, 7, 0], atol=1e-5)
    assert set(model.weights) == {
        "dense_1.kernel", "dense_1.bias", "batch_norm_1.gamma", "batch_norm_1.beta",
        "batch_norm_1.running_mean", "batch_norm_1.running_variance", "dense_2.kernel",
        "dense_2.bias",
    }


def test_gradients_are_those_of_the_definition():
    model = ev.init(NET, 5, seed=2, loss=LOSS, dtype="float64")
    x, y = values(0, (9, 5)), np.arange(9) % 4
    loss, gradients = model.gradients(x, y)
    run = ev.Run(training=True, seed=2)
    scores, _ = NET.forward(x, dict(model.weights), run)
    wanted, saved = LOSS.forward(scores, y[:, None], run)
    _, d_x, d = definition(NET, x, dict(model.weights), LOSS.backward(saved, run), run)
    assert error(loss, wanted) < 1e-12
    assert error(gradients["d_x"], d_x) < 1e-12
    assert set(gradients) == {"d_x", *d}
    for name, gradient in d.items():
        assert error(gradients[name], gradient, 1.0) < 1e-12
    # The model itself is as it was, running statistics included.
    assert (model.weights["batch_norm_1.running_mean"] == 0).all()


def test_probabilities():
    model = ev.init(NET, 5, loss=LOSS)
    scores = model.predict(values(0, (8, 5)))
    p = model.predict_proba(values(0, (8, 5)))
    assert np.allclose(p, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), atol=1e-6)
    with pytest.raises(DataError, match="MeanSquaredError has no probabilities"):
        ev.init(NET, 5, loss=ev.MeanSquaredError()).predict_proba(np.zeros((1, 5)))
    with pytest.raises(ConfigurationError, match="the model has no loss"):
        ev.init(NET, 5).predict_proba(np.zeros((1, 5)))


def test_images_and_repr():
    model = ev.init(ev.Sequential([ev.BatchNorm(), ev.Flatten(), ev.Dense(2)]), (4, 4, 3))
    assert model.predict(np.zeros((2, 4, 4, 3))).shape == (2, 2)
    assert repr(model) == "Model(3 layers, 104 parameters, (4, 4, 3) -> (2,), 0 epochs)"


def test_a_layer_or_a_list_will_do():
    assert ev.init(ev.Dense(2), 3).predict(np.zeros((1, 3))).shape == (1, 2)
    assert ev.init([ev.Dense(2)], 3).predict(np.zeros((1, 3))).shape == (1, 2)


@pytest.mark.parametrize(("initializer", "variance", "limit"), [
    (ev.XavierNormal(), 2 / 500, None), (ev.XavierUniform(), 2 / 500, np.sqrt(6 / 500)),
    (ev.HeNormal(), 2 / 200, None), (ev.HeUniform(), 2 / 200, np.sqrt(6 / 200)),
    (ev.Zeros(), 0, 0), (ev.Constant(0.25), 0, 0.25),
])
def test_initializers(initializer, variance, limit):
    layer = ev.Dense(300, kernel_init=initializer)
    kernel = ev.init(layer, 200, seed=1, dtype="float64").weights["dense_1.kernel"]
    assert kernel.var() == pytest.approx(variance, rel=0.03)
    if limit is not None:
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() >= 0.99 * limit
    elif variance:
        assert abs(kernel.mean()) < 5 * np.sqrt(variance / kernel.size)
        assert np.abs(kernel).max() > 3.5 * np.sqrt(variance)


def test_initial_weights_depend_on_seed_name_and_shape_alone():
    a = ev.init([ev.Dense(4), ev.ReLU(), ev.Dense(3)], 5, seed=1).weights
    b = ev.init([ev.Dense(4), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.5), ev.Dense(3)], 5,
                seed=1).weights
    for name in ("dense_1.kernel", "dense_2.kernel"):
        assert (a[name] == b[name]).all()
    assert (a["dense_1.kernel"] != ev.init(ev.Dense(4), 5, seed=2).weights["dense_1.kernel"]).any()


def test_zero_weights_keep_units_equal():
    """Why Zeros breaks no symmetry: every unit of the layer gets the same gradient, for ever."""
    first = ev.Dense(6, kernel_init=ev.Constant(0.3))
    net = [first, ev.Tanh(), ev.Dense(2, kernel_init=ev.Zeros())]
    x, y = values(0, (40, 5)), np.arange(40) % 2
    model = ev.fit(ev.Sequential(net), x, y, loss=LOSS, epochs=5, optimizer=ev.Adam(0.1))
    kernel = model.weights["dense_1.kernel"]
    assert (kernel == kernel[:, :1]).all()
    assert (kernel != 0.3).any()


def test_standardizer():
    rng = np.random.default_rng(0)
    train = rng.standard_normal((50, 3)) * [1, 10, 0] + [0, 1e6, 4]
    scaler = ev.Standardizer().fit(train)
    scaled = scaler.transform(train)
    assert np.allclose(scaled.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(scaled.std(axis=0), [1, 1, 0])
    # Statistics are the training set's, whatever comes later.
    assert np.allclose(scaler.transform(train + 1)[:, 0] - scaled[:, 0], 1 / train[:, 0].std())
    assert scaler.transform(train.astype(np.float32)).dtype == np.float32
    for call, message in [
        (lambda: ev.Standardizer().transform(train), "call fit on the training set"),
        (lambda: scaler.transform(train[:, :2]), "was fitted on features of shape"),
        (lambda: ev.Standardizer().fit(train[:0]), "at least one row"),
        (lambda: ev.Standardizer().fit(np.array([[np.nan]])), "fill the gaps first"),
    ]:
        with pytest.raises(DataError, match=message):
            call()


def test_standardizer_of_channels():
    rng = np.random.default_rng(0)
    train = rng.standard_normal((50, 6, 5, 3)) * [1, 10, 0] + [0, 1e6, 0.1]
    scaler = ev.Standardizer(channels=True).fit(train)
    scaled = scaler.transform(train)
    assert np.allclose(scaled.mean(axis=(0, 1, 2)), 0, atol=1e-9)
    assert np.allclose(scaled.std(axis=(0, 1, 2)), [1, 1, 0])
    # Two axes: the same as without.
    flat = train.reshape(-1, 3)
    assert (scaler.transform(flat) == ev.Standardizer().fit(flat).transform(flat)).all()
    # Positions do not count: sequences of another length, one place alone.
    assert (scaler.transform(train[:, :2]) == scaled[:, :2]).all()
    with pytest.raises(DataError, match=r"was fitted on channels \(3,\), got \(2,\)"):
        scaler.transform(train[..., :2])
    for bad in (train[:, 0, 0, 0], train[:, :0]):
        with pytest.raises(DataError, match="channels=True expects shape"):
            ev.Standardizer(channels=True).fit(bad)


def test_standardizer_of_what_never_varies():
    """The sum of many equal numbers is rounded: that is no deviation."""
    x = np.full((1000, 1000, 1), 0.1)
    scaler = ev.Standardizer(channels=True).fit(x)
    assert scaler.deviation == 1.0
    assert abs(scaler.transform(x)).max() < 1e-15


def test_history():
    records = tuple(ev.EpochRecord(i, 1, 1 / i, 0.5, None, None, 1.0, 0.1) for i in (1, 2))
    history = ev.History(records, "epochs")
    assert history.column("loss").tolist() == [1.0, 0.5]
    assert np.isnan(history.column("validation_loss")).all()
    assert history[:1] == (records[0],)
    with pytest.raises(ConfigurationError, match="no field 'los'"):
        history.column("los")


def test_sparse_rows_for_gradients_are_refused_by_name():
    model = ev.init(ev.Sequential([ev.Dense(2)]), 3, loss=ev.SoftmaxCrossEntropy())
    for call in (lambda x: model.gradients(x, [0, 1]), lambda x: ev.lsuv(model, x)):
        with pytest.raises(DataError, match="expects dense rows, got a sparse matrix"):
            call(csr_array(np.eye(2, 3)))
