"""Power swings of a campus in sentences: ramps, exceeded limits, plants."""

from __future__ import annotations

from typing import Any

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.studies.seconds.flexibility_answer import flexibility_words

__all__ = ["loss_words", "ride_words", "sentences"]

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
        if plants["largest_loss"] is not None:
            found.append(loss_words(plants["largest_loss"]))
    if a["ride_through"] is not None:
        found += ride_words(a["ride_through"])
    if a["flexibility"] is not None:
        found += flexibility_words(a["flexibility"])
    return found


def ride_words(ride: dict[str, Any]) -> list[str]:
    """What a code asks, what breaks, the smallest mend, and the event, in sentences."""
    demands = ride["demands"]
    broken = [one for one in demands if one["broken"]]
    found = [f"Ride-through by {ride['code']} ({ride['status']}), protection {ride['protection']}: "]
    if not broken:
        found[0] += "every demand is met."
    else:
        most = with_unit(max(one["lost_MW"] for one in broken), "MW")
        found[0] += f"{len(broken)} of {len(demands)} demands are broken, up to {most} leave the grid "
        found[0] += f"({broken[0]['broken']})."
        found.append(_mend(ride))
    if ride["event"] is not None:
        found.append(_event(ride["event"]))
    return found


def _mend(ride: dict[str, Any]) -> str:
    if ride["mend"] is None:
        return "No change of settings and no store meets every demand."
    last = ride["mends"][-1]
    if last["store"]:
        size = f"{with_unit(last['power_MW'], 'MW')} for {significant(last['hold_s'])} s"
        how = f", {last['store']} of {size}, {with_unit(last['cost_USD_per_year'], '$')} a year"
    else:
        how = f": {significant(last['wait_s'])} s of wait, {significant(last['walk_in_s'])} s of walk-in"
    return f"The smallest mend is {ride['mend']}{how}."


def _event(event: dict[str, Any]) -> str:
    lost = with_unit(event["lost_MW"], "MW")
    duty = "has to be ridden through" if event["within_curve"] else "goes beyond what has to be ridden"
    if event["outcome"] == "stays":
        what = "the load stays on the grid"
    elif event["outcome"] == "returns":
        what = f"{lost} leave and are back {significant(event['back_s'])} s after the last dip"
    else:
        what = f"{lost} leave at {significant(event['left_s'])} s and stay away until they are reset"
    return f"In the event {event['id']}, which {duty}, {what}."


def loss_words(loss: dict[str, Any]) -> str:
    """The loss of an island's largest unit in a sentence."""
    lost = (
        f"The loss of the largest unit ({loss['plant']}, {with_unit(loss['unit_MW'], 'MW')}, of which "
        f"{with_unit(loss['lost_MW'], 'MW')} are given)"
    )
    if not loss["sheds_load"]:
        return f"{lost} takes the frequency to {loss['nadir_Hz']:+.3g} Hz; no load is shed."
    end = "trips the island" if loss["trips"] else "sheds load"
    if loss["store_MW"] is None:
        return f"{lost} {end}; no battery that was tried stops it."
    return (
        f"{lost} {end}; a grid-forming battery of {with_unit(loss['store_MW'], 'MW')} with "
        f"{with_unit(loss['store_MWh'], 'MWh')} stops it."
    )
