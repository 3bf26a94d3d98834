"""A planned service as a document: how many accelerators keep the promise, what they cost, what binds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section
from gigawatt.core.evidence import worst
from gigawatt.faces.figures.readable import count, label, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.run.words_serving import LIMITED, error_grid, error_words, left_out
from gigawatt.studies.serving.figures import FIGURES, facts, layout_words, wall_rows

__all__ = ["cost_words", "document", "facts_grid", "pools_words", "waits_words"]

Answer = Mapping[str, Any]

_CUT = 60
_ROLES = {"replica": "replica", "prefill": "replica for prompts", "decode": "replica for answers"}
_TIMES = (("ttft_s", "the first token"), ("tpot_s", "each further token"), ("e2e_s", "the last token"))


def pools_words(answer: Answer) -> str:
    """``1 replica for prompts of PP2 and 1 replica for answers of one accelerator``."""
    said: list[str] = []
    for pool in answer["pools"]:
        name, number = _ROLES.get(str(pool["role"]), str(pool["role"])), pool["replicas"]
        plural = name if number == 1 else name.replace("replica", "replicas")
        said.append(f"{count(number)} {plural} of {layout_words(pool)}")
    return listed(said)


def _asked(answer: Answer) -> str:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of them active"
    objective = answer["objective"]
    limits = [
        f"{words} within {with_unit(objective[key], 's')}"
        for key, words in (
            ("ttft_s", "the first token"),
            ("tpot_s", "each further one"),
            ("e2e_s", "the last"),
        )
        if objective[key] is not None
    ]
    share = objective["percentile"]
    promise = f" with {listed(limits)}" if limits else ""
    if limits and share is not None:
        promise += f" for {significant(100 * share, 4)} % of the requests"
    rate = answer["requests_per_s_asked"]
    what = f" to {significant(rate)} requests/s" if rate is not None else ""
    if answer["chips_given"] is not None:
        what += f" on {count(answer['chips_given'])} {answer['chip']}"
    return (
        f"Asked was to serve {answer['model']} ({size}){what}{promise}; a request has "
        f"{answer['prompt_tokens_mean']:,.0f} tokens in and {answer['output_tokens_mean']:,.0f} "
        "out in the mean."
    )


def _answered(answer: Answer, grade: str) -> str:
    number = answer["chips"]
    noun = "accelerator" if number == 1 else "accelerators"
    running = significant(answer.get("held_mean", answer["pools"][-1]["held_mean"]))
    return (
        f"It takes {count(number)} {answer['chip']} {noun}: {pools_words(answer)}, with {running} requests "
        "in flight on each; they serve "
        f"{significant(answer['requests_per_s'] or 0.0)} requests/s and write "
        f"{large(round(answer['output_tokens_per_s'] or 0.0))} tokens/s ({grade})."
    )


def waits_words(answer: Answer) -> str:
    """Half of the requests, and the promised share of them, have their tokens within these times."""
    percent = f"p{100 * (answer['objective']['percentile'] or 0.99):g}"
    said: list[str] = []
    for key, words in _TIMES:
        row = answer.get(key)
        if not row:
            continue
        middle, far = row.get("p50", row.get("mean")), row.get(percent)
        if middle is None:
            continue
        text = f"{words} takes {with_unit(middle, 's')}"
        said.append(text + (f" ({percent} {with_unit(far, 's')})" if far is not None else ""))
    if not said:
        return ""
    middle = "in the median" if "p50" in answer["ttft_s"] else "in the mean"
    text = f"{listed(said)} {middle}"
    text = f"{text[:1].upper()}{text[1:]}"
    kept = answer.get("kept_share")
    if answer.get("by_events", True) and kept is not None:
        text += (
            f"; the promise is kept for {significant(100 * kept['all'], 4)} % of "
            f"{count(answer.get('simulated_requests', answer.get('requests')))} simulated requests"
        )
    return f"{text}."


def _bound(answer: Answer) -> str:
    pool = answer["pools"][-1]
    parts = sorted(pool["parts"].items(), key=lambda item: -item[1])
    whose = f" of the {_ROLES.get(pool['role'], pool['role'])}" if len(answer["pools"]) > 1 else ""
    text = f"What binds is {label(answer['binds'])}"
    top = dict(parts).get(answer["binds"])
    if top is not None:
        text += f", with {with_percent(top)} of the time{whose}"
        rest = [f"{label(n)} ({with_percent(v)})" for n, v in parts if n != answer["binds"] and v >= 0.005][
            :2
        ]
        text += f", before {listed(rest)}" if rest else ""
    limit = str(answer["limit"])
    text += f"; what keeps these replicas from more requests is {LIMITED.get(limit, limit)}"
    return f"{text}.{_relief(answer)}"


def _relief(answer: Answer) -> str:
    """What quicker memory gives, where the memory wall was asked for."""
    wall = answer.get("roofline")
    if not wall:
        return ""
    full = [row for row in wall["rows"][2::3] if row["memory_fits"]]
    same = [r for r in full if r["weights"] == answer["weights"] and r["cache"] == answer["cache"]]
    base = next((r for r in same if r["memory_times"] == 1), None)
    quick = max((r for r in same if r["memory_times"] > 1), key=lambda r: r["memory_times"], default=None)
    said: list[str] = []
    if base is not None and quick is not None:
        said.append(
            f"memory {quick['memory_times']:g} times as quick would write "
            f"{significant(quick['tokens_per_s_chip'])} "
            f"tokens/s an accelerator instead of {significant(base['tokens_per_s_chip'])}"
        )
    others = [r for r in full if r["memory_times"] == 1 and r is not base]
    if base is not None and others:
        best = max(others, key=lambda r: r["tokens_per_s_chip"])
        if best["tokens_per_s_chip"] > base["tokens_per_s_chip"]:
            said.append(
                f"weights in {best['weights']} and cache in {best['cache']} "
                f"{significant(best['tokens_per_s_chip'])}"
            )
    if not said:
        return ""
    text = ", and ".join(said)
    return f" With as many requests as memory and engine hold, {text}."


def cost_words(answer: Answer) -> str:
    """Money, power and energy of the service."""
    power, energy = answer["power_kW"], answer["energy_per_output_token_J"]
    read, written = (
        with_unit(answer[key] or 0.0, "$")
        for key in ("USD_per_million_prompt_tokens", "USD_per_million_output_tokens")
    )
    return (
        f"A million tokens read cost {read}, a million written {written}, an hour "
        f"{with_unit(answer['USD_per_hour'], '$')}. The meter reads "
        f"{with_unit(power['meter'], 'kW')}, of which "
        f"{with_unit(power['accelerators'], 'kW')} are the accelerators'; a token written takes "
        f"{significant(energy['meter'] or 0.0)} J at the meter."
    )


def facts_grid(answer: Answer, *more: tuple[str, str]) -> Grid:
    """What was asked and what came of it."""
    active = ""
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        active = f", {large(answer['active_parameters'])} of them active"
    rows = [("model", f"{answer['model']}, {large(answer['parameters'])} parameters{active}")]
    rows += [*facts(answer), *more]
    asked, kept = answer["objective"]["percentile"], answer.get("kept_share")
    if asked is not None:
        rows.append(("promised to", f"{significant(100 * asked, 4)} % of the requests"))
    if kept is not None and kept.get("all") is not None:
        counted = (
            f" of {count(answer['simulated_requests'])} simulated" if "simulated_requests" in answer else ""
        )
        rows.append(("kept for", f"{significant(100 * kept['all'], 4)} %{counted}"))
    grid = rows_grid("What was asked, and what came of it.", ("", "value"), rows)
    return Grid(grid.caption, ("what", "value"), (False, False), grid.rows)


def _times(answer: Answer) -> Grid:
    named = (("TTFT, first token", "ttft_s"), ("TPOT, further tokens", "tpot_s"),
             ("ITL, between tokens", "itl_s"), ("E2E, last token", "e2e_s"))  # fmt: skip
    keys = list(dict.fromkeys(q for _, key in named if key in answer for q in answer[key]))
    rows = [
        (words, *("–" if (v := answer[key].get(q)) is None else with_unit(v, "s") for q in keys))
        for words, key in named
        if key in answer
    ]
    return rows_grid("What requests wait.", ("wait", *keys), rows)


def _parts(answer: Answer) -> Grid:
    rows = [
        (f"{pool['role']}, {layout_words(pool)}", label(name), f"{100 * share:.1f} %")
        for pool in answer["pools"]
        for name, share in sorted(pool["parts"].items(), key=lambda item: -item[1])
    ]
    return rows_grid("What the time of a replica goes to.", ("replica", "part", "share"), rows)


def _memory(answer: Answer) -> Grid:
    rows = [(label(name), with_unit(float(v), "GB")) for name, v in answer["memory_GB"].items()]
    return rows_grid("Memory of one accelerator of the replicas that write.", ("part", "memory"), rows)


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
        f"The best configurations of {count(answer['points_evaluated'])} points looked at, "
        f"{count(answer['points_within_objective'])} of them within the objective."
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
        "tokens/s of a user",
        "tokens/s of a chip",
        "J/token",
        "in flight",
        "layout",
        "within the objective",
    )
    caption = "The best compromises, in closed form."
    if step > 1:
        caption += f" One row in {step} of {len(rows):,}; front.csv has all."
    return rows_grid(caption, heads, rows[::step])


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a plan says; ``answer`` is what ``--json`` prints."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label
    errors = left_out(answer["engine"], answer["chip"])
    far = error_grid(errors)

    def figure(name: str) -> tuple[Part, ...]:
        key, draw, caption = FIGURES[name]
        return (drawn(name, partial(draw, answer), caption),) if answer.get(key) else ()

    looked = ("points looked at", count(answer["points_evaluated"]))
    sections = [
        Section("answer", "The answer", (facts_grid(answer, looked), _times(answer))),
        Section("binding", "What binds", (*figure("parts"), _parts(answer))),
        Section("memory", "Memory", (*figure("memory"), _memory(answer))),
        Section("best", "The best configurations", (_best(answer),)),
    ]
    if far is not None:
        sections.insert(2, Section("error", "How far off it may be", (far,)))
    if answer["front"]:
        sections.append(Section("front", "The best compromises", (*figure("front"), _front(answer))))
    if answer.get("roofline"):
        title, head, rows = wall_rows(answer)
        wall = (*figure("roofline"), *figure("machines"), rows_grid(f"{title}.", head, rows))
        sections.append(Section("wall", "The memory wall: what other formats and quicker memory give", wall))
    texts = (
        f"{_asked(answer)} {_answered(answer, grade)} {waits_words(answer)}",
        f"{error_words(errors)} {_bound(answer)}",
        f"{cost_words(answer)} {trust_words(assumptions)}",
    )
    cards = (
        Card("Accelerators", count(answer["chips"]), grade),
        Card("Requests served", f"{significant(answer['requests_per_s'] or 0.0)} requests/s", grade),
        Card("Million tokens read", with_unit(answer["USD_per_million_prompt_tokens"] or 0.0, "$"), grade),
        Card("Million tokens written", with_unit(answer["USD_per_million_output_tokens"] or 0.0, "$"), grade),
        Card("At the meter", with_unit(answer["power_kW"]["meter"], "kW"), grade),
        Card("To be provided", with_unit(answer["design_power_kW"], "kW"), grade),
    )
    return Document(
        title=f"{answer['model']} served by {count(answer['chips'])} {answer['chip']}",
        setting=f"weights {answer['weights']} · cache {answer['cache']} · {answer['engine']}",
        paragraphs=tuple(text.strip() for text in texts),
        again=again,
        short=("answer", "binding", "best", "front", "wall"),
        stated=(
            "serving.trace",
            "serving.prompt",
            "serving.output",
            "serving.arrivals",
            "serving.weights",
            "serving.cache",
            "serving.objective",
            "serving.percentile",
            "serving.engine",
            "serving.acceptance",
            "site.name",
            "facility.pue",
            "supply.price",
            "finance.discount_rate",
            "finance.chip_life",
        ),
        cards=cards,
        notices=tuple(map(str, answer["notices"])),
        sections=tuple(sections),
        facts=facts_of(again, ("points looked at", count(answer["points_evaluated"]))),
        **trusted(assumptions),
    )
