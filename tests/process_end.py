"""A program that ends, in a given way, while threads are at work: for test_process_end.py."""

import os
import signal
import sys
import threading
import time

# Signals are the main thread's. The system may hand one to any thread that takes it, and only in
# the main thread it ends the waiting for a lock. Threads take none where the one that starts them
# takes none: here, those of the libraries too, until `started` is said.
SIGNALS = {signal.SIGINT, signal.SIGTERM}
if __name__ == "__main__":  # whoever collects tests imports this too
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

import numpy as np  # noqa: E402

import evenly as ev  # noqa: E402

rng = np.random.default_rng(0)
x = rng.standard_normal((4000, 100)).astype(np.float32)
y = (x[:, 0] > 0).astype(np.int64)
net = ev.Sequential([ev.Dense(128), ev.ReLU(), ev.Dense(128), ev.ReLU(), ev.Dense(2)])
own_layer = ev.Sequential([ev.Dense(3), ev.ReLU(), ev.Dense(2)])
loss = ev.SoftmaxCrossEntropy()
stop = threading.Event()
started = threading.Event()


def begun(record=None):
    started.set()


def fit(**settings):
    ev.fit(net, x, y, loss=loss, epochs=10**6, callbacks=[begun], **settings)


def fit_until_stopped():
    fit(stop=stop.is_set)


def stream():
    def batches():
        for first in range(0, len(x), 50):
            yield x[first : first + 50], y[first : first + 50]

    ev.fit(net, ev.Batches(batches), loss=loss, epochs=10**6, callbacks=[begun])


def forever(call):
    while not stop.is_set():
        call()
        started.set()


def predict():
    model = ev.init(net, 100, loss=loss)
    forever(lambda: model.predict(x))


def small_predict():
    """Calls so short that the thread mostly waits for the interpreter lock."""
    model = ev.init(ev.Sequential([ev.Dense(2)]), 100, loss=loss)
    forever(lambda: model.predict(x[:1]))


def evaluate():
    model = ev.init(net, 100, loss=loss)
    forever(lambda: model.evaluate(x, y))


def gradients():
    model = ev.init(net, 100, loss=loss)
    forever(lambda: model.gradients(x[:100], y[:100]))


def partial_fit():
    estimator = ev.NetClassifier(hidden=(64,), norm=None)
    forever(lambda: estimator.partial_fit(x, y, classes=[0, 1]))


def steps():
    program = ev.compile(net, 100, batch=32, loss=loss, optimizer=ev.Adam())
    engine = ev.Engine(program)
    forever(lambda: engine.step(x[:32], y[:32]))


if __name__ == "__main__":
    work, end = sys.argv[1:]
    daemon = end not in ("stop", "twice")
    threads = [
        threading.Thread(target=globals()[work], daemon=daemon)
        for _ in range(3 if "predict" in work else 1)
    ]
    for thread in threads:
        thread.start()
    started.wait()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    print("started", flush=True)

    if end == "exit":
        sys.exit(3)
    if end == "busy":  # the interpreter lock is the main thread's to the last moment
        last = time.perf_counter() + 0.1
        while time.perf_counter() < last:
            pass
        sys.exit(3)
    if end == "error":
        raise RuntimeError("of the program")
    if end == "stop":  # as the documentation has it
        try:
            threads[0].join()
        except KeyboardInterrupt:
            stop.set()
            threads[0].join()
            sys.exit(5)
    if end == "handler":
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(4))
        print("handler", flush=True)
        while True:
            time.sleep(0.01)
    if end in ("wait", "twice"):
        threads[0].join()
    if end == "fork":
        child = os.fork()
        if child == 0:
            sys.exit(6)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) + 1)
