"""A fusion plant: its sheet and curves, from plasma, machine, cycle and cost."""

from gigawatt.power.plants.fusion.sheet import DESIGN, curves, list_designs, sheet

__all__ = ["DESIGN", "curves", "list_designs", "sheet"]
