"""What is asked of a capacity plan, checked once: the load, the plants, the limits and the prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range, check_rules
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import compact
from gigawatt.power.flexible import Flexible
from gigawatt.power.plan.programme import Programme, build_programme, stores_inside
from gigawatt.power.plan.reduce import sample_days
from gigawatt.power.plants.plant import Plant

__all__ = ["Problem"]

Array = npt.NDArray[np.float64]


def _by_running_hour(plant: Plant, duty: float) -> Plant:
    """The plant with its yearly costs on the share ``duty`` of the year in which there is a load.

    Minimising capital / duty + running costs over all hours is minimising capital + duty × running costs.
    """
    if duty == 1.0:
        return plant
    store = plant.storage
    if store is not None:
        store = replace(
            store, energy_capital=store.energy_capital / duty, energy_fixed=store.energy_fixed / duty
        )
    demand = tuple(replace(one, price=one.price / duty) for one in plant.demand)
    return replace(
        plant, capital=plant.capital / duty, fixed=plant.fixed / duty, storage=store, demand=demand
    )


@dataclass(frozen=True)
class Problem:
    """A plan's question at one place; attributes are the keywords of :func:`~gigawatt.power.plan.plan.plan`.

    ``fuel_lines`` : lines by which each fuel comes, of which one is enough; only outages count them.

    Raises
    ------
    InputError
        Load, ids, lengths, prices or limits make no sense; a store without the plant that it stands in.
    InfeasibleError
        What must be built does not fit into its host, or breaks the hourly matching by itself.
    """

    load: npt.ArrayLike
    plants: Sequence[Plant]
    not_served_price: float
    carbon_limit: float | None = None
    carbon_price: float = 0.0
    not_served_limit: float | None = None
    hours: float | None = None
    years: int = 1
    year_weights: Sequence[float] | None = None
    flexible: Flexible | None = None
    matching: float | None = None
    clean_carbon: float = 0.0
    duty: float = 1.0
    fuel_lines: int = 1

    def __post_init__(self) -> None:
        need = np.asarray(self.load, dtype=float)
        sound = need.ndim == 1 and need.size > 0 and bool(np.all(np.isfinite(need)))
        if not sound or np.any(need < 0.0) or not np.any(need):
            raise InputError(
                "the load is not a series of watts",
                key="load",
                allowed="(hours,), finite, not negative, not all zero",
            )
        object.__setattr__(self, "load", need)
        object.__setattr__(self, "plants", tuple(self.plants))
        ids = [plant.id for plant in self.plants]
        if len(set(ids)) < len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise InputError("two plants have the same id", key="plants", given=twice)
        hours = float(len(need)) if self.hours is None else float(self.hours)
        carbon = 0.0 if self.carbon_limit is None else self.carbon_limit
        not_served, matching = self.not_served_limit or 0.0, self.matching or 0.0
        rules = (
            ("not_served_price", self.not_served_price, "$/J, above 0", self.not_served_price > 0.0),
            ("carbon_limit", carbon, "kg/J, not negative", carbon >= 0.0),
            ("carbon_price", self.carbon_price, "$/kg, not negative", self.carbon_price >= 0.0),
            ("not_served_limit", not_served, "a share, 0 to 1", 0.0 <= not_served <= 1.0),
            ("matching", matching, "a share, 0 to 1", 0.0 <= matching <= 1.0),
            ("clean_carbon", self.clean_carbon, "kg/J, not negative", self.clean_carbon >= 0.0),
            ("duty", self.duty, "a share, above 0 to 1", 0.0 < self.duty <= 1.0),
        )
        check_rules(rules, finite=True)
        check_range("hours", hours, 0.0, open_low=True, message="not a number of hours")
        if self.years < 1 or need.size % self.years:
            raise InputError(
                "the load is not a whole number of years of equal length",
                key="years",
                given=f"{self.years} years, {need.size:,} hours",
                allowed="a number of years that divides the hours; leave out 29 February",
            )
        if self.year_weights is not None:
            weights = np.asarray(self.year_weights, dtype=float)
            fits = weights.shape == (self.years,) and bool(np.all(np.isfinite(weights)))
            if not fits or np.any(weights <= 0.0):
                raise InputError(
                    "the weights of the years are not weights",
                    key="year_weights",
                    given=", ".join(f"{v:g}" for v in weights.ravel()[:12]),
                    allowed=f"{self.years} numbers above 0",
                )
        self._check_hosts()
        self._check_must_run()
        self._settle()

    def _settle(self) -> None:
        """Settle swaps on the load: what they cost is the same whatever is built."""
        if any(plant.swaps for plant in self.plants):
            weights = None if self.year_weights is None else np.asarray(self.year_weights, dtype=float)
            mean = None if weights is None else weights / np.mean(weights)
            plants = (plant.settled(self.watts, duty=self.duty, weights=mean) for plant in self.plants)
            object.__setattr__(self, "plants", tuple(plants))

    @property
    def watts(self) -> Array:
        """The load as an array, W."""
        return np.asarray(self.load, dtype=float)

    @property
    def hours_of_year(self) -> float:
        """Hours that the series stands for: ``hours``, else the hours of one of its years."""
        return float(len(self.watts)) / self.years if self.hours is None else float(self.hours)

    @property
    def hours_drawn(self) -> float:
        """Those of them in which the load is drawn."""
        return self.hours_of_year * self.duty

    @property
    def blocks(self) -> tuple[int, ...]:
        """Hours of each weather year."""
        return (len(self.watts) // self.years,) * self.years

    def programme(self, **other: Any) -> Programme:
        """The linear programme; ``other`` replaces keywords of ``build_programme``."""
        weights = None
        if self.year_weights is not None:
            weights = np.asarray(self.year_weights, dtype=float)
            weights = weights / np.mean(weights)
        asked: dict[str, Any] = {
            "load": self.watts,
            "plants": tuple(_by_running_hour(plant, self.duty) for plant in self.plants),
            "not_served_price": self.not_served_price,
            "carbon_limit": self.carbon_limit,
            "carbon_price": self.carbon_price,
            "blocks": self.blocks,
            "weights": weights,
            "flexible": self.flexible,
            "matching": self.matching,
            "clean_carbon": self.clean_carbon,
        }
        return build_programme(**(asked | other))

    def sample(self) -> Problem | None:
        """The same question of some days, to guess the answer by; ``None`` where the series is short."""
        cut = sample_days(self.watts, tuple(self.plants))
        if cut is None:
            return None
        return replace(self, load=cut[0], plants=cut[1], years=1, year_weights=None, hours=None)

    def _check_hosts(self) -> None:
        """Raise where a store lacks the plant that it stands in, or is larger than that may have."""
        for i, stores in stores_inside(tuple(self.plants)).items():
            host = self.plants[i]
            for k in stores:
                store = self.plants[k]
                most = store.host_ratio * host.maximum if host.maximum > 0.0 else 0.0
                if store.minimum > most * (1.0 + 1e-9):
                    raise InfeasibleError(
                        f"{store.name} of {compact(store.minimum, 'W')} does not fit into {host.name}: "
                        f"{store.host_ratio:g} W for each W of at most {compact(host.maximum, 'W')}",
                        key=f"{store.id}.minimum",
                        given=compact(store.minimum, "W"),
                        allowed=f"at most {compact(most, 'W')}, or a larger {host.id}",
                    )

    def _check_must_run(self) -> None:
        """Raise where a plant that is there and must run breaks the hourly matching by itself."""
        if self.matching is None:
            return
        need, hours = self.watts, len(self.watts)
        forced = np.zeros(hours)
        for plant in self.plants:
            if plant.storage is None and not plant.follows_weather_freely:
                floor = plant.minimum * plant.minimum_load * plant.hourly("availability", hours)
                forced += plant.dirty(hours, self.clean_carbon) * floor
        excess = forced - (1.0 - self.matching) * need
        if np.max(excess) > 1e-9 * float(np.max(need)):
            raise InfeasibleError(
                f"hourly matching of {self.matching * 100:g} % cannot be met: plants that must run emit, "
                f"up to {compact(float(np.max(excess)), 'W')} too much in "
                f"{int(np.sum(excess > 0.0)):,} h",
                key="matching",
                given=f"{self.matching:g}",
                allowed="a smaller share, or a smaller least capacity or least load of the emitting plants",
            )
