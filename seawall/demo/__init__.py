"""A historical day replayed through the real contracts on a local node."""
