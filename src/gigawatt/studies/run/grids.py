"""The tables of a report as rows of text: formatted, never computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from gigawatt.chain.uncertainty.cells import WHOLE
from gigawatt.core.document import Card, Cell, Grid
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.figures.readable import aligned, label, shown, with_unit
from gigawatt.schema.fields import LOAD, SERVING
from gigawatt.studies.run.far_off import card_bands, usual_bands
from gigawatt.studies.run.figures_power import plant_names
from gigawatt.studies.run.figures_tables import get_table, row_names, unit_of
from gigawatt.studies.run.sayings import branch_of, find
from gigawatt.studies.run.uncertainty_words import cells_of, ends_words, guessed, spreads
from gigawatt.studies.run.words_serving import is_serving, is_yearly

__all__ = [
    "CARDS",
    "CARDS_LOAD",
    "CARDS_SERVING",
    "cards",
    "every_quantity",
    "figure_cell",
    "figure_words",
    "linked",
    "quantities",
    "scenario",
    "table",
    "titles_of",
]


#: Key figures: quantity and what it is called on its card.
CARDS: tuple[tuple[str, str], ...] = (
    ("training.duration", "Time to train"),
    ("training.accelerator_hours", "Accelerator-hours"),
    ("training.effective_step_time", "Step, with failures"),
    ("rl.rollout_time", "Rollouts of a step"),
    ("rl.update_time", "Updates of a step"),
    ("rl.running", "Sequences a replica decodes at once"),
    ("training.mfu", "MFU"),
    ("training.tokens_per_second", "Throughput"),
    ("training.goodput", "Goodput"),
    ("training.overhead", "Besides steps and failures"),
    ("facility.power_mean", "Facility, mean"),
    ("facility.power_peak", "Facility, peak"),
    ("facility.power_nameplate", "Facility, nameplate"),
    ("facility.pue", "PUE"),
    ("supply.electricity_cost", "Electricity"),
    ("supply.carbon_intensity", "Carbon intensity"),
    ("supply.carbon_intensity_market", "Carbon intensity, market-based"),
    ("energy.run", "Energy of the run"),
    ("carbon.run", "CO2e of the run"),
    ("campaign.multiplier", "Campaign over final run"),
    ("ledger.total_capital", "Capital up front"),
    ("ledger.run_cost", "Cost of the run"),
    ("ledger.cost_per_mtoken", "Cost per million tokens"),
    ("ledger.energy_per_mtoken", "Energy per million tokens"),
    ("ledger.carbon_operational_per_mtoken", "CO2e in operation per million tokens"),
    ("ledger.carbon_embodied_per_mtoken", "CO2e embodied per million tokens"),
    ("ledger.water_per_mtoken", "Water per million tokens"),
)

#: Key figures whose card names the boundary that they count within.
_BOUNDED = ("energy.run", "carbon.run", "energy.year", "carbon.year")
#: The same of a load without a model.
CARDS_LOAD: tuple[tuple[str, str], ...] = (
    ("facility.power_mean", "Facility, mean"),
    ("facility.power_peak", "Facility, peak"),
    ("facility.power_it", "IT, peak"),
    ("facility.pue", "PUE"),
    ("facility.water", "Water on site, a year"),
    ("supply.grid_water", "Water behind the grid, a year"),
    ("supply.electricity_cost", "Electricity"),
    ("supply.carbon_intensity", "Carbon intensity"),
    ("supply.carbon_intensity_market", "Carbon intensity, market-based"),
    ("ledger.total_capital", "Capital up front"),
    ("ledger.annual_cost", "Cost of a year"),
    ("ledger.cost_per_energy", "All costs, at the meter"),
    ("ledger.cost_per_it_energy", "All costs, at the racks"),
    ("ledger.annual_carbon", "CO2e of a year"),
    ("ledger.annual_water", "Water of a year"),
)

#: The same of a campus that serves.
CARDS_SERVING: tuple[tuple[str, str], ...] = (
    ("serving.rate", "Demand, mean"),
    ("machine.count", "Accelerators"),
    ("serving.replicas", "Replicas"),
    ("serving.reserve", "Replicas in reserve"),
    ("serving.in_service", "In service for the target"),
    ("serving.ttft_p99_degraded", "TTFT p99, reserve out"),
    ("serving.goodput_failures", "SLO met, failures included"),
    ("serving.ttft_p50", "TTFT, median"),
    ("serving.ttft_p99", "TTFT, 99th percentile"),
    ("serving.tpot_p50", "TPOT, median"),
    ("serving.tpot_p99", "TPOT, 99th percentile"),
    ("serving.e2e_p99", "End to end, 99th percentile"),
    ("serving.kept", "Requests that meet the SLO"),
    ("serving.throughput", "Output tokens"),
    ("serving.energy_token", "IT energy of a token"),
    ("machine.power_it", "IT, mean"),
    ("facility.power_mean", "Facility, mean"),
    ("facility.power_peak", "Facility, peak"),
    ("facility.power_nameplate", "Facility, nameplate"),
    ("facility.pue", "PUE"),
    ("supply.electricity_cost", "Electricity"),
    ("supply.carbon_intensity", "Carbon intensity"),
    ("supply.carbon_intensity_market", "Carbon intensity, market-based"),
    ("ledger.total_capital", "Capital up front"),
    ("energy.year", "Energy of a year"),
    ("carbon.year", "CO2e of a year"),
    ("ledger.annual_cost", "Cost of a year"),
    ("economics.cost_million_prompt", "Million prompt tokens"),
    ("economics.cost_million_output", "Million output tokens"),
    ("economics.cost_request", "Cost of a request"),
    ("economics.carbon_operational_request", "CO2e in operation of a request"),
    ("economics.water_request", "Water of a request"),
)


def titles_of(result: Result) -> dict[str, str]:
    """Key figures of a result's branch and what they are called."""
    return dict({SERVING: CARDS_SERVING, LOAD: CARDS_LOAD}.get(branch_of(result), CARDS))


