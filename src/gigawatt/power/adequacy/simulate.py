"""Adequacy hour by hour: units that fail and are repaired, stores that answer, over many years.

Each unit is a two-state Markov chain of whole hours with a stream of random numbers of its own, so that a
further unit leaves the outages of the others as they are. Stores discharge whenever less is there than is
needed and charge whenever more is, which on one bus without foresight loses least energy.

References
----------
Billinton & Li, Reliability Assessment of Electric Power Systems Using Monte Carlo Methods (1994), chapter 3.
L'Ecuyer, Efficient and portable combined random number generators, CACM 31(6), 1988.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.compiled import COMPILED, compiled, compiled_and_kept
from gigawatt.core.errors import InputError
from gigawatt.power.adequacy.units import Units

__all__ = ["FIGURES", "Simulation", "Store", "simulate", "simulated_year"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIGURES = ("hours", "days", "energy", "events", "longest", "largest", "hours_alone", "energy_alone")
"""What each simulated year gives; the last two without stores."""
_Z = 1.959963984540054
_DAY, _BATCH, _UNCOMPILED = 24, 250, 40
_A, _M, _B, _N = 40014, 2147483563, 40692, 2147483399


@dataclass(frozen=True)
class Store:
    """A store of equal ``units``, whose ``size`` is their power.

    ``energy`` of all of them [power × h] that is taken out of the store, ``start`` what is in it as a year
    begins; ``charging``, ``discharging`` : efficiencies; ``loss`` : share lost in an hour.
    """

    units: Units
    energy: float
    charging: float = 1.0
    discharging: float = 1.0
    start: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        for key in ("charging", "discharging"):
            if not 0.0 < getattr(self, key) <= 1.0:
                raise InputError("not an efficiency", key=f"{self.units.name}.{key}",
                                 given=f"{getattr(self, key):g}", allowed="above 0, at most 1")  # fmt: skip
        if not 0.0 <= self.start <= self.energy:
            raise InputError("more than the store holds", key=f"{self.units.name}.start",
                             given=f"{self.start:g}", allowed=f"0 to {self.energy:g}")  # fmt: skip


@dataclass(frozen=True)
class Simulation:
    """Figures of (years, :data:`FIGURES`) simulated years, each of ``weight`` years."""

    by_year: Array = field(repr=False)

    @property
    def years(self) -> int:
        """Simulated years."""
        return len(self.by_year)

    def mean(self, figure: str) -> float:
        """Mean of a year; of ``longest`` and ``largest`` that of the years' largest."""
        return float(self.by_year[:, FIGURES.index(figure)].mean())

    def error(self, figure: str) -> float:
        """Standard error of the mean."""
        return float(self.by_year[:, FIGURES.index(figure)].std(ddof=1) / math.sqrt(self.years))

    def interval(self, figure: str) -> tuple[float, float]:
        """The mean with 95 % confidence."""
        middle, off = self.mean(figure), _Z * self.error(figure)
        return max(middle - off, 0.0), middle + off

    def most(self, figure: str) -> float:
        """The largest of all years."""
        return float(self.by_year[:, FIGURES.index(figure)].max())


