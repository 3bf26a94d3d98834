"""One kind of plant as one row: what the capacity plan needs to know, and nothing of how it works inside.

A grid connection, a solar field, a battery, a gas turbine, a fission reactor, later fusion and space
solar, all enter the plan through :class:`Plant`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gigawatt.errors import InputError, nearest
from gigawatt.evidence import Assumption, Evidence

__all__ = ["KINDS", "Plant", "Storage"]

Array = npt.NDArray[np.float64]
Hourly = float | Array

KINDS = ("dispatchable", "profile", "storage", "grid")


@dataclass(frozen=True)
class Storage:
    """The energy side of a storage plant.

    ``charge_efficiency``, ``discharge_efficiency`` : share that passes, (0, 1].
    ``energy_capital``, ``energy_fixed`` : $ per J of store and year; ``energy_investment`` : $ per J.
    ``duration_min``, ``duration_max`` : s; stored energy over power.
    ``self_discharge`` : share of the stored energy lost in an hour, [0, 1).
    ``construction_carbon`` : kg per J of store and year of life.
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
    investment : float
        $ per W when it is built; for the books, the plan sees only the annuity.
    variable, fuel : float or (H,)
        $/J delivered: variable operation; fuel or electricity bought.
    carbon : float or (H,)
        kg/J delivered, operational, with the fuel's supply chain.
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
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.id.replace("-", " "))
        if self.kind not in KINDS:
            raise InputError(
                "unknown kind of plant",
                key=self.id,
                given=self.kind,
                allowed=KINDS,
                nearest=nearest(self.kind, KINDS),
            )
        if (self.storage is not None) != (self.kind == "storage"):
            raise InputError("a plant of kind 'storage', and no other, has storage data", key=self.id)
        for name in ("capital", "fixed", "investment", "construction_carbon", "carbon", "water"):
            self._check(name, 0.0, math.inf)
        for name in ("minimum", "unit_size", "lead_time"):
            self._check(name, 0.0, math.inf)
        for name in ("variable", "fuel"):
            self._check(name, -math.inf, math.inf)
        for name in ("availability", "minimum_load"):
            self._check(name, 0.0, 1.0)
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
        for name in ("charge_efficiency", "discharge_efficiency"):
            if not 0.0 < getattr(store, name) <= 1.0:
                raise InputError(
                    "not a sensible value",
                    key=f"{self.id}.storage.{name}",
                    given=f"{getattr(store, name):g}",
                    allowed="above 0, at most 1",
                )
        if not 0.0 <= store.self_discharge < 1.0:
            raise InputError(
                "not a sensible value",
                key=f"{self.id}.storage.self_discharge",
                given=f"{store.self_discharge:g}",
                allowed="0 to 1 an hour",
            )
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

    @property
    def follows_weather_freely(self) -> bool:
        """A profile whose every joule is free and clean: its output needs no variable in the plan."""
        cost = np.asarray(self.variable, dtype=float) + np.asarray(self.fuel, dtype=float)
        clean = not np.any(np.asarray(self.carbon, dtype=float))
        return self.kind == "profile" and not np.any(cost) and clean and self.ramp is None
