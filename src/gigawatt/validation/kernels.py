"""Scorecard of kernels: measured latencies of shapes that no fit saw, beside predictions.

A row of the tables is one framework's timing of one shape. Two predictions stand beside it:

* *as measured*: the catalog's kernel with the fixed time, coarse deviation and lines of that framework and
  kernel (``kernels_sources.csv``), the bytes of what it times beside the kernel included;
* *as used*: the catalog's kernel alone, as every prediction of the product has it: the middle of the
  frameworks. Its error holds the spread among frameworks.

Rows of a chip without fitted kernels are judged by the cost of that chip in its technology, in both columns
alike.

The errors of the tables' targets are those of the first; both are shown.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gigawatt.calibration.kernel_fits import Device, Fit, deviation_surface, layers, predict
from gigawatt.calibration.kernel_rows import DEVICES, FILES, judged, read_kernels
from gigawatt.core.errors import GigawattError, InputError, MissingDataError, nearest
from gigawatt.machine import load_chip
from gigawatt.technology.digital.gpu import Gpu, kernels, multiplied_as
from gigawatt.technology.digital.surfaces import read_surface, read_values, surface_row
from gigawatt.technology.interface import Efficiency
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.files import Refusal, Refusals, data_folder
from gigawatt.validation.rows import cells_of, check_columns, number_of
from gigawatt.workload.operations import Operation

if TYPE_CHECKING:
    from gigawatt.calibration.kernel_rows import Frame
    from gigawatt.machine.machine import Chip
    from gigawatt.technology.digital.forms import Family
    from gigawatt.workload.operations import Array, Kind

__all__ = [
    "COLUMNS",
    "FIT_FILE",
    "SAMPLE_FILE",
    "SOURCES_FILE",
    "KernelCard",
    "Line",
    "catalog_fit",
    "judge",
    "kernels_card",
    "shipped_rows",
    "validate_kernels",
]

SAMPLE_FILE, SOURCES_FILE, FIT_FILE = "kernels.csv", "kernels_sources.csv", "kernels_fit.json"
COLUMNS = (
    "chip", "family", "kind", "form", "source", "variant", "m", "n", "k", "batch", "groups", "flops", "moved",
    "extra", "gate", "time",
)  # fmt: skip
"""Columns of the shipped sample: texts, then sizes and time as ``calibration.kernel_rows`` has them."""
_TEXTS = 6
_LINE = "line"
"""Name of the index of rows whose file has lines."""
_LARGEST = 1e18
_LEAST: Mapping[str, float] = {
    **dict.fromkeys(COLUMNS[_TEXTS:], 1e-12), "groups": 0.0, "moved": 0.0, "extra": 0.0, "gate": 0.0,
}  # fmt: skip
"""What the numbers of a row are at least; none is more than ``_LARGEST`` (FLOP, bytes)."""
_FAMILIES: Mapping[str, str] = {
    "gemm": "GEMM",
    "grouped_gemm": "grouped GEMM",
    "attention": "attention",
    "decode": "decode attention",
}


@dataclass(frozen=True)
class Line:
    """Errors of one group: ``median``, ``p90`` and ``bias`` as measured, the first two also as used."""

    operation: str
    device: str
    format: str
    rows: int
    median: float
    p90: float
    bias: float
    median_as_used: float
    p90_as_used: float


@dataclass(frozen=True)
class KernelCard:
    """``lines`` by operation, device and format; ``totals`` by operation; what refits on others gave.

    ``judged`` are the rows with their errors (:func:`judge`), ``refused`` counts the others by reason.
    """

    lines: tuple[Line, ...]
    totals: tuple[Line, ...]
    judged: Frame = field(repr=False)
    refused: Refusals = field(default_factory=Refusals)
    left_out: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows that were judged."""
        return sum(line.rows for line in self.lines)

    def card(self) -> Card:
        """The scorecard in the shape of every table; its figures are of rows as their framework timed them.

        A group adds ``median_as_used`` and ``p90_as_used``: the kernel as predictions use it, the middle of
        the frameworks. ``bias`` is the geometric mean of the ratios, ``median_error`` their median.
        """
        groups = [
            Group(f"{kind} | {chip} | {form}", _summary(part), _beside(kind, chip, form, part))
            for (kind, chip, form), part in self.judged.groupby(["kind", "chip", "form"], sort=True)
        ]
        totals = [
            {
                "group": f"{line.operation} | {line.format}",
                "n": line.rows,
                "median_ape": line.median,
                "p90_ape": line.p90,
                "median_error": line.bias,
                "median_as_used": line.median_as_used,
                "p90_as_used": line.p90_as_used,
            }
            for line in self.totals
        ]
        fit = dict(self.left_out)
        return Card(
            table="kernels",
            rows=self.rows + sum(self.refused.values()),
            predicted=self.rows,
            refusals=self.refused,
            parameters_fitted=fit.get("numbers_fitted"),
            overall=_summary(self.judged),
            groups=tuple(groups),
            more={"totals": totals, "devices_left_out": fit.get("devices_left_out", []),
                  "numbers_of_sources": fit.get("numbers_of_sources")},
            titles={
                "totals": "By operation",
                "devices_left_out": "Devices left out: predicted by fits of other devices (all shapes that "
                "judge)",
            },
            notes=(
                "Measured rows of shapes that no fit saw: of the row as its framework timed it, and as used: "
                "of the kernel as predictions use it (the middle of the frameworks).",
            ),
            detail=self,
        )  # fmt: skip


