"""Quantities of the supply: grid, plants that may be built, the plan, terms and markets."""
