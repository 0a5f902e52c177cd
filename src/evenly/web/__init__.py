"""Exercises in the browser: pages to work on, and what they ask the server.

Everything is rendered by :mod:`evenly.byhand` and graded by :mod:`evenly.grading`; nothing is
stored, nothing is loaded from elsewhere, and no cookie is set.
"""

from .app import create_app as create_app
