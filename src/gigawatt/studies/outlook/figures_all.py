"""Every figure of an outlook by name: bands, what binds, adoption, energy, money, owners.

Each takes the document that ``gigawatt outlook --json`` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.studies.outlook import figures as outlook
from gigawatt.studies.outlook import figures_decades as outlook_decades
from gigawatt.studies.outlook import figures_society as outlook_society

__all__ = ["FIGURES", "outlook_band", "outlook_figure"]

FIGURES: Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    **outlook.FIGURES,
    **outlook_decades.FIGURES,
    **outlook_society.FIGURES,
}
"""Figure → (the function of the outlook's JSON, its caption)."""


def outlook_figure(answer: Mapping[str, Any], name: str) -> Any:
    """One of :data:`FIGURES`.

    Raises
    ------
    InputError
        No such figure (with the nearest).
    """
    if name not in FIGURES:
        raise InputError("no such figure of an outlook", given=name, allowed=tuple(FIGURES),
                         nearest=nearest(name, FIGURES))  # fmt: skip
    return FIGURES[name][0](answer)


def outlook_band(answer: Mapping[str, Any], name: str) -> Any:
    """Median with the 50 and 90 % intervals of any output of the outlook by year.

    Raises
    ------
    InputError
        The outlook has no such output (with the nearest).
    """
    known = answer["bands"]
    if name not in known:
        raise InputError("no such output of the outlook", given=name, nearest=nearest(name, known))
    return outlook.bands(answer, name)
