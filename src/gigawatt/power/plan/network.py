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

from gigawatt.core.checks import check_rules
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.formulation import CARBON_PER_ENERGY, HOUR, MONEY_PER_ENERGY
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.recover import recover
from gigawatt.power.plan.refuse import NOTICED, lacking_share, shortage_notice
from gigawatt.power.plan.result import SupplyPlan, books
from gigawatt.power.plan.words import grams, money
from gigawatt.power.solve import Solution, solve

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
        rules = (
            ("capital", self.capital, "$ per W and year, not negative", self.capital >= 0.0),
            ("minimum", self.minimum, "W, not negative", self.minimum >= 0.0),
            ("maximum", self.maximum, "W, at least the minimum", self.maximum >= self.minimum),
            ("efficiency", self.efficiency, "above 0, at most 1", 0.0 < self.efficiency <= 1.0),
            ("cost", self.cost, "$/J, not negative", 0.0 <= self.cost < math.inf),
            ("load_share", share, "a share, 0 to 1", 0.0 <= share <= 1.0),
        )
        check_rules(rules, self.id)


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
    joined = _join(parts, links, carbon_limit)
    found = solve(A=joined.A, b=joined.b, cost=joined.cost, equalities=joined.equalities, solver=solver)
    hours = next(iter(parts.values())).hours
    of_year = next(iter(sites.values())).hours_of_year
    weight = of_year / hours
    flow, back, drawn = _flows(sites, links, joined.columns, found.x, hours, unit)
    plans: dict[str, SupplyPlan] = {}
    notices = list(found.notices)
    for name, (first, rows) in joined.places.items():
        x, z = found.x[first : first + len(parts[name].cost)], found.z[rows]
        part = replace(found, x=x, z=z, objective=float(parts[name].cost @ x), bound=-np.inf, notices=())
        plans[name], of_site = _site_plan(sites[name], parts[name], part, drawn[name], weight, start)
        notices.extend(f"{name}: {text}" for text in of_site)
    capacity = {link.id: max(float(found.x[joined.columns[link.id].size]), 0.0) * unit for link in links}
    paid: dict[str, float] = {}
    w = next(iter(parts.values())).weight
    for link in links:
        sent = float(w @ (flow[link.id] + back[link.id])) * HOUR * weight
        paid[link.id] = capacity[link.id] * link.capital * of_year / HOURS_PER_YEAR
        paid[link.id] += sent * link.cost
    carbon_price = 0.0 if joined.carbon_row is None else float(found.z[joined.carbon_row])
    scale = MONEY_PER_ENERGY * HOUR * unit * weight
    words = _limits_of_links(links, joined.columns, found, scale, unit, hours, weight)
    if carbon_limit is not None and carbon_price * carbon_limit / CARBON_PER_ENERGY > 1e-6:
        per_tonne = carbon_price * MONEY_PER_ENERGY / CARBON_PER_ENERGY * 1e3
        words.insert(0, f"the carbon limit of {grams(carbon_limit)} binds at ${per_tonne:,.4g} per tonne")
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
        binding=tuple(words),
        notices=tuple(notices),
    )


