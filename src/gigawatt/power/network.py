"""Several sites in one programme, with lines between them and work that moves from one to another.

Each site is a block of its own, written as for one place; a link adds, for each hour, one flow that leaves
the balance of one site and enters that of the other. Moving work is a link without losses whose limit is a
share of the load it comes from: the joule is drawn elsewhere.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.formulation import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY
from gigawatt.power.problem import Problem
from gigawatt.power.programme import Programme
from gigawatt.power.recover import recover
from gigawatt.power.refuse import NOTICED, lacking_share, shortage_notice
from gigawatt.power.result import SupplyPlan, books
from gigawatt.power.solve import solve
from gigawatt.power.words import grams, money

__all__ = ["Link", "NetworkPlan", "plan_network"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Link:
    """What may flow from ``source`` to ``sink``, and back where ``both_ways``.

    ``capital`` : $ per W and year of capacity; ``minimum``, ``maximum`` : W (equal values fix it).
    ``efficiency`` : share that arrives. ``cost`` : $/J sent.
    ``load_share`` : for work that moves, the flow is the load of ``sink`` drawn at ``source``; it is at most
    this share of the sink's load in each hour. ``None`` for a line.
    """

    id: str
    source: str
    sink: str
    capital: float = 0.0
    minimum: float = 0.0
    maximum: float = math.inf
    efficiency: float = 1.0
    cost: float = 0.0
    both_ways: bool = True
    load_share: float | None = None

    def __post_init__(self) -> None:
        share = 0.0 if self.load_share is None else self.load_share
        checks = (
            ("capital", self.capital, "$ per W and year, not negative", self.capital >= 0.0),
            ("minimum", self.minimum, "W, not negative", self.minimum >= 0.0),
            ("maximum", self.maximum, "W, at least the minimum", self.maximum >= self.minimum),
            ("efficiency", self.efficiency, "above 0, at most 1", 0.0 < self.efficiency <= 1.0),
            ("cost", self.cost, "$/J, not negative", 0.0 <= self.cost < math.inf),
            ("load_share", share, "a share, 0 to 1", 0.0 <= share <= 1.0),
        )
        for key, value, allowed, fits in checks:
            if not fits:
                raise InputError(
                    "not a sensible value", key=f"{self.id}.{key}", given=f"{value:g}", allowed=allowed
                )


@dataclass(frozen=True)
class NetworkPlan:
    """Plans by site, with what flows between them.

    ``capacity`` : W by link; ``flow``, ``back`` : (H,) W sent from source to sink and back, by link.
    ``link_cost`` : $ by link; ``objective`` : $ of everything. ``carbon_shadow_price`` : $/kg of the common
    limit. In each site ``dispatch.sum(1) − charge.sum(1) + not_served == drawn + sent − arrived``.
    """

    sites: Mapping[str, SupplyPlan]
    capacity: Mapping[str, float]
    flow: Mapping[str, Array] = field(repr=False)
    back: Mapping[str, Array] = field(repr=False)
    link_cost: Mapping[str, float]
    objective: float
    carbon_shadow_price: float
    gap: float
    infeasibility: float
    solver: str
    seconds: float
    binding: tuple[str, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Columns:
    size: int
    there: int
    back: int | None
    cap_row: int


def plan_network(
    *,
    sites: Mapping[str, Problem],
    links: Sequence[Link],
    carbon_limit: float | None = None,
    solver: str = "clarabel",
) -> NetworkPlan:
    """The cheapest plants at all sites and lines between them.

    Parameters
    ----------
    sites : mapping
        What is asked at each place; loads of equal length, the same years, no carbon limit or limit of energy
        not served of their own.
    links : sequence of Link
        Lines, and work that may move.
    carbon_limit : float, optional
        Largest mean operational carbon of the energy served at all sites together, kg/J.
    solver : str
        ``clarabel`` or ``highs``.

    Returns
    -------
    NetworkPlan

    Raises
    ------
    InputError
        An unknown site, a double id, series of different length, limits at one site.
    GigawattError
        The programme has no optimum.

    References
    ----------
    Hörsch et al. (2018), PyPSA: the transport model of a controllable link.
    """
    start = time.perf_counter()
    _check(sites, links)
    unit = max(float(np.max(problem.watts)) for problem in sites.values())
    parts = {name: problem.programme(power_unit=unit) for name, problem in sites.items()}
    A, b, cost, equalities, places, columns, carbon_row = _join(parts, links, carbon_limit)
    found = solve(A=A, b=b, cost=cost, equalities=equalities, solver=solver)
    hours = next(iter(parts.values())).hours
    any_site = next(iter(sites.values()))
    weight = any_site.hours_of_year / hours
    scale = MONEY_PER_ENERGY * HOUR * unit * weight
    flow: dict[str, Array] = {}
    back: dict[str, Array] = {}
    drawn = {name: np.zeros(hours) for name in sites}
    for link in links:
        at = columns[link.id]
        there = np.maximum(found.x[at.there : at.there + hours], 0.0) * unit
        home = np.zeros(hours)
        if at.back is not None:
            home = np.maximum(found.x[at.back : at.back + hours], 0.0) * unit
        flow[link.id], back[link.id] = there, home
        drawn[link.source] += there - link.efficiency * home
        drawn[link.sink] += home - link.efficiency * there
    plans: dict[str, SupplyPlan] = {}
    notices = list(found.notices)
    carbon_price = 0.0 if carbon_row is None else float(found.z[carbon_row])
    for name, (first, rows) in places.items():
        p, problem = parts[name], sites[name]
        x, z = found.x[first : first + len(p.cost)], found.z[rows]
        mine = recover(p, x, z, drawn=drawn[name])
        objective = float(p.cost @ x)
        solution = replace(found, x=x, z=z, objective=objective, bound=-np.inf, notices=())
        told: list[str] = []
        if lacking_share(p, mine) > NOTICED:
            told.append(shortage_notice(p, mine, weight, problem.not_served_price, ""))
        plans[name] = books(
            problem=problem, programme=p, solution=solution, found=mine, notices=told, start=start
        )
        notices.extend(f"{name}: {text}" for text in told)
    capacity = {link.id: max(float(found.x[columns[link.id].size]), 0.0) * unit for link in links}
    paid: dict[str, float] = {}
    w = next(iter(parts.values())).weight
    for link in links:
        sent = float(w @ (flow[link.id] + back[link.id])) * HOUR * weight
        paid[link.id] = capacity[link.id] * link.capital * any_site.hours_of_year / HOURS_PER_YEAR
        paid[link.id] += sent * link.cost
    return NetworkPlan(
        sites=plans,
        capacity=capacity,
        flow=flow,
        back=back,
        link_cost=paid,
        objective=sum(one.objective for one in plans.values()) + sum(paid.values()),
        carbon_shadow_price=carbon_price * MONEY_PER_ENERGY / CARBON_PER_ENERGY,
        gap=found.gap,
        infeasibility=found.infeasibility,
        solver=found.solver,
        seconds=time.perf_counter() - start,
        binding=_words(
            links, columns, found.z, scale, unit, found.objective, carbon_limit, carbon_price, hours, weight
        ),
        notices=tuple(notices),
    )


def _check(sites: Mapping[str, Problem], links: Sequence[Link]) -> None:
    if not sites:
        raise InputError("no site", key="sites", allowed="at least one")
    first_name, first = next(iter(sites.items()))
    for name, problem in sites.items():
        if len(problem.watts) != len(first.watts) or problem.years != first.years:
            raise InputError(
                "the sites do not have the same hours",
                key=f"sites.{name}",
                given=f"{len(problem.watts):,} hours in {problem.years} years",
                allowed=f"those of {first_name}: {len(first.watts):,} in {first.years}",
            )
        same = (problem.hours, problem.year_weights) == (first.hours, first.year_weights)
        if problem.carbon_limit is not None or problem.not_served_limit is not None or not same:
            raise InputError(
                "limits and weights are of all sites together",
                key=f"sites.{name}",
                allowed="carbon_limit of the network, not of a site; the same hours and year_weights",
            )
    seen: set[str] = set()
    for link in links:
        if link.id in seen:
            raise InputError("two links have the same id", key="links", given=link.id)
        seen.add(link.id)
        for end in (link.source, link.sink):
            if end not in sites:
                raise InputError(
                    "a link ends nowhere",
                    key=f"links.{link.id}",
                    given=end,
                    allowed=sorted(sites),
                    nearest=nearest(end, sites),
                )
        if link.source == link.sink:
            raise InputError("a link joins a site to itself", key=f"links.{link.id}", given=link.sink)


def _join(
    parts: Mapping[str, Programme], links: Sequence[Link], carbon_limit: float | None
) -> tuple[Any, Array, Array, int, dict[str, tuple[int, Ints]], dict[str, _Columns], int | None]:
    """(A, b, cost, equalities, {site: (first column, its rows)}, {link: columns}, carbon row)."""
    sparse: Any = import_module("scipy.sparse")
    programmes = list(parts.values())
    hours, unit, w = programmes[0].hours, programmes[0].power_unit, programmes[0].weight
    inside = sparse.block_diag([p.A for p in programmes], format="csr")
    b = np.concatenate([p.b for p in programmes])
    is_equal = np.concatenate([np.arange(len(p.b)) < p.equalities for p in programmes])
    cost = [p.cost for p in programmes]
    first_column = np.cumsum([0, *(len(p.cost) for p in programmes)])
    first_row = np.cumsum([0, *(len(p.b) for p in programmes)])
    index = {name: k for k, name in enumerate(parts)}
    h, count = np.arange(hours), int(first_column[-1])
    rows: list[npt.NDArray[np.int64]] = []
    places: list[npt.NDArray[np.int64]] = []
    values: list[Array] = []
    right: list[Array] = []
    added = 0
    columns: dict[str, _Columns] = {}
    total = len(b)

    def put(where: npt.ArrayLike, column: npt.ArrayLike, value: float | Array) -> None:
        spots = np.atleast_1d(np.asarray(where))
        rows.append(spots)
        places.append(np.broadcast_to(np.asarray(column), spots.shape))
        values.append(np.broadcast_to(np.asarray(value, dtype=float), spots.shape))

    for link in links:
        size, there = count, count + 1
        back = count + 1 + hours if link.both_ways and link.load_share is None else None
        count += 1 + hours * (1 if back is None else 2)
        at = [there] if back is None else [there, back]
        price = [link.capital * hours / HOURS_PER_YEAR / (HOUR * MONEY_PER_ENERGY)]
        cost.append(np.concatenate([price, *(link.cost / MONEY_PER_ENERGY * w for _ in at)]))
        ends = (link.source, link.sink)
        for first, (giver, taker) in zip(at, (ends, ends[::-1]), strict=False):
            for name, sign in ((giver, 1.0), (taker, -link.efficiency)):
                p, base = parts[name], first_row[index[name]]
                put(base + p.balance_row + h, first + h, sign)
                if p.surplus_row is not None:
                    put(base + p.surplus_row + h, first + h, -sign)
            put(total + added + h, first + h, -1.0)
            right.append(np.zeros(hours))
            added += hours
        cap_row = total + added
        for first in at:
            put(total + added + h, first + h, 1.0)
        put(total + added + h, size, -1.0)
        right.append(np.zeros(hours))
        added += hours
        if link.load_share is not None:
            put(total + added + h, there + h, 1.0)
            right.append(link.load_share * parts[link.sink].load / unit)
            added += hours
        put(total + added, size, -1.0)
        right.append(np.array([-link.minimum / unit]))
        added += 1
        if np.isfinite(link.maximum):
            put(total + added, size, 1.0)
            right.append(np.array([link.maximum / unit]))
            added += 1
        columns[link.id] = _Columns(size, there, back, cap_row)
    carbon_row = None
    if carbon_limit is not None:
        limit, served = carbon_limit / CARBON_PER_ENERGY, 0.0
        for k, p in enumerate(programmes):
            weights = p.carbon.copy()
            for first in p.output.values():
                weights[first + h] *= w
            for first in (p.shed, p.cut):
                if first is not None:
                    weights[first + h] = limit * w
            used = np.flatnonzero(weights)
            put(np.full(len(used), total + added), first_column[k] + used, weights[used])
            served += limit * float(np.sum(w * p.load)) / unit
        carbon_row = total + added
        right.append(np.array([served]))
        added += 1
    shape = (total + added, count)
    whole = sparse.vstack([inside, sparse.csc_matrix((added, inside.shape[1]))]).tocoo()
    A = sparse.coo_matrix(
        (
            np.concatenate([whole.data, *values]),
            (np.concatenate([whole.row, *rows]), np.concatenate([whole.col, *places])),
        ),
        shape=shape,
    ).tocsr()
    b = np.concatenate([b, *right])
    is_equal = np.concatenate([is_equal, np.zeros(added, dtype=bool)])
    order = np.concatenate([np.flatnonzero(is_equal), np.flatnonzero(~is_equal)])
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    where = {name: (int(first_column[k]), new[first_row[k] : first_row[k + 1]]) for name, k in index.items()}
    columns = {name: replace(c, cap_row=int(new[c.cap_row])) for name, c in columns.items()}
    moved = None if carbon_row is None else int(new[carbon_row])
    matrix = sparse.csc_matrix(A[order])
    return matrix, b[order], np.concatenate(cost), int(np.sum(is_equal)), where, columns, moved


def _words(
    links: Sequence[Link],
    columns: Mapping[str, _Columns],
    z: Array,
    scale: float,
    unit: float,
    bill: float,
    carbon_limit: float | None,
    carbon_price: float,
    hours: int,
    weight: float,
) -> tuple[str, ...]:
    found: list[tuple[float, str]] = []
    for link in links:
        rows = slice(columns[link.id].cap_row, columns[link.id].cap_row + hours)
        rent = float(np.sum(z[rows])) * scale / unit
        net = rent - link.capital * hours * weight / HOURS_PER_YEAR
        if np.isfinite(link.maximum) and net * max(link.maximum, unit) > 1e-5 * abs(bill) * scale:
            full = int(np.sum(z[rows] > NOTICED * float(np.max(z[rows]))))
            found.append(
                (
                    net * link.maximum,
                    f"the {compact(link.maximum, 'W')} limit of {link.id} binds in {full:,} of {hours:,} h: "
                    f"one more MW would save {money(net * 1e6)} per year",
                )
            )
    if carbon_limit is not None and carbon_price * carbon_limit / CARBON_PER_ENERGY > 1e-6:
        per_tonne = carbon_price * MONEY_PER_ENERGY / CARBON_PER_ENERGY * 1e3
        found.append(
            (math.inf, f"the carbon limit of {grams(carbon_limit)} binds at ${per_tonne:,.4g} per tonne")
        )
    return tuple(text for _, text in sorted(found, key=lambda pair: -pair[0]))
