"""The answer of ``plan-seconds`` as plain data, documented in docs/seconds.md."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.quantities import finite_or_none
from gigawatt.power.seconds import (
    Band,
    Carried,
    Frequency,
    Measures,
    Protection,
    Ridden,
    Sized,
    UnitLoss,
    spectrum,
)
from gigawatt.studies.seconds.flexibility_answer import as_flexibility, flexibility_series
from gigawatt.studies.seconds.plan import SecondsAnswer
from gigawatt.studies.seconds.remedies import Remedy
from gigawatt.studies.seconds.ride import RideAnswer

__all__ = ["as_answer", "series"]

Array = NDArray[np.float64]

_MEGA, _KWH = 1e6, 3.6e6
_POINTS = 1500


def as_answer(found: SecondsAnswer) -> dict[str, Any]:
    """The answer with stable keys, the unit in the name; ``None`` for absent values."""
    q, limits, flexible = found.question, found.question.limits, found.flexibility
    best = next((one for one in found.offers if one.store == found.frontier_store), None)
    return {
        "what": q.what,
        "duration_s": len(q.load) * q.step,
        "step_s": q.step,
        "segments": [
            {"name": one.name, "power_W": one.power, "duration_s": one.duration} for one in q.segments
        ],
        "measures": _measures(found.measures),
        "limits": {
            "id": q.limits_id,
            "ramp_MW_per_s": limits.ramp_up / _MEGA,
            "ramp_window_s": limits.ramp_window,
            "dynamic_range_MW": limits.dynamic_range / _MEGA,
            "range_window_s": limits.range_window,
            "oscillation_MW": None if math.isinf(limits.amplitude) else limits.amplitude / _MEGA,
            "band_Hz": [limits.low, limits.high],
        },
        "excess": dict(found.excess),
        "stores": [
            {
                "store": one.store,
                "cost_USD_per_year": None if one.sized is None else one.cost,
                "refused": one.refused or None,
                **_sized(one.sized),
            }
            for one in found.offers
        ],
        "cheapest_store": found.frontier_store or None,
        "after": None if best is None or best.sized is None else _measures(best.sized.measures),
        "frontier": [
            {
                "slow_start_and_stop": kind == "slow",
                "floor_MW": point.floor / _MEGA,
                "burnt_share": point.burnt_share,
                "delayed_kWh": point.software.delayed / _KWH,
                "cost_USD_per_year": point.cost,
                **_sized(point.sized),
            }
            for kind, curve in (("floor", found.frontier), ("slow", found.slow))
            for point in (curve.points if curve else ())
        ],
        "bound": None
        if found.bound is None
        else {
            "power_MW": found.bound.power / _MEGA,
            "energy_kWh": found.bound.energy / _KWH,
            "dummy_kWh": found.bound.dummy / _KWH,
            "cost_USD_per_year": found.bound.cost,
        },
        "remedies": [_remedy(one) for one in found.remedies],
        "plants": None if found.carried is None else _plants(found.carried, found),
        "ride_through": None if found.ride is None else _ride(found.ride, found),
        "flexibility": None if found.flexibility is None else as_flexibility(found.flexibility),
        "notices": list(found.notices),
        "assumptions": [
            one.to_json()
            for one in (*q.assumptions, *(flexible.question.assumptions if flexible is not None else ()))
        ],
    }


def _remedy(found: Remedy) -> dict[str, Any]:
    return {
        "remedy": found.id,
        "power_MW": finite_or_none(found.power / _MEGA),
        "energy_kWh": finite_or_none(found.energy / _KWH),
        "burnt_share": finite_or_none(found.burnt),
        "delayed_kWh": finite_or_none(found.delayed / _KWH),
        "cost_USD_per_year": finite_or_none(found.cost),
        "excess_left": finite_or_none(found.excess),
        "meets": found.meets,
    }


def _ride(found: RideAnswer, whole: SecondsAnswer) -> dict[str, Any]:
    q = whole.question
    return {
        "code": q.code.id,
        "name": q.code.name,
        "status": q.code.status,
        "protection": q.protection.id,
        "curve": _curve(q.code.voltage),
        "own_curve": _curve(_own(q.protection)),
        "demands": [
            {
                "quantity": case.quantity,
                "value": finite_or_none(case.value),
                "duration_s": finite_or_none(case.duration),
                "outcome": case.outcome,
                "lost_MW": case.lost * found.load / _MEGA,
                "back_s": finite_or_none(case.back),
                "allowed_s": finite_or_none(case.allowed),
                "broken": case.broken or None,
            }
            for case in found.cases
        ],
        "mends": [
            {
                "change": one.mend.id,
                "wait_s": one.mend.load.wait,
                "walk_in_s": one.mend.load.walk_in,
                "counts_to": finite_or_none(one.mend.load.count),
                "hold_s": one.mend.hold,
                "store": one.store or None,
                "power_MW": one.power / _MEGA,
                "energy_kWh": one.energy / _KWH,
                "cost_USD_per_year": one.cost,
                "broken": len(one.mend.left),
                "event": None if one.ridden is None else _ridden(one.ridden, found.load),
            }
            for one in found.mends
        ],
        "mend": None if found.best is None else found.best.mend.id,
        "event": None
        if found.ridden is None or q.event is None
        else {
            "id": q.event.id,
            "within_curve": math.isinf(found.passed),
            "passed_s": finite_or_none(found.passed),
            **_ridden(found.ridden, found.load),
        },
    }


def _ridden(found: Ridden, load: float) -> dict[str, Any]:
    return {
        "outcome": found.outcome,
        "lost_MW": found.lost * load / _MEGA,
        "transfers_s": list(found.transfers),
        "left_s": finite_or_none(found.left),
        "back_s": found.back,
    }


def _curve(bands: tuple[Band, ...]) -> list[dict[str, float | None]]:
    return [
        {"least": band.least, "most": finite_or_none(band.most), "duration_s": finite_or_none(band.duration)}
        for band in bands
    ]


def _own(load: Protection) -> tuple[Band, ...]:
    """What the load bears without leaving the grid."""
    if load.tolerance:
        return load.tolerance
    return (
        Band(0.0, load.transfer_low, load.detection),
        Band(load.transfer_low, load.transfer_high, math.inf),
        Band(load.transfer_high, math.inf, load.detection),
    )


def _loss(found: UnitLoss) -> dict[str, Any]:
    return {
        "plant": found.plant,
        "unit_MW": found.unit / _MEGA,
        "lost_MW": found.lost / _MEGA,
        "nadir_Hz": finite_or_none(found.nadir),
        "rocof_Hz_per_s": finite_or_none(found.rocof),
        "sheds_load": found.sheds,
        "trips": found.trips,
        "short_MW": found.short / _MEGA,
        "store_MW": finite_or_none(found.store / _MEGA),
        "store_MWh": finite_or_none(found.energy / (1e3 * _KWH)),
    }


def _measures(found: Measures) -> dict[str, Any]:
    return {
        "peak_MW": found.peak / _MEGA,
        "mean_MW": found.mean / _MEGA,
        "least_MW": found.least / _MEGA,
        "ramp_up_MW_per_s": found.ramp_up / _MEGA,
        "ramp_down_MW_per_s": found.ramp_down / _MEGA,
        "change_in_a_minute_MW": found.per_minute / _MEGA,
        "dynamic_range_MW": found.dynamic_range / _MEGA,
        "oscillation_MW": found.amplitude / _MEGA,
        "band_rms_MW": found.band_rms / _MEGA,
        "modes": [{"frequency_Hz": hertz, "amplitude_MW": watts / _MEGA} for hertz, watts in found.modes],
    }


def _sized(found: Sized | None) -> dict[str, Any]:
    return {
        "power_MW": None if found is None else found.store.power / _MEGA,
        "energy_kWh": None if found is None else found.store.energy / _KWH,
        "time_constant_s": None if found is None else found.store.time_constant,
        "losses_share": None if found is None else found.losses_share,
    }


def _plants(found: Carried, whole: SecondsAnswer) -> dict[str, Any]:
    return {
        "given": {name: watts / _MEGA for name, watts in whole.question.plants.items()},
        "carried": found.carried,
        "island": found.island,
        "before": _frequency(found.frequency),
        "behind_store": _frequency(found.after),
        "needed": _sized(found.sized),
        "covered_MW": found.covered / _MEGA,
        "to_buy_MW": found.power / _MEGA,
        "to_buy_MWh": found.energy / (1e3 * _KWH),
        "cost_USD_per_year": found.cost,
        "flicker_Pst": found.severity,
        "voltage_dip_share": found.voltage_dip,
        "machine_modes": [{"frequency_Hz": one.frequency, "damping": one.damping} for one in found.modes],
        "largest_loss": None if whole.loss is None else _loss(whole.loss),
    }


def _frequency(found: Frequency) -> dict[str, Any]:
    return {
        "nadir_Hz": found.nadir,
        "zenith_Hz": found.zenith,
        "rocof_Hz_per_s": found.rocof,
        "machines_at_a_limit": found.limited,
    }


def series(found: SecondsAnswer) -> dict[str, list[float]]:
    """Series of the figures: time [s], load, drawn behind the store [MW], deviation [Hz] at most 1,500 times;
    frequency [Hz] and amplitudes [MW] of both; of an event time [s], voltage and share on the grid."""
    q = found.question
    every = max(1, math.ceil(len(q.load) / _POINTS))
    drawn = next((one.sized.passed.power for one in found.offers
                  if one.store == found.frontier_store and one.sized is not None), q.load)  # fmt: skip
    made = {
        "time_s": np.arange(0, len(q.load), every) * q.step,
        "load_MW": q.load[::every] / _MEGA,
        "drawn_MW": drawn[::every] / _MEGA,
    }
    if found.carried is not None:
        made["deviation_Hz"] = found.carried.frequency.deviation[:-1:every]
        made["deviation_behind_store_Hz"] = found.carried.after.deviation[:-1:every]
    if not math.isinf(q.limits.amplitude):
        for name, power in (("load", q.load), ("drawn", drawn)):
            seen = spectrum(power, step=q.step, low=q.limits.low, high=q.limits.high)
            inside = (seen.frequency > 0.0) & (seen.frequency <= q.limits.high)
            made["frequency_Hz"] = seen.frequency[inside]
            made[f"{name}_amplitude_MW"] = seen.amplitude[inside] / _MEGA
    ride, event = found.ride, q.event
    if ride is not None and ride.ridden is not None and event is not None:
        made["event_time_s"] = np.repeat(event.time, 2)[1:]
        made["event_voltage"] = np.repeat(event.voltage, 2)[:-1]
        shown = {"event": ride.ridden, "mended": ride.best.ridden if ride.best is not None else None}
        for name, one in shown.items():
            if one is not None:
                made[f"{name}_share_time_s"], made[f"{name}_share"] = one.time, one.share
    rounded = {name: [float(f"{value:.6g}") for value in values] for name, values in made.items()}
    return rounded | ({} if found.flexibility is None else flexibility_series(found.flexibility))
