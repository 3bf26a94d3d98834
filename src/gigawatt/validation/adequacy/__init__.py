"""Test systems of power system adequacy: what rows of ``published_adequacy.csv`` call."""
