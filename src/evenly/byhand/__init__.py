"""By hand: every layer and network shows its arithmetic.

``recorder`` runs a definition on ``traced`` arrays and keeps the steps that it names; ``work`` puts
layers, loss, gradients and update in order. ``views`` says what of it is shown, ``notation`` how a
number and a formula are written.
"""