def _flows(
    sites: Mapping[str, Problem],
    links: Sequence[Link],
    columns: Mapping[str, _Columns],
    x: Array,
    hours: int,
    unit: float,
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """(W from source to sink, W back, both by link; W that links take away, by site)."""
    flow: dict[str, Array] = {}
    back: dict[str, Array] = {}
    drawn = {name: np.zeros(hours) for name in sites}
    for link in links:
        at = columns[link.id]
        there = np.maximum(x[at.there : at.there + hours], 0.0) * unit
        home = np.zeros(hours)
        if at.back is not None:
            home = np.maximum(x[at.back : at.back + hours], 0.0) * unit
        flow[link.id], back[link.id] = there, home
        drawn[link.source] += there - link.efficiency * home
        drawn[link.sink] += home - link.efficiency * there
    return flow, back, drawn


def _site_plan(
    problem: Problem, programme: Programme, solution: Solution, drawn: Array, weight: float, start: float
) -> tuple[SupplyPlan, list[str]]:
    """The plan of one site, and its notices."""
    found = recover(programme, solution.x, solution.z, drawn=drawn)
    notices: list[str] = []
    if lacking_share(programme, found) > NOTICED:
        notices.append(shortage_notice(programme, found, weight, problem.not_served_price, ""))
    plan = books(
        problem=problem, programme=programme, solution=solution, found=found, notices=notices, start=start
    )
    return plan, notices


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


@dataclass(frozen=True)
class _Joined:
    """One programme of all sites: ``places`` (first column, rows) by site, ``columns`` by link."""

    A: Any
    b: Array
    cost: Array
    equalities: int
    places: dict[str, tuple[int, Ints]]
    columns: dict[str, _Columns]
    carbon_row: int | None


class _Rows:
    """Rows ``≤`` that are added below those of the sites, the first of them number ``first``."""

    def __init__(self, first: int) -> None:
        self.first, self.count = first, 0
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.values: list[Array] = []
        self.right: list[Array] = []

    def put(self, rows: npt.ArrayLike, column: npt.ArrayLike, value: float | Array) -> None:
        """Entries in rows that are there or will be added."""
        spots = np.atleast_1d(np.asarray(rows))
        self.rows.append(spots)
        self.columns.append(np.broadcast_to(np.asarray(column), spots.shape))
        self.values.append(np.broadcast_to(np.asarray(value, dtype=float), spots.shape))

    def add(self, right: Array, *terms: tuple[npt.ArrayLike, float]) -> int:
        """The first of ``len(right)`` new rows; a term is (columns, value)."""
        first = self.first + self.count
        for column, value in terms:
            self.put(first + np.arange(len(right)), column, value)
        self.right.append(right)
        self.count += len(right)
        return first

    def below(self, inside: Any, columns: int) -> Any:
        """The matrix of ``inside`` with these rows below it."""
        sparse: Any = import_module("scipy.sparse")
        above = sparse.vstack([inside, sparse.csc_matrix((self.count, inside.shape[1]))]).tocoo()
        entries = (
            np.concatenate([above.data, *self.values]),
            (np.concatenate([above.row, *self.rows]), np.concatenate([above.col, *self.columns])),
        )
        return sparse.coo_matrix(entries, shape=(self.first + self.count, columns)).tocsr()


def _join(parts: Mapping[str, Programme], links: Sequence[Link], carbon_limit: float | None) -> _Joined:
    sparse: Any = import_module("scipy.sparse")
    programmes = list(parts.values())
    first_column = np.cumsum([0, *(len(p.cost) for p in programmes)])
    first_row = np.cumsum([0, *(len(p.b) for p in programmes)])
    row_of = {name: int(first_row[k]) for k, name in enumerate(parts)}
    count = int(first_column[-1])
    cost = [p.cost for p in programmes]
    rows = _Rows(int(first_row[-1]))
    columns: dict[str, _Columns] = {}
    for link in links:
        columns[link.id], paid = _add_link(rows, link, parts, row_of, count)
        count += len(paid)
        cost.append(paid)
    carbon_row = None
    if carbon_limit is not None:
        carbon_row = _limit_carbon(rows, programmes, first_column, carbon_limit / CARBON_PER_ENERGY)
    A = rows.below(sparse.block_diag([p.A for p in programmes], format="csr"), count)
    b = np.concatenate([*(p.b for p in programmes), *rows.right])
    is_equal = [np.arange(len(p.b)) < p.equalities for p in programmes]
    equal = np.concatenate([*is_equal, np.zeros(rows.count, dtype=bool)])
    order = np.concatenate([np.flatnonzero(equal), np.flatnonzero(~equal)])  # equalities come first
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    return _Joined(
        A=sparse.csc_matrix(A[order]),
        b=b[order],
        cost=np.concatenate(cost),
        equalities=int(np.sum(equal)),
        places={
            name: (int(first_column[k]), new[first_row[k] : first_row[k + 1]]) for k, name in enumerate(parts)
        },
        columns={name: replace(c, cap_row=int(new[c.cap_row])) for name, c in columns.items()},
        carbon_row=None if carbon_row is None else int(new[carbon_row]),
    )


def _add_link(
    rows: _Rows, link: Link, parts: Mapping[str, Programme], row_of: Mapping[str, int], count: int
) -> tuple[_Columns, Array]:
    """A link's columns from ``count`` on (size, hours there, hours back) and what they cost."""
    any_site = next(iter(parts.values()))
    hours, unit = any_site.hours, any_site.power_unit
    h, none = np.arange(hours), np.zeros(hours)
    size, there = count, count + 1
    back = count + 1 + hours if link.both_ways and link.load_share is None else None
    at = [there] if back is None else [there, back]
    price = [link.capital * hours / HOURS_PER_YEAR / (HOUR * MONEY_PER_ENERGY)]
    ends = (link.source, link.sink)
    for first, (giver, taker) in zip(at, (ends, ends[::-1]), strict=False):
        for name, sign in ((giver, 1.0), (taker, -link.efficiency)):
            p = parts[name]
            rows.put(row_of[name] + p.balance_row + h, first + h, sign)
            if p.surplus_row is not None:
                rows.put(row_of[name] + p.surplus_row + h, first + h, -sign)
        rows.add(none, (first + h, -1.0))
    cap_row = rows.add(none, *((first + h, 1.0) for first in at), (size, -1.0))
    if link.load_share is not None:
        rows.add(link.load_share * parts[link.sink].load / unit, (there + h, 1.0))
    rows.add(np.array([-link.minimum / unit]), (size, -1.0))
    if np.isfinite(link.maximum):
        rows.add(np.array([link.maximum / unit]), (size, 1.0))
    running = (link.cost / MONEY_PER_ENERGY * any_site.weight for _ in at)
    return _Columns(size, there, back, cap_row), np.concatenate([price, *running])


def _limit_carbon(rows: _Rows, programmes: Sequence[Programme], first_column: Ints, limit: float) -> int:
    """The row of the mean carbon of what is served at all sites together."""
    w, served = programmes[0].weight, 0.0
    h = np.arange(programmes[0].hours)
    number = rows.first + rows.count
    for k, p in enumerate(programmes):
        weights = p.carbon.copy()
        for first in p.output.values():
            weights[first + h] *= w
        for first in (p.shed, *p.cuts):
            weights[first + h] = limit * w
        used = np.flatnonzero(weights)
        rows.put(np.full(len(used), number), first_column[k] + used, weights[used])
        served += limit * float(np.sum(w * p.load)) / p.power_unit
    return rows.add(np.array([served]))


def _limits_of_links(
    links: Sequence[Link],
    columns: Mapping[str, _Columns],
    found: Solution,
    scale: float,
    unit: float,
    hours: int,
    weight: float,
) -> list[str]:
    """Links whose largest size binds, the dearest first."""
    saved: list[tuple[float, str]] = []
    for link in links:
        first = columns[link.id].cap_row
        shadow = found.z[first : first + hours]
        rent = float(np.sum(shadow)) * scale / unit
        net = rent - link.capital * hours * weight / HOURS_PER_YEAR
        if np.isfinite(link.maximum) and net * max(link.maximum, unit) > 1e-5 * abs(found.objective) * scale:
            full = int(np.sum(shadow > NOTICED * float(np.max(shadow))))
            saved.append(
                (
                    net * link.maximum,
                    f"the {compact(link.maximum, 'W')} limit of {link.id} binds in {full:,} of {hours:,} h: "
                    f"a further MW would save {money(net * 1e6)} per year",
                )
            )
    return [text for _, text in sorted(saved, key=lambda pair: -pair[0])]