def simulate(
    units: Sequence[Units],
    need: npt.ArrayLike,
    *,
    share: npt.ArrayLike | None = None,
    risk: npt.ArrayLike | None = None,
    hazard: npt.ArrayLike | None = None,
    modes: Sequence[tuple[Units, Sequence[int] | None]] = (),
    first: Sequence[Ints] | None = None,
    stores: Sequence[Store] = (),
    weather_years: int = 1,
    year_weights: npt.ArrayLike = 1.0,
    seed: int = 1,
    error: float = 0.025,
    years: int = 20_000,
) -> Simulation:
    """Simulate years until LOLH is known well enough.

    Parameters
    ----------
    units : sequence of Units
        Kinds, each with a time to repair.
    need : (H,)
        Power that units and stores must give, of ``weather_years`` years of equal length one after another.
    share : (H, kinds), optional
        Share of its size that a unit in order can give.
    risk, hazard : (H, kinds), optional
        Share of units out as a year begins in this hour, and failures of the hour, over their mean.
    modes : sequence of (Units, kinds), optional
        What takes units of these kinds while all of its own are out; ``None``: every kind, and stores.
    first : sequence of (count,), optional
        Day on which each unit's maintenance begins (-1: none), for ``planned`` of the year.
    stores : sequence of Store
        Those of most hours discharge and charge first.
    weather_years : int
        Years that the hours are of; each is simulated as often as the others.
    year_weights : float or (weather_years,)
        How much the hours of each weather year count.
    seed : int
        Of the streams of random numbers: the same seed gives the same years.
    error : float
        Relative standard error of LOLH at which it stops.
    years : int
        Most simulated years.

    Raises
    ------
    InputError
        A time to repair is missing; hours that are no whole weather years.
    """
    model = _Model(units, need, share, risk, hazard, modes, first, stores, weather_years, year_weights, seed)
    done = list[Array]()
    for seeds, weather in model.batches(years):
        done.append(model.run(seeds, weather)[0])
        found = Simulation(np.concatenate(done))
        if not COMPILED or found.error("hours") <= error * found.mean("hours"):
            break
    return Simulation(np.concatenate(done))


def simulated_year(
    units: Sequence[Units], need: npt.ArrayLike, *, year: int, stores: Sequence[Store] = (), **more: Any
) -> tuple[int, Array]:
    """(weather year, (hours, kinds + stores + 1) power there by kind, given by stores, lacking) of one year.

    Parameters are those of :func:`simulate` with which it was simulated; ``year`` counts from 0. Stores that
    charge give less than nothing; they stand in the order of ``stores``.
    """
    years = more.pop("weather_years", 1)
    weights, seed = more.pop("year_weights", 1.0), more.pop("seed", 1)
    wide = {name: more.get(name) for name in ("share", "risk", "hazard", "first")}
    model = _Model(
        units, need, wide["share"], wide["risk"], wide["hazard"], more.get("modes", ()), wide["first"],
        stores, years, weights, seed,
    )  # fmt: skip
    at = 0
    for seeds, weather in model.batches(year + 1):
        if year < at + len(weather):
            n = year - at
            return int(weather[n]), model.run(seeds[n : n + 1], weather[n : n + 1], trace=True)[1]
        at += len(weather)
    raise InputError("no such simulated year", key="year", given=str(year), allowed="0 or more")


