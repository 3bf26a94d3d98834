"""The tables of a serving campus from the chain's objects; docs/result.md has their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.chain.serving.choice import Configuration
from gigawatt.chain.serving.day import Day
from gigawatt.chain.serving.intensity import Roofline
from gigawatt.chain.serving.money import BEARERS, BORNE, shown_unit
from gigawatt.chain.serving.replica import held_bytes, replica
from gigawatt.chain.serving.waits import Waits
from gigawatt.core.quantities import factor
from gigawatt.money import SECONDS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SHORT", "breakdown", "configurations", "day", "energy", "formats", "latency", "ledger", "memory",
    "per_token", "promise", "relief", "wall",
]  # fmt: skip

Objects = Mapping[str, Any]
_MW = 1e6
_HOURS = 24
_SHARES = (
    *(i / 100.0 for i in range(1, 100)), 0.995, 0.999,
)  # fmt: skip
"""Shares of the requests at which latency distributions are listed."""
SHORT = 1024.0
"""Context of a decoding sequence on the drawn curves [tokens]."""
_MOST = 10
"""Most configurations that are listed."""


def _frame(rows: list[dict[str, Any]], index: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=None if rows else [index]).set_index(index)


def breakdown(o: Objects) -> pd.DataFrame:
    """Share of the accelerators' time by part, from the largest on."""
    parts: Mapping[str, float] = o["serving.breakdown"]
    return _frame(
        [{"part": k, "share []": v} for k, v in sorted(parts.items(), key=lambda item: -item[1])], "part"
    )


def relief(o: Objects) -> pd.DataFrame:
    """Cost per million output tokens with twice a resource, and the saving."""
    now = o["economics.cost_million_output"] / factor("$/Mtoken")
    rows = [
        {"resource": k, "cost [$/Mtoken]": now * v, "gain []": 1.0 - v}
        for k, v in o["serving.relief"].items()
    ]
    return _frame(sorted(rows, key=lambda row: -row["gain []"]), "resource")


def _degrees(one: Configuration) -> dict[str, Any]:
    names = {"tensor": "TP", "pipeline": "PP", "data": "DP", "expert": "EP"}
    words = [
        " ".join(f"{names[k]}{v}" for k, v in pool.points.degrees.row(0).items() if k in names and v > 1)
        or "one"
        for pool in one.pools
    ]
    return {"layout": " + ".join(words), "mode": one.mode}


def configurations(o: Objects) -> pd.DataFrame:
    """The chosen replicas, then the others, cheapest first; by events where they were simulated."""
    mine: Configuration = o["serving.configuration"]
    plan, output = o["serving.plan"].led_by(mine), o["serving.output_tokens"]
    tried = {id(one.configuration): one for one in plan.tried}
    rows: list[dict[str, Any]] = []
    for rank, one in enumerate(plan.best[:_MOST], 1):
        run = tried.get(id(one))
        waits = one.waits("slow_")
        ttft, tpot = waits["ttft"], waits["tpot"]
        cost = float(plan.prices.cost(one.power, one.chips)) / (one.rate * output)
        if run is not None:
            summary = run.run.summary
            ttft, tpot = summary.ttft.p99, summary.tpot.p99
        shown = mine if rank == 1 else one
        rows.append(
            {
                "rank": rank,
                **_degrees(one),
                "accelerators": shown.chips // max(shown.replicas, 1) if len(one.pools) == 1 else one.chips,
                "replicas": shown.replicas,
                "chips": shown.chips,
                "ttft [s]": ttft,
                "tpot [ms]": tpot * 1e3,
                "cost [$/Mtoken]": cost / factor("$/Mtoken"),
                "tried": "by events" if run is not None else "closed form",
            }
        )
    return _frame(rows, "rank")


