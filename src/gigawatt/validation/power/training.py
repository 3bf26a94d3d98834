"""Power and caps beside measurements: cap sweeps, the same silicon at two limits, training steps in watts.

Rows are those of ``power.csv``. ``cap``: time and energy of a workload over those at its highest cap; the
workload's own two shares (how long the chip works, how much of that multiplications bind) come from every
second cap, the others judge. ``pair``: rates of one silicon at two limits. ``step``: watts of a chip or a
node in a training step, asked with the ``year`` in which they were published (this year where a table has
none). ``share``: what a chip keeps of a benchmarked rate, beside what a predicted step keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gigawatt.core.errors import GigawattError
from gigawatt.machine.chips import multiplication_energy, sustained_rate
from gigawatt.machine.clocks import ClockModel, clock_model, settle, sustained_share
from gigawatt.machine.load import build_cluster, load_chip
from gigawatt.machine.machine import Chip
from gigawatt.performance.layouts import TrainingRun
from gigawatt.performance.power import chip_power_of
from gigawatt.performance.search import search
from gigawatt.performance.software_choice import usual_software
from gigawatt.performance.stacks import sustained
from gigawatt.schema.values import YEAR
from gigawatt.validation.card import Errors, errors_of
from gigawatt.validation.files import Refusal, Refusals, table
from gigawatt.validation.rows import LEAST, cells_of, check_columns, number_of
from gigawatt.workload import read_architecture
from gigawatt.workload.architecture import Architecture

__all__ = ["PowerOutcome", "PowerRow", "Share", "errors", "kept_shares", "power_outcome", "power_scorecard"]

Row = dict[str, str]

_NUMBERS = (
    "reference_cap", "cap", "value", "low", "high", "energy_ratio", "power", "count", "sequence", "batch",
    "year",
)  # fmt: skip
_USES = ("", "judge", "fit", "work", "reference", "report")
_NEEDED = {
    "cap": ("reference_cap", "cap", "value", "energy_ratio"),
    "pair": ("reference_cap", "cap", "value"),
    "step": ("count", "sequence", "batch", "value"),
    "share": ("power", "value"),
}
"""Numbers that a row of each kind has."""
_COUNTS = ("count", "sequence", "batch", "year")
_LARGEST = 1e7
"""No watts, counts or ratios of a row are more."""

#: Shares of the time that a workload keeps the chip busy, and of that which multiplications bind.
_BUSY = np.linspace(0.5, 1.0, 26)
_BOUND = np.linspace(0.3, 1.0, 29)


@dataclass(frozen=True, slots=True)
class PowerRow:
    """One prediction beside its measurement; ``what`` is time, energy, rate or watts."""

    id: str
    kind: str
    chip: str
    workload: str
    what: str
    use: str
    measured: float
    predicted: float


@dataclass(frozen=True, slots=True)
class Share:
    """What a chip keeps of a benchmarked rate: by power alone, as measured, and as steps are predicted.

    ``measured`` is the best long-run benchmark over that rate (``nan`` where nobody measured it).
    """

    chip: str
    number_format: str
    benchmark: float
    step: float
    measured: float
    kept: float


@dataclass(frozen=True)
class PowerOutcome:
    """Every row of a table: what is predicted of it, or why not. ``rows`` counts the table's."""

    rows: int
    judged: tuple[PowerRow, ...]
    shares: tuple[Share, ...]
    refused: Refusals

    @property
    def predicted(self) -> int:
        """Rows of the table that something is predicted of."""
        return self.rows - sum(self.refused.values())


