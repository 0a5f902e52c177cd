"""Scales of inputs and targets, and columns that say nothing."""
