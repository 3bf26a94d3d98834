"""The hours of a grid's market in a year and a weather: price, and the shape of carbon."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.power.market.forward import Later, later_hours
from gigawatt.power.market.model import modelled_year
from gigawatt.power.market.order import CELL, deal, dealing, within
from gigawatt.power.market.own_hours import OwnHours
from gigawatt.power.market.series import market_year, price_years

__all__ = ["OF_WEATHER", "MarketHours", "given_hours", "market_hours", "read_price_year"]

Array = NDArray[np.float64]

OF_WEATHER = "weather"
"""In place of a year: the price year of each weather year."""


@dataclass(frozen=True)
class MarketHours:
    """Hours of a market: ``price`` (8760,) [$/J], energy alone, of ``year`` (0: of none); ``carbon`` (8760,)
    over its mean, ``None`` where no hours of it are known; ``mean`` the row of the year's mean [$/J], with
    the means of all years as range where no year was asked for; ``assumptions`` what stands for what."""

    price: Array = field(repr=False)
    year: int
    carbon: Array | None = field(repr=False)
    mean: Evidence | None
    assumptions: tuple[Assumption, ...] = field(repr=False)


def read_price_year(text: str) -> int | str:
    """``2023``, or :data:`OF_WEATHER`; raises ``InputError`` of the key ``supply.grid.year``."""
    if text == OF_WEATHER:
        return text
    if text.isdigit() and len(text) == 4:
        return int(text)
    raise InputError("not a year of prices", key="supply.grid.year", given=text,
                     allowed=f"a year such as 2023, or {OF_WEATHER}: that of each weather year")  # fmt: skip


def market_hours(
    series: str,
    *,
    year: int | str | None,
    time_zone: float,
    weather: str = "",
    weather_year: int | None = None,
    driver: Array | None = None,
    later: Later | None = None,
) -> MarketHours:
    """The hours of a row of ``grids_hours``, aligned with a weather.

    Parameters
    ----------
    series : str
        A row of ``grids_hours``.
    year : int, str or None
        Of the prices; ``weather``: the weather's own where the series has it; ``None``: the latest.
    time_zone : float [h]
        Of the local standard time of the hours.
    weather, weather_year : str, int or None
        What the weather is called; the year that it was, ``None`` where it is of no year. Prices of the same
        year are taken as they happened; those of another are dealt out by ``driver``
        (:func:`~gigawatt.power.market.order.deal`).
    driver : (8760,) or None
        Residual load of the weather.
    later : Later, optional
        What sun and wind gain after the year of the prices.

    Raises
    ------
    InputError
        A year that the series lacks (key ``supply.grid.year``).
    """
    row = loader.entity("grids_hours", series)
    years = price_years(row)
    own = weather_year if year == OF_WEATHER and weather_year in years else None
    chosen = int(year) if year not in (None, OF_WEATHER) else own or years[-1]
    weight = _weight(row)
    model = row.text("kind") == "model"
    same = weather_year == chosen
    filled = 0
    if model:
        over = modelled_year(row, chosen, driver, weight.value)
    else:
        over, filled = market_year(row, chosen, time_zone)
        if not same and driver is not None:
            over = deal(over, driver, weight=weight.value)
    if later is not None:
        over = later_hours(over, later)
    asked = year not in (None, OF_WEATHER)  # then there is no band of years
    mean = row.evidence("price", chosen) if asked else _mean(row, chosen)
    level = 1.0 if asked else row.value("level")
    return MarketHours(
        price=over * (mean.value * level),
        year=chosen,
        carbon=_carbon(row, over),
        mean=mean,
        assumptions=(
            *_told(row, chosen, weather, weight, model, same, driver is not None, filled),
            *(later.assumptions if later is not None else ()),
        ),
    )


def given_hours(
    own: OwnHours,
    *,
    series: str = "",
    weather: str = "",
    weather_year: int | None = None,
    driver: Array | None,
) -> tuple[OwnHours, tuple[Assumption, ...]]:
    """Own hours aligned with a weather, and what was done to them.

    Hours with times of another year than the weather's are dealt out by ``driver`` as those of
    :func:`market_hours`, price and carbon together; ``series`` is the market of the grid, whose rank
    correlation of price and weather is taken. Hours without times stay in their order.
    """
    if own.year is None or own.year == weather_year or driver is None:
        return own, ()
    row = loader.entity("grids_hours", series) if series else loader.entity("grids_defaults", "world")
    weight = _weight(row)
    dear = own.price if own.price is not None else own.carbon
    assert dear is not None  # a file has one of them
    at = dealing(dear, driver, weight=weight.value)
    price, carbon = (None if one is None else one[at] for one in (own.price, own.carbon))
    told = weight.assumption(
        "supply.grid_hours",
        f"dealt out among the days of each month by the residual load of {weather}, with which price has a "
        f"rank correlation of {weight.value:.2g} at an hour of the day: the weather is of another year",
        f"{own.name}, {own.year}",
    )
    return replace(own, price=price, carbon=carbon), (told,)


def _mean(row: Entity, year: int) -> Evidence:
    """The mean of a year with those of all years, in the catalog's dollars, as its range."""
    found = row.evidence("price", year)
    each = [one.value for one in row.numbers["price"]]
    return replace(found, low=min(each), high=max(each))


def _weight(row: Entity) -> Evidence:
    own = row if "weather_weight" in row.numbers else loader.entity("grids_defaults", "world")
    return own.evidence("weather_weight")


def _carbon(row: Entity, price: Array) -> Array | None:
    """(8760,) carbon over its mean: by month and hour of the day, and by the rank of the price in them."""
    table = loader.table("grids_hours_carbon")
    if f"{row.id}-01" not in table:
        return None
    months = (table[f"{row.id}-{month:02d}"] for month in range(1, 13))
    shape = np.array([[month.value(f"hour_{hour:02d}") for hour in range(24)] for month in months]).ravel()
    found = np.maximum(shape[CELL] + row.value("carbon_slope") * within(price), 0.0)
    return found / found.mean()


def _told(
    row: Entity, year: int, weather: str, weight: Evidence, model: bool, same: bool, moved: bool, filled: int
) -> tuple[Assumption, ...]:
    name, of = row.text("name"), f" of {weather}" if weather else ""
    kind = Grade.modelled if model else Grade.measured
    if model:
        reason = (
            f"the series of {name} may not be passed on: quantiles of {year}, at hours that are likely, not "
            "those that were"
        )
    elif same:
        reason = "the hours that happened, in the weather that happened"
    elif moved:
        reason = (
            f"the hours of {year}, dealt out among the days of each month by the residual load{of}, with "
            f"which price has a rank correlation of {weight.value:.2g} at an hour of the day"
        )
    else:
        reason = f"the hours of {year} in their own order: this weather does not say which are dear"
    if filled:
        reason += f"; hours without a price ({filled}) are those of the days beside"
    if trap := row.text("trap"):
        reason += f"; {trap}"
    grade = worst([kind, weight.grade]) if moved and not same else kind
    shown, source = f"{row.text('market')}, {name}, {year}", row.rows()[0].source_id
    told = [Assumption("supply.grid_hours", shown, reason, grade, source)]
    if f"{row.id}-01" in loader.table("grids_hours_carbon"):
        error = row.evidence("carbon_error")
        told.append(
            error.assumption(
                "supply.grid_carbon_hours",
                "hours of carbon may not be passed on: a shape fitted on them, off by "
                f"{error.value:.0%} of the mean (root mean square) in a year that the fit has not seen",
                "by month, hour of the day and rank of the price",
            )
        )
    return tuple(told)
