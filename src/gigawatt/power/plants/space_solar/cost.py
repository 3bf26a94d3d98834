"""What a plant in orbit costs: develop, assemble, operate, maintain, dispose.

The method is that of NASA's report: modules and their servicers on Crawford's learning curve, launches by
mass with tankers for the way to geostationary orbit, every module replaced when its life ends, vehicles that
clear the orbit. Only the ground's price is from elsewhere. Money is dollars of the catalog's year.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR

__all__ = [
    "Programme",
    "Spending",
    "assembly_months",
    "crawford_cost",
    "launch_price",
    "levelised",
    "spend",
]

_YEAR = HOURS_PER_YEAR * 3600.0
_MONTH = _YEAR / 12.0
_HEAD = 100


def crawford_cost(*, first: float, units: float, learning: float, made: float = 0.0) -> float:
    """$ of ``units`` more units when ``made`` have been made, on a unit learning curve.

    Unit n costs first · n^(log2 learning). The sum is exact to 1e-9 by Euler and Maclaurin; a number of
    units that is not whole counts the last one in part.

    Parameters
    ----------
    first : float [$]
        Of unit one, >= 0.
    units, made : float []
        >= 0.
    learning : float []
        Cost of a unit over that of the unit with half its number, 0.5 (not included) to 1.

    Raises
    ------
    InputError
        Out of range.

    References
    ----------
    Crawford, J. R. (1944). Learning curve, ship curve, ratios, related data. Lockheed. As in NASA OTPS 2024,
    appendix B.
    """
    if not 0.5 < learning <= 1.0:
        raise InputError(
            "no such learning curve",
            key="learning",
            given=f"{learning:g}",
            allowed="above 0.5 (below, any number of units costs a finite sum) and at most 1",
        )
    for name, value in (("first", first), ("units", units), ("made", made)):
        check_range(name, value, 0.0, message="not a sensible value")
    return first * (_sum(made + units, -math.log2(learning)) - _sum(made, -math.log2(learning)))


def _sum(count: float, power: float) -> float:
    """Sum of n^-power for n up to ``count``."""
    whole = min(math.floor(count), _HEAD)
    head = float(np.sum(np.arange(1.0, whole + 1.0) ** -power))
    if count <= _HEAD:
        return head + (count - whole) * (whole + 1.0) ** -power

    def rest(n: float) -> float:
        area = math.log(n) if power == 1.0 else n ** (1.0 - power) / (1.0 - power)
        slope = power * n ** (-power - 1.0) / 12.0
        third = power * (power + 1.0) * (power + 2.0) * n ** (-power - 3.0) / 720.0
        return area + 0.5 * n**-power - slope + third

    return head + rest(count) - rest(float(_HEAD))


def launch_price(year: float, *, payload: float, case: str = "value") -> float:
    """$ a launch of ``payload`` [kg] to low orbit in a year, by the trend of prices.

    Parameters
    ----------
    year : float
        2015 to 2100.
    payload : float [kg]
        > 0.
    case : str
        ``value``: the fall of the years 2013 to 2022 goes on, but never below what is announced; ``low``:
        what is announced; ``high``: the price of 2022 stays.

    Raises
    ------
    InputError
        Out of range, or an unknown case.

    References
    ----------
    NASA OTPS 2024, section 5.2.1: 1,500 $/kg, −36 % in the nine years to 2022; 615 $/kg in 2040.
    """
    row = entity("space_solar", "launch")
    check_range("year", year, 2015.0, 2100.0, message="out of range of the trend")
    check_range("launch_payload", payload, 0.0, unit="kg", open_low=True, message="nothing to launch")
    now, least = row.value("trend_price"), row.value("trend_low")
    spans = max(year - row.value("trend_year"), 0.0) / row.value("trend_span")
    prices = {
        "value": max(now * (1.0 - row.value("trend_fall")) ** spans, least),
        "low": least,
        "high": now,
    }
    check_word("case", case, prices, "unknown case")
    return prices[case] * payload


@dataclass(frozen=True)
class Programme:
    """What is bought and flown. SI units, dollars of the catalog's year; shares and counts []."""

    modules: float
    module_mass: float
    module_cost: float
    module_learning: float
    technology_share: float
    management_share: float
    assembly_time: float
    servicers: float
    servicer_mass: float
    servicer_cost: float
    servicer_learning: float
    removers: float
    remover_cost: float
    remover_learning: float
    remover_management: float
    removal_months: float
    operations_cost: float
    module_life: float
    life: float
    rectenna_area: float
    rectenna_cost: float
    launch_price: float
    launch_discount: float
    launch_payload: float
    refuels: float
    cadence: float
    transfer: float
    propulsion_share: float = 0.0

    def __post_init__(self) -> None:
        for name in (
            "modules",
            "module_mass",
            "launch_payload",
            "module_life",
            "life",
            "cadence",
            "servicers",
        ):
            value = float(getattr(self, name))
            check_range(name, value, 0.0, open_low=True, message="not a sensible value")
        for name in (
            "refuels",
            "launch_price",
            "rectenna_area",
            "rectenna_cost",
            "propulsion_share",
            "removers",
        ):
            value = float(getattr(self, name))
            check_range(name, value, 0.0, message="not a sensible value")
        if not 0.0 <= self.launch_discount < 1.0:
            raise InputError(
                "not a share", key="launch_discount", given=f"{self.launch_discount:g}", allowed="0, below 1"
            )

    @classmethod
    def of(cls, design: Entity, **given: float) -> Programme:
        """A design of the table ``space_solar``; values ``given`` go before its own."""
        launch, beam = entity("space_solar", "launch"), entity("space_solar", "beam")
        rectenna = math.pi / 4.0 * design.value("rectenna_diameter") ** 2 * design.value("rectennas")
        values: dict[str, float] = {
            "rectenna_area": rectenna,
            "rectenna_cost": beam.value("rectenna_cost"),
            "launch_price": launch.value("price"),
            "launch_discount": launch.value("discount"),
            "launch_payload": launch.value("payload"),
            "refuels": launch.value("refuels"),
            "cadence": launch.value("cadence"),
            "transfer": launch.value("transfer"),
            "propulsion_share": 0.0,
        }
        for name in cls.__dataclass_fields__:
            if name not in values:
                values[name] = design.value(name)
        unknown = [name for name in given if name not in values]
        if unknown:
            raise InputError("no such value", key=design.id, given=unknown[0], allowed=sorted(values))
        return cls(**{**values, **given})

    @property
    def refurbishments(self) -> int:
        """How often every module is replaced within the plant's life."""
        return max(math.ceil(self.life / self.module_life - 1e-9) - 1, 0)

    @property
    def fleet_mass(self) -> float:
        """kg of modules, their propulsion and servicers, flown once."""
        hardware = self.modules * self.module_mass * (1.0 + self.propulsion_share)
        return hardware + self.servicers * self.servicer_mass

    def launches(self, mass: float) -> float:
        """Launches that bring ``mass`` [kg] to its orbit, tankers among them (not rounded, as NASA does)."""
        return mass / self.launch_payload * (1.0 + self.refuels)


