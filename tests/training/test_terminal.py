"""What a person at a terminal sees: the progress bar, and Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
import textwrap

START = """
import sys
import numpy as np
import evenly as ev
rng = np.random.default_rng(0)
x, y = rng.standard_normal((2000, 50)), rng.integers(0, 3, 2000)
net = ev.Sequential([ev.Dense(64), ev.BatchNorm(), ev.ReLU(), ev.Dense(3)])
def fit(epochs, **settings):
    return ev.fit(net, x, y, loss=ev.SoftmaxCrossEntropy(), epochs=epochs, **settings)
"""


def start(code, **settings):
    """A program as people start it: its standard error has a buffer."""
    script = START + textwrap.dedent(code)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen([sys.executable, "-c", script], env=env, **settings)


def on_terminal(code):
    """What the code writes to a terminal on standard error."""
    ours, theirs = pty.openpty()
    child = start(code, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end has closed
            break
        if not part:
            break
        written += part
    assert child.wait() == 0
    os.close(ours)
    return written.decode()


def test_a_bar_on_a_terminal():
    text = on_terminal("fit(3, validation=0.1)")
    for part in ("epoch 3/3", "loss", "accuracy", "validation"):
        assert part in text


def test_no_bar_when_asked_to_be_quiet():
    assert on_terminal("fit(3, progress=False)") == ""


def test_no_bar_without_a_terminal():
    child = start("fit(3)", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.communicate() == (b"", b"")


INTERRUPTED = """
def tell(record):
    if record.epoch == 1:
        print("begun", flush=True)
model = fit(10**6, callbacks=[tell])
print(model.history.stopped, len(model.history) > 0, np.isfinite(model.predict(x)).all())
"""


def test_ctrl_c_ends_after_the_step_with_what_was_learned():
    child = start(INTERRUPTED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=30)
    assert (output, errors, child.returncode) == ("interrupted True True\n", "", 0)


def test_a_programs_own_handler_stays_in_charge():
    code = """
    import signal
    heard = []
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    def press(record):
        signal.raise_signal(signal.SIGINT)
    model = fit(2, callbacks=[press])
    print(len(heard), model.history.stopped)
    """
    child = start(code, stdout=subprocess.PIPE, text=True)
    assert child.communicate(timeout=60)[0] == "2 epochs\n"


DONE = "print('done', len(fit(40, progress=True).history))"


def test_a_training_outlives_its_terminal():
    """As after nohup: the bar has nobody to tell, and what was learned is not lost."""
    ours, theirs = pty.openpty()
    code = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{DONE}"
    child = start(code, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    os.read(ours, 10)
    os.close(ours)
    assert child.communicate(timeout=60)[0] == b"done 40\n"
    assert child.returncode == 0


def test_a_training_outlives_a_full_disk_and_a_closed_stream():
    with open("/dev/full", "w") as full:
        child = start(DONE, stderr=full, stdout=subprocess.PIPE)
    assert child.communicate(timeout=60)[0] == b"done 40\n"
    for close in ("sys.stderr.close()", "sys.stderr = None", "import os\nos.close(2)"):
        child = start(f"{close}\n{DONE}", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.communicate(timeout=60)[0] == b"done 40\n", close
        assert child.returncode == 0


def test_a_training_outlives_the_reader_of_its_bar():
    child = start(DONE, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stderr.close()
    assert child.stdout.read() == b"done 40\n"
    assert child.wait(60) == 0
    child.stdout.close()
