"""A planned training run as a document: time with its band, bottleneck, relief, layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Card, Document, Grid, Part, Section, Text
from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import between, count, label, large, significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid, spread, trusted, with_percent
from gigawatt.faces.report.trust import read_assumptions, trust_words
from gigawatt.studies.run.far_off import usual_band
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.training.figures import FIGURES

__all__ = ["document"]

Answer = Mapping[str, Any]

_SMALL = 5e-4
"""A smaller share of the run's time counts as no relief."""
_NEVER = 100.0
"""A run that takes this many times as long counts as infeasible."""
_CUT = 120
"""Rows that a table has at most; the rest is in the CSV."""
_DEGREES = ("tensor", "pipeline", "interleave", "data", "context", "expert", "zero", "microbatch",
            "recompute", "sequence_parallel", "schedule", "shard", "offload")  # fmt: skip


def _days(value: float) -> str:
    text = significant(value)
    return "1 day" if text == "1" else f"{text} days"


def _tokens(answer: Answer) -> str:
    """Tokens as they are given, and those that a batch beyond the usual one takes for the same loss."""
    given, trained = large(answer["tokens"]), large(answer["tokens_trained"])
    return f"{given} tokens" if trained == given else f"{given} tokens ({trained} at its batch)"


def _question(answer: Answer) -> str:
    size = f"{large(answer['parameters'])} parameters"
    if answer["active_parameters"] < 0.95 * answer["parameters"]:
        size += f", {large(answer['active_parameters'])} of which active"
    text = f"Training {answer['model']} ({size}) on {_tokens(answer)}"
    inverse = answer.get("inverse")
    if inverse is None:
        spare = f" ({count(answer['used'])} used, {count(answer['spare'])} spare)" if answer["spare"] else ""
        return f"{text} with {count(answer['count'])} {answer['chip']}{spare} in {answer['number_format']}:"
    if inverse["kind"] == "smallest_cluster":
        return (
            f"{text} within {_days(inverse['deadline_days'])} on {answer['chip']} in "
            f"{answer['number_format']} takes at least {several(answer['count'], 'accelerator')}."
        )
    model = inverse["model"]
    return (
        f"Largest model of its family that trains within {_days(inverse['deadline_days'])} on "
        f"{count(answer['count'])} {answer['chip']}: {large(model['parameters'])} parameters, "
        f"{model['layers']} layers of width {count(model['hidden'])}, on {_tokens(answer)}."
    )


def _summary(answer: Answer) -> str:
    band = answer["band"]
    outside = band["outside_calibrated_domain"]
    text = (
        f"{_days(answer['days'])} with failures ({with_percent(band['coverage'])} band: "
        f"{significant(answer['days_low'])} to {_days(answer['days_high'])}). A step takes "
        f"{with_unit(answer['step_time_s'], 's')} "
        f"({spread(answer['step_time_low_s'], answer['step_time_high_s'], 's')}); MFU is "
        f"{significant(100 * answer['mfu'])} % and goodput {significant(100 * answer['goodput'])} %"
        + (
            f", besides which a whole run takes {with_percent(answer['overhead'])}."
            if answer["overhead"]
            else "."
        )
    )
    text += (
        f" The band comes from runs of {band['sources']} makers, each predicted by a fit to the "
        f"others: measured steps of this kind took {significant(band['low'])} to "
        f"{significant(band['high'])} times the prediction."
    )
    if outside:
        text += f" This run lies outside their range: {'; '.join(map(str, outside))}."
    return text


def _bottleneck(answer: Answer) -> str:
    parts = sorted(answer["parts_s"].items(), key=lambda item: -item[1])
    total = float(answer["step_time_s"])
    (first, seconds), rest = parts[0], [(n, v) for n, v in parts[1:3] if v >= 0.005 * total]
    text = f"The bottleneck is {label(first)} with {with_percent(seconds / total)} of a step"
    if rest:
        text += f", followed by {listed([f'{label(n)} ({with_percent(v / total)})' for n, v in rest])}"
    rows = answer.get("relief")
    if rows:
        gains = sorted(rows, key=lambda row: -row["gain"])
        top = gains[0]
        if top["gain"] < _SMALL:
            text += "; no single resource would shorten the run"
        else:
            text += (
                f"; {_more(top)} shortens the run most, by {with_percent(top['gain'], 1)} to "
                f"{_days(top['days'])}"
            )
            if len(gains) > 1 and gains[1]["gain"] >= _SMALL:
                text += f" (next: {_more(gains[1])}, {with_percent(gains[1]['gain'], 1)})"
    else:
        text += "; --relief computes what would relieve it"
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
        f"Mean IT power is {with_unit(power['it_mean'], 'MW')}; the site must provide "
        f"{with_unit(power['facility_peak'], 'MW')}{limit} at the meter. The run uses "
        f"{with_unit(answer['energy_MWh'], 'MWh')}, {with_unit(answer['energy_per_token_J'], 'J')} per "
        f"token. It costs {with_unit(answer['cost_USD'], '$')}: machine and building "
        f"{with_unit(cost['machine_and_building'], '$')}, electricity "
        f"{with_unit(cost['electricity'], '$')}."
    )
    if answer["power_cap_W"] is not None:
        cap, own = (with_unit(answer[key], "W") for key in ("power_cap_W", "chip_power_limit_W"))
        text += (
            f" A power cap of {cap} instead of {own} per accelerator leaves "
            f"{with_percent(answer['clock'])} of the clock."
        )
    return text


