"""Nonlinear elements, gates, memories and links of light: they multiply nothing, none is registered."""
