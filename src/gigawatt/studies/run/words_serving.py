"""The answer of a campus that serves, in sentences made from the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Grid
from gigawatt.core.errors import GigawattError
from gigawatt.core.quantities import several
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import label, large, shown, significant, with_unit
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.machine import load_chip
from gigawatt.schema.fields import SERVING
from gigawatt.studies.run.figures_tables import column, get_table
from gigawatt.studies.run.sayings import branch_of, find, graded, model_words, money_parts, say, subject
from gigawatt.validation.files import data_folder

__all__ = [
    "FIRST",
    "LAST",
    "LIMITED",
    "error_grid",
    "error_words",
    "errors_of",
    "is_serving",
    "is_yearly",
    "left_out",
    "rate_words",
]

_DAY = 86400.0
_LIMITS = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "end to end"}
LIMITED = {
    "ttft": "TTFT",
    "tpot": "TPOT",
    "e2e": "the time end to end",
    "memory": "memory, which holds no more keys and values",
    "sequences": "the engine, which runs no more sequences at once",
    "demand": "the demand",
    "cost": "the cost, which rises with more",
}
"""What keeps a replica from more requests, in words."""
_METRICS = (
    ("tpot", "TPOT"),
    ("ttft", "TTFT"),
    ("throughput", "throughput"),
)


def is_serving(result: Result) -> bool:
    """Whether the result is of a campus that serves."""
    return branch_of(result) == SERVING


def is_yearly(result: Result) -> bool:
    """Whether the result's money is that of a year: of a campus that serves, or of a load without a model."""
    return find(result, "training.duration") is None


def rate_words(result: Result, name: str) -> str:
    """A rate of requests as words: ``30,000 requests/s``."""
    quantity = find(result, name)
    return "" if quantity is None else f"{significant(float(quantity.value))} requests/s"


def _seconds(value: float) -> str:
    return with_unit(value, "s")


def _serving(result: Result) -> str:
    if find(result, "serving.replicas") is None:
        return ""
    model = model_words(result)
    rate = find(result, "serving.rate")
    text = f"Serving {model}"
    if rate is not None:
        text += (
            f" to {rate_words(result, 'serving.rate')} in the mean, {large(float(rate.value) * _DAY)} a day"
        )
    if find(result, "serving.rate_peak") is not None:
        text += f" and {rate_words(result, 'serving.rate_peak')} in the highest hour"
    text += f", takes {say(result, 'machine.count')} {subject(result, 'machine.chip')}".rstrip()
    frame = get_table(result, "configurations")
    if frame is not None:
        best, number = frame.iloc[0], float(result["serving.replicas"])
        layout = "one accelerator" if best["layout"] == "one" else best["layout"]
        text += f": {several(number, 'replica')} of {layout}, prefill and decode "
        same = "on the same one" if number == 1.0 else "on the same ones"
        text += same if best["mode"] == "aggregated" else "disaggregated"
    written, read = say(result, "serving.throughput"), say(result, "serving.throughput_prompt")
    if written and read:
        text += f"; they read {read.replace(' tokens/s', '')} and write {written} tokens/s".replace(
            " tokens/s tokens/s", " tokens/s"
        )
    text += _beside_prompt(result)
    return graded(result, text, ("serving.replicas", "serving.rate", "machine.count"))


def _beside_prompt(result: Result) -> str:
    """Images and sound of a request, and the adapters that requests name, where there are any."""
    kinds: list[str] = []
    for one in filter(None, say(result, "serving.encoded").split(", ")):
        tower, _, number = one.partition(": ")
        count, _, tokens = number.partition(" of ")
        kind = "image" if tower.startswith("vision") else "clip"
        kinds.append(f"{several(int(count), kind)}{'' if kind == 'image' else ' of sound'} ({tokens} each)")
    text = f"; each request has {listed(kinds)} before its prompt" if kinds else ""
    adapters = say(result, "serving.adapters").removeprefix("Adapters ")
    return text + (f"; requests name one of the adapters, {adapters}" if adapters else "")


