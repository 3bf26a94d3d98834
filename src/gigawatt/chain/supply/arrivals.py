"""What can be there in the year: plants that are ordered on a date, by their lead times.

One rule for the plan of a year, `run` and `plan-pathway`: a plant is offered where it is there at the start
of the year with a probability (:class:`gigawatt.power.dates.Arrival`). A question of this year or an earlier
one asks what to order: its plants are ordered in it, and the answer says when each gives power.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gigawatt import catalog
from gigawatt.chain.filler import Filler
from gigawatt.chain.supply.allowed import (
    ALLOW,
    barred_words,
    least_sizes,
    names_plants,
    not_allowed,
    refuse_barred,
    resource_limits,
    small_words,
)
from gigawatt.chain.supply.candidates import plant_id
from gigawatt.chain.supply.orders import ANY, ORDERED, Orders, order_date, orders_of
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import parse, show
from gigawatt.facility import country_of
from gigawatt.facility.countries import Law
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import Grid, SupplyPlan
from gigawatt.power.dates import Arrival, check_ordered, date_words, row_range, waits_in_queue

__all__ = ["Arrivals", "arrival_of", "fill_arrivals", "lead_time_notices"]

READY, PLANTS, LIMITS = "supply.ready", "supply.plants", "supply.limits"
DATES = "supply.dates"
_ROUNDING = 1e-9
_WEATHER = ("storage", "profile")


@dataclass(frozen=True)
class _Connection:
    """When a connection of loads up to ``most`` [W] is there, and whether that is in time."""

    most: float
    arrival: Arrival
    offered: bool


@dataclass(frozen=True)
class Arrivals:
    """When plants are there: ``by`` their id, of what may be there in every year nothing.

    ``dated``: whether only what is there at the start of the year is offered; else all are ordered in the
    year of the question; ``now``: what had to be ordered before it has passed.
    ``left_out`` are those that are not there, as sentences. Until the load is known (:meth:`at`)
    ``connections`` are those of loads of every size, smallest first, and ``bridges`` what there is where none
    of them is there nor anything else; ``named``: the question names its plants. ``least``: the smallest [W]
    of plants that it does not name; ``gone`` are those that a load of this size does not get.
    """

    dated: bool
    by: Mapping[str, Arrival]
    now: float
    left_out: tuple[str, ...] = ()
    connections: tuple[_Connection, ...] = ()
    bridges: Mapping[str, Arrival] = field(default_factory=lambda: {})
    named: bool = False
    least: Mapping[str, float] = field(default_factory=lambda: {})
    gone: frozenset[str] = frozenset()

    def at(self, peak: float, year: int) -> Arrivals:
        """Those of a load with this peak [W] in the year of the question.

        Raises
        ------
        InfeasibleError
            The question names a connection that is not there for a load of this size.
        """
        one = next((found for found in self.connections if peak <= found.most), None)
        bridged = one is not None and not one.offered
        small = {
            name: size
            for name, size in self.least.items()
            if size > peak and (bridged or name not in self.bridges)
        }
        no_bridges = _bridge_words({name: self.by[name] for name in small if name in self.by}, year)
        left_out = (text for text in self.left_out if text not in no_bridges)
        known = replace(
            self, connections=(), gone=frozenset(small), left_out=(*left_out, *small_words(small, peak))
        )
        if one is None:
            return known
        arrival = one.arrival
        by = {**self.by, arrival.id: arrival}
        if one.offered:
            return replace(known, by=by, bridges={})
        if self.named:
            raise _not_there({arrival.id: arrival}, year)
        bridges = {name: bridge for name, bridge in self.bridges.items() if name not in small}
        told = _late_words([arrival]) + _bridge_words(bridges, year)
        return replace(
            known, by={**by, **bridges}, bridges=bridges, left_out=(*known.left_out, *told),
            gone=known.gone | {arrival.id},
        )  # fmt: skip

    def offered(self, names: Sequence[str]) -> tuple[str, ...]:
        """The plants that may be built, of those that may be at some size of the load."""
        return (
            *(name for name in names if name not in self.gone),
            *(() if self.connections else self.bridges),
        )

    def words(self, name: str, year: int) -> str | None:
        """When a plant gives power and by when to order it, as a sentence; ``None``: it stands."""
        one = self.by.get(name)
        years = 0.0 if one is None else one.lead[0] / SECONDS_PER_YEAR
        if one is None or not years > 0.0:
            return None
        lead, before = f"{one.name}: lead time {years:.1f} years", year - years
        if not self.dated:
            return f"{lead}; ordered at the start of {year} it gives power from {one.words}"
        if self.order_by(name, year) is None:
            there = f", there at the start of {year} with {100.0 * one.chance(year):.0f} %"
            return f"{lead}; ordered {date_words(one.ordered)} it gives power from {one.words}{there}"
        return f"{lead}; for power at the start of {year}, order by {date_words(before)}"

    def begun(self, name: str, year: int) -> tuple[float, float]:
        """Decimal years in which a plant of a question of ``year`` is begun and in service, in the median.

        Without a date of its own it is begun its lead time before, in a question of this year or a later one
        not before now.
        """
        one, later = self.by.get(name), year >= math.floor(self.now)
        if one is None:
            begun = year - (catalog.entity("plants", name).get("lead_time") or 0.0) / SECONDS_PER_YEAR
            return max(begun, self.now) if later else begun, float(year)
        begun = max(one.ordered, self.now) if later and not self.dated else one.ordered
        return begun, max(float(year), begun + one.lead[0] / SECONDS_PER_YEAR)

    def order_by(self, name: str, year: int) -> float | None:
        """Decimal year by which a plant has to be ordered for power at the start of ``year``.

        ``None`` where that has passed, or is the past of the question, or the plant stands.
        """
        one = self.by.get(name)
        if one is None or not self.dated:
            return None
        before = year - one.lead[0] / SECONDS_PER_YEAR
        return before if before >= max(one.ordered, self.now) - _ROUNDING else None


def arrival_of(
    name: str, ordered: float, grid: Grid, *, nonfirm: bool = False, peak: float = math.inf
) -> Arrival:
    """When a plant that is ordered on a date is there; a grid connection by the queue of its grid, earlier
    where it may be cut (``nonfirm``) or the ``peak`` [W] of the load is small.

    A kind of plant that is not on sale yet is ordered when the first of it gives power (``orderable``).
    """
    row = catalog.entity("plants", name)
    ordered = max(ordered, row.get("orderable") or ordered)
    if waits_in_queue(name):
        lead = grid.connection_lead(nonfirm=nonfirm, peak=peak)
    else:
        lead = row_range(name) if "lead_time" in row.numbers else (0.0, 0.0, 0.0)
    return Arrival(row.id, row.text("name", row.id), ordered, lead)


def lead_time_notices(optimum: SupplyPlan, year: int, arrivals: Arrivals) -> list[str]:
    """Plants of the plan that are not yet there at the start of the year, and those that were left out."""
    late = list(arrivals.left_out)
    worth = float(np.max(optimum.load)) * 1e-3  # below a thousandth of the load it is the solver's dust
    for plant in optimum.plants:
        one = arrivals.by.get(plant.id)
        if one is None or optimum.capacity[plant.id] <= worth or one.ready() <= year:
            continue
        years, size = one.lead[0] / SECONDS_PER_YEAR, show(optimum.capacity[plant.id], "MW")
        if arrivals.dated:
            late.append(
                f"{plant.name}: {size} ordered {date_words(one.ordered)} gives power from {one.words}, there "
                f"at the start of {year} with {100.0 * one.chance(year):.0f} %"
            )
        elif years >= 1.0:
            late.append(
                f"{plant.name}: {size} ordered in {year} gives power from about {one.ready():.0f} "
                f"(lead time {years:.1f} years)"
            )
    return late


def _usual(name: str) -> float:
    return parse(catalog.entity("defaults", name).text("text"), "1")


def fill_arrivals(fill: Filler) -> None:
    """When each plant is there, and how small; takes out of the plants that may be built what is not there.

    Needs year, grid and plants. A plant that the question names, by itself or by a limit, may be ordered
    already: it is refused where it is there with less than the probability of ``supply.ready_named``, but a
    connection, which may stand; of others only what is there with that of ``supply.ready`` is offered. Where
    nothing is, bridges are.

    Raises
    ------
    InputError
        Orders that cannot be read.
    InfeasibleError
        A plant that the question names cannot be there, or none can: names the year from which it is.
    """
    _fill_dates(fill)
    supply, names = fill.loaded.scenario.supply, fill.leaves[PLANTS].value
    if not names_plants(supply.plants) and supply.price is None:
        asked = {
            *(fill.ask(LIMITS, lambda n=name: plant_id(LIMITS, n)) for name in supply.limits),
            *(fill.ask(ALLOW, lambda n=name: plant_id(ALLOW, n)) for name in supply.allow or ()),
        }
        leaf = fill.leaves[DATES]
        least = least_sizes(name for name in (*names, *leaf.value.bridges) if name not in asked)
        if _give_power([name for name in names if name not in least]):
            fill.leaves[DATES] = replace(leaf, value=replace(leaf.value, least=least))


def _fill_dates(fill: Filler) -> None:
    supply, year = fill.loaded.scenario.supply, fill.loaded.scenario.year
    written, grid = supply.ordered, fill.leaves["supply.grid"].value
    early = bool(supply.grid.nonfirm)
    orders = fill.ask(ORDERED, lambda: orders_of(written))
    if written is not None:
        fill.ask(ORDERED, lambda: check_ordered((orders.all, *orders.each.values()), year))
    told = _leave_barred(fill)
    _limit_resources(fill)
    names: tuple[str, ...] = fill.leaves[PLANTS].value
    dated = written is not None or (orders.all is not None and year > math.floor(orders.all))
    if not dated:
        orders = Orders(float(year))
    found = {
        name: arrival_of(name, when, grid, nonfirm=early)
        for name in names
        for when in [orders.of(name)]
        if when is not None
    }
    now = order_date(catalog.entity("defaults", ORDERED).text("text")) or 0.0
    named = names_plants(supply.plants)
    arrivals = Arrivals(dated, found, now, told, _connections(found, grid, early), named=named)
    fill.written(DATES, ORDERED, arrivals)
    if supply.price is not None:
        return
    if not dated:
        unsold = {name: one for name, one in found.items() if one.ordered > year}
        if unsold:
            _offer(fill, arrivals, names, unsold)
        return
    if written is None:
        fill.listed(ORDERED)
    limited = {fill.ask(LIMITS, lambda n=name: plant_id(LIMITS, n)) for name in supply.limits}
    late: dict[str, Arrival] = {}
    for name, one in found.items():
        known = named or name in limited
        if known and written is None and supply.ready is None and waits_in_queue(name):
            continue  # where a question names the grid, the site may be connected: a notice says since when
        needed = supply.ready if supply.ready is not None else _usual(f"{READY}_named" if known else READY)
        if waits_in_queue(name):
            arrivals = _in_time(arrivals, needed, year)
            if any(size.offered for size in arrivals.connections):
                continue
        if one.ready(needed) > year + _ROUNDING:
            late[name] = one
    if any(size.offered for size in arrivals.connections):
        arrivals = _with_bridges(fill, arrivals, [name for name in names if name not in late])
    else:
        arrivals = replace(arrivals, connections=())
    fill.leaves[DATES] = replace(fill.leaves[DATES], value=arrivals)
    if late:
        _offer(fill, arrivals, names, late)


def _connections(found: Mapping[str, Arrival], grid: Grid, early: bool) -> tuple[_Connection, ...]:
    """Those of every size of load, all offered."""
    waiting = next((one for name, one in found.items() if waits_in_queue(name)), None)
    if waiting is None:
        return ()
    return tuple(
        _Connection(most, replace(waiting, lead=grid.connection_lead(nonfirm=early, peak=most)), True)
        for most in (*(most for most, _ in grid.smaller_times), math.inf)
    )


def _in_time(arrivals: Arrivals, needed: float, year: int) -> Arrivals:
    """Connections offered where they are there as the year begins with this probability."""
    return replace(
        arrivals,
        connections=tuple(
            replace(one, offered=one.arrival.ready(needed) <= year + _ROUNDING)
            for one in arrivals.connections
        ),
    )


def _with_bridges(fill: Filler, arrivals: Arrivals, names: Sequence[str]) -> Arrivals:
    """With what there is where the load is too large for a connection in time, beside sun and wind alone."""
    late = [one.arrival for one in arrivals.connections if not one.offered]
    others = [name for name in names if not waits_in_queue(name)]
    if not late or arrivals.named or _at_any_hour(others):
        return arrivals
    found = _bridging(fill, {late[0].id: late[0]}, fill.loaded.scenario.year, alone=not _give_power(others))
    return replace(arrivals, bridges=found)


def _give_power(names: Collection[str]) -> bool:
    return any(catalog.entity("plants", name).text("kind") != "storage" for name in names)


def _at_any_hour(names: Collection[str]) -> bool:
    """Whether one of the plants gives power whatever the weather."""
    return any(catalog.entity("plants", name).text("kind") not in _WEATHER for name in names)


def _leave_barred(fill: Filler) -> tuple[str, ...]:
    """Take the plants out that may not be built at the site, and say so; refuse those the question names."""
    supply = fill.loaded.scenario.supply
    if supply.price is not None:
        return ()
    names: tuple[str, ...] = fill.leaves[PLANTS].value
    barred = _barred(fill, names)
    if not barred:
        return ()
    if names_plants(supply.plants):
        fill.ask(PLANTS, lambda: refuse_barred(barred, names))
    told = barred_words(barred)
    _take_out(fill, barred, tuple(name for name in names if name not in barred), told)
    return told


def _limit_resources(fill: Filler) -> None:
    """Limit plants to the resource of one site, where the question has no limit of them; list it."""
    supply, limits = fill.loaded.scenario.supply, fill.leaves[LIMITS]
    country, allow = country_of(fill.leaves["site.site"].value), supply.allow or ()
    given = {fill.ask(LIMITS, lambda n=name: plant_id(LIMITS, n)) for name in supply.limits}
    found = resource_limits(fill.leaves[PLANTS].value, country, allow)
    for name, law in found.items():
        if name in given or supply.price is not None:
            continue
        row = law.row.evidence("limit")
        limits = replace(limits, value={**limits.value, name: row.value})
        why = f"{law.words} in {law.place}; {row.note}"
        fill.assumptions.append(row.assumption(f"{LIMITS}.{name}", why))
    fill.leaves[LIMITS] = limits


def _barred(fill: Filler, names: Sequence[str]) -> Mapping[str, Law]:
    country, allow = country_of(fill.leaves["site.site"].value), fill.loaded.scenario.supply.allow
    return fill.ask(ALLOW, lambda: not_allowed(names, country, allow or ()))


def _take_out(fill: Filler, gone: Collection[str], kept: tuple[str, ...], told: tuple[str, ...]) -> None:
    """Plants and limits without those that are ``gone``, told as the reason."""
    leaf, limits = fill.leaves[PLANTS], fill.leaves[LIMITS]
    shown, reason = "|".join(kept), "; ".join((leaf.reason, *told))
    fill.leaves[PLANTS] = replace(leaf, value=kept, written=shown, reason=reason)
    stay = {name: most for name, most in limits.value.items() if plant_id(LIMITS, name) not in gone}
    fill.leaves[LIMITS] = replace(limits, value=stay)
    fill.assumptions = [
        replace(one, value=shown, reason=reason) if one.key == PLANTS else one for one in fill.assumptions
    ]


def _offer(fill: Filler, arrivals: Arrivals, names: Sequence[str], late: Mapping[str, Arrival]) -> None:
    """Take the plants that are ``late`` out; refuse those that the question names."""
    supply, year = fill.loaded.scenario.supply, fill.loaded.scenario.year
    if names_plants(supply.plants):
        fill.ask(PLANTS, lambda: _raise(_not_there(late, year)))
    kept = tuple(name for name in names if name not in late)
    told = _late_words(sorted(late.values(), key=lambda one: one.ready()))
    if not _at_any_hour(kept):
        bridges = _bridging(fill, late, year, alone=not _give_power(kept))
        kept = (*kept, *bridges)
        arrivals = replace(arrivals, by={**arrivals.by, **bridges})
        told += _bridge_words(bridges, year)
    left = replace(arrivals, left_out=(*arrivals.left_out, *told))
    fill.leaves[DATES] = replace(fill.leaves[DATES], value=left)
    _take_out(fill, late, kept, told)


def _late_words(late: Sequence[Arrival]) -> tuple[str, ...]:
    return tuple(
        f"{one.name} is left out: ordered {date_words(one.ordered)}, it gives power from {one.words}"
        for one in late
    )


def _bridge_words(bridges: Mapping[str, Arrival], year: int) -> tuple[str, ...]:
    return tuple(
        f"nothing else that gives power at any hour is there by {year}: {one.name}, from {one.words}"
        for one in bridges.values()
    )


def _not_there(late: Mapping[str, Arrival], year: int) -> InfeasibleError:
    """Names every plant that is not there, and the year in which all are, in the median."""
    first = max(math.ceil(one.ready() - _ROUNDING) for one in late.values())
    said = ", ".join(
        f"{name} ordered {date_words(one.ordered)} from {one.words}" for name, one in late.items()
    )
    return InfeasibleError(
        f"cannot be there by {year}: {said}",
        key=PLANTS,
        given=", ".join(late),
        allowed=f"a year from {first} on, plants that are there, or {ORDERED}: when it was, or {ANY}",
    )


def _bridging(
    fill: Filler, late: Mapping[str, Arrival], year: int, *, alone: bool = True
) -> dict[str, Arrival]:
    """The plants of ``supply.bridges`` that are there in the year, and when.

    Those of them that come within it stand for the whole year. ``alone``: a year without any is refused.
    """
    supply, grid = fill.loaded.scenario.supply, fill.leaves["supply.grid"].value
    read, early = orders_of(supply.ordered), bool(supply.grid.nonfirm)
    names = catalog.entity("defaults", "supply.bridges").text("text").split("|")
    barred = _barred(fill, names)
    every = {
        name: arrival_of(name, when, grid, nonfirm=early)
        for name in names
        for when in [read.of(name)]
        if when is not None and name not in barred
    }
    found = {name: one for name, one in every.items() if one.ready() <= year + _ROUNDING}
    found = found or {name: one for name, one in every.items() if one.ready() < year + 1.0}
    if not found and alone:
        first = min((*every.values(), *late.values()), key=lambda one: one.ready())
        error = InfeasibleError(
            f"no plant can be there in {year}: the first is {first.name}, from {first.words}",
            key="year" if "year" in fill.loaded.lines else PLANTS,
            given=year,
            allowed=f"a year from {math.floor(first.ready())} on, or {ORDERED} (an earlier date, or {ANY})",
        )
        fill.ask("year", lambda: _raise(error))
    return found


def _raise(error: InfeasibleError) -> None:
    raise error
