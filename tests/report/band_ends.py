"""Both ends of an interval from its text, which names their unit once."""

from __future__ import annotations

import re

from gigawatt.core.quantities import parse


def band_ends(text: str, unit: str) -> list[float]:
    """SI values of the ends of ``23.6 to 66 million hours``, in a unit like ``unit``."""
    low, high = (end.replace(" million", "e6") for end in text.split(" to "))
    if re.fullmatch(r"[\d.,]+", low):
        low += re.sub(r"^[\d.,]+", "", high)
    return [parse(end, unit) for end in (low, high)]
