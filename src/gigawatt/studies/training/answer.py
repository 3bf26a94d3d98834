"""The answer of `gigawatt plan-training` as JSON: stable keys, the unit at the end of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.chain.training.caps import CapSweep, PowerChoice
from gigawatt.chain.training.inverse import Inverse
from gigawatt.chain.training.pareto import Compromise
from gigawatt.chain.training.plan import Plan
from gigawatt.chain.training.relief import Relief
from gigawatt.chain.training.sites import ALLOWED, Sites
from gigawatt.performance import StepTable
from gigawatt.performance.layouts import COLUMNS
from gigawatt.performance.schedules.makespan import Timeline
from gigawatt.performance.software_spread import Spread
from gigawatt.schema.pins import word_of
from gigawatt.validation.chain.band import run_days_band

__all__ = ["Uncertainty", "as_answer", "layout_of"]

Uncertainty = Mapping[str, Any]
"""The band of a step time: ``low``, ``high`` (factors), ``coverage``, ``groups``, ``outside`` (reasons), and
``software``, the spread of what is not known of it."""

_DAY, _MWH, _MW, _KM, _GBIT = 86400.0, 3.6e9, 1e6, 1e3, 1.25e8


def layout_of(table: StepTable, row: int) -> dict[str, int | float | str]:
    """One layout: degrees by name (``recompute``, ``schedule``, ``offload`` in words), ``microbatches``."""
    layouts = table.layouts
    degrees: dict[str, int | float | str] = {name: int(getattr(layouts, name)[row]) for name in COLUMNS}
    degrees |= {name: word_of(name, int(degrees[name])) for name in ("recompute", "schedule", "offload")}
    degrees["microbatches"] = float(layouts.microbatches[row])
    return degrees


def as_answer(
    plan: Plan,
    *,
    band: Uncertainty,
    relief: Sequence[Relief] = (),
    compromises: Sequence[Compromise] = (),
    compromises_of: int = 0,
    inverse: Inverse | None = None,
    timeline: Timeline | None = None,
    caps: CapSweep | None = None,
    choice: PowerChoice | None = None,
    sites: Sites | None = None,
) -> dict[str, Any]:
    """The plan as one mapping; see docs/plan-training.md.

    Parameters
    ----------
    plan : Plan
        The run on its accelerators.
    band : mapping
        See :data:`Uncertainty`; it comes from the validation room, which study does not know.
    relief, compromises, inverse, timeline, caps, choice, sites
        Where they were asked for, or found on the way.
    compromises_of : int
        Layouts looked at for the compromises.
    """
    answer: dict[str, Any] = {**_asked(plan), **_searched(plan), **_found(plan, band)}
    spread: Spread | None = band.get("software")
    if spread is not None:
        answer["software_spread"] = {
            "low": spread.low,
            "high": spread.high,
            "flags": {flag: dict(of) for flag, of in spread.flags.items()},
        }
    if relief:
        answer["relief"] = [_relief(one) for one in relief]
    if compromises:
        answer["pareto"] = [_compromise(one) for one in compromises]
        answer["pareto_layouts_evaluated"] = compromises_of
    if inverse is not None:
        answer["inverse"] = _inverse(inverse)
    if timeline is not None:
        answer["timeline"] = {
            "device": timeline.device.tolist(),
            "chunk": timeline.chunk.tolist(),
            "microbatch": timeline.microbatch.tolist(),
            "pass": timeline.name.tolist(),
            "start_s": timeline.start.tolist(),
            "end_s": timeline.end.tolist(),
        }
    if caps is not None:
        answer["cap_sweep"] = _caps(caps, plan.run.tokens)
    if choice is not None:
        answer["power_choice"] = [_choice(one) for one in (choice.capped, choice.fewer) if one is not None]
    if sites is not None:
        answer["sites"] = _sites(plan, sites)
    answer["notices"] = [
        *plan.notices,
        *plan.fit.advice(),
        *(sites.notices if sites is not None else ()),
        *(f"outside the calibrated range: {o}" for o in band.get("outside", ())),
        *_software_notice(spread),
    ]
    assumed = (*plan.assumptions, *(sites.assumptions if sites is not None else ()))
    answer["assumptions"] = [one.to_json() for one in assumed]
    return answer


def _asked(plan: Plan) -> dict[str, Any]:
    """The run and the machine, as they were asked for or filled in."""
    question, cluster, run = plan.question, plan.cluster, plan.run
    model = question.architecture
    return {
        "model": model.name,
        "parameters": model.parameters.total,
        "active_parameters": model.active_parameters,
        "tokens": question.tokens,
        "tokens_trained": run.tokens,
        "sequence_tokens": run.sequence,
        "global_batch_sequences": run.global_batch,
        "steps": run.steps,
        "number_format": run.number_format,
        "optimizer": run.optimizer,
        "software": question.stack.id,
        "chip": cluster.chip.id,
        "count": plan.count,
        "used": cluster.count,
        "spare": plan.count - cluster.count,
        "node": cluster.node.id,
        "scale_up": cluster.scale_up.id,
        "scale_up_domain": cluster.scale_up_size,
        "scale_out": cluster.scale_out.id,
    }


def _searched(plan: Plan) -> dict[str, Any]:
    """How many layouts were looked at, and how quickly."""
    search = plan.search
    return {
        "layouts_evaluated": search.looked_at,
        "layouts_fit": search.fit,
        "layouts_in_full": search.in_full,
        "search_cpu_s": plan.cpu_seconds,
        "exact_schedules": len(search.best),
        "exact_schedules_cpu_s": plan.exact_cpu_seconds,
        "layouts_per_cpu_s": search.looked_at / plan.cpu_seconds if plan.cpu_seconds > 0 else None,
    }


def _found(plan: Plan, band: Uncertainty) -> dict[str, Any]:
    """Time, power, energy and money of the best layout, with their bands."""
    question, cluster, run = plan.question, plan.cluster, plan.run
    search, outcome = plan.search, plan.outcome
    parts = {name: float(values[0]) for name, values in search.best.parts.items()}
    low, high = max(float(band["low"]), float(search.best.mfu[0])), float(band["high"])
    rarely, often = plan.share_band
    quick, slow = run_days_band(step=(low, high), failures=(plan.share / often, plan.share / rarely))
    return {
        "step_time_s": float(search.best.step_time[0]),
        "step_time_low_s": float(search.best.step_time[0]) * low,
        "step_time_high_s": float(search.best.step_time[0]) * high,
        "mfu": float(search.best.mfu[0]),
        "tokens_per_s": run.tokens_per_step / float(search.best.step_time[0]) * plan.share,
        "days": plan.days,
        "days_low": plan.days * quick,
        "days_high": plan.days * slow,
        "goodput": plan.share,
        "goodput_low": plan.share_band[0],
        "goodput_high": plan.share_band[1],
        "goodput_parts": dict(plan.goodput.parts),
        "overhead": question.overhead,
        "checkpoint_interval_s": _finite(plan.goodput.interval),
        "failures_per_day": plan.goodput.failures_per_day,
        "parts_s": parts,
        "binds": max(parts, key=lambda name: parts[name]),
        "power_MW": {
            "it_mean": float(outcome.power_it[0]) / _MW,
            "it_design": plan.power.it / _MW,
            "facility_peak": plan.peak / _MW,
            "limit": None if plan.power.limit is None else plan.power.limit / _MW,
        },
        "power_cap_W": question.cap,
        "chip_power_limit_W": cluster.chip.power_limit,
        "clock": float(plan.clock[0]),
        "pue": question.pue_mean,
        "pue_peak": question.pue_peak,
        "energy_MWh": float(outcome.energy[0]) / _MWH,
        "energy_per_token_J": float(outcome.energy[0]) / run.tokens,
        "cost_USD": float(outcome.cost[0]),
        "cost_parts_USD": {
            "machine_and_building": float(outcome.capital[0]),
            "electricity": float(outcome.electricity[0]),
        },
        "chip_hour_USD": plan.chip_second * 3600.0,
        "electricity_USD_per_MWh": question.electricity * _MWH,
        "memory_limit_GB": cluster.chip.memory_bytes / 1e9,
        "best": [_row(plan, row, low, high) for row in range(len(search.best))],
        "band": {
            "low": float(band["low"]),
            "high": high,
            "coverage": band["coverage"],
            "sources": band["groups"],
            "outside_calibrated_domain": list(band.get("outside", ())),
        },
    }


def _software_notice(spread: Spread | None) -> tuple[str, ...]:
    """Which flags of the software that are not known matter, where any does."""
    if spread is None or not spread.flags:
        return ()
    ends = f"{spread.low:.3g} to {spread.high:.3g}"
    return (
        f"what is not known of the software: {ends} times the step; by flag: {spread.words}; "
        "software.flags says them",
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _row(plan: Plan, row: int, low: float, high: float) -> dict[str, Any]:
    best, outcome = plan.search.best, plan.outcome
    step = float(best.step_time[row])
    return {
        **layout_of(best, row),
        "step_time_s": step,
        "step_time_low_s": step * low,
        "step_time_high_s": step * high,
        "step_time_exact_schedule_s": float(plan.exact.step_time[row]),
        "mfu": float(best.mfu[row]),
        "clock": float(plan.clock[row]),
        "days": float(outcome.seconds[row]) / _DAY,
        "energy_MWh": float(outcome.energy[row]) / _MWH,
        "energy_per_token_J": float(outcome.energy[row]) / plan.run.tokens,
        "cost_USD": float(outcome.cost[row]),
        "memory_GB": float(best.memory_total[row]) / 1e9,
        "memory_parts_GB": {name: float(v[row]) / 1e9 for name, v in best.memory.items()},
        "parts_s": {name: float(v[row]) for name, v in best.parts.items()},
    }


def _relief(one: Relief) -> dict[str, Any]:
    return {
        "resource": one.resource,
        "words": one.words,
        "factor": one.factor,
        "step_time_same_layout_s": one.step_held,
        "step_time_s": one.step,
        "days_same_layout": one.seconds_held / _DAY,
        "days": one.seconds / _DAY,
        "gain_same_layout": one.gain_held,
        "gain": one.gain,
        "layout_moves": one.moved,
        "layouts_fit": one.fits,
        "layout": layout_of(one.best, 0),
    }


def _compromise(one: Compromise) -> dict[str, Any]:
    return {
        "count": one.count,
        "days": one.seconds / _DAY,
        "energy_MWh": one.energy / _MWH,
        "cost_USD": one.cost,
        "goodput": one.share,
        "step_time_s": float(one.table.step_time[0]),
        "mfu": float(one.table.mfu[0]),
        "memory_GB": float(one.table.memory_total[0]) / 1e9,
        "layout": layout_of(one.table, 0),
    }


def _caps(sweep: CapSweep, tokens: float) -> dict[str, Any]:
    rows = [
        {
            "power_cap_W": float(sweep.caps[k]),
            "clock": float(sweep.clock[k]),
            "step_time_s": float(sweep.step_time[k]),
            "days": float(sweep.seconds[k]) / _DAY,
            "chip_power_W": float(sweep.chip_power[k]),
            "energy_MWh": float(sweep.energy[k]) / _MWH,
            "energy_per_token_J": float(sweep.energy[k]) / tokens,
            "cost_USD": float(sweep.cost[k]),
        }
        for k in range(len(sweep.caps))
    ]
    return {
        "rows": rows,
        "least_energy_cap_W": rows[sweep.frugal]["power_cap_W"],
        "least_cost_cap_W": rows[sweep.cheapest]["power_cap_W"],
    }


def _choice(plan: Plan) -> dict[str, Any]:
    return {
        "count": plan.count,
        "power_cap_W": plan.question.cap,
        "clock": float(plan.clock[0]),
        "days": plan.days,
        "energy_per_token_J": float(plan.outcome.energy[0]) / plan.run.tokens,
        "cost_USD": float(plan.outcome.cost[0]),
        "facility_peak_MW": plan.peak / _MW,
    }


def _sites(plan: Plan, sites: Sites) -> dict[str, Any]:
    return {
        "count": sites.count,
        "accelerators_each": plan.cluster.count // sites.count,
        "distance_km": sites.distance / _KM,
        "wan_Gbit_per_s": sites.bandwidth / _GBIT,
        "one_way_delay_ms": sites.delay * 1e3,
        "site_layout": layout_of(sites.search.best, 0),
        "site_step_time_s": sites.step_time,
        "days_on_one_site": plan.days,
        "slowdown_allowed": ALLOWED,
        "methods": [
            {
                "method": way.method,
                "inner_steps": way.inner_steps,
                "step_time_s": _finite(float(way.found.step_time)),
                "slowdown": _finite(float(way.found.slowdown)),
                "tokens_factor": _finite(float(way.found.tokens)),
                "time_factor": _finite(float(way.found.time)),
                "time_factor_low": _finite(float(way.found.time_low)),
                "time_factor_high": _finite(float(way.found.time_high)),
                "days": _finite(way.days),
                "days_low": _finite(way.days_low),
                "days_high": _finite(way.days_high),
                "traffic_Gbit_per_s": float(way.found.traffic) / _GBIT,
                "needed_Gbit_per_s": _finite(way.bandwidth / _GBIT),
                "outside_published": bool(way.found.outside),
            }
            for way in sites.ways
        ],
        "still_works": {
            "distances_km": [float(d) / _KM for d in sites.distances],
            "needed_Gbit_per_s": {
                name: [_finite(float(b) / _GBIT) for b in row] for name, row in sites.needed.items()
            },
        },
    }


def _inverse(inverse: Inverse) -> dict[str, Any]:
    model = inverse.plan.question.architecture
    answer: dict[str, Any] = {
        "kind": inverse.kind,
        "deadline_days": inverse.deadline / _DAY,
        "searched": [
            {
                "count": one.count,
                "parameters": one.parameters,
                "layers": one.layers,
                "days": one.days,
                "reason": one.reason,
            }
            for one in inverse.attempts
        ],
    }
    if inverse.kind == "largest_model":
        attention = model.blocks[0].attention
        answer["model"] = {
            "parameters": model.parameters.total,
            "active_parameters": model.active_parameters,
            "layers": model.layers,
            "hidden": model.hidden,
            "heads": attention.heads,
            "key_value_heads": attention.key_value_heads,
        }
    return answer
