"""The layer that ails is shown with its own numbers, on the user's rows."""

import json
import warnings

import numpy as np
import pytest

import evenly as ev
from evenly.clinic.page import render
from evenly.clinic.see import see
from evenly.errors import ConfigurationError

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((120, 6))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
CLASSES = ev.SoftmaxCrossEntropy()
ROWS = 5


def trained(net, x=X, y=Y, optimizer=None, loss=CLASSES, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ev.fit(net, x, y, loss=loss, optimizer=optimizer or ev.Adam(0.01), epochs=12,
                      batch=16, progress=False, doctor=True, **more)


def truth(model, x, y, layer):
    """What the layer gets and hands on, and the gradient on its outputs, by the engine itself: of
    the network up to it, and of the network behind it."""
    named = model.net.resolved.layers
    place = [one.name for one in named].index(layer)

    def part(layers, shape, loss=None):
        made = ev.init(ev.Sequential(layers), shape, dtype="float64", loss=loss)
        made.engine.set_weights({name: model.weights[name] for name in made.weights})
        return made

    x = x.astype(float)
    entering = part(named[:place], model.input_shape).predict(x) if place else x
    leaving = part(named[:place + 1], model.input_shape).predict(x)
    _, gradients = part(named[place + 1:], leaving.shape[1:], model.loss).gradients(leaving, y)
    return entering, leaving, gradients["d_x"]


def close(got, wanted):
    return np.allclose(got, wanted, rtol=1e-4, atol=1e-6)


def mlp():
    dead = ev.Dense(12, bias_init=ev.Constant(-30.0))
    return trained(ev.Sequential([ev.Dense(16), ev.ReLU(), dead, ev.ReLU(), ev.Dense(2)]))


def cnn():
    x = X.reshape(120, 6, 1)[:, :, :, None] * np.ones((1, 1, 5, 1))
    net = ev.Sequential([ev.Conv2D(4, 3), ev.ReLU(), ev.Conv2D(5, 2, bias_init=ev.Constant(-50.0)),
                         ev.ReLU(), ev.Flatten(), ev.Dense(2)])
    return trained(net, x), x


def lstm():
    x = 8 * GENERATOR.standard_normal((120, 7, 3))
    y = (x[:, 0, 0] > 0).astype(int)
    net = ev.Sequential([ev.LSTM(6, sequences=True, input_init=ev.Normal(6.0)), ev.LSTM(5),
                         ev.Dense(2)])
    return trained(net, x, y, ev.SGD(0.01)), x, y


def test_a_dense_network():
    model = mlp()
    finding = model.diagnosis.findings[0]
    assert (finding.kind, finding.layer) == ("dead_relu", "relu_2")
    work = see(model.diagnosis, model, X, Y, rows=ROWS)
    entering, leaving, d_y = truth(model, X[:ROWS], Y[:ROWS], "relu_2")
    assert close(work["x"].floats, entering)
    assert close(work["relu_2.y"].floats, leaving)
    assert close(work["d_y"].floats, d_y)
    assert (work["relu_2.d_x"].floats == 0).all(), "nothing comes back through dead units"
    assert "relu_2.y" in work.text()


def test_a_convolutional_network():
    model, x = cnn()
    finding = model.diagnosis.findings[0]
    assert (finding.kind, finding.layer) == ("dead_relu", "relu_2")
    work = see(finding, model, x, Y, rows=3)
    entering, _, d_y = truth(model, x[:3], Y[:3], "relu_2")
    assert close(work["x"].floats, entering)
    assert close(work["d_y"].floats, d_y)


def test_a_recurrent_network():
    model, x, y = lstm()
    finding = next(f for f in model.diagnosis.findings if f.layer == "lstm_1")
    work = see(finding, model, x, y, rows=2)
    _, leaving, d_y = truth(model, x[:2], y[:2], "lstm_1")
    assert close(work["x"].floats, x[:2])
    assert close(work["d_y"].floats, d_y)
    steps = [step.floats for step in work.phase("forward") if step.title.startswith("lstm_1.h")]
    assert close(steps[-1].reshape(leaving[:, -1].shape), leaving[:, -1])
    assert (work.work.given("lstm_1.recurrent_kernel").floats
            == model.weights["lstm_1.recurrent_kernel"]).all()


def test_a_long_sequence_is_shown_forward_unless_it_is_asked_for():
    x = GENERATOR.standard_normal((8, 17, 3))
    model = ev.init(ev.Sequential([ev.LSTM(2), ev.Dense(2)]), (17, 3), loss=CLASSES)
    finding = ev.Finding("saturation", "lstm_1", None, 0.9, (), "", "", ())
    y = Y[:8]
    assert see(finding, model, x, y, rows=2).phase("backward") == ()
    assert see(finding, model, x, y, rows=2, phases=["backward"]).phase("backward")
    model = ev.init(ev.Sequential([ev.LSTM(2), ev.Dense(2)]), (16, 3), loss=CLASSES)
    assert see(finding, model, x[:, 1:], y, rows=2).phase("backward")


def test_a_layer_within_a_block_is_found():
    net = ev.Sequential([ev.Dense(6), ev.Residual([ev.Dense(8, bias_init=ev.Constant(-40.0)),
                                                   ev.ReLU(), ev.Dense(6)]), ev.Dense(2)])
    model = ev.init(net, 6, loss=CLASSES)
    finding = ev.Finding("dead_relu", "relu_1", None, 0.9, (), "", "", ())
    work = see(finding, model, X, Y, rows=ROWS)
    first = ev.init(ev.Sequential([ev.Dense(6, name="dense_1")]), 6, dtype="float64")
    first.engine.set_weights({n: model.weights[n] for n in first.weights})
    hidden = first.predict(X[:ROWS]) @ model.weights["dense_2.kernel"] - 40.0
    assert close(work["x"].floats, hidden)
    assert (work["relu_1.y"].floats == 0).all()


def test_a_rate_shows_the_update_that_would_come_next():
    model = trained(ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)]), optimizer=ev.Adam(1e-6))
    assert model.diagnosis.findings[0].kind == "rate_too_low"
    work = see(model.diagnosis, model, X, Y, rows=16)
    before = model.weights["dense_1.kernel"].astype(float)
    shown = work.phase("update")[-1]
    assert {step.layer for step in work.phase("update")} == {"dense_1.kernel", "dense_1.bias"}
    model.engine.step(model.engine.rows(X[:16]), model.engine.targets(Y[:16]))
    kernels = [step.floats for step in work.phase("update") if step.layer == "dense_1.kernel"
               and step.floats.shape == before.shape]
    moved = model.weights["dense_1.kernel"].astype(float)
    assert shown is not None
    assert np.abs(kernels[-1] - moved).max() < 1e-7
    assert np.abs(moved - before).max() < 1e-5


