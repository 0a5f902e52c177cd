"""Run by test_streamed: a training, a sample and a survey of a folder, and the memory they took."""

import json
import resource
import sys

import evenly as ev
from evenly.reading.streamed import sampled, streamed
from evenly.reading.surveys import surveyed


def encode(frame):
    return frame.drop("y").to_numpy(), frame["y"].to_numpy()


def work(folder):
    """All three, and what they tell."""
    net = ev.Sequential([ev.Dense(4), ev.ReLU(), ev.Dense(1)])
    model = ev.fit(net, streamed(folder, encode), loss=ev.MeanSquaredError(), epochs=1, batch=256,
                   shuffle_buffer=2000)
    survey = surveyed(folder, lambda frame: {"c0": frame["c0"] > 1e9}, limit=100)
    return model.history[-1].steps, survey.rows, sampled(folder, 500, 0).height


if __name__ == "__main__":
    small, large = sys.argv[1:]
    work(small)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = work(large)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"told": told, "kilobytes": after - before}))
