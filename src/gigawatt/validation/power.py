"""Power and caps beside measurements: cap sweeps, the same silicon at two limits, training steps in watts.

Rows are those of ``power.csv``. ``cap``: time and energy of a workload over those at its highest cap; the
workload's own two shares (how long the chip works, how much of that multiplications bind) come from every
second cap, the others judge. ``pair``: rates of one silicon at two limits. ``step``: watts of a chip or a
node in a training step, predicted by the performance room. ``share``: what a chip keeps of a benchmarked
rate, beside what fits of training runs say it keeps.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gigawatt.core.errors import InputError
from gigawatt.machine.clocks import ClockModel, clock_model, settle, sustained_share
from gigawatt.machine.load import build_cluster, load_chip
from gigawatt.machine.machine import Chip
from gigawatt.performance.layouts import TrainingRun
from gigawatt.performance.power import chip_power_of
from gigawatt.performance.search import search
from gigawatt.performance.stacks import default_stack, load_stack, sustained
from gigawatt.validation.files import table
from gigawatt.validation.scorecard import Errors, errors_of
from gigawatt.workload import read_architecture

__all__ = ["PowerRow", "Share", "errors", "kept_shares", "power_scorecard"]

Row = dict[str, str]

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
    """What a chip keeps of a benchmarked rate: by power alone, as measured, and as training runs were fitted.

    ``measured`` is the best long-run benchmark over that rate (``nan`` where nobody measured it).
    """

    chip: str
    number_format: str
    benchmark: float
    step: float
    measured: float
    fitted: float


def power_scorecard(file: Path | None = None) -> tuple[PowerRow, ...]:
    """Every row of ``power.csv`` (or of a ``file`` of its shape) that measures something, predicted."""
    try:
        return _scored(_rows(file))
    except (ValueError, KeyError) as error:
        if file is None or isinstance(error, InputError):
            raise
        raise InputError("a cell that cannot be read", file=file, given=str(error)) from None


def _scored(rows: Sequence[Row]) -> tuple[PowerRow, ...]:
    found: list[PowerRow] = []
    sweeps: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["kind"] == "cap":
            sweeps.setdefault((row["chip"], row["workload"]), []).append(row)
        elif row["kind"] == "pair":
            found.append(_made(row, "rate", float(row["value"]), _pair(row)))
        elif row["kind"] == "step":
            found.append(_made(row, "watts", float(row["value"]), _step(row)))
    for sweep in sweeps.values():
        found.extend(_sweep(sweep))
    return tuple(found)


def errors(rows: Sequence[PowerRow], *, what: str, use: str = "judge") -> Errors:
    """Errors of the rows of one kind of quantity."""
    mine = [row for row in rows if row.what == what and row.use == use]
    return errors_of(np.array([r.predicted for r in mine]), np.array([r.measured for r in mine]))


def kept_shares(file: Path | None = None) -> tuple[Share, ...]:
    """The absolute side: what power alone leaves of benchmarked rates, beside the catalog's ``sustained``."""
    found: list[Share] = []
    for row in _rows(file):
        if row["kind"] != "share":
            continue
        chip, form = load_chip(row["chip"]), row["number_format"]
        model, rate = clock_model(chip), float(row["power"]) * chip.peak[form]
        joules = _joules(chip, form)
        alone, step = sustained_share(
            chip_power=model, rate=rate, energy_flop=joules * np.array([1.0, model.factor]), clock=1.0
        )
        measured = float(row["value"]) if row["value"] else float("nan")
        found.append(Share(chip.id, form, float(alone), float(step), measured, sustained(chip, form)))
    return tuple(found)


