"""Answers to inverse questions as plain data: what ``gigawatt solve --json`` prints."""

from __future__ import annotations

from typing import Any

import yaml

from gigawatt.chain.asking import LAYERS
from gigawatt.core.quantities import factor
from gigawatt.core.store import plain
from gigawatt.studies.solve.crossing import Crossings
from gigawatt.studies.solve.solve import Answer, Kept

__all__ = ["as_answer", "as_crossings", "found_scenario"]

_MOST = 2000


def as_answer(answer: Answer) -> dict[str, Any]:
    """Stable keys; amounts in the unit of their quantity."""
    question = answer.question
    unit = question.asker.graph.nodes[question.objective].unit
    scale = factor(unit)
    return {
        "scenario": str(question.asker.base.file),
        "settings": {key: str(value) for key, value in question.asker.settings.items()},
        "objective": question.objective,
        "sense": "maximise" if question.most else "minimise",
        "unit": unit,
        "found": answer.found,
        "value": plain(None if answer.objective is None else answer.objective / scale),
        "grade": None if answer.grade is None else answer.grade.label,
        "values": dict(answer.values),
        "unknowns": [
            {
                "key": axis.key,
                "values": len(axis.values) or None,
                "low": axis.shown[0] if axis.values else axis.words(axis.at(0.0)),
                "high": axis.shown[-1] if axis.values else axis.words(axis.at(1.0)),
                "chosen": axis.note,
                "at_end": axis.key in answer.at_end,
            }
            for axis in question.axes
        ],
        "limits": [_limit(one, scale) for one in answer.kept],
        "searched": {
            "method": answer.method,
            "exact": answer.exact,
            "points": answer.points,
            "computed": dict(answer.computed),
            "seed": question.seed,
            "cpu_seconds": round(answer.cpu_seconds, 3),
        },
        "not_computable": dict(answer.reasons),
        "notices": list(answer.notices),
        "points": [
            {
                "values": dict(one.values),
                "amounts": {
                    name: plain(value / factor(question.asker.graph.nodes[name].unit))
                    for name, value in one.amounts.items()
                },
                "excess": plain(one.excess),
                "reason": one.reason,
            }
            for one in answer.tried[:_MOST]
        ],
    }


def _limit(one: Kept, scale: float) -> dict[str, Any]:
    unit = factor(one.limit.unit)
    return {
        "limit": one.limit.written,
        "quantity": one.limit.quantity,
        "unit": one.limit.unit,
        "bound": plain(one.limit.value / unit),
        "value": plain(None if one.value is None else one.value / unit),
        "room": plain(one.room),
        "binds": one.binds,
        "better_points_stopped": one.stopped,
        "wider_by": one.share,
        "objective_if_wider": plain(None if one.wider is None else one.wider / scale),
        "gain_if_wider": one.gain,
        "values_if_wider": one.there,
    }


def as_crossings(found: Crossings) -> dict[str, Any]:
    """Stable keys; both sides in the unit of the first."""
    unit = found.left.unit if found.left.asker is not None else found.right.unit
    scale = factor(unit)
    return {
        "unknown": found.axis.key,
        "where": f"{found.left.written} <= {found.right.written}",
        "unit": unit,
        "first": found.first,
        "crossings": [
            {
                "before": one.before,
                "after": one.after,
                "holds_after": one.holds,
                "left": plain(one.left / scale),
                "right": plain(one.right / scale),
            }
            for one in found.found
        ],
        "nearest": None
        if found.nearest is None
        else {"value": found.nearest[0], "missed_by": plain(found.nearest[1])},
        "searched": {
            "method": found.method,
            "monotone": found.monotone,
            "cpu_seconds": round(found.cpu_seconds, 3),
        },
        "not_computable": list(found.reasons),
        "rows": [
            {"value": words, "left": plain(mine / scale), "right": plain(theirs / scale), "holds": holds}
            for words, mine, theirs, holds in found.rows
        ],
    }


def found_scenario(answer: Answer) -> str | None:
    """The scenario of the answer in YAML; ``None`` where the model's size was sought, which no key says."""
    if not answer.changes or LAYERS in answer.changes:
        return None
    data = answer.question.asker.loaded(answer.changes).data
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)
