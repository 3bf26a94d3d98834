"""Power to be provided for accelerators, their campus, and the price of a second of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gigawatt.catalog import Entity
from gigawatt.chain.machine import Machine, design_power
from gigawatt.chain.money import Campus, campus
from gigawatt.core.evidence import Assumption
from gigawatt.machine import Chip, Cluster
from gigawatt.money.annuity import SECONDS_PER_YEAR, annuity

__all__ = ["MachineTerms", "Machines", "Power", "campus_of", "chip_second_price", "power_of", "second_price"]


class Machines(Protocol):
    """The inputs of power and price of accelerators, in every question with a machine."""

    @property
    def chip(self) -> Chip:
        """The accelerator."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of its cluster: node, links, domain."""
        ...

    @property
    def cap(self) -> float | None:
        """Power cap of one accelerator [W]."""
        ...

    @property
    def pue_peak(self) -> float:
        """PUE in the hottest hour."""
        ...

    @property
    def rate(self) -> float:
        """Real discount rate [1/yr]."""
        ...

    @property
    def chip_life(self) -> float | None:
        """Life of accelerators and nodes [s], where it is given."""
        ...

    @property
    def redundancy(self) -> Entity | None:
        """Spare units of power and cooling, where they are given."""
        ...


@dataclass(frozen=True)
class MachineTerms:
    """:class:`Machines` without a model: chip, options of its cluster, PUE in the hottest hour, money.

    ``cap`` [W] of one; ``rate`` [1/yr]; ``chip_life`` [s] in place of the catalog's; ``redundancy`` of the
    building, where it is given.
    """

    chip: Chip
    pue_peak: float
    rate: float
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cap: float | None = None
    chip_life: float | None = None
    redundancy: Entity | None = None


@dataclass(frozen=True)
class Power:
    """Power to be provided [W]: ``chip`` for one accelerator with its share of node and network, ``it`` for
    all, ``facility`` at the PUE of the hottest hour; ``limit`` is the power limit, if any."""

    chip: float
    it: float
    facility: float
    limit: float | None = None


def power_of(question: Machines, count: int, limit: float | None = None) -> Power:
    """Power that ``count`` accelerators need."""
    each = design_power(question.chip, question.options, question.cap)
    return Power(each, each * count, each * count * question.pue_peak, limit)


def campus_of(question: Machines, cluster: Cluster, power: Power) -> Campus:
    """The assets of a cluster, by :func:`gigawatt.chain.money.campus`."""
    return campus(
        Machine(cluster, cluster.count, ()),
        cluster.count,
        power.it,
        power.chip,
        question.chip_life,
        question.redundancy,
        {},
    )


def second_price(bought: Campus, rate: float, count: int) -> float:
    """Cost of one of ``count`` accelerators for one second, without electricity [$].

    Annuities at ``rate`` [1/yr] and upkeep of chips, nodes, network and building over their lives, every
    second of the year in use.
    """
    yearly = sum(
        float(annuity(capital=asset.price, rate=rate, life=asset.life)) + asset.operating
        for asset in bought.assets.values()
    )
    return yearly / SECONDS_PER_YEAR / count


def chip_second_price(
    question: Machines, cluster: Cluster, power: Power
) -> tuple[float, tuple[Assumption, ...]]:
    """(:func:`second_price` of a cluster, its assumptions)."""
    bought = campus_of(question, cluster, power)
    assumptions = tuple(item for item in bought.assumptions if "embodied" not in item.key)
    return second_price(bought, question.rate, cluster.count), assumptions
