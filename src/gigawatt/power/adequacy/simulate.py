"""Adequacy hour by hour: units that fail and are repaired, stores that answer, over many years.

Units fail as :mod:`gigawatt.power.adequacy.unit_outages` draws it, so that a further unit leaves the outages
of the others as they are. Stores discharge whenever less is there than is
needed and charge whenever more is, which on one bus without foresight loses least energy.

References
----------
Billinton & Li, Reliability Assessment of Electric Power Systems Using Monte Carlo Methods (1994), chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.compiled import compiled, compiled_and_kept
from gigawatt.core.errors import InputError
from gigawatt.power.adequacy.simulate_tables import rates, unit_table
from gigawatt.power.adequacy.unit_outages import FailingKind, UnitOutages, batch_years, spells_of
from gigawatt.power.adequacy.units import Units

__all__ = ["FIGURES", "Simulation", "Store", "simulate", "simulated_year"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
FIGURES = ("hours", "days", "energy", "events", "longest", "largest", "hours_alone", "energy_alone")
"""What each simulated year gives; the last two without stores."""
_Z, _DAY = 1.959963984540054, 24
_LATER = 1_000_000  # number of the stream of a kind that was added


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
            check_range(
                f"{self.units.name}.{key}",
                getattr(self, key),
                0.0,
                1.0,
                open_low=True,
                message="not an efficiency",
            )
        check_range(
            f"{self.units.name}.start", self.start, 0.0, self.energy, message="more than the store holds"
        )


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
    modes: Sequence[tuple[Units, Mapping[int, int] | None]] = (),
    first: Sequence[Ints] | None = None,
    stores: Sequence[Store] = (),
    weather_years: int = 1,
    year_weights: npt.ArrayLike = 1.0,
    seed: int = 1,
    error: float = 0.025,
    years: int = 20_000,
    later: int = 0,
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
    modes : sequence of (Units, {kind: hours}), optional
        Common modes: while all units of one are out, each kind named with it stops once it has run its
        ``hours`` from a stock, full again as soon as one unit is back; ``None``: every kind and store stops.
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
    later : int
        Kinds at the end of ``units`` that were added: the others, stores and modes fail as without them.

    Raises
    ------
    InputError
        A time to repair is missing; hours that are no whole weather years.
    """
    model = _Model(
        units, need, share, risk, hazard, modes, first, stores, weather_years, year_weights, seed, later
    )
    done = list[Array]()
    for by_year in model.batches(years):
        done.append(by_year)
        found = Simulation(np.concatenate(done))
        if found.error("hours") <= error * found.mean("hours"):
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
    if year < 0:
        raise InputError("no such simulated year", key="year", given=str(year), allowed="0 or more")
    batch, n = divmod(year, batch_years(years))
    return n % years, model.run(batch, n, n + 1, trace=True)[1]


