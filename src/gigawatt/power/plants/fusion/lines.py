"""What a fusion plant's sheet is made of: its lines, the settings that it takes, costs, what was assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, worst
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.fusion.cost import learned, units_by
from gigawatt.power.plants.fusion.design import TABLE
from gigawatt.power.plants.fusion.machine import Plasma
from gigawatt.power.plants.fusion.plant import Flows, tritium
from gigawatt.power.plants.fusion.plasma import State
from gigawatt.power.plants.fusion.reactivity import load_fuel
from gigawatt.power.plants.sheet import Line, PlantSheet, read_number

__all__ = [
    "SETTINGS",
    "YEAR",
    "FusionSheet",
    "assumptions",
    "costs_in",
    "flow_lines",
    "life_lines",
    "read_settings",
    "setting",
    "tritium_lines",
]

YEAR = HOURS_PER_YEAR * 3600.0
"""s."""
_NOW = 2026.0  # the year from which ``first_online`` counts


SETTINGS: dict[str, tuple[str, str, float, float]] = {
    "net": ("W", "net electric power, averaged over pulses", 1e6, 5e9),
    "field": ("tesla", "magnetic field on the axis", 1.0, 20.0),
    "q95": ("", "safety factor at 95 % of the flux", 2.0, 12.0),
    "h_factor": ("", "confinement over its scaling", 0.3, 3.0),
    "elongation": ("", "elongation of the plasma's cross-section", 1.0, 3.0),
    "ash_ratio": ("", "helium's confinement over that of energy", 1.0, 20.0),
    "impurity_W": ("", "tungsten per electron", 0.0, 1e-3),
    "impurity_Ne": ("", "neon per electron", 0.0, 0.05),
    "impurity_Xe": ("", "xenon per electron", 0.0, 5e-3),
    "flux": ("V*s", "flux swing at the design's own radius", 1.0, 5000.0),
    "dwell": ("s", "time between two burns", 0.0, 36000.0),
    "efficiency": ("", "gross electricity over heat", 0.1, 0.65),
    "blanket_gain": ("", "heat over neutron energy in the blanket", 1.0, 2.0),
    "heating_efficiency": ("", "heating power in the plasma over that from the busbar", 0.05, 0.95),
    "pumping": ("", "coolant pumping over heat carried", 0.0, 0.3),
    "limit_density": ("", "line density over Greenwald's (Sudo's)", 0.1, 2.0),
    "limit_beta": ("", "normalised beta", 0.01, 6.0),
    "limit_wall": ("W/m^2", "neutron wall load", 1e5, 2e7),
    "limit_burn": ("s", "shortest burn", 0.0, 1e6),
    "limit_heating": ("W", "heating power", 1e6, 1e9),
    "limit_coil": ("tesla", "field on the coil", 5.0, 40.0),
    "driver": ("J", "driver energy on the target", 1e6, 1e7),
    "gain": ("", "target gain, in place of the curve's", 0.0, 500.0),
    "driver_efficiency": ("", "energy on the target over electricity", 1e-3, 0.6),
    "repetition": ("Hz", "shots a second", 1e-6, 100.0),
    "breeding": ("", "tritons bred a reaction", 0.0, 2.0),
    "burn_share": ("", "share of the tritium fed that burns", 1e-4, 1.0),
    "unplanned": ("", "share of the time lost to failures and yearly work", 0.0, 0.95),
    "dpa_limit": ("", "displacements per atom that the wall stands", 1.0, 500.0),
    "exchange": ("s", "time that an exchange of walls takes", 0.0, 3e7),
    "first_cost": ("$/W", "overnight cost of the first plant", 0.5, 500.0),
    "learning": ("", "fall of cost with each doubling of the plants built", -0.2, 0.5),
}
"""Key → (unit in which a bare number counts, meaning, lowest, highest)."""


@dataclass(frozen=True)
class FusionSheet(PlantSheet):
    """The sheet, with the physics behind it for the curves: ``flows`` of power; ``plasma`` and its ``state``
    where there is one."""

    flows: Flows = field(repr=False)
    plasma: Plasma | None = field(default=None, repr=False)
    state: State | None = field(default=None, repr=False)


def read_settings(settings: Mapping[str, float | str] | None, allowed: tuple[str, ...]) -> dict[str, float]:
    """Settings as SI numbers, ``fuel`` left out. Raises ``InputError``: unknown, or out of range."""
    found: dict[str, float] = {}
    for key, given in (settings or {}).items():
        if key == "fuel":
            load_fuel(str(given))
            continue
        if key not in allowed:
            raise InputError(
                "no such setting of this design",
                key=key,
                given=given,
                allowed=sorted((*allowed, "fuel")),
                nearest=nearest(key, allowed),
            )
        unit, meaning, low, high = SETTINGS[key]
        found[key] = read_number(key, given, unit=unit, meaning=meaning, low=low, high=high)
    return found


def setting(given: Mapping[str, float], key: str) -> float:
    """What was given, or the catalog's number for every design."""
    return given[key] if key in given else entity(TABLE, "common").value(key)


