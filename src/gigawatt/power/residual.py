"""Residual load: what sun and wind leave to other plants of a grid, hour by hour, in a weather."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.evidence import Assumption, Grade, worst
from gigawatt.facility.weather import HOURS, Weather, load_weather
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor

__all__ = ["demand_shape", "known_series", "residual_load", "residual_shape", "weather_driver"]

Array = NDArray[np.float64]

_SENSITIVITIES = ("cooling_sensitivity", "heating_sensitivity")


def demand_shape(
    *, temperature: ArrayLike, cooling: float, heating: float, cooling_balance: float, heating_balance: float
) -> Array:
    """Demand over its mean, from outdoor temperature alone, (n,) [].

    Parameters
    ----------
    temperature : array (n,) [K]
        Outdoors, where the grid's people live.
    cooling, heating : float [1/K]
        Rise of demand per kelvin above and below the balance temperatures.
    cooling_balance, heating_balance : float [K]
        Where air conditioning and heating begin.
    """
    kelvin = np.asarray(temperature, dtype=np.float64)
    demand = 1.0 + cooling * np.maximum(kelvin - cooling_balance, 0.0)
    demand = demand + heating * np.maximum(heating_balance - kelvin, 0.0)
    return demand / demand.mean()


def residual_shape(
    *,
    demand: ArrayLike,
    solar: ArrayLike,
    wind: ArrayLike,
    solar_share: float,
    wind_share: float,
    firm_share: float,
    floor: float,
) -> Array:
    """What fossil plants have left to do, over its mean, (n,) [].

    Parameters
    ----------
    demand : array (n,) []
        Over its mean.
    solar, wind : arrays (n,) []
        Capacity factors in the grid's area.
    solar_share, wind_share, firm_share : float []
        Of the year's generation; firm is nuclear, hydro and other steady clean plants.
    floor : float []
        Fossil output that is never switched off, as a share of mean demand.
    """
    left = np.asarray(demand) - firm_share - _output(solar, solar_share) - _output(wind, wind_share)
    left = np.maximum(left, floor)
    return left / left.mean()


def _output(profile: ArrayLike, share: float) -> Array:
    """A capacity factor by the hour as a part of mean demand whose mean is ``share``."""
    values = np.asarray(profile, dtype=np.float64)
    mean = float(values.mean())
    return share * values / mean if mean > 0.0 else np.full_like(values, share)


def weather_driver(row: Entity, weather: Weather) -> Array | None:
    """What makes hours of a grid dear, (8760,) []: demand over its mean less sun and wind, in a weather.

    What the weather does not know counts as steady; ``None`` where it knows nothing of it.
    """
    defaults = loader.entity("grids_defaults", "world")
    sun, wind, air = known_series(weather)
    if not (sun or wind or air):
        return None
    demand = _demand(row, defaults, weather) if air else np.ones(HOURS)
    left = demand
    if sun:
        left = left - _output(solar_capacity_factor(weather), row.get("solar_share", 0.0) or 0.0)
    if wind:
        left = left - _output(wind_capacity_factor(weather), row.get("wind_share", 0.0) or 0.0)
    return left


def residual_load(
    row: Entity,
    weather: Weather | None,
    assumptions: list[Assumption],
    *,
    carbon_alone: bool = False,
) -> tuple[Array, Array]:
    """Residual load and demand, each over its mean, from the site's weather or the reference site's."""
    defaults = loader.entity("grids_defaults", "world")
    whole = weather is not None and all(known_series(weather))
    here = weather if weather is not None and whole else load_weather(row.text("reference_site"))
    demand = _demand(row, defaults, here)
    left = residual_shape(
        demand=demand,
        solar=solar_capacity_factor(here),
        wind=wind_capacity_factor(here),
        solar_share=row.value("solar_share"),
        wind_share=row.value("wind_share"),
        firm_share=row.value("firm_clean_share"),
        floor=defaults.value("residual_floor"),
    )
    grades = [
        row.evidence(name).grade
        for name in ("solar_share", "wind_share", "cooling_sensitivity", "price_exponent")
    ]
    assumptions.append(
        Assumption(
            "supply.grid_carbon_hours" if carbon_alone else "supply.grid_hours",
            f"residual load with the weather of {here.id}",
            f"the catalog has no hourly {'carbon' if carbon_alone else 'series'} of {row.id}: "
            f"{'carbon follows' if carbon_alone else 'price and carbon follow'} what is left to fossil "
            "plants, with sun and wind of one place; the year's means are the catalog's",
            worst([Grade.modelled, *grades]),
            row.evidence("carbon").source_id,
        )
    )
    return left, demand


def _demand(row: Entity, defaults: Entity, weather: Weather) -> Array:
    """Demand of a grid over its mean in a weather, (8760,) []."""
    own = {name: row if name in row.numbers else defaults for name in _SENSITIVITIES}
    return demand_shape(
        temperature=weather.air_temperature(),
        cooling=own["cooling_sensitivity"].value("cooling_sensitivity"),
        heating=own["heating_sensitivity"].value("heating_sensitivity"),
        cooling_balance=defaults.value("cooling_balance"),
        heating_balance=defaults.value("heating_balance"),
    )


def known_series(weather: Weather) -> tuple[bool, bool, bool]:
    """Whether a weather has sun, wind and the temperature of the air."""
    sun = weather.solar_capacity_factor is not None or weather.ghi is not None
    winds = (weather.wind_capacity_factor, weather.wind_100m, weather.wind_10m)
    return sun, any(one is not None for one in winds), weather.temperature is not None
