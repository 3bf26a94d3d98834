"""Plans of a service, and simulated ones, in the terminal."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import label, large, significant, with_unit
from gigawatt.faces.terminal.console import table

__all__ = ["layout_words", "print_plan", "print_run", "waits_words"]

_BAR = 24
_FRONT = 10
_MAIN = (
    "serving.trace", "serving.prompt", "serving.output", "serving.arrivals", "serving.weights",
    "serving.cache", "serving.objective", "serving.percentile", "serving.engine", "serving.acceptance",
    "site.name", "facility.pue", "supply.price", "finance.discount_rate", "finance.chip_life",
)  # fmt: skip
_DEGREES = (("tensor", "TP"), ("pipeline", "PP"), ("data", "DP"), ("expert", "EP"))
LIMITS = {
    "ttft": "the time to the first token",
    "tpot": "the time between tokens",
    "e2e": "the time to the last token",
    "memory": "memory",
    "sequences": "the engine's most sequences",
    "demand": "nothing: there is no more demand",
    "cost": "cost, which is least there",
}
"""What stands against more requests, in words."""


def layout_words(pool: dict[str, Any]) -> str:
    """Degrees of a replica: ``TP4 PP2``."""
    found = [f"{short}{pool[name]}" for name, short in _DEGREES if pool[name] > 1]
    return " ".join(found) or "one accelerator"


def _milli(value: float | None) -> str:
    return "–" if value is None else with_unit(value, "s")


def waits_words(row: dict[str, Any]) -> str:
    """Mean and percentiles of a time in a row of an answer: ``mean 41 ms, p99 48 ms``."""
    names = sorted(
        (name for name in row if name != "max"), key=lambda n: -1.0 if n == "mean" else float(n[1:])
    )
    return ", ".join(f"{name} {_milli(row[name])}" for name in names)


def _machines(answer: dict[str, Any]) -> str:
    """How many accelerators, in words."""
    count = answer["chips"]
    return f"{count:,} accelerator" + ("" if count == 1 else "s")


def print_plan(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``plan-serving`` (the document that ``--json`` prints).

    Parameters
    ----------
    answer : dict
        See docs/plan-serving.md.
    console : rich.console.Console
        Where to print; markup in names is not read.
    """
    from rich.text import Text

    for text in _sentences(answer):
        console.print(Text(text))
    for block in (_parts, _best, _front, _roofline):
        grid = block(answer)
        if grid is not None:
            console.print()
            console.print(grid)
    console.print()
    _told(answer, console)


def _told(answer: dict[str, Any], console: Any) -> None:
    from rich.text import Text

    for notice in answer["notices"]:
        console.print(Text(f"! {notice}", style="yellow"))
    assumed = answer["assumptions"]
    main = [one for one in assumed if one["key"] in _MAIN]
    for one in main:
        console.print(Text(f"assumed {one['key']}: {one['value']} ({one['grade']})", style="dim"))
    rest = len(assumed) - len(main)
    if rest:
        console.print(Text(f"and {rest} more numbers that nobody gave: see --json", style="dim"))


def _asked(answer: dict[str, Any]) -> str:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of them active"
    objective = answer["objective"]
    limits = [
        f"{key.upper()} ≤ {with_unit(objective[f'{key}_s'], 's')}"
        for key in ("ttft", "tpot", "e2e")
        if objective[f"{key}_s"] is not None
    ]
    if objective["percentile"] is not None:
        limits.append(f"p{100 * objective['percentile']:g}")
    guessed = f", {answer['guesses']} tokens guessed" if answer["guesses"] else ""
    lengths = f"{answer['prompt_tokens_mean']:,.0f} tokens in, {answer['output_tokens_mean']:,.0f} out"
    trace = lengths if answer["arrivals"] != "trace" else f"{answer['trace']} ({lengths})"
    return (
        f"{answer['model']} ({size}) in {answer['weights']}, cache in {answer['cache']}, on "
        f"{answer['chip']} with {answer['engine']}{guessed}; {trace}; {', '.join(limits)}:"
    )


