# pandas ships no complete types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
"""The ledger: money, carbon, water and energy of a campus for a year and of one run, by component.

Inputs are plain numbers, so this room knows neither plants nor chips. A run is charged the share of the
campus's yearly cost that it uses,

    run_years = duration in years × campus_share / utilisation

so that the idle hours are carried by the busy ones: runs that together fill the busy hours of a year are
charged exactly that year's cost, energy, carbon and water.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.money.annuity import SECONDS_PER_YEAR, capital_recovery_factor

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "Asset", "Ledger", "PlantCost", "assets_yearly", "ledger"]

COLUMNS = ("capital", "operating", "energy")

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something that is bought once and lasts: chips, nodes, network, building.

    ``price`` [$] and ``embodied`` [kg CO2e] of all of it together, ``life`` [s], ``operating`` [$/yr];
    ``resale`` [$] is what it sells for at the end of its life.
    """

    price: float
    life: float
    operating: float = 0.0
    embodied: float = 0.0
    resale: float = 0.0

    def net_price(self, rate: float) -> float:
        """Price less the resale at the end of the life, discounted at ``rate`` [1/yr]: [$]."""
        return self.price - self.resale * (1.0 + rate) ** (-self.life / SECONDS_PER_YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantCost:
    """What one plant of the supply costs a year [$/yr]: annuity, fixed operation, fuel and energy bought.

    ``upfront`` [$] is its overnight capital, ``embodied`` [kg CO2e/yr] its embodied carbon over its life.
    ``energy`` may be negative where the plant sells.
    """

    capital: float = 0.0
    operating: float = 0.0
    energy: float = 0.0
    upfront: float = 0.0
    embodied: float = 0.0


@dataclass(frozen=True, eq=False)
class Ledger:
    """Yearly accounts of the campus and those of one run.

    Arrays over ``components``: ``yearly`` (C, 3) [$/yr] with the columns ``capital, operating, energy``,
    ``upfront`` (C,) [$], ``embodied_yearly`` (C,) [kg CO2e/yr]. Totals are sums of these, never separate.
    """

    components: tuple[str, ...]
    supply: tuple[str, ...]
    yearly: Array
    upfront: Array
    embodied_yearly: Array
    energy_yearly: float
    carbon_yearly: float
    water_site_yearly: float
    water_supply_yearly: float
    run_years: float
    chip_seconds: float
    tokens: float

    # money

    @cached_property
    def run(self) -> Array:
        """(C, 3) [$]: what the run costs by component and column."""
        return _frozen(self.yearly * self.run_years)

    @property
    def cost_yearly(self) -> float:
        """All costs of the campus [$/yr]."""
        return float(self.yearly.sum())

    @property
    def cost(self) -> float:
        """All costs of the run [$]."""
        return float(self.run.sum())

    @property
    def capital_upfront(self) -> float:
        """Money needed before anything runs [$]."""
        return float(self.upfront.sum())

    @property
    def by_component(self) -> dict[str, float]:
        """Cost of the run [$] by component."""
        return dict(zip(self.components, self.run.sum(axis=1).tolist(), strict=True))

    @property
    def shares(self) -> dict[str, float]:
        """Share of the run's cost by component; they sum to one."""
        total = self.cost
        return {name: cost / total if total else 0.0 for name, cost in self.by_component.items()}

    @property
    def electricity_yearly(self) -> float:
        """What the supply costs [$/yr]: every plant's capital, operation and energy."""
        chosen = [self.components.index(name) for name in self.supply]
        return float(self.yearly[chosen].sum())

    @property
    def electricity_cost(self) -> float:
        """Levelised cost of the electricity delivered [$/J]."""
        return self.electricity_yearly / self.energy_yearly

    @property
    def cost_per_chip_second(self) -> float:
        """All-in cost of one chip for one second of the run [$/s]."""
        return self.cost / self.chip_seconds

    # energy, carbon, water of the run

    @property
    def energy(self) -> float:
        """Electricity charged to the run [J]."""
        return self.energy_yearly * self.run_years

    @property
    def carbon_operational(self) -> float:
        """Operational carbon of the run [kg CO2e]."""
        return self.carbon_yearly * self.run_years

    @property
    def carbon_embodied(self) -> float:
        """The run's share of what making the campus and its plants emitted [kg CO2e]."""
        return float(self.embodied_yearly.sum()) * self.run_years

    @property
    def carbon(self) -> float:
        """Operational and embodied carbon of the run [kg CO2e]."""
        return self.carbon_operational + self.carbon_embodied

    @property
    def water_site(self) -> float:
        """Water consumed on site by cooling during the run [m³]."""
        return self.water_site_yearly * self.run_years

    @property
    def water_supply(self) -> float:
        """Water consumed by the plants for the run [m³]."""
        return self.water_supply_yearly * self.run_years

    @property
    def water(self) -> float:
        """Water of the run, on site and at the plants [m³]."""
        return self.water_site + self.water_supply

    # in the field's units

    def per_token(self) -> dict[str, float]:
        """Figures per million tokens, each with its unit in the name: ``$/Mtoken``, ``kWh/Mtoken``, …"""
        return {name: value / self.tokens / factor(unit) for name, unit, value in _per_token_rows(self)}

    def figures(self) -> dict[str, float]:
        """The headline figures in the field's units: those per token and $/MWh, $/chip-hour, $ upfront …"""
        return {
            "$": self.cost,
            "$/yr": self.cost_yearly,
            "$ upfront": self.capital_upfront,
            "$/MWh": self.electricity_cost / factor("$/MWh"),
            "$/chip-hour": self.cost_per_chip_second / factor("$/h"),
            "MWh": self.energy / factor("MWh"),
            "tCO2e operational": self.carbon_operational / factor("t"),
            "tCO2e embodied": self.carbon_embodied / factor("t"),
            "m³ on site": self.water_site,
            "m³ at the plants": self.water_supply,
            **self.per_token(),
        }

    def to_frame(self, period: str = "run") -> pd.DataFrame:
        """Table of component × (capital, operating, energy, total [$], share, upfront [$], embodied [kg]).

        ``period`` is ``"run"`` or ``"year"``; the last row is ``total``.
        """
        import pandas as pd

        check_word(None, period, ("run", "year"), "no such period of the ledger")
        money, scale = (self.run, self.run_years) if period == "run" else (self.yearly, 1.0)
        frame = pd.DataFrame(money, index=pd.Index(self.components, name="component"), columns=list(COLUMNS))
        frame["total"] = money.sum(axis=1)
        frame["upfront"] = self.upfront
        frame["embodied"] = self.embodied_yearly * scale
        frame.loc["total"] = frame.sum()
        total = float(money.sum())
        frame.insert(4, "share", frame["total"] / total if total else 0.0)
        return frame


def _per_token_rows(book: Ledger) -> tuple[tuple[str, str, float], ...]:
    return (
        ("$/Mtoken", "$/Mtoken", book.cost),
        ("kWh/Mtoken", "kWh/Mtoken", book.energy),
        ("gCO2e/Mtoken operational", "gCO2e/Mtoken", book.carbon_operational),
        ("gCO2e/Mtoken embodied", "gCO2e/Mtoken", book.carbon_embodied),
        ("gCO2e/Mtoken", "gCO2e/Mtoken", book.carbon),
        ("L/Mtoken on site", "L/Mtoken", book.water_site),
        ("L/Mtoken at the plants", "L/Mtoken", book.water_supply),
        ("L/Mtoken", "L/Mtoken", book.water),
    )


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _check(key: str, value: float, *, positive: bool = False, most: float | None = None) -> float:
    number = float(value)
    if (
        not isfinite(number)
        or number < 0
        or (positive and number == 0)
        or (most is not None and number > most)
    ):
        allowed = "a finite number, more than 0" if positive else "a finite number, at least 0"
        raise InputError(
            "out of range", key=key, given=number, allowed=allowed + (f", at most {most:g}" if most else "")
        )
    return number


def _or_none(key: str, value: float | None) -> float:
    return nan if value is None else _check(key, value, positive=True)


def _asset_line(name: str, asset: Asset, rate: float) -> tuple[float, float, float, float, float]:
    """Capital, operating and energy a year [$/yr], upfront [$], embodied carbon a year [kg/yr]."""
    price = _check(f"{name}.price", asset.price)
    life = _check(f"{name}.life", asset.life, positive=True)
    operating = _check(f"{name}.operating", asset.operating)
    _check(f"{name}.resale", asset.resale, most=max(asset.price, 0.0))
    capital = asset.net_price(rate) * float(capital_recovery_factor(rate=rate, life=life))
    return (
        capital,
        operating,
        0.0,
        price,
        _check(f"{name}.embodied", asset.embodied) * SECONDS_PER_YEAR / life,
    )


def _plant_line(name: str, plant: PlantCost) -> tuple[float, float, float, float, float]:
    """As :func:`_asset_line`; the plan of the supply has its annuity already, and its energy may be sold."""
    if not isfinite(plant.energy):
        raise InputError("not a finite number", key=f"{name}.energy", given=plant.energy)
    return (
        _check(f"{name}.capital", plant.capital),
        _check(f"{name}.operating", plant.operating),
        plant.energy,
        _check(f"{name}.upfront", plant.upfront),
        _check(f"{name}.embodied", plant.embodied),
    )


def assets_yearly(assets: Iterable[Asset], rate: float) -> float:
    """What assets cost a year [$/yr]: annuities at ``rate`` [1/yr] and operation, as in :func:`ledger`."""
    return sum(sum(_asset_line("asset", asset, rate)[:3]) for asset in assets)


def ledger(
    *,
    assets: Mapping[str, Asset],
    supply: Mapping[str, PlantCost],
    discount_rate: float,
    energy: float,
    duration: float,
    tokens: float | None = None,
    chip_count: float | None = None,
    campus_share: float = 1.0,
    utilisation: float = 1.0,
    carbon: float = 0.0,
    water_site: float = 0.0,
    water_supply: float = 0.0,
    other: Mapping[str, float] | None = None,
) -> Ledger:
    """Keep the books of a campus for a year, and of one run on it.

    Parameters
    ----------
    assets : mapping of str to Asset
        What is bought: chips, nodes, network, building (:func:`gigawatt.money.campus_assets`).
    supply : mapping of str to PlantCost
        Yearly cost of each plant of the supply plan.
    discount_rate : float
        Real effective annual rate as a fraction [1/yr], for the assets (plants bring their own annuity).
    energy : float
        Electricity the facility takes a year [J/yr], > 0.
    duration : float
        Time of the run on the clock, failures included [s], > 0.
    tokens, chip_count : float, optional
        Tokens trained on or served in that time, chips of the campus that work (spares not counted), > 0; of
        a campus without a machine there are none (``nan`` in the ledger).
    campus_share : float
        Share of the campus that the run occupies, 0 < share ≤ 1.
    utilisation : float
        Share of the year in which the campus has paid work, 0 < share ≤ 1; ``energy``, ``carbon`` and
        ``water`` are those of a year with that utilisation.
    carbon : float
        Operational carbon of the year [kg CO2e/yr].
    water_site, water_supply : float
        Water consumed by cooling and by the plants [m³/yr].
    other : mapping of str to float, optional
        Further operating costs [$/yr] by name (staff, water, insurance).

    Raises
    ------
    InputError
        A negative or non-finite number, a zero where it divides, one component named twice.
    """
    further = other or {}
    names = (*assets, *supply, *further)
    for name in names:
        if names.count(name) > 1:
            raise InputError("this component stands twice in the ledger", key=name, allowed="distinct names")
    lines = [_asset_line(name, asset, discount_rate) for name, asset in assets.items()]
    lines += [_plant_line(name, plant) for name, plant in supply.items()]
    lines += [(0.0, _check(name, cost), 0.0, 0.0, 0.0) for name, cost in further.items()]
    book = np.array(lines, dtype=float).reshape(len(names), 5)
    share = _check("campus_share", campus_share, positive=True, most=1.0)
    busy = _check("utilisation", utilisation, positive=True, most=1.0)
    seconds = _check("duration", duration, positive=True)
    return Ledger(
        components=names,
        supply=tuple(supply),
        yearly=_frozen(book[:, :3].copy()),
        upfront=_frozen(book[:, 3].copy()),
        embodied_yearly=_frozen(book[:, 4].copy()),
        energy_yearly=_check("energy", energy, positive=True),
        carbon_yearly=_check("carbon", carbon),
        water_site_yearly=_check("water_site", water_site),
        water_supply_yearly=_check("water_supply", water_supply),
        run_years=seconds / SECONDS_PER_YEAR * share / busy,
        chip_seconds=_or_none("chip_count", chip_count) * share * seconds,
        tokens=_or_none("tokens", tokens),
    )
