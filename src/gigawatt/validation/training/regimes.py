"""Regimes of measured training runs and makers of measurements: groups with errors and bands of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gigawatt.validation.files import table

if TYPE_CHECKING:
    from gigawatt.validation.training.cases import Case

__all__ = ["OTHERS", "REGIMES", "maker_of", "regime", "regime_of"]

OTHERS = "AMD, Gaudi, Ascend and others"
REGIMES = ("dense, A100/H100", "dense, Blackwell", "mixtures of experts", "TPU", OTHERS)
_HOPPER = ("A100", "A800", "H100", "H200", "H800", "H20-", "GH200")
_BLACKWELL = ("B100", "B200", "B300", "GB200", "GB300")
_MAKERS = "training_makers.csv"


def regime(*, chip: str, routed: bool) -> str:
    """The one of :data:`REGIMES` of a chip and a kind of model: TPUs, then experts, then the machine."""
    if chip.startswith("TPU"):
        return "TPU"
    if routed:
        return "mixtures of experts"
    if chip.startswith(_HOPPER):
        return "dense, A100/H100"
    return "dense, Blackwell" if chip.startswith(_BLACKWELL) else OTHERS


def regime_of(case: Case) -> str:
    """The regime of a case."""
    return regime(chip=case.cluster.chip.id, routed=case.kind == "MoE")


def maker_of(source: str) -> str:
    """Who made a measurement: by the first line of ``training_makers.csv`` that fits, else the source itself.

    Rows of a maker are left out of a fit together; nothing else is chosen by it.
    """
    return next((r["maker"] for r in table(_MAKERS) if re.search(r["source"], source, re.I)), source)
