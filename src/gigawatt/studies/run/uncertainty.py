"""The uncertainty of a run: bands of every number, variance shares and draws, as tables of the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.core.checks import check_range
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.machine import load_chip
from gigawatt.studies.run.far_off import failures_band, judged_step, step_band
from gigawatt.studies.run.follows import followed
from gigawatt.studies.run.responses import RESPONSES, responses_frame
from gigawatt.studies.run.sayings import find, subject
from gigawatt.studies.run.uncertainty_words import (
    CAUSES,
    CELLS,
    DRAWS,
    GROUP,
    NORMALS,
    NOT_SERVED,
    ROW,
    SHORTAGE,
    TABLE,
    YEARS,
)
from gigawatt.studies.run.words_serving import is_serving
from gigawatt.validation.serving.bands import middle_half, regime_of, serving_bands

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.chain.uncertainty.factors import Act, ModelError
    from gigawatt.chain.uncertainty.monte_carlo import Uncertainty
    from gigawatt.schema.scenario import LoadedScenario

__all__ = ["Sampling", "drawn", "with_uncertainty"]

_FEWEST, _MOST = 100, 20_000
_LEAST = 0.005
"""Variance share below which an input is left out of the tables."""
_LEAST_RESPONSE = 0.0005
"""The same of responses: less, since what an input does to two results has to be known of both."""


@dataclass(frozen=True)
class Sampling:
    """Number of draws and their seed; raises ``InputError`` for other than 100 to 20,000."""

    draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("draws", self.draws, _FEWEST, _MOST, message="the number of draws is out of range")
        if self.seed < 0:
            raise InputError("the seed is negative", key="seed", given=f"{self.seed}", allowed="0 or more")


def drawn(
    result: Result,
    loaded: LoadedScenario,
    objects: Mapping[str, Any],
    sampling: Sampling,
    progress: Callable[[str, float], None] | None = None,
) -> Uncertainty:
    """Bands and variance shares of a result, with the errors of the models behind it."""
    from gigawatt.chain.uncertainty.monte_carlo import uncertainty

    return uncertainty(
        loaded, objects, _errors(result, loaded), draws=sampling.draws, seed=sampling.seed, progress=progress
    )


def with_uncertainty(
    result: Result,
    loaded: LoadedScenario,
    objects: Mapping[str, Any],
    sampling: Sampling,
    progress: Callable[[str, float], None] | None = None,
) -> Result:
    """The result with tables of bands, variance shares, responses, draws, and numbers by year."""
    import pandas as pd

    found = drawn(result, loaded, objects, sampling, progress)
    units = {name: factor(band.unit) for name, band in found.bands.items()}
    table = pd.DataFrame(
        [
            {
                "quantity": name,
                **{key: getattr(band, key) / units[name] for key in ("value", "low", "median", "high")},
                "unit": band.unit,
                "from guesses": band.guesses,
                "response error": band.off,
            }
            for name, band in found.bands.items()
        ]
    ).set_index("quantity")
    causes = _causes(found)
    cells = [{**cell._asdict(), **band._asdict(), "as": ""} for cell, band in found.cells.items()]
    draws = pd.DataFrame({name: values / units[name] for name, values in found.draws.items()})
    rows = causes[causes["kind"] == ROW]["cause"] if len(causes) else ()
    normals = pd.DataFrame({name: found.normals[name] for name in sorted(set(rows))})
    draws.index.name = normals.index.name = "draw"
    run = {
        **result.run,
        TABLE: {
            "draws": sampling.draws, "seed": sampling.seed, "factors": found.factors,
            "guesses_without_range": list(found.unranged), "no_answer_at_an_end": list(found.refused),
            "exact_draws": found.checked,
            "years": [one.year for one in found.years], "of_one_year": list(found.of_one_year),
        },
    }  # fmt: skip
    tables = {
        TABLE: table,
        CAUSES: causes,
        CELLS: pd.DataFrame([*cells, *followed(result, found.bands)]),
        DRAWS: draws,
        NORMALS: normals,
    }
    if found.years:
        tables[YEARS] = _by_year(found, units)
    responses = responses_frame(found, _LEAST_RESPONSE)
    if len(responses):
        tables[RESPONSES] = responses
    return replace(result, tables={**result.tables, **tables}, run=run)


def _causes(found: Uncertainty) -> pd.DataFrame:
    """Variance shares of groups and rows by quantity, with their intervals; the small ones are left out."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"quantity": name, "kind": kind, "cause": one.name, "share": one.share,
             "share low": one.low, "share high": one.high}
            for name, band in found.bands.items()
            for kind, parts in ((GROUP, band.groups), (ROW, band.rows))
            for one in parts
            if one.share >= _LEAST
        ]
    )  # fmt: skip


def _by_year(found: Uncertainty, units: Mapping[str, float]) -> pd.DataFrame:
    """Numbers that a year changes, in each with all else as in the answer, and energy not served beside."""
    import pandas as pd

    moved = [name for name in found.bands if any(name in one.numbers for one in found.years)]
    rows = [
        {
            "year": one.year,
            **{name: one.numbers.get(name, found.bands[name].value) / units[name] for name in moved},
            NOT_SERVED: one.not_served / factor("MWh"),
            SHORTAGE: one.shortage / factor("M$"),
        }
        for one in found.years
    ]
    return pd.DataFrame(rows).set_index("year")


