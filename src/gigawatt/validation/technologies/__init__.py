"""Compute technologies beside published numbers: what rows of ``published_technologies.csv`` call."""
