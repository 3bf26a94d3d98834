"""What of a campus is there in each phase: accelerators, energised halls, and what of them runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt.chain.site.campus import Phased
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.money.annuity import SECONDS_PER_YEAR

__all__ = ["LATE", "CampusPhases", "campus_phases"]

LATE = 1e-3
"""A share below which nothing is missed."""
_WHOLE = Phased(1.0)


@dataclass(frozen=True)
class CampusPhases:
    """Accelerators (``None``: a load without a machine) and energised halls of a campus by date.

    ``peak`` [W] at the meter of the whole load; ``tokens_per_year`` of the whole campus, ``tokens`` after
    which a training run is done (serving: never).
    """

    count: int | None
    peak: float
    delivered: Phased = _WHOLE
    energised: Phased = _WHOLE
    tokens_per_year: float = 0.0
    tokens: float = math.inf

    @property
    def phased(self) -> bool:
        """Whether accelerators or halls come after the beginning."""
        return bool(self.delivered.dates or self.energised.dates)

    @property
    def dates(self) -> tuple[float, ...]:
        """Decimal years at which something is added."""
        return tuple(sorted({*self.delivered.dates, *self.energised.dates}))

    def there(self, year: float) -> float:
        """Share of the load that can run at a decimal year if there is power."""
        return min(self.delivered.at(year), self.energised.at(year))

    def shares(self, year: float) -> tuple[tuple[float, float], ...]:
        """(decimal year, share of the load that can run from then on), from the beginning of ``year``."""
        return tuple((date, self.there(date)) for date in (float(year), *self.dates))

    def idle(self, year: float, running: float) -> float:
        """Accelerator-hours a year that have arrived and do not run."""
        waits = self.delivered.at(year) - running
        return (self.count or 0) * waits * HOURS_PER_YEAR if waits > LATE else 0.0

    def binds(self, year: float, served: float) -> str:
        """What keeps the campus from running whole: ``power``, ``buildings``, ``accelerators`` or nothing."""
        if served < 1.0 - LATE and self.there(year) > 0.0:
            return "power"
        if self.there(year) >= 1.0 - LATE:
            return ""
        return "buildings" if self.energised.at(year) < self.delivered.at(year) else "accelerators"


def campus_phases(objects: Mapping[str, Any]) -> CampusPhases:
    """The phases of a run of its quantities by name [SI]."""
    rate, tokens = 0.0, math.inf
    if "training.duration" in objects:
        tokens = float(objects["training.tokens"])
        rate = tokens / float(objects["training.duration"])
    elif "serving.throughput" in objects:
        rate = float(objects["serving.throughput"])
    return CampusPhases(
        objects.get("machine.count"),
        float(objects["facility.load"].peak),
        objects.get("machine.delivered", _WHOLE),
        objects.get("site.energised", _WHOLE),
        rate * SECONDS_PER_YEAR,
        tokens,
    )
