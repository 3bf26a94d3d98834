"""Annuities, the ledger of money, carbon, water and energy, and the figures per token.

This room knows plain numbers only, not the physics of plants, chips or models.
"""

from gigawatt.money.annuity import SECONDS_PER_YEAR, annuity, capital_recovery_factor, levelised_cost
from gigawatt.money.campus import building_asset, building_price, campus_assets, discount_rate
from gigawatt.money.ledger import COLUMNS, Asset, Ledger, PlantCost, assets_yearly, ledger

__all__ = [
    "COLUMNS",
    "SECONDS_PER_YEAR",
    "Asset",
    "Ledger",
    "PlantCost",
    "annuity",
    "assets_yearly",
    "building_asset",
    "building_price",
    "campus_assets",
    "capital_recovery_factor",
    "discount_rate",
    "ledger",
    "levelised_cost",
]
