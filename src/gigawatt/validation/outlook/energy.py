"""Energy of twelve published training runs beside ours, each in the boundary in which it was published.

Ours comes from the training model: the quickest layout of the published model on the published chips gives
the step time and the power, goodput what failures take. No measured efficiency of the run enters. Where the
catalog lacks the architecture, one of like size gives the share of the peak (MFU), and the published FLOP
the work.

Boundaries: ``tdp``: chip-hours times the chip's limit, as most model cards count; ``system``: chips, hosts
and network as they draw; either times the published PUE (1 where it is not in).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gigawatt.catalog import Entity, table
from gigawatt.chain.training.reliability import goodput_of
from gigawatt.machine.load import build_cluster
from gigawatt.performance.layouts import TrainingRun
from gigawatt.performance.power import capped
from gigawatt.performance.search import search
from gigawatt.performance.software import default_stack
from gigawatt.workload import read_architecture

__all__ = ["TABLE", "architecture", "boundary", "energy_of", "median_ratio", "run_energy"]

TABLE = "hindcast_energy"
_CLUSTER = "large-cluster"


@dataclass(frozen=True)
class RunEnergy:
    """One run: energies in J. ``ours`` in the published boundary, ``drawn`` what chips, hosts and network
    draw (no PUE), ``chip_hours`` in h; ``mfu`` and ``goodput`` are shares, ``stack`` the software that was
    assumed."""

    id: str
    ours: float
    published: float
    drawn: float
    chip_hours: float
    mfu: float
    goodput: float
    stack: str

    @property
    def ratio(self) -> float:
        """Ours over published."""
        return self.ours / self.published


def run_energy(row: Entity) -> RunEnergy:
    """Predict the energy of one row of :data:`TABLE`.

    Parameters
    ----------
    row : Entity
        Architecture, chip and count, batch, and either tokens or FLOP.

    Returns
    -------
    RunEnergy
    """
    count, sequence, batch = (int(row.value(key)) for key in ("count", "sequence", "batch"))
    cluster, _ = build_cluster(chip=row.text("chip"), count=count)
    stack = default_stack(cluster.chip, int(row.text("year")))
    run = TrainingRun(
        architecture=read_architecture(row.text("architecture")), tokens=float(batch * sequence),
        sequence=sequence, global_batch=batch, number_format=row.text("number_format"),
        optimizer=stack.optimizer,
    )  # fmt: skip
    best = capped(search(run, cluster, stack, {}, top=1).best, cluster)
    step, mfu = float(best.step_time[0]), float(best.mfu[0])
    watts = sum(float(joules[0]) for joules in best.energy.values()) / step / count
    share = goodput_of(_CLUSTER, float(count), year=int(row.text("year"))).share
    tokens = row.get("tokens", 0.0)
    if tokens:
        seconds = tokens / (batch * sequence) * step * count
    else:
        seconds = row.value("flop") / (cluster.chip.peak[row.text("number_format")] * mfu)
    seconds /= share
    drawn = seconds * watts
    counted = seconds * cluster.chip.power_limit if row.text("boundary") == "tdp" else drawn
    return RunEnergy(
        id=row.id,
        ours=counted * row.value("pue"),
        published=row.value("published"),
        drawn=drawn,
        chip_hours=seconds / 3600.0,
        mfu=mfu,
        goodput=share,
        stack=stack.id,
    )


@lru_cache(maxsize=64)
def energy_of(id: str) -> RunEnergy:
    """:func:`run_energy` of a row of :data:`TABLE` by its id."""
    return run_energy(table(TABLE)[id])


def median_ratio() -> float:
    """Median of ours over published, all runs."""
    return float(np.median([energy_of(id).ratio for id in table(TABLE)]))


def boundary(id: str) -> str:
    """What is counted in a run's published energy, in words."""
    row = table(TABLE)[id]
    counted = "chips at their limit" if row.text("boundary") == "tdp" else "chips, hosts and network"
    pue = row.value("pue")
    return f"{counted}, PUE {pue:g}" if pue > 1.0 else f"{counted}, no PUE"


def architecture(id: str) -> str:
    """The architecture that stands for a run's own, in words."""
    row = table(TABLE)[id]
    stands = row.text("stands_for")
    return f"architecture {row.text('architecture')}" + (f" ({stands})" if stands else "")