def _waits(result: Result) -> str:
    ttft, tpot, e2e = (find(result, f"serving.{key}_p50") for key in ("ttft", "tpot", "e2e"))
    if ttft is None or tpot is None or e2e is None:
        return ""
    far = [find(result, f"serving.{key}_p99") for key in ("ttft", "tpot", "e2e")]
    ends = [f" (p99 {shown(one)})" if one is not None else "" for one in far]
    text = (
        f"Half of the requests have their first token within {shown(ttft)}{ends[0]}, further ones every "
        f"{shown(tpot)}{ends[1]} and their last within {shown(e2e)}{ends[2]}"
    )
    promise = get_table(result, "promise")
    share = find(result, "serving.kept")
    if promise is not None and share is not None:
        limits = [
            f"{_LIMITS.get(str(key), str(key))} within {_seconds(float(limit))}"
            for key, limit in column(promise, "limit")[0].items()
        ]
        asked = 100.0 * float(column(promise, "asked")[0].iloc[0])
        text += (
            f"; the SLO of {listed(limits)} for {asked:g} % of them is met for "
            f"{significant(100.0 * float(share.value), 4)} %"
        )
        worst = find(result, "serving.kept_worst")
        if worst is not None:
            text += f" ({significant(100.0 * float(worst.value))} % in the worst hour)"
    return graded(result, text + _failures(result), ("serving.ttft_p99", "serving.tpot_p99", "serving.kept"))


def _failures(result: Result) -> str:
    """The reserve and what failures leave of the goodput, where replicas fail."""
    names = ("reserve", "in_service", "failures_day", "goodput_failures")
    reserve, service, failures, goodput = (find(result, f"serving.{name}") for name in names)
    if reserve is None or service is None or failures is None or goodput is None:
        return ""
    count = several(round(float(reserve.value)), "replica")
    return (
        f". With {count} in reserve those that the SLO needs are in service for "
        f"{significant(100.0 * float(service.value), 6)} % of the time, at "
        f"{significant(float(failures.value))} failures a day; with failures "
        f"{significant(100.0 * float(goodput.value), 4)} % of the requests meet every limit"
    )


def left_out(engine: str, chip: str) -> dict[str, tuple[float, float, bool]]:
    """Metric → (median error, error of nine in ten rows, whether on the same accelerator).

    Of rows of the engine on accelerators that the fit had not seen: the largest group of them, of the same
    accelerator where there is one.
    """
    file = data_folder() / "serving_fit.json"
    saved: Any = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    best: dict[str, tuple[bool, int, float, float]] = {}
    for key, errors in saved.get("errors", {}).get("accelerator_left_out", {}).items():
        metric, _, where, what = key.split(" | ")
        if what != engine:
            continue
        one = (where == chip, int(errors["n"]), float(errors["median_ape"]), float(errors["p90_ape"]))
        if metric not in best or one[:2] > best[metric][:2]:
            best[metric] = one
    return {metric: (median, far, same) for metric, (same, _, median, far) in best.items()}


def errors_of(result: Result) -> dict[str, tuple[float, float, bool]]:
    """:func:`left_out` of a result's engine and chip."""
    try:
        chip = load_chip(subject(result, "machine.chip")).id
    except GigawattError:  # a chip that this machine's catalog does not have
        chip = ""
    return left_out(subject(result, "serving.engine"), chip)


def error_grid(found: Mapping[str, tuple[float, float, bool]]) -> Grid | None:
    """The errors of an engine's fit as a table; ``None`` where no row was judged."""
    rows = [
        (
            words.removeprefix("the "),
            f"{significant(100.0 * found[key][0], 2)} %",
            f"{significant(100.0 * found[key][1], 2)} %",
            "this accelerator" if found[key][2] else "other accelerators",
        )
        for key, words in _METRICS
        if key in found
    ]
    caption = (
        "Errors of measured rows of this engine against predictions of a fit that had not "
        "seen their accelerator."
    )
    heads = ("of", "median error", "nine rows of ten within", "measured on")
    return rows_grid(caption, heads, rows) if rows else None


def _error(result: Result) -> str:
    """How far measured times were from predicted ones, on accelerators that the engine's fit had not seen."""
    if find(result, "serving.tpot_p50") is None:
        return ""
    return error_words(errors_of(result))


def error_words(found: Mapping[str, tuple[float, float, bool]]) -> str:
    """A sentence on the errors of an engine's fit."""
    said = [
        f"{words} by {significant(100.0 * found[key][0], 2)} % in the median "
        f"(nine rows of ten within {significant(100.0 * found[key][1], 2)} %)"
        for key, words in _METRICS
        if key in found
    ][:2]
    if not said:
        return "No measured row of this engine was judged: their error is not known."
    same = all(one[2] for one in found.values())
    rows, fits = ("this accelerator", "a fit") if same else ("other accelerators", "fits")
    return (
        f"Rows of this engine that were measured on {rows}, predicted by {fits} that had not seen "
        f"{'it' if same else 'them'}, miss {listed(said)}."
    )