def day(o: Objects) -> pd.DataFrame:
    """Every hour of each kind of day: demand, power, latencies, running requests."""
    served: Day = o["serving.day"]
    waits: Waits = o["serving.waits"]
    profile, load = o["machine.power_day"], o["facility.load"]
    kinds = served.week.kinds
    of_day = served.week.of_year(o["scenario.year"])
    facility = np.asarray(load.facility).reshape(-1, _HOURS)
    series = served.series()[-1]
    scale = served.configuration.pools[-1].replicas / served.numbers[-1]
    room = served.run.tables.capacity * np.maximum(series.replicas_on, 1e-9)
    taken = served.bins(series.kv_tokens / room).mean(axis=1)
    on = served.bins(series.replicas_on, float(served.numbers[-1])).mean(axis=1) * scale
    running, waiting = (served.bins(getattr(series, key)).mean(axis=1) for key in ("running", "waiting"))
    rows: list[dict[str, Any]] = []
    for d, kind in enumerate(kinds):
        for h in range(_HOURS):
            at = d * _HOURS + h
            mine = waits.hour == at
            here = {key: value[mine] for key, value in waits.times.items()}
            rows.append(
                {
                    "hour": h,
                    "kind": kind,
                    "demand [1/s]": o["serving.rate"] * float(served.week.levels[d, h]),
                    "it [MW]": float(profile.mean[d, h]) / _MW,
                    "it peak [MW]": float(profile.peak[d, h]) / _MW,
                    "facility [MW]": float(facility[of_day == d, h].mean()) / _MW,
                    "ttft p50 [s]": _quantile(here["ttft"], 0.5),
                    "ttft p99 [s]": _quantile(here["ttft"], 0.99),
                    "tpot p50 [ms]": _quantile(here["tpot"], 0.5) * 1e3,
                    "tpot p99 [ms]": _quantile(here["tpot"], 0.99) * 1e3,
                    "kept []": float(waits.every[mine].mean()) if mine.any() else 1.0,
                    "running": float(running[at] / on[at] * scale),
                    "waiting": float(waiting[at] / on[at] * scale),
                    "kv []": float(taken[at]),
                    "replicas": float(on[at]),
                }
            )
    return _frame(rows, "hour")


def _quantile(values: np.ndarray[Any, Any], share: float) -> float:
    seen = values[np.isfinite(values)]
    return float(np.quantile(seen, share)) if len(seen) else 0.0


def latency(o: Objects) -> pd.DataFrame:
    """Times that a share of the requests stays below."""
    waits: Waits = o["serving.waits"]
    shares = np.array(_SHARES)
    columns = {key: np.nan_to_num(waits.quantile(key, shares)) for key in ("ttft", "tpot", "e2e")}
    rows = [
        {
            "quantity": f"p{100 * share:g}",
            "share []": share,
            "ttft [s]": float(columns["ttft"][i]),
            "tpot [ms]": float(columns["tpot"][i]) * 1e3,
            "e2e [s]": float(columns["e2e"][i]),
        }
        for i, share in enumerate(_SHARES)
    ]
    return _frame(rows, "quantity")


def memory(o: Objects) -> pd.DataFrame:
    """Memory of one accelerator of the decode replicas."""
    plan, one = o["serving.plan"], o["serving.configuration"]
    question, cluster = plan.question, plan.cluster
    found = replica(question, cluster, one.pools[-1].points.degrees)
    weights = float(np.max(held_bytes(question, found)[0]))
    chip, engine = cluster.chip, question.engine
    reserve = chip.memory_bytes * (1.0 - engine.usable) + engine.reserve
    room = chip.memory_bytes - reserve - weights
    taken = min(1.0, o["serving.occupancy"]) * room
    rows = [
        {"part": "weights", "bytes [GB]": weights / 1e9},
        {"part": "keys and values", "bytes [GB]": taken / 1e9},
        {"part": "reserve of the engine", "bytes [GB]": reserve / 1e9},
        {"part": "capacity", "bytes [GB]": chip.memory_bytes / 1e9},
    ]
    return _frame(rows, "part")


def energy(o: Objects) -> pd.DataFrame:
    """Electricity per million output tokens by component, prefill included."""
    parts = dict(o["machine.energy"])
    parts["building"] = o["facility.power_mean"] - o["machine.power_it"]
    total, tokens = sum(parts.values()), o["serving.throughput"]
    if "supply.time_lost" in o:  # what is cut is not drawn, of all components alike
        tokens *= o["facility.power_mean"] * SECONDS_PER_YEAR / o["facility.energy"]
    rows = [
        {"component": k, "energy [kWh/Mtoken]": v / tokens / factor("kWh/Mtoken"), "share []": v / total}
        for k, v in parts.items()
    ]
    return _frame(rows, "component")


