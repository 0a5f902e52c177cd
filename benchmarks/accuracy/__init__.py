"""How accurate the estimators are with their defaults: ``python -m benchmarks.accuracy``."""
