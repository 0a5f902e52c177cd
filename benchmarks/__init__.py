"""Benchmarks of Evenly against its peers: ``python -m benchmarks``."""
