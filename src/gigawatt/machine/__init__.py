"""Machines: chips, links, nodes and clusters from the catalog, and what an operation costs on them."""

from __future__ import annotations

from gigawatt.machine.load import build_cluster, list_chips, load_chip, load_link, load_node
from gigawatt.machine.machine import Chip, Cluster, Link, Node
from gigawatt.technology import Cost, Efficiency, Technology, technologies, technology

__all__ = [
    "Chip",
    "Cluster",
    "Cost",
    "Efficiency",
    "Link",
    "Node",
    "Technology",
    "build_cluster",
    "list_chips",
    "load_chip",
    "load_link",
    "load_node",
    "technologies",
    "technology",
]
