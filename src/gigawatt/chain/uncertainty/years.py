"""Weather and market years as one cause of an answer's spread: a calm week is dear on the market too.

The years are those of which a place has weather and its market hours. Weather is whole where the place has
whole years (temperature, sun and wind of the same hours), and sun and wind alone where it has years of a
reanalysis; these are brought to the mean of the weather of the answer, all years together, so that good and
bad years stay apart and a reanalysis that has wind too low does not count as a bad year. Prices and the hours
of carbon are those of the same year, as they happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import loader
from gigawatt.catalog.entity import Key
from gigawatt.chain.filler import Filler
from gigawatt.chain.recompute import Adjust
from gigawatt.chain.shared_leaves import grid_terms
from gigawatt.chain.supply.weather_years import grid_of, weather_years
from gigawatt.core.errors import GigawattError, MissingDataError
from gigawatt.facility import Site, Weather, load_site
from gigawatt.facility.bias import raise_to_mean
from gigawatt.facility.weather import load_place_years
from gigawatt.facility.years import load_years
from gigawatt.power.grid import grid_row
from gigawatt.power.market.hours import OF_WEATHER
from gigawatt.power.market.series import price_years
from gigawatt.power.residual import known_series
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["MOST_YEARS", "DrawnYears", "YearFactor", "drawn_years"]

Array = NDArray[np.float64]
MOST_YEARS = 5
"""The latest years of a place that are drawn: each asks for another dispatch of the plan."""
_PRICE_YEAR = 3
"""Place of the price year among the terms of a grid."""
_HOURS = "grids_hours"
"""Table of markets by the hour."""


@dataclass(frozen=True)
class YearFactor:
    """One of several years, each as likely: what some quantities are in each.

    Parameters
    ----------
    years : tuple of int
        Calendar years, the first first; the same draw takes the same year wherever these are the same.
    values : mapping of str to callable
        Quantity → function from the number of a year to its value, under the rows of the catalog.
    """

    name: ClassVar[str] = "weather and market year"
    group: ClassVar[str] = "weather and market years"
    guessed: ClassVar[bool] = False
    """Years happened, or were modelled."""
    shared: ClassVar[tuple[tuple[str, float], ...]] = ()

    years: tuple[int, ...]
    values: Mapping[str, Callable[[int], Any]] = field(repr=False)

    @property
    def tried(self) -> tuple[float, ...]:
        """A standard normal of each year, none of them 0, which is the answer as it stands."""
        from scipy.special import ndtri

        return tuple(float(ndtri((i + 0.25) / len(self.years))) for i in range(len(self.years)))

    def which(self, z: Array) -> NDArray[np.int64]:
        """The number of the year at each standard normal, equally likely."""
        from scipy.special import ndtr

        return np.minimum((ndtr(z) * len(self.years)).astype(np.int64), len(self.years) - 1)

    def reach(self, z: Array) -> Array:
        """A year is a whole one: 1 at every ``z``."""
        return np.ones_like(z)

    def adjusted(self, z: float) -> dict[str, Adjust]:
        """What becomes of each quantity in the year of ``z``."""
        number = int(self.which(np.array(z)))
        return {name: lambda _, make=make: make(number) for name, make in self.values.items()}


@dataclass(frozen=True)
class DrawnYears:
    """The years of a scenario: ``factor``, ``None`` where none are drawn; ``left_out``: rows of the catalog
    that stand for years and are not drawn beside them; ``told``: what is of one year only, and why, in
    sentences."""

    factor: YearFactor | None
    left_out: frozenset[Key] = frozenset()
    told: tuple[str, ...] = ()


def drawn_years(loaded: LoadedScenario, objects: Mapping[str, Any]) -> DrawnYears:
    """The weather and market years of a scenario's place and grid.

    Parameters
    ----------
    loaded : LoadedScenario
        The scenario; a year of prices, a price or hours that it gives are certain.
    objects : mapping of str to object
        Quantities of its answer; of one that reads no weather no years are drawn.
    """
    if "site.weather" not in objects:
        return DrawnYears(None, told=("weather years are not drawn: the answer reads no weather",))
    # at a price the chain reads the weather of the place alone
    site, own = objects.get("site.site") or load_site(loaded.scenario.site.name), objects["site.weather"]
    try:
        skies, whole = _skies(loaded, site, own, objects.get("site.weather_years", (own,)))
    except MissingDataError as error:
        return DrawnYears(None, told=(f"weather years are not drawn: {site.name}, {error.message}",))
    told: list[str] = []
    if not whole:
        if loaded.scenario.supply.price is not None:
            why = f"the weather years of {site.name} are of sun and wind, and all electricity has one price"
            return DrawnYears(None, told=(f"weather years are not drawn: {why}",))
        told.append(
            f"temperature, and so PUE and water, is of {own.year} in all years: the weather years of "
            f"{site.name} are of sun and wind"
        )
    series, why = _market(loaded, site)
    told += [f"market years are not drawn: {why}"] if why else []
    if series:
        dated = price_years(loader.entity("grids_hours", series))
        skies = [sky for sky in skies if sky.happened in dated]
    skies = skies[-MOST_YEARS:]
    if len(skies) < 2:
        why = f"{site.name} and its market have fewer than two years in common"
        return DrawnYears(None, told=(f"weather and market years are not drawn: {why}",))
    left = {(_HOURS, series, "level")} if series else set[Key]()
    if series and loader.entity(_HOURS, series).text("kind") != "model":
        left.add((_HOURS, series, "weather_weight"))  # hours as they happened are not dealt out
    return DrawnYears(_factor(loaded, site, skies, whole, series), frozenset(left), tuple(told))


def _factor(
    loaded: LoadedScenario, site: Site, skies: Sequence[Weather], whole: bool, series: str
) -> YearFactor:
    terms = list(grid_terms(Filler(loaded), skies[0].time_zone)[0])
    if series:
        terms[_PRICE_YEAR] = OF_WEATHER
    each, year = [(sky,) for sky in skies], loaded.scenario.year
    values: dict[str, Callable[[int], Any]] = {
        "site.weather_years": lambda number: each[number],
        "supply.grid": lambda number: grid_of(site.grid, year, each[number], *terms),
    }
    if whole:
        values["site.weather"] = lambda number: skies[number]
    return YearFactor(tuple(sky.year for sky in skies), values)


def _market(loaded: LoadedScenario, site: Site) -> tuple[str, str]:
    """(series of a market whose years are drawn, or why there is none)."""
    supply, grid = loaded.scenario.supply, loaded.scenario.supply.grid
    if supply.price is not None:
        return "", "all electricity has one price, which is given"
    if grid.hours is not None:
        return "", "hours of the grid are given"
    if grid.year is not None and grid.year != OF_WEATHER:
        return "", f"prices are those of {grid.year}, which is given"
    row = grid_row(site.grid)
    if not row.text("hours"):
        return "", f"the catalog has no hours of a market of {row.text('name', row.id)}"
    return row.text("hours"), ""


def _skies(
    loaded: LoadedScenario, site: Site, own: Weather, planned: Sequence[Weather]
) -> tuple[list[Weather], bool]:
    """(weather years of a site, whether they are whole).

    Raises
    ------
    MissingDataError
        It has one only.
    """
    place = loaded.scenario.site
    given, scaled = place.weather is not None, place.wind_speed is not None
    whole = () if given else load_place_years(site)
    if whole:
        if not any(np.array_equal(sky.temperature, own.temperature) for sky in whole):  # pyright: ignore
            raise MissingDataError("whose year was moved to the temperatures of the place")
        return list(weather_years(site, own, len(whole), scaled=scaled)[0]), True
    try:
        known = load_years(site.id)
        skies = list(weather_years(site, own, len(known), of_file=given)[0])
    except GigawattError:
        raise MissingDataError("which has one weather year only") from None
    if len(planned) > 1 or any(_same_sky(sky, own) for sky in skies):
        return skies, False
    return _brought(skies, own), False


def _same_sky(one: Weather, other: Weather) -> bool:
    mine, theirs = one.wind_capacity_factor, other.wind_capacity_factor
    return mine is not None and theirs is not None and np.array_equal(mine, theirs)


def _brought(skies: Sequence[Weather], own: Weather) -> list[Weather]:
    """The years with sun and wind brought to the means of ``own``, all years together."""
    sun, wind, _ = known_series(own)
    series: dict[str, Array] = {}
    for known, name, of_own in (
        (sun, "solar_capacity_factor", solar_capacity_factor),
        (wind, "wind_capacity_factor", wind_capacity_factor),
    ):
        if known:
            hours = np.concatenate([getattr(sky, name) for sky in skies])
            mean = float(np.mean(of_own(own)))
            series[name] = _raised(hours.tobytes(), mean).reshape(len(skies), -1)
    return [
        replace(sky, **{name: values[i] for name, values in series.items()}) for i, sky in enumerate(skies)
    ]


@lru_cache(maxsize=4)
def _raised(hours: bytes, mean: float) -> Array:
    return raise_to_mean(share=np.frombuffer(hours), mean=mean)
