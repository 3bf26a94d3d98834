"""The answer in the terminal: sentences, key figures, what binds, layouts, plants, a token's figures."""

from __future__ import annotations

from typing import Any

from gigawatt.core.evidence import Grade
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import aligned, label, shown, significant, with_unit
from gigawatt.faces.terminal.console import table
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.run.figures_tables import column, get_table
from gigawatt.studies.run.grids import CARDS, CARDS_SERVING, figure_words
from gigawatt.studies.run.words import binding_parts, energy_shares, find, topics
from gigawatt.studies.run.words_serving import is_serving

__all__ = ["print_summary"]

_BAR = 24
_SHORT = (
    "training.duration",
    "training.effective_step_time",
    "training.mfu",
    "training.goodput",
    "facility.power_mean",
    "facility.pue",
    "supply.electricity_cost",
    "supply.carbon_intensity",
    "ledger.run_cost",
    "ledger.total_capital",
)
_SHORT_SERVING = (
    "serving.rate",
    "machine.count",
    "serving.ttft_p99",
    "serving.tpot_p99",
    "serving.kept",
    "serving.throughput_chip",
    "serving.energy_token",
    "facility.power_mean",
    "facility.pue",
    "supply.electricity_cost",
    "supply.carbon_intensity",
    "ledger.annual_cost",
    "ledger.total_capital",
    "serving.load",
)
_SAID = ("training", "error", "binding", "supply")
_SAID_SERVING = ("serving", "waits", "error", "binding", "day", "supply")
_BEARERS = (("million_prompt", "M read"), ("million_output", "M written"), ("request", "request"))
_TOKEN = (
    ("cost", "cost"),
    ("energy", "electricity"),
    ("carbon_operational", "CO2e, operation"),
    ("carbon_embodied", "CO2e, embodied"),
    ("water", "water"),
)
_STYLES = {Grade.guess: "yellow", Grade.projected: "yellow"}
_MOST_NOTICES = 5


def _bar(share: float) -> str:
    return "█" * max(1 if share > 0.002 else 0, round(_BAR * share))


def _grade(grade: Grade) -> Any:
    from rich.text import Text

    return Text(grade.label, style=_STYLES.get(grade, "dim"))


def print_summary(result: Result, console: Any) -> None:
    """Print a result in a screen of a hundred columns: about 45 lines.

    Parameters
    ----------
    result : Result
        What to show.
    console : rich.console.Console
        Where to print; markup in names is not read.
    """
    from rich.text import Text

    console.print(Text(result.name, style="bold"))
    said = topics(result)
    serves = is_serving(result)
    console.print(Text(" ".join(said[k] for k in (_SAID_SERVING if serves else _SAID) if k in said)))
    lost = _lost(result)
    if lost:
        console.print(Text(lost))
    tables = [
        _key_figures(result),
        _shares(result) if serves else _breakdown(result),
        _replicas(result) if serves else _layouts(result),
        _beside(_plants(result), _bearers(result) if serves else _tokens(result)),
    ]
    for block in tables:
        if block is not None:
            console.print()
            console.print(block)
    console.print()
    for notice in result.notices[:_MOST_NOTICES]:
        console.print(Text(f"! {notice}", style="yellow"))
    if len(result.notices) > _MOST_NOTICES:
        console.print(Text(f"! and {len(result.notices) - _MOST_NOTICES} more in the report", style="yellow"))
    console.print(Text(said["trust"], style="dim"))


def _lost(result: Result) -> str:
    """Days with their band, and where the time on the clock goes that makes no progress."""
    frame = get_table(result, "goodput")
    low, high = (find(result, f"training.duration_{end}") for end in ("low", "high"))
    if frame is None or low is None or high is None:
        return ""
    shares = column(frame, "share")[0].drop("progress").sort_values(ascending=False)
    parts = ", ".join(f"{label(str(k))} {significant(100 * float(v), 2)} %" for k, v in shares.items() if v)
    return f"By chance of failures {shown(low)} to {shown(high)} (90 %). Lost: {parts}."


def _key_figures(result: Result) -> Any:
    serves = is_serving(result)
    titles = dict(CARDS_SERVING if serves else CARDS) | {
        "serving.load": "Demand over capacity",
        "serving.throughput_chip": "Written by an accelerator",
    }
    names = _SHORT_SERVING if serves else _SHORT
    found = [(titles[name], q) for name in names if (q := find(result, name)) is not None]
    grid = table(
        ("key figure", "left"),
        ("", "right"),
        ("grade", "left"),
        ("key figure", "left"),
        ("", "right"),
        ("grade", "left"),
    )
    half = (len(found) + 1) // 2
    for i in range(half):
        cells: list[Any] = []
        for title, quantity in (found[i], *found[half + i : half + i + 1]):
            cells += [title, figure_words(quantity), _grade(quantity.grade)]
        grid.add_row(*cells)
    return grid


