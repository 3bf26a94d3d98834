"""Many variations of one design at once: what of their areas and edges is used, and what they compute.

A slice of :mod:`~gigawatt.machine.chip.build` over arrays: area to rate, stacks to bytes, shoreline and
package against their limits. Power, cooling, yield and money are the builder's alone. A test holds each
column to what the builder gives for the same design.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.machine.chip.parts import Design, DieArea
from gigawatt.technology.chiplets.die_cost import RULES, load_process
from gigawatt.technology.chiplets.die_links import load_die_link
from gigawatt.technology.chiplets.node_laws import Laws, fit_laws
from gigawatt.technology.chiplets.package import load_package
from gigawatt.technology.stacked_memory.stack import stack_of

__all__ = ["Columns", "chip_columns", "template_die", "vary"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Variations of a design, columns ``(L,)``; SI.

    ``rate`` [FLOP/s] of 16 bits at full clock, ``memory_bytes``, ``memory_bandwidth`` [B/s], ``sram`` [B];
    ``units`` on a die and ``good`` that must work; ``used`` maps each limit to its use over what there is;
    ``excess`` is by how much the worst of them is passed (0 or less: none).
    """

    rate: Array
    memory_bytes: Array
    memory_bandwidth: Array
    sram: Array
    units: Array
    good: Array
    used: dict[str, Array]
    excess: Array


def template_die(design: Design) -> DieArea:
    """The one kind of die of a design that can be varied.

    Raises
    ------
    InputError
        Several kinds of dies, dies on dies, no stacks beside them.
    """
    (die, *others) = design.dies
    beside = design.memory is not None and design.memory.place == "beside"
    if others or die.on or not die.compute or not beside:
        raise InputError(
            "a design of this make cannot be varied",
            key="design",
            given=design.id,
            allowed="one kind of die, with stacks of memory beside it",
        )
    return die


def _room(design: Design, dies: Array, area: Array, sram: Array, phys: Array, leaving: Array) -> Array:
    """Area of a die that computes, below 0 where memory and interfaces need more than there is [m²]."""
    die, rules = template_die(design), entity("chip_rules", RULES)
    process = load_process(die.node)
    memory = sram / (process.value("sram_density") * rules.value("sram_fill"))
    ports = phys * rules.value("phy_stack") + leaving / dies / rules.value("phy_links")
    joins = np.zeros_like(area)
    if design.die_link:
        joins = np.where(dies > 1.0, 2.0 * design.die_bandwidth / load_die_link(design.die_link).areal, 0.0)
    return area - memory - ports - joins - rules.value("uncore") * area


def _phys(design: Design, stacks: ArrayLike, dies: ArrayLike) -> Array:
    """Interfaces to stacks on a die: sites that the template leaves empty stay so."""
    die, part = template_die(design), design.memory
    spare = max(die.phys * die.count - part.stacks, 0) if part is not None and die.phys else 0
    return np.ceil((np.asarray(stacks, dtype=float) + spare) / np.asarray(dies, dtype=float))


def _own(design: Design, leaving: float) -> tuple[float, float]:
    """(units per m² that computes, share of them that must work) of the template itself."""
    die = template_die(design)
    stacks = 0 if design.memory is None else design.memory.stacks
    phys = float(_phys(design, stacks, die.count))
    columns = [np.array([x], dtype=float) for x in (die.count, die.area, die.sram, phys, leaving)]
    room = float(_room(design, *columns)[0])
    return die.units / room, (die.good_units / die.units if die.units else 1.0)


