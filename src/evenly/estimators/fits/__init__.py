"""Which rows train which network: order, shares held out, several networks, passes and returns."""
