"""Hindcasts and the years ahead beside published numbers: what rows of ``published_outlook.csv`` call."""
