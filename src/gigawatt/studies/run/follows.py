"""Cells that a result holds or searches once: their intervals are those of a quantity, in proportion.

Layouts, latencies by share of the requests and hours of a day are not computed again in a draw. What is known
of them is the error of the quantity that they are of: a step of another layout is as uncertain as that of the
best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.studies.run.figures_tables import get_table, row_names

if TYPE_CHECKING:
    from gigawatt.chain.uncertainty.monte_carlo import NumberBand

__all__ = ["FOLLOWS", "followed"]

_STEP, _TOKEN = "training.effective_step_time", "economics.cost_million_output"
_LATENCY = {
    f"{key}{end} [{unit}]": f"serving.{key}_{which}"
    for key, unit in (("ttft", "s"), ("tpot", "ms"), ("e2e", "s"))
    for end, which in (("", "p99"), (" p50", "p50"), (" p99", "p99"))
}
FOLLOWS: dict[str, dict[str, str]] = {
    "breakdown": {"time [s]": _STEP},
    "relief": {"step_time [s]": _STEP, "cost [$/Mtoken]": _TOKEN},
    "layouts": {"step_time [s]": "training.step_time", "mfu []": "training.mfu"},
    "configurations": {"cost [$/Mtoken]": _TOKEN, **_LATENCY},
    "latency": _LATENCY,
    "day": {
        "facility [MW]": "facility.power_mean",
        "ttft p99 [s]": "serving.ttft_p99",
        "tpot p99 [ms]": "serving.tpot_p99",
    },
    "flexibility": {"cost [$/MWh]": "ledger.chip_hour", "event [$/MW]": "load.pause_event_cost"},
}  # fmt: skip
"""Table → column → the quantity whose interval its cells have, in proportion."""


def followed(result: Result, bands: Mapping[str, NumberBand]) -> Iterator[dict[str, Any]]:
    """Rows of the table ``cells`` of what follows a quantity.

    ``table, row, column``; ``value, low, median, high`` in the table's unit; ``as``, the quantity.
    """
    for table, columns in FOLLOWS.items():
        frame = get_table(result, table)
        if frame is None:
            continue
        for column, name in columns.items():
            band = bands.get(name)
            if band is None or column not in frame:
                continue
            value = float(result.quantity(name).value) / factor(band.unit)
            ends = {key: getattr(band, key) / factor(band.unit) / value for key in ("low", "median", "high")}
            for row, one in zip(row_names(frame), frame[column], strict=True):
                times = {key: float(one) * by for key, by in ends.items()}
                here = {"table": table, "row": row, "column": column, "value": float(one)}
                yield {**here, **times, "as": name}
