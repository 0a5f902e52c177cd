"""Modules of PyTorch, in both directions."""
