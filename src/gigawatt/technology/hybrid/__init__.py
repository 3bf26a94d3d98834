"""Several technologies beside one digital host: each kind of operation where it runs best."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import OPERATIONS, every

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="hybrid",
    title="machine of several technologies",
    operations=every(OPERATIONS, "on the part that its row names, else on its digital host"),
    phases=("inference", "training"),
    cost="gigawatt.technology.hybrid.machine:Hybrid",
    parts={},
    emulation="gigawatt.emulation.hybrid",
    alone=True,
)
"""Its settings are groups of operations; its energies come under the names of the roll-up from its parts."""
