"""Terms of a supply: curtailable and deferrable load, reliability, clean matching.

Read from words, the same for an option of the command line and for a key of a scenario.
"""

from __future__ import annotations

import math

from gigawatt.chain.assumption_list import quantity
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse
from gigawatt.power import Flexible

__all__ = ["COMPUTED", "MATCHING", "read_flexible", "read_matching", "read_reliability"]

COMPUTED = "computed"
"""Value of ``supply.flexible`` for what the work itself gives."""
MATCHING = ("annual", "hourly")
_HOUR, _LONGEST_WAIT = 3600.0, 168 * 3600.0


def read_flexible(cut: str | None, wait: str | None = None) -> Flexible | None:
    """What a load allows, from ``10%:60$/MWh`` (share that may be cut, and what a cut costs) and ``20%:6h``
    (share that may wait, and how long); ``None`` where both are left out."""
    if cut is None and wait is None:
        return None
    if cut == COMPUTED:
        raise InputError(
            "what a load gives is computed of a model alone", key="flexible",
            given=cut, allowed="a share and its cost such as '10%:60$/MWh', or gigawatt run of a model",
        )  # fmt: skip
    cut_share, cost = 0.0, 0.0
    if cut is not None:
        cut_share, cost = _share_and("flexible", cut, "$/J", "the cost of a cut, such as '10%:60$/MWh'")
    wait_share, window = 0.0, 0.0
    if wait is not None:
        wait_share, window = _share_and("deferrable", wait, "s", "the longest wait, such as '20%:6h'")
        if not _HOUR <= window <= _LONGEST_WAIT:
            raise InputError("out of range", key="deferrable", given=wait, allowed="a wait of 1 h to 168 h")
    if cut_share + wait_share > 1.0:
        raise InputError(
            "with --flexible more than the load", key="deferrable", given=wait,
            allowed=f"at most {1.0 - cut_share:.0%}",
        )  # fmt: skip
    return Flexible(cut_share=cut_share, cut_cost=cost, defer_share=wait_share, defer_window=window)


def _share_and(key: str, text: str, unit: str, what: str) -> tuple[float, float]:
    share, colon, rest = text.partition(":")
    allowed = f"a share and {what}"
    example = what.rpartition(":")[2].rstrip("'")
    if not colon:
        words = {"flexible": (COMPUTED,)}.get(key, ())
        allowed += "".join(f", or {word} for a model" for word in words)
        raise InputError(
            f"not a {key} load", key=key, given=text, allowed=allowed, nearest=nearest(text, words)
        )
    found, value = quantity(key, share, "1", "10 %"), quantity(key, rest, unit, example)
    if not (0.0 < found <= 1.0 and value >= 0.0):
        raise InputError("out of range", key=key, given=text, allowed=allowed)
    return found, value


def read_reliability(text: str) -> float:
    """``99.99%``, the least share of the energy served → the share that may stay unserved.

    Raises ``InputError`` of the key ``reliability``.
    """
    share = quantity("reliability", text, "1", "99.99 %")
    if not 0.0 < share <= 1.0:
        raise InputError("not a share of the energy", key="reliability", given=text,
                         allowed="more than 0 and at most 100 %, such as '99.99 %'")  # fmt: skip
    return 1.0 - share


def read_matching(text: str) -> float | None:
    """``hourly`` is all of every hour's load, ``90%`` that share of it, ``annual`` none of it."""
    if text in MATCHING:
        return 1.0 if text == "hourly" else None
    try:
        share = parse(text, "1")
    except InputError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise InputError("unknown matching", key="matching", given=text,
                         allowed="annual, hourly, or the share of every hour's load such as '90 %'",
                         nearest=nearest(text, MATCHING))  # fmt: skip
    return share
