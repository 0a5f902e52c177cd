"""Exercises in the browser: pages to work on, and what they ask the server.

Everything is rendered and graded by :mod:`evenly.byhand`; nothing is stored, nothing is loaded from
elsewhere, and no cookie is set.
"""

from .app import create_app as create_app
