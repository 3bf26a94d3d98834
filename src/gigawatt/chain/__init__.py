"""Where rooms meet: the quantities from a model's configuration to the cost of a token."""
