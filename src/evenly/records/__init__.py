"""Records of a training: plain values, the same whoever made them.

| file | what it holds |
|---|---|
| `network.py` | the network as the records know it: layers by kind, loss, optimizer |
| `data.py` | summaries of inputs and targets |
| `training.py` | probes, epochs, checks before training; the record of a whole training |
| `lines.py` | as JSON lines, and back |

Makers are Evenly's own probes, PyTorch's hooks, Keras's callback and the plain recorder; readers
are the doctor, the study and the report. Nothing here knows any of them.
"""

from .data import ColumnSummary, DataSummary, TargetSummary
from .lines import from_lines, read_lines, to_lines, write_lines
from .network import LayerInfo, LossInfo, NetworkInfo, OptimizerInfo
from .training import Checks, EpochSummary, LayerProbe, Probe, TrainingRecord

__all__ = [
    "Checks",
    "ColumnSummary",
    "DataSummary",
    "EpochSummary",
    "LayerInfo",
    "LayerProbe",
    "LossInfo",
    "NetworkInfo",
    "OptimizerInfo",
    "Probe",
    "TargetSummary",
    "TrainingRecord",
    "from_lines",
    "read_lines",
    "to_lines",
    "write_lines",
]
