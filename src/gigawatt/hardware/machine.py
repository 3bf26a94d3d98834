"""Machines as data: the frozen nouns of the hardware room, filled from the catalog's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gigawatt.evidence import Assumption, Evidence

__all__ = ["Chip", "Cluster", "Link", "Node"]


@dataclass(frozen=True)
class Chip:
    """One accelerator package as the software sees it.

    ``peak`` maps a number format to its dense datasheet rate [FLOP/s]. ``energy_flop`` maps a format
    to J/FLOP; ``energy_byte`` maps a memory level (``dram``, ``sram``) to J/B: effective coefficients
    on top of ``idle_power`` [W]. ``technology`` names the file of ``hardware/technology`` that computes
    the cost of an operation on it. ``evidence`` holds the row of every number. ``kernels`` names the fit
    of the catalog's ``kernels`` table that its technology uses (empty: ``default``); ``assumptions`` lists
    what the row did not say and a documented rule filled in.
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


@dataclass(frozen=True)
class Link:
    """A level of interconnect, per accelerator and direction.

    ``bandwidth`` [B/s] one way per accelerator, ``latency`` [s] per hop of a collective step,
    ``energy_byte`` [J/B], ``efficiency`` the share of the datasheet bandwidth that a large message
    reaches, ``in_network`` whether switches reduce (SHARP). ``network_power`` [W] and ``network_price`` [$]
    are those of switches and optics per accelerator (0 where they are part of the node).
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


@dataclass(frozen=True)
class Node:
    """A server or rack-scale unit: ``chips`` accelerators and everything around them.

    ``overhead_power`` [W] is drawn by processors, fans, network cards and conversion per node when
    busy, ``price`` [$] is of the whole node without accelerators, ``embodied_carbon`` [kg] likewise.
    """

    id: str
    chips: int
    overhead_power: float
    price: float
    embodied_carbon: float
    evidence: Mapping[str, Evidence] = field(repr=False)


@dataclass(frozen=True)
class Cluster:
    """``count`` accelerators in domains of ``scale_up_size``, joined by a scale-out fabric.

    ``oversubscription`` ≥ 1 divides the scale-out bandwidth beyond a leaf; ``network_power`` [W] and
    ``network_price`` [$] are per accelerator (switches and optics).
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
