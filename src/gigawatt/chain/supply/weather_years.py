"""Several weather years of one plan, one after another: sun, wind and grid of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.facility import Site, Weather
from gigawatt.facility.weather import load_place_years
from gigawatt.facility.years import load_years
from gigawatt.power import Grid, load_grid, plant_profiles
from gigawatt.power.carbon import SUPPLY_CHAIN
from gigawatt.power.market.own_hours import OwnHours

__all__ = ["grid_of", "profiles", "weather_years"]

Array = NDArray[np.float64]


def weather_years(
    site: Site, own: Weather, count: int | None, *, of_file: bool = False, scaled: bool = False
) -> tuple[tuple[Weather, ...], tuple[Assumption, ...]]:
    """The weather years of a plan: ``own``, read ``of_file`` or the site's, or its last ``count``.

    A city with several years has each whole: temperature, sun and wind are of the same hours. Elsewhere sun
    and wind are of each year of ERA5, everything else is of ``own``. A notice says which, and that the load
    is of ``own``. Where the wind of ``own`` is ``scaled`` to a mean, that of the others is by as much.

    Raises
    ------
    InputError
        More years than the site has (key ``years``).
    MissingDataError
        A site without any.
    """
    if count is None or count == 1:
        return (own,), ()
    whole = () if of_file else load_place_years(site)
    known = () if whole else load_years(site.id)
    skies = whole or tuple(
        replace(
            own,
            year=one.year,
            happened=one.year,
            solar_capacity_factor=one.solar,
            wind_capacity_factor=one.wind,
        )
        for one in known
    )
    if scaled:
        skies = tuple(_as_windy(sky, own) for sky in skies)
    if count > len(skies):
        raise InputError("too many weather years", key="years", given=count,
                         allowed=f"at most {len(skies)}: {skies[0].year} to {skies[-1].year}")  # fmt: skip
    chosen, load = skies[-count:], f"the load of every year is that of {own.id} in {own.year}"
    told = Assumption(
        "site.years",
        f"{chosen[0].year} to {chosen[-1].year}",
        f"temperature, sun and wind of these; {load}"
        if whole
        else f"sun and wind of these; temperature and {load}",
        Grade.modelled,
    )
    return chosen, (*(known[-count].assumptions if known else ()), told)


def _as_windy(sky: Weather, own: Weather) -> Weather:
    """The year with its wind at 10 m raised as that of ``own`` is."""
    if sky.wind_capacity_factor is not None or sky.wind_10m is None or own.wind_10m is None:
        raise InputError("weather years of this site are capacity factors, without wind speed",
                         key="site.wind_speed", allowed="one weather year, or no wind speed")  # fmt: skip
    assert own.wind_100m is not None  # it was scaled
    return replace(sky, wind_100m=sky.wind_10m * (own.wind_100m.mean() / own.wind_10m.mean()))


def profiles(
    skies: Sequence[Weather], given: Mapping[str, Array] | None = None, *, place: str = ""
) -> Callable[[str], Array | None]:
    """Capacity factors of plants in all weather years, one after another, computed when they are asked for.

    ``given`` are those of one year (8760,) by plant, which stand in every year. A plant that follows the
    weather and that neither knows is an ``InputError`` (key ``supply.plants``).
    """
    each = [plant_profiles(sky) for sky in skies]
    read = {name: np.tile(values, len(skies)) for name, values in (given or {}).items()}

    def profile(name: str) -> Array | None:
        if name in read:
            return read[name]
        found = [values for one in each if (values := one(name)) is not None]
        if not found and catalog.entity("plants", name).text("kind") == "profile":
            raise InputError(
                f"the weather{f' of {place}' if place else ''} has no capacity factor of this plant",
                key="supply.plants",
                given=name,
                allowed=f"capacity factors of it, a CSV of 8,760 shares: --capacity-factor {name}=FILE, or "
                "supply.capacity_factors of a scenario",
            )
        return np.concatenate(found) if found else None

    return profile


def grid_of(
    name: str,
    year: int,
    skies: Sequence[Weather],
    price: float | None = None,
    carbon: float | None = None,
    water: float | None = None,
    price_year: int | str | None = None,
    delivery: float | None = None,
    own: OwnHours | None = None,
    boundary: str = SUPPLY_CHAIN,
    residual: float | None = None,
    basis: str | None = None,
) -> Grid:
    """The grid in every weather year, one after another.

    ``price`` [$/J], ``carbon`` [kg/J] and ``water`` [m³/J] are its means, where they are given;
    ``price_year``, ``delivery``, ``own``, ``boundary``, ``residual`` and ``basis`` as of
    :func:`~gigawatt.power.load_grid`.
    """
    each = [
        load_grid(
            name, year, weather=sky, price=price, carbon=carbon, water=water, price_year=price_year,
            delivery=delivery, own=own, boundary=boundary, residual=residual,
            basis=basis,
        )
        for sky in skies
    ]  # fmt: skip
    mixes = [one.clean for one in each]
    known = [mix for mix in mixes if mix is not None]
    return replace(
        each[0],
        clean=np.concatenate(known) if len(known) == len(mixes) else None,
        price=np.concatenate([one.price for one in each]),
        carbon=np.concatenate([one.carbon for one in each]),
        basis=None if each[0].basis is None else np.tile(each[0].basis, len(each)),
    )
