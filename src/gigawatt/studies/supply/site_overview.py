"""Every site of the catalog in one table: sun, wind, air, and its grid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.core.errors import MissingDataError
from gigawatt.core.evidence import Evidence
from gigawatt.facility.weather import Weather, load_site, load_weather
from gigawatt.power import load_grid, solar_capacity_factor, wind_capacity_factor
from gigawatt.schema.scenario import YEAR

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "site_overview"]

_MWH, _G_KWH = 3.6e9, 3.6e9
_ZERO = 273.15
"""0 °C in K (exact)."""

COLUMNS = (
    "name", "country", "latitude [deg]", "longitude [deg]", "elevation [m]", "solar_capacity_factor []",
    "wind_capacity_factor []", "temperature [degC]", "temperature_max [degC]", "grid", "price [$/MWh]",
    "price_grade",
    "carbon [g/kWh]", "carbon_grade", "clean []", "water", "hazards", "grade", "source",
)  # fmt: skip


def site_overview(year: int = YEAR, also: str | None = None) -> pd.DataFrame:
    """One row a site, by its id: means over the hours of its weather year, and of its grid in ``year``.

    Sites are those with hours of their own, and ``also`` one of the cities.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`. Capacity factors are those that a plan takes (single-axis solar, onshore
        wind, without outages); a number that the catalog lacks is NaN. ``clean`` is the mean share of the
        grid's power without fossil fuel. ``grade`` is that of the site's row. About
        2 CPU seconds the first time.
    """
    import pandas as pd

    more = () if also is None or also in catalog.table("sites") else (_row(also, year),)
    return pd.DataFrame([*_rows(year), *more], columns=["site", *COLUMNS]).set_index("site")


@lru_cache(maxsize=8)
def _rows(year: int) -> tuple[tuple[object, ...], ...]:
    return tuple(_row(name, year) for name in catalog.table("sites"))


def _row(name: str, year: int) -> tuple[object, ...]:
    site, lacking = load_site(name), float("nan")
    entity = catalog.table("sites").get(name) or catalog.entity("places", name)
    sky = load_weather(site)
    grid = load_grid(site.grid, year, weather=sky)
    air = sky.temperature
    return (
        site.id, site.name, site.country, site.latitude, site.longitude, site.elevation,
        *_resource(sky),
        lacking if air is None else float(air.mean()) - _ZERO,
        lacking if air is None else float(air.max()) - _ZERO,
        grid.name, float(grid.price.mean()) * _MWH, _grade(grid.evidence.get("price")),
        float(grid.carbon.mean()) * _G_KWH, _grade(grid.evidence.get("carbon")),
        lacking if grid.clean is None else float(grid.clean.mean()),
        site.water, site.hazards, entity.text("grade"), entity.text("source_id"),
    )  # fmt: skip


def _grade(row: Evidence | None) -> str:
    return "" if row is None else row.grade.label


def _resource(sky: Weather) -> tuple[float, float]:
    factors: list[float] = []
    for factor in (solar_capacity_factor, wind_capacity_factor):
        try:
            factors.append(float(factor(sky).mean()))
        except MissingDataError:
            factors.append(float("nan"))
    return factors[0], factors[1]
