"""A picture of every finding: ``python -m benchmarks.doctor.pictures``.

| file | what it holds |
|---|---|
| `table.py` | which training is shown for each kind, and what of it |
| `runs.py` | a training that was watched |
| `twins.py`, `torch_twins.py` | a sick training and its cured twin, made |
| `curves.py`, `views.py` | what is drawn of a training |
| `sheet.py` | both beside each other, as an SVG file |
"""
