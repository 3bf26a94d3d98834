"""A planned training run as a document: time with its band, what binds, what relieves it, layouts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section, Text
from gigawatt.core.evidence import worst
from gigawatt.faces.figures.readable import count, label, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, spread, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.training.figures import FIGURES

__all__ = ["document"]

Answer = Mapping[str, Any]

_SMALL = 5e-4
"""A relief below this share of the run's time is told as nothing."""
_NEVER = 100.0
"""A run that takes this many times as long is not done."""
_CUT = 120
"""Rows that a table has at most; the rest is in the CSV."""
_DEGREES = ("tensor", "pipeline", "interleave", "data", "context", "expert", "zero", "microbatch",
            "recompute", "sequence_parallel", "schedule", "shard", "offload")  # fmt: skip


def _days(value: float) -> str:
    return f"{significant(value)} days"


def _asked(answer: Answer) -> str:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of them active"
    text = f"Asked was to train {answer['model']} ({size}) on {large(answer['tokens'])} tokens"
    found = answer.get("inverse")
    if found is None:
        return f"{text} with {count(answer['count'])} {answer['chip']} in {answer['number_format']}."
    if found["kind"] == "smallest_cluster":
        return (
            f"{text} within {_days(found['deadline_days'])} on {answer['chip']} in "
            f"{answer['number_format']}; the "
            f"fewest accelerators that do it are {count(answer['count'])}."
        )
    model = found["model"]
    return (
        f"Asked was the largest model of its family to train within {_days(found['deadline_days'])} on "
        f"{count(answer['count'])} {answer['chip']}; it has {large(model['parameters'])} parameters, "
        f"{model['layers']} layers of {count(model['hidden'])}, and reads {large(answer['tokens'])} tokens."
    )


def _answered(answer: Answer, grade: str) -> str:
    band = answer["band"]
    outside = band["outside_calibrated_domain"]
    text = (
        f"It takes {_days(answer['days'])}, with {with_percent(band['coverage'])} between "
        f"{significant(answer['days_low'])} and {_days(answer['days_high'])}, failures "
        f"included{grade}: a step "
        f"takes {with_unit(answer['step_time_s'], 's')} "
        f"({spread(answer['step_time_low_s'], answer['step_time_high_s'], 's')}) at an MFU of "
        f"{significant(100 * answer['mfu'])} %, and {significant(100 * answer['goodput'])} % of "
        "the time on the "
        "clock is progress."
    )
    text += (
        f" The band is that of {band['sources']} published sources, each predicted by a fit "
        "that had not seen it: "
        f"measured steps took between {significant(band['low'])} and {significant(band['high'])} times the "
        "prediction."
    )
    if outside:
        text += f" The run is unlike them: {'; '.join(map(str, outside))}."
    return text


def _bound(answer: Answer) -> str:
    parts = sorted(answer["parts_s"].items(), key=lambda item: -item[1])
    whole = float(answer["step_time_s"])
    (first, seconds), rest = parts[0], [(n, v) for n, v in parts[1:3] if v >= 0.005 * whole]
    text = f"What binds is {label(first)}: it takes {with_percent(seconds / whole)} of a step"
    if rest:
        text += f", before {listed([f'{label(n)} ({with_percent(v / whole)})' for n, v in rest])}"
    rows = answer.get("relief")
    if rows:
        gains = sorted(rows, key=lambda row: -row["gain"])
        top = gains[0]
        if top["gain"] < _SMALL:
            text += "; no single resource would shorten the run"
        else:
            text += (
                f"; {_more(top)} would shorten the run most, by {with_percent(top['gain'], 1)} to "
                f"{_days(top['days'])}"
            )
            if len(gains) > 1 and gains[1]["gain"] >= _SMALL:
                text += f" (next: {_more(gains[1])}, {with_percent(gains[1]['gain'], 1)})"
    else:
        text += "; what would relieve it was not asked (--relief)"
    return f"{text}."


def _more(row: Mapping[str, Any]) -> str:
    factor = float(row["factor"])
    named = {2.0: "twice", 0.5: "half of"}
    times = named.get(factor, f"{factor:g} times" if factor >= 1.0 else f"{significant(factor)} of")
    return f"{times} the {row['words']}"


