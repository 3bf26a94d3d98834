"""A real language model run on a substrate: what a technology does to its quality (torch lives here only)."""
