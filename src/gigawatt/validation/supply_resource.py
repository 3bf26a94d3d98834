"""Sun and wind beside what others make of the same weather: pvlib, PVWatts (PySAM), the data's publishers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.catalog import loader
from gigawatt.core.evidence import Evidence
from gigawatt.facility.weather import Weather, load_weather
from gigawatt.facility.years import load_years
from gigawatt.power.solar import solar_capacity_factor
from gigawatt.power.wind import power_curve
from gigawatt.validation.supply_check import Check

__all__ = ["checks"]

_YEAR = 2013  # the calendar that pvlib and PySAM were given
_MODULES = {"single_axis": "single-axis", "fixed": "fixed"}
_WITHIN = 0.01  # what the two libraries are asked for
_CLOSE = 0.005  # sums of the same series, packed as integers
_FLEET = 0.1  # a country's fleet beside one place in it


def checks() -> tuple[Check, ...]:
    """The year's energy of both modules at sites with radiation, sums of the data, fleets, power curves."""
    found: list[Check] = []
    sites = loader.table("sites")
    for place, row in loader.table("sites_checks").items():
        if place not in sites:
            found.extend(_fleet(place, proof) for proof in row.rows())
            continue
        weather = replace(load_weather(place), year=_YEAR)
        ours = {name: float(solar_capacity_factor(weather, kind).mean()) for name, kind in _MODULES.items()}
        found.extend(_of_site(place, weather, ours, proof) for proof in row.rows())
    return (*found, *_curves())


def _source(proof: Evidence) -> str:
    title = loader.source(proof.source_id).title
    return ", ".join(part for part in (title, proof.locator) if part)


def _of_site(place: str, weather: Weather, ours: dict[str, float], proof: Evidence) -> Check:
    if proof.quantity == "ghi_sum":
        assert weather.ghi is not None
        value, unit, scale = float(weather.ghi.sum()) / 1e3, "kWh/m^2", 1.0 / 3.6e6
        return Check(
            "resource",
            f"{place}: year's global radiation",
            value,
            proof.value * scale,
            unit,
            _CLOSE,
            _source(proof),
        )
    if proof.quantity == "wind_100m_mean":
        assert weather.wind_100m is not None
        value = float(weather.wind_100m.mean())
        return Check(
            "resource", f"{place}: mean wind at 100 m", value, proof.value, "m/s", _CLOSE, _source(proof)
        )
    _, rest = proof.quantity.split("_", 1)
    module, library = rest.rsplit("_", 1)
    return Check(
        "resource",
        f"{place}: solar capacity factor, {_MODULES[module]}, {library}",
        ours[module],
        proof.value,
        "",
        _WITHIN,
        _source(proof),
        fitted=library == "pysam",
    )


def _fleet(series: str, proof: Evidence) -> Check:
    years = load_years(series)
    target = loader.entity("sites_years", series).get("wind_capacity_factor")
    return Check(
        "resource",
        f"{series}: mean wind capacity factor of {len(years)} years",
        float(np.mean([year.wind.mean() for year in years])),
        proof.value,
        "",
        _FLEET,
        _source(proof),
        fitted=target == proof.value,
    )


def _curves() -> tuple[Check, ...]:
    """NREL turbine-models, 2020ATB_NREL_Reference_5.5MW_175.csv: power at two speeds."""
    row = loader.entity("turbines", "nrel-atb-5.5mw-175")
    points = loader.entity("turbines_checks", row.id)
    return tuple(
        Check(
            "resource",
            f"{row.id}: power at {int(proof.quantity.split('_')[-1])} m/s",
            float(
                power_curve(speed=[float(proof.quantity.split("_")[-1])], turbine=row)[0]
                * row.value("rated_power")
            )
            / 1e3,
            proof.value / 1e3,
            "kW",
            _CLOSE,
            _source(proof),
            fitted=True,
        )
        for proof in points.rows()
    )
