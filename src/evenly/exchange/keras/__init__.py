"""Networks of Keras, in both directions."""
