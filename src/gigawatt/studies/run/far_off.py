"""How far an answer may be off, in words and as a table: from errors on what a fit had not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gigawatt import catalog
from gigawatt.chain.training.reliability import days_band
from gigawatt.core.document import Grid
from gigawatt.core.errors import GigawattError
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import between, shown, significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.machine import load_chip
from gigawatt.studies.run.sayings import branch_of, find, subject
from gigawatt.studies.run.words_serving import is_serving
from gigawatt.validation.chain.band import resembling, run_days_band, whole_run_band
from gigawatt.validation.serving.bands import serving_bands
from gigawatt.validation.training.band import Band, middle_half, prediction_band
from gigawatt.validation.training.domain import outside_domain, step_time_band
from gigawatt.validation.training.regimes import REGIMES, regime

__all__ = [
    "StepBand",
    "band_grid",
    "card_bands",
    "failures_band",
    "judged_step",
    "resembling_grid",
    "serving_ends",
    "step_band",
    "training_error",
    "training_error_grid",
    "usual_band",
    "usual_bands",
]

_DAY = 86400.0
UPDATES = "rl.update_time"
_JUDGED = {
    "ttft": "serving.ttft_p50", "tpot": "serving.tpot_p50", "throughput": "serving.capacity",
    "watts": "machine.chip_power",
}  # fmt: skip
"""Metric of the bands of serving → the quantity of a result that it judges."""
_TIMES = (
    "training.duration", "training.step_time", "training.effective_step_time", "training.tokens_per_second",
    "training.mfu",
)  # fmt: skip


@dataclass(frozen=True)
class StepBand:
    """The band of a result's step: as measured, factors, times [s], days if known, why it is unlike the rest.

    ``factors`` are those of ``band``, the low one not below the step at the chip's peak (``at_peak``);
    ``middle`` holds half of the measured steps, ``None`` outside the measured domain.
    """

    band: Band
    factors: tuple[float, float]
    step: tuple[float, float]
    days: tuple[float, float] | None
    outside: tuple[str, ...]
    middle: tuple[float, float] | None = None

    @property
    def at_peak(self) -> bool:
        """Whether the low end is the step at the peak of the chip."""
        return self.factors[0] > self.band.low

    @property
    def share(self) -> str:
        """Which part of the measured steps lies inside."""
        return "every one" if self.outside else f"{100 * self.band.coverage:.0f} %"


def judged_step(result: Result) -> str:
    """The quantity that measured steps judge: the step, of reinforcement learning the updates in it."""
    return UPDATES if find(result, UPDATES) is not None else "training.step_time"


def step_band(result: Result) -> StepBand | None:
    """How far measured steps were from predicted ones; ``None`` where the result has no step to judge.

    Of reinforcement learning it is that of the updates in a step.
    """
    step, whole = find(result, judged_step(result)), find(result, "training.step_time")
    total, active = find(result, "model.parameters"), find(result, "model.active_parameters")
    if step is None or whole is None or total is None or active is None or step.origin != "computed":
        return None  # a given step time carries no error of the model
    routed = float(active.value) < float(total.value)
    outside = _outside(result, routed)
    band = band_of(result, outside)
    if band is None:
        return None
    utilisation = find(result, "training.mfu")
    busy = float(step.value) / float(whole.value)
    low = max(band.low, 0.0 if utilisation is None else float(utilisation.value) / busy)
    ends = low * float(step.value), band.high * float(step.value)
    factors = low, band.high
    alike = regime(chip=_chip(result), routed=routed)
    middle = None if outside else middle_half(regime=alike, stated=_stated(result))
    return StepBand(band, factors, ends, _days(result, factors), outside, middle)


def band_of(result: Result, outside: tuple[str, ...] = ()) -> Band | None:
    """The band of a result's step by its regime and what is known of its software; ``None`` without one."""
    total, active = find(result, "model.parameters"), find(result, "model.active_parameters")
    if total is None or active is None or find(result, "training.step_time") is None:
        return None
    routed = float(active.value) < float(total.value)
    band = step_time_band(chip=_chip(result), routed=routed, stated=_stated(result), outside=outside)
    return band if band.groups else None