@dataclass(frozen=True)
class Spending:
    """$ by phase and item; numbers of ``launches`` by phase; ``upmass`` [kg] over the life."""

    phases: Mapping[str, Mapping[str, float]]
    launches: Mapping[str, float]
    upmass: float

    def phase(self, name: str) -> float:
        """$ of a phase."""
        return sum(self.phases[name].values())

    def item(self, name: str) -> float:
        """$ of an item, such as ``launch``, over all phases."""
        return sum(items.get(name, 0.0) for items in self.phases.values())

    @property
    def total(self) -> float:
        """$ over the plant's life, not discounted."""
        return sum(self.phase(name) for name in self.phases)

    @property
    def total_launches(self) -> float:
        """Launches over the plant's life."""
        return sum(self.launches.values())


def spend(programme: Programme) -> Spending:
    """What a programme costs over its life.

    Parameters
    ----------
    programme : Programme
        What is bought and flown.

    Returns
    -------
    Spending
        Phases ``develop``, ``assemble``, ``operate``, ``maintain``, ``dispose``.

    References
    ----------
    NASA OTPS 2024, appendix B: shares and learning curves phase by phase. Management is that report's 25 % of
    hardware, technology and maintenance hardware, servicers counted as hardware; of removal 15 %.
    """
    p = programme
    again = p.refurbishments
    hardware = p.module_cost * (1.0 + p.propulsion_share)
    modules = crawford_cost(first=hardware, units=p.modules, learning=p.module_learning)
    renewed = crawford_cost(
        first=hardware, units=p.modules * again, learning=p.module_learning, made=p.modules
    )
    servicers = crawford_cost(first=p.servicer_cost, units=p.servicers, learning=p.servicer_learning)
    servants = crawford_cost(
        first=p.servicer_cost, units=p.servicers * again, learning=p.servicer_learning, made=p.servicers
    )
    removers = crawford_cost(first=p.remover_cost, units=p.removers, learning=p.remover_learning)
    technology = p.technology_share * modules
    paid = p.launch_price * (1.0 - p.launch_discount)
    removal_mass = p.removers * p.servicer_mass
    flights = {
        "assemble": p.launches(p.fleet_mass),
        "maintain": p.launches(p.fleet_mass) * again,
        "dispose": p.launches(removal_mass),
    }
    months = assembly_months(p)
    manage = p.management_share
    return Spending(
        phases={
            "develop": {
                "technology": technology,
                "modules": modules,
                "management": manage * (modules + technology),
            },
            "assemble": {
                "launch": flights["assemble"] * paid,
                "servicers": servicers,
                "management": manage * servicers,
                "operations": p.operations_cost * months,
            },
            "operate": {
                "ground": p.rectenna_area * p.rectenna_cost,
                "operations": p.operations_cost * p.life / _MONTH,
            },
            "maintain": {
                "launch": flights["maintain"] * paid,
                "modules": renewed,
                "servicers": servants,
                "management": manage * (renewed + servants),
                "operations": p.operations_cost * months * again,
            },
            "dispose": {
                "launch": flights["dispose"] * paid,
                "removers": removers,
                "management": p.remover_management * removers,
                "operations": p.operations_cost * p.removal_months,
            },
        },
        launches=flights,
        upmass=p.fleet_mass * (1.0 + again) + removal_mass,
    )


