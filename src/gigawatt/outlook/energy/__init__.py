"""Electricity of data centres: its sources and price, carbon, water and what making things emits."""
