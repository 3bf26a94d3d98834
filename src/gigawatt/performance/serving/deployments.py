"""Published deployments with prefill and decode apart: rows of ``engines_deployments``.

How many workers of either pool operators run, how attention and experts are cut on their ranks and how many
tokens are drafted: settings of benchmarks' launch configurations, by engine, model, accelerator, format and
load. Which one a load has is a matter of its concurrency: few requests go to many narrow decode workers, many
to few wide ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.catalog import Entity, table

__all__ = ["MODULES", "Deployment", "Workers", "deployment_for", "deployments_of"]

MODULES = "mtp"
"""How published deployments draft: with the prediction modules of the model."""

_POOLS = ("prefill", "decode")
_NEAR = 2.0
"""Lengths of prompts and outputs that differ by less than this ratio are of one load."""


@dataclass(frozen=True)
class Workers:
    """Workers of a pool: ``count`` of them, each with ``groups`` attention groups of ``tensor`` ranks and its
    experts in ``experts`` groups."""

    count: float
    tensor: float
    groups: float
    experts: float

    @property
    def ranks(self) -> float:
        """Accelerators of a worker."""
        return self.tensor * self.groups

    @property
    def words(self) -> str:
        """The layout of a worker as it is written, such as ``TP1 DP16 EP16``."""
        degrees = {"TP": self.tensor, "DP": self.groups, "EP": self.experts}
        return " ".join(f"{name}{size:.0f}" for name, size in degrees.items() if size > 1.0 or name == "TP")

    @property
    def counted(self) -> str:
        """The same with their number: ``4xTP1 DP4 EP4``."""
        return f"{self.count:g}x{self.words}"


@dataclass(frozen=True)
class Deployment:
    """A prefill and a decode pool that run together, with ``guesses`` draft tokens (0: none); ``id`` of the
    row, and that of its concurrencies, ``held``, which is nearest to the load's."""

    id: str
    prefill: Workers
    decode: Workers
    guesses: float
    held: float


def _workers(row: Entity, pool: str) -> Workers:
    tensor, groups, experts = (row.value(f"{pool}_{name}") for name in ("tensor", "groups", "experts"))
    return Workers(row.value(pool), tensor, groups, experts)


def _apart(one: float, other: float) -> float:
    return abs(math.log(one / other))


def deployment_for(
    *,
    engine: str,
    model: str,
    chip: str,
    weights: str,
    prompt: float,
    output: float,
    held: float,
    ranks: tuple[float, float] | None = None,
) -> Deployment | None:
    """The published deployment for a load; ``None`` where there is none of these.

    That whose concurrencies come nearest to the load's; of several without draft tokens before with them,
    then with fewer accelerators.

    Parameters
    ----------
    engine, model, chip, weights : str
        Ids of the catalog, and the stored format.
    prompt, output : float [token]
        Nominal lengths, within twice those of the row.
    held : float
        Requests in flight over all workers.
    ranks : (float, float), optional
        Accelerators of a prefill and of a decode worker, where they are known.
    """
    best: tuple[tuple[float, float, float], Deployment] | None = None
    for row in table("engines_deployments").values():
        key = (row.text("engine"), row.text("model"))
        if key != (engine, model) or not weights.startswith(row.text("weights")):
            continue
        lengths = (_apart(prompt, row.value("prompt")), _apart(output, row.value("output")))
        if not chip.startswith(row.text("prefix")) or max(lengths) >= math.log(_NEAR):
            continue
        prefill, decode = (_workers(row, pool) for pool in _POOLS)
        if ranks is not None and ranks != (prefill.ranks, decode.ranks):
            continue
        nearest = min(map(float, row.text("held").split("|")), key=lambda n: _apart(held, n))
        found = Deployment(row.id, prefill, decode, row.value("guesses"), nearest)
        order = (
            round(_apart(held, nearest), 2),
            found.guesses,
            prefill.count * prefill.ranks + decode.count * decode.ranks,
        )
        if best is None or order < best[0]:
            best = order, found
    return None if best is None else best[1]


def deployments_of(model: str, engine: str) -> list[str]:
    """Accelerator, format and lengths for which deployments of a model are published on an engine, with
    ``on`` the engines for which there are any where there are none on this."""
    rows = [row for row in table("engines_deployments").values() if row.text("model") == model]
    mine = [row for row in rows if row.text("engine") == engine]
    told = {
        f"{row.text('prefix')} {row.text('weights')} {row.value('prompt'):.0f}/{row.value('output'):.0f}"
        for row in mine
    }
    return sorted(told or {f"on {row.text('engine')}" for row in rows})
