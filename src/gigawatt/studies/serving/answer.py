"""Answers of `gigawatt plan-serving` and `simulate-serving` as JSON: the unit at the end of each key."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from gigawatt.chain.serving.choice import Configuration, Pool
from gigawatt.chain.serving.intensity import Roofline, Wall
from gigawatt.chain.serving.plan import ServingPlan
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Prices
from gigawatt.chain.serving.simulate import Part, ServingRun
from gigawatt.chain.serving.trials import Tried
from gigawatt.core.evidence import Assumption
from gigawatt.performance.serving.inference import multiply_format
from gigawatt.serving.outages import KINDS
from gigawatt.serving.outcome import Quantiles, latencies
from gigawatt.serving.session_outcome import summarise_sessions
from gigawatt.studies.run.bands_serving import bands_of
from gigawatt.studies.serving.adapters import adapters_answer
from gigawatt.studies.serving.encoders import encoders_answer
from gigawatt.studies.serving.simulate_columns import gap_histogram, histogram

__all__ = ["plan_answer", "run_answer"]

_MWH, _KW = 3.6e9, 1e3


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _question(question: ServingQuestion) -> dict[str, Any]:
    model, traffic, objective = question.architecture, question.traffic, question.objective
    return {
        "model": model.name,
        "parameters": model.parameters.total,
        "active_parameters": model.active_parameters,
        "chip": question.chip.id,
        "weights": question.weights,
        "multiplied_in": multiply_format(question.weights, question.chip),
        "cache": question.cache,
        "engine": question.engine.id,
        "guesses": question.guesses,
        "accepted_tokens": question.accepted,
        "trace": traffic.name,
        "arrivals": traffic.arrivals,
        "prompt_tokens_mean": traffic.mean_prompt,
        "output_tokens_mean": traffic.mean_output,
        "requests_too_long": traffic.long,
        "objective": {
            "name": objective.name,
            **{f"{key}_s": _finite(getattr(objective, key)) for key in ("ttft", "tpot", "e2e")},
            "percentile": objective.percentile,
        },
    }


def _prices(question: ServingQuestion, prices: Prices) -> dict[str, Any]:
    return {
        "chip_hour_USD": prices.second * 3600.0,
        "electricity_USD_per_MWh": prices.electricity * _MWH,
        "pue": question.pue_mean,
        "pue_peak": question.pue_peak,
    }


def _assumptions(assumptions: tuple[Assumption, ...], notices: tuple[str, ...]) -> dict[str, Any]:
    seen: dict[str, Assumption] = {one.key: one for one in assumptions}
    return {
        "notices": list(notices),
        "assumptions": [one.to_json() for one in seen.values()],
    }


def _quantiles(values: Quantiles) -> dict[str, float | None]:
    names = {"mean": "mean", "p50": "p50", "p90": "p90", "p99": "p99", "most": "max"}
    return {name: _finite(getattr(values, key)) for key, name in names.items()}


def _sessions(run: ServingRun) -> dict[str, Any] | None:
    """Sessions of the window; none where requests are single."""
    if run.requests.sessions is None:
        return None
    found = summarise_sessions(run.outcome, run.requests, run.summary.window)
    return {
        "started": found.started,
        "finished": found.finished,
        "per_s": _finite(found.rate),
        "turns_mean": found.turns,
        "length_s": _quantiles(found.length),
        "ttft_first_s": _quantiles(found.first_ttft),
        "ttft_later_s": _quantiles(found.later_ttft),
        "cached_share_first": _finite(found.cached_first),
        "cached_share_later": _finite(found.cached_later),
    }


def _outages(run: ServingRun) -> dict[str, Any] | None:
    """Failures and drains in the window, TTFT while replicas are out of service; where there can be any."""
    outcome, log, setup = run.outcome, run.outcome.outages, run.setup
    if log is None or setup.outages is None:
        return None
    start, end = run.summary.window
    lost, most = log.lost(start, end), run.summary.replicas * (end - start)
    replicas = most + lost if setup.autoscaling else setup.main.replicas * (end - start)
    mine = (log.out >= start) & (log.out < end)
    arrived = (outcome.arrival >= start) & (outcome.arrival < end) & ~outcome.rejected
    out = log.during(outcome.arrival)
    ttft = latencies(outcome, run.requests)["ttft"]
    expected = setup.outages
    return {
        "cluster": expected.cluster or None,
        "failures_per_replica_day": expected.outages.failure_rate * 86400.0,
        "failures": int((log.kind[mine] == KINDS.index("failure")).sum()),
        "drains": int((log.kind[mine] != KINDS.index("failure")).sum()),
        "in_service_share": _finite(1.0 - lost / replicas),
        "in_service_share_expected": 1.0 - expected.out,
        "out_most": log.most_out(start, end),
        "requests_interrupted": int((outcome.interrupted[arrived] > 0).sum()),
        "ttft_out_s": _quantiles(Quantiles.of(ttft[arrived & out])),
        "ttft_in_service_s": _quantiles(Quantiles.of(ttft[arrived & ~out])),
    }


def _classes(run: ServingRun) -> list[dict[str, Any]]:
    """What became of each class in the window; none where requests are of one."""
    mix = run.setup.mix
    if mix is None:
        return []
    rows: list[dict[str, Any]] = []
    for kind, one in zip(mix.classes, run.classes, strict=True):
        kept = {} if one.goodput is None else {**one.goodput.by_limit, "all": one.goodput.share}
        rows.append({
            "name": kind.name,
            "priority": kind.priority,
            "objective": None if kind.objective is None else str(kind.objective),
            "requests": one.requests,
            "requests_per_s": _finite(one.rate),
            "prompt_tokens_mean": _finite(one.prompt),
            "output_tokens_mean": _finite(one.output),
            "kept_share": {key: _finite(value) for key, value in kept.items()},
            "objective_kept": None if one.goodput is None else one.goodput.met,
            "requests_preempted": one.preempted,
            **{f"{key}_s": _quantiles(getattr(one, key)) for key in ("wait", "ttft", "tpot", "e2e")},
        })  # fmt: skip
    return rows


def _tiers(run: ServingRun) -> list[dict[str, Any]]:
    """What the tiers of the prefix cache gave over the whole run, the replicas' own cache first."""
    outcome = run.outcome
    if not outcome.tiers:
        return []
    prompts = float(run.requests.prompt[~outcome.rejected].sum())
    below = sum(tier.hit_tokens for tier in outcome.tiers.values())
    own = float(outcome.cached_tokens[~outcome.rejected].sum()) - below
    rows: list[dict[str, Any]] = [{"tier": "accelerator", "hit_share": _finite(own / prompts)}]
    for name, tier in outcome.tiers.items():
        gigabyte = tier.token_bytes / 1e9
        rows.append({
            "tier": name,
            "hit_share": _finite(tier.hit_tokens / prompts),
            "loaded_GB": tier.loaded_tokens * gigabyte,
            "written_GB": tier.written_tokens * gigabyte,
            "evicted_GB": tier.evicted_tokens * gigabyte,
            "held_GB": tier.held_tokens * gigabyte,
        })  # fmt: skip
    return rows


