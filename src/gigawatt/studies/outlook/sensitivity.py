"""What makes the spread: Sobol indices by quantity, a tornado, and scenarios against what is not known.

Two independent samples A and B of every quantity; then A with one quantity (or one group of correlated ones)
from B at a time. All share the streams of the outlook, so that a quantity that does not matter changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import YEARS, year_index
from gigawatt.outlook.model import FRAME, REPORTED, TABLES
from gigawatt.outlook.priors import SCENARIOS, Priors, read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.outlook.sobol import sobol_indices
from gigawatt.outlook.tables import Tables
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.mixed import Mixed
from gigawatt.studies.outlook.outlook import OutlookResult, OutlookScenario, evaluate

__all__ = ["ANSWERS", "Answer", "explained", "scenario_share", "sensitivities", "tornado"]

Array = NDArray[np.float64]

_OTHER = "/B"
"""Suffix of the streams of the second sample."""
_CHUNK = 1_000
_FUTURE = "growth_row"


@dataclass(frozen=True)
class Answer:
    """An output in a year whose spread is explained; ``logarithmic``: that of its logarithm."""

    output: str
    year: int
    logarithmic: bool = True

    @property
    def name(self) -> str:
        """``output year``."""
        return f"{self.output} {self.year}"

    def of(self, found: Mapping[str, Array]) -> Array:
        """The answer of every draw, (draws,)."""
        values = found[self.output]
        column = values[:, 0] if values.shape[1] == 1 else values[:, year_index(self.year)]
        return np.log10(column) if self.logarithmic else column / factor(_unit(self.output))


ANSWERS = (
    Answer("feasible", 2030),
    Answer("electricity", 2030),
    Answer("stock", 2035),
    Answer("feasible", 2050),
)
"""What ``--sensitivity`` explains."""


def _unit(output: str) -> str:
    known = {row.name: row.unit for row in REPORTED}
    check_word(None, output, known, "no such output")
    return known[output]


def _groups(priors: Priors, targets: Sequence[str]) -> list[tuple[str, ...]]:
    """Quantities that the targets read, correlated ones together; those that are fixed left out."""
    read = {name for block in FRAME.order(targets) for name in block.inputs} & set(priors.rows)
    found: dict[tuple[str, ...], None] = {}
    for name, row in priors.rows.items():
        if name in read and row.distribution.kind != "fixed":
            found.setdefault(tuple(n for n in priors.group_of(name) if n in read), None)
    return list(found)


def sensitivities(
    scenario: str | OutlookScenario = "base",
    draws: int = 4_000,
    seed: int = SEED,
    *,
    answers: Sequence[Answer] = ANSWERS,
    tables: Tables | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Sobol indices of every answer, by quantity.

    Parameters
    ----------
    scenario, seed, tables, progress
        As of :func:`~gigawatt.studies.outlook.outlook.outlook`.
    draws : int
        Of each sample, 100 to 100,000; the frame runs (quantities + 2) · draws times.
    answers : sequence of Answer
        What is explained.

    Returns
    -------
    dict
        Answer → rows (quantities, S1, ST, their standard errors), largest ST first, with the variance.

    Raises
    ------
    InputError
        No such output, scenario or year; too few or too many draws.

    References
    ----------
    Saltelli et al. 2010, as of :mod:`gigawatt.outlook.sobol`.
    """
    check_range("draws", draws, 100, 100_000, message="too few or too many")
    asked = OutlookScenario(scenario) if isinstance(scenario, str) else scenario
    priors = read_priors(asked.base, asked.quantities)
    rooms = outlook_tables() if tables is None else tables
    targets = list(dict.fromkeys(answer.output for answer in answers))
    for answer in answers:
        _unit(answer.output)
        year_index(answer.year)
    groups = _groups(priors, targets)
    parts: dict[str, list[list[Array]]] = {answer.name: [] for answer in answers}  # chunk, sample
    chunks = range(0, draws, _CHUNK)
    for number, start in enumerate(chunks):
        both = Mixed(priors, rooms, seed, start, min(start + _CHUNK, draws), targets, _OTHER)
        found: dict[str, list[Array]] = {answer.name: [] for answer in answers}
        for count, names in enumerate([(), both.names, *groups]):
            outputs = both.with_other(names)
            for answer in answers:
                found[answer.name].append(answer.of(outputs))
            if progress is not None:
                done = number + (count + 1) / (len(groups) + 2)
                progress("Sensitivity", done / len(chunks))
        for name, samples in found.items():
            parts[name].append(samples)
    a: dict[str, Array] = {}
    b: dict[str, Array] = {}
    mixed: dict[str, list[Array]] = {}
    for name, told in parts.items():
        a[name], b[name], *mixed[name] = (np.concatenate(rows) for rows in zip(*told, strict=True))
    result: dict[str, Any] = {}
    for answer in answers:
        name = answer.name
        indices = sobol_indices(a[name], b[name], np.array(mixed[name]))
        rows = [
            {
                "quantities": list(group), "S1": float(indices.first[i]), "ST": float(indices.total[i]),
                "S1_error": float(indices.first_error[i]), "ST_error": float(indices.total_error[i]),
            }
            for i, group in enumerate(groups)
        ]  # fmt: skip
        rows.sort(key=lambda row: -row["ST"])
        unit = f"log10 {_unit(answer.output)}" if answer.logarithmic else _unit(answer.output)
        spread = float(np.var(np.concatenate([a[name], b[name]])))
        result[name] = {"unit": unit, "variance": spread, "draws": draws, "rows": rows}
    return result


