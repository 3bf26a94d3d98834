"""Plants: the row that the plan uses (``rows``), and the physics behind rows that nobody has built yet."""

from gigawatt.power.plants.rows import build_plant, cycle_life, default_not_served_price, list_plants

__all__ = ["build_plant", "cycle_life", "default_not_served_price", "list_plants"]
