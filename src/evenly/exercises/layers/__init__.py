"""Layers worked by hand."""
