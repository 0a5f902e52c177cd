"""A few seconds on an installation: what a wheel must do where there is nothing but its
dependencies. To run it there: `pytest -c tests/smoke/pytest.ini tests/smoke`."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import evenly as ev

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((200, 6))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
NET = ev.Sequential([ev.Dense(32), ev.BatchNorm(), ev.ReLU(), ev.Dropout(0.1), ev.Dense(2)])


def fitted(seed=0):
    return ev.fit(NET, X, Y, loss=ev.SoftmaxCrossEntropy(), optimizer=ev.Adam(0.01), epochs=30,
                  batch=20, seed=seed)


def test_fit_predict_save_load(tmp_path):
    model = fitted()
    scores = model.predict(X)
    assert (scores.argmax(1) == Y).mean() > 0.9
    ev.save(tmp_path / "model.evenly", model)
    assert ev.load(tmp_path / "model.evenly").predict(X).tobytes() == scores.tobytes()


def test_large_products_reach_openblas():
    a, b = (RANDOM.standard_normal((300, 300)) for _ in range(2))
    layer = ev.Sequential([ev.Dense(300, bias=False)])
    model = ev.init(layer, (300,), dtype="float64", seed=0)
    model.weights["dense_1.kernel"][:] = b
    np.testing.assert_allclose(model.predict(a), a @ b, rtol=1e-10, atol=1e-10)


def test_by_hand():
    shown = str(ev.show_work(ev.BatchNorm(), np.array([[1.0], [3.0]])))
    assert "2" in shown


def test_threads_at_once():
    """Trainings side by side give the bits of one alone, whoever holds an interpreter lock."""
    wanted = fitted(3).predict(X).tobytes()
    shared = fitted(4)
    told = shared.predict(X).tobytes()
    wrong, start = [], threading.Barrier(4)

    def work():
        start.wait()
        for _ in range(3):
            if fitted(3).predict(X).tobytes() != wanted or shared.predict(X).tobytes() != told:
                wrong.append(threading.get_ident())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_module_leaves_a_free_threaded_interpreter_free():
    if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
        code = "import sys, evenly; evenly.fit; sys.exit(sys._is_gil_enabled())"
        subprocess.run([sys.executable, "-c", code], check=True)
    else:
        pytest.skip("this interpreter has its lock")


@pytest.mark.parametrize("words", ["--help", "fit --help", "exercise batch-norm", "doctor-install"])
def test_the_command_line(words):
    code = "from evenly.cli import main; main()"
    found = subprocess.run([sys.executable, "-c", code, *words.split()], text=True,
                           capture_output=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout
