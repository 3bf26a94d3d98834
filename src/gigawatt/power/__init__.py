"""Energy supply: resource, grid, plants, and the hourly capacity plan."""

from gigawatt.power.flexible import CutStep, Flexible
from gigawatt.power.grid import Grid, list_grids, load_grid
from gigawatt.power.plan.export_pypsa import export_pypsa, pypsa_limits
from gigawatt.power.plan.network import Link, NetworkPlan, plan_network
from gigawatt.power.plan.plan import SupplyPlan, plan, solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.units import UnitPlan, plan_units
from gigawatt.power.plants import build_plant, default_not_served_price, list_plants
from gigawatt.power.plants.plant import Plant, Storage
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor
from gigawatt.power.resource.profiles import plant_profiles

__all__ = [
    "CutStep",
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