def _who(pool: dict[str, Any], scaling: dict[str, Any] | None = None) -> str:
    if scaling is not None:
        return f"{scaling['minimum']:,} to {scaling['maximum']:,} replicas of {layout_words(pool)}"
    names = {"replica": "replica", "prefill": "replica for prompts", "decode": "replica for answers"}
    name = names[pool["role"]]
    if pool["replicas"] != 1:
        name = name.replace("replica", "replicas")
    return f"{pool['replicas']:,} {name} of {layout_words(pool)}"


def _cost(answer: dict[str, Any]) -> str:
    into, out, hour = (
        with_unit(answer[key] or 0.0, "$")
        for key in ("USD_per_million_prompt_tokens", "USD_per_million_output_tokens", "USD_per_hour")
    )
    chip, price = significant(answer["chip_hour_USD"]), with_unit(answer["electricity_USD_per_MWh"], "$/MWh")
    return (
        f"Cost: {into} per million tokens read, {out} per million written; {hour} an hour "
        f"(${chip} an accelerator-hour, electricity {price})."
    )


def _joules(answer: dict[str, Any]) -> str:
    meter, own = (
        significant(answer["energy_per_output_token_J"][key] or 0.0) for key in ("meter", "accelerators")
    )
    return f"Energy: {meter} J a token written at the meter, {own} J of it in the accelerators."


def _sentences(answer: dict[str, Any]) -> list[str]:
    pools = answer["pools"]
    held = significant(answer.get("held_mean", pools[-1]["held_mean"]))
    rate, each = (significant(answer[key]) for key in ("requests_per_s", "output_tokens_per_s_chip"))
    tokens = large(round(answer["output_tokens_per_s"]))
    meter, own = (with_unit(answer["power_kW"][key], "kW") for key in ("meter", "accelerators"))
    design, most = with_unit(answer["design_power_kW"], "kW"), label(answer["binds"]).capitalize()
    found = [
        _asked(answer),
        f"{_machines(answer)}: {', '.join(map(_who, pools))}, with {held} requests in "
        f"flight on each. {rate} requests/s, {tokens} tokens/s written, {each} an accelerator.",
        _waits(answer),
        _cost(answer),
        f"Power: {meter} at the meter, {own} of it in the accelerators; {design} to be provided. "
        + _joules(answer),
        f"{most} takes most of the time; against more requests on these replicas stands "
        f"{LIMITS[answer['limit']]}.",
    ]
    moved = answer.get("transfer")
    if moved is not None:
        size, busy = significant(moved["MB_per_request"]), significant(100 * moved["link_busy"], 2)
        found.append(
            f"Keys and values: {size} MB a request in {_milli(moved['time_s'])}, links {busy} % busy."
        )
    return found


def _waits(answer: dict[str, Any]) -> str:
    names = [("TTFT", "ttft_s"), ("TPOT", "tpot_s"), ("ITL", "itl_s"), ("E2E", "e2e_s")]
    words = [f"{name} {waits_words(answer[key])}" for name, key in names if key in answer]
    text = "; ".join(words) + "."
    if answer["by_events"]:
        kept, count = 100 * answer["kept_share"]["all"], answer["simulated_requests"]
        text += f" The objective is kept by {kept:.1f} % of {count:,} requests."
    return text


def _parts(answer: dict[str, Any]) -> Any:
    grid = table(("time of a replica", "left"), ("share", "right"), ("", "left"))
    for pool in answer["pools"]:
        if len(answer["pools"]) > 1:
            grid.add_row(f"{pool['role']}, {layout_words(pool)}", "", "", style="dim")
        for name, share in sorted(pool["parts"].items(), key=lambda item: -item[1]):
            if share > 0.002:
                bar = "█" * max(1, round(_BAR * share))
                grid.add_row(label(name), f"{100 * share:.1f} %", bar)
    return grid


