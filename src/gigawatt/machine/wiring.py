"""What a link's row or a cluster leaves out of its network: curves of links, topologies of the two levels."""

from __future__ import annotations

import math
from dataclasses import replace

from gigawatt.catalog.loader import Entity, entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.machine.machine import Curve, Link
from gigawatt.machine.topology import Topology, block, fitted, load_topology, usual

__all__ = ["curved", "wire"]

_LEVELS = ("inside", "between", "torus")


def curved(link: Link, row: Entity) -> Link:
    """``link`` with its curves: those of its row, else of ``links_defaults`` for its level.

    The row's text ``level`` says which defaults hold: ``inside`` a domain, ``between`` domains, ``torus``.
    """
    level = row.text("level") or _LEVELS[0]
    if level not in _LEVELS:
        raise InputError("no such level", file="links.csv", key=row.id, given=level, allowed=_LEVELS)
    rules = entity("links_defaults", level)
    evidence = dict(link.evidence)

    def number(name: str, rule: str, scale: float = 1.0) -> float:
        own = row.get(name)
        if own is not None:
            return own
        evidence[name] = rules.evidence(rule)
        return rules.value(rule) * scale

    base, bulk = number("base", "base"), number("bulk", "bulk")
    half = number("half", "half_time", link.bandwidth)
    exchange = Curve(
        base=_or(row.get("exchange_base"), base),
        step=number("exchange_step", "exchange_step", link.latency),
        efficiency=number("exchange_efficiency", "exchange_efficiency", link.efficiency),
        bulk=_or(row.get("exchange_bulk"), bulk),
        half=_or(row.get("exchange_half"), half),
    )
    return replace(
        link,
        base=base,
        bulk=bulk,
        half=half,
        in_network_efficiency=row.get("in_network_efficiency", 0.0) or 0.0,
        exchange=exchange,
        evidence=evidence,
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def wire(
    *,
    chip: str,
    scale_up: Link,
    scale_out: Link,
    usual_out: bool,
    domain: int,
    count: int,
    topology: str | Topology | None,
) -> tuple[Topology | None, Topology | None, tuple[Assumption, ...]]:
    """(topology inside domains, topology between them, what was assumed).

    Parameters
    ----------
    chip : str
        Whose usual topologies are taken for what is not named.
    scale_up, scale_out : Link
        The links.
    usual_out : bool
        Whether ``scale_out`` is the chip's own; where not, its topology counts before the chip's.
    domain, count : int
        Accelerators in a domain (at most ``count``), and in the machine.
    topology : str or Topology, optional
        An inner one replaces the wiring of domains, an outer one that between them.

    Raises
    ------
    InputError
        An unknown name, or a torus that has no block of so many accelerators.
    """
    given = load_topology(topology) if isinstance(topology, str) else topology
    inner = given if given is not None and given.level == "inner" else None
    outer = given if given is not None and given.level == "outer" else None
    assumed: list[Assumption] = []
    domains = max(round(count / domain), 1)
    if inner is not None:
        inner = fitted(inner, domain)
    else:
        found = usual(chip=chip, link=scale_up.id, level="inner")
        if found is not None:
            inner = _nearest(found[0], domain, assumed)
            assumed.append(_assumed("cluster.topology inside domains", inner, f"usual of {found[1]}"))
    if outer is not None:
        outer = fitted(outer, domains)
    elif domains > 1:
        names = (chip, scale_out.id) if usual_out else (scale_out.id, chip)
        found = usual(chip=names[0], link=names[1], level="outer")
        if found is None:
            reason = (
                f"no topology known for {scale_out.id}: every accelerator at its full rate to every other"
            )
            assumed.append(Assumption("cluster.topology", "single-switch", reason, Grade.modelled))
        else:
            outer = fitted(found[0], domains)
            assumed.append(_assumed("cluster.topology", outer, f"usual of {found[1]}"))
    return inner, outer, tuple(assumed)


def _nearest(topology: Topology, count: int, assumed: list[Assumption]) -> Topology:
    """The block of ``count``; where there is none, the smallest larger one, which is said."""
    most = math.prod(topology.shape) if topology.shape else count
    for size in range(count, most + 1):
        if topology.kind == "torus" and block(topology.shape or (size,) * 3, size) is None:
            continue
        found = fitted(topology, size)
        if size > count:
            shape = "x".join(str(side) for side in found.shape)
            reason = f"no block of the torus has {count} accelerators: part of the smallest larger one"
            assumed.append(Assumption("cluster.topology block", shape, reason, Grade.modelled))
        return found
    return fitted(topology, count)


def _assumed(key: str, topology: Topology, reason: str) -> Assumption:
    rows: list[Evidence] = [*topology.evidence.values()]
    grade = worst([Grade.modelled, *(row.grade for row in rows)])
    shape = " " + "x".join(str(side) for side in topology.shape) if topology.shape else ""
    return Assumption(
        key, topology.id + shape, reason, grade, rows[0].source_id if rows else "topologies.csv"
    )
