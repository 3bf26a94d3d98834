"""A simulated service as a document: latencies, SLO attainment, power over time."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Section
from gigawatt.core.evidence import worst
from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import count, label, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.run.bands_serving import bands_grid, bands_words
from gigawatt.studies.run.words_serving import error_grid, error_words, left_out
from gigawatt.studies.serving.document import (
    STATED,
    classes_grids,
    cost_words,
    facts_grid,
    pools_words,
    waits_words,
)
from gigawatt.studies.serving.simulate_figures import distributions, series

__all__ = ["document", "more"]

Answer = Mapping[str, Any]
Columns = Mapping[str, list[float]]

_COLUMNS = ("mean", "p50", "p90", "p99", "max")
_NAMES = {
    "wait_s": "queueing time",
    "ttft_s": "TTFT",
    "tpot_s": "TPOT",
    "itl_s": "inter-token latency (ITL)",
    "e2e_s": "E2E latency",
}


def more(folder: Path) -> Columns:
    """The series of the run by column, from ``series.csv``."""
    with (folder / "series.csv").open(newline="", encoding="utf-8") as stream:
        rows = csv.reader(stream)
        names = next(rows)
        columns = list(zip(*rows, strict=True))
    named = zip(names, columns, strict=True)
    return {name: [float(x) if x else float("nan") for x in column] for name, column in named}


def _summary(answer: Answer, grade: str) -> str:
    goodput = significant(answer["goodput_requests_per_s"] or 0.0)
    share = significant(100 * (answer["kept_share"].get("all") or 0.0))
    machine = several(answer["chips"], f"{answer['chip']} accelerator")
    return (
        f"{count(answer['requests'])} requests to {answer['model']} were simulated one by one on "
        f"{machine}: {pools_words(answer)} with {answer['engine']} "
        f"({grade}). {significant(answer['requests_per_s'] or 0.0)} requests/s were served, {goodput} of "
        f"them within the SLO, which {share} % of the requests met."
    )


def _busy(answer: Answer) -> str:
    parts = [
        f"The replicas were busy for {_share(answer['utilisation'])} of the time",
        f"mean KV cache occupancy was {_share(answer['kv_occupancy'])}, its peak "
        f"{_share(answer['kv_occupancy_peak'])}",
        f"{_share(answer['cached_share'])} of prompt tokens came from the prefix cache",
    ]
    lost = f"{answer['preemptions']:,} preemptions, {answer['requests_rejected']:,} rejected"
    peak, step = (with_unit(answer[key], "kW") for key in ("power_peak_kW", "power_step_kW"))
    return (
        f"{'; '.join(parts)} ({lost}). In the highest second the accelerators drew {peak}, and {step} is the "
        "largest step from one second to the next."
    )


def _share(value: float | None) -> str:
    return f"{100 * (value or 0.0):.3g} %"


def _bottleneck(answer: Answer) -> str:
    """The largest components of the replicas' time in words, where the answer has them."""
    pool = answer["pools"][-1]
    parts = sorted(pool.get("parts", {}).items(), key=lambda item: -item[1])
    if not parts:
        return ""
    (first, share), rest = parts[0], [(n, v) for n, v in parts[1:3] if v >= 0.005]
    text = f"Most of their time went to {label(first)} ({with_percent(share)})"
    if rest:
        text += f", then to {' and '.join(f'{label(n)} ({with_percent(v)})' for n, v in rest)}"
    return f" {text}."


def _sessions(answer: Answer) -> list[tuple[str, str]]:
    """Facts of the sessions, where requests are turns of some."""
    found = answer.get("sessions")
    if not found:
        return []
    turns, rate = significant(found["turns_mean"]), significant(found["per_s"] or 0.0)
    median = found["length_s"]["p50"]
    lasted = "" if median is None else f", in the median {with_unit(median, 's')} long"
    first, later = (_share(found[f"cached_share_{which}"]) for which in ("first", "later"))
    return [
        ("sessions", f"{rate} sessions/s of {turns} turns on average{lasted}"),
        ("cached prompts", f"{first} of the tokens of first turns, {later} of later ones"),
    ]


def _outages(answer: Answer) -> list[tuple[str, str]]:
    """Facts of failures and drains, where there can be any."""
    found = answer.get("outages")
    if not found:
        return []
    happened = f"{several(found['failures'], 'failure')}, {several(found['drains'], 'drain')}"
    return [
        ("outages", f"{happened}; {several(found['requests_interrupted'], 'request')} interrupted"),
        (
            "replicas in service",
            f"{_share(found['in_service_share'])} of the time, at most {found['out_most']} out at once",
        ),
    ]


def _hits(answer: Answer) -> list[tuple[str, str]]:
    """Hits by tier, where there are tiers below the accelerators' memory."""
    shares = [f"{label(row['tier'])} {_share(row['hit_share'])}" for row in answer.get("cache_tiers", ())]
    return [("hits by tier", ", ".join(shares))] if shares else []


def _tiers(answer: Answer) -> Grid | None:
    """Tiers of the prefix cache, where there are some below the accelerators' memory."""
    keys = ("loaded_GB", "written_GB", "evicted_GB", "held_GB")
    rows = [
        (label(row["tier"]), _share(row["hit_share"]),
         *("–" if row.get(key) is None else with_unit(row[key], "GB") for key in keys))
        for row in answer.get("cache_tiers", ())
    ]  # fmt: skip
    columns = ("tier", "prompt tokens", "loaded", "written", "evicted", "held at the end")
    return (
        rows_grid("Prefixes by the tier they were found in, over the whole run.", columns, rows)
        if rows
        else None
    )


