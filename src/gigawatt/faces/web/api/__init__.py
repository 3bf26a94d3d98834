"""The JSON interface: questions, jobs, and the types that describe them."""