def assembly_months(programme: Programme) -> float:
    """Months to fly and assemble it once: launches at their cadence, or servicers at work, whichever is
    slower.

    The first payload's way to its orbit comes before the servicers' work.

    References
    ----------
    NASA OTPS 2024, appendix B page 50: 104 launches a year; 40 and 38 min a module.
    """
    p = programme
    flying = p.launches(p.fleet_mass) / p.cadence / _MONTH
    working = (p.modules * p.assembly_time / p.servicers + p.transfer) / _MONTH
    return max(flying, working)


def levelised(
    spending: Spending,
    *,
    power: float,
    life: float,
    rate: float,
    capacity_factor: float = 1.0,
    ground_first: bool = False,
) -> float:
    """Levelised cost of electricity [$/J]: (capital · recovery + yearly rest) / yearly energy.

    Parameters
    ----------
    spending : Spending
        Capital is develop and assemble, and with ``ground_first`` the ground; the rest is spread evenly over
        the life.
    power : float [W]
        Mean over the year where ``capacity_factor`` is 1.
    life : float [s]
        Of the plant.
    rate : float []
        Effective, a year, >= 0.
    capacity_factor : float []
        Above 0, at most 1. NASA's formula has it although its power is a mean over the year already, so that
        it counts twice.
    ground_first : bool
        Whether the ground is paid before operation (it is not in NASA's split).

    Raises
    ------
    InputError
        Out of range.

    References
    ----------
    NREL Annual Technology Baseline 2022, simple levelised cost; NASA OTPS 2024, appendix B pages 56 and 57.
    """
    checks = {"power": power > 0.0, "life": life > 0.0, "rate": rate >= 0.0,
              "capacity_factor": 0.0 < capacity_factor <= 1.0}  # fmt: skip
    for name, fits in checks.items():
        if not fits:
            raise InputError("not a sensible value", key=name, allowed="above 0; the factor at most 1")
    years = life / _YEAR
    recovery = 1.0 / years if rate == 0.0 else rate / -math.expm1(-years * math.log1p(rate))
    capital = spending.phase("develop") + spending.phase("assemble")
    if ground_first:
        capital += spending.phases["operate"]["ground"]
    yearly = capital * recovery + (spending.total - capital) / years
    return yearly / (power * capacity_factor * _YEAR)
