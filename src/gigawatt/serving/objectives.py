"""What a service promises: times to the first token, between tokens and to the end, for how many requests."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse, show

__all__ = ["Objective", "list_objectives", "read_objective"]

_TABLE = "objectives"
_LIMITS = {
    "ttft": "ttft",
    "timetofirsttoken": "ttft",
    "tpot": "tpot",
    "timeperoutputtoken": "tpot",
    "e2e": "e2e",
    "endtoend": "e2e",
    "latency": "e2e",
}
_EXAMPLE = '"ttft=2s,tpot=50ms,p99", or a name such as mlperf-llama2-70b-server'


@dataclass(frozen=True)
class Objective:
    """Upper limits on what a request waits; what is left out does not matter.

    Attributes
    ----------
    ttft : float [s]
        From the arrival to the first token.
    tpot : float [s]
        Mean time between tokens after the first.
    e2e : float [s]
        From the arrival to the last token.
    percentile : float in (0, 1], optional
        Share of the requests that must keep each limit, 0.99 for a p99.
    name : str
        Of the catalog, or as it was written.
    """

    ttft: float = math.inf
    tpot: float = math.inf
    e2e: float = math.inf
    percentile: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for key in ("ttft", "tpot", "e2e"):
            value = getattr(self, key)
            if not value > 0.0:
                raise InputError(
                    "not a limit on a time", key=f"objective.{key}", given=value, allowed="above 0"
                )
        if self.percentile is not None and not 0.0 < self.percentile <= 1.0:
            raise InputError(
                "not a percentile", key="objective.percentile", given=self.percentile, allowed="p1 to p100"
            )

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set [s], by name."""
        return {
            key: getattr(self, key) for key in ("ttft", "tpot", "e2e") if math.isfinite(getattr(self, key))
        }

    def __str__(self) -> str:
        parts = [f"{key} ≤ {show(value, 's')}" for key, value in self.limits.items()]
        if self.percentile is not None:
            parts.append(f"p{self.percentile * 100:g}")
        return ", ".join(parts)


def list_objectives() -> tuple[str, ...]:
    """Names of the objectives that the catalog holds."""
    return tuple(table(_TABLE))


def read_objective(text: str | Objective) -> Objective:
    """An objective from a catalog name or from limits as a person writes them.

    Parameters
    ----------
    text : str
        A row or alias of the catalog table ``objectives`` (``mlperf-llama2-70b-interactive``), or limits
        separated by commas: ``ttft=2s,tpot=50ms,e2e=30s,p99``. ``≤`` and ``<=`` do for ``=``.

    Raises
    ------
    InputError
        Neither; an unknown limit, one that stands twice, a time without a unit.
    """
    if isinstance(text, Objective):
        return text
    if not re.search(r"[=≤<,]|^\s*p\d|\s\d", text):
        return _row(text)
    limits: dict[str, float] = {}
    percentile: float | None = None
    for part in (piece.strip() for piece in text.split(",")):
        if not part:
            continue
        share = re.fullmatch(r"p(\d+(?:\.\d+)?)", part, re.IGNORECASE)
        if share:
            if percentile is not None:
                raise InputError("this stands twice", key="objective.percentile", given=text)
            percentile = float(share[1]) / 100.0
            continue
        said = re.fullmatch(r"([^=≤<]*)(?:<=|[=≤<])(.*)", part) or re.fullmatch(r"(\D+?)\s+(\d.*)", part)
        name, value = (said[1].strip(), said[2].strip()) if said else (part, "")
        key = _LIMITS.get("".join(c for c in name.lower() if c.isalnum()))
        if key is None or said is None:
            raise InputError(
                "no such limit", key="objective", given=part, allowed=_EXAMPLE, nearest=nearest(name, _LIMITS)
            )
        if key in limits:
            raise InputError("this stands twice", key=f"objective.{key}", given=text)
        try:
            limits[key] = parse(value, "s", example="50 ms")
        except InputError as error:
            raise error.at(key=f"objective.{key}") from None
    if not limits:
        raise InputError("an objective without a limit", key="objective", given=text, allowed=_EXAMPLE)
    return Objective(percentile=percentile, name=text, **limits)


def _row(name: str) -> Objective:
    try:
        row = entity(_TABLE, name)
    except InputError:
        known = list_objectives()
        raise InputError(
            "no such objective",
            key="objective",
            given=name,
            allowed=_EXAMPLE,
            nearest=nearest(name, known),
        ) from None
    return Objective(
        ttft=row.get("ttft") or math.inf,
        tpot=row.get("tpot") or math.inf,
        e2e=row.get("e2e") or math.inf,
        percentile=row.get("percentile"),
        name=row.id,
    )