def _summary(rows: Frame) -> Summary:
    time = rows["time"].to_numpy(dtype=float)
    return Summary.of(time * (1.0 + rows["as_measured"].to_numpy(dtype=float)), time)


def _beside(kind: object, chip: object, form: object, rows: Frame) -> dict[str, Any]:
    line = _line(str(kind), str(chip), str(form), rows)
    return {
        "operation": line.operation, "device": line.device, "format": line.format, "median_error": line.bias,
        "median_as_used": line.median_as_used, "p90_as_used": line.p90_as_used,
    }  # fmt: skip


@lru_cache(maxsize=1)
def _sources() -> Mapping[tuple[str, str, str], list[dict[str, str]]]:
    found: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    with (data_folder() / SOURCES_FILE).open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found.setdefault((row["chip"], row["operation"], row["format"]), []).append(row)
    return found


def catalog_fit(chip: str, family: Family, form: str) -> Fit:
    """The catalog's fit of a chip, with what sources deviate by.

    Raises
    ------
    MissingDataError
        The catalog has no surface for this operation and format.
    """
    fit = kernels(load_chip(chip).kernels)
    row = surface_row(load_chip(chip).kernels, family, form)
    if row is None:
        raise MissingDataError("no surface of this operation and format", given=f"{family}, {form}")
    fixed, beside, deviation = {"": row.value("fixed")}, {"": row.value("beside")}, {}
    lines: dict[str, Array] = {}
    for source in _sources().get((chip, family, form), []):
        name = source["source"]
        if source["fixed_us"]:
            fixed[name], beside[name] = float(source["fixed_us"]) * 1e-6, float(source["beside"])
        if source["values"]:
            deviation[name] = deviation_surface(family, source["values"])
        if source.get("lines"):
            lines[name] = read_values(source["lines"])
    return Fit(
        family=family,
        form=form,
        share=row.value("share"),
        memory=fit.memory,
        surface=read_surface(row.text("axes"), row.text("values")),
        fixed=fixed,
        deviation=deviation,
        beside=beside,
        rows=int(row.value("rows")),
        lines=lines,
    )


def shipped_rows() -> Frame:
    """The judged sample that ships."""
    import pandas as pd

    return pd.read_csv(data_folder() / SAMPLE_FILE, comment="#", dtype=dict.fromkeys(COLUMNS[_TEXTS:], float))


def _file_rows(file: Path) -> tuple[Frame, Refusals]:
    """(rows, reasons why others cannot be predicted) of a table with the columns of the shipped sample."""
    import pandas as pd

    header, cells = cells_of(file)
    texts, sizes = COLUMNS[:_TEXTS], COLUMNS[_TEXTS:]
    check_columns(file, header, COLUMNS)
    refused = Refusals()
    found: list[dict[str, Any]] = []
    for line, record in cells:
        numbers = {name: number_of(record, name, file=file, line=line) for name in sizes}
        wrong = next((n for n, v in numbers.items() if v is None or not _LEAST[n] <= v <= _LARGEST), None)
        if wrong is not None:
            lack = "not given" if numbers[wrong] is None else "out of range"
            refused.add(Refusal(f"{wrong} is {lack}", record[wrong]), line)
        else:
            found.append({_LINE: line, **{name: record[name].strip() for name in texts}, **numbers})
    return pd.DataFrame(found, columns=[_LINE, *COLUMNS]).set_index(_LINE), refused


