"""One kind of plant as one row: what the capacity plan needs to know, and nothing of how it works inside.

A grid connection, a solar field, a battery, a gas turbine, a fission reactor, later fusion and space
solar, all enter the plan through :class:`Plant`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_rules, check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.power.plants.demand import Demand
from gigawatt.power.plants.swap import Swap
from gigawatt.power.plants.thermal import Derating, PartLoad

if TYPE_CHECKING:
    from gigawatt.power.tariff.bill import Metered

__all__ = ["HOURLY", "KINDS", "Plant", "Storage"]

Array = npt.NDArray[np.float64]
Hourly = float | Array

HOURLY = ("variable", "fuel", "carbon", "clean", "water", "availability", "outages", "sale")
"""Attributes of a plant that may have a value an hour."""
KINDS = ("dispatchable", "profile", "storage", "grid")


@dataclass(frozen=True)
class Storage:
    """The energy side of a storage plant.

    ``charge_efficiency``, ``discharge_efficiency`` : share that passes, (0, 1].
    ``energy_capital``, ``energy_fixed`` : $ per J of store and year; ``energy_investment`` : $ per J.
    ``duration_min``, ``duration_max`` : s; stored energy over power.
    ``self_discharge`` : share of the stored energy lost in an hour, [0, 1).
    ``construction_carbon`` : kg per J of store and year of life.
    ``cycles`` : full cycles that the store stands; see :func:`gigawatt.power.plants.cycle_life`.
    ``credit`` : $ per J of store and year that a tax credit takes off ``energy_capital``.
    ``fade`` : share of the store that is gone at the end of its life, [0, 1), where nothing is replaced.
    """

    charge_efficiency: float
    discharge_efficiency: float
    energy_capital: float
    energy_fixed: float = 0.0
    duration_min: float = 0.0
    duration_max: float = math.inf
    self_discharge: float = 0.0
    construction_carbon: float = 0.0
    energy_investment: float = 0.0
    credit: float = 0.0
    cycles: float = math.inf
    fade: float = 0.0

    @property
    def wear(self) -> float:
        """$/J put in: the store's price over the energy that passes in its cycles; 0 where cycles do no harm.

        Not in ``variable``: a plan that pays the annuity of a life by the calendar has paid it already.
        """
        return self.energy_investment / self.cycles

    @property
    def mean_energy(self) -> float:
        """Share of the rated store that is there in the mean of its life, falling evenly by ``fade``.

        A plan's store holds at most this share of the energy that is paid for.
        """
        return 1.0 - self.fade / 2.0


@dataclass(frozen=True)
class Plant:
    """A plant that may be built at the site, in SI units and dollars.

    Attributes
    ----------
    id, name : str
        Unique in a plan; what it is called in sentences.
    kind : str
        ``dispatchable`` (fuel decides), ``profile`` (the weather decides), ``storage``, ``grid``.
    capital, fixed : float
        $ per W and year: annuity of the investment, fixed operation.
    credit, energy_credit : float
        What a tax credit takes off: $ per W and year off ``capital``, $/J off ``variable``.
    investment : float
        $ per W when it is built; for the books, the plan sees only the annuity.
    variable, fuel : float or (H,)
        $/J delivered: variable operation; fuel or electricity bought.
    carbon : float or (H,)
        kg/J delivered, operational, within the boundary that it was built with.
    levied : float
        Share of ``carbon`` that a carbon price is paid for: what burns on the site under a price of the
        place, all of it under one that is given.
    methane : float
        kg of methane in a kg of ``carbon``, leaked before the plant.
    clean : float, (H,) or None
        Share of what is delivered that counts as clean under hourly matching. ``None``: all of it in hours
        without operational carbon, nothing of it in others.
    construction_carbon : float
        kg per W and year of life: making the plant, and for fission the fuel cycle.
    water : float or (H,)
        m³/J delivered.
    availability : float or (H,)
        Share of the capacity that can run; for a profile its capacity factor.
    minimum, maximum : float
        Limits of the capacity, W. Equal values fix it.
    minimum_load : float
        Least output as a share of the available capacity (a linear form of commitment: no starts).
    ramp : float or None
        Largest change of output in an hour as a share of the capacity; ``None`` is free.
    storage : Storage or None
        For kind ``storage`` only.
    unit_size, lead_time : float
        W of one unit (0: any size); s from decision to operation.
    queue_time : float
        s of the lead time that pass in a queue, for a connection or a slot of the maker.
    life : float
        s of operation over which ``capital`` pays the investment back.
    start_cost, start_carbon : float
        $ and kg per W of capacity that is started: wear and fuel.
    minimum_up, minimum_down : float
        s that a unit runs after a start and rests after a stop; of ``unit_size``, with commitment only.
    minimum_running : float
        Least output of a unit that runs, as a share of its capacity; with commitment only (``minimum_load``
        binds without).
    part_load : PartLoad or None
        Heat rate below full load, with commitment only; ``fuel`` and ``carbon`` are those at full load.
        ``None``: as at full load.
    derating : Derating or None
        How warm air acts; where the plant was built with a temperature, ``availability``, ``fuel`` and
        ``carbon`` have it in them already.
    outages : float or (H,)
        Forced outage rate in an hour over its mean: of weather. Only adequacy reads it.
    burns : str
        Id of the fuel in the catalog; empty without one.
    second_fuel, stock : str, float
        Id of the fuel that it can burn from a stock on the site while its own does not come (empty: none);
        s at full output that the stock lasts. Only adequacy reads it.
    host, host_ratio : str, float
        A store inside a plant (salt beside a reactor): the id of the plant whose output alone charges it,
        hour by hour, and how many W of it at most stand beside one W of that plant. Empty: any power.
    reserve_price : float
        Of a grid: $/J that it pays for load which it feeds and which could be cut.
    demand, standing, metered : tuple of Demand, float, Metered or None
        Of a grid with a tariff: what it charges for demand; $ a year whatever is drawn; how its bill is made.
    swaps : tuple of Swap
        Of a grid: contracts in money against its hours; :meth:`settled` makes them part of ``standing``.
    sale, sale_limit : float or (H,), float
        Of a grid: $/J that it pays for what the site sells, and how much power it takes, W (0: none).
    through : str
        Of energy that is bought elsewhere: the id of the grid through whose connection and meter it comes.
    evidence, assumptions
        Catalog rows read, and defaults filled in.
    """

    id: str
    kind: str
    name: str = ""
    capital: float = 0.0
    fixed: float = 0.0
    variable: Hourly = 0.0
    fuel: Hourly = 0.0
    carbon: Hourly = 0.0
    levied: float = 1.0
    credit: float = 0.0
    energy_credit: float = 0.0
    methane: float = 0.0
    clean: Hourly | None = None
    construction_carbon: float = 0.0
    water: Hourly = 0.0
    availability: Hourly = 1.0
    minimum: float = 0.0
    maximum: float = math.inf
    minimum_load: float = 0.0
    ramp: float | None = None
    storage: Storage | None = None
    unit_size: float = 0.0
    lead_time: float = 0.0
    investment: float = 0.0
    queue_time: float = 0.0
    life: float = math.inf
    start_cost: float = 0.0
    start_carbon: float = 0.0
    minimum_up: float = 0.0
    minimum_down: float = 0.0
    minimum_running: float = 0.0
    part_load: PartLoad | None = None
    derating: Derating | None = None
    outages: Hourly = 1.0
    burns: str = ""
    second_fuel: str = ""
    stock: float = 0.0
    host: str = ""
    host_ratio: float = math.inf
    reserve_price: float = 0.0
    demand: tuple[Demand, ...] = field(default=(), repr=False)
    standing: float = 0.0
    metered: Metered | None = field(default=None, repr=False)
    swaps: tuple[Swap, ...] = field(default=(), repr=False)
    sale: Hourly = 0.0
    sale_limit: float = 0.0
    through: str = ""
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.id.replace("-", " "))
        check_word(self.id, self.kind, KINDS, "unknown kind of plant")
        if (self.storage is not None) != (self.kind == "storage"):
            raise InputError("a plant of kind 'storage', and no other, has storage data", key=self.id)
        for name in (
            "capital", "fixed", "investment", "construction_carbon", "carbon", "water", "reserve_price",
            "credit", "energy_credit", "methane", "minimum", "unit_size", "lead_time", "start_cost",
            "start_carbon", "stock", "minimum_up", "minimum_down",
        ):  # fmt: skip
            self._check(name, 0.0, math.inf)
        if (self.demand or self.standing or self.swaps) and self.kind != "grid":
            raise InputError("only a grid charges for demand", key=self.id)
        self._check("queue_time", 0.0, self.lead_time)
        if self.host and self.kind != "storage":
            raise InputError("only a store stands inside a plant", key=f"{self.id}.host", given=self.host)
        check_rules([("host_ratio", self.host_ratio, "above 0", self.host_ratio > 0.0)], self.id)
        if not self.life > 0.0:
            raise InputError(
                "a plant lives", key=f"{self.id}.life", given=f"{self.life:g} s", allowed="above 0 s"
            )
        for name in ("variable", "fuel"):
            self._check(name, -math.inf, math.inf)
        self._check("outages", 0.0, math.inf)
        for name in ("availability", "minimum_load", "minimum_running", "levied"):
            self._check(name, 0.0, 1.0)
        if self.clean is not None:
            self._check("clean", 0.0, 1.0)
        if self.ramp is not None:
            self._check("ramp", 0.0, math.inf)
        if not self.maximum >= self.minimum:
            raise InputError(
                "the largest capacity is below the smallest",
                key=self.id,
                given=f"{self.maximum:g} W",
                allowed=f"at least {self.minimum:g} W",
            )
        if self.storage is not None:
            self._check_storage(self.storage)
            if np.any(np.asarray(self.carbon, dtype=float)):
                raise InputError("the carbon of a store is that of what charges it", key=f"{self.id}.carbon")

    def _check(self, name: str, low: float, high: float) -> None:
        values = np.asarray(getattr(self, name), dtype=float)
        fits = np.isfinite(values) & (values >= low) & (values <= high)
        if values.ndim > 1 or not np.all(fits):
            bad = values[~fits].ravel()
            raise InputError(
                "not a sensible value",
                key=f"{self.id}.{name}",
                given=f"{bad[0]:g}" if bad.size else f"an array of {values.ndim} dimensions",
                allowed=f"finite, {low:g} to {high:g}, one number or one an hour",
            )

    def _check_storage(self, store: Storage) -> None:
        charge, discharge = store.charge_efficiency, store.discharge_efficiency
        rules = (
            ("charge_efficiency", charge, "above 0, at most 1", 0.0 < charge <= 1.0),
            ("discharge_efficiency", discharge, "above 0, at most 1", 0.0 < discharge <= 1.0),
            ("self_discharge", store.self_discharge, "0 to 1 an hour", 0.0 <= store.self_discharge < 1.0),
            ("cycles", store.cycles, "above 0", store.cycles > 0.0),
            ("fade", store.fade, "0, below 1", 0.0 <= store.fade < 1.0),
        )
        check_rules(rules, f"{self.id}.storage")
        if not 0.0 <= store.duration_min <= store.duration_max or store.duration_max <= 0.0:
            raise InputError(
                "the durations are not in order",
                key=f"{self.id}.storage",
                given=f"{store.duration_min:g} s to {store.duration_max:g} s",
            )

    def hourly(self, name: str, hours: int) -> Array:
        """An attribute as an array of ``hours`` values; an array of another length is an ``InputError``."""
        values = np.asarray(getattr(self, name), dtype=float)
        if values.ndim == 1 and values.shape[0] != hours:
            raise InputError(
                "the series does not have the length of the load",
                key=f"{self.id}.{name}",
                given=f"{values.shape[0]} hours",
                allowed=f"{hours} hours",
            )
        return np.broadcast_to(values, (hours,))

    def levied_carbon(self, hours: int) -> Array:
        """(H,) carbon that a carbon price is paid for [kg/J delivered]."""
        return self.levied * self.hourly("carbon", hours)

    def dirty(self, hours: int, clean_carbon: float) -> Array:
        """(H,) share of what is delivered that does not count as clean under hourly matching; without
        ``clean`` a plant of at most ``clean_carbon`` [kg/J] in an hour is clean."""
        if self.clean is not None:
            return 1.0 - self.hourly("clean", hours)
        return (self.hourly("carbon", hours) > clean_carbon).astype(float)

    def settled(self, load: Array, *, duty: float = 1.0, weights: Array | None = None) -> Plant:
        """The plant with its swaps settled on a load (H,) [W] of whole years, drawn for a share ``duty`` of
        the time: in ``standing``, and as lines of its bill."""
        if not self.swaps:
            return self
        paid = tuple(one.settled(load, duty=duty, weights=weights) for one in self.swaps)
        metered = self.metered if self.metered is None else replace(self.metered, settled=paid)
        standing = self.standing + sum(one.total for one in paid)
        return replace(self, swaps=(), standing=standing, metered=metered)

    def demand_cost(self, drawn: Array, capacity: float, weights: Array | None = None) -> float:
        """$ of a mean year for demand and the connection as such; ``drawn`` (H,), ``capacity`` [W]."""
        return self.standing + sum(one.yearly(drawn, capacity, weights) for one in self.demand)

    @property
    def follows_weather_freely(self) -> bool:
        """A profile whose every joule is free and clean: its output needs no variable in the plan."""
        cost = np.asarray(self.variable, dtype=float) + np.asarray(self.fuel, dtype=float)
        clean = not np.any(np.asarray(self.carbon, dtype=float))
        return self.kind == "profile" and not (np.any(cost) or self.through) and clean and self.ramp is None
