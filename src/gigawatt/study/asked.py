"""What every question is asked alike: quantities with units, the year, the place; and what was assumed."""

from __future__ import annotations

import math
import re

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.evidence import Assumption, Evidence, Grade
from gigawatt.quantities import parse, show
from gigawatt.study.scenario_values import YEAR, YEARS

__all__ = ["Told", "counted", "quantity", "site_of", "year_of"]

_BARE = re.compile(r"\d[\d,_]*(?:\.\d+)?(?:[eE]\+?\d+)?\s*[kMGBTP]?")
_SITE = "abilene-texas"


class Told:
    """Collects what was assumed."""

    def __init__(self) -> None:
        self.assumptions: list[Assumption] = []
        self.notices: list[str] = []

    def tell(self, key: str, value: str, reason: str, grade: Grade, source: str = "") -> None:
        """Add one assumption."""
        self.assumptions.append(Assumption(key, value, reason, grade, source))

    def row(self, key: str, row: Evidence, value: str, reason: str) -> None:
        """Add a row of the catalog that stood in for an answer."""
        self.tell(key, value, reason, row.grade, row.source_id)

    def default(self, key: str) -> catalog.Entity:
        """A row of the catalog's ``defaults``, told."""
        row = catalog.entity("defaults", key)
        self.tell(
            key, row.text("text"), row.text("reason"), Grade.read(row.text("grade")), row.text("source_id")
        )
        return row


def year_of(told: Told, given: int | None) -> int:
    """The year asked about; that of a scenario where nobody says.

    Raises
    ------
    InputError
        Out of range.
    """
    if given is None:
        told.tell(
            "scenario.year", str(YEAR), "nobody said when: software and prices of a scenario", Grade.guess
        )
        return YEAR
    if not YEARS[0] <= given <= YEARS[1]:
        raise InputError("out of range", key="year", given=given, allowed=f"{YEARS[0]} to {YEARS[1]}")
    return given


def quantity(key: str, given: str, unit: str, example: str) -> float:
    """A quantity that was given as ``key``; an error of its names the key."""
    try:
        return parse(given, unit, example=example)
    except InputError as error:
        raise error.at(key=key) from None


def counted(given: str, unit: str) -> str:
    """A bare number, with a decimal prefix or without, is one of ``unit``: ``15.6T`` of tokens."""
    return f"{given.strip()} {unit}" if _BARE.fullmatch(given.strip()) else given


def site_of(
    told: Told, site: str | None, pue: float | None, electricity: str | None, year: int
) -> tuple[float, float, float]:
    """(PUE of the year, PUE of the hottest hour, price of electricity [$/J])."""
    if pue is not None and not 1.0 <= pue < math.inf:
        raise InputError(
            "not finite" if pue == math.inf else "below one", key="pue", given=str(pue), allowed="1 or more"
        )
    price = None if electricity is None else quantity("electricity", electricity, "$/J", "60 $/MWh")
    if price is not None and price < 0.0:
        raise InputError("below nothing", key="electricity", given=electricity, allowed="0 or more")
    if pue is not None and price is not None:
        return pue, pue, price
    from gigawatt.facility import facility_load, load_site, load_weather
    from gigawatt.supply import load_grid

    place = load_site(site or _SITE)
    if site is None:
        told.tell("site.name", place.id, "PUE and price of electricity need a place", Grade.guess)
    mean = peak = pue
    weather = load_weather(place) if pue is None else None
    if weather is not None:
        cooling = catalog.entity("cooling", told.default("site.cooling").text("text"))
        load = facility_load(
            it_power=np.ones(len(weather.air_temperature())), weather=weather, cooling=cooling
        )
        mean, peak = load.annual_pue, float(np.max(load.pue))
        told.tell(
            "facility.pue",
            f"{mean:.3g} in the year, {peak:.3g} in the hottest hour",
            f"{cooling.id} in the weather of {place.id}",
            Grade.modelled,
        )
    if price is None:
        grid = load_grid(place.grid, year, weather=weather)
        price = float(np.mean(grid.price))
        evidence = grid.evidence.get("price")
        told.tell(
            "supply.price",
            show(price, "$/MWh"),
            f"mean of the grid {place.grid}",
            evidence.grade if evidence is not None else Grade.modelled,
            evidence.source_id if evidence is not None else "",
        )
    assert mean is not None
    assert peak is not None
    return mean, peak, price
