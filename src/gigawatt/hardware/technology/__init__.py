"""Compute technologies: one folder each, found by :mod:`~gigawatt.hardware.technology.registry`."""

from __future__ import annotations

from gigawatt.hardware.technology.interface import Cost, Efficiency, Model, Technology
from gigawatt.hardware.technology.registry import model_of as technology
from gigawatt.hardware.technology.registry import technologies

__all__ = ["Cost", "Efficiency", "Model", "Technology", "technologies", "technology"]
