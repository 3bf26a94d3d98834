"""Power swings of a campus in sentences: ramps, exceeded limits, plants."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import significant, with_unit

__all__ = ["sentences"]

_WORDS = {
    "ramp_up": "ramp up",
    "ramp_down": "ramp down",
    "dynamic_range": "dynamic range",
    "amplitude": "oscillation",
}


def sentences(a: dict[str, Any]) -> list[str]:
    """The sentences of an answer of ``plan-seconds`` (docs/seconds.md)."""
    m, limits = a["measures"], a["limits"]
    found = [
        f"{a['what']}: {with_unit(m['least_MW'], 'MW')} to {with_unit(m['peak_MW'], 'MW')}, mean "
        f"{with_unit(m['mean_MW'], 'MW')} over {significant(a['duration_s'])} s.",
        f"Steepest {significant(m['ramp_up_MW_per_s'])} MW/s up and {significant(m['ramp_down_MW_per_s'])} "
        f"MW/s down over {significant(limits['ramp_window_s'])} s "
        f"({significant(limits['ramp_MW_per_s'])} allowed), "
        f"{significant(m['dynamic_range_MW'])} MW within {significant(limits['range_window_s'])} s "
        f"({significant(limits['dynamic_range_MW'])} allowed).",
    ]
    if m["modes"]:
        first = m["modes"][0]
        allowed = limits["oscillation_MW"]
        found.append(
            f"Largest oscillation {significant(first['amplitude_MW'])} MW at "
            f"{significant(first['frequency_Hz'])} Hz"
            + (f" ({significant(allowed)} allowed)." if allowed is not None else ".")
        )
    over = ", ".join(f"{_WORDS[key]} {significant(times)} times" for key, times in a["excess"].items())
    found.append(
        f"Over the limits '{limits['id']}': {over}." if over else f"Within the limits '{limits['id']}'."
    )
    plants = a["plants"]
    if plants is not None:
        before, after = plants["before"], plants["behind_store"]
        found.append(
            f"{'An island' if plants['island'] else 'On the grid'}: {before['nadir_Hz']:+.3g} to "
            f"{before['zenith_Hz']:+.3g} Hz, {significant(before['rocof_Hz_per_s'])} Hz/s; behind the store "
            f"{after['nadir_Hz']:+.3g} to {after['zenith_Hz']:+.3g} Hz."
        )
        found.append(
            "The plants carry the swings."
            if plants["carried"]
            else f"The plants do not carry the swings: buy {with_unit(plants['to_buy_MW'], 'MW')} with "
            f"{with_unit(plants['to_buy_MWh'], 'MWh')}, "
            f"{with_unit(plants['cost_USD_per_year'], '$')} a year."
        )
        if plants["flicker_Pst"] is not None:
            found.append(
                f"At the connection: Pst {significant(plants['flicker_Pst'])}, voltage changes by "
                f"{100 * plants['voltage_dip_share']:.2g} %."
            )
    return found
