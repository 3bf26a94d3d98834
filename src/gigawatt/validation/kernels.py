"""Scorecard of kernels: measured latencies of shapes that no fit saw, beside predictions.

A row of the tables is one framework's timing of one shape. Two predictions stand beside it:

* *as measured*: the catalog's kernel with the fixed time, coarse deviation and lines of that framework and
  kernel (``kernels_sources.csv``), the bytes of what it times beside the kernel included;
* *as used*: the catalog's kernel alone, as every prediction of the product has it: the middle of the
  frameworks. Its error holds the spread among frameworks.

The errors of the tables' targets are those of the first; both are shown.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.calibration.kernel_fits import Device, Fit, deviation_surface, predict
from gigawatt.calibration.kernel_rows import DEVICES, FILES, judged, read_kernels
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.machine import load_chip
from gigawatt.technology.digital.gpu import kernels
from gigawatt.technology.digital.surfaces import read_surface, read_values, surface_row
from gigawatt.validation.files import data_folder

if TYPE_CHECKING:
    from gigawatt.calibration.kernel_rows import Frame
    from gigawatt.technology.digital.forms import Family
    from gigawatt.workload.operations import Array

__all__ = [
    "COLUMNS",
    "FIT_FILE",
    "SAMPLE_FILE",
    "SOURCES_FILE",
    "KernelCard",
    "Line",
    "catalog_fit",
    "judge",
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

    def cells(self) -> list[str | int | float]:
        """In the order of the table's columns."""
        return [getattr(self, name) for name in self.__dataclass_fields__]


@dataclass(frozen=True)
class KernelCard:
    """``lines`` by operation, device and format; ``totals`` by operation; what refits on others gave."""

    lines: tuple[Line, ...]
    totals: tuple[Line, ...]
    left_out: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows that were judged."""
        return sum(line.rows for line in self.lines)

    def left_out_table(self) -> tuple[list[str], list[list[str | int | float]]]:
        """Column names and rows of the devices left out, as ``benchmarks/fit_kernels.py`` found them."""
        found = list(self.left_out.get("devices_left_out", ()))
        columns = list(found[0]) if found else []
        return columns, [[line[c] for c in columns] for line in found]

    def to_table(self) -> tuple[list[str], list[list[str | int | float]]]:
        """Column names and rows, the totals last."""
        return list(Line.__dataclass_fields__), [line.cells() for line in (*self.lines, *self.totals)]

    def to_json(self) -> dict[str, object]:
        """Everything, as JSON has it."""
        names = list(Line.__dataclass_fields__)
        return {
            "table": "kernels",
            "rows": self.rows,
            "groups": [dict(zip(names, line.cells(), strict=True)) for line in self.lines],
            "totals": [dict(zip(names, line.cells(), strict=True)) for line in self.totals],
            "fit": dict(self.left_out),
        }


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


def _folder_rows(folder: Path, progress: Callable[[int, int], object]) -> Frame:
    import pandas as pd

    if not folder.is_dir():
        raise InputError(
            "no such folder", key="rows", given=str(folder), allowed="a folder of Parquet tables of kernels"
        )
    wanted = [(family, name) for family in FILES for name in DEVICES]
    found: list[Frame] = []
    for done, (family, name) in enumerate(wanted):
        progress(done, 2 * len(wanted))
        if any((folder / f"{table}__{name}.parquet").is_file() for table in FILES[family]):
            rows = read_kernels(folder, family, name)
            found.append(rows[judged(rows)].assign(family=family, chip=DEVICES[name]))
    if not found:
        raise InputError(
            "no tables of measured kernels here",
            key="rows",
            given=str(folder),
            allowed="files such as gemm__h100_sxm.parquet",
        )
    return pd.concat(found, ignore_index=True)


def judge(rows: Frame, progress: Callable[[int, int], object] = lambda done, of: None) -> Frame:
    """Errors (predicted / measured − 1) of rows: columns ``as_measured`` and ``as_used`` added."""
    rows = rows.assign(as_measured=np.nan, as_used=np.nan)
    groups = list(rows.groupby(["chip", "family", "form"], sort=True))
    for done, ((chip, family, form), part) in enumerate(groups):
        progress(len(groups) + done, 2 * len(groups))
        chosen = load_chip(str(chip))
        machine, constants = Device.of(chosen), kernels(chosen.kernels)
        if form not in machine.peak:
            continue
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
        Parquet tables of measured kernels, of which the shapes that judge are taken; the shipped sample of
        them if left out.
    progress : callable
        Of (done, all).
    """
    rows = judge(shipped_rows() if folder is None else _folder_rows(folder, progress), progress)
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
    return KernelCard(tuple(lines), tuple(totals), left_out)