def _facts(answer: Answer) -> Grid:
    power = answer["power_MW"]
    rows: list[tuple[str, ...]] = [
        ("model parameters", large(answer["parameters"]), "", ""),
        ("of which active", large(answer["active_parameters"]), "", ""),
        ("tokens", _tokens(answer).removesuffix(" tokens"), "", ""),
        ("time to train [days]", significant(answer["days"]), significant(answer["days_low"]),
         significant(answer["days_high"])),
        ("step", *(with_unit(answer[f"step_time{k}_s"], "s") for k in ("", "_low", "_high"))),
        ("measured / predicted step time", "1", significant(answer["band"]["low"]),
         significant(answer["band"]["high"])),
        ("goodput", *(f"{significant(100 * answer[f'goodput{k}'])} %" for k in ("", "_low", "_high"))),
        ("besides steps and failures", f"{significant(100 * answer['overhead'])} %", "", ""),
        ("failures per day", significant(answer["failures_per_day"]), "", ""),
        ("MFU", f"{significant(100 * answer['mfu'])} %", "", ""),
        ("tokens/s at goodput", large(round(answer["tokens_per_s"])), "", ""),
        ("mean IT power", with_unit(power["it_mean"], "MW"), "", ""),
        ("power to provide", with_unit(power["facility_peak"], "MW"), "", ""),
        ("energy", with_unit(answer["energy_MWh"], "MWh"), "", ""),
        ("energy per token", with_unit(answer["energy_per_token_J"], "J"), "", ""),
        ("cost", with_unit(answer["cost_USD"], "$"), "", ""),
        *((f"cost of {label(name)}", with_unit(value, "$"), "", "")
          for name, value in answer["cost_parts_USD"].items()),
        ("per accelerator-hour", f"${significant(answer['chip_hour_USD'])}", "", ""),
        ("electricity", f"${significant(answer['electricity_USD_per_MWh'])}/MWh", "", ""),
        ("PUE", significant(answer["pue"]), "", ""),
    ]  # fmt: skip
    if power["limit"] is not None:
        rows.append(("power limit", with_unit(power["limit"], "MW"), "", ""))
    if answer["power_cap_W"] is not None:
        rows.append(("power cap per accelerator", with_unit(answer["power_cap_W"], "W"), "", ""))
        rows.append(("chip power limit", with_unit(answer["chip_power_limit_W"], "W"), "", ""))
        rows.append(("clock under the cap", f"{100 * answer['clock']:.0f} %", "", ""))
    percent, sources = with_percent(answer["band"]["coverage"]), answer["band"]["sources"]
    caption = f"Low and high ends enclose {percent} of the measured steps of {sources} sources."
    return rows_grid(caption, ("figure", "value", "low end", "high end"), rows)


def _parts(answer: Answer) -> Grid:
    total = float(answer["step_time_s"])
    rows = [
        (label(name), with_unit(value, "s"), f"{100 * value / total:.1f} %")
        for name, value in answer["parts_s"].items()
    ]
    rows.append(("total", with_unit(total, "s"), "100.0 %"))
    grid = rows_grid("Step time by component.", ("part", "time", "share"), rows)
    return Grid(grid.caption, grid.head, grid.numeric, grid.rows, total=True)


def _memory(answer: Answer) -> Grid:
    best = answer["best"][0]
    rows = [(label(name), with_unit(v, "GB")) for name, v in best["memory_parts_GB"].items() if v > 0]
    rows += [("used", with_unit(best["memory_GB"], "GB")),
             ("available", with_unit(answer["memory_limit_GB"], "GB"))]  # fmt: skip
    return rows_grid("Memory of one accelerator in the best layout.", ("part", "memory"), rows)


def _goodput(answer: Answer) -> Grid:
    rows = [(label(name), f"{100 * share:.2f} %") for name, share in answer["goodput_parts"].items()]
    return rows_grid(
        "Time of steps and failures by use; a whole run takes its overhead besides.", ("part", "share"), rows
    )


