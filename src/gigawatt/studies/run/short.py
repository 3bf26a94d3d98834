"""The tables of a result's short form: what the time goes to, layouts or replicas, plants, a token."""

from __future__ import annotations

from typing import Any

from gigawatt.core.document import Cell, Columns, Grid, Part
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import aligned, between, label, shown, significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.run.figures_tables import column, get_table
from gigawatt.studies.run.grids import figure_cell
from gigawatt.studies.run.sayings import find
from gigawatt.studies.run.uncertainty_words import cells_of, ends_words, spreads
from gigawatt.studies.run.words import binding_parts, energy_shares
from gigawatt.studies.run.words_serving import is_serving

__all__ = ["CARDS", "lost_words", "short"]

CARDS = (
    "training.duration", "training.effective_step_time", "training.mfu", "training.goodput", "serving.rate",
    "machine.count", "serving.ttft_p99", "serving.tpot_p99", "serving.kept", "serving.throughput_chip",
    "serving.energy_token", "facility.power_mean", "facility.power_peak", "facility.power_nameplate",
    "facility.pue", "supply.electricity_cost", "supply.carbon_intensity", "energy.run", "carbon.run",
    "ledger.run_cost", "ledger.annual_cost", "ledger.total_capital", "ledger.cost_per_energy",
    "ledger.cost_per_it_energy", "ledger.annual_carbon", "ledger.annual_water",
)  # fmt: skip
"""Key figures of the short form."""
_BEARERS = (("million_prompt", "M read"), ("million_output", "M written"), ("request", "request"))
_TOKEN = (
    ("cost", "cost"),
    ("energy", "electricity"),
    ("carbon_operational", "CO2e, operation"),
    ("carbon_embodied", "CO2e, embodied"),
    ("water", "water"),
)
_BEST = 3
_LEAST = 0.001
"""Share below which a part of a service's time is left out."""
_NAME = 34
"""Characters of a plant's name."""


def short(result: Result) -> tuple[Part, ...]:
    """Parts of the short form, those that the result has."""
    serves = is_serving(result)
    parts: list[Grid | Columns | None] = [
        _shares(result) if serves else _breakdown(result),
        _replicas(result) if serves else _layouts(result),
    ]
    plants, tokens = _plants(result), _bearers(result) if serves else _tokens(result)
    if plants is not None or tokens is not None:
        left, right = (() if grid is None else (grid,) for grid in (plants, tokens))
        parts.append(Columns(left, right))
    return tuple(part for part in parts if part is not None)


def lost_words(result: Result) -> str:
    """Days with the band of failures, and where the time on the clock goes that makes no progress."""
    frame = get_table(result, "goodput")
    low, high = (find(result, f"training.duration_{end}") for end in ("low", "high"))
    if frame is None or low is None or high is None:
        return ""
    shares = column(frame, "share")[0].drop("progress").sort_values(ascending=False)
    parts = ", ".join(f"{label(str(k))} {significant(100 * float(v), 2)} %" for k, v in shares.items() if v)
    return f"By chance of failures {between(shown(low), shown(high))} (90 %). Lost to {parts}."


def _barred(head: tuple[str, ...], rows: list[tuple[tuple[str, ...], float]]) -> Grid:
    """Rows of texts and a share, which is drawn as a bar too."""
    cells = tuple((*map(Cell, texts), Cell(f"{100 * share:.1f} %", bar=100 * share)) for texts, share in rows)
    return Grid("", (*head, "share"), (False, *(True for _ in head)), cells)


def _breakdown(result: Result) -> Grid | None:
    frame = get_table(result, "breakdown")
    if frame is None:
        return None
    times, unit = column(frame, "time")
    whole = float(times.sum())
    write = aligned([whole], unit)
    by_name = {str(name).replace("_", " "): float(value) for name, value in times.items()}
    rows = [((name, write(by_name[name])), share) for name, share in binding_parts(result)]
    grid = _barred(("time of a step", ""), rows)
    total = (Cell("whole"), Cell(write(whole)), Cell(""))
    return Grid(grid.caption, grid.head, grid.numeric, (*grid.rows, total))


def _shares(result: Result) -> Grid | None:
    frame = get_table(result, "breakdown")
    if frame is None:
        return None
    shares = column(frame, "share")[0].to_dict()
    rows = [((label(str(name)),), float(share)) for name, share in shares.items() if float(share) > _LEAST]
    return _barred(("time of an accelerator at the peak",), rows)


def _layouts(result: Result) -> Grid | None:
    frame = get_table(result, "layouts")
    if frame is None:
        return None
    times, unit = column(frame, "step_time")
    used, (memory, bytes_unit) = column(frame, "mfu")[0], column(frame, "memory")
    evaluated, fit = find(result, "layouts.looked_at"), find(result, "layouts.fit")
    head = "best layouts"
    if evaluated is not None and fit is not None:
        head += f" of {int(evaluated.value):,} evaluated, {int(fit.value):,} fit"
    rows = [
        (layout_words(frame.iloc[i]), with_unit(float(times.iloc[i]), unit),
         f"{100 * float(used.iloc[i]):.1f} %", with_unit(float(memory.iloc[i]), bytes_unit))
        for i in range(min(_BEST, len(frame)))
    ]  # fmt: skip
    return rows_grid("", (head, "step", "MFU", "memory"), rows)


def _replicas(result: Result) -> Grid | None:
    frame = get_table(result, "configurations")
    if frame is None:
        return None
    rows: list[tuple[str, ...]] = []
    for i in range(min(_BEST, len(frame))):
        row: Any = frame.iloc[i]
        rows.append(
            (str(row["layout"]), f"{int(row['replicas']):,}", f"{int(row['chips']):,}",
             with_unit(float(row["ttft [s]"]), "s"), with_unit(float(row["tpot [ms]"]), "ms"),
             str(row["tried"]))
        )  # fmt: skip
    heads = (
        "replicas that meet the latency target",
        "replicas",
        "accelerators",
        "TTFT p99",
        "TPOT p99",
        "by",
    )
    return rows_grid("", heads, rows)


def _bearers(result: Result) -> Grid | None:
    frame: Any = get_table(result, "per_token")
    if frame is None:
        return None
    drawn = cells_of(result, "per_token")
    rows = [
        (
            Cell(label(str(name))),
            *(
                figure_cell(row[who], str(row[f"{who}_unit"]), drawn.get((str(name), who)))
                for who, _ in _BEARERS
            ),
        )
        for name, row in frame.iterrows()
    ]
    head = ("what it takes", *(words for _, words in _BEARERS))
    return Grid("", head, (False, *(True for _ in _BEARERS)), tuple(rows))


def _plants(result: Result) -> Grid | None:
    rows = [
        (name[:_NAME], with_unit(size, "MW"), f"{100 * share:.0f} %" if share > 0 else "stores")
        for name, size, share in energy_shares(result)
    ]
    return rows_grid("", ("plant", "capacity", "energy"), rows) if rows else None


def _tokens(result: Result) -> Grid | None:
    drawn = spreads(result)
    rows: list[tuple[str, str, str]] = []
    for name, words in _TOKEN:
        quantity = find(result, f"ledger.{name}_per_mtoken")
        if quantity is not None:
            one = drawn.get(quantity.name)
            last = ends_words(result, one) if one else "" if drawn else quantity.grade.label
            rows.append((words, shown(quantity).replace("/Mtoken", ""), last))
    head = ("a million tokens", "", "90 % interval" if drawn else "grade")
    return rows_grid("", head, rows, grade="grade") if rows else None
