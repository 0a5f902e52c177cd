"""How good the doctor is: ``python -m benchmarks.doctor``."""
