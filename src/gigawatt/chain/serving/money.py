"""The serving chain: the ledger of a year, and its share per prompt token, output token and request."""

from __future__ import annotations

from gigawatt.chain.money import Campus, supply_costs
from gigawatt.chain.registry import serving
from gigawatt.chain.supply.flexibility import SHEDDING
from gigawatt.core.formula import function_of
from gigawatt.money import SECONDS_PER_YEAR, Ledger, ledger
from gigawatt.power import SupplyPlan

__all__ = ["BEARERS", "BORNE", "shown_unit"]

BORNE = {
    "cost": ("Cost", "$", "all costs of the campus"),
    "energy": ("Electricity at the meter", "kWh", "electricity of the facility"),
    "carbon_operational": ("Operational carbon", "g", "carbon of plants and grid"),
    "carbon_embodied": ("Embodied carbon", "g", "a year's share of what making campus and plants emitted"),
    "water": ("Water, on site and at the plants,", "L", "water of the year"),
}
"""Items of the ledger of a year by name: words, unit, description."""
BEARERS = {
    "million_prompt": ("a million prompt tokens", "/Mtoken"),
    "million_output": ("a million output tokens", "/Mtoken"),
    "request": ("a request", ""),
}
"""Bearer → words, and the denominator of the unit."""
_SMALLER = {"kWh": "Wh", "g": "mg", "L": "mL"}


def shown_unit(unit: str, bearer: str) -> str:
    """The unit in which a bearer's share is read: a request takes less than a million tokens."""
    return _SMALLER.get(unit, unit) if bearer == "request" else unit


@serving("ledger.ledger", "")
def books(
    ledger_campus: Campus,
    supply_plan: SupplyPlan,
    economics_discount_rate: float,
    facility_energy: float,
    facility_water: float,
    serving_throughput: float,
    machine_count: int,
) -> Ledger:
    """Money, carbon and water of the campus in a year; its tokens are output tokens.

    The campus serves all year round.
    """
    return ledger(
        assets=ledger_campus.assets,
        supply=supply_costs(supply_plan),
        discount_rate=economics_discount_rate,
        energy=facility_energy,
        duration=SECONDS_PER_YEAR,
        tokens=serving_throughput * SECONDS_PER_YEAR,
        chip_count=machine_count,
        carbon=sum(supply_plan.carbon.values()),
        water_site=facility_water,
        water_supply=sum(supply_plan.water.values()),
    )


_SPLIT = {
    "million_prompt": (
        "{} × share of prefill / prompt tokens in a year",
        "{} * serving.prompt_share / (serving.throughput_prompt * SECONDS_PER_YEAR)",
    ),
    "million_output": (
        "{} × (1 − share of prefill) / output tokens in a year",
        "{} * (1 - serving.prompt_share) / (serving.throughput * SECONDS_PER_YEAR)",
    ),
    "request": (
        "{} / requests of a year",
        "{} / (serving.rate * (1 - serving.rejected) * SECONDS_PER_YEAR)",
    ),
}
"""Bearer → its share in words, and as a formula."""
_SHED = (
    "{} / requests of a year that are not shed",
    "{} / (serving.rate * (1 - serving.rejected) * (1 - supply.time_lost) * SECONDS_PER_YEAR)",
)
"""The same of a request where the plan cuts some."""
_CONSTANTS = {"SECONDS_PER_YEAR": SECONDS_PER_YEAR}


def _register(name: str, who: str, text: str, formula: str, given: tuple[str, ...] = ()) -> None:
    words, unit, what = BORNE[name]
    bearer, per = BEARERS[who]
    doc = f"{words} of {bearer}.\n\n{text.format(what)}"
    figure = function_of(formula.format(f"ledger.ledger.{name}"), doc, _CONSTANTS)
    serving(f"economics.{name}_{who}", f"{shown_unit(unit, who)}{per}", given=given)(figure)


for _name in BORNE:
    for _who in BEARERS:
        _register(_name, _who, *_SPLIT[_who])
    _register(_name, "request", *_SHED, given=SHEDDING)