class _Model:
    """The arrays that the kernel takes; see :func:`simulate`."""

    def __init__(
        self, units: Sequence[Units], need: npt.ArrayLike, share: npt.ArrayLike | None,
        risk: npt.ArrayLike | None, hazard: npt.ArrayLike | None,
        modes: Sequence[tuple[Units, Sequence[int] | None]], first: Sequence[Ints] | None,
        stores: Sequence[Store], weather_years: int, year_weights: npt.ArrayLike, seed: int,
    ) -> None:  # fmt: skip
        load = np.ascontiguousarray(need, dtype=float)
        self.hours, self.weather_years = len(load) // weather_years, weather_years
        if self.hours * weather_years != len(load):
            raise InputError("no whole weather years", given=f"{len(load)} hours",
                             allowed=f"{weather_years} equal years")  # fmt: skip
        self.order = sorted(range(len(stores)), key=lambda i: -stores[i].energy / stores[i].units.total)
        ordered, behind = [stores[i] for i in self.order], [one for one, _ in modes]
        rest = [*(one.units for one in ordered), *behind]
        kinds = [*units, *rest]
        for one in kinds:
            if not math.isfinite(one.repair):
                raise InputError("a simulation needs a time to repair", key=f"{one.name}.repair_time")

        def wide(middle: Sequence[float], hourly: npt.ArrayLike | None) -> Array:
            values = np.tile(np.asarray(middle, dtype=float), (len(load), 1))
            if hourly is not None:
                values[:, : len(units)] *= hourly
            return values

        takes = np.zeros((len(modes), len(kinds)), dtype=np.bool_)
        for m, (_, which) in enumerate(modes):
            takes[m, : len(units) + len(ordered)] = which is None
            takes[m, list(which or ())] = True
        starts = [np.full(one.count, -1) for one in rest]
        table = _unit_table(kinds, None if first is None else [*first, *starts], self.hours)
        rules, accepted = _rates(kinds, wide([1.0] * len(kinds), hazard))
        hold = [(one.energy, one.charging, one.discharging, one.start, 1.0 - one.loss) for one in ordered]
        self.arrays = (
            load, wide([one.size for one in kinds], share),
            np.minimum(wide([one.forced for one in kinds], risk), 1.0), accepted, takes,
            np.array([one.count for one in kinds], dtype=np.int64), rules, table,
            np.array(hold).reshape(-1, 5),
        )  # fmt: skip
        self.streams = [np.random.default_rng([seed, int(k), int(i)]) for k, i in table[:, :2]]
        self.weights = np.broadcast_to(np.asarray(year_weights, dtype=float), (weather_years,))
        self.least = 1e-9 * max(float(np.abs(load).max()), 1e-300)
        self.kinds, self.stores = len(kinds), len(stores)
        self.traced = len(units) + len(stores) + 1

    def batches(self, years: int) -> Iterator[tuple[Ints, Ints]]:
        """(seeds (years, units, 2), weather years) of one batch of years after the other."""
        batch, at = -(-_BATCH // self.weather_years) * self.weather_years, 0
        most = years if COMPILED else min(years, _UNCOMPILED)
        while at < most:
            count = min(batch, most - at)
            drawn = [one.integers(1, _N - 1, (count, 2)) for one in self.streams]
            yield (
                np.stack(drawn, axis=1) if drawn else np.ones((count, 1, 2), dtype=np.int64),
                (at + np.arange(count)) % self.weather_years,
            )
            at += count

    def run(self, seeds: Ints, weather: Ints, *, trace: bool = False) -> tuple[Array, Array]:
        """((years, :data:`FIGURES`), hours of the last year where ``trace``)."""
        made = np.zeros((len(weather), len(FIGURES)))
        hours = np.zeros((self.hours if trace else 0, self.traced))
        scratch = np.zeros((self.hours + 1, max(1, self.kinds)), dtype=np.int64)
        _run(*self.arrays, seeds, weather, scratch, np.zeros(max(1, self.kinds), dtype=np.int64),
             np.zeros(max(1, self.stores)), self.least, made, hours)  # fmt: skip
        made[:, (0, 1, 2, 3, 6, 7)] *= self.weights[weather][:, None]
        plants = self.traced - 1 - self.stores
        back = [*range(plants), *(plants + self.order.index(i) for i in range(self.stores)), self.traced - 1]
        return made, hours[:, back]


def _rates(kinds: Sequence[Units], often: Array) -> tuple[Array, Array]:
    """(kinds, 2) probability of a failure, in the hour in which it is highest, and of a repair; (H, kinds)
    failures of an hour over the highest, from those over their mean."""
    repair = np.minimum([1.0 / one.repair for one in kinds], 1.0)
    forced = np.array([one.forced for one in kinds])
    fail = np.minimum(repair * forced / (1.0 - forced) * often, 1.0)
    highest = fail.max(0)
    return np.stack([highest, repair], axis=1), np.where(
        highest > 0.0, fail / np.maximum(highest, 1e-300), 1.0
    )


def _unit_table(kinds: Sequence[Units], first: Sequence[Ints] | None, hours: int) -> Ints:
    """(units, 4): kind, number in its kind, first hour of maintenance and the hour after it."""
    rows: list[tuple[int, int, int, int]] = []
    for k, one in enumerate(kinds):
        long = math.ceil(one.planned * (hours // _DAY) - 1e-9) * _DAY
        for i in range(one.count):
            day = -1 if first is None else int(first[k][i])
            begin = hours if day < 0 else day * _DAY
            rows.append((k, i, begin, min(begin + long, hours)))
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


@compiled
def _wait(chance: float, uniform: float, most: int) -> int:
    """Hours until something that happens with a chance each hour."""
    if chance >= 1.0:
        return 1
    if chance <= 0.0:
        return most
    hours = math.log(uniform) / math.log1p(-chance)
    return most if hours >= most else 1 + int(hours)


@compiled
def _outages(
    table: Any, rules: Any, forced: Any, accepted: Any, base: int, u: int, one: int, two: int, hours: int,
    change: Any,
) -> None:  # fmt: skip
    """Put the outages of a unit in a year into ``change``: units lost and regained by the hour.

    Failures are drawn at the rate of the worst hour, and kept with the share of it that their hour has.
    """
    k, begin, end = table[u, 0], table[u, 2], table[u, 3]
    t, up, drawn, doubted = 0, True, False, False
    while t < hours:
        one, two = one * _A % _M, two * _B % _N
        z = one - two
        if z < 1:
            z += _M - 1
        uniform = z / _M
        if not drawn:
            up, drawn = uniform >= forced[base, k], True
            continue
        if doubted:
            up, doubted = uniform >= accepted[base + t, k], False
            continue
        until = min(t + _wait(rules[k, 0] if up else rules[k, 1], uniform, hours), hours)
        if up and until < hours and accepted[base + until, k] < 1.0:
            t, doubted = until, True
            continue
        if not up:
            left, right = min(until, max(t, begin)), max(t, min(until, end))
            if begin >= end or end <= t or begin >= until:
                left, right = until, until
            if t < left:
                change[t, k] -= 1
                change[left, k] += 1
            if right < until:
                change[right, k] -= 1
                change[until, k] += 1
        t, up = until, not up
    if begin < end:
        change[begin, k] -= 1
        change[end, k] += 1


@compiled
def _served(takes: Any, there: Any, first: int, k: int) -> bool:
    """Whether nothing that takes units of kind ``k`` is out."""
    for m in range(len(takes)):  # noqa: SIM110 - compiled
        if takes[m, k] and there[first + m] == 0:
            return False
    return True


def _years(
    need: Any, power: Any, forced: Any, accepted: Any, takes: Any, counts: Any, rules: Any, table: Any,
    hold: Any, seeds: Any, weather: Any, change: Any, there: Any, level: Any, least: float, made: Any,
    trace: Any,
) -> int:  # fmt: skip
    """Fill ``made`` with the figures of each year; ``trace``, where it has hours, with those of the last."""
    hours, kinds, stores, units, modes = len(change) - 1, len(counts), len(hold), len(table), len(takes)
    plants = kinds - stores - modes
    for n in range(len(made)):
        base = weather[n] * hours
        for h in range(hours + 1):
            for k in range(kinds):
                change[h, k] = 0
        for u in range(units):
            _outages(table, rules, forced, accepted, base, u, seeds[n, u, 0], seeds[n, u, 1], hours, change)
        for k in range(kinds):
            there[k] = counts[k]
        for s in range(stores):
            level[s] = hold[s, 3]
        run, day = 0, -1
        for h in range(hours):
            gap = need[base + h]
            broken = False
            for k in range(kinds):
                there[k] += change[h, k]
                if k >= plants + stores and there[k] == 0:
                    broken = True
            for k in range(plants):
                if not broken or _served(takes, there, plants + stores, k):
                    gap -= there[k] * power[base + h, k]
                    if len(trace) > 0:
                        trace[h, k] = there[k] * power[base + h, k]
            if gap > least:
                made[n, 6] += 1.0
                made[n, 7] += gap
            for s in range(stores):
                most = there[plants + s] * power[base + h, plants + s]
                if broken and not _served(takes, there, plants + stores, plants + s):
                    most = 0.0
                level[s] *= hold[s, 4]
                before = gap
                if gap > 0.0:
                    given = min(gap, most, level[s] * hold[s, 2])
                    level[s] -= given / hold[s, 2]
                    gap -= given
                else:
                    taken = min(-gap, most, (hold[s, 0] - level[s]) / hold[s, 1])
                    level[s] += taken * hold[s, 1]
                    gap += taken
                if len(trace) > 0:
                    trace[h, plants + s] = before - gap
            if len(trace) > 0:
                trace[h, plants + stores] = max(gap, 0.0)
            if gap > least:
                run += 1
                made[n, 0] += 1.0
                made[n, 2] += gap
                made[n, 5] = max(made[n, 5], gap)
                made[n, 4] = max(made[n, 4], float(run))
                if run == 1:
                    made[n, 3] += 1.0
                if h // 24 != day:
                    made[n, 1] += 1.0
                    day = h // 24
            else:
                run = 0
    return 0


_run = compiled_and_kept(_years)
