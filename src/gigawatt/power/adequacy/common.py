"""What takes several units at once: a fuel line, the switchyard. Rows of the catalog's ``outages``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import table
from gigawatt.core.evidence import Assumption, worst
from gigawatt.power.adequacy.indices import Indices
from gigawatt.power.adequacy.rows import PlantUnits, rates_of
from gigawatt.power.adequacy.units import Units

__all__ = ["CommonMode", "common_modes", "with_modes"]

Array = npt.NDArray[np.float64]
_TABLE, _SWITCHYARD = "outages", "switchyard"
_DAY, _HOUR, _ROUNDING = 24, 3600.0, 1e-9


@dataclass(frozen=True)
class CommonMode:
    """``units`` of which one is enough; while all are out, so are the kinds with the numbers of ``takes``.

    ``takes`` : by kind, whole hours for which it goes on from a stock that is full as they fail.
    ``all`` : stores and connections too.
    """

    units: Units
    takes: Mapping[int, int]
    all: bool
    assumption: Assumption

    @property
    def words(self) -> str:
        """``natural gas line``, ``natural gas lines``."""
        return self.units.name + ("" if self.units.count == 1 else "s")

    @property
    def share(self) -> float:
        """Share of the time in which all are out."""
        return self.units.forced**self.units.count

    @property
    def frequency(self) -> float:
        """Times an hour that the last of them fails."""
        one = self.units
        return one.count * one.forced ** (one.count - 1) * (1.0 - one.forced) * one.failure_rate

    def lasts(self, hours: int) -> float:
        """Share of the outages, and of their time, beyond their first ``hours``.

        Each is repaired in an hour with the probability 1 / ``repair``, as in simulation:
        ``(1 - 1 / repair) ** (count * hours)``, of long repairs ``exp(-count * hours / repair)``.
        """
        return (1.0 - min(1.0 / self.units.repair, 1.0)) ** (self.units.count * hours)

    @property
    def levels(self) -> tuple[tuple[float, frozenset[int]], ...]:
        """Of an outage that goes on, one stock after the other used up: (share of the outages that come so
        far, kinds that are out)."""
        after = sorted({0, *self.takes.values()})
        return tuple(
            (self.lasts(hours), frozenset(k for k, most in self.takes.items() if most <= hours))
            for hours in after
        )


def common_modes(kinds: Sequence[PlantUnits], fuel_lines: int = 1) -> tuple[CommonMode, ...]:
    """The fuel lines of the plants, each fuel's of ``fuel_lines`` lines, and the switchyard behind all."""
    fuels = dict.fromkeys(one.plant.burns for one in kinds)
    found = [
        _mode(
            fuel,
            f"{_name(fuel)} line",
            fuel_lines,
            {i: _stock_hours(one) for i, one in enumerate(kinds) if one.plant.burns == fuel},
            _stock_words([one for one in kinds if one.plant.burns == fuel]),
        )
        for fuel in fuels
        if fuel in table(_TABLE) and "failure_rate" in table(_TABLE)[fuel].numbers
    ]
    return (*found, _mode(_SWITCHYARD, "switchyard", 1, dict.fromkeys(range(len(kinds)), 0), everything=True))


def _name(fuel: str) -> str:
    return table("fuels")[fuel].text("name") or fuel


def _stock_hours(one: PlantUnits) -> int:
    return int(one.plant.stock / _HOUR + _ROUNDING)


def _stock_words(kinds: Sequence[PlantUnits]) -> str:
    """``; meanwhile gas turbine goes on from stock for 72 h; fuel cell stops``, empty without a stock."""
    if not any(_stock_hours(one) for one in kinds):
        return ""
    said = [
        f"{one.plant.name} goes on from stock for {hours} h" if hours else f"{one.plant.name} stops"
        for one in kinds
        for hours in [_stock_hours(one)]
    ]
    return f"; meanwhile {', '.join(said)}"


def _mode(
    row: str, name: str, count: int, takes: Mapping[int, int], stock: str = "", *, everything: bool = False
) -> CommonMode:
    forced, repair, rows = rates_of(row)
    units = Units(name, count, 1.0, forced, repair)
    lines = "one" if count == 1 else f"{count:,}, of which one is enough"
    said = Assumption(
        key=f"supply.adequacy.{row}",
        value=f"{lines}, {units.failure_rate * 8760:.3g} failures a year each, {repair:.3g} h to repair"
        f"{stock}",
        reason="takes several units at once" if everything else "takes all that burn this fuel at once",
        grade=worst(one.grade for one in rows),
        source=", ".join(dict.fromkeys(one.source_id for one in rows)),
    )
    return CommonMode(units, takes, everything, said)


