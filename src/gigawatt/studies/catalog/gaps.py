"""Catalog rows by their variance share over several scenarios: what to source or to measure next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.checks import check_range
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.studies.catalog import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.uncertainty.monte_carlo import Uncertainty
    from gigawatt.core.result import Result
    from gigawatt.schema.scenario import LoadedScenario

__all__ = ["catalog_gaps"]

Progress = Callable[[str, float], None]
_MOST = 1000


@dataclass
class _RowShares:
    """Weighted sum of the variance shares of a row, and its largest share."""

    row: Evidence
    share: float = 0.0
    largest: float = 0.0
    quantity: str = ""
    scenario: str = ""


@dataclass
class _Totals:
    """Sums over scenarios."""

    weights: dict[str, _RowShares] = field(default_factory=dict[str, _RowShares])
    unranged: dict[str, int] = field(default_factory=dict[str, int])
    figures: int = 0
    width: float = 0.0
    guesses: float = 0.0


def catalog_gaps(
    scenarios: Sequence[str | Path],
    *,
    everything: bool = False,
    most: int = 20,
    draws: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Rows by their share of the variance of key figures, as ``gigawatt catalog gaps`` lists them.

    Parameters
    ----------
    scenarios : sequence of path
        Scenario files, which are run with their uncertainty.
    everything : bool
        Rows of every grade, not only guesses.
    most : int
        Number of rows, 1 to 1000.
    draws : int, optional
        As of :func:`gigawatt.run`.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        ``rows``: ``row, grade, source, where, share`` (variance share, mean over the key figures of all
        scenarios, weighted by the log width of their intervals), ``largest`` (in one figure), ``quantity``,
        ``scenario``; ``from_guesses``: the share of all guesses; ``guesses_without_range``: number of
        scenarios by row.

    Raises
    ------
    GigawattError
        A scenario without an answer; a number of rows or draws that is not allowed.
    """
    from gigawatt.chain.study import Study
    from gigawatt.studies.run.grids import titles_of
    from gigawatt.studies.run.uncertainty import Sampling, drawn

    check_range("most", most, 1, _MOST, message="the number of rows is out of range")
    sampling, found = Sampling() if draws is None else Sampling(draws), _Totals()
    for number, source in enumerate(scenarios):

        def finish(
            result: Result, loaded: LoadedScenario, objects: Mapping[str, Any], name: str = str(source)
        ) -> Result:
            _count(found, name, drawn(result, loaded, objects, sampling), titles_of(result))
            return result

        if progress is not None:
            progress(f"Drawing {source}", number / len(scenarios))
        Study.read(source).run(finish=finish)
    ordered = sorted(found.weights.items(), key=lambda pair: -pair[1].share)
    data = {
        "scenarios": [str(source) for source in scenarios],
        "draws": sampling.draws,
        "figures": found.figures,
        "from_guesses": found.guesses / (found.width or 1.0),
        "rows": [
            _plain(name, one, found.width or 1.0)
            for name, one in ordered
            if everything or one.row.grade is Grade.guess
        ][:most],
        "guesses_without_range": dict(sorted(found.unranged.items(), key=lambda pair: (-pair[1], pair[0]))),
    }
    return Answer(STUDY, data, found, listed=True, kind="gaps")


def _count(found: _Totals, scenario: str, drawn: Uncertainty, titles: Mapping[str, str]) -> None:
    """Add the variance shares of a scenario's key figures."""
    for name, band in drawn.bands.items():
        if name not in titles:
            continue
        width = math.log(band.high / band.low)
        found.figures += 1
        found.width += width
        found.guesses += width * band.guesses
        for cause in band.rows:
            row = drawn.rows.get(cause.name)
            if row is None or cause.share <= 0.0:
                continue
            one = found.weights.setdefault(cause.name, _RowShares(row))
            one.share += width * cause.share
            if cause.share > one.largest:
                one.largest, one.quantity, one.scenario = cause.share, name, scenario
    for name in drawn.unranged:
        found.unranged[name] = found.unranged.get(name, 0) + 1


def _plain(name: str, one: _RowShares, width: float) -> dict[str, Any]:
    return {
        "row": name,
        "grade": one.row.grade.label,
        "source": one.row.source_id,
        "where": one.row.where,
        "share": one.share / width,
        "largest": one.largest,
        "quantity": one.quantity,
        "scenario": one.scenario,
    }
