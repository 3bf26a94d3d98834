"""Rows of the catalog by any of their names, and the links and nodes that they describe."""

from __future__ import annotations

import re

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.machine.machine import Link, Node
from gigawatt.machine.wiring import curved

__all__ = ["find_row", "load_link", "load_node"]

#: Words of a chip's name that do not tell it from others.
_MAKERS = frozenset(
    ("nvidia", "amd", "google", "intel", "aws", "huawei", "instinct", "tesla", "geforce", "gpu")
)


def load_link(id: str) -> Link:
    """The link called ``id`` of the catalog's ``links``; raises ``InputError`` for an unknown one."""
    row = find_row("links", id)
    link = Link(
        id=row.id,
        bandwidth=row.value("bandwidth"),
        latency=row.value("latency"),
        energy_byte=row.value("energy_byte"),
        efficiency=row.value("efficiency"),
        in_network=row.text("in_network") == "yes",
        evidence={name: row.evidence(name) for name in row.numbers},
        network_power=row.get("network_power", 0.0) or 0.0,
        network_price=row.get("network_price", 0.0) or 0.0,
    )
    return curved(link, row)


def load_node(id: str) -> Node:
    """The node called ``id`` of the catalog's ``nodes``; raises ``InputError`` for an unknown one."""
    row = find_row("nodes", id)
    return Node(
        id=row.id,
        chips=int(row.value("chips")),
        overhead_power=row.value("overhead_power"),
        price=row.value("price"),
        embodied_carbon=row.value("embodied_carbon"),
        evidence={name: row.evidence(name) for name in row.numbers},
        rated_power=row.get("rated_power"),
    )


def find_row(kind: str, id: str) -> Entity:
    """The catalog's row by id, alias or the words of its name in any order.

    Raises
    ------
    InputError
        No such row: with the nearest id or alias.
    """
    try:
        return entity(kind, id)
    except InputError as error:
        names: dict[str, str] = {}
        for row in table(kind).values():
            names.update(dict.fromkeys([row.id, *filter(None, row.text("aliases").split("|"))], row.id))
        same = {own for name, own in names.items() if _words(name) == _words(id)}
        if len(same) == 1:
            return table(kind)[same.pop()]
        error.nearest = nearest(id, names)
        raise


def _words(name: str) -> frozenset[str]:
    """The words of a name in any order, without maker, memory kind and the generation of a socket."""
    words = re.findall(r"[a-z0-9.]+", re.sub(r"sxm\d", "sxm", name.lower()))
    return frozenset(word for word in words if word not in _MAKERS and not word.startswith("hbm"))
