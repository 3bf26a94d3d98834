"""Energy supply: resource, grid, plants, and the hourly capacity plan."""

from gigawatt.supply.export_pypsa import export_pypsa, pypsa_limits
from gigawatt.supply.flexible import Flexible
from gigawatt.supply.grid import Grid, list_grids, load_grid
from gigawatt.supply.network import Link, NetworkPlan, plan_network
from gigawatt.supply.plan import SupplyPlan, plan, solve_problem
from gigawatt.supply.plant import Plant, Storage
from gigawatt.supply.plants import build_plant, default_not_served_price, list_plants
from gigawatt.supply.problem import Problem
from gigawatt.supply.profiles import plant_profiles
from gigawatt.supply.resource import solar_capacity_factor, wind_capacity_factor
from gigawatt.supply.units import UnitPlan, plan_units

__all__ = [
    "Flexible",
    "Grid",
    "Link",
    "NetworkPlan",
    "Plant",
    "Problem",
    "Storage",
    "SupplyPlan",
    "UnitPlan",
    "build_plant",
    "default_not_served_price",
    "export_pypsa",
    "list_grids",
    "list_plants",
    "load_grid",
    "plan",
    "plan_network",
    "plan_units",
    "plant_profiles",
    "pypsa_limits",
    "solar_capacity_factor",
    "solve_problem",
    "wind_capacity_factor",
]