def _binding(result: Result) -> str:
    frame = get_table(result, "breakdown")
    if frame is None:
        return ""
    shares = column(frame, "share")[0].astype(float).sort_values(ascending=False)
    parts = [(label(str(name)), float(share)) for name, share in shares.items()]
    (first, share), rest = parts[0], [p for p in parts[1:3] if p[1] >= 0.005]
    many = first == "prompts"
    text = f"The bottleneck is {first}: {'they take' if many else 'it takes'} "
    text += f"{100 * share:.0f} % of the accelerators' time at the peak"
    if rest:
        text += f", before {listed([f'{name} ({100 * s:.0f} %)' for name, s in rest])}"
    limit = find(result, "serving.limit")
    if limit is not None:
        text += (
            f"; what keeps a replica from more requests is {LIMITED.get(str(limit.value), str(limit.value))}"
        )
    gains = get_table(result, "relief")
    if gains is not None:
        saved = column(gains, "gain")[0].astype(float).sort_values(ascending=False)
        name, gain = label(str(saved.index[0])), float(saved.iloc[0])
        halved = "latency" in name or "launch" in name
        text += f"; {'halving' if halved else 'doubling'} {name} would make a token cheapest, by "
        text += f"{significant(100 * gain)} %"
        if len(saved) > 1 and float(saved.iloc[1]) > 0:
            text += f" (next: {label(str(saved.index[1]))}, {significant(100 * float(saved.iloc[1]))} %)"
    return graded(result, text, ("serving.breakdown", "serving.capacity"))


def _day(result: Result) -> str:
    frame = get_table(result, "day")
    mean = find(result, "machine.power_it")
    if frame is None or mean is None:
        return ""
    power, unit = column(frame, "it")
    demand = column(frame, "demand")[0]
    text = f"IT draws {shown(mean)} in the mean, from {with_unit(float(power.min()), unit)} to "
    text += f"{with_unit(float(power.max()), unit)} over the hours of the days"
    peak = find(result, "machine.power_it_peak")
    if peak is not None:
        text += f" ({shown(peak)} in five minutes)"
    swing = float(demand.max()) / max(float(demand.min()), 1e-9)
    text += f", while the demand is {significant(swing, 2)} times its least in the highest hour"
    each, joules = find(result, "machine.chip_power"), find(result, "serving.energy_token")
    if each is not None and joules is not None:
        text += f"; an accelerator draws {shown(each)}, an output token takes {shown(joules)}".replace(
            "/token", ""
        )
    return graded(result, text, ("machine.power_it", "serving.energy_token"))


def _money(result: Result) -> str:
    annual = find(result, "ledger.annual_cost")
    if annual is None:
        return ""
    text = f"The campus costs {shown(annual)}{money_parts(result, 'annual')}"
    if find(result, "ledger.total_capital") is not None:
        text += f"; {say(result, 'ledger.total_capital')} has to be spent before anything runs"
    return graded(result, text, ("ledger.annual_cost", "ledger.total_capital"))


def _tokens(result: Result) -> str:
    cost = [
        find(result, f"economics.cost_{name}") for name in ("million_prompt", "million_output", "request")
    ]
    if any(one is None for one in cost):
        return ""
    prompt, output, request = (shown(one).replace("/Mtoken", "") for one in cost if one is not None)
    text = f"A million prompt tokens cost {prompt}, a million output tokens {output}, a request {request}"
    words = (("energy", "{}"), ("carbon_operational", "{} CO2e in operation"),
             ("carbon_embodied", "{} embodied"), ("water", "{} of water"))  # fmt: skip
    for bearer, what in (("million_output", "a million output tokens take"), ("request", "a request takes")):
        said = [
            word.format(say(result, f"economics.{name}_{bearer}").replace("/Mtoken", ""))
            for name, word in words
            if find(result, f"economics.{name}_{bearer}") is not None
        ]
        if said:
            text += f"; {what} {listed(said)}"
    return graded(result, text, ("economics.cost_million_output", "economics.carbon_operational_request"))


FIRST = {"serving": _serving, "waits": _waits, "error": _error, "binding": _binding, "day": _day}
"""Topics that come before facility and supply → what makes their sentences."""
LAST = {"money": _money, "tokens": _tokens}
"""Those that come after them."""