def _power(answer: Answer) -> str:
    power, cost = answer["power_MW"], answer["cost_parts_USD"]
    limit = f" of {with_unit(power['limit'], 'MW')}" if power["limit"] is not None else ""
    text = (
        f"IT draws {with_unit(power['it_mean'], 'MW')} in the mean and "
        f"{with_unit(power['facility_peak'], 'MW')}"
        f"{limit} are to be provided at the meter; the run takes {with_unit(answer['energy_MWh'], 'MWh')}, "
        f"{with_unit(answer['energy_per_token_J'], 'J')} a token. It costs "
        f"{with_unit(answer['cost_USD'], '$')}: "
        f"machine and building {with_unit(cost['machine_and_building'], '$')}, electricity "
        f"{with_unit(cost['electricity'], '$')}."
    )
    if answer["power_cap_W"] is not None:
        held, own = (with_unit(answer[key], "W") for key in ("power_cap_W", "chip_power_limit_W"))
        text += (
            f" Every accelerator is held to {held} of {own} and keeps "
            f"{with_percent(answer['clock'])} of its clock."
        )
    return text


def _facts(answer: Answer) -> Grid:
    power = answer["power_MW"]
    rows: list[tuple[str, ...]] = [
        ("parameters of the model", large(answer["parameters"]), "", ""),
        ("of them active", large(answer["active_parameters"]), "", ""),
        ("tokens", large(answer["tokens"]), "", ""),
        ("time [days]", significant(answer["days"]), significant(answer["days_low"]),
         significant(answer["days_high"])),
        ("step", *(with_unit(answer[f"step_time{k}_s"], "s") for k in ("", "_low", "_high"))),
        ("measured over predicted step", "1", significant(answer["band"]["low"]),
         significant(answer["band"]["high"])),
        ("goodput", *(f"{significant(100 * answer[f'goodput{k}'])} %" for k in ("", "_low", "_high"))),
        ("failures a day", significant(answer["failures_per_day"]), "", ""),
        ("MFU", f"{significant(100 * answer['mfu'])} %", "", ""),
        ("tokens a second, at goodput", large(round(answer["tokens_per_s"])), "", ""),
        ("IT, mean", with_unit(power["it_mean"], "MW"), "", ""),
        ("power to be provided", with_unit(power["facility_peak"], "MW"), "", ""),
        ("energy", with_unit(answer["energy_MWh"], "MWh"), "", ""),
        ("energy of a token", with_unit(answer["energy_per_token_J"], "J"), "", ""),
        ("cost", with_unit(answer["cost_USD"], "$"), "", ""),
        *((f"cost of {label(name)}", with_unit(value, "$"), "", "")
          for name, value in answer["cost_parts_USD"].items()),
        ("an accelerator-hour", f"${significant(answer['chip_hour_USD'])}", "", ""),
        ("electricity", f"${significant(answer['electricity_USD_per_MWh'])}/MWh", "", ""),
        ("PUE", significant(answer["pue"]), "", ""),
    ]  # fmt: skip
    if power["limit"] is not None:
        rows.append(("power that there is", with_unit(power["limit"], "MW"), "", ""))
    if answer["power_cap_W"] is not None:
        rows.append(("power cap of an accelerator", with_unit(answer["power_cap_W"], "W"), "", ""))
        rows.append(("its own limit", with_unit(answer["chip_power_limit_W"], "W"), "", ""))
        rows.append(("its clock", f"{100 * answer['clock']:.0f} %", "", ""))
    percent, sources = with_percent(answer["band"]["coverage"]), answer["band"]["sources"]
    caption = f"The answer; {percent} of the measured steps of {sources} sources lay between the ends."
    return rows_grid(caption, ("figure", "value", "low end", "high end"), rows)


def _parts(answer: Answer) -> Grid:
    whole = float(answer["step_time_s"])
    rows = [
        (label(name), with_unit(value, "s"), f"{100 * value / whole:.1f} %")
        for name, value in answer["parts_s"].items()
    ]
    rows.append(("whole", with_unit(whole, "s"), "100.0 %"))
    made = rows_grid("Time of one step by what it waits for.", ("part", "time", "share"), rows)
    return Grid(made.caption, made.head, made.numeric, made.rows, total=True)


def _memory(answer: Answer) -> Grid:
    best = answer["best"][0]
    rows = [(label(name), with_unit(v, "GB")) for name, v in best["memory_parts_GB"].items() if v > 0]
    rows += [("in use", with_unit(best["memory_GB"], "GB")),
             ("there is", with_unit(answer["memory_limit_GB"], "GB"))]  # fmt: skip
    return rows_grid("Memory of one accelerator in the best layout.", ("part", "memory"), rows)


def _goodput(answer: Answer) -> Grid:
    rows = [(label(name), f"{100 * share:.2f} %") for name, share in answer["goodput_parts"].items()]
    return rows_grid("Where the time on the clock goes.", ("part", "share"), rows)