def _chip(result: Result) -> str:
    """Id of the accelerator; empty for one that this machine's catalog does not have."""
    try:
        return load_chip(subject(result, "machine.chip")).id
    except GigawattError:
        return ""


def _stated(result: Result) -> bool:
    """Whether the scenario gives the software."""
    software = find(result, "software.stack")
    return software is not None and software.origin == "scenario"


def _days(result: Result, step: tuple[float, float]) -> tuple[float, float] | None:
    """The days by the band of a step, the chance of failures and what whole published runs took."""
    duration = find(result, "training.duration")
    if judged_step(result) == UPDATES:
        return None  # rollouts have an error of their own
    if duration is None or any(find(result, f"training.duration_{end}") is None for end in ("low", "high")):
        return None
    low, high = run_days_band(step=step, failures=failures_band(result))
    return float(duration.value) * low / _DAY, float(duration.value) * high / _DAY


def failures_band(result: Result) -> tuple[float, float]:
    """Factors on the days of a run by failures alone."""
    middle, low, high = (float(result[f"training.duration{end}"]) for end in ("", "_low", "_high"))
    return low / middle, high / middle


def _outside(result: Result, routed: bool) -> tuple[str, ...]:
    """In what the run is unlike every measured one, as far as the result says what it is."""
    names = ("machine.used", "model.hidden", "training.sequence", "training.number_format")
    found = [find(result, name) for name in names]
    number, hidden, sequence, form = found
    if number is None or hidden is None or sequence is None or form is None:
        return ()
    try:
        chip = load_chip(subject(result, "machine.chip"))
    except GigawattError:  # a chip that this machine's catalog does not have
        return ()
    runs = find(result, "training.runs")
    return outside_domain(
        chip=chip,
        number_format=str(form.value),
        routed=routed,
        count=round(float(number.value) / (float(runs.value) if runs is not None else 1.0)),
        hidden=int(hidden.value),
        sequence=int(sequence.value),
    )


def band_grid(found: StepBand) -> Grid:
    """The band as a table."""
    band = found.band
    rows = [
        ("measured over predicted step", significant(band.low), significant(band.high)),
        ("step", *(with_unit(value, "s") for value in found.step)),
    ]
    if found.days is not None:
        whole = whole_run_band()
        ends = (significant(whole.low), significant(whole.high))
        rows.append((f"hours of {whole.groups} published whole runs over predicted", *ends))
        rows.append(("time to train [days], failures and whole runs included", *map(significant, found.days)))
    caption = (
        f"Uncertainty of the time: these ends hold {found.share} of the measured steps of this kind, by the "
        f"errors on runs of {band.groups} makers, each predicted by a fit that had not seen it."
    )
    return rows_grid(caption, ("of", "low end", "high end"), rows)


def resembling_grid(result: Result) -> tuple[Grid, ...]:
    """Published systems like this run beside what is predicted of them, or nothing."""
    active, count = find(result, "model.active_parameters"), find(result, "machine.count")
    if active is None or count is None or is_serving(result):
        return ()
    try:
        chip = load_chip(subject(result, "machine.chip")).id
    except GigawattError:
        return ()
    rows = [
        (row["case"], row["quantity"].replace("_", " "), row["boundary"],
         *(f"{significant(float(row[key]))} {row['unit']}".strip() for key in ("published", "predicted")),
         significant(float(row["predicted"]) / float(row["published"])))
        for row in resembling(chip=chip, active=float(active.value), count=float(count.value))
    ]  # fmt: skip
    if not rows:
        return ()
    caption = (
        "Published systems like this one: the same accelerator, active parameters and accelerators within a "
        "factor of two; each predicted from what was published of it."
    )
    return (rows_grid(caption, ("system", "figure", "of", "published", "predicted", "ratio"), rows),)


