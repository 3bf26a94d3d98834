"""What `plan-serving` recommends beside what is deployed and published: ``published_plans.csv``.

A row names a model, a chip, the formats of the published checkpoint and the layouts that its publisher
recommends or measured; ``difference`` says why the plan is none of them, where it is none.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt.chain.serving.plan import ServingPlan, plan_serving
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.core.errors import GigawattError
from gigawatt.validation.files import data_folder

__all__ = [
    "LOAD",
    "PublishedPlan",
    "Recommended",
    "layout_name",
    "pinned_rate",
    "published_plans",
    "recommended",
]

LOAD: Mapping[str, Any] = {
    "prompt": "1024", "output": "1024", "objective": "ttft=2s,tpot=50ms,p90", "year": 2025,
}  # fmt: skip
"""A chat of as many tokens as public benchmarks have, with a usual latency target."""
_LETTERS = {"tp": "tensor", "pp": "pipeline", "dp": "data", "ep": "expert"}


@dataclass(frozen=True)
class PublishedPlan:
    """One deployment that is recommended or measured in public."""

    model: str
    chip: str
    weights: str
    cache: str
    layouts: tuple[str, ...]
    publisher: str
    what: str
    url: str
    difference: str


@dataclass(frozen=True)
class Recommended:
    """The plan for a published deployment: layout, accelerators, requests in flight, rates [tokens/s].

    ``published_rate`` is that of the best published layout under the same load, as predicted; ``None`` where
    none can be planned.
    """

    layout: str
    chips: int
    held: float
    rate: float
    tpot: float
    limit: str
    published_rate: float | None


def layout_name(degrees: Mapping[str, int]) -> str:
    """``TP2 DP4 EP8``; of one accelerator ``TP1``."""
    words = [f"{two.upper()}{degrees[name]}" for two, name in _LETTERS.items() if degrees.get(name, 1) > 1]
    return " ".join(words) or "TP1"


def published_plans() -> tuple[PublishedPlan, ...]:
    """The shipped rows, in their order."""
    with (data_folder() / "published_plans.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = ("model", "chip", "weights", "cache", "publisher", "what", "url", "difference")
    return tuple(
        PublishedPlan(layouts=tuple(filter(None, row["layouts"].split("|"))), **{k: row[k] for k in names})
        for row in rows
    )


def _planned(
    row: PublishedPlan, fixed: Mapping[str, int | None] | None = None, year: int | None = None
) -> ServingPlan:
    question = read_serving_question(
        model=row.model,
        chip=row.chip,
        weights=row.weights or None,
        cache=row.cache or None,
        fixed=fixed,
        **{**LOAD, **({} if year is None else {"year": year})},
    )
    return plan_serving(question, finalists=0)


def _rate(plan: ServingPlan) -> float:
    return plan.first.rate * plan.question.traffic.mean_output / plan.first.chips


def pinned_rate(row: PublishedPlan, layout: str, year: int | None = None) -> float | None:
    """Output tokens/s of an accelerator with a published layout; ``None`` where it cannot be planned.

    ``year``: of the engine's release, in place of that of the load.
    """
    degrees = dict.fromkeys(_LETTERS.values(), 1)
    degrees |= {_LETTERS[two.lower()]: int(n) for two, n in re.findall(r"([TPDE]P)(\d+)", layout)}
    try:
        return _rate(_planned(row, degrees, year))
    except GigawattError:
        return None


def recommended(row: PublishedPlan) -> Recommended:
    """What is planned for the model, chip and formats of a row, in closed form."""
    plan = _planned(row)
    pool = plan.first.pools[0]
    rates = [rate for layout in row.layouts if (rate := pinned_rate(row, layout)) is not None]
    return Recommended(
        layout_name(pool.points.degrees.row(0)), plan.first.chips, float(pool.points.held[0]), _rate(plan),
        float(pool.points.tpot[0]), plan.limit, max(rates, default=None),
    )  # fmt: skip
