"""Energy of twelve published training runs beside ours, each in the boundary in which it was published.

Ours is what `gigawatt run` answers: the quickest layout of the published model on the published chips gives
the step time and the power, goodput what failures take, the overhead what a whole run takes besides. No
measured efficiency of the run enters. Where the catalog lacks the architecture, one of like size takes its
place, with as many tokens as the published FLOP are of it.

Boundaries: ``tdp``: chip-hours times the chip's limit, as most model cards count; ``system``: chips, hosts
and network as they draw; either times the published PUE (1 where it is not in).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from gigawatt.catalog import Entity, entity, table
from gigawatt.chain.asking import Asker
from gigawatt.schema.changed import scenario_of

__all__ = ["TABLE", "architecture", "boundary", "energy_of", "median_ratio", "run_energy"]

TABLE = "hindcast_energy"
_SITE = "virginia"
"""Of a scenario: it does not move what chips, hosts and network draw."""
_ANY = 1e11
"""Tokens of a run that is known by its FLOP, until those of its model are computed."""
_OF_A_RUN = (
    "energy.at_limit", "energy.it", "training.accelerator_hours", "ledger.run_cost", "training.mfu",
    "training.goodput",
)  # fmt: skip


@dataclass(frozen=True)
class RunEnergy:
    """One run: energies in J. ``ours`` in the published boundary, ``drawn`` what chips, hosts and network
    draw (no PUE), ``chip_hours`` in h, ``cost`` of the run on a campus of its owner in $; ``mfu`` and
    ``goodput`` are shares, ``stack`` the software that was assumed."""

    id: str
    ours: float
    published: float
    drawn: float
    chip_hours: float
    cost: float
    mfu: float
    goodput: float
    stack: str

    @property
    def ratio(self) -> float:
        """Ours over published."""
        return self.ours / self.published


def run_energy(row: Entity) -> RunEnergy:
    """Predict the energy of one row of :data:`TABLE`, by the chain that `gigawatt run` evaluates.

    Parameters
    ----------
    row : Entity
        Architecture, chip and count, batch, and either tokens or FLOP.
    """
    sequence, batch = row.value("sequence"), row.value("batch")
    price = entity("outlook_grid", "us").value("price")
    values: dict[str, object] = {
        "model": row.text("architecture"), "year": int(row.text("year")),
        "training.tokens": f"{row.get('tokens', 0.0) or _ANY:.0f} tokens",
        "training.sequence": f"{sequence:.0f} tokens",
        "training.global_batch": f"{batch * sequence:.0f} tokens",
        "training.number_format": row.text("number_format"), "machine.chip": row.text("chip"),
        "machine.count": round(row.value("count")), "site.name": _SITE,
        "site.pue": row.value("pue"), "supply.price": f"{price * 3.6e9:.6g} $/MWh",
    }  # fmt: skip
    asker = Asker(scenario_of(values, Path("scenario.yaml")))
    point = asker.at({})
    if not row.get("tokens", 0.0):
        tokens = row.value("flop") / float(point.value("model.flops_per_token").value)
        point = asker.at({"training.tokens": f"{tokens:.0f} tokens"})
    found = {name: float(point.value(name).value) for name in _OF_A_RUN}
    counted = found["energy.at_limit" if row.text("boundary") == "tdp" else "energy.it"]
    return RunEnergy(
        id=row.id,
        ours=counted * row.value("pue"),
        published=row.value("published"),
        drawn=found["energy.it"],
        chip_hours=found["training.accelerator_hours"] / 3600.0,
        cost=found["ledger.run_cost"],
        mfu=found["training.mfu"],
        goodput=found["training.goodput"],
        stack=point.value("software.stack").value.id,
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