def costs_in(given: Mapping[str, float], year: float) -> dict[str, float]:
    """Capital of a year, its ends with those of first cost and learning together; other numbers."""
    row = entity(TABLE, "common")
    first, learning = row.evidence("first_cost"), row.evidence("learning")
    start = _NOW + row.value("first_online") / YEAR
    units = units_by(year, first_year=start, doubling=row.value("doubling_time") / YEAR)
    cost, rate = setting(given, "first_cost"), setting(given, "learning")
    low = first.value if first.low is None else first.low
    high = first.value if first.high is None else first.high
    fast = rate if learning.high is None else max(learning.high, rate)
    slow = rate if learning.low is None else min(learning.low, rate)
    capital = learned(cost, rate=rate, units=units)
    return {
        "capital_cost": capital,
        "capital_cost_low": min(learned(min(low, cost), rate=fast, units=units), capital),
        "capital_cost_high": max(learned(max(high, cost), rate=slow, units=units), capital),
        "fixed_cost": row.value("fixed_share") * capital,
        "lead_time": row.value("lead_time"),
        "life": row.value("life"),
        "construction_carbon": row.value("construction_carbon"),
        "ramp": row.value("ramp"),
        "units_built": units,
        "first_year": start,
    }


def flow_lines(powers: Flows) -> list[Line]:
    """The power flows, from fusion to the grid."""
    part = "power"
    found: list[Line] = [
        (part, "fusion power", powers.fusion, "W", f"neutrons {powers.neutron / powers.fusion:.0%}"),
        (part, "added in the blanket", powers.blanket, "W", ""),
        (part, "heat to the cycle", powers.thermal, "W", ""),
        (part, "gross electric power", powers.gross, "W", ""),
    ]
    found += [(part, f"for {name}", value, "W", "") for name, value in powers.loads.items() if value > 0.0]
    found += [
        (part, "net while burning", powers.net, "W", f"{powers.recirculated:.0%} recirculated"),
        (part, "share of the time that the plasma burns", powers.duty, "", ""),
        (part, "net, averaged over pulses", powers.average, "W", ""),
    ]
    return found


def tritium_lines(fusion: float, given: Mapping[str, float], runs: float) -> list[Line]:
    """Tritium burnt, stocked, bred. Raises ``InfeasibleError`` where the blanket breeds too little."""
    row = entity(TABLE, "common")
    made = tritium(
        fusion=fusion,
        breeding=setting(given, "breeding"),
        burn_share=setting(given, "burn_share"),
        loss=row.value("tritium_loss"),
        processing=row.value("processing"),
        reserve=row.value("reserve"),
        duty=runs,
    )
    part = "tritium"
    return [
        (part, "burnt in a year of operation", made.burnt * YEAR * runs, "kg", ""),
        (part, "stock to start with", made.inventory, "kg", ""),
        (part, "breeding ratio needed", made.needed, "", f"designed for {setting(given, 'breeding'):.3g}"),
        (part, "time to breed a second stock", made.doubling / YEAR, "year", ""),
    ]


def life_lines(life: float, runs: float, costs: Mapping[str, float], year: float) -> list[Line]:
    """Life of the wall, availability, first plant, cost."""
    part = "life and money"
    row = entity(TABLE, "common").evidence("first_online")
    ends = [(_NOW + end / YEAR) for end in (row.low or row.value, row.high or row.value)]
    first = f"{ends[0]:.0f} to {ends[1]:.0f}"
    return [
        (part, "life of a wall in operation", life / YEAR, "year", ""),
        (part, "availability", runs, "", "of burn and dwell together"),
        (part, "first plant", f"{costs['first_year']:.0f}", "", first),
        (part, f"plants built by {year:g}", costs["units_built"], "", ""),
        (
            part,
            "overnight cost",
            costs["capital_cost"],
            "$/W",
            f"{costs['capital_cost_low']:.3g} to {costs['capital_cost_high']:.3g}",
        ),
        (part, "lead time", costs["lead_time"] / YEAR, "year", ""),
    ]


def assumptions(name: str, rows: tuple[Evidence, ...], year: float) -> tuple[Assumption, ...]:
    """One assumption: what the sheet took from the catalog, and its weakest rows."""
    every = (*rows, *entity(TABLE, "common").rows())
    bad = worst(one.grade for one in every)
    weak = dict.fromkeys(one.quantity for one in every if one.grade == bad)
    return (
        Assumption(
            key=f"supply.fusion.{name}",
            value=f"catalog numbers, cost of {year:g}",
            reason=f"not given; least certain ({bad.label}): {', '.join(weak)}",
            grade=bad,
            source=", ".join(dict.fromkeys(one.source_id for one in every)),
        ),
    )
