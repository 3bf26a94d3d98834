"""What a campus can give when the utility calls, as plain data and in sentences (docs/seconds.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.studies.seconds.flexibility import Flexibility, Given

__all__ = ["as_flexibility", "flexibility_series", "flexibility_words"]

Answer = Mapping[str, Any]

_MEGA, _KWH = 1e6, 3.6e6
_POINTS = 1500


def as_flexibility(found: Flexibility) -> dict[str, Any]:
    """The answer with stable keys, the unit in the name."""
    q = found.question
    return {
        "normal_MW": found.normal / _MEGA,
        "cut_share": q.cut if q.follow is None else 1.0 - float(q.follow[1].min()),
        "within_s": q.within,
        "hold_s": q.hold,
        "service": None
        if q.service is None
        else {
            "what": q.service.what,
            "replicas": q.service.pool.replicas,
            "batch": q.service.pool.most,
            "requests_per_s": q.service.pool.demand,
            "promised_s": q.service.pool.objective,
        },
        "grid": q.grid_words,
        "voltage_limit": q.limit,
        "voltage": [float(found.plain.lowest.min()), float(found.plain.highest.max())],
        "shown": None if found.shown is None else found.shown.control,
        "controls": [_given(one) for one in found.given],
    }


def _given(one: Given) -> dict[str, Any]:
    if one.course is None:
        return {"control": one.control, "refused": one.refused}
    return {
        "control": one.control,
        "refused": None,
        "asked_MW": one.asked / _MEGA,
        "given_MW": one.mean / _MEGA,
        "least_MW": one.least / _MEGA,
        "reached_s": one.reached if math.isfinite(one.reached) else None,
        "meets": one.meets,
        "rebound_MW": one.rebound / _MEGA,
        "tokens_lost": one.tokens,
        "training_tokens_lost": one.trained,
        "longest_wait_s": one.wait,
        "token_time_s": list(one.token_time),
        "energy_kWh": one.energy / _KWH,
        "store": one.store or None,
        "store_MW": one.store_power / _MEGA,
        "store_kWh": one.store_energy / _KWH,
        "cost_USD_per_year": one.cost,
        "voltage": [one.lowest, one.highest],
        "beyond_s": one.beyond,
        "deviation_Hz": None if one.deviation is None else list(one.deviation),
    }


def flexibility_series(found: Flexibility) -> dict[str, list[float]]:
    """Series of the figures, evenly sampled: powers, voltage, batch, time between tokens."""
    shown = found.shown
    if shown is None or shown.course is None:
        return {}
    course = shown.course
    every = max(1, math.ceil(len(course.load) / _POINTS))
    made: dict[str, Any] = {
        "flexibility_time_s": course.time[::every],
        "flexibility_plain_MW": found.plain.drawn[::every] / _MEGA,
        "flexibility_drawn_MW": course.drawn[::every] / _MEGA,
        "flexibility_load_MW": course.load[::every] / _MEGA,
        "flexibility_target_MW": np.where(
            np.isinf(course.target), found.normal, np.minimum(course.target, found.normal)
        )[::every]
        / _MEGA,
        "flexibility_voltage": course.lowest[::every],
    }
    if found.question.service is not None:
        made["flexibility_batch"] = course.batch[::every, 0]
        made["flexibility_token_ms"] = 1e3 * course.token_time[::every, 0]
    return {name: [float(f"{value:.6g}") for value in values] for name, values in made.items()}


def flexibility_words(flex: Answer) -> list[str]:
    """The call, what answers it, and the costs, in sentences."""
    call = f"The normal power is {with_unit(flex['normal_MW'], 'MW')}"
    if flex["within_s"]:
        call += (
            f"; the utility asks for {100 * flex['cut_share']:.3g} % less within "
            f"{significant(flex['within_s'])} s, for {significant(flex['hold_s'] / 60.0)} min."
        )
    else:
        call += "; the utility asks for a course."
    found = [call, *map(_sentence, flex["controls"])]
    low, high = flex["voltage"]
    found.append(
        f"The voltage at {flex['grid']} is {significant(low, 4)} to {significant(high, 4)} of the rated one "
        "without control."
    )
    return found


def _sentence(one: Answer) -> str:
    name = one["control"].capitalize()
    if one["refused"] is not None:
        return f"{name}: {one['refused']}."
    if one["control"] == "voltage":
        return (
            f"Batches led by the voltage: {significant(one['beyond_s'])} s beyond the limits, "
            f"{significant(one['voltage'][0], 4)} to {significant(one['voltage'][1], 4)}."
        )
    verdict = "gives" if one["meets"] else "falls short:"
    text = f"{name} {verdict} {with_unit(one['given_MW'], 'MW')} of {with_unit(one['asked_MW'], 'MW')}"
    if one["meets"]:
        late = one["reached_s"]
        text += f", from {significant(late)} s on" if late else ", as asked at every moment"
    costs: list[str] = []
    if one["training_tokens_lost"] > 1.0:
        costs.append(f"{significant(one['training_tokens_lost'] / 1e6)} M tokens not trained")
    if one["tokens_lost"] > 1.0:
        costs.append(f"{significant(one['tokens_lost'] / 1e6)} M tokens not written")
    if one["longest_wait_s"] >= 1.0:
        costs.append(f"requests that wait {significant(one['longest_wait_s'])} s")
    if one["store"]:
        size = f"{with_unit(one['store_MW'], 'MW')} and {with_unit(one['store_kWh'], 'kWh')}"
        costs.append(f"{one['store']} of {size}, {with_unit(one['cost_USD_per_year'], '$')} a year")
    return f"{text}; it costs {', '.join(costs)}." if costs else f"{text}."