_Out = tuple[CommonMode, int]
"""A mode that is out, and the level that its outage has come to."""


def with_modes(
    modes: Sequence[CommonMode], need: Array, weight: Array, without: Callable[[frozenset[int]], Indices]
) -> Indices:
    """Indices with common modes: those of every set of them that is out, weighed by its probability.

    Parameters
    ----------
    modes : sequence of CommonMode
        Independent of one another and of units.
    need, weight : (H,)
        As for :func:`~gigawatt.power.adequacy.indices.convolve`.
    without : callable
        Indices without the kinds of these numbers.
    """
    known: dict[frozenset[int] | None, Indices] = {}
    levels = {id(one): one.levels for one in modes}
    parts = {name: _parts(found) for name, found in levels.items()}

    def lost(out: Sequence[_Out]) -> Indices:
        gone = frozenset(i for one, at in out for i in levels[id(one)][at][1])
        key = None if any(one.all for one, _ in out) else gone
        if key not in known:
            known[key] = _nothing(need, weight) if key is None else without(key)
        return known[key]

    base = lost(())
    lolp, lacking, events = np.zeros(len(need)), np.zeros(len(need)), 0.0
    worth = np.zeros((2, len(modes)))
    for out in _states(modes, levels):
        rest = [one for one in modes if all(one is not other for other, _ in out)]
        chances = [one.share * parts[id(one)][at] for one, at in out] + [1.0 - one.share for one in rest]
        share = float(np.prod(chances))
        here = lost(out)
        lolp += share * here.lolp
        lacking += share * here.lacking
        if base.events is None:
            continue
        events += share * (here.events or 0.0)
        events += sum(
            share
            / (1.0 - one.share)
            * one.frequency
            * float((lost((*out, (one, 0))).lolp - here.lolp) @ weight)
            for one in rest
        )
        for k, (one, at) in enumerate(out):  # a stock is used up
            if at + 1 < len(levels[id(one)]) and chances[k] > 0.0:
                later = lost((*out[:k], (one, at + 1), *out[k + 1 :])).lolp - here.lolp
                often = one.frequency * levels[id(one)][at + 1][0]
                events += share / chances[k] * often * float(later @ weight)
    for k, one in enumerate(modes):
        gone = [(part, lost(((one, at),))) for at, part in enumerate(parts[id(one)])]
        short, energy = (sum(part * getattr(of, what) for part, of in gone) for what in ("hours", "energy"))
        worth[:, k] = short / float(weight.sum()), one.share * (energy - base.energy)
    whole = len(need) % _DAY == 0
    return replace(
        base,
        hours=float(lolp @ weight),
        days=float(lolp.reshape(-1, _DAY).max(1) @ weight[::_DAY]) if whole else None,
        energy=float(lacking @ weight),
        events=None if base.events is None else events,
        lolp=lolp,
        lacking=lacking,
        modes_out=tuple((short, energy) for short, energy in worth.T.tolist()),
    )


def _parts(levels: Sequence[tuple[float, frozenset[int]]]) -> list[float]:
    """Share of an outage's time that is spent at each of its levels."""
    reached = [*(share for share, _ in levels), 0.0]
    return [reached[i] - reached[i + 1] for i in range(len(levels))]


def _states(
    modes: Sequence[CommonMode], levels: Mapping[int, Sequence[object]]
) -> Iterator[tuple[_Out, ...]]:
    """Every set of modes that is out, each at each of its levels."""
    for n in range(len(modes) + 1):
        for out in combinations(modes, n):
            for at in product(*(range(len(levels[id(one)])) for one in out)):
                yield tuple(zip(out, at, strict=True))


def _nothing(need: Array, weight: Array) -> Indices:
    """Where no unit is left: every hour with a need is lost."""
    lolp, lacking = (need > 0.0).astype(float), np.maximum(need, 0.0)
    return Indices(float(lolp @ weight), None, float(lacking @ weight), 0.0, lolp, lacking)
