"""Every example runs and says what it is there to say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SAYS = {
    "batch_normalization.py": "a new example, by the running averages [[ 2.177 -0.562 -1.638]]",
    "dropout.py": "prediction for an example that is new [[5.063 1.434]]",
    "digits_batchnorm.py": "batch norm  test accuracy after each epoch: 0.",
    "images.py": "13,802 parameters, (8, 8, 1) -> (10,), 15 epochs): test accuracy 0.9",
    "own_layer.py": "training accuracy 0.9",
    "recover_from_divergence.py": "went on from the last good weights: R2 = 0.9",
    "sequences.py": "test accuracy after 8 rows: 0.9",
    "tables.py": "learned features: test accuracy 0.9",
    "see_the_program.py": "batch_norm_1 + relu_1 + dropout_1",
}


def test_each_example_is_listed():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SAYS)


SLOW = ("sequences.py", "images.py", "digits_batchnorm.py")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.sweep] * (name in SLOW)) for name in SAYS])
def test_example(name, tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)], capture_output=True, text=True,
        cwd=tmp_path, check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert SAYS[name] in result.stdout
