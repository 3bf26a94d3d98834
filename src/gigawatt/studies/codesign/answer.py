"""A co-design as plain data: the front, the designs that are told about and why they are better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gigawatt.core.quantities import factor, show
from gigawatt.core.store import plain
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


def _metrics(metrics: Mapping[str, float], units: Mapping[str, str]) -> dict[str, Any]:
    return {name: plain(value / factor(units[name])) for name, value in metrics.items()}


def _design(model: Model, outcome: Outcome, units: Mapping[str, str]) -> dict[str, Any]:
    values = model.values(outcome.genes)
    return {
        "genes": {gene.key: gene_words(gene, values[gene.key]) for gene in model.genes},
        "metrics": _metrics(outcome.metrics, units),
        "layout": plain(dict(outcome.layout)),
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
        "peak": {form: plain(rate / 1e12) for form, rate in chip.peak.items()},
        "memory_gb": plain(chip.memory_bytes / 1e9),
        "memory_tb_s": plain(chip.memory_bandwidth / 1e12),
        "power_w": plain(chip.power_limit),
        "price": plain(chip.price),
        "clock": plain(built.clock),
        "binding": built.binding,
        "used": {name: plain(used / there) for name, (used, there, _) in built.limits.items()},
        "budget": {die.role: plain(dict(die.budget)) for die in built.dies},
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
    bests = {
        m: min(one.metrics[m] for one in found.held) / found.twin.metrics[m] for m in model.objectives
    } if found.held else {}  # fmt: skip
    own = found.own
    return {
        "design": model.design.id,
        "serves": found.serves,
        "objectives": list(model.objectives),
        "units": dict(units),
        "limits": {name: most / factor(units[name]) for name, most in model.limits.items()},
        "genes": [_gene(gene) for gene in model.genes],
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
        "own": None if own is None else _today(own, units, found),
        "twin_over_own": None
        if own is None or own.outcome.chip is None
        else plain(_chips(own.outcome, found.twin)),
        "best_today": None if found.best is None else _today(found.best, units, found),
        "today": [_today(one, units, found) for one in found.today],
        "held_at_its_best": bests,
        "found_over_held": {m: found.least(m).metrics[m] / (bests[m] * found.twin.metrics[m]) for m in bests},
        "designs": _designs(found, units, progress),
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
            "history": plain((found.evolved.history / found.evolved.history[0]).tolist()),
            "cpu_seconds": round(found.cpu_seconds, 2),
        },
        "notices": list(found.notices),
    }


def _gene(gene: Gene) -> dict[str, Any]:
    return {
        "key": gene.key,
        "words": gene.words,
        "group": gene.group,
        "values": [gene_words(gene, v) for v in gene.values],
        "today": gene_words(gene, gene.values[gene.own]),
    }


def _designs(found: CoDesign, units: Mapping[str, str], progress: Progress | None) -> list[dict[str, Any]]:
    """The designs of the front that have a name, over today's chip, with errors and reasons."""
    model, names = found.model, found.named()
    pairs = {name: (same_use(model, one), one) for name, one in names.items()}
    usable = [name for name, (same, _) in pairs.items() if same.metrics]
    if progress is not None:
        progress("Drawing the model's error", 0.96)
    drawn = doubt(model, [pairs[name] for name in usable], seed=found.seed)
    doubts = dict(zip(usable, drawn, strict=True))
    designs: list[dict[str, Any]] = []
    for name, (same, outcome) in pairs.items():
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
                "error": [plain(asdict(one)) for one in doubts.get(name, ())],
                "parts": [plain(asdict(one)) for one in parts],
                "relief": [asdict(one) for one in relief_of(model, outcome)],
                "parts_of_time": plain(dict(outcome.parts)),
            }
        )
    return designs


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
