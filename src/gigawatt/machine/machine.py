"""Machines as data: the frozen nouns of the hardware room, filled from the catalog's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.machine.topology import Topology
from gigawatt.technology.digital.systolic import Arrays

__all__ = ["Chip", "Cluster", "Curve", "Link", "Node"]


@dataclass(frozen=True)
class Chip:
    """One accelerator package as the software sees it.

    ``peak`` maps a number format to its dense datasheet rate [FLOP/s]. ``energy_flop`` maps a format
    to J/FLOP; ``energy_byte`` maps a memory level (``dram``, ``sram``) to J/B: effective coefficients
    on top of ``idle_power`` [W]. ``technology`` names the file of ``hardware/technology`` that computes
    the cost of an operation on it. ``evidence`` holds the row of every number. ``kernels`` names the fit
    of the catalog's ``kernels`` table that its technology uses (empty: ``default``); ``assumptions`` lists
    what the row did not say and a documented rule filled in. ``exponentials`` [1/s] is the rate of its units
    for special functions, ``None`` where no row says it. ``silicon`` is the chip of the same dies at whose
    limit J/FLOP and voltages were set (empty: its own). ``resale`` has (age [s], share of the price for
    which it sells at that age), empty where it is not sold. ``arrays`` are the systolic arrays that it
    multiplies on, ``None`` for a chip of many processors. ``like`` is the chip as it was measured, where this
    one multiplies other operands or is cooler or hotter (:func:`~gigawatt.machine.conditions.conditioned`).
    """

    id: str
    name: str
    technology: str
    year: int
    peak: Mapping[str, float]
    memory_bytes: float
    memory_bandwidth: float
    sram_bytes: float
    units: float
    power_limit: float
    idle_power: float
    energy_flop: Mapping[str, float]
    energy_byte: Mapping[str, float]
    die_area: float
    price: float
    embodied_carbon: float
    evidence: Mapping[str, Evidence] = field(repr=False)
    kernels: str = ""
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    exponentials: float | None = None
    silicon: str = ""
    resale: tuple[tuple[float, float], ...] = ()
    arrays: Arrays | None = None
    like: Chip | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Curve:
    """Time of an operation over a link: base + steps · step + S / (efficiency · β) + bulk · S / (S + half).

    S [B] is what a rank sends. ``base`` [s] is paid once a call, ``step`` [s] a step; ``bulk`` [s] is what
    the protocol for large messages costs beyond that for small ones, half of it at S = ``half`` [B].
    """

    base: float
    step: float
    efficiency: float
    bulk: float = 0.0
    half: float = 0.0


@dataclass(frozen=True)
class Link:
    """A level of interconnect, per accelerator and direction.

    ``bandwidth`` [B/s] one way per accelerator, ``latency`` [s] per step of a collective,
    ``energy_byte`` [J/B], ``efficiency`` the share of the datasheet bandwidth that a large message
    reaches, ``in_network`` whether switches reduce (SHARP). ``network_power`` [W] and ``network_price`` [$]
    are those of switches and optics per accelerator (0 where they are part of the node).

    ``base``, ``bulk`` [s] and ``half`` [B] complete the :class:`Curve` of rings and trees (``ring``);
    ``exchange`` is that of an all-to-all (``None``: as rings); ``in_network_efficiency`` is the share of
    the bandwidth that a reduction by the switches reaches (0: ``efficiency``).
    """

    id: str
    bandwidth: float
    latency: float
    energy_byte: float
    efficiency: float
    in_network: bool
    evidence: Mapping[str, Evidence] = field(repr=False)
    network_power: float = 0.0
    network_price: float = 0.0
    base: float = 0.0
    bulk: float = 0.0
    half: float = 0.0
    in_network_efficiency: float = 0.0
    exchange: Curve | None = None

    @property
    def ring(self) -> Curve:
        """The curve of rings and trees."""
        return Curve(self.base, self.latency, self.efficiency, self.bulk, self.half)

    @property
    def pairs(self) -> Curve:
        """The curve of an all-to-all."""
        return self.ring if self.exchange is None else self.exchange

    def quicker(self, factor: float) -> Link:
        """The same rate with every time that is not bandwidth divided by ``factor``."""
        x = self.exchange
        if x is not None:
            x = replace(x, base=x.base / factor, step=x.step / factor, bulk=x.bulk / factor)
        return replace(
            self,
            latency=self.latency / factor,
            base=self.base / factor,
            bulk=self.bulk / factor,
            exchange=x,
        )


@dataclass(frozen=True)
class Node:
    """A server or rack-scale unit: ``chips`` accelerators and everything around them.

    ``overhead_power`` [W] is drawn by processors, fans, network cards and conversion per node when busy;
    ``rated_power`` [W] is the rating of the whole node (``None``: none beyond the limits of its chips and
    that); ``price`` [$] is of the whole node without accelerators, ``embodied_carbon`` [kg] likewise.

    A node that is there is bought and powered whole: its processors, fans and network cards run for one
    accelerator as for eight. So ``count`` accelerators take ``ceil(count / chips)`` nodes (:meth:`number`),
    the last of which may have empty places.
    """

    id: str
    chips: int
    overhead_power: float
    price: float
    embodied_carbon: float
    evidence: Mapping[str, Evidence] = field(repr=False)
    rated_power: float | None = None

    def number(self, count: int) -> int:
        """Nodes that hold ``count`` accelerators, the last of them perhaps in part."""
        return -(-count // self.chips)

    def empty(self, count: int) -> float:
        """Empty places beside ``count`` accelerators, in nodes: 0 where they fill whole ones, below 1."""
        return (self.number(count) * self.chips - count) / self.chips


@dataclass(frozen=True)
class Cluster:
    """``count`` accelerators in domains of ``scale_up_size``, joined by a scale-out fabric.

    ``oversubscription`` ≥ 1 divides the scale-out bandwidth beyond a leaf; ``network_power`` [W] and
    ``network_price`` [$] are per accelerator (switches and optics). ``inner`` is the topology inside a
    domain (``None``: every accelerator reaches every other at full rate), ``topology`` the one between
    domains (``None``: a single switch whose every byte pays ``oversubscription``).
    """

    chip: Chip
    node: Node
    count: int
    scale_up: Link
    scale_up_size: int
    scale_out: Link
    oversubscription: float
    network_power: float
    network_price: float
    inner: Topology | None = None
    topology: Topology | None = None

    @property
    def node_chips(self) -> int:
        """Accelerators that lie in one node: those of a node, or all where there are fewer."""
        return min(self.node.chips, self.count)