class _Model:
    """The arrays that the kernel takes; see :func:`simulate`."""

    def __init__(
        self, units: Sequence[Units], need: npt.ArrayLike, share: npt.ArrayLike | None,
        risk: npt.ArrayLike | None, hazard: npt.ArrayLike | None,
        modes: Sequence[tuple[Units, Mapping[int, int] | None]], first: Sequence[Ints] | None,
        stores: Sequence[Store], weather_years: int, year_weights: npt.ArrayLike, seed: int,
        later: int = 0,
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

        takes = np.full((len(modes), len(kinds)), -1)
        for m, (_, which) in enumerate(modes):
            if which is None:
                takes[m, : len(units) + len(ordered)] = 0
            for kind, lasts in (which or {}).items():
                takes[m, kind] = lasts
        starts = [np.full(one.count, -1) for one in rest]
        table = unit_table(kinds, None if first is None else [*first, *starts], self.hours)
        rules, accepted = rates(kinds, wide([1.0] * len(kinds), hazard))
        hold = [(one.energy, one.charging, one.discharging, one.start, 1.0 - one.loss) for one in ordered]
        power, counts = wide([one.size for one in kinds], share), np.array([one.count for one in kinds])
        held = np.array(hold).reshape(-1, 5)
        self.arrays = load, power, takes, counts.astype(np.int64), table, held
        out = np.minimum(wide([one.forced for one in kinds], risk), 1.0)
        failing = [
            FailingKind(fail, mend, np.ascontiguousarray(of), np.ascontiguousarray(share), weather_years)
            for (fail, mend), of, share in zip(rules.tolist(), out.T, accepted.T, strict=True)
        ]
        kept = len(units) - later
        named = [
            k if k < kept else k - later if k >= len(units) else _LATER + k for k in table[:, 0].tolist()
        ]
        self.outages = [
            UnitOutages(failing[int(k)], (seed, name, int(i)))
            for k, i, name in zip(table[:, 0], table[:, 1], named, strict=True)
        ]
        self.weights = np.broadcast_to(np.asarray(year_weights, dtype=float), (weather_years,))
        self.least = 1e-9 * max(float(np.abs(load).max()), 1e-300)
        self.whole = _whole(load, power, takes, counts, held, self.hours, self.least)
        self.kinds, self.stores, self.modes = len(kinds), len(stores), len(modes)
        self.traced = len(units) + len(stores) + 1

    def batches(self, years: int) -> Iterator[Array]:
        """(years, :data:`FIGURES`) of one batch of years after the other."""
        batch = batch_years(self.weather_years)
        for number in range(-(-years // batch)):
            yield self.run(number, 0, min(batch, years - number * batch))[0]

    def run(self, batch: int, first: int, last: int, *, trace: bool = False) -> tuple[Array, Array]:
        """((years, :data:`FIGURES`), hours of the last year where ``trace``) of years of a batch."""
        spells, at = spells_of(self.outages, batch, last)
        weather = np.arange(first, last) % self.weather_years
        made = np.zeros((len(weather), len(FIGURES)))
        hours = np.zeros((self.hours if trace else 0, self.traced))
        scratch = np.zeros((self.hours + 1, max(1, self.kinds)), dtype=np.int64)
        marks = np.zeros(self.hours + 1, dtype=np.bool_)
        _run(*self.arrays, spells, np.ascontiguousarray(at[:, first:]), weather, *self.whole, scratch, marks,
             np.zeros(max(1, self.kinds), dtype=np.int64), np.zeros(max(1, self.modes), dtype=np.int64),
             np.zeros(max(1, self.stores)), self.least, made, hours)  # fmt: skip
        made[:, (0, 1, 2, 3, 6, 7)] *= self.weights[weather][:, None]
        plants = self.traced - 1 - self.stores
        back = [*range(plants), *(plants + self.order.index(i) for i in range(self.stores)), self.traced - 1]
        return made, hours[:, back]


@compiled
def _outages(table: Any, u: int, spells: Any, first: int, last: int, change: Any, marks: Any) -> None:
    """Put a year's outages of a unit into ``change``: units regained less those lost by the hour."""
    k, begin, end = table[u, 0], table[u, 2], table[u, 3]
    for e in range(first, last):
        t, until = spells[e, 0], spells[e, 1]
        left, right = min(until, max(t, begin)), max(t, min(until, end))
        if begin >= end or end <= t or begin >= until:
            left, right = until, until
        if t < left:
            _change(change, marks, t, left, k)
        if right < until:
            _change(change, marks, right, until, k)
    if begin < end:
        _change(change, marks, begin, end, k)


@compiled
def _change(change: Any, marks: Any, begin: int, end: int, k: int) -> None:
    """A unit of kind ``k`` is out from one hour to another."""
    change[begin, k] -= 1
    change[end, k] += 1
    marks[begin], marks[end] = True, True


@compiled
def _served(takes: Any, gone: Any, k: int) -> bool:
    """Whether nothing that takes units of kind ``k`` has been out for longer than its stock lasts."""
    for m in range(len(takes)):  # noqa: SIM110 - compiled
        if takes[m, k] >= 0 and gone[m] > takes[m, k]:
            return False
    return True


@compiled
def _answered(gap: float, most: float, hold: Any, level: Any, s: int) -> float:
    """What is lacking (above 0) or left over (below) once a store of at most ``most`` has answered."""
    level[s] *= hold[s, 4]
    if gap > 0.0:
        given = min(gap, most, level[s] * hold[s, 2])
        level[s] -= given / hold[s, 2]
        return gap - given
    taken = min(-gap, most, (hold[s, 0] - level[s]) / hold[s, 1])
    level[s] += taken * hold[s, 1]
    return gap + taken


def _whole(
    need: Array, power: Array, takes: Ints, counts: Ints, hold: Array, hours: int, least: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Weather years with every unit in order: (H, stores) level after each hour; (H,) power that may be out
    with nothing lacking and stores as full, below 0 where power lacks all the same; (years, plants) most of a
    unit."""
    plants = len(counts) - len(hold) - len(takes)
    gap = need - power[:, :plants] @ counts[:plants]
    most = power[:, plants : plants + len(hold)] * counts[plants : plants + len(hold)]
    levels, drawn = np.zeros((len(need), len(hold))), gap > 0.0
    _charge(gap, most, hold, hours, np.zeros(len(hold)), levels)
    spare = np.where(gap > least, -1.0, np.where(drawn, 0.0, np.maximum(-gap, 0.0)))
    return levels, spare, power[:, :plants].reshape(len(need) // hours, hours, plants).max(1)


def _charged(gap: Any, most: Any, hold: Any, hours: int, level: Any, levels: Any) -> int:
    """Fill ``levels`` and take from ``gap`` what stores give, each year from their start."""
    for h in range(len(gap)):
        for s in range(len(hold)):
            if h % hours == 0:
                level[s] = hold[s, 3]
            gap[h] = _answered(gap[h], most[h, s], hold, level, s)
            levels[h, s] = level[s]
    return 0


_charge = compiled_and_kept(_charged)


@compiled
def _as_whole(level: Any, levels: Any, at: int, hold: Any) -> bool:
    """Whether stores hold what they would had nothing failed; a billionth less is put right."""
    for s in range(len(hold)):
        if abs(level[s] - levels[at, s]) > 1e-9 * hold[s, 0]:
            return False
    for s in range(len(hold)):
        level[s] = levels[at, s]
    return True


def _years(
    need: Any, power: Any, takes: Any, counts: Any, table: Any, hold: Any, spells: Any, at: Any, weather: Any,
    levels: Any, spare: Any, largest: Any, change: Any, marks: Any, there: Any, gone: Any,
    level: Any, least: float, made: Any, trace: Any,
) -> int:  # fmt: skip
    """Fill ``made`` with the figures of each year; ``trace``, where it has hours, with those of the last.

    Hours in which stores hold what they would had nothing failed, and no more is out than is left over, are
    passed over: ``levels``, ``spare`` and ``largest`` of :func:`_whole` know them.
    """
    hours, kinds, stores, units, modes = len(change) - 1, len(counts), len(hold), len(table), len(takes)
    plants = kinds - stores - modes
    for n in range(len(made)):
        base = weather[n] * hours
        for u in range(units):
            _outages(table, u, spells, at[u, n], at[u, n + 1], change, marks)
        for k in range(kinds):
            there[k] = counts[k]
        for m in range(modes):
            gone[m] = 0
        for s in range(stores):
            level[s] = hold[s, 3]
        run, day, same, passed = 0, -1, len(trace) == 0, False
        lost, waiting, broken = 0.0, 0, False  # power out at the most, units of stores that are, a mode
        for h in range(hours):
            if marks[h]:
                marks[h] = False
                for k in range(kinds):
                    there[k] += change[h, k]
                    change[h, k] = 0
                lost, waiting, broken = 0.0, 0, False
                for k in range(plants):
                    lost += (counts[k] - there[k]) * largest[weather[n], k]
                for k in range(plants, plants + stores):
                    waiting += counts[k] - there[k]
                for m in range(modes):
                    broken = broken or there[plants + stores + m] == 0
            if same and not broken and waiting == 0 and lost <= spare[base + h]:
                run, passed = 0, True
                continue
            if passed:
                for s in range(stores):
                    level[s] = levels[base + h - 1, s]
                passed = False
            gap = need[base + h]
            for m in range(modes):
                gone[m] = gone[m] + 1 if there[plants + stores + m] == 0 else 0
            for k in range(plants):
                if not broken or _served(takes, gone, k):
                    gap -= there[k] * power[base + h, k]
                    if len(trace) > 0:
                        trace[h, k] = there[k] * power[base + h, k]
            if gap > least:
                made[n, 6] += 1.0
                made[n, 7] += gap
            for s in range(stores):
                most = there[plants + s] * power[base + h, plants + s]
                if broken and not _served(takes, gone, plants + s):
                    most = 0.0
                before = gap
                gap = _answered(gap, most, hold, level, s)
                if len(trace) > 0:
                    trace[h, plants + s] = before - gap
            if len(trace) > 0:
                trace[h, plants + stores] = max(gap, 0.0)
            same = (
                waiting == 0 and not broken and len(trace) == 0 and _as_whole(level, levels, base + h, hold)
            )
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
        marks[hours] = False
        for k in range(kinds):
            change[hours, k] = 0
    return 0


_run = compiled_and_kept(_years)