def cards(
    result: Result, names: tuple[tuple[str, str], ...] | None = None, *, usual: bool = False
) -> tuple[Card, ...]:
    """Key figures that the result holds: title, value, grade, dotted name, what it is, band,
    variance share of guesses.

    Where nothing is drawn yet, bands are those that are ``usual``. A figure that no draw moves says so. The
    grade is that of a figure of which nothing else is known.
    """
    if names is None:
        names = tuple(titles_of(result).items())
    drawn = spreads(result)
    first = usual_bands(result) if usual and not drawn else {}
    bands = first | card_bands(result) | {name: ends_words(result, one) for name, one in drawn.items()}
    boundary = find(result, "scenario.boundary")
    within: dict[str, str] = {} if boundary is None else dict.fromkeys(_BOUNDED, f", {boundary.value}")
    return tuple(
        Card(
            title + within.get(name, ""),
            figure_words(quantity),
            "" if drawn or name in bands else quantity.grade.label,
            name,
            quantity.summary,
            bands.get(name, _fixed(quantity) if drawn else ""),
            guessed(drawn[name]) if name in drawn else "",
        )
        for name, title in names
        if (quantity := find(result, name)) is not None
    )


def _fixed(quantity: Quantity) -> str:
    """Why a figure has no interval beside others that have one."""
    return "given" if quantity.origin == "scenario" else "as in all draws"


def figure_words(quantity: Quantity) -> str:
    """A key figure as text: what it is per million tokens of stands in its title, a rate is of requests."""
    text = shown(quantity).replace("/Mtoken", "").replace("J/token", "J")
    return text.removesuffix(" 1/s") + " requests/s" if quantity.unit == "1/s" else text


