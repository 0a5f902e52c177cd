"""Documents on the screen and in files: each module writes one form, from a Document alone."""
