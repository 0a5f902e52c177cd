"""Schedules against PyTorch's, over whole trainings."""

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

from evenly.errors import ConfigurationError
from evenly.schedules import (
    CosineDecay,
    CosineRestarts,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    LinearWarmup,
    LogCosine,
    MultiStepDecay,
    OneCycle,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    rates_and_momenta,
)
from evenly.training.history import EpochRecord
from evenly.training.plateau import PlateauFollower

RATE, EPOCHS, STEPS = 0.3, 24, 5
N = {"epoch": EPOCHS, "step": EPOCHS * STEPS}


def warmed(length, start, then):
    """PyTorch's schedule `then` behind a linear warm-up."""
    return lambda o: theirs.SequentialLR(
        o, [theirs.LinearLR(o, start_factor=start, total_iters=length), then(o)], [length]
    )


# Each: our schedule, and PyTorch's as a function of its optimizer.
ROWS = {}
for by, n in N.items():
    k = n // 4
    ROWS |= {
        f"{name} by {by}": (ours, witness) for name, ours, witness in [
            ("steps", StepDecay(k, 0.1, by=by), lambda o, k=k: theirs.StepLR(o, k)),
            ("small steps", StepDecay(1, 0.9, by=by), lambda o: theirs.StepLR(o, 1, 0.9)),
            ("milestones", MultiStepDecay([1, k, k + 1, 3 * k], 0.5, by=by),
             lambda o, k=k: theirs.MultiStepLR(o, [1, k, k + 1, 3 * k], 0.5)),
            ("milestones beyond", MultiStepDecay((0, n + 5), 0.2, by=by),
             lambda o, n=n: theirs.LambdaLR(o, lambda t: 0.2)),
            ("exponential", ExponentialDecay(0.95, by=by),
             lambda o: theirs.ExponentialLR(o, 0.95)),
            ("growing", ExponentialDecay(1.05, by=by), lambda o: theirs.ExponentialLR(o, 1.05)),
            ("inverse time", InverseTimeDecay(0.3, by=by),
             lambda o: theirs.LambdaLR(o, lambda t: 1 / (1 + 0.3 * t))),
            ("linear", PolynomialDecay(by=by), lambda o, n=n: theirs.PolynomialLR(o, n)),
            ("square", PolynomialDecay(k, power=2.0, by=by),
             lambda o, k=k: theirs.PolynomialLR(o, k, 2.0)),
            ("root", PolynomialDecay(power=0.5, by=by),
             lambda o, n=n: theirs.PolynomialLR(o, n, 0.5)),
            ("linear to a floor", PolynomialDecay(k, floor=0.25, by=by),
             lambda o, k=k: theirs.LinearLR(o, 1.0, 0.25, total_iters=k)),
            ("cosine", CosineDecay(by=by), lambda o, n=n: theirs.CosineAnnealingLR(o, n)),
            ("cosine to a floor", CosineDecay(floor=0.1, by=by),
             lambda o, n=n: theirs.CosineAnnealingLR(o, n, 0.1 * RATE)),
            ("flat, then a cosine", FlatCosine(by=by), lambda o, n=n: theirs.LambdaLR(
                o, lambda t: 1 if t < n / 2 else (1 + math.cos(math.pi * (2 * t / n - 1))) / 2)),
            ("flat to a floor", FlatCosine(0.25, floor=0.1, by=by), lambda o, n=n: theirs.LambdaLR(
                o, lambda t: 0.55 + 0.45 * math.cos(math.pi * max(0, (t / n - 0.25) / 0.75)))),
            ("waves", LogCosine(by=by), lambda o, n=n: theirs.LambdaLR(
                o, lambda t: 0.5 - 0.5 * math.cos(2 * math.pi * math.log2(1 + 15 * t / n)))),
            ("two waves", LogCosine(2, by=by), lambda o, n=n: theirs.LambdaLR(
                o, lambda t: 0.5 - 0.5 * math.cos(2 * math.pi * math.log2(1 + 3 * t / n)))),
            ("restarts", CosineRestarts(k - 1, by=by),
             lambda o, k=k: theirs.CosineAnnealingWarmRestarts(o, k - 1)),
            ("restarts twice as long", CosineRestarts(3, growth=2, floor=0.2, by=by),
             lambda o: theirs.CosineAnnealingWarmRestarts(o, 3, 2, 0.2 * RATE)),
            ("restarts thrice as long", CosineRestarts(1, growth=3, by=by),
             lambda o: theirs.CosineAnnealingWarmRestarts(o, 1, 3)),
            ("warm-up", LinearWarmup(k, by=by),
             lambda o, k=k: theirs.LinearLR(o, 0.1, total_iters=k)),
            ("warm-up of one", LinearWarmup(1, start=0.5, by=by),
             lambda o: theirs.LinearLR(o, 0.5, total_iters=1)),
            ("warm-up, cosine", LinearWarmup(k, start=0.01, then=CosineDecay(by=by), by=by),
             warmed(k, 0.01, lambda o, n=n, k=k: theirs.CosineAnnealingLR(o, n - k))),
            ("warm-up, steps", LinearWarmup(3, then=StepDecay(k, 0.3, by=by), by=by),
             warmed(3, 0.1, lambda o, k=k: theirs.StepLR(o, k, 0.3))),
            ("warm-up, square",
             LinearWarmup(2, start=0.3, then=PolynomialDecay(power=2.0, by=by), by=by),
             warmed(2, 0.3, lambda o, n=n: theirs.PolynomialLR(o, n - 2, 2.0))),
            ("warm-up beyond the end", LinearWarmup(2 * n, then=CosineDecay(by=by), by=by),
             lambda o, n=n: theirs.LinearLR(o, 0.1, total_iters=2 * n)),
            ("one cycle", OneCycle(by=by), lambda o, n=n: theirs.OneCycleLR(o, RATE, n)),
            ("one cycle, straight",
             OneCycle(rise=0.4, start_divisor=10.0, end_divisor=100.0, shape="linear",
                      highest=0.9, lowest=0.5, by=by),
             lambda o, n=n: theirs.OneCycleLR(
                 o, RATE, n, pct_start=0.4, anneal_strategy="linear", div_factor=10.0,
                 final_div_factor=100.0, base_momentum=0.5, max_momentum=0.9)),
            ("one cycle, three phases", OneCycle(three_phase=True, rise=0.37, by=by),
             lambda o, n=n: theirs.OneCycleLR(o, RATE, n, pct_start=0.37, three_phase=True)),
            ("one cycle, three straight phases",
             OneCycle(three_phase=True, shape="linear", by=by),
             lambda o, n=n: theirs.OneCycleLR(o, RATE, n, three_phase=True,
                                              anneal_strategy="linear")),
            ("one cycle, peak at once", OneCycle(rise=0.0, by=by),
             lambda o, n=n: theirs.OneCycleLR(o, RATE, n, pct_start=0.0)),
            ("one cycle, peak at the end", OneCycle(rise=1.0, by=by),
             lambda o, n=n: theirs.OneCycleLR(o, RATE, n, pct_start=1.0)),
        ]
    }


