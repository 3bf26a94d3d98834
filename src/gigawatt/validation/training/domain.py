"""What was measured and what never was: where a step time has a band of its own, and where a wider one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gigawatt.core.errors import GigawattError
from gigawatt.core.quantities import compact
from gigawatt.machine import Chip, load_chip
from gigawatt.validation.files import data_folder, table
from gigawatt.validation.rows import cells_of, number_of
from gigawatt.validation.training.band import COVERAGE, RESIDUALS, Band, outermost_band, prediction_band
from gigawatt.validation.training.regimes import regime

__all__ = ["Domain", "calibrated_domain", "outside_domain", "step_time_band"]

FITTED = ("training.csv", "training_more.csv")
"""Files of the rows that are fitted to."""
_NARROW = (("fp4", "fp4"), ("fp8", "fp8"), ("int8", "int8"))


@dataclass(frozen=True)
class Domain:
    """Judged rows: (chip, format, mixture of experts) and the ranges of accelerators, width and sequence."""

    kinds: frozenset[tuple[str, str, bool]]
    accelerators: tuple[float, float]
    hidden: tuple[float, float]
    sequence: tuple[float, float]


def _width(number_format: str) -> str:
    """The formats that are measured together: 16-bit ones are alike."""
    return next((name for part, name in _NARROW if part in number_format.lower()), "bf16")


@lru_cache(maxsize=64)
def _chip_id(name: str) -> str | None:
    for candidate in (name, name.split(" (")[0]):
        try:
            return load_chip(candidate).id
        except GigawattError:
            continue
    return None


@lru_cache(maxsize=1)
def calibrated_domain() -> Domain:
    """The domain of the shipped rows that were judged."""
    judged = {record["id"] for record in table(RESIDUALS)}
    kinds: set[tuple[str, str, bool]] = set()
    ranges: dict[str, list[float]] = {"n_accel": [], "hidden": [], "seq_len": []}
    for _, row in (one for name in FITTED for one in cells_of(data_folder() / name)[1]):
        if row.get("id", "").strip() not in judged:
            continue
        chip = _chip_id(row["accelerator"].strip())
        if chip is not None:
            kinds.add((chip, _width(row["precision"]), bool(number_of(row, "n_experts"))))
        for name, values in ranges.items():
            if (value := number_of(row, name)) is not None:
                values.append(value)
    spans = [(min(values, default=0.0), max(values, default=float("inf"))) for values in ranges.values()]
    return Domain(frozenset(kinds), *spans)


def outside_domain(
    *, chip: Chip, number_format: str, routed: bool, count: int, hidden: int, sequence: int
) -> tuple[str, ...]:
    """In what a run is unlike every measured one; empty where it is inside."""
    domain, width = calibrated_domain(), _width(number_format)
    found: list[str] = []
    words = "a mixture of experts" if routed else "a dense model"
    if not any(one[0] == chip.id for one in domain.kinds):
        found.append(f"no training step was measured on {chip.id}")
    elif (chip.id, width, routed) not in domain.kinds:
        found.append(f"no training step of {words} was measured on {chip.id} in {number_format}")
    if found and chip.kernels != chip.id:
        found.append(f"no kernel was measured on {chip.id}: those of {chip.kernels or 'all measured chips'}")
    for value, (low, high), unit in (
        (count, domain.accelerators, "accelerators"),
        (hidden, domain.hidden, "hidden"),
        (sequence, domain.sequence, "tokens a sequence"),
    ):
        if not low <= value <= high:
            side, edge = ("most", high) if value > high else ("fewest", low)
            found.append(f"{value:,} {unit}: the {side} that were measured are {compact(edge, '').strip()}")
    return tuple(found)


def step_time_band(
    *,
    chip: str,
    routed: bool,
    stated: bool = False,
    outside: tuple[str, ...] = (),
    without: str = "",
    coverage: float = COVERAGE,
) -> Band:
    """The band of a step time: that of unseen makers, and outside the domain the outermost error of any.

    Parameters
    ----------
    chip : str
        Id of the accelerator, which with ``routed`` says the regime.
    routed : bool
        Whether the model is a mixture of experts.
    stated, without, coverage
        As in :func:`~gigawatt.validation.training.band.prediction_band`.
    outside : tuple of str
        What :func:`outside_domain` found.
    """
    name = regime(chip=chip, routed=routed)
    if outside:
        return outermost_band(regime=name, stated=stated, without=without)
    return prediction_band(regime=name, stated=stated, without=without, coverage=coverage)