def wall(o: Objects) -> pd.DataFrame:
    """Prefill and decode of the replica against the machine's rooflines, in several formats and memories."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for one in o["serving.wall"].curves:
        if one.machine.cache != o["serving.cache"] or not _is_drawn(one):
            continue
        rows.extend(_point(one, i) for i in range(len(one)))
    return pd.DataFrame(rows)


def _point(one: Roofline, i: int) -> dict[str, Any]:
    machine = one.machine
    return {
        "weights": machine.weights,
        "cache": machine.cache,
        "memory_times": machine.times,
        "phase": one.phase,
        "batch": float(one.batch[i]),
        "context [tokens]": float(one.context[i]),
        "intensity [FLOP/B]": float(one.intensity[i]),
        "ridge [FLOP/B]": machine.ridge,
        "reached [TFLOP/s]": float(one.reached[i]) / 1e12,
        "peak [TFLOP/s]": machine.peak / 1e12,
        "bandwidth [TB/s]": machine.bandwidth / 1e12,
        "rate [tokens/s]": float(one.rate[i]),
        "binds": one.binds[i],
        "fits": "yes" if one.held[i] else "no",
    }


def _is_drawn(one: Roofline) -> bool:
    """Decode at the shortest context, and prefill, on the machine's memory."""
    if one.phase == "decode":
        return float(one.context[0]) == SHORT
    return one.machine.times == 1.0


def formats(o: Objects) -> pd.DataFrame:
    """Decode in the largest batch that fits, in other formats and with faster memory."""
    rows: list[dict[str, Any]] = []
    found = [row for row in o["serving.wall"].rows if row["phase"] == "decode"][1::2]
    for row in found:
        if not row["memory_fits"]:
            continue
        quick = f", memory × {row['memory_times']:g}" if row["memory_times"] != 1.0 else ""
        rows.append(
            {
                "resource": f"{row['weights']} weights, {row['cache']} cache{quick}",
                "batch": row["batch"],
                "intensity [FLOP/B]": row["intensity_FLOP_per_B"],
                "ridge [FLOP/B]": row["ridge_FLOP_per_B"],
                "binds": row["binds"],
                "token_time [ms]": row["token_time_s"] * 1e3,
                "rate [tokens/s]": row["tokens_per_s_chip"],
                "energy [J/token]": row["energy_per_token_J"],
            }
        )
    return _frame(rows, "resource")


def promise(o: Objects) -> pd.DataFrame:
    """Each limit of the SLO: its value, and the share of requests that meets it."""
    waits: Waits = o["serving.waits"]
    objective = o["serving.objective"]
    kept = waits.kept_by_hour()
    rows = [
        {
            "quantity": key,
            "limit [s]": limit,
            "asked []": objective.percentile or 1.0,
            "kept []": kept[key][0],
            "kept_worst []": kept[key][1],
        }
        for key, limit in objective.limits.items()
    ]
    return _frame(rows, "quantity")


def ledger(o: Objects) -> pd.DataFrame:
    """Cost by component: money up front, a year of the campus."""
    books = o["ledger.ledger"]
    year = books.yearly.sum(axis=1)
    total = float(year.sum())
    rows = [
        {
            "component": name,
            "capital [M$]": float(books.upfront[i]) / 1e6,
            "annual [M$/yr]": float(year[i]) / 1e6,
            "share []": float(year[i]) / total if total else 0.0,
        }
        for i, name in enumerate(books.components)
    ]
    return _frame(rows, "component")


def per_token(o: Objects) -> pd.DataFrame:
    """Cost, energy, carbon and water per million prompt tokens, million output tokens and request."""
    rows: list[dict[str, Any]] = []
    for name, (words, unit, _) in BORNE.items():
        row: dict[str, Any] = {"quantity": words.split(",")[0].lower()}
        for who in BEARERS:
            shown, per = shown_unit(unit, who), BEARERS[who][1]
            row[who] = o[f"economics.{name}_{who}"] / factor(f"{shown}{per}")
            row[f"{who}_unit"] = shown
        rows.append(row)
    return _frame(rows, "quantity")