def _pool(pool: Pool, question: ServingQuestion) -> dict[str, Any]:
    points = pool.points
    return {
        "role": pool.role,
        **points.degrees.row(0),
        "replicas": pool.replicas,
        "requests_per_s_replica": pool.rate,
        "held_mean": float(points.held[0]) * pool.rate / float(points.rate[0]),
        "held_peak": float(points.peak[0]),
        "room": _finite(float(points.most[0])),
        "iteration_s": float(points.iteration[0]),
        "parts": {name: float(value[0]) for name, value in points.parts.items() if value[0] > 0.0},
    }


def _configuration(
    one: Configuration, question: ServingQuestion, prices: Prices, tried: Tried | None
) -> dict[str, Any]:
    """One row: by the event engine where it was simulated, else in closed form."""
    traffic = question.traffic
    percent = f"p{100 * (question.objective.percentile or 1.0):g}"
    output = one.rate * traffic.mean_output
    row: dict[str, Any] = {
        "mode": one.mode,
        "pools": [_pool(pool, question) for pool in one.pools],
        "chips": one.chips,
        "replicas": one.replicas,
        "requests_per_s": one.rate,
        "output_tokens_per_s": output,
        "output_tokens_per_s_chip": output / one.chips,
        "by_events": tried is not None,
    }
    if tried is None:
        mean, slow = one.waits(), one.waits("slow_")
        power, cost = one.power, float(prices.cost(one.power, one.chips))
        share = _prompt_share(one)
        row |= {f"{key}_s": {"mean": mean[key], percent: slow[key]} for key in ("ttft", "tpot")}
        row |= _money(cost, share, one.rate * traffic.mean_prompt, output)
        row |= _power(power, float(prices.meter(power, one.chips)), output)
        return row
    run, s = tried.run, tried.run.summary
    power, meter = s.power * tried.scale, run.meter_power * tried.scale
    row |= {f"{key}_s": _quantiles(getattr(s, key)) for key in ("ttft", "tpot", "itl", "e2e")}
    for key, value in _at_percentile(run).items():
        row[f"{key}_s"].setdefault(percent, value)
    hour = run.money / run.seconds * tried.scale
    row |= {  # tokens of the rate that is planned: those of a sample are more or fewer by chance
        **_money(hour, run.prompt_share, one.rate * traffic.mean_prompt, output),
        **_power(power, meter, s.output_rate * tried.scale),
        "capacity_requests_per_s": tried.most,
        "kept_share": _attainment(run),
        "held_mean": s.concurrency / run.setup.main.replicas,
        "utilisation": _finite(s.utilisation),
        "kv_occupancy": _finite(s.occupancy),
        "preemptions": s.preemptions,
        "simulated_requests": len(run.requests),
        "simulations": tried.runs,
    }
    return row


