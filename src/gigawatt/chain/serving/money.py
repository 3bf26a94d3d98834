"""The serving chain: the ledger of a year, and what prompts, answers and requests bear of it."""

from __future__ import annotations

from typing import Any

from gigawatt.chain.money import Campus, supply_costs
from gigawatt.chain.registry import serving
from gigawatt.money import SECONDS_PER_YEAR, Ledger, ledger
from gigawatt.power import SupplyPlan

__all__ = ["BEARERS", "BORNE", "shown_unit"]

BORNE = {
    "cost": ("Cost", "$", "all costs of the campus", lambda books: books.cost),
    "energy": ("Electricity at the meter", "kWh", "electricity of the facility", lambda books: books.energy),
    "carbon_operational": (
        "Operational carbon", "g", "carbon of plants and grid", lambda books: books.carbon_operational,
    ),
    "carbon_embodied": (
        "Embodied carbon", "g", "a year's share of what making campus and plants emitted",
        lambda books: books.carbon_embodied,
    ),
    "water": ("Water, on site and at the plants,", "L", "water of the year", lambda books: books.water),
}  # fmt: skip
"""What a year takes: words, unit, formula, how it is read from the ledger of a year."""
BEARERS = {
    "million_prompt": ("a million tokens read", "/Mtoken"),
    "million_output": ("a million tokens written", "/Mtoken"),
    "request": ("a request", ""),
}
"""Who bears it: words, and what the unit is over."""
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
    """Money, carbon and water of the campus in a year; its tokens are those written.

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


def _prompt(read: Any) -> Any:
    def share(ledger_ledger: Ledger, serving_prompt_share: float, serving_throughput_prompt: float) -> float:
        return read(ledger_ledger) * serving_prompt_share / (serving_throughput_prompt * SECONDS_PER_YEAR)

    return share


def _output(read: Any) -> Any:
    def share(ledger_ledger: Ledger, serving_prompt_share: float, serving_throughput: float) -> float:
        return read(ledger_ledger) * (1.0 - serving_prompt_share) / (serving_throughput * SECONDS_PER_YEAR)

    return share


def _request(read: Any) -> Any:
    def share(ledger_ledger: Ledger, serving_rate: float, serving_rejected: float) -> float:
        return read(ledger_ledger) / (serving_rate * (1.0 - serving_rejected) * SECONDS_PER_YEAR)

    return share


_SPLIT = {
    "million_prompt": (_prompt, "{} × share that prompts bear / tokens read in a year"),
    "million_output": (_output, "{} × (1 − share that prompts bear) / tokens written in a year"),
    "request": (_request, "{} / requests of a year"),
}

for _name, (_words, _unit, _formula, _read) in BORNE.items():
    for _who, (_bearer, _per) in BEARERS.items():
        _make, _text = _SPLIT[_who]
        _figure = _make(_read)
        _figure.__doc__ = f"{_words} of {_bearer}.\n\n{_text.format(_formula)}"
        serving(f"economics.{_name}_{_who}", f"{shown_unit(_unit, _who)}{_per}")(_figure)
