"""Delayed neutrons in fuel that flows: a ring of cells, what the flow loses, and the plug flow it tends to.

The fuel runs lower head → channels → upper head → pipes and heat exchanger → lower head. Fissions along the
channels follow sin(π z / H) over the nuclear height H, which ends in the heads; what a delayed neutron is
worth follows the same shape. Precursors that decay in the pipes are lost. Nothing here is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError

__all__ = [
    "Neutrons",
    "Ring",
    "instants_of",
    "lost_by_group",
    "lost_reactivity",
    "lost_reactivity_plug",
    "neutrons",
    "reactor_row",
    "ring",
    "steady_precursors",
]

Array = npt.NDArray[np.float64]

TABLE, GROUPS = "molten_salt", "molten_salt_groups"
MOST_FLOW = 2.0  # of the rated flow; above it pumps and films are out of what was measured


@dataclass(frozen=True)
class Neutrons:
    """Delayed neutrons and feedback of one fuel.

    ``fraction`` (G,) : share of fission neutrons; ``decay`` (G,) : 1/s; ``generation_time`` : s;
    ``fuel_coefficient``, ``graphite_coefficient`` : 1/K, negative where heat lowers reactivity.
    """

    fuel: str
    fraction: Array
    decay: Array
    generation_time: float
    fuel_coefficient: float
    graphite_coefficient: float

    @property
    def total(self) -> float:
        """β of fuel at rest."""
        return float(self.fraction.sum())


@dataclass(frozen=True)
class Ring:
    """Cells of fuel in the order of the flow, closed to a ring.

    ``time`` (N,) : s that the fuel stays at rated flow; ``source`` (N,) : 1/s, share of the fissions per s of
    stay, Σ source·time = 1; ``importance`` (N,) : worth of a delayed neutron, Σ source·importance·time = 1;
    ``region`` (N,) : name of the part.
    """

    time: Array
    source: Array
    importance: Array
    region: tuple[str, ...]

    def where(self, *names: str) -> npt.NDArray[np.bool_]:
        """(N,) booleans: the cells of these regions."""
        return np.array([name in names for name in self.region])

    @property
    def total_time(self) -> float:
        """s of one turn at rated flow."""
        return float(self.time.sum())


def reactor_row(design: str) -> Entity:
    """The catalog's row of a reactor design.

    Raises
    ------
    InputError
        No such design, or a fuel in place of a reactor.

    References
    ----------
    ORNL-TM-728 (MSRE); the catalog's ``molten_salt``.
    """
    names = [row.id for row in table(TABLE).values() if row.text("kind") == "reactor"]
    check_word("design", design, names, "no such molten-salt reactor")
    return entity(TABLE, design)


def neutrons(fuel: str) -> Neutrons:
    """Delayed-neutron groups and feedback of a fuel: ``u235``, ``u233``, ``u233-loading``.

    Raises
    ------
    InputError
        No such fuel.

    References
    ----------
    ORNL-TM-1626, table 1; ORNL-TM-2571, table 1; ORNL-TM-3963, table 5.
    """
    names = [row.id for row in table(TABLE).values() if row.text("kind") == "fuel"]
    check_word("fuel", fuel, names, "no such fuel")
    groups = [row for row in table(GROUPS).values() if row.text("fuel") == fuel]
    row = entity(TABLE, fuel)
    return Neutrons(
        fuel=fuel,
        fraction=np.array([group.value("fraction") for group in groups]),
        decay=np.array([group.value("decay") for group in groups]),
        generation_time=row.value("generation_time"),
        fuel_coefficient=row.value("fuel_coefficient"),
        graphite_coefficient=row.value("graphite_coefficient"),
    )


def ring(design: str = "msre", *, refinement: float = 1.0) -> Ring:
    """The fuel loop of a design as well-mixed cells.

    The lower head is one stirred tank, as in ORNL-TM-1626; the pot at the outlet of the heads another, as in
    ORNL-TM-2571; the rest are chains of tanks that tend to plug flow with ``refinement``.

    Parameters
    ----------
    design : str
        Row of ``molten_salt``.
    refinement : float
        Cells over the usual number, [0.3, 50].

    Raises
    ------
    InputError
        Unknown design; a refinement out of range.

    References
    ----------
    Prince, ORNL-TM-1626 (regions, residence times); Haubenreich, ORNL-TM-380 (axial shape).
    """
    row = reactor_row(design)
    check_range("refinement", refinement, 0.3, 50.0, message="cells out of range")

    def cells(usual: int) -> int:
        return max(1, round(usual * refinement))

    pot, exchanger = row.value("mixing_time"), row.value("exchanger_time")
    pipe = (row.value("external_time") - pot - exchanger) / 2.0
    head = _head(row)
    parts = [
        ("lower", row.value("lower_time"), np.array([_shape(0.0, head)])),
        ("core", row.value("core_time"), _means(head, 1.0 - head, cells(10))),
        ("upper", row.value("upper_time"), _means(1.0 - head, 1.0, cells(4))),
        ("pot", pot, np.zeros(1)),
        ("hot", pipe, np.zeros(cells(2))),
        ("exchanger", exchanger, np.zeros(cells(4))),
        ("cold", pipe, np.zeros(cells(3))),
    ]
    parts = [part for part in parts if part[1] > 0.0]
    time = np.concatenate([np.full(len(shape), stay / len(shape)) for _, stay, shape in parts])
    shape = np.concatenate([shape for *_, shape in parts])
    return _ring(time, shape, tuple(name for name, _, shape in parts for _ in shape))


def lost_by_group(kinetics: Neutrons, loop: Ring, flow: float = 1.0) -> Array:
    """Delayed neutrons lost by a steady flow, group by group, as a share of all neutrons.

    Parameters
    ----------
    kinetics, loop
        The fuel's neutrons; the cells.
    flow : float
        Over the rated flow, [0, 2]; at 0 nothing is lost.

    Returns
    -------
    (G,) ndarray
        β of rest less β that still counts.

    Raises
    ------
    InputError
        A flow out of range.

    References
    ----------
    Prince, ORNL-TM-1626, equations 14 and 24 to 35.
    """
    held = steady_precursors(kinetics, loop, flow)
    kept = (held * (loop.importance * loop.time)).sum(axis=1) * kinetics.decay
    return kinetics.fraction - kept


def lost_reactivity(kinetics: Neutrons, loop: Ring, flow: float = 1.0) -> float:
    """Reactivity that the flow costs: the sum of :func:`lost_by_group`.

    Raises
    ------
    InputError
        A flow out of range.

    References
    ----------
    Prince, ORNL-TM-1626, equation 14 with ω = 0.
    """
    return float(lost_by_group(kinetics, loop, flow).sum())


def steady_precursors(kinetics: Neutrons, loop: Ring, flow: float) -> Array:
    """(G, N) precursors per unit of fission rate and s of stay, in a steady flow.

    Raises
    ------
    InputError
        A flow out of [0, 2] of the rated.

    References
    ----------
    ORNL-TM-1626, equation 7 with ω = 0, cell by cell.
    """
    _check_flow(flow)
    if flow == 0.0:
        return kinetics.fraction[:, None] * loop.source / kinetics.decay[:, None]
    stay = loop.time / flow
    gain = 1.0 / (1.0 + kinetics.decay[:, None] * stay)
    made = kinetics.fraction[:, None] * loop.source * stay * gain
    alone, passed = np.zeros(len(kinetics.decay)), np.ones(len(kinetics.decay))
    from_source, from_inlet = np.empty_like(gain), np.empty_like(gain)
    for cell in range(len(stay)):
        alone = alone * gain[:, cell] + made[:, cell]
        passed = passed * gain[:, cell]
        from_source[:, cell], from_inlet[:, cell] = alone, passed
    inlet = alone / (1.0 - passed)
    return from_source + inlet[:, None] * from_inlet


def lost_reactivity_plug(kinetics: Neutrons, design: str = "msre", flow: float = 1.0) -> float:
    """The same with plug flow everywhere but in the tanks: what the chains of :func:`ring` tend to.

    Each of many thin slices of the core is integrated exactly; the slices are fine enough for 1e-6 of β.

    Raises
    ------
    InputError
        Unknown design; a flow out of range.

    References
    ----------
    Prince, ORNL-TM-1626, equations 30 to 35.
    """
    _check_flow(flow)
    if flow == 0.0:
        return 0.0
    row, slices = reactor_row(design), 400
    head, pot = _head(row), row.value("mixing_time")
    stays = (row.value("core_time"), row.value("upper_time"))
    low = _shape(0.0, head)
    shapes = (_means(head, 1.0 - head, slices), _means(1.0 - head, 1.0, slices))
    total = low * row.value("lower_time") + sum(
        float(shape.sum()) * stay / slices for shape, stay in zip(shapes, stays, strict=True)
    )
    worth = low**2 * row.value("lower_time") + sum(
        float((shape**2).sum()) * stay / slices for shape, stay in zip(shapes, stays, strict=True)
    )
    rate, source = kinetics.decay, kinetics.fraction / total

    def turn(inlet: Array) -> tuple[Array, Array]:
        held = (inlet + source * low * row.value("lower_time") / flow) / (
            1.0 + rate * row.value("lower_time") / flow
        )
        counted = rate * held * low * row.value("lower_time")
        for shape, stay in zip(shapes, stays, strict=True):
            step = stay / slices / flow
            keep = np.exp(-rate * step)
            for height in shape:
                rest = source * height / rate
                counted += (rate * rest * step + (held - rest) * (1.0 - keep)) * height * flow
                held = rest + (held - rest) * keep
        pipes = (row.value("external_time") - pot) / flow
        return held * np.exp(-rate * pipes) / (1.0 + rate * pot / flow), counted

    alone, first = turn(np.zeros_like(rate))
    both, second = turn(np.ones_like(rate))
    inlet = alone / (1.0 - (both - alone))
    counted = first + inlet * (second - first)
    return kinetics.total - float(counted.sum()) * total / worth


def _ring(time: Array, shape: Array, region: tuple[str, ...]) -> Ring:
    source = shape / float((shape * time).sum())
    return Ring(time, source, shape / float((source * shape * time).sum()), region)


def _head(row: Entity) -> float:
    """Share of the nuclear height that lies in one head."""
    share = row.value("channel_height") / row.value("nuclear_height")
    return (1.0 - share) / 2.0


def _shape(bottom: float, top: float) -> float:
    """Mean of sin(π z) between two heights over the nuclear height."""
    return float((np.cos(np.pi * bottom) - np.cos(np.pi * top)) / (np.pi * (top - bottom)))


def _means(bottom: float, top: float, count: int) -> Array:
    edges = np.linspace(bottom, top, count + 1)
    return np.array([_shape(a, b) for a, b in pairwise(edges)])


def instants_of(time: npt.ArrayLike) -> Array:
    """Instants [s] as an array (T,); fewer than two, or some that do not rise, are refused."""
    instants = np.asarray(time, dtype=float)
    if instants.ndim != 1 or len(instants) < 2 or not np.all(np.diff(instants) > 0.0):
        raise InputError("times must rise", key="time", allowed="at least two instants in s")
    return instants


def _check_flow(flow: float) -> None:
    if not 0.0 <= flow <= MOST_FLOW:
        raise InputError(
            "flow of the fuel out of range: it cannot run backwards, and pumps and films are unknown above",
            key="flow",
            given=flow,
            allowed=f"0 to {MOST_FLOW:g} of the rated flow",
        )
