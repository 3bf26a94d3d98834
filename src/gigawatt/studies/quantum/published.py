"""What is published nearest to an answer of the quantum room."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gigawatt.validation.check import Check
from gigawatt.validation.published import checks_of

__all__ = ["beside"]


def beside(answer: Mapping[str, Any]) -> list[Check]:
    """What is published nearest to an answer of the quantum room (its JSON); nothing where there is none.

    Of a molecule's energy the energies, those of the molecule alone where there are any; of resources and of
    chemistry's break-even the estimates of the same computation, all of them where it is none of these; of a
    search its speed-ups.
    """
    kind, asked = answer["kind"], answer["asked"]
    if kind == "vqe":
        return _of("quantum.energies", str(asked["molecule"]))
    if kind == "resources" or (kind == "break-even" and "algorithm" in asked):
        return _of("quantum.estimates", str(asked["algorithm"]))
    if kind == "break-even" and asked["problem"] == "search":
        return checks_of("technologies", "quantum.speed_ups")
    return []


def _of(part: str, name: str) -> list[Check]:
    """Those that name a computation by the first word of its id (``femoco-lee``: FeMoco), or all."""
    word = re.compile(rf"\b{re.escape(name.partition('-')[0])}\b", re.IGNORECASE)
    near = checks_of("technologies", part, about=lambda what: word.search(what) is not None)
    return near or checks_of("technologies", part)
