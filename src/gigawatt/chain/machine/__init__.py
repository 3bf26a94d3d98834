"""Quantities of the machine: accelerators, their power, price, precision and size."""
