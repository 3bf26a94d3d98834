"""The tables of a report as rows of text: formatted, never computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gigawatt import catalog
from gigawatt.evidence import Source
from gigawatt.figures.power import plant_names
from gigawatt.figures.readable import aligned, label, shown, with_unit
from gigawatt.figures.tables import get_table, unit_of
from gigawatt.report.words import find
from gigawatt.study.result import Result

__all__ = [
    "CARDS",
    "Cell",
    "Grid",
    "assumptions",
    "cards",
    "evidence_sources",
    "quantities",
    "scenario",
    "table",
]


@dataclass(frozen=True)
class Cell:
    """One cell: text, its link (or several texts with links), its grade as a badge, a bar's width in %."""

    text: str
    link: str = ""
    links: tuple[tuple[str, str], ...] = ()
    grade: str = ""
    bar: float | None = None


@dataclass(frozen=True)
class Grid:
    """A table ready to be written; ``numeric`` are the columns of numbers, ``total`` marks the last row."""

    caption: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: bool = False


#: Key figures: quantity and what it is called on its card.
CARDS: tuple[tuple[str, str], ...] = (
    ("training.duration", "Time to train"),
    ("training.accelerator_hours", "Accelerator-hours"),
    ("training.effective_step_time", "Step, with failures"),
    ("training.mfu", "MFU"),
    ("training.tokens_per_second", "Throughput"),
    ("training.goodput", "Goodput"),
    ("facility.power_mean", "Facility, mean"),
    ("facility.power_peak", "Facility, peak"),
    ("facility.pue", "PUE"),
    ("supply.electricity_cost", "Electricity"),
    ("supply.carbon_intensity", "Carbon intensity"),
    ("ledger.total_capital", "Capital up front"),
    ("ledger.run_cost", "Cost of the run"),
    ("ledger.cost_per_mtoken", "Cost per million tokens"),
    ("ledger.energy_per_mtoken", "Energy per million tokens"),
    ("ledger.carbon_operational_per_mtoken", "CO2e in operation per million tokens"),
    ("ledger.carbon_embodied_per_mtoken", "CO2e embodied per million tokens"),
    ("ledger.water_per_mtoken", "Water per million tokens"),
)


def cards(result: Result, names: tuple[tuple[str, str], ...] = CARDS) -> list[dict[str, str]]:
    """Key figures that the result holds: title, value, grade, dotted name, what it is."""
    found: list[dict[str, str]] = []
    for name, title in names:
        quantity = find(result, name)
        if quantity is not None:
            found.append(
                {
                    "name": name,
                    "title": title,
                    "value": shown(quantity).replace("/Mtoken", ""),
                    "grade": quantity.grade.label,
                    "what": quantity.summary,
                }
            )
    return found


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
}
_CAPTIONS = {
    "breakdown": "Time of one step by what it waits for; the parts add up to the whole.",
    "relief": "Effective step time of the same layout with twice the resource (half of a latency or launch).",
    "goodput": "Where the time on the clock goes.",
    "layouts": "The best layouts found, fastest first.",
    "operations": "Kernels of one microbatch on one accelerator under the best layout, by kind of layer.",
    "memory": "Memory of one accelerator in the best layout.",
    "energy": "Electricity of a million tokens by what uses it.",
    "flows": "Year means of power.",
    "plants": "Plants: what may be built, what the plan builds, what a year of it gives.",
    "ledger": "Cost by component: money up front, a year of the campus, this run.",
    "per_token": "Figures of a million tokens.",
}
_SHARES = ("share", "gain", "mfu", "capacity_factor")
_TOTALS = ("breakdown", "energy", "ledger")


