"""Machines: chips, links, nodes and clusters from the catalog, and what an operation costs on them."""

from __future__ import annotations

from gigawatt.hardware.load import build_cluster, list_chips, load_chip, load_link, load_node
from gigawatt.hardware.machine import Chip, Cluster, Link, Node
from gigawatt.hardware.technology import Cost, Efficiency, Technology, technologies, technology

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
