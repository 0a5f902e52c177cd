"""Who measures: a training's looks, its data, and what is tried before it.

| file | what it measures |
|---|---|
| `data.py`, `baselines.py` | inputs and targets; what answers without a network are worth |
| `arrays.py` | one array: outputs, weights, gradients |
| `describe.py` | network, loss and optimizer in the words of the records |
| `looks.py`, `pace.py` | the layers at one step of Evenly's engine; how often |
| `watcher.py` | a training of Evenly's, from its first step to its record |
| `trials.py` | what is tried before a training |
| `torch.py`, `keras.py`, `plain.py` | trainings elsewhere |

Looking changes nothing of a training: not one bit of any weight.
"""
