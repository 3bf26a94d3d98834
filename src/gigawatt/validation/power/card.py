"""The scorecard of power in the shape of every table: caps, training steps, serving."""

from __future__ import annotations

from pathlib import Path

from gigawatt.validation.card import Card, Summary, grouped
from gigawatt.validation.files import Refusals
from gigawatt.validation.power.serving import serving_power_outcome
from gigawatt.validation.power.serving_rows import is_serving_power_table
from gigawatt.validation.power.training import PowerOutcome, power_outcome

__all__ = ["power_card"]


def power_card(file: Path | None = None, progress: object = None) -> Card:
    """The scorecard of ``power.csv`` and ``serving_power.csv``, or of a ``file`` of either shape.

    Raises
    ------
    InputError
        No such file, another shape, a cell that is no number: file, line, column.
    """
    parts: list[PowerOutcome] = []
    if file is None or not is_serving_power_table(file):
        parts.append(power_outcome(file))
    if file is None or not parts:
        parts.append(serving_power_outcome(file))
    judged = [row for part in parts for row in part.judged]
    shares = [share for part in parts for share in part.shares]
    refused = Refusals()
    for part in parts:
        refused.include(part.refused)
    seen_by_none = [row for row in judged if row.use == "judge"]
    return Card(
        table="power",
        rows=sum(part.rows for part in parts),
        predicted=sum(part.predicted for part in parts),
        refusals=refused,
        parameters_fitted=None,
        overall=Summary.of([row.predicted for row in judged], [row.measured for row in judged]),
        groups=grouped(
            judged,
            key=lambda row: (row.what, row.use),
            pair=lambda row: (row.predicted, row.measured),
            name=" | ".join,
            more=lambda key: {"what": key[0], "use": key[1]},
        ),
        more={
            "held_out": Summary.of(
                [row.predicted for row in seen_by_none], [row.measured for row in seen_by_none]
            ),
            "predictions": judged,
            "kept_shares": shares,
        },
        titles={"kept_shares": "Share of a benchmarked rate: by power, as measured, in a predicted step"},
        notes=(
            "time and energy: of work under a cap over that at its limit; rate: of one silicon at two "
            "limits; watts: of a training step. Rows of use work set the workload's two shares and judge "
            "nothing. serving: at the rate that was measured, or at the one that is predicted as well. A row "
            "may give several numbers.",
        ),
        detail=parts,
    )
