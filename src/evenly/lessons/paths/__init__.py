"""The lessons, a handful a file."""
