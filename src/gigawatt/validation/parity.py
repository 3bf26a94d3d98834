"""Measured beside predicted, row by row, of every scorecard: one table shape for whoever draws or lists them.

The rows are the scorecards' own (``gigawatt validate TABLE``); nothing is predicted in another way here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.validation import tables
from gigawatt.validation.card import Errors, errors_of
from gigawatt.validation.check import Check
from gigawatt.validation.files import data_folder
from gigawatt.validation.tables import validate

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS", "QUICK", "TABLES", "ParityTable", "furthest", "groups", "headline", "is_known", "make",
    "parity",
]  # fmt: skip

COLUMNS = (
    "measured", "predicted", "unit", "group", "source", "label", "held_out", "low", "high",
)  # fmt: skip
"""``low`` and ``high`` are the ends of the prediction's own 90 % band, NaN where it has none; no fit saw
``held_out`` rows."""
QUICK = 2.0
"""CPU seconds beyond which a table is for the background (:attr:`ParityTable.quick`)."""

Done = Callable[[int, int], None]
"""Called with (parts done, parts in all)."""
_Line = tuple[float, float, str, str, str, str, bool, float, float]
_NONE = float("nan")


@dataclass(frozen=True)
class _Made:
    lines: tuple[_Line, ...]
    baseline: Errors | None = None
    passed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ParityTable:
    """One table: what it compares in ``words``, and the CPU seconds that it takes once (then it is kept)."""

    words: str
    seconds: float
    make: Callable[[Done], _Made] = field(repr=False)

    @property
    def quick(self) -> bool:
        """Whether somebody can wait for it."""
        return self.seconds <= QUICK


def _training(done: Done) -> _Made:
    from gigawatt.validation.training.card import validate_training

    fitted = validate_training(progress=done)
    held = validate_training(data_folder() / "training_held_out.csv")
    lines = [
        (
            one.measured, one.predicted, "s", one.accelerator, one.source,
            f"{one.id}: {one.model}, {one.number_format}, {one.kind}", held_out, one.low, one.high,
        )
        for card, held_out in ((fitted, False), (held, True))
        for one in card.judged
    ]  # fmt: skip
    naive = errors_of(fitted.baseline.inside, fitted.measured)  # in sample
    return _Made(tuple(lines), naive)


def _kernels(_: Done) -> _Made:
    from gigawatt.validation.kernels import judge, shipped_rows

    rows = judge(shipped_rows())
    names = ("chip", "family", "kind", "form", "source", "m", "n", "k", "time", "as_measured")
    return _Made(
        tuple(
            (
                time, time * (1.0 + error), "s", family.replace("_", " "), source,
                f"{chip}: {kind.replace('_', ' ')}, {form}, {m:.0f} × {n:.0f} × {k:.0f}", True, _NONE, _NONE,
            )
            for chip, family, kind, form, source, m, n, k, time, error in zip(
                *(rows[name].tolist() for name in names), strict=True
            )
        )
    )  # fmt: skip


def _memory(_: Done) -> _Made:
    from gigawatt.validation.memory import validate_memory

    return _Made(
        tuple(
            (one.measured, one.predicted, "B", one.counted, one.source,
             f"{one.id}: {one.model}, {one.software}", one.role == "judge", _NONE, _NONE)
            for one in validate_memory().judged
        )
    )  # fmt: skip


def _power(_: Done) -> _Made:
    from gigawatt.validation.power.serving import serving_power_scorecard
    from gigawatt.validation.power.training import power_scorecard

    return _Made(
        tuple(
            (one.measured, one.predicted, _power_unit(one.what), one.what, one.chip,
             f"{one.id}: {one.workload}", one.use == "judge", _NONE, _NONE)
            for one in (*power_scorecard(), *serving_power_scorecard())
        )
    )  # fmt: skip


def _power_unit(what: str) -> str:
    if "J/token" in what:
        return "J/token"
    return "W" if "watts" in what or "step of a training node" in what else "1"


def _collectives(_: Done) -> _Made:
    from gigawatt.calibration.link_fits import predict
    from gigawatt.validation.collectives import published_parts

    lines: list[_Line] = []
    for part, fitted, rows, fabric in published_parts():
        made = predict(rows, fabric)
        for i in range(len(rows)):
            label = f"{str(rows.operation[i]).replace('_', ' ')} of {rows.size[i]:.3g} B"
            lines.append(
                (float(rows.seconds[i]), float(made[i]), "s", str(rows.operation[i]).replace("_", " "), part,
                 label, not fitted, _NONE, _NONE)
            )  # fmt: skip
    return _Made(tuple(lines))


def _serving(done: Done) -> _Made:
    from gigawatt.validation.serving.card import serving_pairs

    return _Made(
        tuple(
            (one.measured, one.predicted, "token/s" if one.metric.endswith("throughput") else "s", one.metric,
             one.source, f"{one.chip}: {one.label}", one.use == "judge", _NONE, _NONE)
            for one in serving_pairs(done)
        )
    )  # fmt: skip


def _chain(done: Done) -> _Made:
    from gigawatt.validation.chain.card import chain_card

    return _Made(
        tuple(
            (one.published, one.predicted, one.unit, f"{one.quantity}, {one.boundary}", one.source,
             f"{one.case}: {one.quantity}", False, _NONE if one.low is None else one.low,
             _NONE if one.high is None else one.high)
            for one in chain_card(progress=done).detail
            if not one.derived
        )
    )  # fmt: skip


def _timelines(done: Done) -> _Made:
    """Time to go from what was known, in years; its band is of 80 %, so that none is given."""
    from gigawatt.validation.timelines.card import timelines_card

    return _Made(
        tuple(
            ((one.actual - one.now) * SECONDS_PER_YEAR, (one.median - one.now) * SECONDS_PER_YEAR, "s",
             one.kind.replace("_", " "), one.case, f"{one.case}: {one.awaited}, known {one.reached}", True,
             _NONE, _NONE)
            for one in timelines_card(progress=done).detail
        )
    )  # fmt: skip


def _prices(done: Done) -> _Made:
    from gigawatt.validation.prices import prices_card

    return _Made(
        tuple(
            (one.measured.p95, one.made.p95, "$/MWh", str(one.measured.year), one.measured.series,
             f"{one.measured.series}: 95th percentile of {one.measured.year}", True, _NONE, _NONE)
            for one in prices_card(progress=done).detail
        )
    )  # fmt: skip


def _uncertainty(_: Done) -> _Made:
    """Measured over predicted with its band; the prediction is 1."""
    from gigawatt.validation.uncertainty import residuals

    return _Made(
        tuple(
            (math.exp(one.value), 1.0, "1", one.kind, one.maker, f"{one.maker}: measured / predicted", True,
             one.low, one.high)
            for one in residuals()
        )
    )  # fmt: skip


def _of_checks(table: str) -> Callable[[Done], _Made]:
    def made(done: Done) -> _Made:
        card = validate(table, progress=done)
        passed = ("passed", "judging", "judging_passed")
        return _Made(
            tuple(_of_check(check) for check in card.checks or ()),
            passed={key: card.more[key] for key in passed},
        )

    return made


def _of_check(check: Check) -> _Line:
    part = check.part.replace("_", " ")
    return (check.published, check.ours, check.unit or "1", part, check.source, check.what, not check.fitted,
            _NONE, _NONE)  # fmt: skip


_MAKERS: Mapping[str, Callable[[Done], _Made]] = {
    "training": _training,
    "kernels": _kernels,
    "memory": _memory,
    "power": _power,
    "collectives": _collectives,
    "serving": _serving,
    "chain": _chain,
    "timelines": _timelines,
    "prices": _prices,
    "uncertainty": _uncertainty,
}
TABLES: Mapping[str, ParityTable] = {
    name: ParityTable(table.words, table.seconds, _MAKERS.get(name) or _of_checks(name))
    for name, table in tables.TABLES.items()
}
"""Every table by name."""


_kept: dict[str, _Made] = {}


def _made(table: str, done: Done | None = None) -> _Made:
    tables.known_table(table)
    if table not in _kept:
        _kept[table] = TABLES[table].make(done or (lambda _, __: None))
    return _kept[table]


def make(table: str, done: Done | None = None) -> None:
    """Make a table, which is then kept; ``done`` is called with (parts done, in all) where it has parts.

    Raises
    ------
    InputError
        No such table.
    """
    _made(table, done)


def is_known(table: str) -> bool:
    """Whether this process has made a table already, so that asking for it takes no time."""
    tables.known_table(table)
    return table in _kept


def parity(table: str) -> pd.DataFrame:
    """Every row of a scorecard that is judged: columns :data:`COLUMNS`.

    Parameters
    ----------
    table : str
        One of :data:`TABLES`. The first call takes its :attr:`ParityTable.seconds`.

    Returns
    -------
    DataFrame
        ``measured`` (or published) and ``predicted`` in SI units of ``unit`` (of supply, technologies and
        outlook: in the unit that was published), which rows may differ in.

    Raises
    ------
    InputError
        No such table.
    """
    import pandas as pd

    return pd.DataFrame(list(_made(table).lines), columns=list(COLUMNS))


def groups(table: str) -> list[dict[str, Any]]:
    """What :func:`headline` says of a whole table, for each of its groups: the largest first.

    Returns
    -------
    list of dict
        ``group``, ``held_out`` (rows that no fit saw), ``number``, ``number_compared``, ``median``, ``p90``,
        ``bias``.
    """
    lines = _made(table).lines
    names = dict.fromkeys((line[3], line[6]) for line in lines)
    found: list[dict[str, Any]] = []
    for name, held_out in names:
        mine = [line for line in lines if (line[3], line[6]) == (name, held_out)]
        found.append({"group": name, "held_out": held_out, **_errors(mine)})
    return sorted(found, key=lambda one: (-one["number"], one["group"], one["held_out"]))


def furthest(table: str, most: int = 20) -> pd.DataFrame:
    """The rows that are furthest off: columns :data:`COLUMNS` and ``error`` (predicted/measured - 1).

    Only rows whose two numbers are above zero are compared, by |ln(predicted/measured)|, so that half as
    much and twice as much are as far off.

    Parameters
    ----------
    table : str
        One of :data:`TABLES`.
    most : int
        Rows, ≥ 0.
    """
    frame: Any = parity(table)
    frame = frame[(frame["measured"] > 0.0) & (frame["predicted"] > 0.0)]
    ratio = frame["predicted"] / frame["measured"]
    far = np.abs(np.log(ratio.to_numpy(dtype=float)))
    order = np.argsort(-far, kind="stable")[:most]
    return frame.assign(error=ratio - 1.0).iloc[order].reset_index(drop=True)


def headline(table: str) -> dict[str, Any]:
    """What one line says of a table: how many rows, and how far off they are, as fractions.

    Returns
    -------
    dict
        ``number`` of rows, ``median`` and ``p90`` of |predicted/measured - 1|, ``bias`` (geometric mean of
        predicted/measured, less one) over the rows whose two numbers are above zero (``number_compared``);
        ``held_out``: the same of rows that no fit saw; ``baseline`` (training): the errors of a constant
        utilisation for each accelerator on the rows that are not held out; ``passed``, ``judging``,
        ``judging_passed`` where published numbers have a tolerance.
    """
    made = _made(table)
    found: dict[str, Any] = {"table": table, "words": TABLES[table].words, **_errors(made.lines)}
    held = [line for line in made.lines if line[6]]
    if 0 < len(held) < len(made.lines):
        found["held_out"] = _errors(held)
        found["fitted"] = _errors(line for line in made.lines if not line[6])
    if made.baseline is not None:
        found["baseline"] = {"median": made.baseline.median_ape, "p90": made.baseline.p90_ape,
                             "bias": made.baseline.bias}  # fmt: skip
    return found | dict(made.passed)


def _errors(lines: Iterable[_Line]) -> dict[str, Any]:
    rows: Sequence[_Line] = list(lines)
    pairs = [(line[1], line[0]) for line in rows if line[0] > 0.0 and line[1] > 0.0]
    predicted, measured = np.array(pairs, dtype=float).reshape(-1, 2).T
    errors = errors_of(predicted, measured)
    return {
        "number": len(rows),
        "number_compared": len(pairs),
        "median": errors.median_ape,
        "p90": errors.p90_ape,
        "bias": errors.bias,
    }
