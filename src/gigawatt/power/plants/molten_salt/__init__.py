"""A molten-salt reactor: its sheet and curves, from loop, kinetics, system and cost."""

from gigawatt.power.plants.molten_salt.sheet import curves, list_designs, sheet

__all__ = ["curves", "list_designs", "sheet"]
