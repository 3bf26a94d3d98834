"""The plan of a training run in the terminal: what it takes, what binds, the best layouts, what helps."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import label, large, significant, with_unit
from gigawatt.faces.terminal.console import table
from gigawatt.studies.run.figures_machine import layout_rare, layout_words

__all__ = ["print_plan"]

_BAR = 24
_MOST_TRIED = 8
_SMALL_GAIN = 0.001
_NEVER = 100.0
"""A run that takes this many times as long is not done."""
_MAIN = ("training.tokens", "training.sequence", "training.global_batch", "training.number_format",
         "training.optimizer", "machine.stack", "site.name", "facility.pue", "supply.price",
         "finance.discount_rate", "finance.chip_life")  # fmt: skip


def print_plan(answer: dict[str, Any], console: Any) -> None:
    """Print an answer of ``plan-training`` (the document that ``--json`` prints).

    Parameters
    ----------
    answer : dict
        See docs/plan-training.md.
    console : rich.console.Console
        Where to print; markup in names is not read.
    """
    from rich.text import Text

    for text in _sentences(answer):
        console.print(Text(text))
    blocks = (_parts, _layouts, _choice, _caps, _sites, _reach, _relief, _pareto, _searched)
    for block in blocks:
        grid = block(answer)
        if grid is not None:
            console.print()
            console.print(grid)
    console.print()
    for notice in answer["notices"]:
        console.print(Text(f"! {notice}", style="yellow"))
    assumed = answer["assumptions"]
    main = [one for one in assumed if one["key"] in _MAIN]
    for one in main:
        console.print(Text(f"assumed {one['key']}: {one['value']} ({one['grade']})", style="dim"))
    rest = len(assumed) - len(main)
    if rest:
        console.print(Text(f"and {rest} more numbers that nobody gave: see --json", style="dim"))


def _sentences(answer: dict[str, Any]) -> list[str]:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of them active"
    band = answer["band"]
    percent = f"{100 * band['coverage']:.0f} %"
    power = answer["power_MW"]
    limit = f" of {with_unit(power['limit'], 'MW')}" if power["limit"] is not None else ""
    cost = answer["cost_parts_USD"]
    days = [significant(answer[key]) for key in ("days", "days_low", "days_high")]
    step = [with_unit(answer[key], "s") for key in ("step_time_s", "step_time_low_s", "step_time_high_s")]
    mean, peak = (with_unit(power[key], "MW") for key in ("it_mean", "facility_peak"))
    found = [
        f"{answer['model']} ({size}) on {large(answer['tokens'])} tokens with {answer['count']:,} "
        f"{answer['chip']} in {answer['number_format']}, {answer['stack']}:",
        f"{days[0]} days ({percent} band: {days[1]} to {days[2]}), failures included. A step takes "
        f"{step[0]} ({step[1]} to {step[2]}) at an MFU of {significant(100 * answer['mfu'])} %; "
        f"goodput {significant(100 * answer['goodput'])} %, "
        f"{significant(answer['failures_per_day'])} failures a day.",
        f"Lost: {_lost(answer['goodput_parts'])}.",
        f"Power: {mean} of IT in the mean, {peak}{limit} to be provided at the meter. "
        f"Energy: {with_unit(answer['energy_MWh'], 'MWh')}, "
        f"{with_unit(answer['energy_per_token_J'], 'J')} a token.",
        f"Cost: {with_unit(answer['cost_USD'], '$')}: machine and building "
        f"{with_unit(cost['machine_and_building'], '$')} (${significant(answer['chip_hour_USD'])} an "
        f"accelerator-hour), electricity {with_unit(cost['electricity'], '$')}.",
    ]
    if answer["power_cap_W"] is not None:
        held, own = (with_unit(answer[key], "W") for key in ("power_cap_W", "chip_power_limit_W"))
        found.insert(
            3,
            f"Every accelerator is held to {held} of {own}: {significant(100 * answer['clock'])} % of the "
            "clock that it keeps at its own limit.",
        )
    inverse = answer.get("inverse")
    if inverse is not None:
        deadline = f"{significant(inverse['deadline_days'])} days"
        if inverse["kind"] == "smallest_cluster":
            words = f"The fewest accelerators for {deadline}: {answer['count']:,}."
        else:
            model = inverse["model"]
            words = (
                f"The largest model of this family for {deadline} on {answer['count']:,} accelerators: "
                f"{large(model['parameters'])} parameters, {model['layers']} layers of {model['hidden']:,}, "
                f"{model['heads']} heads."
            )
        found.insert(0, words)
    return found


def _lost(parts: dict[str, float]) -> str:
    """Where the time on the clock goes that makes no progress, the largest first."""
    rest = sorted(((n, s) for n, s in parts.items() if n != "progress" and s > 0), key=lambda one: -one[1])
    return ", ".join(f"{label(name)} {significant(100 * share, 2)} %" for name, share in rest) or "nothing"


def _parts(answer: dict[str, Any]) -> Any:
    parts, whole = answer["parts_s"], answer["step_time_s"]
    grid = table(("time of a step", "left"), ("", "right"), ("share", "right"), ("", "left"))
    for name, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        share = seconds / whole
        bar = "█" * max(1 if share > 0.002 else 0, round(_BAR * share))
        grid.add_row(label(name), with_unit(seconds, "s"), f"{100 * share:.1f} %", bar)
    return grid


_DEGREES = (
    ("tensor", "TP"),
    ("pipeline", "PP"),
    ("interleave", "VP"),
    ("data", "DP"),
    ("context", "CP"),
    ("expert", "EP"),
    ("zero", "ZeRO"),
    ("microbatch", "µb"),
)


def _layouts(answer: dict[str, Any]) -> Any:
    rate = answer["layouts_per_cpu_s"]
    speed = f", {large(rate)} a CPU-second" if rate else ""
    heads = [(short, "right") for _, short in _DEGREES]
    grid = table(
        *heads,
        ("recompute", "left"),
        ("step", "right"),
        ("90 % band", "left"),
        ("exact", "right"),
        ("MFU", "right"),
        (f"of {with_unit(answer['memory_limit_GB'], 'GB')}", "right"),
        ("J/token", "right"),
        ("", "left"),
    )
    grid.title = (
        f"best layouts of {answer['layouts_evaluated']:,} looked at, {answer['layouts_fit']:,} fit{speed}"
    )
    grid.title_justify, grid.title_style = "left", "dim"
    for row in answer["best"]:
        low, high = significant(row["step_time_low_s"]), significant(row["step_time_high_s"])
        grid.add_row(
            *[str(row[name]) for name, _ in _DEGREES],
            row["recompute"],
            with_unit(row["step_time_s"], "s"),
            f"{low} to {high}",
            with_unit(row["step_time_exact_schedule_s"], "s"),
            f"{100 * row['mfu']:.1f} %",
            with_unit(row["memory_GB"], "GB"),
            significant(row["energy_per_token_J"]),
            ", ".join(layout_rare(row)),
        )
    return grid


def _choice(answer: dict[str, Any]) -> Any:
    rows = answer.get("power_choice")
    if not rows:
        return None
    grid = table(
        ("within the power", "right"), ("cap", "right"), ("clock", "right"), ("days", "right"),
        ("J/token", "right"), ("cost", "right"),
    )  # fmt: skip
    for row in rows:
        grid.add_row(
            f"{row['count']:,}",
            "none" if row["power_cap_W"] is None else with_unit(row["power_cap_W"], "W"),
            f"{100 * row['clock']:.0f} %",
            significant(row["days"]),
            significant(row["energy_per_token_J"]),
            with_unit(row["cost_USD"], "$"),
        )
    return grid


def _caps(answer: dict[str, Any]) -> Any:
    found = answer.get("cap_sweep")
    if not found:
        return None
    grid = table(
        ("power cap", "right"), ("clock", "right"), ("step", "right"), ("days", "right"),
        ("J/token", "right"), ("cost", "right"), ("", "left"),
    )  # fmt: skip
    for row in found["rows"]:
        cap, words = row["power_cap_W"], []
        if cap == found["least_energy_cap_W"]:
            words.append("least energy")
        if cap == found["least_cost_cap_W"]:
            words.append("least cost")
        grid.add_row(
            with_unit(cap, "W"),
            f"{100 * row['clock']:.0f} %",
            with_unit(row["step_time_s"], "s"),
            significant(row["days"]),
            significant(row["energy_per_token_J"]),
            with_unit(row["cost_USD"], "$"),
            ", ".join(words),
        )
    grid.title = "the best layout under power caps of an accelerator"
    grid.title_justify, grid.title_style = "left", "dim"
    return grid


def _bandwidth(gigabits: float | None) -> str:
    if gigabits is None:
        return "none is enough"
    return f"{significant(gigabits / 1e3)} Tbit/s" if gigabits >= 1e3 else f"{significant(gigabits)} Gbit/s"


def _sites(answer: dict[str, Any]) -> Any:
    found = answer.get("sites")
    if not found:
        return None
    grid = table(
        (f"{found['count']} sites keep in step by", "left"), ("step", "right"), ("slower", "right"),
        ("tokens", "right"), ("90 % band", "left"), ("days", "right"), ("90 % band", "left"),
        ("traffic", "right"), (f"needed for {100 * found['slowdown_allowed']:.0f} %", "right"),
    )  # fmt: skip
    for row in found["methods"]:
        factors = [row[f"time_factor{end}"] for end in ("", "_low", "_high")]
        days, low, high = (
            "never" if factor is None or factor > _NEVER else significant(row[f"days{end}"])
            for factor, end in zip(factors, ("", "_low", "_high"), strict=True)
        )
        tokens = ["never" if f is None or f > _NEVER else f"{f / row['slowdown']:.3g}" for f in factors]
        exact = factors[1] == factors[2]
        grid.add_row(
            row["method"],
            with_unit(row["step_time_s"], "s"),
            f"{100 * (row['slowdown'] - 1):.1f} %",
            f"× {tokens[0]}",
            "" if exact else f"{tokens[1]} to {tokens[2]}" + (" ?" if row["outside_published"] else ""),
            days,
            "" if exact else f"{low} to {high}",
            _bandwidth(row["traffic_Gbit_per_s"]),
            _bandwidth(row["needed_Gbit_per_s"]),
        )
    delay, days = significant(found["one_way_delay_ms"]), significant(found["days_on_one_site"])
    grid.title = (
        f"{found['count']} sites of {found['accelerators_each']:,}, {significant(found['distance_km'])} km "
        f"apart ({delay} ms one way), lines of {_bandwidth(found['wan_Gbit_per_s'])} each; "
        f"on one site {days} days"
    )
    grid.title_justify, grid.title_style = "left", "dim"
    return grid


def _reach(answer: dict[str, Any]) -> Any:
    found = answer.get("sites")
    if not found:
        return None
    region = found["still_works"]
    names = list(region["needed_Gbit_per_s"])
    grid = table(("apart", "right"), *((name, "right") for name in names))
    for i, distance in enumerate(region["distances_km"]):
        needed = [region["needed_Gbit_per_s"][name][i] for name in names]
        grid.add_row(f"{distance:,.0f} km", *(_bandwidth(one) for one in needed))
    share = f"{100 * found['slowdown_allowed']:.0f} %"
    grid.title = f"lines with which a step is at most {share} longer"
    grid.title_justify, grid.title_style = "left", "dim"
    return grid


def _relief(answer: dict[str, Any]) -> Any:
    rows = answer.get("relief")
    if not rows:
        return None
    grid = table(
        ("what would relieve it", "left"),
        ("", "right"),
        ("same layout", "right"),
        ("new search", "right"),
        ("days", "right"),
        ("best layout then", "left"),
    )
    for row in rows:
        nothing = row["gain"] < _SMALL_GAIN
        factor = row["factor"]
        grid.add_row(
            row["words"],
            f"× {factor:g}" if factor >= 1 else f"÷ {1 / factor:g}",
            f"{100 * row['gain_same_layout']:.1f} %",
            "nothing" if nothing else f"{100 * row['gain']:.1f} %",
            significant(row["days"]),
            layout_words(row["layout"]) if row["layout_moves"] else "the same",
            style="dim" if nothing else None,
        )
    return grid


def _pareto(answer: dict[str, Any]) -> Any:
    rows = answer.get("pareto")
    if not rows:
        return None
    grid = table(
        ("best compromises", "right"),
        ("days", "right"),
        ("energy", "right"),
        ("cost", "right"),
        ("MFU", "right"),
        ("layout", "left"),
    )
    for row in rows:
        grid.add_row(
            f"{row['count']:,}",
            significant(row["days"]),
            with_unit(row["energy_MWh"], "MWh"),
            with_unit(row["cost_USD"], "$"),
            f"{100 * row['mfu']:.1f} %",
            layout_words(row["layout"]),
        )
    return grid


def _searched(answer: dict[str, Any]) -> Any:
    inverse = answer.get("inverse")
    if inverse is None:
        return None
    tried = inverse["searched"]
    shown = tried[-_MOST_TRIED:]
    grid = table(("searched", "right"), ("parameters", "right"), ("days", "right"), ("", "left"))
    for row in shown:
        days = "–" if row["days"] is None else significant(row["days"])
        done = row["days"] is not None and row["days"] <= inverse["deadline_days"]
        grid.add_row(
            f"{row['count']:,}",
            large(row["parameters"]),
            days,
            "in time" if done else row["reason"][:70] or "too late",
        )
    grid.title = f"the last {len(shown)} of {len(tried)} searches"
    grid.title_justify, grid.title_style = "left", "dim"
    return grid