def _rows(file: Path | None) -> list[Row]:
    """The shipped rows, or those of a file with the same columns.

    Raises
    ------
    InputError
        No such file, or columns that lack.
    """
    shipped = [dict(row) for row in table("power.csv")]
    if file is None:
        return shipped
    if not file.is_file():
        raise InputError("no such file of measured rows", key="--rows", given=str(file), allowed="a CSV file")
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            rows, columns = list(reader), reader.fieldnames or ()
    except UnicodeDecodeError:
        raise InputError("not a UTF-8 text file", file=file) from None
    lacking = [name for name in shipped[0] if name not in columns]
    if lacking:
        raise InputError("a column lacks", file=file, line=1, key=lacking[0], allowed=list(shipped[0]))
    return [{name: row[name] or "" for name in shipped[0]} for row in rows]


def _made(row: Row, what: str, measured: float, predicted: float) -> PowerRow:
    return PowerRow(
        row["id"], row["kind"], row["chip"], row["workload"], what, row["use"], measured, predicted
    )


def _joules(chip: Chip, form: str) -> float:
    """J/FLOP above idle of the large multiplication by which the catalog's J/FLOP was set, caches included.

    That of the widest format measured at the limit, by the width of ``form`` (the catalog's own rule).
    """
    return chip.energy_flop[form] * _whole(chip)


def _whole(chip: Chip) -> float:
    """Whole dynamic energy over that of arithmetic alone: what draws the limit over what the units do."""
    from gigawatt.catalog import table as rows

    kernels = rows("kernels")
    own = kernels.get(chip.id)
    share = own.get("gemm_sustained_share") if own is not None else None
    share = kernels["default"].value("gemm_sustained_share") if share is None else share
    return (chip.power_limit - chip.idle_power) / (share * chip.peak["bf16"] * chip.energy_flop["bf16"])


def _pair(row: Row) -> float:
    """Ratio of rates of a large multiplication at two caps, both at their limit."""
    chip = load_chip(row["chip"])
    model = replace(clock_model(chip), power_limit=float(row["reference_cap"]), factor=1.0)
    done = settle(
        chip_power=model, dynamic_energy=model.power_limit - model.idle, arithmetic_time=1.0,
        memory_time=0.0, other_time=0.0, cap=float(row["cap"]),
    )  # fmt: skip
    return float(done.step_time)


def _sweep(rows: Sequence[Row]) -> list[PowerRow]:
    chip = load_chip(rows[0]["chip"])
    model = replace(clock_model(chip), power_limit=float(rows[0]["reference_cap"]), factor=1.0)
    caps = np.array([float(row["cap"]) for row in rows])
    times = np.array([float(row["value"]) for row in rows])
    joules = np.array([float(row["energy_ratio"]) for row in rows])
    power = next(float(row["power"]) for row in rows if row["use"] == "reference")
    busy, bound = (grid.reshape(-1, 1) for grid in np.meshgrid(_BUSY, _BOUND))
    time, energy = _relative(model, power, busy, bound, caps)
    off = np.abs(np.log(time / times)) + np.abs(np.log(energy / joules))
    work = np.array([row["use"] == "work" for row in rows])
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


def _step(row: Row) -> float:
    count, batch, sequence = (int(row[name]) for name in ("count", "batch", "sequence"))
    cluster, _ = build_cluster(chip=row["chip"], count=count)
    stack = load_stack(default_stack(cluster.chip, cluster.chip.year + 2))
    run = TrainingRun(
        architecture=read_architecture(row["workload"]), tokens=float(batch * sequence), sequence=sequence,
        global_batch=batch, number_format=row["number_format"], optimizer=stack.optimizer, stack=stack.id,
    )  # fmt: skip
    fixed = {name: int(value) for name, value in (item.split("=") for item in row["fixed"].split())}
    best = search(run, cluster, stack, fixed, top=1).best
    settled = chip_power_of(best, cluster.chip, float(count))
    if row["power"] == "busy":
        return float(settled.busy_power[0])
    watts = float(settled.power[0])
    return watts if row["power"] == "chip" else cluster.node.chips * watts + cluster.node.overhead_power
