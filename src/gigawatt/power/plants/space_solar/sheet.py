"""Space-based solar power: the sheet of a plant, its curves, and the profile and numbers that a plan takes.

Physics stands in the modules beside this one (``orbit``, ``_year``, ``_chain``, ``_beam``,
``_air``,
``_rectenna``, ``_cost``, ``_carbon``, ``_laser``, ``compute``); here a design of the table
``space_solar`` is put through it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.space_solar.beam import LIGHT, collection_efficiency
from gigawatt.power.plants.space_solar.carbon import footprint
from gigawatt.power.plants.space_solar.chain import Stage, power_chain
from gigawatt.power.plants.space_solar.cost import Programme, Spending, assembly_months, levelised, spend
from gigawatt.power.plants.space_solar.curves import curves_of
from gigawatt.power.plants.space_solar.lines import lines_of
from gigawatt.power.plants.space_solar.orbit import elevation_and_range, positions, site_position
from gigawatt.power.plants.space_solar.orbit_sheet import OrbitSheet
from gigawatt.power.plants.space_solar.rectenna import physical_beam
from gigawatt.power.plants.space_solar.settings import DESIGNS, SETTINGS, defaults, read
from gigawatt.power.plants.space_solar.year import constellation, hourly_share

__all__ = ["DESIGNS", "SETTINGS", "OrbitSheet", "curves", "list_designs", "profile", "sheet"]

Array = npt.NDArray[np.float64]

_YEAR = HOURS_PER_YEAR * 3600.0
_MONTH = _YEAR / 12.0
_START = 8400.5  # days since 2000-01-01 12:00: 2023-01-01 00:00 UT
_CAPITAL = ("develop", "assemble")


def list_designs() -> dict[str, str]:
    """Id → name of NASA's two designs."""
    return {name: table("space_solar")[name].text("name", name) for name in DESIGNS}


def _design(name: str) -> Entity:
    check_word("design", name, DESIGNS, "no such design")
    return table("space_solar")[name]


def profile(
    *,
    latitude: float,
    longitude: float,
    year: int = 2023,
    design: str = "rd1-heliostat",
    settings: Mapping[str, float | str] | None = None,
    time_zone: float | None = None,
) -> Array:
    """Share of the rated power by the hour at a site, (8760,), for the ``profile`` of a plant in a plan.

    Parameters
    ----------
    latitude, longitude : float [deg]
        Of the site.
    year : int
        Calendar year; hours are local standard time.
    design : str
        Of :data:`DESIGNS`.
    settings : mapping, optional
        ``orbit``, ``constellation``, ``collector``, ``mask``: as for :func:`sheet`.
    time_zone : float [h], optional
        By the longitude where left out.

    Returns
    -------
    (8760,) array []
        Shadow, sight and the collector's angle to the sun; where distance changes (no geostationary orbit),
        also the share that the beam still brings. Outages are not in it: the row's ``availability`` is.

    Raises
    ------
    InputError
        An unknown design, setting or orbit; a site that never sees a satellite.

    References
    ----------
    :func:`~gigawatt.power.plants.space_solar.year.hourly_share`.
    """
    row = _design(design)
    use = read(row, 2040.0, settings)
    use |= {"latitude": latitude, "longitude": longitude}
    return _hours(row, use, year, time_zone)


def _hours(row: Entity, use: Mapping[str, Any], year: int = 2023, time_zone: float | None = None) -> Array:
    reference, _ = _sight(use)
    moving = use["orbit"] != "geo"
    wave = LIGHT / use["frequency"]
    areas = math.pi / 4.0 * math.sqrt(use["transmit_diameter"] ** 2 * use["rectenna_diameter"] ** 2) / wave
    rated = float(collection_efficiency(areas / reference))

    def beam(distance: Array, elevation: Array) -> Array:
        seen = np.sqrt(np.sin(elevation))  # the rectenna lies flat
        return collection_efficiency(areas * seen / distance) / rated

    return hourly_share(
        str(use["orbit"]),
        latitude=use["latitude"],
        longitude=use["longitude"],
        year=year,
        satellites=int(use["constellation"]),
        collector=str(use["collector"]),
        mask=use["mask"],
        beam=beam if moving else None,
        time_zone=time_zone,
    )


