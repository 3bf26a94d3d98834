"""Published runs of reinforcement learning beside what the chain answers of them, asked as a user would."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.chain.asking import Asker
from gigawatt.core.quantities import factor
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.settings import read_setting

__all__ = ["JudgedRollouts", "judged_rollouts", "scenario_words"]

_TABLE = "rl_published"
_BESIDE = {"site.name": "virginia", "supply.price": "60 $/MWh"}
"""What a scenario needs besides, and no time depends on."""


@dataclass(frozen=True)
class JudgedRollouts:
    """A published figure of a run and the predicted one, both in ``unit``; ``source`` says whose it is."""

    id: str
    name: str
    quantity: str
    unit: str
    published: float
    predicted: float
    source: str

    @property
    def ratio(self) -> float:
        """Predicted over published."""
        return self.predicted / self.published


def scenario_words(row: Entity) -> dict[str, object]:
    """Keys of the scenario of a row of ``rl_published``, with values as a file has them."""
    pairs = (one.partition("=") for one in row.text("scenario").split(";") if one.strip())
    found = {key.strip(): read_setting(key.strip(), value.strip()) for key, _, value in pairs}
    return {**_BESIDE, **found}


def _predicted(row: Entity, askers: dict[str, Asker]) -> float:
    text = row.text("scenario")
    if text not in askers:
        askers[text] = Asker(scenario_of(scenario_words(row), Path("rl_published")))
    point = askers[text].at({})
    first, _, second = (part.strip() for part in row.text("quantity").partition("/"))
    value = float(point.value(first).value)
    if second:
        return value / float(point.value(second).value)
    return value / (factor(row.text("unit")) if row.text("unit") else 1.0)


def judged_rollouts(rows: Mapping[str, Entity] | None = None) -> tuple[JudgedRollouts, ...]:
    """Every published figure of ``rl_published`` with its prediction; rows of one name are added up.

    Nothing is fitted to them: software, formats, failures and the time besides steps are those that a
    scenario gets which does not say them.
    """
    table = catalog.table(_TABLE) if rows is None else rows
    askers: dict[str, Asker] = {}
    found: dict[str, JudgedRollouts] = {}
    for row in table.values():
        published = row.get("published")
        value = _predicted(row, askers)
        key = row.text("name")
        if published is not None and not math.isnan(published):
            found[key] = JudgedRollouts(row.id, key, row.text("quantity"), row.text("unit"), published, value,
                                        row.text("source_id"))  # fmt: skip
        else:
            one = found[key]
            found[key] = JudgedRollouts(one.id, one.name, one.quantity, one.unit, one.published,
                                        one.predicted + value, one.source)  # fmt: skip
    return tuple(found.values())
