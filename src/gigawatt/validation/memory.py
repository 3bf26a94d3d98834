"""Peak memory beside measurements: what a row reports, on the layout that the row was run with.

Frameworks report different things. ``allocated`` is the most bytes that tensors had at once (torch's
``max_memory_allocated``), ``reserved`` what the allocator held for them, ``device`` what the driver shows in
use (``nvidia-smi``). Each source is compared with the parts that it counts; which one, which optimizer was
run, and whether the source was used in a fit stands in ``memory_of_sources.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.core.errors import GigawattError
from gigawatt.performance.layouts import Layouts, TrainingRun
from gigawatt.performance.memory import ALLOCATED, MEMORY_PARTS, RESERVED
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import evaluate
from gigawatt.validation.card import Card, Errors, Summary, errors_of, grouped
from gigawatt.validation.files import Refusal, Refusals, data_folder, table
from gigawatt.validation.rows import Row, read_rows
from gigawatt.validation.training.cases import Case, prepare

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = [
    "COUNTED",
    "MemoryCase",
    "MemoryJudged",
    "MemoryScorecard",
    "memory_card",
    "memory_case",
    "validate_memory",
]

COUNTED = {"allocated": ALLOCATED, "reserved": RESERVED, "device": MEMORY_PARTS}
"""Parts of a device's memory that each kind of report counts."""
GIB = 2.0**30
"""Bytes of a gibibyte (exact)."""
TIMELESS = 1.0
"""Step time [s] for rows that report memory alone: :func:`.training.cases.prepare` wants one."""


@dataclass(frozen=True)
class MemoryCase:
    """A row with memory: the run, its own layout, and what its source counts.

    ``flags`` are what is known of the software's memory, ``parts`` names the parts that are counted,
    ``role`` is ``fit`` or ``judge``, ``measured`` is in bytes.
    """

    case: Case
    run: TrainingRun
    layouts: Layouts
    flags: Mapping[str, str]
    counted: str
    role: str
    measured: float

    def stack(self, numbers: Mapping[tuple[str, str], float] | None = None) -> Stack:
        """The parameters of the software, with ``numbers`` in place of the catalog's."""
        software = self.case.software
        return software.stack({**software.settings, **self.flags}, numbers)

    @property
    def parts(self) -> Sequence[str]:
        """Parts of the device's memory that the source counts."""
        return COUNTED[self.counted]

    def memory(self, stack: Stack) -> dict[str, float]:
        """Bytes of every part by our count."""
        found = evaluate(self.run, self.layouts, self.case.cluster, stack).memory
        return {name: float(part[0]) for name, part in found.items()}


@dataclass(frozen=True, slots=True)
class MemoryJudged:
    """One row: measured and predicted [B], what was counted, and the parts [B]."""

    id: str
    source: str
    model: str
    software: str
    counted: str
    role: str
    measured: float
    predicted: float
    parts: Mapping[str, float]

    @property
    def error(self) -> float:
        """Relative error, above zero where we count too much."""
        return self.predicted / self.measured - 1.0


@dataclass(frozen=True)
class MemoryScorecard:
    """All rows that report memory, judged or refused with a reason."""

    judged: tuple[MemoryJudged, ...]
    refused: Refusals

    def select(self, **wanted: str) -> list[MemoryJudged]:
        """The judged rows with these attributes, such as ``role="judge"``."""
        return [one for one in self.judged if all(getattr(one, key) == is_ for key, is_ in wanted.items())]

    def errors(self, **wanted: str) -> Errors:
        """Errors of the rows that :meth:`select` finds; of all where nothing is wanted."""
        mine = self.select(**wanted)
        return errors_of(np.array([one.predicted for one in mine]), np.array([one.measured for one in mine]))

    def card(self) -> Card:
        """The scorecard in the shape of every table: groups by role, source and what was counted."""
        judges = self.errors_summary(role="judge")
        return Card(
            table="memory",
            rows=len(self.judged) + sum(self.refused.values()),
            predicted=len(self.judged),
            refusals=self.refused,
            parameters_fitted=None,
            overall=self.errors_summary(),
            groups=grouped(
                self.judged,
                key=lambda one: (one.role, one.source, one.counted),
                pair=lambda one: (one.predicted, one.measured),
                name=lambda key: " | ".join((*key[1:], key[0])),
                more=lambda key: dict(zip(("role", "source", "counted"), key, strict=True)),
            ),
            more={"held_out": judges},
            notes=("Sources of role judge were seen by no fit.",),
            detail=self,
        )

    def errors_summary(self, **wanted: str) -> Summary:
        """:meth:`errors` with the count of rows."""
        mine = self.select(**wanted)
        return Summary.of([one.predicted for one in mine], [one.measured for one in mine])

    def to_frame(self) -> pd.DataFrame:
        """One line a row: what was measured, predicted, and the parts [GiB]."""
        import pandas as pd

        return pd.DataFrame(
            {
                **{
                    name: getattr(one, name)
                    for name in ("id", "source", "model", "software", "counted", "role", "error")
                },
                "measured": one.measured / GIB,
                "predicted": one.predicted / GIB,
                **{name: part / GIB for name, part in one.parts.items()},
            }
            for one in self.judged
        )


