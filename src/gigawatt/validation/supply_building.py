"""The building against what others published: towers, chillers, supplies, PUE and water of real operators.

Operators are rows of ``cooling_operators``: each site with the nearest weather of the catalog, the kind of
cooling that the operator is known or assumed to use, a new building, full. Their numbers are means over old
and new halls, full and filling, owned and leased, so ours are expected below them. Water below a twentieth
of a litre per kWh is not compared: relative to nearly nothing any difference is large.
"""

from __future__ import annotations

import numpy as np

from gigawatt.catalog import Entity, loader
from gigawatt.facility import LoadShape, facility_load, load_weather
from gigawatt.facility.cooling import approach_ratio, exchange_size, saturated_enthalpy
from gigawatt.facility.embodied import embodied_carbon
from gigawatt.facility.power_chain import chain_losses, construction_factor
from gigawatt.validation.supply_check import Check

__all__ = ["checks", "operator_year"]

_LITRE_PER_KWH = 1e-3 / 3.6e6  # m³/J
_LEAST_WATER = 0.05 * _LITRE_PER_KWH
_POWER = 1e8  # W: any; the model does not depend on size
_YEAR = 8760.0 * 3600.0
_PUE, _WATER, _PARTS, _MONEY = 0.05, 0.30, 0.15, 0.15

# Approach [K] of the YorkCalc tower by (wet-bulb [degC], air flow over design), range 5.56 K, design water:
# evaluated from the 27 coefficients that EnergyPlus and the Modelica Buildings library carry.
_YORK = {
    (25.55, 1.0): 3.84,
    (25.55, 0.6): 7.07,
    (20.0, 1.0): 5.06,
    (20.0, 0.6): 9.02,
    (10.0, 1.0): 7.77,
    (10.0, 0.6): 12.99,
}
_YORK_DESIGN = {"approach": 3.89, "loop_rise": 5.56, "air_ratio": 1.0}
_YORK_WET_BULB = 25.55
# Energy per heat of the DOE-2 Centrifugal/5.50COP by entering condenser water [degC], over that at 29.4;
# chilled water leaves at 6.67.
_DOE2 = {24.0: 0.890, 35.0: 1.144}
_DOE2_COP, _DOE2_ENTERING, _DOE2_LEAVING = 5.5, 29.4, 6.67
_EER_90_1 = 10.1 / 3.412  # COP, air-cooled at 35 °C
_TITANIUM = {0.2: 0.94, 0.5: 0.96}
_TIERS = {"n+1": 11.0 / 10.0, "2n": 22.0 / 10.0}  # Tier II and IV over Tier I, $/kW
_MECLA = {0.0: 0.60, 60.0 * _YEAR: 0.90}


def operator_year(operator: Entity) -> LoadShape:
    """The year of a new, full building as one row of ``cooling_operators`` describes it."""
    kind = operator.text("redundancy")
    return facility_load(
        it_power=_POWER,
        weather=load_weather(operator.text("site")),
        cooling=loader.entity("cooling", operator.text("cooling")),
        electrical=loader.entity("cooling_electrical", operator.text("electrical")),
        redundancy=loader.entity("cooling_redundancy", kind) if kind else None,
    )


def _operators() -> list[Check]:
    found: list[Check] = []
    for operator in loader.table("cooling_operators").values():
        year, row = operator_year(operator), operator.evidence("pue")
        source = f"{loader.source(row.source_id).publisher}: {row.locator or row.source_id}"
        name = f"{operator.text('name')} ({operator.text('cooling')}, {operator.text('site')})"
        found.append(Check("PUE", f"PUE of {name}", year.annual_pue, row.value, "", _PUE, source))
        water = operator.get("wue")
        if water is not None and water >= _LEAST_WATER:
            found.append(
                Check(
                    "PUE",
                    f"water of {name}",
                    year.annual_wue / _LITRE_PER_KWH,
                    water / _LITRE_PER_KWH,
                    "L/kWh",
                    _WATER,
                    source,
                )
            )
    return found


