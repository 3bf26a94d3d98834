"""The sheet of a plant in orbit as a person reads it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.space_solar.beam import LIGHT, keep_out_radius, sidelobe
from gigawatt.power.plants.space_solar.carbon import footprint
from gigawatt.power.plants.space_solar.chain import irradiance
from gigawatt.power.plants.space_solar.cost import assembly_months, levelised
from gigawatt.power.plants.space_solar.orbit_sheet import OrbitSheet
from gigawatt.power.plants.space_solar.usual import usual_cells, usual_laser

__all__ = ["lines_of"]

Line = tuple[str, str, float | str, str, str]
_YEAR = HOURS_PER_YEAR * 3600.0
_KWH = 3.6e6
_START = 8400.5  # days since 2000-01-01 12:00: 2023-01-01 00:00 UT


def lines_of(made: OrbitSheet, use: Mapping[str, Any], *, distance: float, elevation: float) -> list[Line]:
    """(section, label, value, unit, note) of a sheet, in order, in units that a person reads.

    Parameters
    ----------
    made : OrbitSheet
        All but its lines.
    use : mapping
        Settings.
    distance, elevation : float [m, rad]
        Of the satellite where it stands highest.
    """
    return [
        *_power(made),
        *_cells(made, use),
        *_beam(made, use, distance, elevation),
        *_ground(made, use, distance),
        *_laser(made, distance),
        *_money(made, use),
    ]


def _power(made: OrbitSheet) -> list[Line]:
    q, first = made.quantities, made.chain[0]
    whole = made.chain[-1].leaving / first.entering
    found: list[Line] = [("power", "sunlight on the panels", first.entering / 1e6, "MW", "")]
    found += [
        ("power", stage.name, stage.leaving / 1e6, "MW", f"{stage.efficiency:.3g} of what enters")
        for stage in made.chain
    ]
    row = entity("space_solar", made.design)
    return [
        *found,
        ("power", "whole chain", whole, "", "power at the grid over sunlight"),
        (
            "power",
            "share of the year by geometry",
            q["capacity_factor"],
            "",
            f"shadow, sight, angle to the sun; NASA has {row.value('capacity_factor'):g}",
        ),
        ("power", "mean power", q["power"] * q["capacity_factor"] / 1e6, "MW", "before outages"),
    ]


def _cells(made: OrbitSheet, use: Mapping[str, Any]) -> list[Line]:
    years = made.programme.module_life / _YEAR
    cells = usual_cells(orbit=str(use["orbit"]), years=years, efficiency=use["cell_efficiency"])
    ratio = cells.mean / use["cell_efficiency"]
    days = _START + np.arange(365.0)
    light = irradiance(days, solar_constant=entity("space_solar", "cells").value("irradiance"))
    return [
        (
            "cells",
            "sunlight over the year",
            float(light.mean()),
            "W/m²",
            f"{light.min():,.0f} to {light.max():,.0f}",
        ),
        ("cells", "temperature in sunlight", cells.temperature - 273.15, "°C", "one sun, both faces radiate"),
        ("cells", "efficiency there", cells.efficiency, "", f"{use['cell_efficiency']:g} at 25 °C"),
        ("cells", "left by particles", cells.remaining, "", f"after {years:g} years"),
        ("cells", "mean over what is assumed", ratio, "", "not in the power above: NASA leaves it out"),
    ]


def _beam(made: OrbitSheet, use: Mapping[str, Any], distance: float, elevation: float) -> list[Line]:
    b, row = made.beam, entity("space_solar", made.design)

    def nasa(name: str) -> str:
        return f"NASA assumes {row.value(name):g}"

    note = b.notice or nasa("collection_efficiency")
    return [
        ("beam", "distance", distance / 1e3, "km", ""),
        ("beam", "elevation", math.degrees(elevation), "deg", ""),
        ("beam", "τ", b.tau, "", "√(A_t A_r) / (λ D)"),
        ("beam", "collected: 1 − exp(−τ²)", b.gaussian, "", nasa("collection_efficiency")),
        ("beam", "collected: the best taper", b.optimum, "", "first prolate function"),
        ("beam", f"collected: {use['taper']:g} dB taper with jitter", b.collection, "", note),
        ("beam", "air", b.air, "", nasa("air_efficiency")),
        ("beam", "rectenna", b.rectenna, "", nasa("rectenna_efficiency")),
        ("beam", "first sidelobe", sidelobe(use["taper"]), "dB", ""),
    ]


def _ground(made: OrbitSheet, use: Mapping[str, Any], distance: float) -> list[Line]:
    row, design = entity("space_solar", "beam"), entity("space_solar", made.design)
    antenna = next(stage for stage in made.chain if stage.name == "antenna")
    power = antenna.leaving / design.value("satellites") * made.beam.air
    found: list[Line] = [
        (
            "ground",
            "strongest, in the middle",
            made.beam.peak,
            "W/m²",
            "230 in the reference system of 1978; sun 1,000",
        ),
        ("ground", "at the rectenna's edge", made.beam.edge, "W/m²", ""),
    ]
    for name, who in (("limit_public", "the public"), ("limit_work", "workers")):
        limit = row.value(name)
        radius = keep_out_radius(
            limit,
            power=power,
            transmit_diameter=use["transmit_diameter"],
            wavelength=LIGHT / use["frequency"],
            distance=distance,
            taper=use["taper"],
        )
        found.append(("ground", f"keep out: {who}", radius / 1e3, "km", f"beyond it below {limit:g} W/m²"))
    land = made.quantities["land"] * made.quantities["power"] / 1e6
    return [
        *found,
        ("ground", "land", land, "km²", f"of {design.value('rectennas'):g} rectennas, fence included"),
    ]


def _laser(made: OrbitSheet, distance: float) -> list[Line]:
    """The same direct current sent down as light."""
    current = next(stage for stage in made.chain if stage.name == "direct current").leaving
    link = usual_laser(power=current, distance=distance)
    return [
        (
            "laser instead",
            "under a clear sky",
            link.delivered / 1e6,
            "MW",
            f"{link.efficiency:.3g} of the current",
        ),
        ("laser instead", "share of the year by clouds", link.availability, "", "one receiver"),
        ("laser instead", "spot", link.spot, "m", "1/e², with its jitter, of each beam"),
    ]


def _money(made: OrbitSheet, use: Mapping[str, Any]) -> list[Line]:
    q, p, s = made.quantities, made.programme, made.spending
    row = entity("space_solar", made.design)
    nasas = levelised(
        s,
        power=q["power"] * row.value("capacity_factor"),
        life=p.life,
        rate=use["interest"],
        capacity_factor=row.value("capacity_factor"),
    )
    foot = footprint(p, s)
    low, high = (footprint(p, s, case=case) for case in ("low", "high"))
    delivered = q["power"] * q["capacity_factor"] * q["availability"]
    life = delivered * p.life
    gram = 1e3 * _KWH
    ends = [one.carbon_intensity(life) * gram for one in (low, high)]
    found: list[Line] = [
        ("launch", "mass in orbit", p.fleet_mass / 1e3, "t", ""),
        ("launch", "launches in the life", s.total_launches, "", f"{p.refuels:g} tankers a payload"),
        ("launch", "a launch", p.launch_price / 1e6, "M$", f"less {p.launch_discount:.0%} for a block"),
        ("launch", "assembly", assembly_months(p) / 12.0, "years", f"{p.servicers:g} servicers"),
    ]
    found += [("money", name, s.phase(name) / 1e9, "G$", "") for name in s.phases]
    return [
        *found,
        ("money", "in all", s.total / 1e9, "G$", "over the life, not discounted"),
        (
            "money",
            "capital",
            q["capital_cost"] * 1e3,
            "$/kW",
            f"{q['capital_cost_low'] * 1e3:,.0f} to {q['capital_cost_high'] * 1e3:,.0f}",
        ),
        ("money", "fixed", q["fixed_cost"] * 1e3 * _YEAR, "$/kW/year", "replacement, disposal, operation"),
        ("money", "levelised cost", q["levelised_cost"] * _KWH, "$/kWh", f"at {use['interest']:.1%}"),
        ("money", "by NASA's formula", nasas * _KWH, "$/kWh", "it counts the capacity factor twice"),
        (
            "carbon",
            "making and launching",
            foot.carbon_intensity(life) * gram,
            "g/kWh",
            f"{ends[0]:.0f} to {ends[1]:.0f}, without soot",
        ),
        (
            "carbon",
            "soot of the launches",
            foot.soot / life * gram,
            "g/kWh",
            f"0 to {high.soot / life * gram:.0f}; unmeasured",
        ),
        ("carbon", "energy payback", foot.payback(delivered) / _YEAR, "years", ""),
    ]
