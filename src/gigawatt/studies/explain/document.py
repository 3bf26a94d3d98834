"""What ``gigawatt explain`` says, as a document: names, a walk, a search, a layout, a band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gigawatt import catalog
from gigawatt.core.document import Again, Branch, Cell, Document, Grid, Part, Points, Section, Text, Tree
from gigawatt.core.quantities import compact, several
from gigawatt.faces.report.parts import facts_of, rows_grid
from gigawatt.faces.terminal.console import number

__all__ = ["document"]

_MOST_ROWS, _MOST_WEAK = 20, 6
Data = Mapping[str, Any]


def document(answer: Data, again: Again, more: Any = None) -> Document:
    """The document of what was explained: told apart by the keys of the data."""
    if "sentence" in answer:
        return _verdict(answer, again)
    if "steps" in answer:
        return _walk(answer, again)
    return _names(answer, again) if "values" in answer else _spread(answer, again)


def _written(title: str, again: Again, section: Section, *paragraphs: str, **more: Any) -> Document:
    return Document(
        title, "", paragraphs, again, sections=(section,), facts=facts_of(again), short=(section.key,), **more
    )


def _names(answer: Data, again: Again) -> Document:
    rows = [
        (row["quantity"], value["value"], row["unit"].removeprefix("1"), value["grade"], row["what"])
        for row, value in zip(answer["rows"], answer["values"], strict=True)
    ]
    grid = rows_grid("", ("quantity", "value", "unit", "grade", "what"), rows, grade="grade")
    words = "Each can be walked back to its formula, its inputs and the rows of the catalog behind it."
    return _written(f"{len(rows)} quantities", again, Section("quantities", "Quantities", (grid,)), words)


def _walk(answer: Data, again: Again) -> Document:
    rows, steps = answer["rows"], answer["steps"]
    first, weak = rows[0], answer["weakest"]
    parts: list[Part] = [Tree(_tree(rows, steps))]
    if "variance" in answer:
        shares = [
            (row["input"], f"{100 * row['share']:.0f} %", row["grade"] or "measured", row["where"])
            for row in answer["variance"]
        ]
        heads = ("input", "share", "grade", "row of the catalog")
        parts.append(rows_grid("Inputs by their share of its variance.", heads, shares, grade="grade"))
    elif weak:
        named = ", ".join(f"{row['name']} ({row['where']})" for row in weak[:_MOST_WEAK])
        others = f" and {len(weak) - _MOST_WEAK} more" if len(weak) > _MOST_WEAK else ""
        parts.append(Text(f"Weakest rows on the path ({weak[0]['grade']}): {named}{others}"))
    if "search" in first:
        parts += _replicas(first["search"]) if "points" in first["search"] else _layouts(first["search"])
    title = f"{first['quantity']} = {steps[0]['shown']}"
    section = Section("walk", "Where it comes from", tuple(parts))
    return _written(title, again, section, first["what"], notices=tuple(answer.get("notices", ())))


@dataclass
class _Growing:
    """A branch of which more follows."""

    head: str
    words: str
    lines: list[str]
    inside: list[_Growing] = field(default_factory=list["_Growing"])

    def branch(self) -> Branch:
        return Branch(self.head, self.words, tuple(self.lines), tuple(one.branch() for one in self.inside))


def _tree(rows: list[Data], steps: list[Data]) -> Branch:
    above: list[_Growing] = []
    for row, step in zip(rows, steps, strict=True):
        made = _Growing(f"{row['quantity']} = {step['shown']}", _words(row, step), _lines(row, step))
        if row["depth"]:
            above[row["depth"] - 1].inside.append(made)
        above[row["depth"] :] = [made]
    return above[0].branch()


def _words(row: Data, step: Data) -> str:
    given = f"  ← {row['where'] or row['reason'] or 'not given'}"
    origin = {"scenario": given, "default": f"  ← default: {row['reason']}"}.get(row["origin"], "")
    again = "  (opened above)" if step["repeated"] and row["inputs"] else ""
    return f"{row['what']} ({step['grade']}){origin}{again}"


def _lines(row: Data, step: Data) -> list[str]:
    """How a quantity is computed: words, method, expression with and without numbers, code; then its rows."""
    if step["repeated"]:
        return []
    first = row["depth"] == 0
    lines = [text for text in (row["formula"], row["method"]) if text and first]
    arithmetic = [f"= {text.replace(' * ', ' × ')}" for text in (row["expression"], step["worked"]) if text]
    if first or not arithmetic:
        lines += [*arithmetic, *filter(None, (row["code"],))]
    else:
        lines.append(f"{arithmetic[0]}  {row['code']}".rstrip())
    entered = list(zip(row["rows"], step["ranges"], strict=True))
    lines += [_row(one, spread) for one, spread in entered[:_MOST_ROWS]]
    if len(entered) > _MOST_ROWS:
        lines.append(f"and {len(entered) - _MOST_ROWS} more rows: see --json")
    if row["inputs"] and not step["opened"]:
        lines.append(f"from {', '.join(row['inputs'])}: see --depth {row['depth'] + 1}")
    return lines


def _row(row: Data, spread: str) -> str:
    cite = catalog.sources().get(row["source"])
    title = f"{cite.title}, {cite.publisher}" if cite else row["source"]
    tail = "; ".join(part for part in (row["locator"], row["note"]) if part)
    value = f"{row['written']} {row['unit'].removeprefix('1')}".strip()
    band = f" ({spread})" if spread else ""
    text = f"{row['name']} = {value}{band} ({row['grade']}) {row['where']}: {title}"
    return f"{text}; {tail}" if tail else text


def _replicas(data: Data) -> list[Part]:
    words = (
        f"{several(data['looked_at'], 'replica')} evaluated, {data['fit']:,} fit in memory; of "
        f"{data['points']:,} loads of these {data['within_target']:,} are within the latency target."
    )
    rows = [
        (one["layout"], f"{one['replicas']:,}", number(one["cost"]), _more(one["costlier"]), one["part"],
         one["tried"])
        for one in data["best"]
    ]  # fmt: skip
    return [
        Text(words),
        rows_grid("The best.", ("replica", "replicas", "$/request", "costlier", "mostly", "tried"), rows),
    ]


def _layouts(data: Data) -> list[Part]:
    from gigawatt.chain.training.layout_reasons import row_words

    refused = sum(item["combinations"] for item in data["indivisible"])
    lost = data["looked_at"] - data["fit"]
    lacking = [f"the closest lacks {compact(data['lacking_bytes'], 'B')} per accelerator"] if lost else []
    rows = [
        (row_words(one["layout"]), number(one["step_time"]), number(one["memory"] / 1e9),
         _more(one["slower"]),
         f"{one['part'].replace('_', ' ')} {one['seconds']:+.3g} s" if one["part"] else "")
        for one in data["best"]
    ]  # fmt: skip
    return [
        Text(f"{several(data['looked_at'], 'layout')} evaluated, {data['fit']:,} fit in memory."),
        Text(f"{refused:,} combinations do not divide:"),
        Points(tuple(f"{item['combinations']:>9,}  {item['reason']}" for item in data["indivisible"])),
        Text(f"{lost:,} do not fit in memory, by the largest part of it:"),
        Points((*(f"{item['layouts']:>9,}  {item['part']}" for item in data["too_large"]), *lacking)),
        rows_grid("The best.", ("layout", "s/step", "GB", "slower", "mostly"), rows),
    ]


def _more(share: float) -> str:
    return f"{share:.2%}" if share else "best"


def _verdict(answer: Data, again: Again) -> Document:
    layouts = answer["quantity"] == "layouts.search"
    parts = _layout(answer) if layouts else _replica(answer) if answer["configuration"] is not None else []
    section = Section("layout", "Beside the best", tuple(parts))
    return _written(
        f"{answer['quantity']}: {answer['given']}", again, section, answer["sentence"],
        notices=tuple(answer["notices"]),
    )  # fmt: skip


def _layout(data: Data) -> list[Part]:
    from gigawatt.chain.training.layout_reasons import row_words

    parts: list[Part] = [Text(f"Outside the search: {data['outside']}")] if data["outside"] else []
    if data["layout"] is None:
        return parts
    best = data["best"]
    mine, others = data["memory_total"], sum(best["memory"].values())
    rows = [
        _seconds("step", data["step_time"], best["step_time"]),
        *(
            _seconds(f"  {part.replace('_', ' ')}", value, best["parts"][part])
            for part, value in data["parts"].items()
        ),
        _bytes("memory", mine, others),
        *(_bytes(f"  {part}", value, best["memory"][part]) for part, value in data["memory"].items()),
        ("  capacity", _gb(data["capacity"]), "", ""),
    ]
    return [
        *parts,
        Text(f"{several(data['looked_at'], 'layout')} with these columns, {data['fit']:,} fit in memory."),
        Text(f"this: {row_words(data['layout'])}"),
        Text(f"best: {row_words(best['layout'])}"),
        _beside(("", "this", "best", "difference"), rows),
    ]


def _seconds(name: str, mine: float, best: float) -> tuple[str, ...]:
    return name, f"{number(mine)} s", f"{number(best)} s", f"{mine - best:+.3g} s"


def _bytes(name: str, mine: float, best: float) -> tuple[str, ...]:
    return name, _gb(mine), _gb(best), f"{(mine - best) / 1e9:+.3g} GB"


def _beside(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Grid:
    """A table whose first column alone has words."""
    cells = tuple(tuple(map(Cell, row)) for row in rows)
    return Grid("", head, (False, *(True for _ in head[1:])), cells)


def _replica(data: Data) -> list[Part]:
    mine, best, memory = data["configuration"], data["best"], data["memory"]
    rows = [
        ("replica", mine["layout"], best["layout"]),
        *((key, f"{mine[key]:,}", f"{best[key]:,}") for key in ("replicas", "chips")),
        ("cost of a request", f"${number(mine['cost'])}", f"${number(best['cost'])}"),
        *(
            (f"{key.upper()} at the target's percentile", f"{number(mine[key])} s", f"{number(best[key])} s")
            for key in ("ttft", "tpot")
        ),
        *((f"memory: {key}", _gb(memory[key]), "") for key in ("weights", "cache", "usable", "capacity")),
    ]
    return [_beside(("", "this", "best"), rows)]


def _gb(value: float) -> str:
    return f"{number(value / 1e9)} GB"


def _spread(answer: Data, again: Again) -> Document:
    unit = "" if answer["unit"] == "1" else f" {answer['unit']}"
    rows = [
        (
            f"{row['share']:.1%}",
            number(row["low"]),
            number(row["high"]),
            row["row"],
            row["grade"],
            row["where"],
        )
        for row in answer["rows"]
    ]
    grid = rows_grid(
        "Share of the squared spread.", ("share", "low", "high", "row", "grade", "where"), rows, grade="grade"
    )
    title = f"{answer['quantity']} = {number(answer['value'])}{unit}"
    words = (
        f"{number(answer['low'])} to {number(answer['high'])}{unit} by the ranges of {len(rows)} rows of the "
        "catalog."
    )
    return _written(title, again, Section("spread", "Rows that move it", (grid,)), words)
