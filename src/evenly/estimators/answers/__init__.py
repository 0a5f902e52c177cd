"""From scores to answers: losses and what counts, temperature, thresholds, intervals, scorers."""