def _times(answer: Answer) -> Grid:
    named = [(name, answer[key]) for key, name in _NAMES.items()]
    if answer.get("sessions"):
        turns = answer["sessions"]
        named[2:2] = [(f"TTFT, {which} turns", turns[f"ttft_{which}_s"]) for which in ("first", "later")]
    if answer.get("outages"):
        parts = (("out", "replicas out of service"), ("in_service", "all replicas in service"))
        at = next(n for n, (name, _) in enumerate(named) if name == "TPOT")
        named[at:at] = [(f"TTFT, {words}", answer["outages"][f"ttft_{key}_s"]) for key, words in parts]
    rows = [
        (name, *("–" if row[q] is None else with_unit(row[q], "s") for q in _COLUMNS)) for name, row in named
    ]
    return rows_grid("Latencies of requests.", ("wait", *_COLUMNS), rows)


def _parts(answer: Answer) -> list[Grid]:
    rows = [
        (pool["role"], label(name), f"{100 * share:.1f} %")
        for pool in answer["pools"]
        for name, share in sorted(pool.get("parts", {}).items(), key=lambda item: -item[1])
    ]
    return [rows_grid("Time of the replicas by component.", ("pool", "part", "share"), rows)] if rows else []


def _facts(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Facts of a simulation beside those of any service."""
    goodput = significant(answer["goodput_requests_per_s"] or 0.0)
    attainment = significant(100 * (answer["kept_share"].get("all") or 0.0))
    occupancy, most = _share(answer["kv_occupancy"]), _share(answer["kv_occupancy_peak"])
    lost = f"{answer['preemptions']:,} preemptions, {answer['requests_rejected']:,} rejected"
    peak, step = (with_unit(answer[key], "kW") for key in ("power_peak_kW", "power_step_kW"))
    running, waiting = (significant(answer[key] or 0.0) for key in ("running_mean", "waiting_mean"))
    speed = answer["requests_per_cpu_s"]
    rate = f", {large(round(speed, -3))} requests a CPU-second" if speed else ""
    return (
        *_sessions(answer),
        *_hits(answer),
        *_outages(answer),
        ("goodput", f"{goodput} requests/s, the SLO met by {attainment} % of requests"),
        (
            "busy",
            f"{_share(answer['utilisation'])} of the time; mean KV cache occupancy {occupancy}, peak {most}",
        ),
        ("prefix cache", f"{_share(answer['cached_share'])} of prompt tokens; {lost}"),
        ("power over time", f"highest second {peak}, largest step from one second to the next {step}"),
        ("in flight", f"{running} requests running, {waiting} waiting, on average"),
        ("evaluated window", str(answer["window"])),
        ("simulated in", f"{with_unit(answer['events_cpu_s'], 's')} of CPU time{rate}"),
    )


def _cards(answer: Answer, grade: str) -> tuple[Card, ...]:
    rates = (significant(answer[key] or 0.0) for key in ("requests_per_s", "goodput_requests_per_s"))
    served, within = (f"{rate} requests/s" for rate in rates)
    cost = answer["USD_per_million_output_tokens"] or 0.0
    return (
        Card("Requests served", served, grade),
        Card("Within the SLO", within, grade),
        Card("Per million output tokens", with_unit(cost, "$"), grade),
        Card("Power at the meter", with_unit(answer["power_kW"]["meter"], "kW"), grade),
        Card("Highest second, accelerators", with_unit(answer["power_peak_kW"], "kW"), grade),
    )


def _sections(answer: Answer, columns: Columns, error: Grid | None) -> tuple[Section, ...]:
    """Summary, latencies, tiers, what comes over time and uncertainty: those that have something to say."""
    waited = (
        "Cumulative distribution of TTFT and TPOT over requests, and of the gap (ITL) over tokens. "
        "Vertical: the SLO; horizontal: its percentile."
    )
    shaded = "Shaded: the window of latencies and means."
    over = (drawn("series", partial(series, answer, columns), shaded),) if columns else ()
    distributed = drawn("distributions", partial(distributions, answer), waited)
    tiers = _tiers(answer)
    sections = (
        Section("answer", "The answer", (facts_grid(answer, *_facts(answer)),)),
        Section("waits", "Latencies", (distributed, _times(answer), *classes_grids(answer))),
        Section("tiers", "Cache tiers", () if tiers is None else (tiers,)),
        Section("time", "Over time", (*over, *_parts(answer))),
        Section("error", "Uncertainty", (*bands_grid(answer), *(() if error is None else (error,)))),
    )
    return tuple(section for section in sections if section.parts)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a simulated service; ``more`` are the columns of its series."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label
    errors = left_out(answer["engine"], answer["chip"])
    texts = (
        f"{_summary(answer, grade)} {waits_words(answer)}".strip(),
        f"{_busy(answer)}{_bottleneck(answer)} {bands_words(answer)} {error_words(errors)}",
        f"{cost_words(answer)} {trust_words(assumptions)}",
    )
    machine = f"{count(answer['chips'])} {answer['chip']}"
    return Document(
        title=f"{answer['model']} on {machine}, {count(answer['requests'])} requests",
        setting=f"weights {answer['weights']} · KV cache {answer['cache']} · {answer['engine']}",
        paragraphs=texts,
        again=again,
        short=("answer", "waits"),
        stated=STATED,
        cards=_cards(answer, grade),
        notices=tuple(map(str, answer["notices"])),
        sections=_sections(answer, more or {}, error_grid(errors)),
        facts=facts_of(again),
        **trusted(assumptions),
    )
