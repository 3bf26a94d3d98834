"""Quantities of the campus: its load over the year, its phases, its stages of power and cooling."""