def _layouts(answer: Answer) -> Grid:
    rows = [
        (with_unit(row["step_time_s"], "s"), f"{100 * row['mfu']:.1f} %", with_unit(row["memory_GB"], "GB"),
         *(row[name] for name in _DEGREES))
        for row in answer["best"]
    ]  # fmt: skip
    heads = ("step", "MFU", "memory", *(name.replace("_", " ") for name in _DEGREES))
    caption = (
        f"The best layouts of {count(answer['layouts_evaluated'])} looked at, "
        f"{count(answer['layouts_fit'])} of "
        "which fit in memory."
    )
    return rows_grid(caption, heads, rows)


def _relief(answer: Answer) -> Grid:
    rows = [
        (row["words"], f"× {row['factor']:g}" if row["factor"] >= 1 else f"÷ {1 / row['factor']:g}",
         with_percent(row["gain_same_layout"], 1), with_percent(row["gain"], 1), significant(row["days"]),
         layout_words(row["layout"]) if row["layout_moves"] else "the same")
        for row in answer["relief"]
    ]  # fmt: skip
    heads = ("resource", "changed", "same layout saves", "new search saves", "days then", "best layout then")
    return rows_grid("What more of one resource would save of the run's time.", heads, rows)


def _pareto(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]), significant(row["days"]), with_unit(row["energy_MWh"], "MWh"),
         with_unit(row["cost_USD"], "$"), f"{100 * row['mfu']:.1f} %", layout_words(row["layout"]))
        for row in answer["pareto"][:_CUT]
    ]  # fmt: skip
    heads = ("accelerators", "days", "energy", "cost", "MFU", "layout")
    caption = "Machines and layouts that none beats in time, accelerators, energy and cost at once."
    if len(answer["pareto"]) > _CUT:
        caption += f" The first {_CUT} of {len(answer['pareto']):,}; pareto.csv has all."
    return rows_grid(caption, heads, rows)


def _caps(answer: Answer) -> Grid:
    found = answer["cap_sweep"]
    least = (("least energy", found["least_energy_cap_W"]), ("least cost", found["least_cost_cap_W"]))
    rows = [
        (with_unit(row["power_cap_W"], "W"), with_percent(row["clock"]), with_unit(row["step_time_s"], "s"),
         significant(row["days"]), with_unit(row["energy_per_token_J"], "J"), with_unit(row["cost_USD"], "$"),
         ", ".join(words for words, cap in least if cap == row["power_cap_W"]))
        for row in found["rows"]
    ]  # fmt: skip
    heads = ("cap", "clock", "step", "days", "a token", "cost", "")
    return rows_grid("The best layout under power caps of an accelerator.", heads, rows)


def _choices(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]),
         "none" if row["power_cap_W"] is None else with_unit(row["power_cap_W"], "W"),
         with_percent(row["clock"]), significant(row["days"]), significant(row["energy_per_token_J"]),
         with_unit(row["cost_USD"], "$"))
        for row in answer["power_choice"]
    ]  # fmt: skip
    heads = ("accelerators", "cap", "clock", "days", "J a token", "cost")
    return rows_grid("Two ways to stay within the power that there is.", heads, rows)


def _sites(found: Mapping[str, Any]) -> Grid:
    def days(value: float | None) -> str:
        return "never" if value is None or value > _NEVER * found["days_on_one_site"] else significant(value)

    def bits(value: float | None) -> str:
        return "none is enough" if value is None else f"{significant(value)} Gbit/s"

    rows = [
        (row["method"], with_unit(row["step_time_s"], "s"), f"{100 * (row['slowdown'] - 1):.1f} %",
         days(row["days"]),
         "–" if row["days_low"] == row["days_high"]
         else f"{days(row['days_low'])} to {days(row['days_high'])}",
         bits(row["traffic_Gbit_per_s"]), bits(row["needed_Gbit_per_s"]))
        for row in found["methods"]
    ]  # fmt: skip
    heads = ("method", "step", "slower", "days", "90 % band", "traffic", "needed for 5 %")
    caption = (
        f"{found['count']} sites of {count(found['accelerators_each'])}, "
        f"{significant(found['distance_km'])} km apart "
        f"({significant(found['one_way_delay_ms'])} ms one way) with lines of "
        f"{significant(found['wan_Gbit_per_s'])} Gbit/s: ways of keeping them in step."
    )
    return rows_grid(caption, heads, rows)


