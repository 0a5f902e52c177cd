"""Before and after a training: a check, a cure that is tried, a page.

| file | what it does |
|---|---|
| `check.py` | looks at network, loss and data before training |
| `cure.py` | tries cures, and keeps those that help |
| `pairs.py` | trainings in pairs, and what they are judged by |
| `see.py` | shows the arithmetic of the layer that ails |
| `page.py`, `charts.py` | a diagnosis as a page |
"""
