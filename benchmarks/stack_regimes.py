"""Regimes: the groups of measured training runs that a scorecard speaks of, by model, machine and format."""

from __future__ import annotations

from gigawatt.performance.stacks import NARROW
from gigawatt.validation.training.cases import Case

__all__ = ["REGIMES", "regime_of"]

SMALL = 2048
"""Hidden width up to which a model counts as small."""

REGIMES = (
    "dense, A100/H100",
    "dense, Blackwell FP8/FP4",
    "dense, Blackwell 16 bit",
    "MoE",
    "TPU",
    "small models",
    "dense, others",
)


def regime_of(case: Case) -> str:
    """The one of :data:`REGIMES` that a case belongs to: small models first, then MoE, then the machine."""
    chip = case.cluster.chip.id
    if case.architecture.hidden <= SMALL:
        return "small models"
    if case.kind == "MoE":
        return "MoE"
    if chip.startswith("TPU"):
        return "TPU"
    if chip.startswith(("A100", "A800", "H100", "H200", "H800", "GH200")):
        return "dense, A100/H100"
    if chip.startswith(("B200", "GB200", "B300", "GB300", "B100")):
        return "dense, Blackwell FP8/FP4" if case.number_format in NARROW else "dense, Blackwell 16 bit"
    return "dense, others"