def validate_memory(
    rows: Path | None = None, *, numbers: Mapping[tuple[str, str], float] | None = None
) -> MemoryScorecard:
    """Predict the peak memory of every row that reports it; of a file the others are refused.

    Parameters
    ----------
    rows : Path, optional
        A CSV or Parquet file of the shape of ``training.csv``; the shipped rows with ``mem_gib`` of
        ``training.csv`` and ``memory.csv`` if left out.
    numbers : mapping of (row of ``software_values``, quantity) to float, optional
        In place of the catalog's, in SI (for fitting).

    Raises
    ------
    InputError
        Unreadable file, a bad cell: one line with file, line and column.
    """
    files = [data_folder() / name for name in ("training.csv", "memory.csv")] if rows is None else [rows]
    unreadable: list[tuple[int, str, str, Mapping[str, str]]] = []
    found = [row for file in files for row in read_rows(file, unreadable)]
    cases: list[MemoryCase] = []
    refused = Refusals()
    for line, reason, detail, _ in unreadable if rows is not None else ():
        refused.add(Refusal(reason, detail), line)
    for row in found:
        if row.number("mem_gib") is None:
            if rows is not None:
                refused.add("no memory is reported", row.line)
            continue
        try:
            cases.append(memory_case(row))
        except Refusal as refusal:
            refused.add(refusal, row.line)
        except (GigawattError, ArithmeticError) as error:
            refused.add(Refusal("the row's numbers cannot be run", str(error)), row.line)
    judged, lost = judge(cases, numbers)
    refused.include(lost)
    return MemoryScorecard(tuple(judged), refused)


def judge(
    cases: Iterable[MemoryCase], numbers: Mapping[tuple[str, str], float] | None = None
) -> tuple[list[MemoryJudged], Refusals]:
    """(judged rows, those that the performance room refuses)."""
    judged: list[MemoryJudged] = []
    lost = Refusals()
    for one in cases:
        row = one.case.row
        try:
            parts = one.memory(one.stack(numbers))
        except (GigawattError, ArithmeticError, MemoryError) as error:
            lost.add(Refusal("the performance model refuses", str(error)), row.line)
            continue
        judged.append(
            MemoryJudged(
                id=row.id,
                source=row.text("source"),
                model=row.text("model"),
                software=one.case.software.label,
                counted=one.counted,
                role=one.role,
                measured=one.measured,
                predicted=sum(parts[name] for name in one.parts),
                parts=parts,
            )
        )
    return judged, lost


def memory_case(row: Row) -> MemoryCase:
    """The case of a row that reports memory, on its own layout: what it leaves open is not looked for.

    Interleaving that is not told is none.

    Raises
    ------
    Refusal
        No memory, no line in ``memory_of_sources.csv``, or the row does not tell its layout.
    """
    measured = row.number("mem_gib")
    if measured is None:
        raise Refusal("no memory is reported", row.id)
    habits = _counted(row)
    timed = replace(row, numbers={"step_time_s": TIMELESS, **row.numbers})
    case = prepare(timed, told=True)
    columns = {name: min(values) for name, values in case.options.items()}
    open_columns = [name for name in ("tensor", "pipeline", "microbatch", "data") if name not in case.options]
    open_columns += [
        name for name, values in case.options.items() if len(values) > 1 and name != "interleave"
    ]
    if open_columns:
        raise Refusal("the row does not tell its layout", f"{row.id}: {', '.join(open_columns)}")
    if row.count("VP") is None:
        columns["interleave"] = 1
    return MemoryCase(
        case=case,
        run=case.training_run(habits["optimizer"]),
        layouts=Layouts.of(global_batch=case.batch, **columns),
        flags=dict(part.split("=") for part in habits["flags"].split(";") if part),
        counted=habits["counted"],
        role=habits["role"],
        measured=measured * GIB,
    )


def _counted(row: Row) -> Mapping[str, str]:
    """The first line of ``memory_of_sources.csv`` that fits source, place in it and precision."""
    for record in table("memory_of_sources.csv"):
        if all(
            re.search(record[key], row.text(column), re.I)
            for key, column in (("source", "source"), ("place", "source_loc"), ("precision", "precision"))
        ):
            return record
    raise Refusal("it is not known which memory this source counts", row.text("source"))


def memory_card(rows: Path | None = None, progress: object = None) -> Card:
    """:func:`validate_memory` in the shape of every table."""
    return validate_memory(rows).card()