def _sight(use: Mapping[str, Any]) -> tuple[float, float]:
    """(distance [m], elevation [rad]) where the best satellite of a day stands highest above the site."""
    seconds = np.arange(0.0, 86400.0, 120.0)
    days = _START + seconds / 86400.0
    fleet = constellation(
        str(use["orbit"]),
        satellites=int(use["constellation"]),
        longitude=use["longitude"],
        days_since_2000=_START,
    )
    place, zenith = site_position(latitude=use["latitude"], longitude=use["longitude"], days_since_2000=days)
    best, away = -math.pi, math.inf
    for orbit in fleet:
        elevation, distance = elevation_and_range(positions(orbit, seconds), place, zenith)
        highest = int(np.argmax(elevation))
        if float(elevation[highest]) > best:
            best, away = float(elevation[highest]), float(distance[highest])
    if best < use["mask"]:
        raise InputError(
            "no satellite of this orbit rises high enough here",
            key="latitude",
            given=f"{use['latitude']:g} deg: {math.degrees(best):.0f} deg above the horizon at best",
            allowed=f"at least the mask of {math.degrees(use['mask']):.0f} deg, or another orbit",
        )
    return away, best


def _programme(row: Entity, use: Mapping[str, Any], **given: float) -> Programme:
    copies = float(use["constellation"]) if use["orbit"] != "geo" else 1.0
    electric = bool(use["electric_propulsion"])
    values: dict[str, float] = {
        "modules": row.value("modules") * row.value("cell_efficiency") / use["cell_efficiency"] * copies,
        "servicers": row.value("servicers") * copies,
        "removers": row.value("removers") * copies,
        "refuels": 0.0 if electric else use["refuels"],
        "propulsion_share": row.value("propulsion_share") if electric else 0.0,
        "rectenna_area": math.pi / 4.0 * use["rectenna_diameter"] ** 2 * row.value("rectennas"),
    }
    for name in (
        "launch_price",
        "launch_payload",
        "module_mass",
        "module_cost",
        "module_learning",
        "module_life",
        "servicer_learning",
        "remover_learning",
        "rectenna_cost",
    ):
        values[name] = use[name]
    return Programme.of(row, **{**values, **given})


def _bound(row: Entity, use: Mapping[str, Any], year: float, case: str, fixed: frozenset[str]) -> Programme:
    """The programme at one end of the ranges of prices and learning curves; what was set stays."""
    ends: dict[str, float] = {"launch_price": defaults(row, year, case)["launch_price"][0]}  # type: ignore[dict-item]
    names = (
        ("module_cost", "servicer_cost", "remover_cost")
        if case == "low"
        else ("module_learning", "servicer_learning", "remover_learning")
    )
    for name in names:
        found = row.evidence(name)
        end = found.low if case == "low" else found.high
        ends[name] = found.value if end is None else end
    return _programme(row, use, **{name: value for name, value in ends.items() if name not in fixed})


def sheet(
    settings: Mapping[str, float | str] | None = None, *, design: str = "rd1-heliostat", year: float = 2040
) -> OrbitSheet:
    """A plant in orbit, from sunlight to $/W.

    Parameters
    ----------
    settings : mapping, optional
        Values in place of the design's, by the keys of :func:`~.settings.defaults`, in the units
        that stand there.
    design : str
        Of :data:`DESIGNS`: NASA's two.
    year : float
        Of operation; the launch price follows its trend to it.

    Returns
    -------
    OrbitSheet
        Power and money as NASA assumes them, and the physical beam beside (or in place, with
        ``beam=physical``).

    Raises
    ------
    InputError
        An unknown design or setting, one out of range, a beam wider than the rectenna, a site out of sight.

    References
    ----------
    Rodgers, E. et al. (2024). Space-Based Solar Power. NASA OTPS, report 20230018600.
    """
    row = _design(design)
    use = read(row, year, settings)
    distance, elevation = _sight(use)
    hours = _hours(row, use)
    scale = row.value("cell_efficiency") / use["cell_efficiency"]
    light = row.value("irradiance") * row.value("panel_area") * scale
    shares = {
        "cells": use["cell_efficiency"],
        "direct current": row.value("dc_efficiency"),
        "radio": row.value("rf_efficiency"),
        "antenna": row.value("antenna_efficiency"),
        "air": row.value("air_efficiency"),
        "collection": row.value("collection_efficiency"),
        "rectenna": row.value("rectenna_efficiency"),
        "ground": row.value("ground_efficiency"),
    }
    radiated = light * shares["cells"] * shares["direct current"] * shares["radio"] * shares["antenna"]
    beam = physical_beam(
        power=radiated / row.value("satellites"),
        frequency=use["frequency"],
        transmit_diameter=use["transmit_diameter"],
        rectenna_diameter=use["rectenna_diameter"],
        distance=distance,
        elevation=elevation,
        taper=use["taper"],
        pointing=use["pointing"],
        rain_rate=use["rain_rate"],
        liquid=use["liquid"],
    )
    if use["beam"] == "physical":
        shares |= {"air": beam.air, "collection": beam.collection, "rectenna": beam.rectenna}
    chain = power_chain(light, shares)
    programme = _programme(row, use)
    spending = spend(programme)
    fixed = frozenset(settings or ())
    bounds = [spend(_bound(row, use, year, case, fixed)) for case in ("low", "high")]
    quantities = _quantities(row, use, chain, programme, spending, bounds, hours)
    made = OrbitSheet(
        name=row.text("name"),
        design=design,
        year=float(year),
        lines=[],
        quantities=quantities,
        settings={
            key: (use[key], unit, meaning, low, high)
            for key, (_, unit, meaning, low, high) in defaults(row, year).items()
        },
        assumptions=_assumptions(row, year, fixed),
        chain=chain,
        beam=beam,
        programme=programme,
        spending=spending,
        hours=hours,
    )
    made.lines.extend(lines_of(made, use, distance=distance, elevation=elevation))
    return made


