"""A co-design as plain data: the front, the designs that are told about and why they are better."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gigawatt.core.quantities import factor, show
from gigawatt.studies.codesign.codesign import CoDesign, Today
from gigawatt.studies.codesign.explain import (
    doubt,
    error_of_builder,
    relief_of,
    same_use,
    take_apart,
)
from gigawatt.studies.codesign.model import Model, Outcome, metrics_of
from gigawatt.studies.codesign.space import Gene

__all__ = ["as_codesign", "gene_words"]

Progress = Callable[[str, float], None]


def gene_words(gene: Gene, value: float | str) -> str:
    """A gene's value as a person reads it."""
    if isinstance(value, str):
        return value
    units = {"area": "mm^2", "sram": "MB", "scale_up": "GB/s"}
    if gene.key in units:
        return show(value, units[gene.key], 4)
    return f"{value:.3g}" if not float(value).is_integer() else f"{int(value)}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def _metrics(metrics: Mapping[str, float], units: Mapping[str, str]) -> dict[str, Any]:
    return {name: _plain(value / factor(units[name])) for name, value in metrics.items()}


def _design(model: Model, outcome: Outcome, units: Mapping[str, str]) -> dict[str, Any]:
    values = model.values(outcome.genes)
    return {
        "genes": {gene.key: gene_words(gene, values[gene.key]) for gene in model.genes},
        "metrics": _metrics(outcome.metrics, units),
        "layout": _plain(dict(outcome.layout)),
    }


def _at_end(model: Model, outcome: Outcome) -> list[str]:
    return [
        gene.key
        for gene, i in zip(model.genes, outcome.genes, strict=True)
        if gene.ordered and len(gene.values) > 2 and i in (0, len(gene.values) - 1)
    ]


def _chip(outcome: Outcome) -> dict[str, Any]:
    chip, built = outcome.chip, outcome.built
    if chip is None or built is None:
        return {}
    return {
        "peak": {form: _plain(rate / 1e12) for form, rate in chip.peak.items()},
        "memory_gb": _plain(chip.memory_bytes / 1e9),
        "memory_tb_s": _plain(chip.memory_bandwidth / 1e12),
        "power_w": _plain(chip.power_limit),
        "price": _plain(chip.price),
        "clock": _plain(built.clock),
        "binding": built.binding,
        "used": {name: _plain(used / there) for name, (used, there, _) in built.limits.items()},
        "budget": {die.role: _plain(dict(die.budget)) for die in built.dies},
    }


def _today(one: Today, units: Mapping[str, str], found: CoDesign) -> dict[str, Any]:
    names, mine = found.model.objectives, one.outcome.metrics
    beaten = sum(all(other.metrics[m] < mine[m] for m in names) for other in found.front)
    return {
        "beaten_in_all_by": beaten,
        "chip": one.chip,
        "count": one.count,
        "format": one.form,
        "price_known": one.priced,
        "metrics": _metrics(one.outcome.metrics, units),
    }


def as_codesign(found: CoDesign, progress: Progress | None = None) -> dict[str, Any]:
    """Stable keys; metrics in their unit, ratios to today's chip without one.

    Parameters
    ----------
    found : CoDesign
        Of :func:`~gigawatt.studies.codesign.codesign.co_design`.
    progress : callable, optional
        Called with (what is explained, share done).
    """
    model, units = found.model, metrics_of(found.serves)
    names = found.named()
    pairs = [(same_use(model, one), one) for one in names.values()]
    told = list(zip(names, pairs, strict=True))
    usable = [(name, pair) for name, pair in told if pair[0].metrics]
    if progress is not None:
        progress("Drawing the model's error", 0.96)
    doubts = dict(
        zip(
            (name for name, _ in usable),
            doubt(model, [pair for _, pair in usable], seed=found.seed),
            strict=True,
        )
    )
    designs: list[dict[str, Any]] = []
    for name, (same, outcome) in told:
        if progress is not None:
            progress(f"Taking apart: {name}", 0.97)
        parts = [take_apart(model, found.twin, outcome, metric) for metric in model.objectives]
        designs.append(
            {
                "name": name,
                **_design(model, outcome, units),
                "chip": _chip(outcome),
                "at_end": _at_end(model, outcome),
                "over_twin": {m: outcome.metrics[m] / found.twin.metrics[m] for m in model.objectives},
                "over_same_use": {m: outcome.metrics[m] / same.metrics[m] for m in model.objectives}
                if same.metrics
                else None,
                "error": [_plain(asdict(one)) for one in doubts.get(name, ())],
                "parts": [_plain(asdict(one)) for one in parts],
                "relief": [asdict(one) for one in relief_of(model, outcome)],
                "parts_of_time": _plain(dict(outcome.parts)),
            }
        )
    bests = {
        m: min(one.metrics[m] for one in found.held) / found.twin.metrics[m] for m in model.objectives
    } if found.held else {}  # fmt: skip
    return {
        "design": model.design.id,
        "serves": found.serves,
        "objectives": list(model.objectives),
        "units": dict(units),
        "limits": {name: most / factor(units[name]) for name, most in model.limits.items()},
        "genes": [
            {
                "key": gene.key,
                "words": gene.words,
                "group": gene.group,
                "values": [gene_words(gene, v) for v in gene.values],
                "today": gene_words(gene, gene.values[gene.own]),
            }
            for gene in model.genes
        ],
        "sources": [
            {
                "name": one.name,
                "electricity": one.electricity / factor("$/MWh"),
                "carbon": one.carbon / factor("g/kWh"),
            }
            for one in model.sources.values()
        ],
        "twin": {
            **_design(model, found.twin, units),
            "chip": _chip(found.twin),
            "relief": [asdict(one) for one in relief_of(model, found.twin)],
        },
        "own": None if found.own is None else _today(found.own, units, found),
        "twin_over_own": None
        if found.own is None or found.own.outcome.chip is None
        else _plain(_chips(found.own.outcome, found.twin)),
        "best_today": None if found.best is None else _today(found.best, units, found),
        "today": [_today(one, units, found) for one in found.today],
        "held_at_its_best": bests,
        "found_over_held": {m: found.least(m).metrics[m] / (bests[m] * found.twin.metrics[m]) for m in bests},
        "designs": designs,
        "held": [_design(model, one, units) for one in found.held],
        "front": [_design(model, one, units) for one in found.front],
        "searched": {
            "method": "NSGA-II",
            "population": found.population,
            "generations": found.generations,
            "seed": found.seed,
            "designs": len(found.evolved.genes),
            "kept_every_limit": int((found.evolved.excess <= 0.0).sum()),
            "front": found.size,
            "history": _plain((found.evolved.history / found.evolved.history[0]).tolist()),
            "cpu_seconds": round(found.cpu_seconds, 2),
        },
        "notices": list(found.notices),
    }


def _chips(own: Outcome, twin: Outcome) -> dict[str, float]:
    """The chip built from its parts over the catalog's, by what it is (not by what it does)."""
    assert own.chip is not None
    assert twin.chip is not None
    mine, theirs = twin.chip, own.chip
    form = "bf16" if "bf16" in mine.peak and "bf16" in theirs.peak else next(iter(mine.peak))
    return {
        "peak": mine.peak[form] / theirs.peak[form],
        "memory_bandwidth": mine.memory_bandwidth / theirs.memory_bandwidth,
        "memory_bytes": mine.memory_bytes / theirs.memory_bytes,
        "power_limit": mine.power_limit / theirs.power_limit,
        "energy_flop": mine.energy_flop[form] / theirs.energy_flop[form],
        **{k: v for k, v in error_of_builder(own, twin).items() if k == "chip_price"},
    }
