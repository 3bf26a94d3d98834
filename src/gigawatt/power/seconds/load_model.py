"""The load as planning programs of utilities ask for it: parameters of PERC1 and of the composite model.

PERC1 (power electronic reconnecting and ceasing) is the least that NERC's alert of May 2026 asks of studies
of computational loads; LDELEC is the electronic part of the composite load model. Neither counts dips.

References
----------
PowerWorld, Load characteristic models PERC1 and LDELEC, 2025 (names, defaults and meaning of the parameters).
"""

from __future__ import annotations

import math
from typing import Any

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_range
from gigawatt.power.seconds.ride_through import Protection

__all__ = ["load_model"]

_LOADING = 0.8
"""Load over the model's rating (Lfm, its default)."""
_SECONDS = 3.0
"""s: the composite model knows no wait, so a load that takes longer to come back has gone for its studies."""


def load_model(load: Protection, *, power: float) -> dict[str, Any]:
    """Parameters of PERC1 and of the composite model's electronic load.

    Parameters
    ----------
    load : Protection
        Its behaviour; one without a battery ceases at the first deep dip of its curve.
    power : float
        W of the load before an event, above 0.

    Returns
    -------
    dict
        ``power_MW``, ``protection``, ``PERC1`` and ``CMPLDW`` (name of the parameter → value: per unit, s),
        ``limits`` (what these models cannot say of this load).

    Raises
    ------
    InputError
        No positive power.
    """
    check_range("power", power, 0.0, unit="W", open_low=True, message="not a power")
    factor = entity("dynamics_load", "training").value("power_factor")
    ratio = math.tan(math.acos(factor))
    row = entity("ride_through_loads", load.id)
    if load.tolerance:
        deep = min(load.tolerance, key=lambda band: band.least)
        cease, delay, highest, lowest = deep.most, deep.duration, 0.9, deep.most
        returns = 0.0
    else:
        cease, delay = load.transfer_low, load.detection
        low = row.evidence("transfer_low") if "transfer_low" in row.numbers else None
        highest = low.high if low is not None and low.high is not None else cease
        lowest = low.low if low is not None and low.low is not None else cease
        returns = 1.0
    perc1 = {
        "Lfm": _LOADING, "QPratio": ratio, "Dbfl": 0.0, "Dbfh": 0.0, "Kdroop": 0.0,
        "Kvp": 0.0, "Tvp": 0.1, "Kvq": 0.0, "Tvq": 0.1, "Tap": 0.0, "Tbp": 0.0, "Taq": 0.0, "Tbq": 0.0,
        "nP": 0.0, "nQ": 1.0, "Ipmax": 1.0, "Ipmin": 0.0, "Iqmax": 0.66, "Iqmin": -0.66,
        "Fcease": 1.0 if cease > 0.0 else 0.0, "Vcease": cease, "Tcease": delay, "Tdelay": 0.0,
        "Vrecon": cease, "Trecon": load.wait, "Tramp": load.walk_in, "Frecon": returns,
        "Tt": 0.02, "Tv": 0.02, "Tf": 0.02,
    }  # fmt: skip
    soon = returns if load.wait + load.walk_in <= _SECONDS else 0.0
    composite = {"Fel": 1.0, "PFel": factor, "Vd1": highest, "Vd2": min(lowest, highest), "Frcel": soon}
    limits = ["motors of the building's cooling are not in it: FmA to FmD are 0"]
    if math.isfinite(load.count):
        limits.append(
            f"neither model counts dips: after {load.count:g} within {load.window:g} s this load is gone"
        )
    if soon < returns:
        limits.append(
            f"LDELEC has no wait: this load is back {load.wait + load.walk_in:g} s after the voltage, "
            "so Frcel is 0"
        )
    if load.tolerance:
        limits.append("one threshold stands for the curve that supplies bear: its deepest part")
    return {
        "power_MW": power / 1e6,
        "protection": load.id,
        "PERC1": perc1,
        "CMPLDW": composite,
        "limits": limits,
    }
