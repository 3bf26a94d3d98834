"""Products in light: meshes of interferometers, banks of rings, crossbars."""

from __future__ import annotations

from gigawatt.technology.interface import Support, Technology
from gigawatt.technology.operations import PRODUCTS

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="photonic",
    title="photonic products",
    operations={
        **{
            kind: (
                Support("product by weights that are sent in for each use", {"design": "crossbar"}),
                Support("product by weights that stay written"),
            )
            for kind in PRODUCTS
        },
        "attention": Support("both operands are sent in as light", {"attention": "photonic"}),
    },
    cost="gigawatt.technology.photonic.model:Photonic",
    parts={
        "laser": "laser",
        "modulator": "arithmetic",
        "dac": "converters",
        "detector": "arithmetic",
        "tia": "arithmetic",
        "adc": "converters",
        "tuning": "arithmetic",
        "digital": "arithmetic",
        "sram": "sram",
        "link": "arithmetic",
        "weights": "weights",
        "cache": "cache",
    },
    settings="gigawatt.technology.photonic.products:SETTINGS",
    emulation="gigawatt.emulation.photonic",
)
"""Weights that stand in light, or are sent in for each use."""
