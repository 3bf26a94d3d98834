"""Nonlinear elements, gates, memories and links of light. They multiply nothing, so that none is registered."""
