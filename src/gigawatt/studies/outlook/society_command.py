"""The short block of ``gigawatt outlook`` on energy, environment and society."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.faces.terminal.console import number, table

if TYPE_CHECKING:
    from gigawatt.studies.outlook.outlook import OutlookResult

__all__ = ["print_society"]

_SHOWN = (
    "power_gas", "power_fission", "power_wind", "power_solar", "price_ai", "carbon_all", "carbon_market",
    "water_site", "run_cost", "actors", "hhi", "largest_five", "household_rise",
)  # fmt: skip
_MARK = "*"


def print_society(out: Any, result: OutlookResult, years: list[int]) -> None:
    """Medians with 5 to 95 % of what is shown, chances of the last year, and one comparison a run.

    Parameters
    ----------
    out : rich.console.Console
        Where to.
    result : OutlookResult
        Its draws.
    years : list of int
        Columns, of the result's years.
    """
    from rich.markup import escape

    from gigawatt.outlook.society import EXPLORATORY
    from gigawatt.studies.outlook.compare import runs_of, sentence
    from gigawatt.studies.outlook.society import chances

    rows = table(("energy and society", "left"), *((str(year), "right") for year in years))
    for name in _SHOWN:
        unit = result.units[name]
        cells: list[str] = []
        for year in years:
            band = result.band(name, year)
            cells.append(f"{_short(band[0.5])} ({_short(band[0.05])}–{_short(band[0.95])})")
        mark = _MARK if name in EXPLORATORY else ""
        rows.add_row(escape(f"{result.words[name]}{mark}{'' if unit == '1' else f' [{unit}]'}"), *cells)
    out.print()
    out.print(rows)
    found = chances(result)
    out.print(
        f"\nchances: value grows faster than users {found['value_exponent_above_one']:.0%}; "
        f"in {result.years[-1]} AI earns more than it costs{_MARK} {found['surplus'][-1]:.0%}, "
        f"efficiency is outrun by use{_MARK} "
        f"{found['backfire'][-1]:.0%}; owners' shares revert to their mean {found['owners_revert']:.0%}",
        markup=False,
    )
    for name, energies in runs_of(result).items():
        out.print(sentence(name, energies[1]), markup=False)
    out.print(f"{_MARK} exploratory: rests on priors that nobody has measured for AI", markup=False)


def _short(value: float) -> str:
    """Two digits: 27, 1,300, 2.7e+28."""
    return f"{value:.1e}" if abs(value) >= 1e5 else number(float(f"{value:.2g}"))
