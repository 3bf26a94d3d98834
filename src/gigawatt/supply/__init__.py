"""Energy supply: resource, grid, plants, and the hourly capacity plan."""

from gigawatt.supply.grid import Grid, list_grids, load_grid
from gigawatt.supply.plan import SupplyPlan, plan
from gigawatt.supply.plant import Plant, Storage
from gigawatt.supply.plants import build_plant, default_not_served_price, list_plants
from gigawatt.supply.resource import solar_capacity_factor, wind_capacity_factor

__all__ = [
    "Grid",
    "Plant",
    "Storage",
    "SupplyPlan",
    "build_plant",
    "default_not_served_price",
    "list_grids",
    "list_plants",
    "load_grid",
    "plan",
    "solar_capacity_factor",
    "wind_capacity_factor",
]
