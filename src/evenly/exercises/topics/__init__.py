"""Families of topics that reason about training rather than work one layer out."""
