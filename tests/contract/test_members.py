"""Networks of several members: each is judged by itself, and they answer by their mean."""

import numpy as np
import pytest
import torch

import evenly as ev
from evenly.layers.ensemble import judged, of_each
from tests.contract.common import arrays_for, error, values

LOSSES = {
    "classes": (ev.SoftmaxCrossEntropy(class_weights=(1, 2, 0.5)), 3),
    "ignored": (ev.SoftmaxCrossEntropy(ignore_index=1, mean_over="rows"), 3),
    "labels": (ev.BinaryCrossEntropy(), 3),
    "numbers": (ev.MeanSquaredError(), 2),
    "logs": (ev.Poisson(), 1),
    "quantiles": (ev.Quantile((0.1, 0.5, 0.9)), 3),
}


def net_of(loss, outputs, members=4, hidden=5):
    return ev.Sequential([
        ev.Members(members), ev.BatchEnsemble(hidden, scale_inputs=False), ev.Tanh(),
        ev.BatchEnsemble(hidden), ev.ReLU(), ev.MemberDense(outputs),
        ev.MemberMean(**loss.averaging),
    ])


def targets(loss, outputs, rows, seed=0):
    rng = np.random.default_rng(seed)
    if loss.targets_are_classes:
        return rng.integers(0, outputs, rows)
    if isinstance(loss, ev.Quantile):
        return rng.standard_normal((rows, 1))
    return (rng.random((rows, outputs)) > 0.5) * 1.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_training_judges_each_member_and_inference_their_mean(name, weighted):
    loss, outputs = LOSSES[name]
    net, rows = net_of(loss, outputs), 11
    x, y = values(0, (rows, 6)), targets(loss, outputs, rows)
    arrays = arrays_for(net, (6,), 1, "float64")
    weights = np.random.default_rng(3).random(rows) if weighted else None
    program = ev.compile(net, 6, batch=rows, loss=loss, dtype="float64", input_gradient=True)
    engine = ev.Engine(program, weights=arrays)
    value, d_x, gradients = engine.gradients(x, y, weights)

    part, apart = judged(net.resolved)
    assert apart
    run = ev.Run(training=True, weights=weights)
    out, saved = part.forward(x, arrays, run)
    given = loss.prepare(y, (outputs,), "float64")
    own, kept = loss.forward(out, of_each(given, 4), run)
    wanted_d_x, wanted = part.backward(loss.backward(kept, run), arrays, saved, run)
    assert error(value, own) < 1e-12
    assert error(d_x, wanted_d_x) < 1e-12
    for array, gradient in wanted.items():
        assert error(gradients[array], gradient, 1.0) < 1e-12, array
    # The mean of the members' losses, each by itself.
    each = [float(loss.forward(out[:, i], given, run)[0]) for i in range(4)]
    assert error(value, np.mean(each)) < 1e-12

    scores, _ = net.forward(x, arrays, ev.Run(training=False))
    assert error(engine.predict(x), scores) < 1e-12
    told = engine.evaluate(x, y, weights)
    assert error(told.loss, loss.forward(scores, given, run)[0]) < 1e-12


def test_scores_of_a_training_are_the_members_in_the_mean():
    x = values(0, (40, 3))
    y = (x[:, :1] - x[:, 1:2]) * 2
    net = net_of(ev.MeanSquaredError(), 1)
    model = ev.fit(net, x, y, loss=ev.MeanSquaredError(), optimizer=ev.SGD(1e-12), epochs=1,
                   batch=40, dtype="float64")
    arrays = {name: np.array(array) for name, array in model.weights.items()}
    out, _ = judged(net.resolved)[0].forward(x, arrays, ev.Run(training=True))
    squares = ((out - y[:, None]) ** 2).mean(axis=(0, 1, 2))
    record = model.history[-1]
    assert error(record.loss, squares) < 1e-8
    assert error(record.score, 1 - squares / y.var()) < 1e-8


