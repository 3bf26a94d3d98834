"""The cells of a scorecard as a person reads them."""

from __future__ import annotations

import re

from gigawatt.faces.terminal.console import number

__all__ = ["cell"]

_SHARES = frozenset(
    (
        "mape", "median_ape", "p90_ape", "bias", "coverage90", "baseline_mape", "median", "p90",
        "median_error", "median_as_used", "p90_as_used", "benchmark", "step", "measured", "kept", "error",
        "tolerance", "within25", "coverage80", "below5", "above95", "crps", "crps_point",
    )
)  # fmt: skip

_TENTH = re.compile("to_\\d+")
"""Columns of a histogram."""


def cell(name: str, value: str | int | float | None) -> str:
    """A value of a column: shares in percent, four digits, nothing for what is not known."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, (str, bool)):
        return str(value)
    return f"{100 * value:.1f} %" if name in _SHARES or _TENTH.fullmatch(name) else number(value)