def power_outcome(file: Path | None = None) -> PowerOutcome:
    """Every row of ``power.csv`` (or of a ``file`` of its shape), predicted or refused.

    Raises
    ------
    InputError
        No such file, another shape, a cell that is no number: file, line, column.
    """
    rows, refused = _rows(file), Refusals()
    found: list[PowerRow] = []
    shares: list[Share] = []
    sweeps: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        try:
            _check(row)
            chip = _chip(row)
            if row["kind"] == "cap":
                sweeps.setdefault((chip.id, row["workload"]), []).append(row)
            elif row["kind"] == "pair":
                found.append(_made(row, "rate", float(row["value"]), _finite(_pair(row))))
            elif row["kind"] == "step":
                found.append(_made(row, "watts", float(row["value"]), _finite(_step(row))))
            else:
                shares.append(_share(row))
        except Refusal as why:
            refused.add(why, row["id"])
        except (GigawattError, ArithmeticError, ValueError) as error:
            refused.add(Refusal("the row's numbers cannot be run", str(error)), row["id"])
    for sweep in sweeps.values():
        try:
            found.extend(_sweep(sweep))
        except Refusal as why:
            refused.add(why, sweep[0]["id"], len(sweep))
        else:
            references = [row["id"] for row in sweep if row["use"] == "reference"]
            refused.add("the reference of its sweep", *references[:1], count=len(references))
    return PowerOutcome(len(rows), tuple(found), tuple(shares), refused)


def power_scorecard(file: Path | None = None) -> tuple[PowerRow, ...]:
    """What is predicted of the rows of ``power.csv`` (or of a ``file`` of its shape)."""
    return power_outcome(file).judged


def kept_shares(file: Path | None = None) -> tuple[Share, ...]:
    """The absolute side: what power leaves of the rates benchmarked elsewhere, beside what steps keep."""
    return power_outcome(file).shares


def errors(rows: Sequence[PowerRow], *, what: str, use: str = "judge") -> Errors:
    """Errors of the rows of one kind of quantity."""
    mine = [row for row in rows if row.what == what and row.use == use]
    return errors_of(np.array([r.predicted for r in mine]), np.array([r.measured for r in mine]))


def _share(row: Row) -> Share:
    chip, form = _chip(row), row["number_format"]
    model, rate = clock_model(chip), float(row["power"]) * chip.peak[form]
    joules = multiplication_energy(chip, form)
    alone, step = sustained_share(
        chip_power=model, rate=rate, energy_flop=joules * np.array([1.0, model.factor]), clock=1.0
    )
    measured = float(row["value"]) if row["value"] else float("nan")
    return Share(chip.id, form, float(alone), float(step), measured, sustained(chip, form))


def _rows(file: Path | None) -> list[Row]:
    """The shipped rows, or those of a file with the same columns.

    Raises
    ------
    InputError
        No such file, columns that lack, a cell that is no number.
    """
    shipped = [dict(row) for row in table("power.csv")]
    if file is None:
        return shipped
    header, cells = cells_of(file)
    required = [name for name in shipped[0] if name != "year"]
    check_columns(file, header, required, known=("year",))
    for line, record in cells:
        for column in _NUMBERS:
            if column != "power" or record["kind"].strip() != "step":
                number_of(record, column, file=file, line=line)
    return [
        {name: record.get(name, "").strip() for name in shipped[0]}
        | {"id": record["id"].strip() or f"line {line}"}
        for line, record in cells
    ]


def _check(row: Row) -> None:
    """That a row has the numbers of its kind, and that they can be.

    Raises
    ------
    Refusal
        Another kind, a number that lacks or that no measurement can have.
    """
    if row["kind"] not in _NEEDED:
        raise Refusal("a kind of row that is not cap, pair, step or share")
    if row["use"] not in _USES:
        raise Refusal("a use that is not known", f"{row['use']!r}; allowed: {', '.join(_USES[1:])}")
    for column in (*_NEEDED[row["kind"]], "year"):
        if not row[column] and (column == "year" or (column == "value" and row["kind"] == "share")):
            continue  # not said, measured by none
        value = number_of(row, column)
        if value is None:
            raise Refusal(f"{column} is not given")
        if not LEAST <= value <= _LARGEST or (column in _COUNTS and value != round(value)):
            raise Refusal(f"{column} is out of range")
    if row["kind"] != "cap" and row["number_format"] not in _chip(row).peak:
        raise Refusal("the accelerator has no rate in this number format")


def _chip(row: Row) -> Chip:
    try:
        return load_chip(row["chip"])
    except GigawattError as error:
        raise Refusal("the accelerator is not in the catalog", row["chip"]) from error


def _finite(value: float) -> float:
    if not (np.isfinite(value) and value > 0.0):
        raise Refusal("the power model gives no finite number")
    return value


