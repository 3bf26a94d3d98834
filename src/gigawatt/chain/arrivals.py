"""What can be there in the year: plants that are ordered on a date, by their lead times.

One rule for the plan of a year, `run` and `plan-pathway`: a plant is offered where it is there at the start
of the year with a probability (:class:`gigawatt.power.dates.Arrival`). A question of this year or an earlier
one asks what to order: its plants are ordered in it, and the answer says when each gives power.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gigawatt import catalog
from gigawatt.chain.candidates import plant_id
from gigawatt.chain.filler import Filler
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import parse
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import Grid
from gigawatt.power.dates import Arrival, date_words, row_range, year_of

__all__ = ["Arrivals", "Orders", "arrival_of", "fill_arrivals", "read_orders"]

ORDERED, READY, PLANTS, LIMITS = "supply.ordered", "supply.ready", "supply.plants", "supply.limits"
DATES = "supply.dates"
_ANY = "any"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Orders:
    """Decimal year in which plants are ordered, ``all`` but those in ``each``; ``None``: they are there."""

    all: float | None
    each: Mapping[str, float | None] = field(default_factory=lambda: {})

    def of(self, name: str) -> float | None:
        """When a plant is ordered."""
        return self.each.get(name, self.all)


@dataclass(frozen=True)
class Arrivals:
    """When plants are there: ``by`` their id, of what may be there in every year nothing.

    ``dated``: whether only what is there at the start of the year is offered; else all are ordered in the
    year of the question; ``now``: what had to be ordered before it has passed.
    ``left_out`` are those that are not there, as sentences.
    """

    dated: bool
    by: Mapping[str, Arrival]
    now: float
    left_out: tuple[str, ...] = ()

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

    def order_by(self, name: str, year: int) -> float | None:
        """Decimal year by which a plant has to be ordered for power at the start of ``year``.

        ``None`` where that has passed, or is the past of the question, or the plant stands.
        """
        one = self.by.get(name)
        if one is None or not self.dated:
            return None
        before = year - one.lead[0] / SECONDS_PER_YEAR
        return before if before >= max(one.ordered, self.now) - _ROUNDING else None


def read_orders(text: str) -> Orders:
    """``2026-11``, ``any``, ``2026-11, grid: 2022-03`` or ``grid: any`` → when plants are ordered.

    What stands without a plant is for all others; left out it is the catalog's default.

    Raises
    ------
    InputError
        No date, no plant, two dates of one plant.
    """
    usual = _date(catalog.entity("defaults", ORDERED).text("text"))
    whole: list[float | None] = []
    each: dict[str, float | None] = {}
    for part in text.split(","):
        name, colon, written = part.rpartition(":")
        when = _date(written.strip())
        if not colon:
            whole.append(when)
            continue
        plant = plant_id(ORDERED, name.strip())
        if plant in each:
            raise InputError("a plant stands twice", key=ORDERED, given=text, allowed="one date of a plant")
        each[plant] = when
    if len(whole) > 1:
        raise InputError(
            "two dates for all plants", key=ORDERED, given=text, allowed="one, and others by plant"
        )
    return Orders(whole[0] if whole else usual, each)


def _date(written: str) -> float | None:
    if written == _ANY:
        return None
    try:
        return year_of(written)
    except InputError as error:
        error.allowed = f"{error.allowed}, or {_ANY}"
        raise error.at(key=ORDERED) from None


def _orders(written: str | None) -> Orders:
    return read_orders(written or catalog.entity("defaults", ORDERED).text("text"))


def arrival_of(name: str, ordered: float, grid: Grid) -> Arrival:
    """When a plant that is ordered on a date is there; a grid connection by the queue of its grid.

    A kind of plant that nobody sells yet is ordered when the first of it gives power (``orderable``).
    """
    row = catalog.entity("plants", name)
    ordered = max(ordered, row.get("orderable") or ordered)
    if row.text("kind") == "grid":
        lead = (grid.connection_time, *grid.connection_range)
    else:
        lead = row_range(name) if "lead_time" in row.numbers else (0.0, 0.0, 0.0)
    return Arrival(row.id, row.text("name", row.id), ordered, lead)


def _connects(name: str) -> bool:
    return catalog.entity("plants", name).text("kind") == "grid"


def _usual(name: str) -> float:
    return parse(catalog.entity("defaults", name).text("text"), "1")


def fill_arrivals(fill: Filler) -> None:
    """When each plant is there; takes out of the plants that may be built what is not there in the year.

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
    supply, year = fill.loaded.scenario.supply, fill.loaded.scenario.year
    written, grid = supply.ordered, fill.leaves["supply.grid"].value
    orders = fill.ask(
        ORDERED, lambda: read_orders(written or catalog.entity("defaults", ORDERED).text("text"))
    )
    names: tuple[str, ...] = fill.leaves[PLANTS].value
    dated = written is not None or (orders.all is not None and year > math.floor(orders.all))
    if not dated:
        orders = Orders(float(year))
    found = {
        name: arrival_of(name, when, grid) for name in names for when in [orders.of(name)] if when is not None
    }
    arrivals = Arrivals(dated, found, _date(catalog.entity("defaults", ORDERED).text("text")) or 0.0)
    fill.written(DATES, ORDERED, arrivals)
    if supply.price is not None:
        return
    if not dated:
        unsold = {name: one for name, one in found.items() if one.ordered > year}
        if unsold:
            _offer(fill, arrivals, names, unsold)
        return
    if written is None:
        row = catalog.entity("defaults", ORDERED)
        fill.assumptions.append(
            Assumption(ORDERED, row.text("text"), row.text("reason"), Grade.read(row.text("grade")),
                       row.text("source_id"))
        )  # fmt: skip
    limited = {fill.ask(LIMITS, lambda n=name: plant_id(LIMITS, n)) for name in supply.limits}
    late: dict[str, Arrival] = {}
    for name, one in found.items():
        named = supply.plants is not None or name in limited
        if named and written is None and supply.ready is None and _connects(name):
            continue  # where a question names the grid, the site may be connected: a notice says since when
        needed = supply.ready if supply.ready is not None else _usual(f"{READY}_named" if named else READY)
        if one.ready(needed) > year + _ROUNDING:
            late[name] = one
    if late:
        _offer(fill, arrivals, names, late)


