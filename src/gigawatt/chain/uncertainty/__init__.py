"""The spread of every number of an answer, drawn through the graph that gave it, and what it comes from."""
