"""Goodput of published runs beside ours: what rows of ``published_goodput.csv`` call."""