def test_clipping_by_all_gradients_is_not_pretended_of_one_layer():
    model = trained(ev.Sequential([ev.Dense(16), ev.ReLU(), ev.Dense(2)]), optimizer=ev.SGD(0.1),
                    clip=ev.ClipGlobalNorm(1e-4))
    assert model.diagnosis.findings[0].kind == "clipping_always"
    work = see(model.diagnosis, model, X, Y)
    assert work.phase("update") == ()
    assert work["dense_1.d_kernel"].floats.shape == (6, 16)


def test_an_end_that_does_not_fit_is_shown_with_its_loss():
    model = trained(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2), ev.Softmax()]))
    assert model.diagnosis.findings[0].kind == "output_activation_wrong"
    work = see(model.diagnosis, model, X, Y, rows=ROWS)
    layers = {step.layer for step in work.work.steps}
    assert {"dense_2", "softmax_1"} <= layers
    assert "dense_1" not in layers
    assert close(float(work["loss"].floats), model.evaluate(X[:ROWS], Y[:ROWS]).loss)


def test_batch_normalization_is_shown_in_both_modes():
    net = ev.Sequential([ev.Dense(8), ev.BatchNorm(decay=0.9999), ev.ReLU(), ev.Dense(2)])
    model = trained(net, 3 * X)
    finding = ev.Finding("batch_norm_mismatch", "batch_norm_1", None, 0.9, (), "", "", ())
    work = see(finding, model, 3 * X, Y, rows=16)
    assert work.phase("forward")
    assert work.phase("inference")


def test_inputs_are_shown_at_the_first_layer():
    model = trained(ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)]), 500 * X + 3000,
                    optimizer=ev.SGD(0.01))
    assert model.diagnosis.findings[0].kind == "inputs_not_scaled"
    work = see(model.diagnosis, model, 500 * X + 3000, Y, rows=2, phases=["forward"])
    assert np.allclose(work["x"].floats, (500 * X + 3000)[:2], rtol=1e-6)
    assert {step.layer for step in work.phase("forward")} == {"dense_1"}


def test_before_training():
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2), ev.Softmax()])
    diagnosis = ev.check(net, X, Y, loss=CLASSES)
    assert diagnosis.by_hand() == "ev.see(diagnosis, net, x, y, loss=loss)"
    assert see(diagnosis, net, X, Y, loss=CLASSES)["loss"]
    assert see(diagnosis, ev.Settings(net, CLASSES), X, Y)["loss"]


def test_targets_that_the_loss_refuses():
    net = ev.Sequential([ev.Dense(8), ev.ReLU(), ev.Dense(2)])
    diagnosis = ev.check(net, X, Y + 1, loss=CLASSES)
    assert diagnosis.findings[0].kind == "labels_wrong_range"
    assert see(diagnosis, net, X, Y + 1, loss=CLASSES).phase("loss") == ()


