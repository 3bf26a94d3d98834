"""From names to machines: a chip of the catalog or of a design, and clusters with every default listed.

A design is built from its parts (:mod:`~gigawatt.machine.chip.build`) into a row, and read as any other
(:mod:`~gigawatt.machine.chips`); what was assumed goes through :func:`build_cluster` into the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import GigawattError, InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.machine.chips import chip_of, list_chips
from gigawatt.machine.machine import Chip, Cluster, Link, Node
from gigawatt.machine.rows import find_row, load_link, load_node
from gigawatt.machine.topology import Topology
from gigawatt.machine.wiring import wire

__all__ = [
    "NODES",
    "build_cluster",
    "chip_of",
    "chip_row",
    "list_chips",
    "load_chip",
    "load_link",
    "load_node",
    "nodes_told",
]

NODES = "cluster.nodes"
"""Key of the assumption about a node with empty places."""

_T = TypeVar("_T")


def load_chip(id: str) -> Chip:
    """The chip called ``id``: of the catalog's ``chips`` or ``chip_designs``, or a design's file.

    A design is built from its parts (:mod:`~gigawatt.machine.chip.build`).

    Raises
    ------
    InputError
        No such chip; names the nearest spelling.
    InfeasibleError
        A design that cannot be made; says by how much.
    MissingDataError
        The row lacks what no rule may fill in: a peak rate, memory size or bandwidth.
    """
    return chip_of(*chip_row(id))


def chip_row(id: str) -> tuple[Entity, tuple[Assumption, ...]]:
    """A chip's row of ``chips``, and what was assumed where it was built from parts.

    Raises
    ------
    InputError, InfeasibleError
        As :func:`load_chip`.
    """
    design = id if id.lower().endswith((".yaml", ".yml")) else ""
    if not design:
        try:
            row = find_row("chips", id)
        except InputError as error:
            designs = table("chip_designs")
            try:
                design = entity("chip_designs", id).id
            except InputError:
                error.nearest = nearest(id, [*designs, error.nearest] if error.nearest else designs)
                raise error from None
        else:
            design = row.text("design")
            if not design:
                return row, ()
    from gigawatt.machine.chip.build import made_row  # a design alone asks for the builder

    return made_row(design)


def build_cluster(
    *,
    chip: str | Chip,
    count: int,
    node: str | Node | None = None,
    scale_up: str | Link | None = None,
    scale_out: str | Link | None = None,
    oversubscription: float = 1.0,
    domain: int | None = None,
    topology: str | Topology | None = None,
) -> tuple[Cluster, tuple[Assumption, ...]]:
    """``count`` accelerators with their node and links; what is left out comes from the chip's row.

    Parameters
    ----------
    chip : str or Chip
        Catalog id, alias, or a chip of one's own.
    count : int
        Accelerators, ≥ 1.
    node, scale_up, scale_out : str, Node or Link, optional
        Catalog ids or objects.
    oversubscription : float
        ≥ 1; divides the scale-out bandwidth beyond a leaf.
    domain : int, optional
        Accelerators joined by ``scale_up``, ≥ 1; a larger one than ``count`` is cut, which is said.
    topology : str or Topology, optional
        Of the catalog's ``topologies``: how domains are wired (level ``inner``) or what lies between them.

    Returns
    -------
    (Cluster, tuple of Assumption)
        The assumptions name each default taken and each number of the chip that a rule filled in.

    Raises
    ------
    InputError
        An unknown name, a count or domain below 1, an oversubscription below 1, a torus that has no
        block of so many accelerators.
    MissingDataError
        The chip has no default for what was left out.
    """
    _at_least_one("cluster.count", count)
    if domain is not None:
        _at_least_one("cluster.domain", domain)
    if not oversubscription >= 1.0:
        raise InputError(
            "oversubscription below 1",
            key="cluster.oversubscription",
            given=oversubscription,
            allowed="1 or more",
        )
    machine = _keyed("cluster.chip", lambda: load_chip(chip) if isinstance(chip, str) else chip)
    row = table("chips").get(machine.id)
    assumed = list(machine.assumptions)

    def link(key: str, given: str | Link | None) -> Link:
        if isinstance(given, Link):
            return given
        name = given if given is not None else _default(machine, row, key, f"default_{key}", assumed)
        return _keyed(f"cluster.{key}", lambda: load_link(name))

    up, out = link("scale_up", scale_up), link("scale_out", scale_out)
    if isinstance(node, Node):
        server = node
    else:
        name = node if node is not None else _default(machine, row, "node", "default_node", assumed)
        server = _keyed("cluster.node", lambda: load_node(name))
    size = _domain(machine, row, assumed) if domain is None else domain
    if size > count:
        reason = f"a domain of {size} accelerators is larger than the machine: cut to it"
        assumed.append(Assumption("cluster.domain", str(count), reason, Grade.modelled))
        size = count
    assumed += [*nodes_told(server, count), *_network(out)]
    inner, outer, wired = _keyed(
        "cluster.topology",
        lambda: wire(
            chip=machine.id,
            scale_up=up,
            scale_out=out,
            usual_out=out.id == (row.text("default_scale_out") if row is not None else ""),
            domain=size,
            count=count,
            topology=topology,
        ),
    )
    assumed += wired
    cluster = Cluster(
        chip=machine,
        node=server,
        count=count,
        scale_up=up,
        scale_up_size=size,
        scale_out=out,
        oversubscription=float(oversubscription),
        network_power=out.network_power,
        network_price=out.network_price,
        inner=inner,
        topology=outer,
    )
    return cluster, tuple(assumed)


def _default(machine: Chip, row: Entity | None, key: str, column: str, assumed: list[Assumption]) -> str:
    """The chip's own default of a part of the cluster, listed among ``assumed``."""
    name = row.text(column) if row is not None else ""
    if not name:
        raise MissingDataError(
            f"{machine.id} has no default for this", key=f"cluster.{key}", allowed="name one in the scenario"
        )
    reason = f"catalog default of {machine.id}"
    assumed.append(Assumption(f"cluster.{key}", name, reason, Grade.modelled, "chips.csv"))
    return name


