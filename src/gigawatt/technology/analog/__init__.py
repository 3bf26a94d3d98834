"""Products of currents in cells that keep their weights."""

from __future__ import annotations

from gigawatt.technology.interface import Support, Technology
from gigawatt.technology.operations import PRODUCTS, every

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="analog",
    title="analog in-memory computing",
    operations={
        **every(PRODUCTS, "product by weights that stay written"),
        "attention": Support(
            "keys and values are written to gain cells token by token", {"attention": "gain-cell"}
        ),
    },
    cost="gigawatt.technology.analog.model:Analog",
    parts={
        "cells": "arithmetic",
        "scores": "arithmetic",
        "values": "arithmetic",
        "digital": "arithmetic",
        "link": "arithmetic",
        "dac": "converters",
        "adc": "converters",
    },
    settings="gigawatt.technology.analog.tiles:SETTINGS",
    emulation="gigawatt.emulation.analog",
)
"""Tiles of phase-change, resistive, flash or gain cells."""