_HEADS = {
    "time": "time",
    "share": "share",
    "step_time": "step time",
    "gain": "time saved",
    "mfu": "MFU",
    "zero": "ZeRO",
    "capacity_factor": "capacity factor",
    "lead_time": "lead time",
    "run": "this run",
    "annual": "a year",
    "store": "storage",
    "sequence_parallel": "sequence parallel",
    "bytes": "memory",
    "it": "IT",
    "it peak": "IT, five minutes",
    "kv": "KV cache in use",
    "kept": "meets the SLO",
    "kept_worst": "meets it in the worst hour",
    "token_time": "TPOT",
    "rate": "output tokens of an accelerator",
    "million_prompt": "a million prompt tokens",
    "million_output": "a million output tokens",
    "request": "a request",
    "accelerators": "accelerators of a replica",
    "chips": "accelerators",
    "tried": "known by",
    **{
        f"{key}{end}": f"{key.upper()}{end}"
        for key in ("ttft", "tpot", "e2e")
        for end in ("", " p50", " p99")
    },
}
_HEADS_SERVING = {"gain": "cost saved", "quantity": "latency"}
_CAPTIONS = {
    "breakdown": "Time of one step by what it waits for; the parts add up to the whole.",
    "relief": "Effective step time of the same layout with twice the resource (half of a latency or launch).",
    "goodput": "Where the time of steps and failures goes; a whole run takes its overhead besides.",
    "layouts": "The best layouts found, fastest first.",
    "operations": "Kernels of one microbatch on one accelerator under the best layout, by kind of layer.",
    "memory": "Memory of one accelerator in the best layout.",
    "energy": "Electricity of a million tokens by what uses it.",
    "flows": "Year means of power.",
    "plants": "Plants: what may be built, what the plan builds, what a year of it gives.",
    "capacity_chain": "From plants to racks: which power each stage is rated for, in how many units.",
    "bill": "What is drawn from the grid under its tariff, line by line, in a mean year.",
    "flexibility": "What can be given up, the cheapest first: each step's cost, speed left, use by the plan.",
    "ledger": "Cost by component: money up front, a year of the campus, this run.",
    "per_token": "Figures of a million tokens.",
}
_CAPTIONS_SERVING = {
    "breakdown": "Time of the accelerators at the peak by what it is spent on or waits for.",
    "relief": "Cost of a million output tokens with twice the resource (half of a latency or overhead), "
    "the layout held and the load chosen again.",
    "configurations": "Replicas that meet the SLO at the peak, cheapest first; latencies are the 99th "
    "percentile, the cost is at the grid's mean price of electricity.",
    "day": "Hour by hour: local standard time, the mean weekday and the mean day of the weekend.",
    "latency": "What a share of the requests stays below.",
    "promise": "Latency targets (SLO), and the share of requests that meets them.",
    "energy": "Electricity of a million output tokens by what uses it, prompts included.",
    "memory": "Memory of one accelerator, keys and values at their mean.",
    "wall": "Prefill and decode against the roofs of the machine.",
    "formats": "Decode in the largest batch that fits in memory.",
    "flexibility": "What can be given up, the cheapest first: each step's cost, speed left, use by the plan.",
    "ledger": "Cost by component: money up front, a year of the campus.",
    "per_token": "What tokens and requests take; prompts bear their share of the accelerators' time.",
}
_SHARES = ("share", "gain", "mfu", "capacity_factor", "kept", "kept_worst", "asked", "kv")
_WORDS = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "end to end (E2E)"}
_FOUND = ("step_time", "mfu", "memory")
_TOTALS = ("breakdown", "energy", "ledger", "bill")


def _writer(values: Iterable[Any], stem: str, unit: str, most: int) -> Callable[[Any], str]:
    """How the cells of one column are written: the unit stands in the head, decimals are the same."""
    if stem in _SHARES and unit == "":
        return lambda value: f"{100 * float(value):.1f} %".replace("-0.0", "0.0")
    listed = list(values)
    if any(isinstance(value, str) for value in listed):
        return lambda value: label(value) if stem in ("source", "target", "kind") else str(value)
    if unit == "" and all(float(value).is_integer() for value in listed):
        return lambda value: f"{float(value):,.0f}"
    write = aligned((float(value) for value in listed), most=most)
    return lambda value: write(float(value))


def table(result: Result, name: str) -> Grid | None:
    """A table of the result as text, with a row of totals where its parts add up; ``None`` if absent."""
    frame: Any = get_table(result, name)
    if frame is None:
        return None
    names = plant_names(result) | _WORDS
    columns = [str(c) for c in frame.columns if str(c) != "name"]
    if name == "per_token" and is_serving(result):
        return _of_bearers(result, frame)
    if name == "per_token":
        return _of_tokens(result, frame)
    if name == "layouts":  # what was found, then what was chosen
        columns.sort(key=lambda column: column.split(" [")[0] not in _FOUND)
    stems = [c.split(" [")[0] for c in columns]
    total = name in _TOTALS
    most = 3 if name in ("plants", "ledger") else 6
    if name == "ledger":  # what is not built costs nothing
        frame = frame[(frame[columns].astype(float).abs() > 0).any(axis=1)]
    sums = {c: float(frame[c].astype(float).sum()) for c in columns} if total else {}
    writers = {
        c: _writer([*frame[c], *([sums[c]] if total else [])], stem, unit_of(c), most)
        for c, stem in zip(columns, stems, strict=True)
    }
    bar = next((word for word in ("share", "gain") if word in stems), "")
    rows: list[tuple[Cell, ...]] = []
    drawn = cells_of(result, name)
    for row_name, (key, row) in zip(row_names(frame), frame.iterrows(), strict=True):
        cells: list[Cell] = []
        if frame.index.name is not None:
            cells.append(Cell(str(key) if name == "layouts" else names.get(str(key), label(str(key)))))
        for c, stem in zip(columns, stems, strict=True):
            width = max(0.0, min(100.0, 100 * float(row[c]))) if stem == bar else None
            ends = drawn.get((row_name, c))
            cells.append(Cell(writers[c](row[c]), bar=width, band=_ends(writers[c], ends)))
        rows.append(tuple(cells))
    if total:
        whole = (Cell(writers[c](sums[c]), band=_ends(writers[c], drawn.get((WHOLE, c)))) for c in columns)
        rows.append((Cell("whole"), *whole))
    heads = _HEADS | (_HEADS_SERVING if is_serving(result) else {})
    first = () if frame.index.name is None else (heads.get(str(frame.index.name), str(frame.index.name)),)
    numeric = (*(False for _ in first), *(not isinstance(frame[c].iloc[0], str) for c in columns))
    units = [f" [{u}]" if (u := unit_of(c).replace("Mtoken", "M token")) else "" for c in columns]
    head = (*first, *(heads.get(stem, label(stem)) + unit for stem, unit in zip(stems, units, strict=True)))
    captions = _CAPTIONS | (_CAPTIONS_SERVING if is_yearly(result) else {})
    return Grid(captions.get(name, label(name)), head, numeric, tuple(rows), total)


