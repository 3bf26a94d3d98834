"""A planned service as a document: accelerators that meet the SLO, cost, bottleneck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section
from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import count, label, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.run.bands_serving import bands_grid, bands_words
from gigawatt.studies.run.far_off import usual_band
from gigawatt.studies.run.words_serving import LIMITED, error_grid, error_words, left_out
from gigawatt.studies.serving.figures import FIGURES, facts, layout_words, wall_rows

__all__ = ["STATED", "classes_grids", "cost_words", "document", "facts_grid", "pools_words", "waits_words"]

Answer = Mapping[str, Any]

STATED = (
    "serving.trace", "serving.prompt", "serving.output", "serving.arrivals", "serving.weights",
    "serving.cache",
    "serving.objective", "serving.percentile", "serving.engine", "serving.recipe", "serving.acceptance",
    "site.name", "facility.pue", "supply.price", "finance.discount_rate", "finance.chip_life",
)  # fmt: skip
"""What the question of a service says itself, and its list of assumptions need not."""

_CUT = 60
_ROLES = {"replica": "replica", "prefill": "prefill replica", "decode": "decode replica"}
_TIMES = (("ttft_s", "TTFT"), ("tpot_s", "TPOT"), ("e2e_s", "E2E latency"))


def pools_words(answer: Answer) -> str:
    """The pools in words: ``1 prefill replica of PP2 and 1 decode replica of one accelerator``."""
    pools: list[str] = []
    for pool in answer["pools"]:
        name, number = _ROLES.get(str(pool["role"]), str(pool["role"])), pool["replicas"]
        pools.append(f"{several(number, name)} of {layout_words(pool)}")
    return listed(pools)


def _question(answer: Answer) -> str:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of which active"
    objective = answer["objective"]
    limits = [
        f"{words} ≤ {with_unit(objective[key], 's')}"
        for key, words in (
            ("ttft_s", "TTFT"),
            ("tpot_s", "TPOT"),
            ("e2e_s", "E2E latency"),
        )
        if objective[key] is not None
    ]
    share = objective["percentile"]
    slo = f" with {listed(limits)}" if limits else ""
    if limits and share is not None:
        slo += f" for {significant(100 * share, 4)} % of the requests"
    if answer["classes"]:
        slo = f" in {several(len(answer['classes']), 'class', 'classes')} with latency targets of their own"
    rate = answer["requests_per_s_asked"]
    what = f" to {significant(rate)} requests/s" if rate is not None else ""
    if answer["chips_given"] is not None:
        what += f" on {count(answer['chips_given'])} {answer['chip']}"
    return (
        f"Serving {answer['model']} ({size}){what}{slo}; a request has "
        f"{answer['prompt_tokens_mean']:,.0f} prompt and {answer['output_tokens_mean']:,.0f} output "
        "tokens on average:"
    )


def _summary(answer: Answer) -> str:
    running = significant(_in_flight(answer))
    requests = "request" if running == "1" else "requests"
    serve = "serves" if answer["chips"] == 1 else "serve"
    return (
        f"{several(answer['chips'], answer['chip'] + ' accelerator')}, {pools_words(answer)}, with {running} "
        f"{requests} in flight per replica, {serve} "
        f"{significant(answer['requests_per_s'] or 0.0)} requests/s and "
        f"{large(round(answer['output_tokens_per_s'] or 0.0))} output tokens/s."
    )


def _in_flight(answer: Answer) -> float:
    """Requests that a replica holds in the mean."""
    return answer.get("held_mean", answer["pools"][-1]["held_mean"])


def waits_words(answer: Answer) -> str:
    """TTFT, TPOT and E2E latency in words: the median, and the percentile of the SLO."""
    percent = f"p{100 * (answer['objective']['percentile'] or 0.99):g}"
    latencies: list[str] = []
    for key, words in _TIMES:
        row = answer.get(key)
        if not row:
            continue
        middle, far = row.get("p50", row.get("mean")), row.get(percent)
        if middle is None:
            continue
        text = f"{words} is {with_unit(middle, 's')}"
        latencies.append(text + (f" ({percent} {with_unit(far, 's')})" if far is not None else ""))
    if not latencies:
        return ""
    text = f"{'Median' if 'p50' in answer['ttft_s'] else 'Mean'} {listed(latencies)}"
    attainment = answer.get("kept_share")
    if answer.get("by_events", True) and attainment is not None:
        text += (
            f"; the SLO is met by {significant(100 * attainment['all'], 4)} % of "
            f"{count(answer.get('simulated_requests', answer.get('requests')))} simulated requests"
        )
    return f"{text}."


def _bottleneck(answer: Answer) -> str:
    pool = answer["pools"][-1]
    parts = sorted(pool["parts"].items(), key=lambda item: -item[1])
    whose = f" of the {_ROLES.get(pool['role'], pool['role'])}" if len(answer["pools"]) > 1 else ""
    text = f"The bottleneck is {label(answer['binds'])}"
    top = dict(parts).get(answer["binds"])
    if top is not None:
        text += f", with {with_percent(top)} of the time{whose}"
        rest = [f"{label(n)} ({with_percent(v)})" for n, v in parts if n != answer["binds"] and v >= 0.005][
            :2
        ]
        text += f", followed by {listed(rest)}" if rest else ""
    limit = str(answer["limit"])
    text += f"; the limit on requests per replica is {LIMITED.get(limit, limit)}"
    return f"{text}.{_relief(answer)}"


def _relief(answer: Answer) -> str:
    """The gain by faster memory and other formats, where the roofline was computed."""
    wall = answer.get("roofline")
    if not wall:
        return ""
    full = [row for row in wall["rows"][2::3] if row["memory_fits"]]
    same = [r for r in full if r["weights"] == answer["weights"] and r["cache"] == answer["cache"]]
    base = next((r for r in same if r["memory_times"] == 1), None)
    quick = max((r for r in same if r["memory_times"] > 1), key=lambda r: r["memory_times"], default=None)
    gains: list[str] = []
    if base is not None and quick is not None:
        gains.append(
            f"{quick['memory_times']:g} times the memory bandwidth gives "
            f"{significant(quick['tokens_per_s_chip'])} output tokens/s per accelerator instead of "
            f"{significant(base['tokens_per_s_chip'])}"
        )
    others = [r for r in full if r["memory_times"] == 1 and r is not base]
    if base is not None and others:
        best = max(others, key=lambda r: r["tokens_per_s_chip"])
        if best["tokens_per_s_chip"] > base["tokens_per_s_chip"]:
            gains.append(
                f"weights in {best['weights']} and cache in {best['cache']} "
                f"{significant(best['tokens_per_s_chip'])}"
            )
    if not gains:
        return ""
    text = ", and ".join(gains)
    return f" At the largest batch that memory and engine allow, {text}."


def cost_words(answer: Answer) -> str:
    """Cost, power and energy of the service in words."""
    power, energy = answer["power_kW"], answer["energy_per_output_token_J"]
    prompt, output = (
        with_unit(answer[key] or 0.0, "$")
        for key in ("USD_per_million_prompt_tokens", "USD_per_million_output_tokens")
    )
    return (
        f"A million prompt tokens cost {prompt}, a million output tokens {output}, an hour "
        f"{with_unit(answer['USD_per_hour'], '$')}. Power is {with_unit(power['meter'], 'kW')} at the "
        f"meter, of which accelerators draw {with_unit(power['accelerators'], 'kW')}; an output token "
        f"takes {significant(energy['meter'] or 0.0)} J at the meter."
    )


def facts_grid(answer: Answer, *more: tuple[str, str]) -> Grid:
    """Scenario and results in two columns."""
    active = ""
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        active = f", {large(answer['active_parameters'])} of which active"
    rows = [("model", f"{answer['model']}, {large(answer['parameters'])} parameters{active}")]
    rows += [*facts(answer), *more]
    percentile, attainment = answer["objective"]["percentile"], answer.get("kept_share")
    if percentile is not None:
        rows.append(("SLO percentile", f"{significant(100 * percentile, 4)} % of the requests"))
    if attainment is not None and attainment.get("all") is not None:
        counted = (
            f" of {count(answer['simulated_requests'])} simulated" if "simulated_requests" in answer else ""
        )
        rows.append(("SLO met by", f"{significant(100 * attainment['all'], 4)} %{counted}"))
    grid = rows_grid("Scenario and results.", ("", "value"), rows)
    return Grid(grid.caption, ("what", "value"), (False, False), grid.rows)


def _times(answer: Answer) -> Grid:
    named = (("TTFT", "ttft_s"), ("TPOT", "tpot_s"),
             ("inter-token latency (ITL)", "itl_s"), ("E2E latency", "e2e_s"))  # fmt: skip
    keys = list(dict.fromkeys(q for _, key in named if key in answer for q in answer[key]))
    rows = [
        (words, *("–" if (v := answer[key].get(q)) is None else with_unit(v, "s") for q in keys))
        for words, key in named
        if key in answer
    ]
    return rows_grid("Latencies of requests.", ("wait", *keys), rows)


def classes_grids(answer: Answer) -> list[Grid]:
    """Latencies and attainment by class, where there are several."""
    rows = [
        (
            row["name"], str(row["priority"]), row["objective"] or "–",
            f"{significant(row['requests_per_s'] or 0.0)}/s",
            "–" if row["kept_share"].get("all") is None else with_percent(row["kept_share"]["all"], 1),
            *("–" if row[key][q] is None else with_unit(row[key][q], "s")
              for key, q in (("ttft_s", "p50"), ("ttft_s", "p99"), ("tpot_s", "p50"), ("tpot_s", "p99"),
                             ("e2e_s", "p50"))),
            f"{row['requests_preempted']:,}",
        )
        for row in answer.get("classes", ())
    ]  # fmt: skip
    columns = (
        "class", "priority", "SLO", "requests", "meet it", "TTFT p50", "TTFT p99", "TPOT p50", "TPOT p99",
        "E2E p50", "preempted",
    )  # fmt: skip
    return [rows_grid("Requests by class; 0 is the most urgent.", columns, rows)] if rows else []


def _parts(answer: Answer) -> Grid:
    rows = [
        (f"{pool['role']}, {layout_words(pool)}", label(name), f"{100 * share:.1f} %")
        for pool in answer["pools"]
        for name, share in sorted(pool["parts"].items(), key=lambda item: -item[1])
    ]
    return rows_grid("Time of a replica by component.", ("replica", "part", "share"), rows)


def _memory(answer: Answer) -> Grid:
    rows = [(label(name), with_unit(float(v), "GB")) for name, v in answer["memory_GB"].items()]
    return rows_grid("Memory of one accelerator of the decode replicas.", ("part", "memory"), rows)


def _best(answer: Answer) -> Grid:
    percent = f"p{100 * (answer['objective']['percentile'] or 1):g}"
    rows = [
        (
            " + ".join(layout_words(pool) for pool in row["pools"]),
            " + ".join(f"{pool['replicas']:,}" for pool in row["pools"]),
            f"{row['chips']:,}", significant(row["requests_per_s"]),
            significant(row["output_tokens_per_s_chip"]),
            *(with_unit(row[key][q], "s") if row[key].get(q) is not None else "–"
              for key in ("ttft_s", "tpot_s") for q in ("mean", percent)),
            significant(row["USD_per_million_prompt_tokens"]),
            significant(row["USD_per_million_output_tokens"]),
            significant(row["energy_per_output_token_J"]["meter"]),
            "events" if row["by_events"] else "closed form",
        )
        for row in answer["best"]
    ]  # fmt: skip
    heads = ("layout", "replicas", "chips", "requests/s", "tokens/s/chip", "TTFT", f"TTFT {percent}", "TPOT",
             f"TPOT {percent}", "$/M in", "$/M out", "J/token", "by")  # fmt: skip
    caption = (
        f"The best of {count(answer['points_evaluated'])} configurations searched, "
        f"{count(answer['points_within_objective'])} of which meet the SLO."
    )
    return rows_grid(caption, heads, rows)


def _front(answer: Answer) -> Grid:
    rows = [
        (significant(row["tokens_per_s_user"]), significant(row["tokens_per_s_chip"]),
         significant(row["energy_per_output_token_J"]), significant(row["held_mean"]),
         " + ".join(layout_words(pool) for pool in row["layouts"]),
         "yes" if row["within_objective"] else "no")
        for row in answer["front"]
    ]  # fmt: skip
    step = max(1, -(-len(rows) // _CUT))
    heads = (
        "tokens/s per user",
        "tokens/s per chip",
        "J/token",
        "in flight",
        "layout",
        "meets the SLO",
    )
    caption = "Pareto front, closed form."
    if step > 1:
        caption += f" One row in {step} of {len(rows):,}; front.csv has all."
    return rows_grid(caption, heads, rows[::step])


def _cards(answer: Answer) -> Iterator[Card]:
    """Key figures with the 90 % intervals that are usual for a service; what is served is asked."""
    power = answer["power_kW"]["meter"]
    yield Card("Requests served", f"{significant(answer['requests_per_s'] or 0.0)} requests/s")
    yield Card("Requests in flight per replica", significant(_in_flight(answer)))
    for title, name, value, unit in (
        ("Accelerators", "machine.count", answer["chips"], ""),
        ("Per million prompt tokens", "economics.cost_million_prompt",
         answer["USD_per_million_prompt_tokens"] or 0.0, "$"),
        ("Per million output tokens", "economics.cost_million_output",
         answer["USD_per_million_output_tokens"] or 0.0, "$"),
        ("Power at the meter", "facility.power_mean", power, "kW"),
        ("Power to provide", "facility.power_peak", answer["design_power_kW"], "kW"),
    ):  # fmt: skip
        words = count(value) if name == "machine.count" else with_unit(value, unit)
        yield Card(title, words, band=usual_band("serving", name, value, unit))


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a planned service; ``answer`` is what ``--json`` prints."""
    assumptions = read_assumptions(answer["assumptions"])
    errors = left_out(answer["engine"], answer["chip"])
    error = error_grid(errors)
    far = (*bands_grid(answer), *(() if error is None else (error,)))

    def figure(name: str) -> tuple[Part, ...]:
        key, draw, caption = FIGURES[name]
        return (drawn(name, partial(draw, answer), caption),) if answer.get(key) else ()

    looked = ("configurations searched", count(answer["points_evaluated"]))
    sections = [
        Section("answer", "The answer", (facts_grid(answer, looked), _times(answer), *classes_grids(answer))),
        Section("binding", "Bottleneck", (*figure("parts"), _parts(answer))),
        Section("memory", "Memory", (*figure("memory"), _memory(answer))),
        Section("best", "The best configurations", (_best(answer),)),
    ]
    if far:
        sections.insert(2, Section("error", "Uncertainty", far))
    if answer["front"]:
        sections.append(Section("front", "Pareto front", (*figure("front"), _front(answer))))
    if answer.get("roofline"):
        title, head, rows = wall_rows(answer)
        wall = (*figure("roofline"), *figure("machines"), rows_grid(f"{title}.", head, rows))
        sections.append(Section("wall", "Roofline: other formats and faster memory", wall))
    texts = (
        f"{_question(answer)} {_summary(answer)} {waits_words(answer)}",
        f"{bands_words(answer)} {error_words(errors)} {_bottleneck(answer)}",
        f"{cost_words(answer)} {trust_words(assumptions)}",
    )
    return Document(
        title=f"{answer['model']} served by {count(answer['chips'])} {answer['chip']}",
        setting=f"weights {answer['weights']} · KV cache {answer['cache']} · {answer['engine']}",
        paragraphs=tuple(text.strip() for text in texts),
        again=again,
        short=("answer", "binding", "best", "front", "wall"),
        stated=STATED,
        cards=tuple(_cards(answer)),
        notices=tuple(map(str, answer["notices"])),
        sections=tuple(sections),
        facts=facts_of(again, ("configurations searched", count(answer["points_evaluated"]))),
        **trusted(assumptions),
    )