def _prompt_share(one: Configuration) -> float:
    if one.mode == "aggregated":
        return float(one.pools[0].points.prompt_share[0])
    return one.pools[0].chips / one.chips


def _money(cost: float, share: float, prompts: float, outputs: float) -> dict[str, Any]:
    return {
        "USD_per_hour": cost * 3600.0,
        "USD_per_million_prompt_tokens": cost * share / prompts * 1e6,
        "USD_per_million_output_tokens": cost * (1.0 - share) / outputs * 1e6,
    }


def _power(accelerators: float, meter: float, output: float) -> dict[str, Any]:
    return {
        "power_kW": {"accelerators": accelerators / _KW, "meter": meter / _KW},
        "energy_per_output_token_J": {
            "accelerators": _finite(accelerators / output if output > 0.0 else None),
            "meter": _finite(meter / output if output > 0.0 else None),
        },
    }


def _at_percentile(run: ServingRun) -> dict[str, float | None]:
    """Times at the percentile of the objective, of the requests that came in the window."""
    start, end = run.summary.window
    mine = (run.outcome.arrival >= start) & (run.outcome.arrival <= end)
    quantile, values_at = run.question.objective.percentile or 1.0, dict[str, float | None]()
    for key, values in latencies(run.outcome, run.requests).items():
        seen = values[mine & np.isfinite(values)]
        values_at[key] = float(np.quantile(seen, quantile)) if len(seen) else None
    return {key: values_at[key] for key in ("ttft", "tpot", "e2e")}


def _attainment(run: ServingRun) -> dict[str, float]:
    goodput = run.summary.goodput
    return {} if goodput is None else {**goodput.by_limit, "all": goodput.share}