def tornado(
    answer: Answer, scenario: str | OutlookScenario = "base", *, tables: Tables | None = None
) -> list[dict[str, Any]]:
    """The answer with each quantity at its 10 and 90 % quantile and all others at their median.

    Futures of growth (``growth_row``) are taken at their quantiles by year. Quantities that are the number of
    a row or a chance, and shocks by the year, are left at their middle.

    Returns
    -------
    list of dict
        ``quantity``, ``low``, ``high`` and ``middle`` in the unit of the output, widest first.

    Raises
    ------
    InputError
        As of :func:`sensitivities`.
    """
    asked = OutlookScenario(scenario) if isinstance(scenario, str) else scenario
    priors = read_priors(asked.base, asked.quantities)
    rooms = outlook_tables() if tables is None else tables
    scale = factor(_unit(answer.output))
    column = year_index(answer.year)
    whole = {name for group in _groups(priors, [answer.output]) for name in group}
    indexed = ("bootstrap", "chance")
    names = [n for n in priors.rows if n in whole and priors.rows[n].distribution.kind not in indexed]
    names = [n for n in names if not priors.rows[n].yearly]
    needed = {name for block in FRAME.order([answer.output]) for name in block.inputs} & set(priors.rows)
    cases = [(name, priors.rows[name].si.quantile(np.array([0.1, 0.9]))) for name in names]
    if _FUTURE in needed:  # rows 1 and 2 of the futures below
        cases.append((_FUTURE, np.array([1.0, 2.0])))
    leaves: dict[str, Any] = {TABLES: _middle(rooms)}
    for name in needed:
        row = priors.rows[name]
        middle = np.full((1, len(YEARS) if row.yearly else 1), 0.5)
        made = np.zeros((1, 1)) if row.distribution.kind == "bootstrap" else row.si.quantile(middle)
        leaves[name] = np.repeat(made, 1 + 2 * len(cases), axis=0)
    for i, (name, ends) in enumerate(cases):
        leaves[name][1 + 2 * i : 3 + 2 * i, 0] = ends
    names = [name for name, _ in cases]
    values = FRAME.run(leaves, [answer.output])[answer.output] / scale
    told = np.broadcast_to(values, (len(values), values.shape[1]))[:, min(column, values.shape[1] - 1)]
    rows = [
        {
            "quantity": name,
            "low": float(told[1 + 2 * i]),
            "high": float(told[2 + 2 * i]),
            "middle": float(told[0]),
        }
        for i, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: -abs(float(row["high"]) - float(row["low"])))


def _middle(tables: Tables) -> Tables:
    """Tables of middles: futures of growth at their median, 10 and 90 % by year, medians of what is drawn by
    row."""
    futures = {name: np.quantile(paths, [0.5, 0.1, 0.9], axis=0) for name, paths in tables.growth.items()}
    return replace(
        tables, growth=futures, scaling=np.median(tables.scaling, axis=0)[None, :],
        joules_token=np.array([np.median(tables.joules_token)]),
        value_exponent=np.array([np.median(tables.value_exponent)]),
    )  # fmt: skip


def scenario_share(answer: Answer, draws: int = 5_000, seed: int = SEED) -> dict[str, float]:
    """How much of the spread is between the scenarios and how much inside them, each scenario as likely.

    Returns
    -------
    dict
        ``between`` and ``inside`` variance, ``share`` of the former, and each scenario's median (logarithms
        where the answer is one).

    Raises
    ------
    InputError
        As of :func:`sensitivities`.
    """
    rooms = outlook_tables()
    found: dict[str, Array] = {}
    for name in SCENARIOS:
        priors = read_priors(name)
        found[name] = answer.of(evaluate(priors, rooms, seed, 0, draws, [answer.output]))
    means = np.array([values.mean() for values in found.values()])
    between, inside = float(np.var(means)), float(np.mean([values.var() for values in found.values()]))
    medians = {f"median {name}": float(np.median(values)) for name, values in found.items()}
    return {"between": between, "inside": inside, "share": between / (between + inside), **medians}


def explained(
    result: OutlookResult, asked: OutlookScenario, progress: Callable[[str, float], None] | None = None
) -> OutlookResult:
    """A result with what makes the spread of each of :data:`ANSWERS` that lies in its years.

    Returns
    -------
    OutlookResult
        With ``sensitivities``: answer → that of :func:`sensitivities`, ``tornado`` and ``scenarios`` (that of
        :func:`scenario_share`).
    """
    answers = [one for one in ANSWERS if result.years[0] <= one.year <= result.years[-1]]
    rows = sensitivities(asked, seed=result.seed, answers=answers, progress=progress)
    found: dict[str, Any] = {
        one.name: {
            **rows[one.name],
            "tornado": tornado(one, asked),
            "scenarios": scenario_share(one, seed=result.seed),
        }
        for one in answers
    }
    return replace(result, sensitivities=found)
