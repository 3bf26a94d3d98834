"""The programme without plants that are not built and ramps that do not bind, and the proof of both.

An interior point takes most of its steps for plants whose capacity tends to 0, because all their hourly
outputs tend to 0 with it. A sample of days tells which plants these are, and whose ramps are slack. The
programme is solved without them. Then its solution is put into the left-out ramp rows, where a few broken
ones are mended in the hours around (:mod:`gigawatt.power.plan.mend`), and each left-out plant is offered the
prices found: the cheapest year of one unit of its capacity, running as its own rows allow, is a small
programme, and its optimum is the plant's reduced cost. Where no row is broken and no
reduced cost negative, the solution, with zeros, is the optimum of the whole programme, and the duals of the
small programmes complete its dual. Plants that must be built, and that the sample makes no larger, are held
at that size; where none pays to be larger, that is the optimum too. What is broken or pays is taken back and
the rest solved again, so the sample decides only how long it takes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.interior import optimum_of_part
from gigawatt.power.plan.mend import mend_ramps
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plants.plant import HOURLY, Plant
from gigawatt.power.solve import ContradictionError, Solution, certify, fall_back

__all__ = ["Guess", "guess_by", "guess_from", "price_out", "sample_days", "solve_reduced"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Of every 21 days three are sampled, where the series is at least ``_LONG`` hours.
_BLOCK, _EVERY = 72, 7
_LONG = 10 * _BLOCK * _EVERY
#: A capacity of the sample below this share of the largest load is guessed to be none, and ramps with room
#: above this share of their capacity to be slack.
_SMALL = 1.5e-3
#: The same of a store beside charges on demand: the few days of a month in the sample have lower peaks to
#: shave than the month has.
_SMALL_SHAVER = 0.05
#: A reduced cost is not negative if it is above minus this share of the cost of the capacity; small plants
#: are not worth building if they save less than this share of the bill.
_EVEN = 1e-7
#: What mending some ramps in their hours may cost, relative: a part of the accepted gap.
_MENDED = 3e-7
#: A ramp row may be broken by this share of the largest load, a tenth of what the solver may.
_BROKEN = 1e-7

#: Hours before and after a broken ramp that are taken back with it, doubled each round, and the rounds after
#: which all ramps of the plant are: an interior point starts anew each time, so rounds are dear.
_NEAR, _ROUNDS = 6, 1


@dataclass(frozen=True)
class Guess:
    """Plants, by index, that stay unbuilt, and plants whose ramps are slack.

    ``at_least`` : plants that are no larger than must be. ``contradicts`` : the sample has no solution;
    ``solution`` : of the sample; ``sizes`` : its capacities, its stores' energies, then demand, W and W h.
    """

    unbuilt: frozenset[int] = frozenset()
    slack_ramps: frozenset[int] = frozenset()
    at_least: frozenset[int] = frozenset()
    contradicts: bool = False
    sizes: Array | None = None
    solution: Solution | None = None


def sample_days(load: Array, plants: Sequence[Plant]) -> tuple[Array, tuple[Plant, ...]] | None:
    """Load and plants in three days of every 21; ``None`` where the series is too short to gain by it."""
    hours = len(load)
    if hours < _LONG:
        return None
    chosen = np.flatnonzero((np.arange(hours) // _BLOCK) % _EVERY == _EVERY // 2)
    cut = [
        replace(
            plant,
            **{name: plant.hourly(name, hours)[chosen] for name in HOURLY if np.ndim(getattr(plant, name))},
            demand=tuple(one.at(chosen) for one in plant.demand),
        )
        for plant in plants
    ]
    return (load[chosen], tuple(cut)) if np.any(load[chosen]) else None


def guess_from(programme: Programme, solver: str = "hours") -> Guess:
    """What the optimum of ``programme``, a sample, hardly builds and where it keeps clear of the ramps.

    Plants without a variable of their own in each hour (sun, wind) are left in: they cost no time.
    """
    p = programme
    try:
        all_columns, all_rows = np.ones(len(p.cost), dtype=bool), np.ones(len(p.b), dtype=bool)
        found = optimum_of_part(
            p, columns=all_columns, rows=all_rows, b=p.b, cost=p.cost, solver=solver, tell=True
        )
    except ContradictionError:
        return Guess(contradicts=True)
    if found is None:
        return Guess()
    return replace(guess_by(p, found.x), solution=found)


def guess_by(programme: Programme, x: Array) -> Guess:
    """What a point (N,), such as an optimum of other limits, hardly builds, and where its ramps are slack."""
    p = programme
    room = p.b - p.A @ x
    return Guess(
        frozenset(i for i in (*p.output, *p.energy) if _may_go(p, i) and x[i] < _little(p, i)),
        frozenset(i for i, rows in p.ramp_rows.items() if np.min(room[rows]) > _SMALL * x[i]),
        at_least=frozenset(
            i for i, q in enumerate(p.plants) if q.minimum > 0.0 and x[i] < q.minimum / p.power_unit + _SMALL
        ),
        sizes=x[: p.sizes] * p.power_unit,
    )


def solve_reduced(
    programme: Programme, guess: Guess, solver: str = "hours", *, rough: bool = False
) -> Solution:
    """The optimum of ``programme``, found without what ``guess`` names as far as it holds.

    Parameters
    ----------
    programme : Programme
        The whole programme.
    guess : Guess
        Plants left out have a smallest capacity of 0. A wrong guess costs time only.
    solver : str
        ``hours`` or ``clarabel``.
    rough : bool
        Plants that the sample hardly builds stay unbuilt though they pay; the ``bound`` then is -inf.

    Returns
    -------
    Solution
        Primal and dual of the whole programme; ``gap`` and ``infeasibility`` are measured on all its rows.
        Plants that are worth less than a ten-millionth of the bill, the solver's dust with them, are 0.

    Raises
    ------
    ContradictionError
        The interior point found no feasible point of the whole.
    GigawattError
        Neither solver finds an optimum.

    References
    ----------
    Desaulniers, Desrosiers & Solomon (2005), Column Generation, Springer, chapter 1: reduced cost as proof.
    """
    start = time.perf_counter()
    p, turns, inside = programme, 0, programme.inside
    whole: dict[str, Any] = {"A": p.A, "b": p.b, "cost": p.cost, "equalities": p.equalities}
    unbuilt, away = _closed(p, guess.unbuilt), np.zeros(len(p.b), dtype=bool)
    for i in guess.slack_ramps:
        away[p.ramp_rows[i]] = True
    fixed = frozenset(i for i, q in enumerate(p.plants) if q.minimum == q.maximum) - unbuilt
    held = (guess.at_least - unbuilt) | fixed
    rounds, tried = 0, list[tuple[frozenset[int], Array]]()
    near = None
    if guess.sizes is not None:
        near = np.zeros(len(p.cost))
        near[: len(guess.sizes)] = np.maximum(guess.sizes / p.power_unit, _SMALL)
    while True:
        found = _solve_part(p, unbuilt, away, held, solver, near, doubtful=rounds > 0)
        if found is None and (unbuilt or held - fixed or np.any(away)):  # for want of what was left out
            unbuilt, held, away = frozenset[int](), fixed, np.zeros(len(p.b), dtype=bool)
            found = _solve_part(p, unbuilt, away, held, solver, near, doubtful=True)
        if found is None:
            found = fall_back(**whole)
            return replace(found, seconds=time.perf_counter() - start, iterations=found.iterations + turns)
        turns += found.iterations
        tried.append((unbuilt, found.x))
        hit = away & (p.A @ found.x - p.b > _BROKEN)
        larger = _larger(p, held, found.z)
        mended = None
        if np.any(hit) and not larger:
            mended = mend_ramps(p, found.x, hit, accepted=_BROKEN)
        if mended is not None:
            other = certify(**whole, x=mended, z=found.z, solver=found.solver, start=start, turns=turns)
            if other.gap < _MENDED and other.infeasibility < _BROKEN:
                found, hit = replace(found, x=mended), np.zeros_like(hit)
        broken = _to_cut(p, hit, rounds)
        paying: frozenset[int] = frozenset()
        for i in () if len(broken) else _heads(p, unbuilt):
            if not price_out(p, i, found.z, solver):
                paying = paying.union((i, *inside.get(i, ())))
        if not len(broken) and not larger and (rough or not paying):
            break
        unbuilt, held, rounds = _closed(p, unbuilt - paying), held - larger, rounds + 1
        away[broken] = False
    best = certify(**whole, x=found.x, z=found.z, solver=found.solver, start=start, turns=turns)
    if paying:
        return replace(best, bound=-np.inf, seconds=time.perf_counter() - start)
    small = _closed(p, frozenset(i for i in range(len(p.plants)) if _may_go(p, i) and found.x[i] < _SMALL))
    for x, more in () if small <= unbuilt else _without(p, found.x, small, away, held - small, tried, solver):
        turns += more
        other = certify(**whole, x=x, z=found.z, solver=found.solver, start=start, turns=turns)
        if other.gap < _EVEN and other.infeasibility < _BROKEN:
            return other
    return replace(best, seconds=time.perf_counter() - start, iterations=turns)


def _without(
    p: Programme,
    x: Array,
    small: frozenset[int],
    away: npt.NDArray[np.bool_],
    held: frozenset[int],
    tried: Sequence[tuple[frozenset[int], Array]],
    solver: str,
) -> Iterator[tuple[Array, int]]:
    """Solutions without the ``small`` plants, and the steps each took: the cheapest to come by first."""
    bare = x.copy()
    bare[np.concatenate([p.own_columns[i] for i in small])] = 0.0
    yield bare, 0
    yield from ((other, 0) for left, other in tried if small <= left)
    last = _solve_part(p, small, away, held, solver)
    if last is not None:
        yield last.x, last.iterations


def _may_go(p: Programme, i: int) -> bool:
    """Whether plant ``i`` may be left out: not one that must be there, or that charges for demand."""
    return p.plants[i].minimum == 0.0 and not p.plants[i].demand


def _little(p: Programme, i: int) -> float:
    """Capacity of the sample, in largest loads, below which plant ``i`` is guessed to be none."""
    shaves = i in p.energy and any(plant.demand for plant in p.plants)
    return _SMALL_SHAVER if shaves else _SMALL


def _closed(p: Programme, unbuilt: frozenset[int]) -> frozenset[int]:
    """Of these plants those that may be left out: a host not without all that stands inside it."""
    kept = {i for i, stores in p.inside.items() if not unbuilt.issuperset(stores)}
    return unbuilt - kept


def _heads(p: Programme, unbuilt: frozenset[int]) -> list[int]:
    """Plants to price out, in order: a store that is left out with its host is priced with it."""
    with_host = {k for i, stores in p.inside.items() if i in unbuilt for k in stores}
    return sorted(unbuilt - with_host)


def _to_cut(p: Programme, broken: npt.NDArray[np.bool_], rounds: int) -> Ints:
    """Ramp rows to take back: those broken and their neighbours in time, after some rounds all of the plant.

    What one hour may not do the next one would, so that an hour alone would only move the break along.
    """
    rows: list[Ints] = []
    for theirs in p.ramp_rows.values():
        hit = broken[theirs].reshape(2, p.hours)
        if not np.any(hit):
            continue
        near = np.any(hit, axis=0)
        for _ in range(_NEAR << rounds if rounds < _ROUNDS else 0):
            near = near | near[p.before] | _after(p, near)
        rows.append(theirs if rounds >= _ROUNDS else theirs.reshape(2, p.hours)[:, near].ravel())
    return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


def _after(p: Programme, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    moved = np.zeros_like(marked)
    moved[p.before] = marked
    return moved


def _larger(p: Programme, held: frozenset[int], z: Array) -> frozenset[int]:
    """Of plants held at their least size those that pay to be larger; ``z`` gets what others are worth."""
    found: set[int] = set()
    for i in held:
        row = p.least_row[i]
        value = float(p.cost[i] + (p.A[:, [i]].T @ z)[0])
        if row < p.equalities:
            z[row] = -value
        elif value >= -_EVEN * max(float(p.cost[i]), 1.0):
            z[row] = max(value, 0.0)
        else:
            found.add(i)
    return frozenset(found)


def _solve_part(
    p: Programme,
    unbuilt: frozenset[int],
    away: npt.NDArray[np.bool_],
    held: frozenset[int],
    solver: str,
    near: Array | None = None,
    doubtful: bool = False,
) -> Solution | None:
    """The optimum without these plants and these ramp rows; what is left out is 0 in ``x`` and ``z``.

    ``held`` are of their least size: a number, no variable, so that the rows of their hours are mere bounds.

    Raises
    ------
    ContradictionError
        Nothing was left out that is free, and there is no feasible point.
    """
    at = np.array(sorted(held), dtype=np.int64)
    size = np.array([p.plants[i].minimum / p.power_unit for i in sorted(held)])
    b = p.b - p.A[:, at] @ size if len(at) else p.b
    columns, rows = np.ones(len(p.cost), dtype=bool), ~away
    for i in unbuilt:
        columns[p.own_columns[i]] = False
        rows[p.own_rows[i]] = rows[p.least_row[i]] = rows[p.largest_row.get(i, p.least_row[i])] = False
        rows[p.ratio_row.get(i, p.least_row[i])] = False
    columns[at] = False
    for i in held:
        rows[p.least_row[i]] = rows[p.largest_row.get(i, p.least_row[i])] = False
    for i, stores in p.inside.items():
        if unbuilt.issuperset(stores):
            rows[p.tie_rows[i]] = False
    found = optimum_of_part(
        p,
        columns=columns,
        rows=rows,
        b=b[rows],
        cost=p.cost[columns],
        solver=solver,
        near=near,
        doubtful=doubtful,
        tell=not unbuilt and not np.any(away) and all(p.least_row[i] < p.equalities for i in held),
    )
    if found is None:
        return None
    x, z = np.zeros(len(p.cost)), np.zeros(len(p.b))
    x[columns], x[at], z[rows] = found.x, size, found.z
    return replace(found, x=x, z=z)


def price_out(programme: Programme, i: int, z: Array, solver: str = "hours") -> bool:
    """Whether plant ``i`` does not pay at the prices ``z``; then its own duals are written into ``z``.

    What stands inside it is offered with it. A store whose host is built is offered alone, as if anything
    could charge it: if it does not pay so, it does not pay.
    """
    p = programme
    own, rows = p.own_columns[i], p.own_rows[i]
    if i in p.inside:
        stores = p.inside[i]
        own = np.concatenate([own, *(p.own_columns[k] for k in stores)])
        more = [p.tie_rows[i], *(p.own_rows[k] for k in stores)]
        ones = [p.least_row[k] for k in stores] + [p.ratio_row[k] for k in stores if k in p.ratio_row]
        rows = np.sort(np.concatenate([rows, *more, np.array(ones, dtype=np.int64)]))
    columns = p.A[:, own]
    reduced = p.cost[own] + columns.T @ z
    value = float(reduced[0])
    if len(rows):
        unit = columns[rows][:, [0]].toarray().ravel()  # a capacity of 1, which is no longer a variable
        its_columns, its_rows = np.zeros(len(p.cost), dtype=bool), np.zeros(len(p.b), dtype=bool)
        its_columns[own[1:]] = its_rows[rows] = True
        value_of = np.zeros(len(p.cost))
        value_of[own] = reduced
        best = optimum_of_part(
            p, columns=its_columns, rows=its_rows, b=-unit, cost=value_of[its_columns], solver=solver,
            enough=-value,  # a plant that pays has no such bound: what a limit of 0 costs is exact
        )  # fmt: skip
        if best is None:
            return False
        z[rows] = best.z
        value += float(np.sum(unit * best.z))
    at_most, at_least = p.largest_row.get(i), p.least_row[i]
    none = p.plants[i].maximum == 0.0
    if value < -_EVEN * max(float(p.cost[i]), 1.0) and not none:
        z[rows] = 0.0
        return False
    if at_most == at_least:  # fixed at 0
        z[at_least] = -value
        return True
    z[at_least] = max(value, 0.0)
    if at_most is not None and none:
        z[at_most] = max(-value, 0.0)
    return True
