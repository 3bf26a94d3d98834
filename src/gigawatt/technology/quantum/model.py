"""Quantum computers behind the protocol of technologies."""

from __future__ import annotations

from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.quantum import loading
from gigawatt.technology.substrate import Substrate

__all__ = ["Quantum"]


class Quantum(Multiplier):
    """Weights are looked up in superposition for every token."""

    products = loading

    def stays(self, substrate: Substrate) -> bool:
        """Every use brings its weights in."""
        del substrate
        return False