def plan_answer(plan: ServingPlan, wall: Wall | None = None) -> dict[str, Any]:
    """The plan as one mapping; see docs/plan-serving.md.

    Parameters
    ----------
    plan : ServingPlan
        The configurations.
    wall : Wall, optional
        The roofline, where it is requested.
    """
    question, prices, first = plan.question, plan.prices, plan.first
    tried = {id(one.configuration): one for one in plan.tried}
    rows = [_configuration(one, question, prices, tried.get(id(one))) for one in plan.best]
    pools = rows[0]["pools"]
    writes = pools[-1]
    answer: dict[str, Any] = {
        **_question(question),
        **_adapters(plan),
        **encoders_answer(question, plan.cluster, first.pools[0].points.degrees),
        "minimise": plan.minimise,
        "modes": plan.mode,
        "chips_given": plan.chips,
        "requests_per_s_asked": question.demand,
        "layouts_evaluated": plan.looked_at,
        "layouts_fit": plan.fit,
        "points_evaluated": plan.points,
        "points_within_objective": plan.kept,
        "screen_cpu_s": plan.cpu_seconds,
        "points_per_cpu_s": plan.points / plan.cpu_seconds if plan.cpu_seconds > 0.0 else None,
        "trials_cpu_s": plan.trial_cpu_seconds,
        "memory_GB": _memory(plan, first.pools[-1]),
        "binds": max(writes["parts"], key=lambda name: writes["parts"][name]),
        "limit": plan.limit,
        "design_power_kW": plan.power.facility / _KW,
        **{key: value for key, value in rows[0].items() if key != "pools"},
        "pools": pools,
        "best": rows,
        "classes": _classes(plan.tried[0].run) if plan.tried else [],
        "front": _front(plan),
        **_prices(question, prices),
    }
    if first.moved is not None:
        decode = first.pools[-1].points
        moved = first.moved
        answer["transfer"] = {
            "MB_per_request": moved.size / 1e6,
            "GB_per_s": moved.bandwidth / 1e9,
            "time_s": moved.time,
            "link_busy": first.rate / first.pools[-1].replicas * moved.size / moved.bandwidth,
            "share_of_answer": moved.time / max(float(decode.tpot[0]) * decode.gaps, 1e-9),
        }
    if wall is not None:
        answer["roofline"] = _wall(wall)
    answer["bands"] = bands_of(answer)
    return answer | _assumptions(plan.assumptions, plan.notices)


def _adapters(plan: ServingPlan) -> dict[str, Any]:
    """Adapters of the decode replicas."""
    points = plan.first.pools[-1].points
    return adapters_answer(plan.question, plan.cluster, points.degrees, float(points.held[0]))


def _memory(plan: ServingPlan, pool: Pool) -> dict[str, float]:
    """Memory of one accelerator of the decode replicas by part [GB]."""
    from gigawatt.chain.serving.replica import held_bytes, replica

    question, chip = plan.question, plan.cluster.chip
    one = replica(question, plan.cluster, pool.points.degrees)
    weights, per_request = (float(np.max(x)) for x in held_bytes(question, replace(one, adapters=None)))
    in_flight = float(pool.points.held[0]) / float(pool.points.degrees.data[0])
    engine = question.engine
    usable = chip.memory_bytes * engine.usable - engine.reserve
    adapters = _adapters(plan).get("adapters", {}).get("memory_GB_per_accelerator", 0.0) * 1e9
    cache = min(per_request * in_flight, max(usable - weights - adapters, 0.0))
    parts = {
        "weights": weights,
        **({"adapters": adapters} if adapters else {}),
        "keys and values": cache,
        "room for more": max(usable - weights - adapters - cache, 0.0),
        "engine's reserve": chip.memory_bytes - usable,
    }
    return {name: value / 1e9 for name, value in parts.items()}


def _front(plan: ServingPlan) -> list[dict[str, Any]]:
    f = plan.front
    return [
        {
            "tokens_per_s_user": float(f.user[i]),
            "tokens_per_s_chip": float(f.chip[i]),
            "energy_per_output_token_J": float(f.energy[i]),
            "within_objective": bool(f.kept[i]),
            "mode": f.mode[i],
            "held_mean": float(f.held[i]),
            "layouts": list(f.degrees[i]),
        }
        for i in range(len(f))
    ]


def _wall(wall: Wall) -> dict[str, Any]:
    return {
        "layout": wall.degrees,
        "prompt_tokens": wall.prompt,
        "output_tokens": wall.output,
        "rows": list(wall.rows),
        "curves": [_curve(one) for one in wall.curves],
    }


def _curve(one: Roofline) -> dict[str, Any]:
    machine = one.machine
    return {
        "weights": machine.weights,
        "cache": machine.cache,
        "memory_times": machine.times,
        "ridge_FLOP_per_B": machine.ridge,
        "peak_FLOP_per_s": machine.peak,
        "bandwidth_B_per_s": machine.bandwidth,
        "phase": one.phase,
        "batch": one.batch.tolist(),
        "context_tokens": one.context.tolist(),
        "intensity_FLOP_per_B": one.intensity.tolist(),
        "reached_FLOP_per_s": one.reached.tolist(),
        "tokens_per_s_chip": one.rate.tolist(),
        "token_time_s": one.token.tolist(),
        "chip_energy_per_token_J": one.energy.tolist(),
        "binds": list(one.binds),
        "memory_fits": one.held.tolist(),
    }