def _best(answer: dict[str, Any]) -> Any:
    rate = answer["points_per_cpu_s"]
    speed = f", {large(round(rate, -3))} a CPU-second" if rate else ""
    percent = f"p{100 * (answer['objective']['percentile'] or 1):g}"
    grid = table(
        ("layout", "left"), ("replicas", "right"), ("chips", "right"), ("requests/s", "right"),
        ("tokens/s/chip", "right"), ("TTFT", "right"), (percent, "right"), ("TPOT", "right"),
        (percent, "right"), ("$/M in", "right"), ("$/M out", "right"), ("J/token", "right"), ("by", "left"),
        title=f"best of {answer['points_evaluated']:,} points of {answer['layouts_fit']} replicas that fit "
        f"({answer['points_within_objective']:,} of them within the objective{speed})",
    )  # fmt: skip
    for row in answer["best"]:
        pools = row["pools"]
        ttft, tpot = row["ttft_s"], row["tpot_s"]
        grid.add_row(
            " + ".join(layout_words(pool) for pool in pools),
            " + ".join(f"{pool['replicas']:,}" for pool in pools),
            f"{row['chips']:,}",
            significant(row["requests_per_s"]),
            significant(row["output_tokens_per_s_chip"]),
            _milli(ttft["mean"]),
            _milli(ttft.get(percent)),
            _milli(tpot["mean"]),
            _milli(tpot.get(percent)),
            significant(row["USD_per_million_prompt_tokens"]),
            significant(row["USD_per_million_output_tokens"]),
            significant(row["energy_per_output_token_J"]["meter"]),
            "events" if row["by_events"] else "closed form",
        )
    return grid


def _front(answer: dict[str, Any]) -> Any:
    rows = answer["front"]
    if not rows:
        return None
    step = max(1, (len(rows) - 1) / (_FRONT - 1)) if len(rows) > 1 else 1
    chosen = [rows[min(len(rows) - 1, round(i * step))] for i in range(min(_FRONT, len(rows)))]
    grid = table(
        ("tokens/s of a user", "right"), ("of a chip", "right"), ("J/token", "right"), ("in flight", "right"),
        ("layout", "left"), ("", "left"),
        title=f"{len(chosen)} of {len(rows)} best compromises (closed form)",
    )  # fmt: skip
    for row in chosen:
        grid.add_row(
            significant(row["tokens_per_s_user"]),
            significant(row["tokens_per_s_chip"]),
            significant(row["energy_per_output_token_J"]),
            significant(row["held_mean"]),
            " + ".join(layout_words(pool) for pool in row["layouts"]),
            "within the objective" if row["within_objective"] else "",
        )
    return grid


def _roofline(answer: dict[str, Any]) -> Any:
    wall = answer.get("roofline")
    if wall is None:
        return None
    grid = table(
        ("weights", "left"), ("cache", "left"), ("memory", "right"), ("ridge", "right"), ("prompt", "right"),
        ("binds", "left"), ("tok/s/chip", "right"), ("one", "right"), ("tok/s", "right"), ("full", "right"),
        ("FLOP/B", "right"), ("binds", "left"), ("tok/s/chip", "right"), ("tok/s", "right"), ("J/token",
        "right"), title=f"the memory wall: {layout_words(wall['layout'])}, a prompt of "
        f"{wall['prompt_tokens']:,.0f} tokens, decoding one request, and as many as memory and engine hold",
    )  # fmt: skip
    rows = wall["rows"]
    for prompt, one, full in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        if not full["memory_fits"]:
            grid.add_row(prompt["weights"], prompt["cache"], f"× {prompt['memory_times']:g}",
                         significant(prompt["ridge_FLOP_per_B"]), "does not fit")  # fmt: skip
            continue
        grid.add_row(
            prompt["weights"],
            prompt["cache"],
            f"× {prompt['memory_times']:g}",
            significant(prompt["ridge_FLOP_per_B"]),
            significant(prompt["intensity_FLOP_per_B"]),
            prompt["binds"],
            significant(prompt["tokens_per_s_chip"]),
            significant(one["intensity_FLOP_per_B"]),
            significant(1.0 / one["token_time_s"]),
            f"{full['batch']:,.0f}",
            significant(full["intensity_FLOP_per_B"]),
            full["binds"],
            significant(full["tokens_per_s_chip"]),
            significant(1.0 / full["token_time_s"]),
            significant(full["energy_per_token_J"]),
        )
    return grid


