"""Power to be provided for accelerators, their campus, and the price of a second of one.

All are quantities of the graph, evaluated from what a question with a machine knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from gigawatt.catalog import Entity
from gigawatt.chain.machine.quantities import Machine, provided
from gigawatt.chain.money import Campus
from gigawatt.chain.registry import CHAIN
from gigawatt.core.evidence import Assumption
from gigawatt.core.subgraph import Subgraph, subgraph
from gigawatt.machine import Chip, Cluster, build_cluster
from gigawatt.schema.fields import TRAINING

__all__ = [
    "MachineTerms",
    "Machines",
    "Power",
    "campus_of",
    "chip_second_price",
    "owned_by",
    "power_of",
    "provided_by",
]


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
    """Power to be provided [W]: ``chip`` for one accelerator of a full node, with its share of node and
    network, ``it`` for all with all of their nodes, ``facility`` at the PUE of the hottest hour; ``limit`` is
    the power limit, if any."""

    chip: float
    it: float
    facility: float
    limit: float | None = None


@cache
def provided_by() -> Subgraph:
    """Power provided for one accelerator."""
    given = ("machine.chip", "machine.options", "machine.cap")
    return subgraph(CHAIN.registered(TRAINING), given, ("machine.design_power",))


@cache
def owned_by() -> Subgraph:
    """Campus and price of an accelerator-second, from a machine and its power."""
    given = (
        "machine.machine", "machine.count", "machine.power_it", "machine.design_power", "ledger.assets",
        "economics.chip_life", "economics.discount_rate", "site.redundancy",
    )  # fmt: skip
    return subgraph(CHAIN.registered(TRAINING), given, ("ledger.campus", "ledger.chip_hour_owned"))


def power_of(question: Machines, count: int, limit: float | None = None) -> Power:
    """Power that ``count`` accelerators need."""
    found = provided_by()({
        "machine.chip": question.chip, "machine.options": question.options, "machine.cap": question.cap,
    })  # fmt: skip
    each = found["machine.design_power"]
    node = build_cluster(chip=question.chip, count=count, **question.options)[0].node
    whole = provided(node, each, count)
    return Power(each, whole, whole * question.pue_peak, limit)


def campus_of(question: Machines, cluster: Cluster, power: Power) -> tuple[Campus, float]:
    """(the assets of a cluster, cost of one accelerator-second without electricity [$])."""
    found = owned_by()({
        "machine.machine": Machine(cluster, cluster.count, ()), "machine.count": cluster.count,
        "machine.power_it": power.it, "machine.design_power": power.chip, "ledger.assets": {},
        "economics.chip_life": question.chip_life, "economics.discount_rate": question.rate,
        "site.redundancy": question.redundancy,
    })  # fmt: skip
    return found["ledger.campus"], found["ledger.chip_hour_owned"]


def chip_second_price(
    question: Machines, cluster: Cluster, power: Power
) -> tuple[float, tuple[Assumption, ...]]:
    """(cost of one accelerator-second without electricity [$], its assumptions)."""
    bought, price = campus_of(question, cluster, power)
    return price, tuple(item for item in bought.assumptions if "embodied" not in item.key)