def _folder_rows(folder: Path, progress: Callable[[int, int], object]) -> Frame:
    import pandas as pd

    known = {table: family for family, names in FILES.items() for table in names}
    files = [file.stem.partition("__") for file in sorted(folder.glob("*__*.parquet"))]
    wanted = list(dict.fromkeys((known[table], name) for table, _, name in files if table in known))
    found: list[Frame] = []
    for done, (family, name) in enumerate(wanted):
        progress(done, 2 * len(wanted))
        rows = read_kernels(folder, family, name)
        found.append(rows[judged(rows)].assign(family=family, chip=DEVICES.get(name, name)))
    if not found:
        raise InputError(
            "no tables of measured kernels here",
            key="--rows",
            given=str(folder),
            allowed="files such as gemm__h100_sxm.parquet",
        )
    return pd.concat(found, ignore_index=True)


def _table_rows(file: Path) -> Frame:
    """The judged shapes of one table of a collection, called ``OPERATION__DEVICE.parquet``."""
    table, _, device = file.stem.partition("__")
    known = {name: family for family, names in FILES.items() for name in names}
    chip = DEVICES.get(device) or _chip_id(device)
    if table not in known or chip is None:
        raise InputError(
            "its name is of no table of measured kernels", key="--rows", given=str(file),
            allowed=f"OPERATION__DEVICE.parquet of {', '.join(known)} and of a chip of the catalog, or a "
            f"table with the columns {', '.join(COLUMNS)}",
            nearest=nearest(table, known) or nearest(device, DEVICES),
        )  # fmt: skip
    rows = read_kernels(file.parent, known[table], device, tables=(table,))
    return rows[judged(rows)].assign(family=known[table], chip=chip)


def _chip_id(name: str) -> str | None:
    try:
        return load_chip(name).id
    except GigawattError:
        return None


def _rows_of(path: Path | None, progress: Callable[[int, int], object]) -> tuple[Frame, Refusals]:
    if path is None:
        return shipped_rows(), Refusals()
    if path.is_dir():
        return _folder_rows(path, progress), Refusals()
    if not path.exists():
        raise InputError("no such folder", key="--rows", given=str(path),
                         allowed="a table of kernels, or a folder of such Parquet tables")  # fmt: skip
    if "__" in path.stem:
        return _table_rows(path), Refusals()
    return _file_rows(path)


def _named(rows: Frame) -> tuple[Frame, Refusals]:
    """(rows that the catalog has a chip and a surface for, under its names; the others' reasons)."""
    refused = Refusals()
    keep = np.zeros(len(rows), dtype=bool)
    chips = np.array(rows["chip"], dtype=object)
    for (name, family, form), part in rows.groupby(["chip", "family", "form"], sort=False, dropna=False):
        at = rows.index.get_indexer(part.index)
        first = int(part.index[0]) if rows.index.name == _LINE else ""
        try:
            chip = load_chip(str(name))
        except GigawattError as error:
            refused.add(Refusal("the accelerator is not in the catalog", str(error)), first, len(part))
            continue
        if family not in _FAMILIES:
            why = Refusal("a family of kernels that is not predicted", str(family))
            refused.add(why, first, len(part))
        elif multiplied_as(str(form)) not in chip.peak:
            why = Refusal("the accelerator has no rate in this number format", f"{chip.id} {form}")
            refused.add(why, first, len(part))
        else:
            chips[at], keep[at] = chip.id, True
    return rows.assign(chip=chips)[keep], refused


def _has_fit(chip: Chip, family: str, form: str) -> bool:
    """Whether kernels of this chip, or of the chip whose kernels it has, were fitted to measured ones."""
    row = surface_row(chip.kernels, family, form) if form in Device.of(chip).peak else None
    return chip.arrays is None and row is not None and row.text("chip") == chip.kernels