def _breakdown(result: Result) -> Any:
    frame = get_table(result, "breakdown")
    if frame is None:
        return None
    times, unit = column(frame, "time")
    whole = float(times.sum())
    write = aligned([whole], unit)
    grid = table(("time of a step", "left"), ("", "right"), ("share", "right"), ("", "left"))
    by_name = {str(n).replace("_", " "): float(v) for n, v in times.items()}
    for name, share in binding_parts(result):
        grid.add_row(name, write(by_name[name]), f"{100 * share:.1f} %", _bar(share))
    grid.add_row("whole", write(whole), "", "")
    return grid


def _layouts(result: Result) -> Any:
    frame = get_table(result, "layouts")
    if frame is None:
        return None
    times, unit = column(frame, "step_time")
    used, memory = column(frame, "mfu")[0], column(frame, "memory")
    looked, fit = find(result, "layouts.looked_at"), find(result, "layouts.fit")
    head = "best layouts"
    if looked is not None and fit is not None:
        head += f" of {int(looked.value):,} looked at, {int(fit.value):,} fit"
    grid = table((head, "left"), ("step", "right"), ("MFU", "right"), ("memory", "right"))
    for i in range(min(3, len(frame))):
        row = frame.iloc[i]
        grid.add_row(
            layout_words(row),
            with_unit(float(times.iloc[i]), unit),
            f"{100 * float(used.iloc[i]):.1f} %",
            with_unit(float(memory[0].iloc[i]), memory[1]),
        )
    return grid


def _shares(result: Result) -> Any:
    frame = get_table(result, "breakdown")
    if frame is None:
        return None
    grid = table(("time of an accelerator at the peak", "left"), ("share", "right"), ("", "left"))
    shares = column(frame, "share")[0].to_dict()
    for name, share in shares.items():
        if float(share) > 0.001:
            grid.add_row(label(str(name)), f"{100 * float(share):.1f} %", _bar(float(share)))
    return grid


def _replicas(result: Result) -> Any:
    frame = get_table(result, "configurations")
    if frame is None:
        return None
    grid = table(
        ("replicas that keep the promise", "left"), ("replicas", "right"), ("accelerators", "right"),
        ("TTFT p99", "right"), ("TPOT p99", "right"), ("", "left"),
    )  # fmt: skip
    for i in range(min(3, len(frame))):
        row = frame.iloc[i]
        grid.add_row(
            str(row["layout"]), f"{int(row['replicas']):,}", f"{int(row['chips']):,}",
            with_unit(float(row["ttft [s]"]), "s"), with_unit(float(row["tpot [ms]"]), "ms"),
            str(row["tried"]),
        )  # fmt: skip
    return grid


def _bearers(result: Result) -> Any:
    frame = get_table(result, "per_token")
    if frame is None:
        return None
    grid = table(("what it takes", "left"), *((words, "right") for _, words in _BEARERS))
    rows: Any = frame
    for name, row in rows.iterrows():
        cells = [with_unit(float(row[who]), str(row[f"{who}_unit"])) for who, _ in _BEARERS]
        grid.add_row(label(str(name)), *cells)
    return grid


def _plants(result: Result) -> Any:
    from rich.text import Text

    rows = energy_shares(result)
    if not rows:
        return None
    grid = table(("plant", "left"), ("capacity", "right"), ("energy", "right"))
    for name, size, share in rows:
        grid.add_row(
            Text(name[:34]), with_unit(size, "MW"), f"{100 * share:.0f} %" if share > 0 else "stores"
        )
    return grid


def _tokens(result: Result) -> Any:
    found = [
        (words, q) for name, words in _TOKEN if (q := find(result, f"ledger.{name}_per_mtoken")) is not None
    ]
    if not found:
        return None
    grid = table(("a million tokens", "left"), ("", "right"), ("grade", "left"))
    for words, quantity in found:
        grid.add_row(words, shown(quantity).replace("/Mtoken", ""), _grade(quantity.grade))
    return grid


def _beside(*blocks: Any) -> Any:
    from rich.columns import Columns

    kept = [block for block in blocks if block is not None]
    return Columns(kept, padding=(0, 4)) if kept else None
