"""What the report of a sweep reads, as plain data: columns, the rows that are drawn, what moved them."""

from __future__ import annotations

from typing import Any

from gigawatt.core.store import plain
from gigawatt.studies.sweep.effects import effects, extremes
from gigawatt.studies.sweep.show import Overview, drawn_rows
from gigawatt.studies.sweep.store import SweepStore

__all__ = ["HEADLINES", "report_data"]

HEADLINES = (
    "ledger.cost_per_mtoken", "economics.cost_million_output", "training.duration", "ledger.run_cost",
    "serving.ttft_p99", "facility.power_peak",
)  # fmt: skip
"""Quantities that a report tells of where they were read; colours are of the first."""


def report_data(
    store: SweepStore, about: Overview, *, x: str | None = None, y: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """The overview with units, the drawn rows, effects and extremes.

    Parameters
    ----------
    store, about
        A store and its overview.
    x, y, by : str, optional
        Columns of the figure's axes and of its colours; without them all columns side by side.

    Raises
    ------
    InputError
        A column that the store lacks.
    """
    units = {name: unit for name, (unit, _) in store.units().items()}
    axes = [column.name for column in about.columns if column.axis]
    read = [column.name for column in about.columns if not column.axis and isinstance(column.low, float)]
    told = [name for name in HEADLINES if name in read]
    first = told[0] if told else read[0] if read else axes[0] if axes else "key"
    colours = by or first
    wanted = [x, y, colours] if x is not None and y is not None else [*axes, *read, colours]
    frame = drawn_rows(store, list(dict.fromkeys(name for name in wanted if name)))
    return {
        **about.to_json(),
        "units": units,
        "x": x,
        "y": y,
        "by": colours,
        "told": [name for name in told if name != colours][:2],
        "drawn": {str(name): [plain(v) for v in frame[name].tolist()] for name in frame.columns},
        "asked": [
            {key: str(one.get(key, "")) for key in ("name", "text", "base", "catalog", "gigawatt")}
            for one in store.studies().values()
        ],
        "effects": [one.to_json() for one in effects(store, about)],
        "extremes": [one.to_json() for one in extremes(store, about)],
    }