def _reach(found: Mapping[str, Any]) -> Grid:
    region = found["still_works"]
    names = list(region["needed_Gbit_per_s"])
    rows = [
        (f"{distance:,.0f} km",
         *("none" if (one := region["needed_Gbit_per_s"][name][i]) is None else significant(one)
           for name in names))
        for i, distance in enumerate(region["distances_km"])
    ]  # fmt: skip
    share = with_percent(found["slowdown_allowed"])
    caption = f"Lines [Gbit/s] with which a step is at most {share} longer, by distance."
    return rows_grid(caption, ("apart", *names), rows)


def _searched(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]), large(row["parameters"]), row["layers"],
         "–" if row["days"] is None else significant(row["days"]), row["reason"] or "")
        for row in answer["inverse"]["searched"][:_CUT]
    ]  # fmt: skip
    heads = ("accelerators", "parameters", "layers", "days", "why not")
    return rows_grid("What was searched.", heads, rows)


def _sections(answer: Answer) -> tuple[Section, ...]:
    def figure(name: str) -> tuple[Part, ...]:
        key, draw, caption = FIGURES[name]
        return (drawn(name.replace("_", "-"), partial(draw, answer), caption),) if answer.get(key) else ()

    binding: list[Part] = [*figure("step_parts"), _parts(answer)]
    if answer.get("relief"):
        binding += [*figure("relief"), _relief(answer)]
    found = [
        Section("answer", "The answer", (_facts(answer),)),
        Section("binding", "What binds, and what would relieve it", tuple(binding)),
        Section("lost", "Where time on the clock is lost", (*figure("goodput_parts"), _goodput(answer))),
        Section("layouts", "The best layouts", (_layouts(answer), *figure("timeline"))),
        Section("memory", "Memory", (*figure("memory_parts"), _memory(answer))),
    ]
    if answer.get("power_choice"):
        found.append(Section("power", "Within the power", (_choices(answer),)))
    if answer.get("cap_sweep"):
        found.append(Section("caps", "Power caps", (*figure("caps"), _caps(answer))))
    if answer.get("pareto"):
        found.append(Section("pareto", "The best compromises", (*figure("pareto"), _pareto(answer))))
    if answer.get("sites"):
        one = answer["sites"]
        said = f"On one site the run takes {_days(one['days_on_one_site'])}."
        parts: tuple[Part, ...] = (*figure("sites"), Text(said), _sites(one), _reach(one))
        found.append(Section("sites", "Several sites", parts))
    if answer.get("inverse"):
        found.append(Section("searched", "What was searched", (*figure("tried"), _searched(answer))))
    return tuple(found)


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """Everything that the report of a plan says; ``answer`` is what ``--json`` prints."""
    assumptions = read_assumptions(answer["assumptions"])
    grade = worst(a.grade for a in assumptions).label
    power = answer["power_MW"]
    cards = (
        Card("Time to train", _days(answer["days"]), grade),
        Card(f"{with_percent(answer['band']['coverage'])} band [days]",
             f"{significant(answer['days_low'])} to {significant(answer['days_high'])}"),
        Card("Step", with_unit(answer["step_time_s"], "s"), grade),
        Card("MFU", f"{significant(100 * answer['mfu'])} %", grade),
        Card("Goodput", f"{significant(100 * answer['goodput'])} %", grade),
        Card("Power to be provided", with_unit(power["facility_peak"], "MW"), grade),
        Card("Energy", with_unit(answer["energy_MWh"], "MWh"), grade),
        Card("Cost", with_unit(answer["cost_USD"], "$"), grade),
    )  # fmt: skip
    texts = (
        f"{_asked(answer)} {_answered(answer, f' ({grade})')}",
        _bound(answer),
        f"{_power(answer)} {trust_words(assumptions)}",
    )
    return Document(
        title=f"{answer['model']} on {count(answer['count'])} {answer['chip']}",
        setting=f"{large(answer['tokens'])} tokens · {answer['number_format']} · {answer['stack']}",
        paragraphs=texts,
        again=again,
        short=("binding", "layouts", "power", "caps", "sites", "pareto", "searched"),
        stated=(
            "training.tokens",
            "training.sequence",
            "training.global_batch",
            "training.number_format",
            "training.optimizer",
            "machine.stack",
            "site.name",
            "facility.pue",
            "supply.price",
            "finance.discount_rate",
            "finance.chip_life",
        ),
        cards=cards,
        notices=tuple(map(str, answer["notices"])),
        sections=_sections(answer),
        facts=facts_of(again, ("layouts looked at", count(answer["layouts_evaluated"]))),
        **trusted(assumptions),
    )
