"""Responses of key figures to single inputs: a table of the result, and the inputs in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95
from gigawatt.core.quantities import factor, parse
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import label, significant, with_unit
from gigawatt.studies.run.figures_tables import get_table

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.chain.uncertainty.factors import ModelError, RowFactor
    from gigawatt.chain.uncertainty.monte_carlo import Uncertainty

__all__ = [
    "KEPT",
    "RESPONSES",
    "Response",
    "input_at",
    "input_value",
    "input_words",
    "normal_at",
    "responses_frame",
    "responses_of",
]

RESPONSES = "responses"
"""Table of a result: values of a key figure with one input at either end of its range, all others fixed."""
KEPT = (
    "training.duration", "ledger.run_cost", "economics.cost_million_output", "ledger.annual_cost",
    "ledger.cost_per_energy", "ledger.total_capital", "facility.power_peak", "carbon.run", "carbon.year",
)  # fmt: skip
"""Key figures whose responses are kept."""
_ENDS = ("input low", "input 25 %", "input", "input 75 %", "input high")
_TIMES = "×"
"""Unit of a model error: measured over predicted."""
_DIGITS = 8
"""Significant digits that are kept."""
QUARTILE = 0.6744897501960817
"""The 75 % quantile of a standard normal."""
_MOST_SHARE = 2.0
"""Number without a unit from which on its range is not of a share."""
_ERROR = "measured"
"""Grade of a model error."""
_WORDS: tuple[tuple[str, str], ...] = (
    ("reliability.whole-run.overhead", "overhead of whole runs"),
    ("chip_prices.*.decline", "yearly decline of accelerator prices"),
    ("chips_defaults.*.price_at_petaflop", "accelerator price at 1 PFLOP/s"),
    ("chips_defaults.*.price_exponent", "exponent of the accelerator price over FLOP/s"),
    ("chip_prices.*.rental", "accelerator rent, {id}"),
    ("chip_prices.*", "{quantity} price, {id}"),
    ("chips.*.price", "accelerator price, {id}"),
    ("nodes.*.price", "node price, {id}"),
    ("finance.*.chip_life", "life of accelerators"),
    ("finance.*.it_upkeep", "maintenance of IT"),
    ("finance.*", "{quantity}"),
    ("countries.*.risk_premium", "country risk premium, {id}"),
    ("grids_hours.*.level", "price level of the year, {id}"),
    ("grids_defaults.*", "{quantity} of grids"),
    ("grids.*.delivery", "delivery charge, {id}"),
    ("grids.*.price", "grid price, {id}"),
    ("building.*.construction", "construction cost of the building"),
    ("building.*.embodied", "embodied carbon of the building"),
    ("building.*", "{quantity} of the building"),
    ("cooling_electrical.*", "{quantity} losses, power distribution"),
    ("reliability.*", "{quantity}, failures of {id}"),
    ("recovery.*", "{quantity}, recovery by {id}"),
)
"""First pattern of ``table.id.quantity`` that fits → the input in words."""


@dataclass(frozen=True)
class Response:
    """A key figure with one input at its low and at its high end, in the quantity's unit.

    ``ends`` are the 5, 25, 50, 75 and 95 % of the input in ``input_unit``; ``share`` is its variance share.
    """

    cause: str
    group: str
    grade: str
    source: str
    share: float
    low: float
    high: float
    ends: tuple[float, float, float, float, float]
    input_unit: str

    @property
    def words(self) -> str:
        """See :func:`input_words`."""
        return input_words(self.cause)

    def value_words(self, value: float) -> str:
        """See :func:`input_value`."""
        return input_value(value, self.ends, self.input_unit)


def responses_frame(found: Uncertainty, least: float) -> pd.DataFrame:
    """Responses of the key figures to inputs with a variance share of ``least`` or more, a row for each.

    Columns: ``quantity, cause, group, share, low, high, unit`` (of the quantity), ``input low, input 25 %,
    input, input 75 %, input high, input unit, grade, source`` (of the input). The year is left out: it has no
    low and no high end.
    """
    import pandas as pd

    from gigawatt.chain.uncertainty.years import YearFactor

    at = {one.name: k for k, one in enumerate(found.inputs)}
    inputs = {one.name: one for one in found.inputs if not isinstance(one, YearFactor)}
    rows: list[dict[str, Any]] = []
    for name in KEPT:
        band = found.bands.get(name)
        for cause in () if band is None else band.rows:
            if band is None or cause.share < least or cause.name not in inputs:
                continue
            low, high = (float(ends[at[cause.name]]) / factor(band.unit) for ends in found.responses[name])
            rows.append(
                {
                    "quantity": name, "cause": cause.name, "group": inputs[cause.name].group,
                    "share": _short(cause.share), "low": _short(low), "high": _short(high),
                    "unit": band.unit, **_input(inputs[cause.name]),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _input(one: RowFactor | ModelError) -> dict[str, Any]:
    """Quantiles of an input in the unit that its row is written in, with grade and source."""
    from gigawatt.chain.uncertainty.factors import QUANTILES, RowFactor

    values = [one.at(z) for z in QUANTILES]
    if not isinstance(one, RowFactor):
        return {**dict(zip(_ENDS, map(_short, values), strict=True)), "input unit": _TIMES,
                "grade": _ERROR, "source": ""}  # fmt: skip
    try:  # a price is stored in another currency year than it is written in
        scale = one.row.value / parse(one.row.written, "1")
    except (InputError, ZeroDivisionError):
        scale = 0.0
    scale = scale or factor(one.row.unit)
    return {
        **{key: _short(value / scale) for key, value in zip(_ENDS, values, strict=True)},
        "input unit": one.row.unit, "grade": one.row.grade.label, "source": one.row.source_id,
    }  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def responses_of(result: Result, quantity: str) -> tuple[Response, ...]:
    """Responses of a key figure, largest variance share first; empty where none are kept."""
    frame: Any = get_table(result, RESPONSES)
    if frame is None:
        return ()
    frame = frame.reset_index() if frame.index.name == "quantity" else frame
    return tuple(
        Response(
            str(row["cause"]), str(row["group"]), str(row["grade"]), str(row["source"]),
            float(row["share"]), float(row["low"]), float(row["high"]),
            tuple(float(row[key]) for key in _ENDS),  # pyright: ignore[reportArgumentType]
            str(row["input unit"]),
        )
        for _, row in frame[frame["quantity"] == quantity].iterrows()
    )  # fmt: skip


def input_words(cause: str) -> str:
    """An input in words; the error of a model is called so already.

    >>> input_words("chips.H100-SXM5-80GB.price"), input_words("finance.hyperscaler.chip_life")
    ('accelerator price, H100-SXM5-80GB', 'life of accelerators')
    """
    table, _, rest = cause.partition(".")
    id, _, quantity = rest.rpartition(".")
    if not id or " " in table:
        return cause
    words = next((words for pattern, words in _WORDS if fnmatch(cause, pattern)), "{quantity}, {id}")
    return words.format(quantity=label(quantity), id=id)


def input_value(value: float, ends: Sequence[float], unit: str) -> str:
    """A value of an input as text: the error of a model as a factor, a share in percent."""
    if unit == _TIMES:
        return f"{_TIMES}\u00a0{significant(value)}"
    if unit in ("", "1") and ends[2] < 1.0 and max(ends) < _MOST_SHARE:
        return f"{significant(100.0 * value)}\u00a0%"
    return with_unit(value, unit)


def input_at(ends: Sequence[float], reach: float) -> float:
    """Value of an input at ``reach``: 0 is its middle, ± 1 are its 5 and 95 %; log-linear where all are
    positive.
    """
    low, _, middle, _, high = ends
    end, far = (high if reach > 0.0 else low), abs(reach)
    if min(low, middle, high) > 0.0:
        return middle * (end / middle) ** far
    return middle + (end - middle) * far


def normal_at(ends: Sequence[float], reach: float) -> float:
    """Standard normal of an input at ``reach`` (see :func:`input_at`), by its 5, 25, 50, 75 and 95 %."""
    low, lower, middle, upper, high = ends
    end, quarter = (high, upper) if reach > 0.0 else (low, lower)
    if min(low, middle, high) > 0.0:
        part, whole = math.log(quarter / middle), math.log(end / middle)
    else:
        part, whole = quarter - middle, end - middle
    bend, far = (part / whole if whole else 0.0), abs(reach)
    if far >= 1.0 or not 0.0 < bend < 1.0:
        z = far * Z95
    elif far < bend:
        z = QUARTILE * far / bend
    else:
        z = QUARTILE + (Z95 - QUARTILE) * (far - bend) / (1.0 - bend)
    return math.copysign(z, reach)