def _errors(result: Result, loaded: LoadedScenario) -> tuple[ModelError, ...]:
    """Measured over predicted: step time, latencies, throughput, power, failures."""
    return tuple(_of_service(result, loaded) if is_serving(result) else _of_run(result))


def _nameplate(result: Result) -> Iterator[ModelError]:
    """The error of what a campus is rated for, where it has accelerators."""
    from gigawatt.chain.uncertainty.factors import Acts, ModelError

    row = catalog.entity("uncertainty", "campus").evidence("nameplate")
    if find(result, "machine.nameplate") is not None:
        yield ModelError(
            "published power of campuses over predicted, as rated", "machine power", row.low or 1.0,
            row.high or 1.0, {"machine.nameplate": Acts()},
        )  # fmt: skip


def _of_run(result: Result) -> Iterator[ModelError]:
    from gigawatt.chain.uncertainty.factors import Acts, ModelError

    yield from _nameplate(result)
    step = step_band(result)
    if step is not None:
        chip, model = subject(result, "machine.chip"), subject(result, "model.architecture")
        form, count = subject(result, "training.number_format"), find(result, "machine.count")
        told = "measured steps over predicted"
        many = "" if count is None else f"{count.value:,.0f} "
        like = catalog.entity("uncertainty", "training")
        yield ModelError(
            f"{told}, {many}{chip}, {form}, {model}", "step time", *step.factors,
            {judged_step(result): Acts()}, step.middle,
            (
                (told, like.value("same_maker")),
                (f"{told}, {form}, {model}", like.value("same_model")),
            ),
        )  # fmt: skip
    rollouts = serving_bands(subject(result, "rl.engine")) if find(result, "rl.rollout_time") else {}
    if (band := rollouts.get("throughput")) is not None and band.low < band.high:
        yield ModelError("measured throughput over predicted, rollouts", "engine throughput", band.low,
                         band.high, {"rl.rollout_time": Acts(-1.0)})  # fmt: skip
    if find(result, "training.duration") is None:
        return
    low, high = failures_band(result)
    if low < high and find(result, "training.goodput") is not None:
        yield ModelError(
            "failure rates and times", "failures", low, high, {"training.goodput": Acts(-1.0, most=1.0)}
        )
    row = catalog.entity("uncertainty", "training").evidence("watts")
    yield ModelError(
        "measured watts over predicted", "machine power", row.low or 1.0, row.high or 1.0,
        {"machine.energy": Acts()},
    )  # fmt: skip


_SIZED = ("machine.count", "machine.power", "serving.replicas")
"""Fields that fix the number of accelerators of a service."""


def _of_service(result: Result, loaded: LoadedScenario) -> Iterator[ModelError]:
    """Errors of a service: at a throughput below the prediction the demand needs more accelerators."""
    from gigawatt.chain.uncertainty.factors import Acts, ModelError

    yield from _nameplate(result)
    waits = ("serving.waits", "serving.waits_degraded")
    acts: dict[str, dict[str, Act]] = {
        "ttft": {name: lambda value, by: value.scaled(ttft=by) for name in waits},
        "tpot": {name: lambda value, by: value.scaled(tpot=by) for name in waits},
        "throughput": (
            {"serving.capacity": Acts()}
            if any(key in loaded.written for key in _SIZED)
            else {
                "machine.count": Acts(-1.0, lot=_accelerators(result)),
                **{
                    name: Acts(-1.0) for name in ("serving.replicas", "machine.power_hours", "machine.energy")
                },
            }
        ),
        "watts": {"machine.energy": Acts(), "machine.power_hours": Acts()},
    }
    told = {
        "ttft": ("measured TTFT over predicted", "engine latency"),
        "tpot": ("measured TPOT over predicted", "engine latency"),
        "throughput": ("measured throughput over predicted", "engine throughput"),
        "watts": ("measured watts over predicted", "machine power"),
    }
    chip = subject(result, "machine.chip")
    engine, model = subject(result, "serving.engine"), subject(result, "model.architecture")
    form = subject(result, "serving.precision")
    alike = catalog.entity("uncertainty", "serving").value("same_accelerator")
    for metric, band in serving_bands(engine).items():
        high = min(band.high, _most_watts(result)) if metric == "watts" else band.high
        if band.low < high:
            name, group = told[metric]
            middle = middle_half(metric=metric, regime=regime_of(engine))
            yield ModelError(
                ", ".join(part for part in (name, chip, engine, form, model) if part), group, band.low, high,
                acts[metric], middle, ((f"{name}, {chip}, {engine}", alike),),
            )  # fmt: skip


def _accelerators(result: Result) -> int:
    """Accelerators of a replica."""
    total, replicas = find(result, "machine.count"), find(result, "serving.replicas")
    return 1 if total is None or replicas is None else max(1, round(total.value / replicas.value))


def _most_watts(result: Result) -> float:
    """Power limit of an accelerator over its predicted power."""
    try:
        limit = load_chip(subject(result, "machine.chip")).power_limit
    except GigawattError:  # a chip that this machine's catalog does not have
        return float("inf")
    drawn = find(result, "machine.chip_power")
    return float("inf") if drawn is None else max(1.0, limit / float(drawn.value))
