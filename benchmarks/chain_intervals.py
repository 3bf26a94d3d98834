"""Published figures of whole systems beside the 90 % intervals that `gigawatt run` draws for their scenarios.

python benchmarks/chain_intervals.py
python benchmarks/chain_intervals.py --draws 2000

Every shipped figure of `gigawatt validate chain` that can be asked, hours, watts, energy, water, carbon and
money; those that are hours times factors are marked. The row `campus` of the catalog's `uncertainty` is the
prediction interval of the campuses among them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import stdtrit

import gigawatt
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.validation.chain.card import ChainFigure, chain_card
from gigawatt.validation.chain.rows import CaseRow, read_chain_rows
from gigawatt.validation.chain.scenario import asked
from gigawatt.validation.files import rows_file


def interval(row: CaseRow, case: list[CaseRow], result: Result) -> tuple[float, float]:
    """5 and 95 % of a figure, in the row's unit, over the draws of its scenario."""
    draws = result.tables["draws"]

    def of(name: str) -> Any:
        quantity = result.quantity(name)
        return draws[name].to_numpy() * factor(quantity.unit) if name in draws else float(quantity.value)

    low, high = np.quantile(np.atleast_1d(asked(row, case).read(of)), (0.05, 0.95))
    return float(low), float(high)


def campus_interval(figures: list[ChainFigure]) -> tuple[float, float]:
    """Factors between which a further campus lies with 90 %, each of those known once."""
    known: dict[str, list[float]] = {}
    for one in figures:
        if one.kind == "campus" and not one.derived:
            known.setdefault(one.case, []).append(math.log(one.published / one.predicted))
    means = np.array([np.mean(logs) for logs in known.values()])
    tail = float(stdtrit(len(means) - 1.0, 0.95))
    reach = tail * means.std(ddof=1) * math.sqrt(1.0 + 1.0 / len(means))
    return math.exp(means.mean() - reach), math.exp(means.mean() + reach)


def drawn(scenario: Mapping[str, object], draws: int, known: dict[str, Result]) -> Result:
    """The result of a scenario with its draws, made once."""
    key = repr(sorted(scenario.items()))
    if key not in known:
        known[key] = gigawatt.run(settings=dict(scenario), uncertainty=True, draws=draws).found
    return known[key]


def main() -> None:
    """Print a line for each figure, then how many of the independent ones are inside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    draws = parser.parse_args().draws
    rows = {row.line: row for row in read_chain_rows(rows_file("chain"))}
    figures = list(chain_card().detail)
    inside: dict[str, list[bool]] = {}
    known: dict[str, Result] = {}
    for one in figures:
        case = [row for row in rows.values() if (row.text("case"), row.text("kind")) == (one.case, one.kind)]
        low, high = interval(rows[one.line], case, drawn(one.scenario, draws, known))
        held = low <= one.published <= high
        if not one.derived:
            inside.setdefault(one.case, []).append(held)
        print(
            f"{one.case}, {one.quantity} [{one.unit}], {one.boundary}{', derived' if one.derived else ''}: "
            f"published {one.published:.4g}, {one.predicted:.4g} ({low:.4g} to {high:.4g})"
            + ("" if held else ", outside")
        )
    every = [held for systems in inside.values() for held in systems]
    print(f"{sum(every)} of {len(every)} independent figures of {len(inside)} systems are inside")
    low, high = campus_interval(figures)
    print(f"a further campus is rated for {low:.2f} to {high:.2f} of the prediction")


if __name__ == "__main__":
    main()