def _quantities(
    row: Entity,
    use: Mapping[str, Any],
    chain: tuple[Stage, ...],
    programme: Programme,
    spending: Spending,
    bounds: list[Spending],
    hours: Array,
) -> dict[str, float]:
    operation = entity("space_solar", "operation")
    peak, share = chain[-1].leaving, float(hours.mean())
    availability = operation.value("availability")
    delivered = peak * share * availability

    def capital(paid: Spending) -> float:
        return (sum(paid.phase(name) for name in _CAPITAL) + paid.phases["operate"]["ground"]) / peak

    invested = capital(spending)
    made = footprint(programme, spending)
    return {
        "power": peak,
        "capacity_factor": share,
        "capital_cost": invested,
        "capital_cost_low": min(capital(bounds[0]), invested),
        "capital_cost_high": max(capital(bounds[1]), invested),
        "fixed_cost": (spending.total / peak - invested) / programme.life,
        "variable_cost": 0.0,
        "ramp": operation.value("ramp"),
        "minimum_load": 0.0,
        "availability": availability,
        "lead_time": operation.value("development") + assembly_months(programme) * _MONTH,
        "life": programme.life,
        "unit_size": peak,
        "water": 0.0,
        "land": programme.rectenna_area * entity("space_solar", "beam").value("land") / peak,
        "construction_carbon": made.carbon_intensity(delivered * programme.life),
        "energy_payback": made.payback(delivered),
        "launches": spending.total_launches,
        "mass": programme.fleet_mass,
        "levelised_cost": levelised(
            spending, power=delivered, life=programme.life, rate=use["interest"], ground_first=True
        ),
    }


def _assumptions(row: Entity, year: float, fixed: frozenset[str]) -> tuple[Assumption, ...]:
    found: list[Assumption] = []
    launch = entity("space_solar", "launch").evidence("trend_fall")
    if "launch_price" not in fixed:
        found.append(
            Assumption(
                key="supply.space_solar.launch_price",
                value=f"trend of prices to {year:g}",
                reason="not given; the fall of 2013 to 2022 goes on",
                grade=entity("space_solar", "launch").evidence("price").grade,
                source=launch.source_id,
            )
        )
    told = (
        (row.evidence("transmit_diameter"), "the report does not give the transmitting aperture"),
        (row.evidence("removers"), "the report's table was not found; worked back from its launches"),
        (
            entity("space_solar", "beam").evidence("rectenna_cost"),
            "the report's price of the ground was not found",
        ),
        (entity("space_solar", "operation").evidence("availability"), "none has been operated"),
        (entity("space_solar", "carbon").evidence("hardware_carbon"), "no inventory of such hardware"),
    )
    for evidence, reason in told:
        found.append(evidence.assumption(f"supply.space_solar.{evidence.quantity}", reason))
    return tuple(found)


def curves(
    sheet_or_settings: OrbitSheet | Mapping[str, float | str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Data of the figures, plain arrays.

    Parameters
    ----------
    sheet_or_settings : OrbitSheet or mapping, optional
        A sheet, or settings of the usual design.

    Returns
    -------
    dict
        As :func:`~gigawatt.power.plants.space_solar.curves.curves_of` says.

    References
    ----------
    As in :func:`sheet`.
    """
    made = sheet_or_settings if isinstance(sheet_or_settings, OrbitSheet) else sheet(sheet_or_settings)
    row = _design(made.design)
    use: dict[str, Any] = {key: value[0] for key, value in made.settings.items()}

    def programme(**other: float) -> Programme:
        return _programme(row, {**use, **other})

    return curves_of(made, use, programme=programme, distance=_sight(use)[0])