def _layouts(answer: Answer) -> Grid:
    rows = [
        (with_unit(row["step_time_s"], "s"), f"{100 * row['mfu']:.1f} %", with_unit(row["memory_GB"], "GB"),
         *(row[name] for name in _DEGREES))
        for row in answer["best"]
    ]  # fmt: skip
    heads = ("step", "MFU", "memory", *(name.replace("_", " ") for name in _DEGREES))
    caption = (
        f"Best of {several(answer['layouts_evaluated'], 'layout')} searched, of which "
        f"{count(answer['layouts_fit'])} fit in memory."
    )
    return rows_grid(caption, heads, rows)


def _relief(answer: Answer) -> Grid:
    rows = [
        (row["words"], f"× {row['factor']:g}" if row["factor"] >= 1 else f"÷ {1 / row['factor']:g}",
         with_percent(row["gain_same_layout"], 1), with_percent(row["gain"], 1), significant(row["days"]),
         layout_words(row["layout"]) if row["layout_moves"] else "unchanged")
        for row in answer["relief"]
    ]  # fmt: skip
    heads = (
        "resource",
        "changed",
        "saved with the same layout",
        "saved after a new search",
        "days with it",
        "best layout with it",
    )
    return rows_grid("Share of the run's time that more of one resource saves.", heads, rows)


def _pareto(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]), significant(row["days"]), with_unit(row["energy_MWh"], "MWh"),
         with_unit(row["cost_USD"], "$"), f"{100 * row['mfu']:.1f} %", layout_words(row["layout"]))
        for row in answer["pareto"][:_CUT]
    ]  # fmt: skip
    heads = ("accelerators", "days", "energy", "cost", "MFU", "layout")
    caption = "Pareto front of machines and layouts over time, accelerators, energy and cost."
    if len(answer["pareto"]) > _CUT:
        caption += f" The first {_CUT} of {len(answer['pareto']):,}; pareto.csv has all."
    return rows_grid(caption, heads, rows)


def _caps(answer: Answer) -> Grid:
    sweep = answer["cap_sweep"]
    least = (("least energy", sweep["least_energy_cap_W"]), ("least cost", sweep["least_cost_cap_W"]))
    rows = [
        (with_unit(row["power_cap_W"], "W"), with_percent(row["clock"]), with_unit(row["step_time_s"], "s"),
         significant(row["days"]), with_unit(row["energy_per_token_J"], "J"), with_unit(row["cost_USD"], "$"),
         ", ".join(words for words, cap in least if cap == row["power_cap_W"]))
        for row in sweep["rows"]
    ]  # fmt: skip
    heads = ("cap", "clock", "step", "days", "per token", "cost", "")
    return rows_grid("The best layout under power caps per accelerator.", heads, rows)


def _choices(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]),
         "none" if row["power_cap_W"] is None else with_unit(row["power_cap_W"], "W"),
         with_percent(row["clock"]), significant(row["days"]), significant(row["energy_per_token_J"]),
         with_unit(row["cost_USD"], "$"))
        for row in answer["power_choice"]
    ]  # fmt: skip
    heads = ("accelerators", "cap", "clock", "days", "J per token", "cost")
    return rows_grid("Two ways to stay within the power limit.", heads, rows)


def _sites(sites: Mapping[str, Any]) -> Grid:
    def days(value: float | None) -> str:
        return "never" if value is None or value > _NEVER * sites["days_on_one_site"] else significant(value)

    def bits(value: float | None) -> str:
        return "no bandwidth suffices" if value is None else f"{significant(value)} Gbit/s"

    rows = [
        (row["method"], with_unit(row["step_time_s"], "s"), f"{100 * (row['slowdown'] - 1):.1f} %",
         days(row["days"]),
         "–" if row["days_low"] == row["days_high"]
         else f"{days(row['days_low'])} to {days(row['days_high'])}",
         bits(row["traffic_Gbit_per_s"]), bits(row["needed_Gbit_per_s"]))
        for row in sites["methods"]
    ]  # fmt: skip
    heads = ("method", "step", "slower", "days", "90 % band", "traffic", "needed for 5 %")
    caption = (
        f"{sites['count']} sites of {count(sites['accelerators_each'])}, "
        f"{significant(sites['distance_km'])} km apart ({significant(sites['one_way_delay_ms'])} ms one "
        f"way), connected at {significant(sites['wan_Gbit_per_s'])} Gbit/s: synchronisation methods."
    )
    return rows_grid(caption, heads, rows)