def _by_cost(rows: Frame, chip: Chip, family: str, form: str) -> Array:
    """Seconds of rows of a chip without fitted kernels: what the product's own cost model says of each
    multiplication, and the bytes beside it."""
    total = np.zeros(len(rows))
    for sizes in layers(rows):
        pairs = sizes["flops"] / (4.0 * sizes["k"]) if family in ("attention", "decode") else 0.0
        operation = Operation(
            name=family,
            kind="attention" if family == "decode" else cast("Kind", family),
            phase="forward",
            m=sizes["m"],
            n=sizes["n"],
            k=sizes["k"],
            batch=sizes["batch"],
            flops=sizes["flops"],
            bytes_read=sizes["moved"],
            bytes_written=np.zeros(len(rows)),
            launches=np.ones(len(rows)),
            number_format=form,
            exponentials=pairs,
        )
        total = total + Gpu().cost(operation, chip, Efficiency()).time
    return total + Device.of(chip).beside(rows["extra"].to_numpy(dtype=float), kernels(chip.kernels).memory)


def judge(rows: Frame, progress: Callable[[int, int], object] = lambda done, of: None) -> Frame:
    """Errors (predicted / measured − 1) of rows: columns ``as_measured`` and ``as_used`` added."""
    rows = rows.assign(as_measured=np.nan, as_used=np.nan)
    groups = list(rows.groupby(["chip", "family", "form"], sort=True))
    for done, ((chip, family, form), part) in enumerate(groups):
        progress(len(groups) + done, 2 * len(groups))
        chosen = load_chip(str(chip))
        if not _has_fit(chosen, str(family), str(form)):
            time = _by_cost(part, chosen, str(family), str(form))
            error = time / part["time"].to_numpy() - 1.0
            rows.loc[part.index, "as_measured"] = rows.loc[part.index, "as_used"] = error
            continue
        machine, constants = Device.of(chosen), kernels(chosen.kernels)
        fit = catalog_fit(str(chip), family, str(form))
        for column, as_measured in (("as_measured", True), ("as_used", False)):
            time = predict(part, fit, machine, constants, as_measured=as_measured)
            rows.loc[part.index, column] = time / part["time"].to_numpy() - 1.0
    return rows[rows["as_measured"].notna()]


def _line(operation: str, device: str, form: str, rows: Frame) -> Line:
    error, used = rows["as_measured"].abs(), rows["as_used"].abs()
    return Line(
        operation, device, form, len(rows), float(error.median()), float(error.quantile(0.9)),
        float(rows["as_measured"].median()), float(used.median()), float(used.quantile(0.9)),
    )  # fmt: skip


def validate_kernels(
    folder: Path | None = None, progress: Callable[[int, int], object] = lambda done, of: None
) -> KernelCard:
    """The scorecard of kernels.

    Parameters
    ----------
    folder : Path, optional
        Parquet tables of measured kernels (or one of them), of which the shapes that judge are taken, or a
        table with the columns of the shipped sample (:data:`COLUMNS`); that sample if left out.
    progress : callable
        Of (done, all).

    Raises
    ------
    InputError
        No such table, another shape, a cell that is no number: file, line, column.
    """
    read, unreadable = _rows_of(folder, progress)
    named, unnamed = _named(read)
    with np.errstate(all="ignore"):
        rows = judge(named, progress)
    finite = np.isfinite(rows["as_measured"].to_numpy(dtype=float)) & np.isfinite(
        rows["as_used"].to_numpy(float)
    )
    refused = Refusals()
    refused.include(unreadable)
    refused.include(unnamed)
    refused.add("the kernel's model gives no finite time", count=len(named) - int(finite.sum()))
    rows = rows[finite]
    lines = [
        _line(str(kind), str(chip), str(form), part)
        for (kind, chip, form), part in rows.groupby(["kind", "chip", "form"], sort=True)
    ]
    totals: list[Line] = []
    for family, name in _FAMILIES.items():
        whole = rows[rows["family"] == family]
        for form, part in whole.groupby("form", sort=True):
            totals.append(_line(name, "all", str(form), part))
        if len(whole):
            totals.append(_line(name, "all", "all", whole))
    file = data_folder() / FIT_FILE
    left_out = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return KernelCard(tuple(lines), tuple(totals), rows, refused, left_out)


def kernels_card(
    path: Path | None = None, progress: Callable[[int, int], object] = lambda done, of: None
) -> Card:
    """:func:`validate_kernels` in the shape of every table."""
    return validate_kernels(path, progress).card()
