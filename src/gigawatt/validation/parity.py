"""Measured beside predicted, row by row, of every scorecard: one table shape for whoever draws or lists them.

The rows are the scorecards' own (``gigawatt validate TABLE``); nothing is predicted in another way here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.errors import InputError, nearest
from gigawatt.validation.files import data_folder
from gigawatt.validation.scorecard import Errors, errors_of
from gigawatt.validation.supply_check import Check

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.validation.supply import SupplyCard

__all__ = ["COLUMNS", "QUICK", "TABLES", "ParityTable", "headline", "parity", "parity_tables"]

COLUMNS = (
    "measured", "predicted", "unit", "group", "source", "label", "held_out", "low", "high",
)  # fmt: skip
"""``low`` and ``high`` are the ends of the prediction's own 90 % band, NaN where it has none; no fit saw
``held_out`` rows."""
QUICK = 2.0
"""CPU seconds beyond which a table is for the background (:attr:`ParityTable.quick`)."""

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
    make: Callable[[], _Made] = field(repr=False)

    @property
    def quick(self) -> bool:
        """Whether somebody can wait for it."""
        return self.seconds <= QUICK


def _training() -> _Made:
    from gigawatt.validation.validate import validate

    fitted = validate("training")
    held = validate("training", data_folder() / "training_held_out.csv")
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


def _kernels() -> _Made:
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


def _memory() -> _Made:
    from gigawatt.validation.memory import validate_memory

    return _Made(
        tuple(
            (one.measured, one.predicted, "B", one.counted, one.source, f"{one.id}: {one.model}, {one.stack}",
             one.role == "judge", _NONE, _NONE)
            for one in validate_memory().judged
        )
    )  # fmt: skip


def _power() -> _Made:
    from gigawatt.validation.power import power_scorecard
    from gigawatt.validation.serving_power import serving_power_scorecard

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


def _collectives() -> _Made:
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


def _serving() -> _Made:
    from gigawatt.validation.serving import serving_pairs

    return _Made(
        tuple(
            (one.measured, one.predicted, "token/s" if one.metric.endswith("throughput") else "s", one.metric,
             one.source, f"{one.chip}: {one.label}", one.use == "judge", _NONE, _NONE)
            for one in serving_pairs()
        )
    )  # fmt: skip


def _of_checks(card: SupplyCard) -> _Made:
    judging = [check for check in card.checks if not check.fitted]
    return _Made(
        tuple(_of_check(check) for check in card.checks),
        passed={
            "passed": card.passed,
            "judging": len(judging),
            "judging_passed": sum(check.passes for check in judging),
        },
    )


def _of_check(check: Check) -> _Line:
    part = check.part.replace("_", " ")
    return (check.published, check.ours, check.unit or "1", part, check.source, check.what, not check.fitted,
            _NONE, _NONE)  # fmt: skip


def _supply() -> _Made:
    from gigawatt.validation.supply import validate_supply

    return _of_checks(validate_supply())


def _technologies() -> _Made:
    from gigawatt.validation.technologies import validate_technologies

    return _of_checks(validate_technologies())


def _outlook() -> _Made:
    from gigawatt.validation.outlook import validate_outlook

    return _of_checks(validate_outlook())


TABLES: Mapping[str, ParityTable] = {
    "training": ParityTable("time of a training step", 11.0, _training),
    "kernels": ParityTable("time of one kernel, shapes that no fit saw", 0.6, _kernels),
    "memory": ParityTable("peak memory of an accelerator in training", 1.5, _memory),
    "power": ParityTable("power caps, watts of training steps and of serving", 7.3, _power),
    "collectives": ParityTable("time of a collective between nodes", 0.1, _collectives),
    "serving": ParityTable("time to first token, time a token, throughput", 20.0, _serving),
    "supply": ParityTable("plants, weather, building and plan beside published numbers", 11.0, _supply),
    "technologies": ParityTable("compute technologies beside published numbers", 5.5, _technologies),
    "outlook": ParityTable("hindcasts, growth and energies beside published numbers", 16.0, _outlook),
}
"""Every table by name."""


def parity_tables() -> tuple[str, ...]:
    """The tables that have measured and predicted numbers."""
    return tuple(TABLES)


@cache
def _made(table: str) -> _Made:
    return TABLES[table].make()


def _known(table: str) -> str:
    if table not in TABLES:
        raise InputError(
            "no such table of measured rows",
            given=table,
            allowed=tuple(TABLES),
            nearest=nearest(table, TABLES),
        )
    return table


def parity(table: str) -> pd.DataFrame:
    """Every row of a scorecard that is judged: columns :data:`COLUMNS`.

    Parameters
    ----------
    table : str
        One of :func:`parity_tables`. The first call takes its :attr:`ParityTable.seconds`.

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

    return pd.DataFrame(list(_made(_known(table)).lines), columns=list(COLUMNS))


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
    made = _made(_known(table))
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
