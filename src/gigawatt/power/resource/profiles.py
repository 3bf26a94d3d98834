"""What a plant can give by the hour: the ``profile`` of its catalog row names what drives it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility.weather import Weather
from gigawatt.power.resource.hours_file import read_shares
from gigawatt.power.resource.solar import solar_capacity_factor
from gigawatt.power.resource.wind import wind_capacity_factor

__all__ = ["DRIVERS", "drives", "leave_out", "plant_profiles", "profile_file"]

Array = NDArray[np.float64]


def _orbit(weather: Weather) -> Array:
    from gigawatt.power.plants import space_solar  # orbits are needed by few

    return space_solar.profile(
        latitude=weather.latitude,
        longitude=weather.longitude,
        year=weather.year,
        time_zone=weather.time_zone,
    )


def _constant(weather: Weather) -> Array:
    return np.ones(int(HOURS_PER_YEAR))


DRIVERS: Mapping[str, Callable[[Weather], Array]] = {
    "sun": solar_capacity_factor,
    "wind": wind_capacity_factor,
    "orbit": _orbit,
    "constant": _constant,
}
"""What may drive a plant → its capacity factor by the hour (8760,) in a year's weather at a place."""


def drives(weather: Weather, plant: str) -> bool:
    """Whether the weather knows what drives a plant: sun or wind, where its row names one of them."""
    known = {
        "sun": (weather.solar_capacity_factor, weather.ghi),
        "wind": (weather.wind_capacity_factor, weather.wind_100m, weather.wind_10m),
    }.get(loader.entity("plants", plant).text("profile"))
    return known is None or any(series is not None for series in known)


def leave_out(
    weather: Weather, names: Sequence[str], *, place: str, given: Collection[str] = ()
) -> tuple[tuple[str, ...], str]:
    """The plants that have hours, from this weather or ``given``, and a sentence on the others of ``names``.

    Raises
    ------
    InputError
        None that makes electricity remains.
    """
    rows = {name: loader.entity("plants", name) for name in names}
    kept = tuple(name for name in names if name in given or drives(weather, name))
    lacking = [name for name in names if name not in kept]
    if not lacking:
        return kept, ""
    driver = " or ".join(sorted({rows[name].text("profile") for name in lacking}))
    mend = f"a file with {driver} as site.weather, or supply.capacity_factors {{{lacking[0]}: FILE}}"
    if all(rows[name].text("kind") == "storage" for name in kept):
        raise InputError(
            f"the weather of {place} has no {driver}, and no other plant here makes electricity",
            key="supply.plants",
            given=", ".join(names),
            allowed=f"another plant; or give {mend}",
        )
    return kept, f"{', '.join(lacking)} left out: the weather of {place} has no {driver}; give {mend}"


def profile_file(name: str) -> Path:
    """The file that a row of ``plants`` names as its ``profile``, relative to its catalog's folder.

    The user catalog goes before the shipped one. A path out of that folder is an ``InputError``, since the
    catalog's version would not change with the file.
    """
    roots = [folder for folder in (loader.user_folder(), loader.path("")) if folder is not None]
    for root in roots:
        file = (root / name).resolve()
        if not file.is_relative_to(root.resolve()):
            raise InputError(
                "a profile outside the folder of the catalog",
                key="plants.profile",
                given=name,
                allowed="a path inside it, such as profiles/waves.csv",
            )
        if file.is_file():
            return file
    raise InputError(
        "no such profile",
        key="plants.profile",
        given=name,
        allowed=f"a file in {roots[0]}",
    )


def plant_profiles(weather: Weather) -> Callable[[str], Array | None]:
    """A function: plant's id → its capacity factor by the hour (8760,) in one year's weather.

    ``None`` where its row names no ``profile``: fuel decides, or the user gives the hours. What is neither a
    driver nor a file is an ``InputError``.
    """

    def profile(plant: str) -> Array | None:
        driver = loader.entity("plants", plant).text("profile")
        if not driver:
            return None
        if driver in DRIVERS:
            return DRIVERS[driver](weather)
        if not driver.endswith(".csv"):
            raise InputError(
                "nothing that drives a plant",
                key=f"plants.{plant}.profile",
                given=driver,
                allowed=f"{', '.join(DRIVERS)}, or a CSV file of 8,760 capacity factors",
                nearest=nearest(driver, DRIVERS),
            )
        return read_shares(profile_file(driver), key=f"plants.{plant}.profile")

    return profile
