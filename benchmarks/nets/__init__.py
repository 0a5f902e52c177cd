"""The benchmarks' networks as each peer writes them."""
