"""Links between dies of a package: bandwidth, joules, area, and into how many dies a chip is best cut.

*Edge* links lie along the shoreline of a die in modules: a module of ``lanes`` each way takes ``width`` of
edge and ``depth`` of die, so that bandwidth per edge is 2 · lanes · rate / width, both ways counted as the
standard does. *Areal* links (hybrid bonds face to face) give signals · rate / pitch².

References
----------
UCIe consortium, UCIe specification 1.1 and 2.0. Das Sharma et al. 2024, "High-performance, power-efficient
three-dimensional system-in-package designs with UCIe", Nature Electronics 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Grade, worst
from gigawatt.technology.chiplets.die_cost import die_cost
from gigawatt.technology.chiplets.package import Package, assemble

__all__ = ["Cut", "DieLink", "LinkNeed", "best_cut", "crossing", "cut", "die_links", "load_die_link", "need"]

_COARSE, _FINE = 9e-6, 1e-6  # m: pitches for which the source states the joules of hybrid bonds


@dataclass(frozen=True)
class DieLink:
    """A kind of link between dies; a row of ``chip_links``.

    ``edge`` [B/s/m] and ``areal`` [B/s/m²] count both ways; ``areal`` of an edge link is over the area of
    its module. ``energy`` [J/B] is what one byte costs over it, ``latency`` [s] there and back, ``rate``
    [B/s] of a lane, ``pitch`` [m] of bumps. ``edge`` is infinite for links over an area.
    """

    id: str
    name: str
    over_area: bool
    rate: float
    pitch: float
    edge: float
    areal: float
    depth: float
    energy: float
    latency: float
    grade: Grade


def die_links() -> tuple[str, ...]:
    """Ids of the kinds of link between dies."""
    return tuple(table("chip_links"))


def load_die_link(id: str, *, rate: float | None = None, pitch: float | None = None) -> DieLink:
    """The kind of link called ``id``, at its usual or a given rate and pitch.

    Parameters
    ----------
    id : str
        A row or alias of ``chip_links``.
    rate : float, optional [B/s]
        Of a lane, within the row's range; 32 GT/s is 4e9.
    pitch : float, optional [m]
        Of bumps, within the row's range. The depth of a module goes with its square: as many bumps are
        needed.

    Raises
    ------
    InputError
        An unknown kind; a rate or pitch outside its range.
    """
    try:
        row = entity("chip_links", id)
    except InputError:
        raise InputError(
            "no such link between dies",
            key="die_to_die",
            given=id,
            allowed=die_links(),
            nearest=nearest(id, die_links()),
        ) from None

    def bounded(key: str, given: float | None, unit: str) -> float:
        one = row.evidence(key)
        low = one.value if one.low is None else one.low
        high = one.value if one.high is None else one.high
        if given is not None:
            check_range(f"{row.id}.{key}", given, low * (1 - 1e-9), high * (1 + 1e-9), unit)
        return one.value if given is None else float(given)

    speed, bumps = bounded("rate", rate, "B/s"), bounded("pitch", pitch, "m")
    slow, fast = row.value("energy_slow"), row.value("energy_fast")
    grade = worst(one.grade for one in row.rows())
    if row.text("kind") == "area":
        share = math.log(bumps / _FINE) / math.log(_COARSE / _FINE)
        joules = fast * (slow / fast) ** share
        areal = row.value("signals") * speed / bumps**2
        edge, depth = math.inf, 0.0
    else:
        joules = slow if speed <= row.value("rate_slow") * (1 + 1e-9) else fast
        both = 2.0 * row.value("lanes") * speed
        edge = both / row.value("width")
        depth = row.value("depth") * (bumps / row.value("pitch")) ** 2
        areal = edge / depth
    return DieLink(
        id=row.id,
        name=row.text("name", row.id),
        over_area=row.text("kind") == "area",
        rate=speed,
        pitch=bumps,
        edge=edge,
        areal=areal,
        depth=depth,
        energy=joules,
        latency=row.value("latency"),
        grade=grade,
    )


@dataclass(frozen=True)
class LinkNeed:
    """Edge [m], area [m²] and power [W] that a bandwidth takes on one die."""

    edge: float
    area: float
    power: float


def need(link: DieLink, bandwidth: float) -> LinkNeed:
    """What a bandwidth, both ways counted [B/s], takes of a die.

    Raises
    ------
    InputError
        A negative bandwidth.
    """
    check_range("bandwidth", bandwidth, 0.0, 1e18, "B/s")
    edge = 0.0 if link.over_area else bandwidth / link.edge
    return LinkNeed(edge=edge, area=bandwidth / link.areal, power=bandwidth * link.energy)


def crossing(traffic: float, dies: int) -> float:
    """Part of a traffic [B/s] that leaves its die where it goes anywhere alike: traffic · (1 − 1/n).

    Raises
    ------
    InputError
        Less than one die, a negative traffic.
    """
    check_range("traffic", traffic, 0.0, 1e18, "B/s")
    check_range("dies", dies, 1, 100_000, "dies")
    return traffic * (1.0 - 1.0 / dies)


@dataclass(frozen=True)
class Cut:
    """A chip cut into ``dies`` like dies.

    ``die_area`` [m²] with links; ``good`` yield of a die, ``whole`` of the chip uncut (0 above the reticle);
    ``price`` [$] of silicon, package and joining; ``link_power`` [W], ``bandwidth`` [B/s] that each die
    offers the others, both ways, ``edge_share`` of its edge that this takes.
    """

    dies: int
    die_area: float
    good: float
    price: float
    silicon: float
    packaging: float
    link_power: float
    bandwidth: float
    edge_share: float


def cut(
    node: str,
    area: float,
    dies: int,
    *,
    year: float,
    link: DieLink,
    package: Package,
    traffic: float,
    beside: float = 0.0,
    defect_density: float | None = None,
) -> Cut:
    """What a chip of ``area`` cut into ``dies`` costs in money, watts and edge.

    Parameters
    ----------
    node : str
        A row of ``chip_nodes``.
    area : float [m²]
        Of the chip without links between dies.
    dies : int
        1: no links.
    year : float
        Of prices and defects.
    link : DieLink
        Between the dies.
    package : Package
        That they are joined in.
    traffic : float [B/s]
        Between all parts of the chip, both ways; of it 1 − 1/n leaves a die where it goes anywhere alike.
    beside : float [m²]
        What else lies on the carrier: stacks of memory.
    defect_density : float, optional [1/m²]
        The node's of that year where left out.

    Raises
    ------
    InputError
        A die above the reticle; a number outside its range.
    InfeasibleError
        More edge than a square die has; a carrier above the package's limit.
    """
    check_range("dies", dies, 1, 10_000, "dies")
    crossed = crossing(traffic, dies)
    each = 2.0 * crossed / dies  # a byte leaves one die and enters another: both have a port for it
    taken = need(link, each) if dies > 1 else LinkNeed(0.0, 0.0, 0.0)
    size = area / dies + taken.area
    perimeter = 4.0 * math.sqrt(size)
    if taken.edge > perimeter:
        raise InfeasibleError(
            "the edge of a die is too short for its links",
            key="dies",
            given=f"{taken.edge * 1e3:.1f} mm for {each / 1e12:.2f} TB/s of {link.id}",
            allowed=f"{perimeter * 1e3:.1f} mm: {taken.edge / perimeter - 1:.0%} too much",
        )
    made = die_cost(node, size, year=year, defect_density=defect_density)
    chips = {"logic": (float(dies), size, made.price)}
    packed = assemble(package, dies=chips, laid=dies * size + beside)
    return Cut(
        dies=dies,
        die_area=size,
        good=made.perfect,
        price=packed.total,
        silicon=dies * made.price,
        packaging=packed.total - dies * made.price,
        link_power=crossed * link.energy,
        bandwidth=each,
        edge_share=taken.edge / perimeter,
    )


def best_cut(
    node: str,
    area: float,
    *,
    year: float,
    link: DieLink,
    package: Package,
    traffic: float,
    most: int = 32,
    watt_price: float = 0.0,
    beside: float = 0.0,
    defect_density: float | None = None,
) -> tuple[Cut, tuple[Cut, ...]]:
    """The cheapest number of dies, and all that can be made, in order.

    ``watt_price`` [$/W] puts the joules of the links in: what a watt costs over the life of the chip.

    Raises
    ------
    InfeasibleError
        No number of dies up to ``most`` can be made: the error of the last one.
    """
    found: list[Cut] = []
    failed: Exception | None = None
    for dies in range(1, most + 1):
        try:
            found.append(
                cut(node, area, dies, year=year, link=link, package=package, traffic=traffic,
                    beside=beside, defect_density=defect_density)
            )  # fmt: skip
        except (InputError, InfeasibleError) as error:
            failed = error
    if not found:
        raise InfeasibleError(
            f"no cut into up to {most} dies can be made",
            key="dies",
            given=str(failed),
            allowed="a smaller chip",
        )
    costs = np.array([one.price + watt_price * one.link_power for one in found])
    return found[int(np.argmin(costs))], tuple(found)