def _made(row: Row, what: str, measured: float, predicted: float) -> PowerRow:
    return PowerRow(
        row["id"], row["kind"], _chip(row).id, row["workload"], what, row["use"], measured, predicted
    )


def _pair(row: Row) -> float:
    """Ratio of rates of a large multiplication at two caps; the higher one need not bind."""
    chip, form = _chip(row), row["number_format"]
    watts = sustained_rate(chip, form) * multiplication_energy(chip, form)
    model = replace(clock_model(chip), power_limit=float(row["reference_cap"]), factor=1.0)
    done = settle(
        chip_power=model, dynamic_energy=min(watts, model.power_limit - model.idle), arithmetic_time=1.0,
        memory_time=0.0, other_time=0.0, cap=float(row["cap"]),
    )  # fmt: skip
    return float(done.step_time)


def _sweep(rows: Sequence[Row]) -> list[PowerRow]:
    """Time and energy at every cap of one workload, by the two shares that its rows of use work set."""
    chip = _chip(rows[0])
    model = replace(clock_model(chip), power_limit=float(rows[0]["reference_cap"]), factor=1.0)
    caps = np.array([float(row["cap"]) for row in rows])
    times = np.array([float(row["value"]) for row in rows])
    joules = np.array([float(row["energy_ratio"]) for row in rows])
    power = next((float(row["power"] or 0.0) for row in rows if row["use"] == "reference"), 0.0)
    if not 0.0 < power <= _LARGEST or not any(row["use"] == "work" for row in rows):
        raise Refusal("its sweep has no reference with its power, or no row of use work")
    busy, bound = (grid.reshape(-1, 1) for grid in np.meshgrid(_BUSY, _BOUND))
    time, energy = _relative(model, power, busy, bound, caps)
    off = np.abs(np.log(time / times)) + np.abs(np.log(energy / joules))
    work = np.array([row["use"] == "work" for row in rows])
    if not (np.isfinite(time).all() and np.isfinite(energy).all()):
        raise Refusal("the power model gives no finite number")
    best = int(np.argmin(off[:, work].sum(axis=1)))
    found: list[PowerRow] = []
    for i, row in enumerate(rows):
        if row["use"] != "reference":
            found.append(_made(row, "time", times[i], float(time[best, i])))
            found.append(_made(row, "energy", joules[i], float(energy[best, i])))
    return found


def _relative(
    model: ClockModel, power: float, busy: np.ndarray, bound: np.ndarray, caps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Time and energy at ``caps`` over those at the limit, of work with mean ``power`` [W] there."""
    done = settle(
        chip_power=model,
        dynamic_energy=max(power - model.idle, 0.0),
        arithmetic_time=busy * bound,
        memory_time=busy * (1.0 - bound),
        other_time=1.0 - busy,
        cap=np.append(caps, model.power_limit),
    )
    return done.step_time[:, :-1] / done.step_time[:, -1:], done.energy[:, :-1] / done.energy[:, -1:]


def _architecture(name: str) -> Architecture:
    try:
        return read_architecture(name)
    except GigawattError as error:
        raise Refusal("the model is not in the catalog", name) from error


def _step(row: Row) -> float:
    count, batch, sequence = (int(float(row[name])) for name in ("count", "batch", "sequence"))
    cluster, _ = build_cluster(chip=_chip(row).id, count=count)
    architecture, form = _architecture(row["workload"]), row["number_format"]
    year = int(float(row["year"] or YEAR))
    stack = usual_software(architecture, cluster.chip, year=year, number_format=form).stack()
    run = TrainingRun(
        architecture=architecture, tokens=float(batch * sequence), sequence=sequence,
        global_batch=batch, number_format=form, optimizer=stack.optimizer,
    )  # fmt: skip
    fixed = {name: int(value) for name, value in (item.split("=") for item in row["fixed"].split())}
    best = search(run, cluster, stack, fixed, top=1).best
    settled = chip_power_of(best, cluster.chip, float(count))
    if row["power"] == "busy":
        return float(settled.busy_power[0])
    watts = float(settled.power[0])
    return watts if row["power"] == "chip" else cluster.node_chips * watts + cluster.node.overhead_power