def test_an_estimator_takes_its_own_rows():
    labels = np.where(Y == 1, "yes", "no")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ev.NetClassifier((16,), learning_rate=1e-6, max_epochs=12, doctor=True,
                                  random_state=0).fit(100 * X + 7, labels)
    assert not fitted.diagnosis_.healthy
    work = see(fitted.diagnosis_, fitted, 100 * X + 7, labels, rows=ROWS)
    assert close(work["x"].floats, fitted.scaler_.scaled(100 * X + 7)[:ROWS])
    assert work["d_y"].floats.shape == (ROWS, 16)


def test_a_torch_record_names_the_layer_of_its_twin():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8),
                                 torch.nn.ReLU(), torch.nn.Linear(8, 2))
    with torch.no_grad():
        module[2].bias -= 50.0
    optimizer, criterion = torch.optim.SGD(module.parameters(), 0.1), torch.nn.CrossEntropyLoss()
    x, y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y)
    watcher = ev.watch_torch(module, optimizer, criterion, data=(x, y), epochs=8)
    for _ in range(8):
        for start in range(0, 120, 20):
            optimizer.zero_grad()
            loss = criterion(module(x[start:start + 20]), y[start:start + 20])
            loss.backward()
            watcher.step(loss)
            optimizer.step()
        watcher.epoch()
    diagnosis = watcher.diagnosis
    watcher.close()
    finding = diagnosis.findings[0]
    assert (finding.kind, finding.layer) == ("dead_relu", "3")
    assert diagnosis.by_hand() == \
        "ev.see(diagnosis, ev.from_torch(module, input_shape), x, y, loss=loss)"
    work = see(diagnosis, ev.from_torch(module, 6), X, Y, loss=CLASSES, rows=4)
    with torch.no_grad():
        hidden = module[:3](x[:4]).numpy()
    assert close(work["x"].floats, hidden)
    assert (work["relu_2.y"].floats == 0).all()
    with pytest.raises(ConfigurationError, match=r"no layer '3'.*the diagnosis in place"):
        see(finding, ev.from_torch(module, 6), X, Y, loss=CLASSES)
    with pytest.raises(ConfigurationError, match=r"give ev\.from_torch\(module, input_shape"):
        see(diagnosis, module, X, Y)


def test_the_line_to_copy_is_shown_everywhere():
    model = mlp()
    diagnosis = model.diagnosis
    line = "ev.see(diagnosis, model, x, y)"
    assert f"By hand: evenly exercise relu; on your rows: {line}" in str(diagnosis)
    assert line in diagnosis._repr_html_()
    assert line in render(diagnosis)
    assert json.loads(diagnosis.to_json())["findings"][0]["by_hand"] == line
    assert eval(line, {"ev": ev, "diagnosis": diagnosis, "model": model, "x": X, "y": Y})
    assert diagnosis.by_hand(2) == "ev.see(diagnosis, model, x, y, number=2)"


def test_a_record_of_a_network_that_cannot_be_run_shows_no_line():
    from .sick import SICK

    assert ev.diagnose(SICK["dead_relu"][0]).by_hand()
    from dataclasses import replace
    for source in ("keras", "plain"):
        assert ev.diagnose(replace(SICK["dead_relu"][0], source=source)).by_hand() == ""


def test_what_is_wrong_is_told():
    model = ev.init(ev.Sequential([ev.Dense(2)]), 6, loss=CLASSES)
    healthy = ev.Diagnosis()
    finding = ev.Finding("dead_relu", "relu_9", None, 0.9, (), "", "", ())
    for what, given, told in (
        (healthy, model, "no findings"), ("dead_relu", model, "expects a Diagnosis"),
        (ev.Diagnosis((finding,)), model, "no layer 'relu_9'; there are dense_1"),
        (finding, 5, "expects a model"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            see(what, given, X, Y)
    for number in (0, 2, "1", None):
        with pytest.raises(ConfigurationError, match="number is 1 to 1"):
            see(ev.Diagnosis((finding,)), model, X, Y, number=number)
    for rows in (0, 2.0, True, None):
        with pytest.raises(ConfigurationError, match="rows must be a whole number"):
            see(finding, model, X, Y, rows=rows)
    with pytest.raises(ConfigurationError, match="has no loss: give loss="):
        see(finding, ev.init(ev.Sequential([ev.Dense(2)]), 6), X, Y)
    with pytest.raises(ev.errors.DataError, match="120 rows and y has 119"):
        see(finding, model, X, Y[1:])
    with pytest.raises(ev.errors.ShapeError, match="expects inputs of shape"):
        see(finding, model, X[:, 1:], Y)
