"""Trainings of PyTorch's: watched without a bit of change, and measured rightly."""

import math

import numpy as np
import pytest

import evenly as ev
from evenly.errors import ConfigurationError
from evenly.records import read_lines

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

X = torch.randn(160, 20, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.bn, self.fc2 = nn.Linear(20, 32), nn.BatchNorm1d(32), nn.Linear(32, 32)
        self.drop, self.fc3 = nn.Dropout(0.3), nn.Linear(32, 2)

    def forward(self, x):
        h = F.relu(self.bn(self.fc1(x)))
        h = h + torch.tanh(self.fc2(h))
        return F.log_softmax(self.fc3(self.drop(h)), dim=1)


class Recurrent(nn.Module):
    def __init__(self, kind=nn.LSTM, **settings):
        super().__init__()
        self.rnn, self.out = kind(5, 8, batch_first=True, **settings), nn.Linear(8, 2)

    def forward(self, x):
        y, _ = self.rnn(x.view(-1, 4, 5))
        return self.out(y[:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(10, 8), nn.Linear(8, 2)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.out(self.block(self.embed(x)).mean(1))


def conv():
    return nn.Sequential(
        nn.Unflatten(1, (1, 4, 5)), nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.LeakyReLU(0.2),
        nn.Dropout2d(0.1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 2),
    )


def inplace():
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Dropout(0.2),
                         nn.GroupNorm(4, 16), nn.Linear(16, 2))


WORDS = (X.abs() * 3).long().clamp(0, 9)
CROSS = nn.CrossEntropyLoss()
MODELS = {
    "functional": (Functional, X, Y, nn.NLLLoss()),
    "inplace": (inplace, X, Y, CROSS),
    "conv": (conv, X, Y, CROSS),
    "lstm": (Recurrent, X, Y, CROSS),
    "gru": (lambda: Recurrent(nn.GRU), X, Y, CROSS),
    "rnn": (lambda: Recurrent(nn.RNN, num_layers=2), X, Y, CROSS),
    "transformer": (Transformer, WORDS, Y, F.cross_entropy),
    "one layer": (lambda: nn.Linear(20, 2), X, Y, CROSS),
}


def train(name, watched, epochs=3, clip=None, late=False, accumulate=1, finished=True):
    make, x, y, criterion = MODELS[name]
    torch.manual_seed(1)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    watcher = None
    if watched:
        watcher = ev.watch_torch(model, optimizer, criterion, data=(x, y),
                                 validation=(x[:50], y[:50]), epochs=epochs)
    for _ in range(epochs):
        model.train()
        for i, rows in enumerate(torch.randperm(len(x)).split(32)):
            if i % accumulate == 0:
                optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            if watcher and not late:
                watcher.step(loss)
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            if i % accumulate == accumulate - 1:
                optimizer.step()
            if watcher and late:
                watcher.step(loss)
        if watcher:
            watcher.epoch()
    return model, watcher


@pytest.mark.parametrize("name", MODELS)
def test_watching_changes_no_bit(name):
    plain, _ = train(name, False)
    generator = torch.get_rng_state()
    model, watcher = train(name, True)
    for key, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(module.training for module in model.modules())
    record = watcher.record
    assert [epoch.epoch for epoch in record.epochs] == [1, 2, 3]
    assert record.probes[0].step == 0
    assert record.initial_layers
    assert record.stopped == "epochs"
    assert record.epochs[-1].train_loss is not None
    watcher.close()


@pytest.mark.parametrize("settings", [{"late": True}, {"accumulate": 2}, {"clip": 0.01}], ids=str)
def test_other_ways_to_step(settings):
    plain, _ = train("functional", False, **settings)
    model, watcher = train("functional", True, **settings)
    for key, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert watcher.record.epochs[0].steps == 5
    probe = watcher.record.probes[0].layers["fc1"]
    assert probe.gradient_norm > 0
    assert (probe.update_ratio is None) == ("accumulate" in settings)
    if "clip" in settings:
        assert watcher.record.epochs[0].clipped_share == 1
        assert watcher.record.optimizer.clip_limit == pytest.approx(0.01, rel=1e-3)
        assert watcher.record.probes[0].gradient_norm > 0.1


def kinds(name):
    network = train(name, True, 1)[1].record.network
    return [(layer.name, layer.kind, layer.inputs) for layer in network.layers], network.outputs


def test_functions_between_modules_are_layers():
    layers, outputs = kinds("functional")
    assert layers == [
        ("fc1", "dense", ("data",)), ("bn", "batch_norm", ("fc1",)),
        ("relu function 1", "relu", ("bn",)), ("fc2", "dense", ("relu function 1",)),
        ("tanh function 1", "tanh", ("fc2",)),
        ("add function 1", "add", ("relu function 1", "tanh function 1")),
        ("drop", "dropout", ("add function 1",)), ("fc3", "dense", ("drop",)),
        ("softmax function 1", "softmax", ("fc3",)),
    ]
    assert outputs == ("softmax function 1",)


def test_modules_are_layers_once():
    layers, outputs = kinds("inplace")
    assert layers == [("0", "dense", ("data",)), ("1", "relu", ("0",)), ("2", "dropout", ("1",)),
                      ("3", "group_norm", ("2",)), ("4", "dense", ("3",))]
    assert outputs == ("4",)
    layers, _ = kinds("conv")
    assert [kind for _, kind, _ in layers] == [
        "conv", "batch_norm", "leaky_relu", "spatial_dropout", "pool", "dense"]
    layers, _ = kinds("transformer")
    assert ("add function 1", "add", ("embed", "block.dropout1")) in layers


def test_what_a_probe_measures():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    kernel = model[0].weight.detach().clone()
    watcher = ev.watch_torch(model, optimizer, CROSS)
    hidden = model[1](model[0](X))
    hidden.retain_grad()
    hidden = hidden.detach()
    watcher = ev.watch_torch(model, optimizer, CROSS)
    loss = CROSS(model(X), Y)
    loss.backward()
    watcher.step(loss)
    optimizer.step()
    record = watcher.record
    probe = record.probes[0]
    gradient = model[0].weight.grad
    scores = model[2](hidden)
    assert scores.shape == (160, 2)
    d_scores = (torch.softmax(scores, 1) - F.one_hot(Y)).detach()
    first, relu = probe.layers["0"], probe.layers["1"]
    norm = math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
    np.testing.assert_allclose(
        [probe.loss, probe.gradient_norm, probe.rows, probe.learning_rate, first.gradient_norm,
         first.weight_norm, first.update_ratio, relu.mean, relu.zero_share],
        [float(loss.detach()), norm, 160, 0.5, float(gradient.norm()), float(kernel.norm()),
         0.5 * float(gradient.norm() / kernel.norm()), float(hidden.mean()),
         float((hidden == 0).double().mean())], rtol=1e-4)
    assert probe.layers["2"].output_gradient == pytest.approx(
        float((d_scores**2).mean().sqrt()), rel=0.5)
    assert (record.optimizer.kind, record.loss.kind) == ("sgd", "softmax_cross_entropy")
    assert record.network.layers[0].fan_in == 20
    assert record.network["2"].inputs == ("1",)


def test_dead_twin_and_saturated_units():
    model = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 4), nn.Sigmoid(),
                          nn.Linear(4, 2))
    with torch.no_grad():
        model[0].bias -= 99
        model[2].bias += 99
        model[4].weight.fill_(0.1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watcher = ev.watch_torch(model, optimizer, CROSS)
    loss = CROSS(model(X), Y)
    loss.backward()
    watcher.step(loss)
    optimizer.step()
    layers = watcher.record.probes[0].layers
    assert layers["1"].dead_share == 1
    assert layers["3"].saturated_share == 1
    assert layers["2"].dead_share == 0
    assert layers["0"].twin_share == 0
    assert watcher.diagnosis.record.probes == watcher.record.probes


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_saturated_gates(kind):
    shares = []
    for factor in (1, 200):
        torch.manual_seed(0)
        model = Recurrent(kind)
        with torch.no_grad():
            model.rnn.weight_ih_l0 *= factor
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        watcher = ev.watch_torch(model, optimizer)
        loss = CROSS(model(X), Y)
        loss.backward()
        watcher.step(loss)
        optimizer.step()
        shares.append(watcher.record.probes[0].layers["rnn"].saturated_share)
    assert shares[0] < 0.05
    assert shares[1] > 0.5


def test_the_statistics_of_batch_norm():
    model = nn.Sequential(nn.BatchNorm1d(20), nn.Linear(20, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watcher = ev.watch_torch(model, optimizer)
    loss = CROSS(model(X * 10 + 3), Y)
    loss.backward()
    watcher.step(loss)
    optimizer.step()
    gap = watcher.record.probes[0].layers["0"]
    x = X.double() * 10 + 3
    assert gap.mean_gap == pytest.approx(float(x.mean(0).abs().mean()), rel=1e-3)
    assert gap.variance_gap == pytest.approx(
        float(x.var(0, unbiased=False).log().abs().mean()), rel=1e-3)
    assert watcher.record.rows_of_batch_norm == {"0": 160}


def test_data_may_be_a_loader():
    dataset = torch.utils.data.TensorDataset(X, Y)
    loader = torch.utils.data.DataLoader(dataset, 16, shuffle=True)
    model = nn.Linear(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = torch.get_rng_state()
    watcher = ev.watch_torch(model, optimizer, CROSS, data=loader)
    assert torch.equal(torch.get_rng_state(), before)
    assert watcher.record.data.rows == 160
    assert watcher.record.data.targets.kind == "classes"


def test_a_training_without_epochs_is_cut_into_parts(tmp_path):
    model = nn.Linear(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watcher = ev.watch_torch(model, optimizer, CROSS)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = CROSS(model(X), Y)
        loss.backward()
        watcher.step(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    record = watcher.record
    assert len(record.epochs) == 20
    assert record.epochs[0].loss == pytest.approx(np.mean(losses[:3]))
    watcher.write(tmp_path / "run.jsonl")
    assert read_lines(tmp_path / "run.jsonl").epochs == record.epochs


def test_a_training_that_goes_on_is_not_over():
    model = nn.Linear(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watcher = ev.watch_torch(model, optimizer, CROSS, epochs=5)
    loss = CROSS(model(X), Y)
    loss.backward()
    watcher.step(loss)
    optimizer.step()
    watcher.epoch(validation_loss=0.5)
    assert watcher.record.stopped == ""
    assert watcher.record.epochs[0].validation_loss == 0.5


def test_a_loss_that_is_not_finite():
    model = nn.Linear(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watcher = ev.watch_torch(model, optimizer, CROSS)
    for factor in (1, math.nan):
        loss = CROSS(model(X), Y) * factor
        loss.backward()
        watcher.step(loss)
        optimizer.step()
    watcher.epoch()
    assert watcher.record.stopped == "diverged"
    assert watcher.record.failed_at[0] == 1


def test_close_takes_the_hooks_away():
    model = nn.Sequential(nn.Linear(20, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    ev.watch_torch(model, optimizer).close()
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_what_is_no_module():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1)
    with pytest.raises(ConfigurationError, match=r"expects a torch\.nn\.Module"):
        ev.watch_torch("net", optimizer)
    with pytest.raises(ConfigurationError, match=r"expects a torch\.optim\.Optimizer"):
        ev.watch_torch(nn.Linear(1, 1), None)
    with pytest.raises(ConfigurationError, match="a Dataset with a length"):
        ev.watch_torch(nn.Linear(1, 1), optimizer, data=3)


@pytest.mark.parametrize(("criterion", "kind"), [
    (nn.CrossEntropyLoss(label_smoothing=0.1), "softmax_cross_entropy"),
    (F.binary_cross_entropy_with_logits, "binary_cross_entropy"),
    (nn.BCELoss(), "binary_cross_entropy_of_probabilities"), (nn.NLLLoss(), "nll"),
    (nn.MSELoss(), "squared_error"), (nn.L1Loss(), "absolute_error"),
    (nn.SmoothL1Loss(), "huber"),
    (nn.PoissonNLLLoss(), "poisson"), (nn.PoissonNLLLoss(log_input=False), "other"),
    (lambda a, b: a, "other"),
])
def test_losses(criterion, kind):
    model = nn.Linear(1, 1)
    watcher = ev.watch_torch(model, torch.optim.SGD(model.parameters(), 0.1), criterion)
    assert watcher.record.loss.kind == kind


@pytest.mark.parametrize(("make", "kind"), [
    (lambda p: torch.optim.SGD(p, 0.1), "sgd"),
    (lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), "momentum"),
    (lambda p: torch.optim.AdamW(p, 0.1), "adamw"), (lambda p: torch.optim.Adam(p, 0.1), "adam"),
    (lambda p: torch.optim.RMSprop(p, 0.1), "rmsprop"),
    (lambda p: torch.optim.NAdam(p, 0.1), "nadam"), (lambda p: torch.optim.Rprop(p, 0.1), "other"),
])
def test_optimizers(make, kind):
    model = nn.Linear(1, 1)
    record = ev.watch_torch(model, make(model.parameters())).record
    assert (record.optimizer.kind, record.optimizer.learning_rate) == (kind, 0.1)