def torch_run(make, n, momentum=0.9):
    """PyTorch's rates and momenta of n steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], RATE, momentum)
    with warnings.catch_warnings():
        # SequentialLR calls its own members in a way that it warns of.
        warnings.filterwarnings("ignore", message="The epoch parameter", category=UserWarning)
        schedule = make(optimizer)
        rates, momenta = [], []
        for step in range(n):
            group = optimizer.param_groups[0]
            rates.append(float(group["lr"]))
            momenta.append(float(group["momentum"]))
            optimizer.step()
            if step < n - 1:
                schedule.step()
    return np.array(rates), np.array(momenta)


@pytest.mark.parametrize("name", ROWS)
def test_is_pytorchs(name):
    ours, make = ROWS[name]
    n = N[ours.by]
    rates, momenta = rates_and_momenta(ours, RATE, 0, EPOCHS * STEPS, STEPS, EPOCHS)
    wanted, wanted_momenta = torch_run(make, n)
    if ours.by == "epoch":
        wanted, wanted_momenta = np.repeat(wanted, STEPS), np.repeat(wanted_momenta, STEPS)
    # Some of theirs are products of as many factors as steps; near 0 they keep the first rate's
    # rounding.
    np.testing.assert_allclose(rates, wanted, rtol=1e-12, atol=1e-15)
    if isinstance(ours, OneCycle):
        np.testing.assert_allclose(momenta, wanted_momenta, rtol=1e-12)
    else:
        assert momenta is None


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize("three", [False, True])
def test_short_cycles(n, three):
    ours = OneCycle(three_phase=three, rise=0.3)
    rates, _ = rates_and_momenta(ours, RATE, 0, n, 1, n)
    wanted, _ = torch_run(lambda o: theirs.OneCycleLR(o, RATE, n, three_phase=three), n)
    np.testing.assert_allclose(rates, wanted, rtol=1e-12)


def test_a_cycle_whose_peak_is_its_first_step():  # PyTorch divides by zero here
    factors = OneCycle(rise=0.25, shape="linear").factors(np.arange(4.0), 4)
    np.testing.assert_allclose(factors, [1, 2 / 3, 1 / 3, 0], atol=1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_parts_of_a_training_are_parts_of_the_whole(name):
    ours, _ = ROWS[name]
    rates, momenta = rates_and_momenta(ours, RATE, 0, EPOCHS * STEPS, STEPS, EPOCHS)
    for first, steps in [(0, 1), (7, 4), (EPOCHS * STEPS - 1, 1), (30, 0), (40, 6)]:
        part, own = rates_and_momenta(ours, RATE, first, steps, STEPS, EPOCHS)
        np.testing.assert_array_equal(part, rates[first : first + steps])
        if momenta is not None:
            np.testing.assert_array_equal(own, momenta[first : first + steps])


# What each is at its end and far behind it, in a training of 12.
ENDS = [
    (CosineDecay(), 0.0, 0.0), (CosineDecay(floor=0.3), 0.3, 0.3), (CosineDecay(6), 0.0, 0.0),
    (FlatCosine(), 0.0, 0.0), (FlatCosine(0.9, floor=0.2), 0.2, 0.2),
    (FlatCosine(length=6), 0.0, 0.0),
    (LogCosine(), 0.0, 0.0), (LogCosine(3, length=6), 0.0, 0.0),
    (PolynomialDecay(), 0.0, 0.0), (PolynomialDecay(5, power=3.0, floor=0.5), 0.5, 0.5),
    (LinearWarmup(4), 1.0, 1.0), (LinearWarmup(4, then=CosineDecay(floor=0.1)), 0.1, 0.1),
    (StepDecay(4, 0.5), 0.125, 0.5**250), (MultiStepDecay([12], 0.5), 0.5, 0.5),
    (CosineRestarts(4), 1.0, 1.0), (CosineRestarts(4, growth=2.0), 1.0, None),
    (OneCycle(), 4e-6, 4e-6), (OneCycle(three_phase=True), 4e-6, 4e-6),
]


@pytest.mark.parametrize(("schedule", "end", "beyond"), ENDS, ids=str)
def test_the_end_and_what_lies_behind(schedule, end, beyond):
    at_end, behind = schedule.factors(np.array([12.0, 1000.0]), 12)
    assert at_end == pytest.approx(end, abs=1e-15)
    if beyond is not None:
        assert behind == pytest.approx(beyond, abs=1e-15)
    assert schedule.factors(np.empty(0), 12).shape == (0,)


def test_a_warm_up_hands_over_at_its_length():
    schedule = LinearWarmup(2, start=0.5, then=MultiStepDecay([0], 0.1, by="step"))
    np.testing.assert_allclose(schedule.factors(np.arange(4.0), 4), [0.5, 0.75, 0.1, 0.1])


def test_restarts_that_grow_by_a_fraction():
    factors = CosineRestarts(2, growth=1.5).factors(np.arange(10.0), 10)
    # falls of 2, 3 and 4.5 begin at 0, 2, 5 and 9.5
    since = np.array([0 / 2, 1 / 2, 0 / 3, 1 / 3, 2 / 3, 0, 1 / 4.5, 2 / 4.5, 3 / 4.5, 4 / 4.5])
    np.testing.assert_allclose(factors, (1 + np.cos(np.pi * since)) / 2, rtol=1e-14)


def test_momenta_of_what_follows_a_warm_up():
    schedule = LinearWarmup(5, then=OneCycle())
    momenta = schedule.momenta(np.arange(25.0), 25)
    np.testing.assert_array_equal(momenta[:5], 0.95)
    np.testing.assert_array_equal(momenta[5:], OneCycle().momenta(np.arange(20.0), 20))
    assert LinearWarmup(5).momenta(np.arange(3.0), 9) is None
    assert OneCycle(cycle_momentum=False).momenta(np.arange(3.0), 9) is None


# A schedule of one's own ---------------------------------------------------------------------


@dataclass(frozen=True)
class Own(Schedule):
    values: object = None
    own_momenta: object = None
    by: str = "epoch"

    def factors(self, positions, length):
        assert length == 3
        return self.values(positions)

    def momenta(self, positions, length):
        return self.own_momenta and self.own_momenta(positions)


def test_a_schedule_of_ones_own():
    own = Own(lambda t: 1 + t, lambda t: t / 4)
    rates, momenta = rates_and_momenta(own, 0.5, 1, 5, steps_per_epoch=2, epochs=3)
    np.testing.assert_array_equal(rates, [0.5, 1, 1, 1.5, 1.5])
    np.testing.assert_array_equal(momenta, [0, 0.25, 0.25, 0.5, 0.5])


@pytest.mark.parametrize(("own", "message"), [
    (Own(lambda t: 1.0), r"Own.factors: expects one number for each of the 6 positions, got shape"),
    (Own(lambda t: 1 - t), r"Own.factors: expects finite .*, got -1.0 at position 2"),
    (Own(lambda t: np.where(t > 1, np.inf, 1)), r"Own.factors: expects finite .*, got inf at"),
    (Own(lambda t: np.where(t > 1, np.nan, 1)), r"got nan at position 2"),
    (Own(lambda t: t, lambda t: t), r"Own.momenta: .* below 1, got 1.0 at position 1"),
])
def test_what_a_schedule_may_not_give(own, message):
    with pytest.raises(ConfigurationError, match=message):
        rates_and_momenta(own, 0.5, 0, 6, steps_per_epoch=2, epochs=3)


def test_a_schedule_without_factors():
    @dataclass(frozen=True)
    class Empty(Schedule):
        by: str = "step"

    with pytest.raises(NotImplementedError, match="Empty needs a factors method"):
        rates_and_momenta(Empty(), 0.1, 0, 1, 1, 1)


# Arguments -----------------------------------------------------------------------------------

WRONG = [
    (lambda: StepDecay(0), "StepDecay: every must be at least 1, got 0"),
    (lambda: StepDecay(2.5), "StepDecay: every must be a whole number, got 2.5"),
    (lambda: StepDecay(2, -0.1), "StepDecay: factor must be positive, got -0.1"),
    (lambda: StepDecay(2, by="batch"), "StepDecay: by is 'step' or 'epoch', got 'batch'"),
    (lambda: MultiStepDecay([]), "MultiStepDecay: at expects epochs.* got \\[\\]"),
    (lambda: MultiStepDecay([3, 2]), "at expects epochs: whole numbers of at least 0, rising"),
    (lambda: MultiStepDecay([2, 2]), "at expects epochs"),
    (lambda: MultiStepDecay([1.5]), "at expects epochs"),
    (lambda: MultiStepDecay(3, by="step"), "at expects steps.* got 3"),
    (lambda: ExponentialDecay(0.0), "ExponentialDecay: factor must be positive, got 0.0"),
    (lambda: ExponentialDecay("x"), "ExponentialDecay: factor must be a number, got 'x'"),
    (lambda: InverseTimeDecay(0.0), "InverseTimeDecay: decay must be positive"),
    (lambda: PolynomialDecay(power=0.0), "PolynomialDecay: power must be positive"),
    (lambda: PolynomialDecay(0), "PolynomialDecay: length must be a whole number of steps"),
    (lambda: CosineDecay(2.5, by="epoch"), "CosineDecay: length must be a whole number of epochs"),
    (lambda: CosineDecay(True), "CosineDecay: length must be"),
    (lambda: CosineDecay(floor=1.5), "CosineDecay: floor is a share of the learning rate"),
    (lambda: PolynomialDecay(floor=-0.1), "PolynomialDecay: floor is a share"),
    (lambda: FlatCosine(1.0), "FlatCosine: flat is a share of the training: .* below 1, got 1.0"),
    (lambda: FlatCosine(-0.1), "FlatCosine: flat is a share"),
    (lambda: FlatCosine(length=0), "FlatCosine: length must be a whole number of steps"),
    (lambda: FlatCosine(floor=2.0), "FlatCosine: floor is a share"),
    (lambda: LogCosine(0), "LogCosine: cycles must be from 1 to 30, got 0"),
    (lambda: LogCosine(2.5), "LogCosine: cycles must be a whole number"),
    (lambda: LogCosine(length=2.5), "LogCosine: length must be"),
    (lambda: CosineRestarts(0), "CosineRestarts: first must be at least 1"),
    (lambda: CosineRestarts(2, growth=0.5), "CosineRestarts: growth must be at least 1"),
    (lambda: CosineRestarts(2, floor=2.0), "CosineRestarts: floor is a share"),
    (lambda: LinearWarmup(0), "LinearWarmup: length must be at least 1"),
    (lambda: LinearWarmup(3, start=2.0), "LinearWarmup: start is a share"),
    (lambda: LinearWarmup(3, then=CosineDecay), "LinearWarmup: then must be a Schedule"),
    (lambda: LinearWarmup(3, then=ReduceOnPlateau()), "LinearWarmup: then must be a Schedule"),
    (lambda: LinearWarmup(3, then=StepDecay(4)),
     "counts in steps and StepDecay, which follows, in epochs: give both the same by"),
    (lambda: OneCycle(rise=1.1), "OneCycle: rise is a share of the training: .* at most 1, got"),
    (lambda: OneCycle(rise=0.6, three_phase=True), "at most 0.5, got 0.6"),
    (lambda: OneCycle(start_divisor=0.5), "OneCycle: start_divisor must be at least 1"),
    (lambda: OneCycle(end_divisor=0.0), "OneCycle: end_divisor must be at least 1"),
    (lambda: OneCycle(shape="cos"), "OneCycle: shape is 'cosine' or 'linear', got 'cos'"),
    (lambda: OneCycle(highest=1.0), "OneCycle: highest must be at least 0 and below 1"),
    (lambda: OneCycle(lowest=0.96), "OneCycle: lowest must not be above highest"),
    (lambda: ReduceOnPlateau(factor=1.0), "ReduceOnPlateau: factor must be above 0 and below 1"),
    (lambda: ReduceOnPlateau(patience=-1), "ReduceOnPlateau: patience must be at least 0"),
    (lambda: ReduceOnPlateau(cooldown=-1), "ReduceOnPlateau: cooldown must be at least 0"),
    (lambda: ReduceOnPlateau(threshold=-1.0), "ReduceOnPlateau: threshold must be at least 0"),
    (lambda: ReduceOnPlateau(smallest_rate=-1.0), "smallest_rate must be at least 0"),
    (lambda: ReduceOnPlateau(threshold_mode="rel"), "threshold_mode is 'relative' or 'absolute'"),
    (lambda: ReduceOnPlateau(monitor="accuracy"), "ReduceOnPlateau: monitor must be one of"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


# The rule that follows the loss --------------------------------------------------------------


def record(epoch, monitor, value):
    values = {"loss": 0.0, "score": 0.0, "validation_loss": None, "validation_score": None}
    return EpochRecord(epoch=epoch, steps=1, gradient_norm=1.0, seconds=0.0,
                       **{**values, monitor: value})


PLATEAUS = [
    ReduceOnPlateau(patience=0), ReduceOnPlateau(0.5, patience=2),
    ReduceOnPlateau(0.5, patience=2, cooldown=3), ReduceOnPlateau(0.5, patience=0, cooldown=1),
    ReduceOnPlateau(0.5, patience=1, threshold=0.1),
    ReduceOnPlateau(0.5, patience=1, threshold=0.1, threshold_mode="absolute"),
    ReduceOnPlateau(0.3, patience=1, smallest_rate=0.02),
    ReduceOnPlateau(0.3, patience=1, smallest_rate=1.0),
    ReduceOnPlateau(0.9, patience=0, threshold=0.0),
]


@pytest.mark.parametrize("rule", PLATEAUS, ids=str)
@pytest.mark.parametrize("monitor", ["validation_loss", "loss", "validation_score", "score"])
@pytest.mark.parametrize("seed", range(3))
def test_reduces_as_pytorch_does(rule, monitor, seed):
    rule = replace(rule, monitor=monitor)
    rng = np.random.default_rng(seed)
    values = np.exp(-np.arange(60) / 20) + 0.1 * rng.random(60)
    values[20] = np.nan
    mode = "min"
    if monitor.endswith("score"):
        values, mode = 2 - values, "max"
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], RATE)
    witness = theirs.ReduceLROnPlateau(
        optimizer, mode, rule.factor, rule.patience, rule.threshold,
        {"relative": "rel", "absolute": "abs"}[rule.threshold_mode], rule.cooldown,
        rule.smallest_rate, eps=0,
    )
    follower = PlateauFollower(rule, RATE)
    changes = 0
    for epoch, value in enumerate(values, start=1):
        before = follower.rate
        after = follower.after(record(epoch, monitor, float(value)))
        optimizer.step()
        witness.step(float(value))
        assert after == follower.rate
        assert follower.rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        changes += follower.rate != before
    assert changes >= 1 or rule.smallest_rate > RATE


@pytest.mark.parametrize(("monitor", "values", "reduces"), [
    # From one to the next: worse by less than the threshold. PyTorch takes these as better.
    ("loss", [-2.0, -1.99995], True), ("loss", [-2.0, -2.01], False),
    ("validation_score", [-2.0, -2.00005], True), ("validation_score", [-2.0, -1.9], False),
])
def test_values_below_zero(monitor, values, reduces):
    follower = PlateauFollower(ReduceOnPlateau(0.5, patience=0, monitor=monitor), 1.0)
    for epoch, value in enumerate(values, start=1):
        follower.after(record(epoch, monitor, value))
    assert follower.rate == (0.5 if reduces else 1.0)


def test_a_first_loss_that_is_no_number_is_no_best():
    follower = PlateauFollower(ReduceOnPlateau(0.5, patience=0, monitor="loss"), 1.0)
    rates = [follower.after(record(1, "loss", value)) for value in (np.inf, 3.0, 2.0, 2.0)]
    assert rates == [0.5, 0.5, 0.5, 0.25]


def test_what_is_watched_must_be_there():
    follower = PlateauFollower(ReduceOnPlateau(), 0.1)
    with pytest.raises(ConfigurationError, match="watches the validation loss, and there is no"):
        follower.after(record(1, "loss", 1.0))
