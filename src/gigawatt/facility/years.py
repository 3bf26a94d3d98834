"""Several weather years of a place: hourly capacity factors of sun and wind from ERA5, the raw wind kept.

A row of ``sites_years`` is one ERA5 series; a site names the one nearest to it. Where the row has a mean of
wind from elsewhere, the raw series is brought to it, all years together, so that good and bad years stay
apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.facility.bias import curve_points, raise_to_mean, rank_to_mean, wind_loss
from gigawatt.facility.readers import HOURS, read_columns
from gigawatt.facility.sites import distance, load_site

__all__ = ["ResourceYear", "list_years", "load_years"]

Array = NDArray[np.float64]
_SCALE = 1e3  # stored as thousandths
_TURBINE = "nrel-atb-5.5mw-175"


@dataclass(frozen=True)
class ResourceYear:
    """One weather year: ``solar`` (tracking), ``wind`` and ``wind_raw`` are capacity factors (8760,) [] in
    hours of local standard time without 29 February; ``series`` is a row of ``sites_years``."""

    series: str
    year: int
    solar: Array = field(repr=False)
    wind: Array = field(repr=False)
    wind_raw: Array = field(repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)


def list_years() -> dict[str, tuple[str, tuple[int, ...]]]:
    """Every site that has weather years: its series and their years; then every series by its own name."""
    table = loader.table("sites_years")
    sites = {site: row.text("years") for site, row in loader.table("sites").items() if row.text("years")}
    return {name: (series, _span(table[series])) for name, series in (sites | {s: s for s in table}).items()}


def load_years(site: str, *, years: tuple[int, ...] | None = None) -> tuple[ResourceYear, ...]:
    """The weather years of a site, the first year first.

    Parameters
    ----------
    site : str
        A site of the catalog, or a series of ``sites_years`` itself.
    years : tuple of int, optional
        Which; all where left out.

    Raises
    ------
    InputError
        An unknown site, or a year that the series lacks.
    MissingDataError
        A site without weather years: names the nearest one by distance that has them.
    """
    table = loader.table("sites_years")
    name = site if site in table and site not in loader.table("sites") else _series(site)
    row = table[name]
    span = _span(row)
    chosen = span if years is None else years
    for year in chosen:
        if year not in span:
            raise InputError("no such weather year", key=name, given=year, allowed=f"{span[0]} to {span[-1]}")
    solar, wind_raw, wind, assumptions = _load(name)
    return tuple(
        ResourceYear(
            series=name,
            year=year,
            solar=solar[year - span[0]],
            wind=wind[year - span[0]],
            wind_raw=wind_raw[year - span[0]],
            assumptions=assumptions,
        )
        for year in chosen
    )


def _span(row: Entity) -> tuple[int, ...]:
    return tuple(range(int(row.value("first_year")), int(row.value("last_year")) + 1))


def _series(site: str) -> str:
    table = loader.table("sites_years")
    try:
        place = load_site(site)
    except InputError as error:
        names = list_years()
        raise InputError(
            "no such site",
            key="site",
            given=site,
            allowed="see `gigawatt catalog list sites`, or a series of sites_years",
            nearest=error.nearest or nearest(site, names),
        ) from None
    row = loader.table("sites").get(place.place)
    if row is not None and row.text("years"):
        return row.text("years")
    here = (place.latitude, place.longitude)
    far = {
        name: distance(*here, *(float(np.degrees(row.value(of))) for of in ("latitude", "longitude")))
        for name, row in table.items()
    }
    closest = min(far, key=lambda name: far[name])
    raise MissingDataError(
        "this site has one weather year only",
        key=place.id,
        allowed=f"the series {closest!r} ({far[closest] / 1e3:.0f} km away), a site with years, or a city "
        "with several: docs/bring-your-own.md lists them",
    )


@lru_cache(maxsize=4)
def _load(name: str) -> tuple[Array, Array, Array, tuple[Assumption, ...]]:
    row = loader.entity("sites_years", name)
    columns = read_columns(f"weather/years/{name}.parquet")
    shape = (len(_span(row)), HOURS)
    solar, raw = (columns[key].reshape(shape) / _SCALE for key in ("cf_solar", "cf_wind"))
    proof = row.evidence("longitude")
    assumptions = [
        proof.assumption(
            "site.years",
            "hourly capacity factors of ERA5, of one turbine and one tracker without losses of a farm stated",
            f"{name} {int(row.value('first_year'))} to {int(row.value('last_year'))}",
        )
    ]
    wind = raw
    if "wind_capacity_factor" in row.numbers:
        target = row.evidence("wind_capacity_factor")
        flat = raw.reshape(-1)
        if row.text("method") == "rank":
            turbine = loader.entity("turbines", _TURBINE)
            speed, output = curve_points(turbine)
            mended = rank_to_mean(
                share=flat, mean=target.value, speed=speed, output=output * (1.0 - wind_loss(turbine))
            )
            how = "by the order of its hours, as a turbine in Rayleigh wind"
        else:
            mended = raise_to_mean(share=flat, mean=target.value)
            how = "by a power transform"
        wind = mended.reshape(shape)
        assumptions.append(
            target.assumption(
                "site.wind_capacity_factor",
                f"ERA5 understates wind here ({float(raw.mean()):.3f}): brought to the catalog's mean {how}",
                f"{target.value:.3f}",
            )
        )
    for series in (solar, raw, wind):
        series.setflags(write=False)
    return solar, raw, wind, tuple(assumptions)