def _tower_approach(wet_bulb: float, speed: float) -> float:
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


def _parts() -> list[Check]:
    york = "YorkCalc: EnergyPlus Engineering Reference; Modelica Buildings, yorkCalc"
    found = [
        Check(
            "PUE",
            f"approach of a tower at wet-bulb {wet:g} °C, {speed:.0%} of the air",
            _tower_approach(wet, speed),
            published,
            "K",
            _PARTS,
            york,
            fitted=(wet, speed) == (_YORK_WET_BULB, 1.0),
        )
        for (wet, speed), published in _YORK.items()
    ]
    doe2 = "DOE-2 Centrifugal/5.50COP: EnergyPlus; Modelica Buildings"
    tower = loader.entity("cooling", "tower")
    from_wet_bulb = _DOE2_ENTERING - _YORK_DESIGN["approach"]
    usual = _coefficient(tower, sink=from_wet_bulb, leaving=_DOE2_LEAVING)
    found.append(
        Check(
            "PUE", "COP of a centrifugal chiller at 29.4 °C", usual, _DOE2_COP, "", _PARTS, doe2, fitted=True
        )
    )
    for entering, published in _DOE2.items():
        now = _coefficient(tower, sink=from_wet_bulb + entering - _DOE2_ENTERING, leaving=_DOE2_LEAVING)
        what = f"a chiller's energy with condenser water at {entering:g} °C, over that at 29.4 °C"
        found.append(Check("PUE", what, usual / now, published, "", _PARTS, doe2))
    air = loader.entity("cooling", "air-cooled-chiller-economiser")
    found.append(
        Check(
            "PUE",
            "COP of an air-cooled chiller at 35 °C",
            _coefficient(air, sink=35.0, leaving=_DOE2_LEAVING),
            _EER_90_1,
            "",
            _PARTS,
            "ASHRAE 90.1-2019, minimum of large air-cooled chillers (recalled)",
        )
    )
    chain = loader.entity("cooling_electrical", "double-conversion")
    for share, published in _TITANIUM.items():
        losses = chain_losses(
            it_power=np.array([share * _POWER * chain.value("margin")]), chain=chain, design_power=_POWER
        )
        ours = float(losses.delivered[0] / (losses.delivered[0] + losses.rack_supply[0]))
        what = f"efficiency of a rack supply at {share:.0%} of its load"
        found.append(
            Check("PUE", what, ours, published, "", 0.02, "80 PLUS Titanium, 230 V redundant: at least")
        )
    return found


def _money_and_carbon() -> list[Check]:
    parts = loader.entity("building", "ai-campus-parts")
    none = loader.entity("cooling_redundancy", "n")
    found = [
        Check(
            "costs",
            f"construction with {kind.upper()} over that with N",
            construction_factor(
                redundancy=loader.entity("cooling_redundancy", kind), parts=parts, reference=none
            ),
            published,
            "",
            _MONEY,
            "Uptime Institute (Turner, Seader 2006): $/kW of Tiers I, II and IV (recalled)",
        )
        for kind, published in _TIERS.items()
    ]
    for years, published in _MECLA.items():
        carbon = embodied_carbon(it_power=_POWER, parts=parts, years=years)
        found.append(
            Check(
                "costs",
                f"services in the embodied carbon {'over 60 years' if years else 'at first'}",
                1.0 - carbon["shell"] / sum(carbon.values()),
                published,
                "",
                _PARTS,
                "MECLA 2025: up to 60 % at first, up to 90 % over the life",
                fitted=years == 0.0,
            )
        )
    return found


def checks() -> tuple[Check, ...]:
    """Every published number of the building beside ours: parts first, then operators, money and carbon."""
    return (*_parts(), *_operators(), *_money_and_carbon())