def _offer(fill: Filler, arrivals: Arrivals, names: Sequence[str], late: Mapping[str, Arrival]) -> None:
    """Take the plants that are ``late`` out; refuse those that the question names."""
    supply, year = fill.loaded.scenario.supply, fill.loaded.scenario.year
    if supply.plants is not None:
        fill.ask(PLANTS, lambda: _refuse(late, year))
    kept = tuple(name for name in names if name not in late)
    told = tuple(f"{one.name} is left out: ordered {date_words(one.ordered)}, it gives power from {one.words}"
                 for one in sorted(late.values(), key=lambda one: one.ready()))  # fmt: skip
    if not any(catalog.entity("plants", name).text("kind") != "storage" for name in kept):
        kept, bridges = _bridges(fill, kept, late, year)
        arrivals = replace(arrivals, by={**arrivals.by, **bridges})
        told += tuple(
            f"nothing else is there by {year}: {one.name}, from {one.words}" for one in bridges.values()
        )
    fill.leaves[DATES] = replace(fill.leaves[DATES], value=replace(arrivals, left_out=told))
    leaf, limits = fill.leaves[PLANTS], fill.leaves[LIMITS]
    shown, reason = "|".join(kept), "; ".join((leaf.reason, *told))
    fill.leaves[PLANTS] = replace(leaf, value=kept, written=shown, reason=reason)
    stay = {name: most for name, most in limits.value.items() if plant_id(LIMITS, name) not in late}
    fill.leaves[LIMITS] = replace(limits, value=stay)
    fill.assumptions = [
        replace(one, value=shown, reason=reason) if one.key == PLANTS else one for one in fill.assumptions
    ]


def _refuse(late: Mapping[str, Arrival], year: int) -> None:
    """Name every plant that is not there, and the year in which all are, in the median."""
    first = max(math.ceil(one.ready() - _ROUNDING) for one in late.values())
    said = ", ".join(
        f"{name} ordered {date_words(one.ordered)} from {one.words}" for name, one in late.items()
    )
    raise InfeasibleError(
        f"cannot be there by {year}: {said}",
        key=PLANTS,
        given=", ".join(late),
        allowed=f"a year from {first} on, plants that are there, or {ORDERED}: when it was, or {_ANY}",
    )


def _bridges(
    fill: Filler, kept: tuple[str, ...], late: Mapping[str, Arrival], year: int
) -> tuple[tuple[str, ...], dict[str, Arrival]]:
    """The plants of ``supply.bridges`` that are there in the year, and when.

    Those of them that come within it stand for the whole year.
    """
    read, grid = _orders(fill.loaded.scenario.supply.ordered), fill.leaves["supply.grid"].value
    names = catalog.entity("defaults", "supply.bridges").text("text").split("|")
    every = {
        name: arrival_of(name, when, grid) for name in names for when in [read.of(name)] if when is not None
    }
    found = {name: one for name, one in every.items() if one.ready() <= year + _ROUNDING}
    found = found or {name: one for name, one in every.items() if one.ready() < year + 1.0}
    if not found:
        first = min((*every.values(), *late.values()), key=lambda one: one.ready())
        error = InfeasibleError(
            f"no plant can be there in {year}: the first is {first.name}, from {first.words}",
            key="year" if "year" in fill.loaded.lines else PLANTS,
            given=year,
            allowed=f"a year from {math.floor(first.ready())} on, or {ORDERED} (an earlier date, or {_ANY})",
        )
        fill.ask("year", lambda: _raise(error))
    return (*kept, *found), found


def _raise(error: InfeasibleError) -> None:
    raise error
