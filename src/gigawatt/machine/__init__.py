"""Machines: chips, links, nodes and clusters from the catalog, and what an operation costs on them.

Names are imported when they are used: loading a chip needs the technologies, which need the nouns of
:mod:`~gigawatt.machine.machine`, so that either room can be imported first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.machine.load import build_cluster, list_chips, load_chip, load_link, load_node
    from gigawatt.machine.machine import Chip, Cluster, Link, Node

__all__ = [
    "Chip",
    "Cluster",
    "Link",
    "Node",
    "build_cluster",
    "list_chips",
    "load_chip",
    "load_link",
    "load_node",
]

_NOUNS = ("Chip", "Cluster", "Link", "Node")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'gigawatt.machine' has no attribute {name!r}")
    from gigawatt.core.study import resolve

    return resolve(f"gigawatt.machine.{'machine' if name in _NOUNS else 'load'}:{name}")