def _ends(write: Callable[[Any], str], ends: tuple[float, float] | None) -> str:
    """The interval of a cell, written as the cell is; nothing where both ends are alike."""
    low, high = ("", "") if ends is None else map(write, ends)
    return "" if low == high else f"{low.removesuffix(' %')} to {high}"


def figure_cell(value: Any, unit: str, ends: tuple[float, float] | None) -> Cell:
    """A number with its unit; the ends of its interval have units only where these are others."""
    text = with_unit(float(value), unit)
    if ends is None:
        return Cell(text)
    words = [with_unit(end, unit).replace("/Mtoken", "") for end in ends]
    of = [word.partition(" ")[2].replace("/Mtoken", "") for word in (text, *words)]
    same = len(set(of)) == 1
    low, high = (word.partition(" ")[0] if same else word for word in words)
    return Cell(text, band=f"{low} to {high}")


def _of_tokens(result: Result, frame: Any) -> Grid:
    """What a million tokens take, each figure with its unit and, where it is drawn, its 90 % interval."""
    drawn = cells_of(result, "per_token")
    rows: list[tuple[Cell, ...]] = []
    for key, row in frame.iterrows():
        cell = figure_cell(row["value"], str(row["unit"]), drawn.get((str(key), "value")))
        rows.append((Cell(_token_words(str(key))), cell))
    first = "" if frame.index.name is None else _HEADS.get(str(frame.index.name), str(frame.index.name))
    return Grid(_CAPTIONS["per_token"], (first, "value"), (False, True), tuple(rows))


def _of_bearers(result: Result, frame: Any) -> Grid:
    """What a million prompt tokens and written and a request take, each figure with its unit."""
    drawn = cells_of(result, "per_token")
    columns = [str(c) for c in frame.columns if not str(c).endswith("_unit")]
    rows = tuple(
        (
            Cell(label(str(key))),
            *(figure_cell(row[c], str(row[f"{c}_unit"]), drawn.get((str(key), c))) for c in columns),
        )
        for key, row in frame.iterrows()
    )
    head = ("", *(_HEADS.get(c, label(c)) for c in columns))
    return Grid(_CAPTIONS_SERVING["per_token"], head, (False, *(True for _ in columns)), rows)


def _token_words(quantity: str) -> str:
    unit, _, rest = quantity.partition(" ")
    stem = {
        "$/Mtoken": "cost",
        "kWh/Mtoken": "electricity",
        "gCO2e/Mtoken": "carbon",
        "L/Mtoken": "water",
    }.get(unit, unit)
    return f"{stem}, {rest}" if rest else stem


def scenario(result: Result) -> Grid:
    """What the scenario file wrote, with its lines."""
    rows = [
        (Cell(q.name), Cell(q.written), Cell(q.summary), Cell(q.where))
        for q in result.quantities.values()
        if q.origin == "scenario" and q.where and q.written
    ]
    return Grid(
        "What the scenario says, as it was read.",
        ("quantity", "as written", "what it is", "where"),
        (False,) * 4,
        tuple(rows),
    )


