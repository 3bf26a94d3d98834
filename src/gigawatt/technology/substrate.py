"""A substrate: one technology in one configuration, which both faces share.

``execute`` (``gigawatt.emulation``, torch) runs a language model on it and says what that does to quality;
``cost`` (a file of this folder per technology, arrays) says what the machine takes for it. Both read the same
:class:`Substrate`, and what the run counted goes into the cost as :data:`Statistics`: quality and energy can
never be those of two different modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError, nearest

__all__ = [
    "SCOPES",
    "Bound",
    "Figure",
    "Statistics",
    "Substrate",
    "check_settings",
]

SCOPES = ("device", "macro", "chip", "system")
"""What a figure counts: a cell, an array with its converters, a chip with its links, a machine with hosts."""

Statistics = Mapping[str, float]
"""What a functional run counted, by name: crest factors, shares of zeros, reuse, spikes …; dimensionless."""

Bound = tuple[str, str, float, float] | tuple[str, str, tuple[str, ...]]
"""Of a setting: (unit, meaning, lowest, highest) of a number in SI, or (unit, meaning, words allowed)."""


@dataclass(frozen=True)
class Substrate:
    """One technology in one configuration.

    Attributes
    ----------
    id, name : str
        A row of ``substrates``, or that row with changes written behind it.
    technology : str
        ``digital``, ``analog`` …: the file of this folder, and the module of ``gigawatt.emulation``.
    settings : mapping
        Numbers in SI and words, by key; what a key means is in the technology's ``SETTINGS``.
    """

    id: str
    name: str
    technology: str
    settings: Mapping[str, float | str] = field(default_factory=lambda: {})

    def check_technology(self, technology: str) -> None:
        """Refuse a substrate of another technology."""
        check_word("technology", self.technology, (technology,), "a substrate of another technology")

    def number(self, key: str) -> float:
        """A setting that is a number."""
        return float(self.settings[key])

    def word(self, key: str) -> str:
        """A setting that is a word; empty where there is none."""
        return str(self.settings.get(key, ""))


@dataclass(frozen=True)
class Figure:
    """A number of a technology with what it counts; two of different scope or unit do not compare.

    Raises
    ------
    InputError
        An unknown scope; a ratio of two figures that count different things.
    """

    value: float
    unit: str
    scope: str
    workload: str = ""
    precision: str = ""

    def __post_init__(self) -> None:
        check_word("scope", self.scope, SCOPES, "unknown scope")

    def over(self, other: Figure) -> float:
        """This figure over another of the same scope and unit."""
        for name in ("scope", "unit"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise InputError(
                    f"figures of different {name} do not compare",
                    key=name,
                    given=f"{mine} beside {theirs}",
                    allowed="both of the same; a roll-up brings a macro to a system",
                )
        return self.value / other.value


def check_settings(substrate: Substrate, bounds: Mapping[str, Bound], *, whole: bool = False) -> Substrate:
    """The substrate with its numbers as numbers, each within its physical range, each word among those known.

    Parameters
    ----------
    substrate : Substrate
        As it was written, or made by hand.
    bounds : mapping
        Key → :data:`Bound`; a setting without one stays as it is.
    whole : bool
        A setting without a bound is none of this technology: an error.

    Raises
    ------
    InputError
        An unknown setting, a word that is not known, a number outside its range: named, with the range.
    """
    name = substrate.id.partition(":")[0]
    for key in substrate.settings:
        if whole and key not in bounds:
            raise InputError(
                "no such setting of this substrate",
                key=name,
                given=key,
                allowed=sorted(bounds),
                nearest=nearest(key, bounds),
            )
    made = {key: _checked(name, key, value, bounds.get(key)) for key, value in substrate.settings.items()}
    return replace(substrate, settings=made)


def _checked(name: str, key: str, value: float | str, bound: Bound | None) -> float | str:
    if bound is None:
        return value
    if len(bound) == 3:
        check_word(f"{name}.{key}", str(value), bound[2], f"not known: {bound[1]}")
        return str(value)
    unit, meaning, low, high = bound
    try:
        number = float(value)
    except ValueError:
        raise InputError(
            "not a number", key=f"{name}.{key}", given=value, allowed=f"{low:g} to {high:g} {unit}"
        ) from None
    check_range(f"{name}.{key}", number, low, high, unit, message=f"outside its physical range: {meaning}")
    return number
