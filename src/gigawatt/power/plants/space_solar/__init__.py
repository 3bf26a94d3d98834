"""Space-based solar power: its sheet, curves and hourly profile, from orbit, beam and cost."""

from gigawatt.power.plants.space_solar.orbit_sheet import OrbitSheet
from gigawatt.power.plants.space_solar.sheet import DESIGNS, SETTINGS, curves, list_designs, profile, sheet

__all__ = ["DESIGNS", "SETTINGS", "OrbitSheet", "curves", "list_designs", "profile", "sheet"]
