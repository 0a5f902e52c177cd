"""How often a training is looked at, by a clock of the test's own."""

from itertools import pairwise

import pytest

from evenly.probes import pace


class Clock:
    def __init__(self, monkeypatch):
        self.wall = self.processors = 0.0
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.wall)
        monkeypatch.setattr(pace.time, "process_time", lambda: self.processors)

    def passes(self, seconds, processors=1.0):
        self.wall += seconds
        self.processors += seconds * processors


def looks(monkeypatch, step, look, epochs, steps, processors=1.0):
    """The steps that are looked at in a training whose steps and looks take some seconds."""
    clock = Clock(monkeypatch)
    own, seen = pace.Pace(epochs), []
    for epoch in range(1, epochs + 1):
        own.epoch(epoch, (epoch - 1) * steps)
        for number in range((epoch - 1) * steps, epoch * steps):
            if number >= own.due:
                clock.passes(look)
                seen.append(number)
            clock.passes(step, processors)
            if seen and seen[-1] == number:
                own.looked(number, look)
    return seen, own


@pytest.mark.parametrize(("step", "look", "steps"), [(5e-5, 2e-3, 56), (0.02, 0.04, 50),
                                                     (1e-3, 1e-2, 400), (0.2, 0.1, 10)])
def test_a_long_training_spends_its_share(monkeypatch, step, look, steps):
    epochs = max(30, round(60 / (step * steps)))
    seen, own = looks(monkeypatch, step, look, epochs, steps)
    total = step * steps * epochs
    assert own.spent <= 0.02 * total
    assert len(seen) >= 6
    assert max(b - a for a, b in pairwise(seen)) <= steps * epochs / 2


def test_a_short_training_is_seen(monkeypatch):
    seen, own = looks(monkeypatch, 1e-4, 2e-3, 20, 10)
    assert seen[0] == 0
    assert 10 * 19 in seen  # the last epoch
    assert len(seen) >= 12
    assert own.spent <= 0.1


def test_the_floor_does_not_depend_on_time(monkeypatch):
    seen, _ = looks(monkeypatch, 1e-6, 10.0, 70, 3)
    assert seen == [0, 9, 45, 189, 207]


def test_threads_do_not_buy_looks(monkeypatch):
    one, _ = looks(monkeypatch, 0.01, 0.02, 40, 100)
    many, own = looks(monkeypatch, 0.01, 0.02, 40, 100, processors=16)
    assert many == one
    assert own.spent <= 0.02 * 40
    busy, _ = looks(monkeypatch, 0.01, 0.02, 40, 100, processors=0.2)
    assert len(busy) < len(one)