def quantities(result: Result) -> Grid:
    """Every computed quantity that is a number or a word, with its formula's first line."""
    rows = [
        (Cell(q.name), Cell(shown(q, 4)), Cell(q.grade.label, grade=q.grade.label), Cell(q.summary))
        for q in result.quantities.values()
        if q.origin == "computed"
        and (q.unit or q.name in ("training.binding", "serving.binding", "serving.limit"))
    ]
    return Grid(
        "Every computed quantity.",
        ("quantity", "value", "grade", "what it is"),
        (False, True, False, False),
        tuple(rows),
    )


_ROOMS = {
    "scenario": "The question", "model": "The model", "training": "The training run", "layout": "The layout",
    "layouts": "Layouts", "serving": "The service", "machine": "The machine", "site": "The site",
    "facility": "The building", "supply": "The supply", "economics": "Money", "ledger": "The ledger",
    "study": "The study",
}  # fmt: skip
_MOST_VALUE = 90


def every_quantity(result: Result, words: str, link: Callable[[str], str]) -> tuple[tuple[str, Grid], ...]:
    """Every quantity, given or computed, by the room that it belongs to: value, grade, what it is, by whom.

    Those alone that have all ``words`` in their names, what they are, or grades; ``link`` makes an address of
    a name.
    """
    wanted = words.lower().replace("_", " ").split()
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for q in result.quantities.values():
        text = f"{q.name} {q.summary} {q.grade.label} {q.origin}".lower().replace("_", " ")
        if not all(word in text for word in wanted):
            continue
        value = shown(q, 4) if q.value is not None else "–"
        given = {"computed": "computed", "scenario": "the question", "default": "default"}
        groups.setdefault(q.name.partition(".")[0], []).append(
            (
                Cell(q.name, link=link(q.name)),
                Cell(value if len(value) <= _MOST_VALUE else f"{value[: _MOST_VALUE - 1]}…"),
                Cell(q.grade.label, grade=q.grade.label),
                Cell(q.summary),
                Cell(given.get(q.origin, f"the {q.origin}")),
            )
        )
    head = ("quantity", "value", "grade", "what it is", "by")
    titles = {room: _ROOMS.get(room, label(room).capitalize()) for room in groups}
    return tuple(
        (
            titles[room],
            Grid(
                f"{titles[room]}: names, values, grades.",
                head,
                (False, True, False, False, False),
                tuple(rows),
            ),
        )
        for room, rows in groups.items()
    )


_PER_TOKEN = {
    "cost": "ledger.cost_per_mtoken",
    "electricity": "ledger.energy_per_mtoken",
    "carbon, operational": "ledger.carbon_operational_per_mtoken",
    "carbon, embodied": "ledger.carbon_embodied_per_mtoken",
    "water": "ledger.water_per_mtoken",
}
#: Cells that show a quantity: table → (text of the row's first cell, text in the column's head) → its name.
_ARE: dict[str, dict[tuple[str, str], str]] = {
    "per_token": {
        **{(row, "value"): name for row, name in _PER_TOKEN.items()},
        ("cost", "read"): "economics.cost_million_prompt",
        ("cost", "written"): "economics.cost_million_output",
        ("cost", "request"): "economics.cost_request",
        ("operational carbon", "request"): "economics.carbon_operational_request",
        ("water", "request"): "economics.water_request",
    },
    "ledger": {
        ("whole", "capital"): "ledger.total_capital",
        ("whole", "a year"): "ledger.annual_cost",
        ("whole", "this run"): "ledger.run_cost",
    },
    "breakdown": {("whole", "time"): "training.effective_step_time"},
    "goodput": {("progress", "share"): "training.goodput"},
}


def linked(grid: Grid | None, name: str, result: Result, link: Callable[[str], str]) -> Grid | None:
    """A table of a result whose cells that show a quantity lead to where it comes from.

    Parameters
    ----------
    grid : Grid or None
        As :func:`table` gives it.
    name : str
        Of the table.
    result : Result
        Whose; what it has no quantity for stays as it is.
    link : callable
        From the name of a quantity to an address.
    """
    known = _ARE.get(name)
    if grid is None or known is None:
        return grid

    def made(first: str, head: str, cell: Cell) -> Cell:
        for (row, column), quantity in known.items():
            if row == first and column in head and find(result, quantity) is not None:
                return replace(cell, link=link(quantity))
        return cell

    rows = tuple(
        tuple(
            made(row[0].text, grid.head[number], cell) if number else cell for number, cell in enumerate(row)
        )
        for row in grid.rows
    )
    return replace(grid, rows=rows)