def _reach(sites: Mapping[str, Any]) -> Grid:
    region = sites["still_works"]
    names = list(region["needed_Gbit_per_s"])
    rows = [
        (f"{distance:,.0f} km",
         *("none" if (one := region["needed_Gbit_per_s"][name][i]) is None else significant(one)
           for name in names))
        for i, distance in enumerate(region["distances_km"])
    ]  # fmt: skip
    share = with_percent(sites["slowdown_allowed"])
    caption = f"Bandwidth between sites [Gbit/s] at which a step is at most {share} longer, by distance."
    return rows_grid(caption, ("apart", *names), rows)


def _searched(answer: Answer) -> Grid:
    rows = [
        (count(row["count"]), large(row["parameters"]), row["layers"],
         "–" if row["days"] is None else significant(row["days"]), row["reason"] or "")
        for row in answer["inverse"]["searched"][:_CUT]
    ]  # fmt: skip
    heads = ("accelerators", "parameters", "layers", "days", "reason")
    return rows_grid("Searched cases.", heads, rows)


def _sections(answer: Answer) -> tuple[Section, ...]:
    def figure(name: str) -> tuple[Part, ...]:
        key, draw, caption = FIGURES[name]
        return (drawn(name.replace("_", "-"), partial(draw, answer), caption),) if answer.get(key) else ()

    binding: list[Part] = [*figure("step_parts"), _parts(answer)]
    if answer.get("relief"):
        binding += [*figure("relief"), _relief(answer)]
    sections = [
        Section("answer", "The answer", (_facts(answer),)),
        Section("binding", "Bottleneck and what would relieve it", tuple(binding)),
        Section("lost", "Lost time", (*figure("goodput_parts"), _goodput(answer))),
        Section("layouts", "The best layouts", (_layouts(answer), *figure("timeline"))),
        Section("memory", "Memory", (*figure("memory_parts"), _memory(answer))),
    ]
    if answer.get("power_choice"):
        sections.append(Section("power", "Within the power limit", (_choices(answer),)))
    if answer.get("cap_sweep"):
        sections.append(Section("caps", "Power caps", (*figure("caps"), _caps(answer))))
    if answer.get("pareto"):
        sections.append(Section("pareto", "Pareto front", (*figure("pareto"), _pareto(answer))))
    if answer.get("sites"):
        one = answer["sites"]
        duration = f"On one site the run takes {_days(one['days_on_one_site'])}."
        parts: tuple[Part, ...] = (*figure("sites"), Text(duration), _sites(one), _reach(one))
        sections.append(Section("sites", "Several sites", parts))
    if answer.get("inverse"):
        sections.append(Section("searched", "Searched cases", (*figure("tried"), _searched(answer))))
    return tuple(sections)


def _cards(answer: Answer) -> Iterator[Card]:
    """Key figures with their 90 % intervals: of the time by measured steps, else those usual for a run."""
    band = answer["band"]
    step, days = answer["step_time_s"], between(_days(answer["days_low"]), _days(answer["days_high"]))
    yield Card("Time to train", _days(answer["days"]), band=days)
    ends = (with_unit(step * band[end], "s") for end in ("low", "high"))
    yield Card("Step", with_unit(step, "s"), band=between(*ends))
    for title, name, value, unit in (
        ("MFU", "training.mfu", 100 * answer["mfu"], "%"),
        ("Goodput", "training.goodput", 100 * answer["goodput"], "%"),
        ("Power to provide", "facility.power_peak", answer["power_MW"]["facility_peak"], "MW"),
        ("Energy", "energy.run", answer["energy_MWh"], "MWh"),
        ("Cost", "ledger.run_cost", answer["cost_USD"], "$"),
    ):
        yield Card(title, with_unit(value, unit), band=usual_band("training", name, value, unit))


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of a training plan; ``answer`` is what ``--json`` prints."""
    assumptions = read_assumptions(answer["assumptions"])
    cards = tuple(_cards(answer))
    texts = (
        f"{_question(answer)} {_summary(answer)}",
        _bottleneck(answer),
        f"{_power(answer)} {trust_words(assumptions)}",
    )
    return Document(
        title=f"{answer['model']} on {count(answer['count'])} {answer['chip']}",
        setting=f"{large(answer['tokens'])} tokens · {answer['number_format']} · {answer['software']}",
        paragraphs=texts,
        again=again,
        short=("binding", "layouts", "power", "caps", "sites", "pareto", "searched"),
        stated=(
            "training.tokens",
            "training.sequence",
            "training.global_batch",
            "training.number_format",
            "training.optimizer",
            "software.stack",
            "site.name",
            "facility.pue",
            "supply.price",
            "finance.discount_rate",
            "finance.chip_life",
        ),
        cards=cards,
        notices=tuple(map(str, answer["notices"])),
        sections=_sections(answer),
        facts=facts_of(again, ("layouts searched", count(answer["layouts_evaluated"]))),
        **trusted(assumptions),
    )
