"""The building against what others published: towers, chillers, supplies, PUE and water of real operators.

Operators are rows of ``cooling_operators``: each site with the nearest weather of the catalog, the kind of
cooling that the operator is known or assumed to use, a new building, full. Their numbers are means over old
and new halls, full and filling, owned and leased, so ours are expected below them. Water below a twentieth
of a litre per kWh is not compared: relative to nearly nothing any difference is large.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gigawatt.catalog import Entity, loader
from gigawatt.facility import LoadShape, facility_load, load_weather
from gigawatt.facility.cooling import approach_ratio, exchange_size, saturated_enthalpy
from gigawatt.facility.embodied import embodied_carbon
from gigawatt.facility.power_chain import chain_losses, construction_factor

__all__ = ["centrifugal", "cooler", "operator_year", "rack_supply", "redundant", "services", "tower_approach"]

_POWER = 1e8  # W: any; the model does not depend on size
_YEAR = 8760.0 * 3600.0
_YORK_DESIGN = {"approach": 3.89, "loop_rise": 5.56, "air_ratio": 1.0}
_YORK_WET_BULB = 25.55
_DOE2_LEAVING = 6.67


@lru_cache(maxsize=64)
def operator_year(id: str) -> LoadShape:
    """The year of a new, full building as one row of ``cooling_operators`` describes it."""
    operator = loader.entity("cooling_operators", id)
    kind = operator.text("redundancy")
    return facility_load(
        it_power=_POWER,
        weather=load_weather(operator.text("site")),
        cooling=loader.entity("cooling", operator.text("cooling")),
        electrical=loader.entity("cooling_electrical", operator.text("electrical")),
        redundancy=loader.entity("cooling_redundancy", kind) if kind else None,
    )


def tower_approach(wet_bulb: float, speed: float) -> float:
    """Approach of the YorkCalc tower at a wet-bulb [degC] and an air flow over its design, K."""
    size = exchange_size(**_YORK_DESIGN)
    rise, kelvin = _YORK_DESIGN["loop_rise"], wet_bulb + 273.15

    def slope(at: float, span: float) -> float:
        return float(np.diff(saturated_enthalpy(temperature=[at, at + span]))[0] / span)

    design = slope(_YORK_WET_BULB + 273.15, _YORK_DESIGN["approach"] + rise)
    approach = _YORK_DESIGN["approach"]
    for _ in range(50):
        ratio = approach_ratio(
            speed=speed,
            size=size,
            air_ratio=_YORK_DESIGN["air_ratio"],
            heaviness=slope(kelvin, approach + rise) / design,
            exponent=loader.entity("cooling", "tower").value("exchange_exponent"),
        )
        approach = 0.5 * (approach + rise * float(ratio))
    return approach


def _coefficient(row: Entity, *, sink: float, leaving: float) -> float:
    """COP of the row's chiller at full load, outdoors at ``sink`` and water leaving at ``leaving`` [degC]."""
    cold = leaving + 273.15 - row.value("evaporator_approach")
    return row.value("carnot_share") * cold / (sink + 273.15 + row.value("condenser_approach") - cold)


def cooler(name: str, *, sink: float) -> float:
    """COP of a kind of cooling's chiller, its water leaving as in DOE-2's, outdoors at ``sink`` degC."""
    return _coefficient(loader.entity("cooling", name), sink=sink, leaving=_DOE2_LEAVING)


def centrifugal(entering: float) -> float:
    """COP of the tower's chiller at the condenser water of DOE-2's test, ``entering`` degC."""
    return cooler("tower", sink=entering - _YORK_DESIGN["approach"])


def rack_supply(share: float) -> float:
    """Efficiency of a rack's supply at a share of its load."""
    chain = loader.entity("cooling_electrical", "double-conversion")
    losses = chain_losses(
        it_power=np.array([share * _POWER * chain.value("margin")]), chain=chain, design_power=_POWER
    )
    return float(losses.delivered[0] / (losses.delivered[0] + losses.rack_supply[0]))


def redundant(kind: str) -> float:
    """Construction with a redundancy over that with none."""
    parts, none = loader.entity("building", "ai-campus-parts"), loader.entity("cooling_redundancy", "n")
    return construction_factor(
        redundancy=loader.entity("cooling_redundancy", kind), parts=parts, reference=none
    )


def services(years: float) -> float:
    """Share of services in the embodied carbon over ``years``, 0 at first."""
    parts = loader.entity("building", "ai-campus-parts")
    carbon = embodied_carbon(it_power=_POWER, parts=parts, years=years * _YEAR)
    return 1.0 - carbon["shell"] / sum(carbon.values())