def chip_columns(
    design: Design,
    *,
    dies: ArrayLike,
    area: ArrayLike,
    sram: ArrayLike,
    stacks: ArrayLike,
    leaving: ArrayLike,
    own_leaving: float,
    height: int | None = None,
    laws: Laws | None = None,
) -> Columns:
    """Variations of a design.

    Parameters
    ----------
    design : Design
        The template: one kind of die, stacks beside it.
    dies, stacks : array (L,)
        Dies and stacks of the package, ≥ 1.
    area, sram : array (L,)
        Of one die [m²], [B].
    leaving : array (L,)
        Bandwidth of the package to other chips, one way [B/s].
    own_leaving : float
        That of the template [B/s]: its units a square metre are kept.
    height : int, optional
        Dies of a stack; the template's where left out.
    laws : Laws, optional
        Of rate and joules.

    Raises
    ------
    InputError
        A template of another make.
    """
    given = np.broadcast_arrays(dies, area, sram, stacks, leaving)
    n, a, m, s, out = (np.atleast_1d(np.asarray(x, dtype=float)) for x in given)
    die = template_die(design)
    made = fit_laws() if laws is None else laws
    phys = _phys(design, s, n)
    room = _room(design, n, a, m, phys, out)
    density, share = _own(design, own_leaving)
    units = np.maximum(np.round(np.maximum(room, 0.0) * density), 1.0) if die.units else np.zeros_like(a)
    good = np.maximum(np.round(units * share), 1.0) if die.units else np.zeros_like(a)
    working = good / units if die.units else np.ones_like(a)
    law = made.rate.at(load_process(die.node), design.architecture)
    part = design.memory
    assert part is not None
    stack = stack_of(part.kind, height=part.height if height is None else height)
    lowest = entity("stacked_memory", part.kind).evidence("data_rate").low
    slowed = 1.0
    if part.data_rate is not None:
        slow = lowest is not None and part.data_rate < lowest
        slowed = part.data_rate / (lowest if slow and lowest else stack.data_rate)
        stack = stack if not slow else stack_of(part.kind, height=height or part.height, data_rate=lowest)
    used = _limits(design, n, a, s, out, stack.area)
    used["area of a die"] = np.where(room > 0.0, (a - room) / a, 1.0 - room / a)
    excess = np.max(np.stack([value - 1.0 for value in used.values()]), axis=0)
    return Columns(
        rate=np.maximum(room, 0.0) * working * law * n,
        memory_bytes=s * stack.capacity,
        memory_bandwidth=s * stack.bandwidth * slowed,
        sram=m * n,
        units=units,
        good=good,
        used=used,
        excess=excess,
    )


def _limits(
    design: Design, n: Array, area: Array, stacks: Array, out: Array, stack: float
) -> dict[str, Array]:
    """Use over what there is of edges and package."""
    rules = entity("chip_rules", RULES)
    side, share = np.sqrt(area), rules.value("edge_share")
    rows = np.array([_rows(int(x)) for x in n], dtype=float)
    rim = 2.0 * side * (rows + n / rows) * share
    taken = stacks * rules.value("edge_stack") + out / rules.value("edge_links")
    found = {"edge of the package's logic": taken / rim}
    if design.die_link:
        link = load_die_link(design.die_link)
        facing = side * np.where(n == 2.0, 1.0, 2.0) * share
        edge = 0.0 if link.over_area else 2.0 * design.die_bandwidth / link.edge
        found["edge between dies"] = np.where(n > 1.0, edge / facing, 0.0)
    kind = load_package(design.package, year=design.year)
    base = (n * area + stacks * stack) * kind.carrier_scale
    sized = base if kind.carrier_price > 0.0 else base * kind.substrate_scale
    found["package"] = sized / kind.limit
    field = rules.value("reticle_width") * rules.value("reticle_height")
    found["reticle"] = area / field
    return found


def _rows(number: int) -> int:
    """Rows in which dies lie: the most square arrangement, one row for up to three."""
    if number <= 3:
        return 1
    return max(d for d in range(1, math.isqrt(number) + 1) if number % d == 0)


def vary(
    design: Design,
    *,
    dies: int,
    area: float,
    sram: float,
    stacks: int,
    height: int,
    leaving: float,
    own_leaving: float,
) -> Design:
    """The template with other numbers, as :func:`chip_columns` counts its units and interfaces.

    Parameters
    ----------
    design, dies, area, sram, stacks, height, leaving, own_leaving
        As there, one variation.

    Raises
    ------
    InputError
        A template of another make, or several dies where it names no link between them.
    """
    die = template_die(design)
    if dies > 1 and not design.die_link:
        raise InputError(
            "this design has no link between dies", key="dies", given=dies, allowed="1, or links.die_to_die"
        )
    one = chip_columns(
        design, dies=dies, area=area, sram=sram, stacks=stacks, leaving=leaving, own_leaving=own_leaving
    )
    memory = design.memory
    assert memory is not None
    made = replace(
        die, count=dies, area=area, sram=sram, units=int(one.units[0]), good_units=int(one.good[0]),
        phys=int(_phys(design, stacks, dies)),
    )  # fmt: skip
    single = dies == 1
    return replace(
        design,
        dies=(made,),
        memory=replace(memory, stacks=stacks, height=height),
        die_link="" if single else design.die_link,
        die_bandwidth=0.0 if single else design.die_bandwidth,
    )
