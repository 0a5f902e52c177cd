"""Bad input of every kind: what is said, with which status, and what is still there afterwards."""
