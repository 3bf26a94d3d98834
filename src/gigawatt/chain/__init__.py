"""The quantity graph from a model's configuration to the cost of a token."""