def test_the_steps_on_paper_are_those_of_training():
    loss = ev.SoftmaxCrossEntropy()
    net = net_of(loss, 3, members=2, hidden=3)
    arrays = arrays_for(net, (2,), 0, "float64")
    x, y = np.array([[1.0, -2.0], [3.0, 1.0]]), np.array([0, 2])
    work = ev.show_work(net, x, y, loss=loss, weights=arrays).work
    program = ev.compile(net, 2, batch=2, loss=loss, dtype="float64")
    value, _, gradients = ev.Engine(program, weights=arrays).gradients(x, y)
    steps = {step.title: step.floats for step in work.steps}
    assert error(steps["loss"], value) < 1e-12
    for name in ("members_1.factor", "batch_ensemble_2.input_scale", "batch_ensemble_2.kernel",
                 "batch_ensemble_1.output_scale", "member_dense_1.bias"):
        layer, _, slot = name.partition(".")
        assert error(steps[f"{layer}.d_{slot}"], gradients[name].reshape(
            steps[f"{layer}.d_{slot}"].shape)) < 1e-12, name
    assert not any("member_mean" in title for title in steps)


@pytest.mark.parametrize("members", [
    [ev.Members(5), ev.BatchEnsemble(8, scale_inputs=False), ev.ReLU(), ev.Dropout(0.1),
     ev.BatchEnsemble(7, bias=False)],
    [ev.Members(5, "normal"), ev.Conv1D(8, 1), ev.ReLU(), ev.Conv1D(7, 1)],
    [ev.Dense(40), ev.Reshape((5, 8)), ev.ReLU(), ev.MemberDense(7, bias=False)],
], ids=["tabm", "mini", "packed"])
def test_networks_of_members_train_save_and_go_to_pytorch(members, tmp_path):
    x = values(0, (90, 4)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype(int)
    net = ev.Sequential([*members, ev.ReLU(), ev.MemberDense(2), ev.MemberMean("classes")])
    told = [ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=25, batch=32, seed=1,
                   optimizer=ev.Adam(0.03), threads=threads, validation=(x, y))
            for threads in (1, 3)]
    assert told[0].history[-1].validation_score > 0.93
    for name, array in told[0].weights.items():
        np.testing.assert_array_equal(array, told[1].weights[name])
    model = told[0]
    ev.save(tmp_path / "members.evenly", model)
    np.testing.assert_array_equal(ev.load(tmp_path / "members.evenly").predict(x), model.predict(x))
    module = ev.to_torch(model)
    with torch.no_grad():
        assert error(module(torch.tensor(x)).numpy(), model.predict(x)) < 1e-5
    back = ev.from_torch(module, 4)
    assert error(back.predict(x), model.predict(x)) < 1e-6
    assert [type(layer).__name__ for layer in back.net.layers][-2:] == ["MemberDense", "MemberMean"]


def test_first_factors():
    signs = ev.init(ev.Sequential([ev.Members(30)]), 20).weights["members_1.factor"]
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert 0.3 < (signs > 0).mean() < 0.7
    normal = ev.init(ev.Sequential([ev.Members(30, "normal")]), 20).weights["members_1.factor"]
    assert 0.8 < normal.std() < 1.2


def test_a_mean_with_something_behind_it_is_judged_itself():
    loss = ev.MeanSquaredError()
    net = ev.Sequential([ev.Members(3), ev.MemberDense(2), ev.MemberMean(), ev.Dense(1)])
    arrays = arrays_for(net, (4,), 0, "float64")
    x, y = values(0, (7, 4)), values(1, (7, 1))
    program = ev.compile(net, 4, batch=7, loss=loss, dtype="float64")
    value, _, _ = ev.Engine(program, weights=arrays).gradients(x, y)
    out, _ = net.forward(x, arrays, ev.Run(training=True))
    assert error(value, ((out - y) ** 2).mean()) < 1e-12


@pytest.mark.parametrize(("make", "words"), [
    (lambda: ev.Members(0), "count must be 1 to 1024"),
    (lambda: ev.Members(2, "odd"), "init is one of 'signs', 'normal', 'ones'"),
    (lambda: ev.BatchEnsemble(0), "units must be at least 1"),
    (lambda: ev.MemberMean("odds"), "of is one of"),
    (lambda: ev.compile([ev.BatchEnsemble(3)], 4),
     r"BatchEnsemble 'batch_ensemble_1': expects \(batch, members, features\), got .*add "
     r"Members\(count\) before it"),
    (lambda: ev.compile([ev.MemberDense(3)], 4), r"expects \(batch, members, features\)"),
    (lambda: ev.compile([ev.MemberMean()], 4), r"begin the network with Members\(count\)"),
    (lambda: ev.compile([ev.Members(2)], (3, 4)), r"add Flatten\(\) before it"),
])
def test_what_cannot_be(make, words):
    with pytest.raises(ev.errors.EvenlyError, match=words):
        make()