def card_bands(result: Result) -> dict[str, str]:
    """Quantity → where its true value may lie, for key figures of which that is known.

    Of a run: days, a step and the rates that follow from them, from the steps of published sources and the
    chance of failures (:func:`step_band`). Of a service: the waits of half of the requests, what its replicas
    serve at most and what an accelerator draws (:mod:`gigawatt.validation.serving.bands`). The rows are means
    and medians: no such error is known of the 99th percentile, nor of totals that the demand sets.
    """
    found = step_band(result)
    if found is None:
        return _wait_bands(result)
    low, high = found.factors
    bands = {judged_step(result): (low, high)}
    if judged_step(result) != UPDATES:
        bands["training.mfu"] = 1.0 / high, 1.0 / low
    duration = find(result, "training.duration")
    if found.days is not None and duration is not None:
        days = float(duration.value) / _DAY
        whole = found.days[0] / days, found.days[1] / days
        for name in ("training.duration", "training.accelerator_hours", "energy.run", "carbon.run"):
            bands[name] = whole
        first, last = days_band(step=(low, high), failures=failures_band(result))
        bands["training.effective_step_time"] = (first, last)
        bands["training.tokens_per_second"] = (1.0 / last, 1.0 / first)
    return _spread_of(result, bands)


def usual_bands(result: Result) -> dict[str, str]:
    """Quantity → "about" its usual 90 % interval: that of the median of other scenarios of its branch.

    For the moments until the intervals of the result itself are drawn; from rows of the catalog, which
    `benchmarks/usual_intervals.py` makes.
    """
    known = _usual_ends(branch_of(result))
    return {name: f"about {words}" for name, words in _spread_of(result, known).items()}


def usual_band(branch: str, name: str, value: float, unit: str) -> str:
    """ "About" the usual 90 % interval of a quantity of a branch at a ``value`` in ``unit``; else empty."""
    ends = _usual_ends(branch).get(name)
    return "" if ends is None else f"about {between(*(with_unit(value * end, unit) for end in ends))}"


def _usual_ends(branch: str) -> dict[str, tuple[float, float]]:
    rows = catalog.table("uncertainty").get(f"usual-{branch}")
    ends = {} if rows is None else {name: (row.low, row.high) for name, (row, *_) in rows.numbers.items()}
    return {name: (low, high) for name, (low, high) in ends.items() if low is not None and high is not None}


def _wait_bands(result: Result) -> dict[str, str]:
    if not is_serving(result):
        return {}
    found = serving_bands(subject(result, "serving.engine"))
    return _spread_of(result, {_JUDGED[metric]: (band.low, band.high) for metric, band in found.items()})


def serving_ends(result: Result) -> dict[str, dict[str, float | str]]:
    """Quantity of a service → its value and the ends of its band, in the quantity's unit."""
    found: dict[str, dict[str, float | str]] = {}
    for metric, band in serving_bands(subject(result, "serving.engine")).items():
        quantity = find(result, _JUDGED[metric])
        if quantity is not None:
            value = float(quantity.value)
            ends = {"low": band.low * value, "value": value, "high": band.high * value}
            found[quantity.name] = {**ends, "unit": quantity.unit}
    return found


def _spread_of(result: Result, bands: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Factors on quantities as two ends in their unit."""
    said: dict[str, str] = {}
    for name, factors in bands.items():
        quantity = find(result, name)
        if quantity is not None:
            ends = (shown(replace(quantity, value=float(quantity.value) * factor)) for factor in factors)
            said[name] = between(*ends)
    return said


def training_error(names: Iterable[str]) -> str:
    """A sentence on the band of a step, where a time or a rate of training is among ``names``."""
    if not any(name in _TIMES for name in names):
        return ""
    bands = {name: prediction_band(regime=name) for name in REGIMES}
    first = next(iter(bands.values()))
    if first.groups == 0:
        return ""
    told = (f"{name}: {significant(b.low)} to {significant(b.high)}" for name, b in bands.items())
    return (
        f"Uncertainty of a training time: {100 * first.coverage:.0f} % of the measured steps of makers that "
        f"no fit had seen took, in multiples of the prediction, {'; '.join(told)}."
    )


def training_error_grid(names: Iterable[str]) -> tuple[Grid, ...]:
    """The same as a table, or nothing."""
    if not training_error(names):
        return ()
    rows = [
        (
            words,
            significant(band.low),
            significant(band.high),
            f"{100 * band.coverage:.0f} %",
            f"{band.groups}",
        )
        for words, band in ((name, prediction_band(regime=name)) for name in REGIMES)
    ]
    return (
        rows_grid(
            "Measured steps over predicted ones, each by a fit that had not seen its maker.",
            ("of", "low end", "high end", "share of steps inside", "makers"),
            rows,
        ),
    )