def print_run(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``simulate-serving``; see docs/simulate-serving.md and :func:`print_plan`."""
    from rich.text import Text

    for text in _run_sentences(answer):
        console.print(Text(text))
    console.print()
    console.print(_latencies(answer))
    console.print()
    _told(answer, console)


def _run_sentences(answer: dict[str, Any]) -> list[str]:
    loop, kept = answer["concurrency_asked"], answer["kept_share"]
    coming = f"{loop:,} always in flight" if loop else f"{answer['arrivals']} arrivals"
    share = f"the objective is kept by {100 * (kept.get('all') or 0.0):.1f} % of requests"
    start, end = (with_unit(one, "s") for one in answer["window_s"])
    rate, good, run, wait, each = (
        significant(answer[key] or 0.0)
        for key in ("requests_per_s", "goodput_requests_per_s", "running_mean", "waiting_mean",
                    "output_tokens_per_s_chip")
    )  # fmt: skip
    read, written = (
        large(round(answer[key] or 0.0)) for key in ("prompt_tokens_per_s", "output_tokens_per_s")
    )
    busy, held, peak, cached = (
        f"{100 * (answer[key] or 0.0):.3g} %"
        for key in ("utilisation", "kv_occupancy", "kv_occupancy_peak", "cached_share")
    )
    mean, meter = (with_unit(answer["power_kW"][key], "kW") for key in ("accelerators", "meter"))
    highest, step = (with_unit(answer[key], "kW") for key in ("power_peak_kW", "power_step_kW"))
    who = ", ".join(_who(pool, answer["autoscaling"]) for pool in answer["pools"])
    found = [
        _asked(answer),
        f"{_machines(answer)}: {who}; {answer['routing']}, "
        f"{answer['batching']} batching; {answer['requests']:,} requests, {coming}; looked at {start} "
        f"to {end}.",
        f"{rate} requests/s finished, {read} tokens/s read, {written} written ({each} an accelerator). "
        f"Goodput {good} requests/s: {share}.",
        f"Busy {busy} of the time; {run} requests run, {wait} wait; keys and values take {held} of their "
        f"room, {peak} at most; {answer['preemptions']:,} preemptions, {cached} of prompts from the cache, "
        f"{answer['requests_rejected']:,} rejected.",
        f"Power of the accelerators: {mean} in the mean, {highest} in the highest second, {step} the largest "
        f"step from one second to the next; {meter} at the meter.",
        _joules(answer) + " " + _cost(answer),
    ]
    speed = answer["requests_per_cpu_s"]
    if speed:
        spent = with_unit(answer["events_cpu_s"], "s")
        found.append(f"Simulated in {spent} of CPU time, {large(round(speed, -3))} requests a CPU-second.")
    return found


def _latencies(answer: dict[str, Any]) -> Any:
    grid = table(("", "left"), *((name, "right") for name in ("mean", "p50", "p90", "p99", "max")))
    names = {
        "wait_s": "wait for the first iteration",
        "ttft_s": "time to the first token (TTFT)",
        "tpot_s": "time per output token (TPOT)",
        "itl_s": "gap between tokens (ITL)",
        "e2e_s": "to the last token (E2E)",
    }
    for key, name in names.items():
        grid.add_row(name, *(_milli(answer[key][q]) for q in ("mean", "p50", "p90", "p99", "max")))
    return grid
