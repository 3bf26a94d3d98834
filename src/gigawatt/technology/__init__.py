"""Compute technologies: one folder each, found by :mod:`~gigawatt.technology.registry`."""

from __future__ import annotations

from gigawatt.technology.interface import Cost, Efficiency, Model, Technology
from gigawatt.technology.registry import model_of as technology
from gigawatt.technology.registry import technologies

__all__ = ["Cost", "Efficiency", "Model", "Technology", "technologies", "technology"]
