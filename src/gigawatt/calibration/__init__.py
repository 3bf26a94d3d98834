"""Fits of measured kernels and links, and the measuring of one's own machine."""