def _writer(values: Iterable[Any], stem: str, unit: str, most: int) -> Callable[[Any], str]:
    """How the cells of one column are written: the unit stands in the head, decimals are the same."""
    if stem in _SHARES and unit == "":
        return lambda value: f"{100 * float(value):.1f} %"
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
    names = plant_names(result)
    columns = [str(c) for c in frame.columns if str(c) != "name"]
    if name == "per_token":
        columns = ["value"]
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
    for key, row in frame.iterrows():
        cells: list[Cell] = []
        if name == "per_token":
            cells = [Cell(_token_words(str(key))), Cell(with_unit(float(row["value"]), str(row["unit"])))]
            rows.append(tuple(cells))
            continue
        if frame.index.name is not None:
            cells.append(Cell(str(key) if name == "layouts" else names.get(str(key), label(str(key)))))
        for c, stem in zip(columns, stems, strict=True):
            width = max(0.0, min(100.0, 100 * float(row[c]))) if stem == bar else None
            cells.append(Cell(writers[c](row[c]), bar=width))
        rows.append(tuple(cells))
    if total:
        rows.append((Cell("whole"), *(Cell(writers[c](sums[c])) for c in columns)))
    first = () if frame.index.name is None else (str(frame.index.name),)
    numeric = (*(False for _ in first), *(not isinstance(frame[c].iloc[0], str) for c in columns))
    units = [f" [{u}]" if (u := unit_of(c).replace("Mtoken", "M token")) else "" for c in columns]
    head = (*first, *(_HEADS.get(stem, label(stem)) + unit for stem, unit in zip(stems, units, strict=True)))
    return Grid(_CAPTIONS.get(name, label(name)), head, numeric, tuple(rows), total)


def _token_words(quantity: str) -> str:
    unit, _, rest = quantity.partition(" ")
    stem = {
        "$/Mtoken": "cost",
        "kWh/Mtoken": "electricity",
        "gCO2e/Mtoken": "carbon",
        "L/Mtoken": "water",
    }.get(unit, unit)
    return f"{stem}, {rest}" if rest else stem


def _source_ids(text: str) -> list[str]:
    return [part for part in text.replace(";", ",").replace(" ", "").split(",") if part]


def _source_cell(source_id: str, known: dict[str, Source]) -> Cell:
    source = known.get(source_id)
    several = _source_ids(source_id)
    if source is None and len(several) > 1:
        links = tuple((word, _link(known[word].url) if word in known else "") for word in several)
        return Cell(", ".join(several), links=links)
    if source is None:
        return Cell(source_id or "–")
    return Cell(
        f"{source.title}, {source.publisher}{f' {source.year}' if source.year else ''}",
        link=_link(source.url),
    )


def _link(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def assumptions(result: Result) -> Grid:
    """Every value that the engine filled in, weakest grade first."""
    known = dict(catalog.sources())
    rows = [
        (
            Cell(a.key),
            Cell(a.value.replace(" percent", " %")),
            Cell(a.reason),
            Cell(a.grade.label, grade=a.grade.label),
            _source_cell(a.source, known),
        )
        for a in sorted(result.assumptions, key=lambda a: (-int(a.grade), a.key))
    ]
    return Grid(
        "Every value that the scenario does not say, weakest grade first.",
        ("what", "value", "why", "grade", "source"),
        (False,) * 5,
        tuple(rows),
    )


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
        if q.origin == "computed" and (q.unit or q.name == "training.binding")
    ]
    return Grid(
        "Every computed quantity.",
        ("quantity", "value", "grade", "what it is"),
        (False, True, False, False),
        tuple(rows),
    )


def evidence_sources(result: Result) -> Grid:
    """Every source whose rows stand behind a quantity or an assumption, the most used first."""
    known = dict(catalog.sources())
    rows = {(e.where, e.quantity): e.source_id for q in result.quantities.values() for e in q.evidence}
    used = Counter(rows.values())
    for item in result.assumptions:
        for source_id in _source_ids(item.source):
            used.setdefault(source_id, 0)
    listed: list[tuple[Cell, ...]] = []
    for source_id, number in sorted(used.items(), key=lambda pair: (-pair[1], pair[0])):
        source = known.get(source_id)
        if source is None:
            listed.append((Cell(source_id), Cell("–"), Cell("–"), Cell("–"), Cell(str(number))))
            continue
        listed.append(
            (
                Cell(source.title, link=_link(source.url)),
                Cell(source.publisher),
                Cell(str(source.year or "–")),
                Cell(source.licence),
                Cell(f"{number:,}"),
            )
        )
    return Grid(
        "Sources of the numbers used.",
        ("title", "publisher", "year", "licence", "rows used"),
        (False, False, True, False, True),
        tuple(listed),
    )
