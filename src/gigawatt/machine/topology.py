"""Topologies: how accelerators of a domain, or domains of a cluster, are wired.

A row of the catalog's ``topologies`` is of one kind. ``single_switch``: every pair at full rate. ``mesh``:
a direct link between every pair. ``fat_tree`` and ``rail``: leaves of ``leaf`` accelerators under pods of
``pod``, each tier's uplinks oversubscribed; in a rail-optimised one a leaf switch serves the cards of the
same place in many nodes, so that a leaf spans more of them. ``dragonfly``: groups of ``leaf`` accelerators,
joined pair by pair. ``torus``: a ring with two links an accelerator along each of two or three dimensions.

Level ``inner`` lies inside a domain (NVLink, ICI), ``outer`` between domains (InfiniBand, Ethernet).

References
----------
Kim, Dally, Scott, Abts, "Technology-Driven, Highly-Scalable Dragonfly Topology", ISCA 2008. Jouppi et al.,
"TPU v4: An Optically Reconfigurable Supercomputer", ISCA 2023. NVIDIA DGX SuperPOD reference architectures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from gigawatt.catalog.loader import entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Evidence

__all__ = ["KINDS", "Tier", "Topology", "block", "fitted", "load_topology", "usual"]

KINDS = ("single_switch", "mesh", "fat_tree", "rail", "dragonfly", "torus")
_DETOUR = 2.0
"""Global links that a packet takes when routed over a random group (Valiant), against one if minimal."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier of a tree or dragonfly: ``size`` accelerators that reach each other without leaving it.

    ``neighbours`` and ``uniform`` ≥ 1 divide a card's rate beyond it, where everybody sends to the unit
    beside (rings, pipelines) and where everybody sends to all (all-to-all). ``hops``: switches passed beyond
    those of the tier below.
    """

    size: float
    neighbours: float
    uniform: float
    hops: float


@dataclass(frozen=True)
class Topology:
    """How one level is wired; see the module. ``shape`` of a torus, ``wrap``: shortest side that closes.

    ``hop`` [s] is a switch's delay; ``global_share`` what a dragonfly group's links to other groups carry
    of what its accelerators inject; ``in_network`` whether reduction by switches is turned on.
    """

    id: str
    kind: str
    level: str
    leaf: float = math.inf
    pod: float = math.inf
    leaf_oversubscription: float = 1.0
    pod_oversubscription: float = 1.0
    global_share: float = 1.0
    hop: float = 0.0
    shape: tuple[int, ...] = ()
    wrap: float = 1.0
    in_network: bool = False
    evidence: Mapping[str, Evidence] = field(default_factory=dict[str, Evidence], repr=False)

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers beyond which rate is shared or a hop added, smallest first."""
        if self.kind == "dragonfly":
            over = max(1.0, 1.0 / self.global_share)
            return (Tier(self.leaf, max(1.0, _DETOUR / self.global_share), over, 2.0),)
        found: list[Tier] = []
        rate = 1.0
        for size, over in ((self.leaf, self.leaf_oversubscription), (self.pod, self.pod_oversubscription)):
            rate *= over
            if math.isfinite(size):
                found.append(Tier(size, rate, rate, 2.0))
        return tuple(found)

    def oversubscribed(self, factor: float) -> Topology:
        """The same with ``factor`` fewer uplinks above its leaves (global links of a dragonfly)."""
        if self.kind == "dragonfly":
            return replace(self, global_share=self.global_share / factor)
        return replace(self, leaf_oversubscription=self.leaf_oversubscription * factor)


def load_topology(id: str) -> Topology:
    """The topology called ``id`` (an id or alias of ``topologies``).

    Raises
    ------
    InputError
        No such topology; names the nearest spelling.
    """
    try:
        row = entity("topologies", id)
    except InputError as error:
        names: list[str] = []
        for one in table("topologies").values():
            names += [one.id, *filter(None, one.text("aliases").split("|"))]
        error.nearest = nearest(id, names)
        raise
    kind, level = row.text("kind"), row.text("level")
    if kind not in KINDS or level not in ("inner", "outer"):
        raise InputError(
            "unknown kind or level of topology", file="topologies.csv", key=row.id, allowed=KINDS
        )

    def value(name: str, default: float) -> float:
        found = row.get(name)
        return default if found is None else found

    return Topology(
        id=row.id,
        kind=kind,
        level=level,
        leaf=value("leaf", math.inf),
        pod=value("pod", math.inf),
        leaf_oversubscription=value("leaf_oversubscription", 1.0),
        pod_oversubscription=value("pod_oversubscription", 1.0),
        global_share=value("global_share", 1.0),
        hop=value("hop", 0.0),
        shape=tuple(int(side) for side in filter(None, row.text("shape").split("x"))),
        wrap=value("wrap", 1.0),
        in_network=row.text("in_network") == "yes",
        evidence={name: row.evidence(name) for name in row.numbers},
    )


def usual(*, chip: str, link: str, level: str) -> tuple[Topology, str] | None:
    """(topology, whose usual one it is) of a chip, else of a link, on ``level``; ``None`` if no row says."""
    for name in filter(None, (chip, link)):
        for row in table("topologies").values():
            if row.text("level") == level and name in row.text("usual_for").split("|"):
                return load_topology(row.id), name
    return None


def block(shape: tuple[int, ...], count: int, wrap: float = 1.0) -> tuple[int, ...] | None:
    """Sides, none longer than in ``shape``, of a block of ``count`` accelerators; ``None`` if none fits.

    Of those that multiply to ``count`` the one with the most sides that close into rings (multiples of
    ``wrap``), then the nearest to a cube: the longest side shortest.
    """
    best: tuple[tuple[float, ...], tuple[int, ...]] | None = None
    for sides in _sides(tuple(sorted(shape)), count):
        open_sides = sum(1 for side in sides if side > 1 and side % wrap)
        key = (open_sides, max(sides), sum(sides))
        if best is None or key < best[0]:
            best = (key, sides)
    return None if best is None else best[1]


def _sides(shape: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    if len(shape) == 1:
        return [(count,)] if count <= shape[0] else []
    small = [side for side in range(1, math.isqrt(count) + 1) if count % side == 0]
    sides = sorted({*small, *(count // side for side in small)})
    return [(side, *rest) for side in sides if side <= shape[0] for rest in _sides(shape[1:], count // side)]


def fitted(topology: Topology, count: int) -> Topology:
    """A torus cut to a block of ``count`` accelerators (or domains); any other topology unchanged.

    An empty ``shape`` means as near to a cube of three sides as ``count`` allows.

    Raises
    ------
    InputError
        No block of the torus has ``count``; names the nearest counts that one has.
    """
    if topology.kind != "torus":
        return topology
    shape = topology.shape or (count,) * 3
    found = block(shape, count, topology.wrap)
    if found is None:
        near = islice((n for n in _around(count, math.prod(shape)) if block(shape, n)), 2)
        sides = "x".join(str(side) for side in topology.shape)
        raise InputError(
            f"no block of a {sides} torus has this many accelerators",
            key="cluster.topology",
            given=f"{topology.id} with {count}",
            allowed="a count such as " + ", ".join(str(n) for n in near) + ", or another topology",
        )
    return replace(topology, shape=found)


def _around(count: int, most: int) -> Iterator[int]:
    """Counts from 1 to ``most``, those near ``count`` first."""
    start = min(count, most)
    for step in range(most):
        yield from (n for n in dict.fromkeys((start - step, start + step)) if 1 <= n <= most)
