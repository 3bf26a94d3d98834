"""The scorecard of supply and building: published numbers beside ours, part by part.

Each part keeps its own rows: a module ``validation/supply_<part>.py`` with ``checks()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.validation.supply_check import Check

__all__ = ["PARTS", "SupplyCard", "check_rows", "validate_supply"]

PARTS = ("resource", "plants", "building", "plan", "molten_salt", "fusion", "space_solar", "dynamics")


def check_rows(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Checks as plain rows, as the JSON of a scorecard has them."""
    return SupplyCard(tuple(checks)).to_json()["checks"]


@dataclass(frozen=True)
class SupplyCard:
    """Checks in the order of their parts."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> int:
        """How many are within their tolerance."""
        return sum(check.passes for check in self.checks)

    def groups(self) -> list[dict[str, Any]]:
        """By part: checks, how many pass, and both without those that our number was made from."""
        found: list[dict[str, Any]] = []
        for part in dict.fromkeys(check.part for check in self.checks):
            mine = [check for check in self.checks if check.part == part]
            judge = [check for check in mine if not check.fitted]
            found.append(
                {
                    "part": part,
                    "n": len(mine),
                    "passed": sum(check.passes for check in mine),
                    "judging": len(judge),
                    "judging_passed": sum(check.passes for check in judge),
                }
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Stable keys; ``error`` is relative to the published number."""
        return {
            "table": "supply",
            "rows": len(self.checks),
            "passed": self.passed,
            "fitted": sum(check.fitted for check in self.checks),
            "groups": self.groups(),
            "checks": [
                {
                    "part": check.part,
                    "what": check.what,
                    "ours": check.ours,
                    "published": check.published,
                    "unit": check.unit,
                    "error": check.error,
                    "tolerance": check.tolerance,
                    "passes": check.passes,
                    "fitted": check.fitted,
                    "source": check.source,
                }
                for check in self.checks
            ],
        }

    def to_table(self) -> tuple[tuple[str, ...], list[tuple[str, str, float, float, str, float, float, str]]]:
        """(columns, lines) for the terminal."""
        columns = ("part", "what", "ours", "published", "unit", "error", "tolerance", "pass")
        return columns, [
            (c.part, c.what, c.ours, c.published, c.unit, c.error, c.tolerance, _word(c)) for c in self.checks
        ]


def _word(check: Check) -> str:
    if check.passes:
        return "yes, fitted" if check.fitted else "yes"
    return "no"


def validate_supply(
    parts: tuple[str, ...] = PARTS, progress: Callable[[int, int], None] | None = None
) -> SupplyCard:
    """Run the checks of ``parts``; ``progress`` is called with (parts done, parts in all).

    Raises
    ------
    InputError
        No such part.
    """
    found: list[Check] = []
    for number, part in enumerate(parts):
        if part not in PARTS:
            raise InputError("no such part", given=part, allowed=PARTS, nearest=nearest(part, PARTS))
        name = f"gigawatt.validation.supply_{part}"
        if find_spec(name) is not None:
            found.extend(import_module(name).checks())
        if progress is not None:
            progress(number + 1, len(parts))
    return SupplyCard(tuple(found))