def _part(part: Part, role: str) -> dict[str, Any]:
    return {
        "role": role,
        **part.degrees.row(0),
        "replicas": part.replicas,
        "token_budget": part.options.token_budget,
        "max_sequences": part.options.max_sequences,
    }


def run_answer(run: ServingRun) -> dict[str, Any]:
    """A simulated run as one mapping; see docs/simulate-serving.md."""
    question, setup, s, outcome = run.question, run.setup, run.summary, run.outcome
    parts = [_part(setup.main, "replica" if setup.prefill is None else "decode")]
    if setup.prefill is not None:
        parts.insert(0, _part(setup.prefill, "prefill"))
    times = latencies(outcome, run.requests)
    goodput = s.goodput
    counters = {key: float(value) for key, value in outcome.counters.items()}
    answer = {
        **_question(question),
        **adapters_answer(question, run.cluster, setup.main.degrees, s.concurrency / setup.main.replicas),
        **encoders_answer(question, run.cluster, (setup.prefill or setup.main).degrees),
        "pools": parts,
        "chips": setup.chips,
        "routing": setup.routing,
        "batching": setup.main.options.mode,
        "preemption": setup.main.options.preemption,
        "prefix_caching": setup.main.options.prefix_caching,
        "concurrency_asked": setup.concurrency,
        "autoscaling": None if setup.autoscaling is None else asdict(setup.autoscaling),
        "seed": run.seed,
        "requests": len(run.requests),
        "requests_finished": int((~outcome.rejected).sum()),
        "requests_rejected": int(outcome.rejected.sum()),
        "requests_preempted": s.preempted,
        "window_s": list(s.window),
        "window": s.trimmed,
        **{f"{key}_s": _quantiles(getattr(s, key)) for key in ("wait", "ttft", "tpot", "itl", "e2e")},
        "requests_per_s": _finite(s.request_rate),
        "prompt_tokens_per_s": _finite(s.prompt_rate),
        "output_tokens_per_s": _finite(s.output_rate),
        "output_tokens_per_s_chip": _finite(s.output_rate / setup.chips),
        "goodput_requests_per_s": None if goodput is None else _finite(goodput.rate),
        "kept_share": {key: _finite(value) for key, value in _attainment(run).items()},
        "objective_kept": None if goodput is None else goodput.met,
        "utilisation": _finite(s.utilisation),
        "kv_occupancy": _finite(s.occupancy),
        "kv_occupancy_peak": _finite(s.peak_occupancy),
        "running_mean": _finite(s.concurrency),
        "waiting_mean": _finite(s.queue),
        "replicas_on_mean": _finite(s.replicas),
        "preemptions": s.preemptions,
        "cached_share": _finite(s.cached),
        "sessions": _sessions(run),
        "cache_tiers": _tiers(run),
        "outages": _outages(run),
        "classes": _classes(run),
        "USD_per_hour": run.money / run.seconds * 3600.0,
        "USD_per_million_prompt_tokens": _finite(run.million("prompt")),
        "USD_per_million_output_tokens": _finite(run.million("output")),
        **_power(s.power, run.meter_power, s.output_rate),
        "power_peak_kW": s.peak_power / _KW,
        "power_step_kW": s.power_step / _KW,
        "energy_per_request_J": _finite(s.request_energy),
        "counters": counters,
        "events_cpu_s": run.cpu_seconds,
        "requests_per_cpu_s": len(run.requests) / run.cpu_seconds if run.cpu_seconds > 0.0 else None,
        "distributions": {
            "ttft": histogram(times["ttft"]),
            "tpot": histogram(times["tpot"]),
            "itl": gap_histogram(outcome.itl_weights),
        },
        **_prices(question, run.prices),
    }
    if question.objective.percentile is not None:
        for key, value in _at_percentile(run).items():
            answer[f"{key}_s"].setdefault(f"p{100 * question.objective.percentile:g}", value)
    answer["bands"] = bands_of(answer)
    return answer | _assumptions(run.assumptions, run.notices)