def _domain(machine: Chip, row: Entity | None, assumed: list[Assumption]) -> int:
    """Accelerators of a scale-up domain: those of the chip's row, else of one node; listed."""
    stated = row.get("scale_up_domain") if row is not None else None
    rule = entity("chips_defaults", "default").evidence("scale_up_domain")
    size = int(rule.value if stated is None else stated)
    grade = rule.grade if stated is None or row is None else row.evidence("scale_up_domain").grade
    reason = "no domain known: one node" if stated is None else f"catalog default of {machine.id}"
    assumed.append(Assumption("cluster.domain", str(size), reason, grade, "chips.csv"))
    return size


def nodes_told(node: Node, count: int) -> tuple[Assumption, ...]:
    """That nodes are bought and powered whole, where ``count`` accelerators leave places empty."""
    if not node.empty(count):
        return ()
    number = node.number(count)
    reason = f"room for {number * node.chips:,}: a node ({node.id}) is bought and powered whole"
    return (Assumption(NODES, str(number), reason, Grade.modelled),)


def _network(out: Link) -> list[Assumption]:
    """Power and price of the scale-out network for each accelerator, where its row knows them."""
    numbers = (("network_power", out.network_power, "W"), ("network_price", out.network_price, "$"))
    return [
        out.evidence[key].assumption(
            f"cluster.{key}", f"per accelerator with {out.id}", f"{value:.4g} {unit}"
        )
        for key, value, unit in numbers
        if out.evidence.get(key) is not None
    ]


def _at_least_one(key: str, value: int) -> None:
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise InputError("not a count", key=key, given=value, allowed="a whole number of 1 or more")


def _keyed(key: str, load: Callable[[], _T]) -> _T:
    try:
        return load()
    except GigawattError as error:
        raise error.at(key=key) from None
