"""Scenarios side by side: quantities with differences and ratios, inputs, notices; and what moved what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.chain.graph import graph_of
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.result import Quantity, Result
from gigawatt.core.store import load_result
from gigawatt.schema.scenario import LoadedScenario, read_scenario
from gigawatt.studies.compare.attribution import Attribution, attribute, no_mixture
from gigawatt.studies.compare.decision import decisions
from gigawatt.studies.compare.shapley import ORDERS
from gigawatt.studies.run.door import Asked
from gigawatt.studies.run.sayings import branch_of
from gigawatt.studies.run.uncertainty_words import spreads

if TYPE_CHECKING:
    from gigawatt.chain.study import Study

__all__ = ["LEAST", "MATTERS", "NOT_ASKED", "Comparison", "Row", "Side", "beside", "compare", "read_side"]

Progress = Callable[[str, float], None]

#: Quantities that matter, in the order of the chain; the rest that differ come after them where asked for.
MATTERS = (
    "training.duration", "training.accelerator_hours", "training.step_time", "training.effective_step_time",
    "training.mfu", "training.goodput", "training.tokens_per_second", "serving.rate", "serving.replicas",
    "machine.count", "serving.ttft_p50", "serving.ttft_p99", "serving.tpot_p50", "serving.tpot_p99",
    "serving.e2e_p99", "serving.kept", "serving.throughput", "serving.throughput_chip",
    "serving.energy_token", "machine.power_it", "facility.power_it", "facility.power_mean",
    "facility.power_peak", "facility.pue", "facility.water", "supply.electricity_cost",
    "supply.carbon_intensity", "supply.not_served", "ledger.total_capital", "ledger.annual_cost",
    "ledger.run_cost",
    "ledger.cost_per_mtoken", "ledger.energy_per_mtoken", "ledger.carbon_operational_per_mtoken",
    "ledger.carbon_embodied_per_mtoken", "ledger.water_per_mtoken", "economics.cost_million_prompt",
    "economics.cost_million_output", "economics.cost_request", "economics.carbon_operational_request",
    "economics.water_request", "ledger.cost_per_energy", "ledger.cost_per_it_energy", "ledger.annual_carbon",
    "ledger.annual_water",
)  # fmt: skip
NOT_ASKED = "nothing was split: as asked"
"""What a comparison says of itself whose differences nobody wanted split."""
LEAST = 1e-9
"""Relative difference below which two numbers are the same: a solver's last digits."""


@dataclass(frozen=True)
class Side:
    """One of the things compared.

    ``loaded`` is its scenario as it can be run now; ``None``, with the reason in ``why``, where a stored
    result has no scenario that is still as it was.
    """

    name: str
    source: str
    result: Result = field(repr=False)
    loaded: LoadedScenario | None = field(repr=False)
    why: str = ""

    @property
    def branch(self) -> str:
        """What it does: a branch of the chain."""
        return branch_of(self.result)


@dataclass(frozen=True)
class Row:
    """One quantity, or one input, of every side; ``None`` where a side has none.

    ``differences`` and ``ratios`` are against the first side, ``None`` where either is no number, and a
    ratio also where the first is 0. ``intervals`` are the 5 and 95 % quantiles where they are drawn, and
    ``guesses`` the share of their variance that comes from guesses.
    """

    quantity: str
    unit: str
    summary: str
    values: tuple[float | str | None, ...]
    grades: tuple[str | None, ...]
    differences: tuple[float | None, ...]
    ratios: tuple[float | None, ...]
    sides: tuple[Quantity | None, ...] = field(repr=False, default=())
    intervals: tuple[tuple[float, float] | None, ...] = ()
    guesses: tuple[float | None, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether any side differs from the first by more than a solver's last digits."""
        first = self.values[0]
        return any(not _same(first, value) for value in self.values[1:])


def _step_band(result: Result) -> dict[str, Any]:
    """Measured steps over predicted ones of the kind of a side that trains; nothing of another."""
    from gigawatt.studies.run.far_off import band_of

    band = band_of(result)
    return {} if band is None else {"step_band": asdict(band)}


@dataclass(frozen=True)
class Comparison:
    """Sides, the quantities of all, inputs that differ, notices, and the split of the differences.

    ``alone`` are, for each side, the notices that not every side has; ``said`` is what has to be known of
    the comparison itself.
    """

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    inputs: tuple[Row, ...]
    shared: tuple[str, ...]
    alone: tuple[tuple[str, ...], ...]
    said: tuple[str, ...]
    attribution: Attribution | None

    def to_json(self) -> dict[str, Any]:
        """The machine-readable answer; values in the unit of their row."""
        split = self.attribution
        return {
            "scenarios": [
                {
                    "name": side.name,
                    "source": side.source,
                    "does": side.branch,
                    "scenario_hash": side.result.run.get("scenario_hash"),
                    "catalog": side.result.run.get("catalog"),
                    "gigawatt": side.result.run.get("gigawatt"),
                    **_step_band(side.result),
                }
                for side in self.sides
            ],
            "quantities": [_plain(row) for row in self.rows],
            "inputs": [_plain(row) for row in self.inputs],
            "notices": {"all": list(self.shared), "only": [list(told) for told in self.alone]},
            "said": list(self.said),
            "attribution": None if split is None else _split_json(split),
            "decisions": [
                {**asdict(one), "value_of_information": dict(one.value_of_information)}
                for one in decisions([side.result for side in self.sides])
            ],
        }


def _plain(row: Row) -> dict[str, Any]:
    return {
        "quantity": row.quantity,
        "unit": row.unit,
        "what": row.summary,
        "matters": row.quantity in MATTERS,
        "differs": row.differs,
        "values": list(row.values),
        "grades": list(row.grades),
        "differences": list(row.differences),
        "ratios": list(row.ratios),
        **(
            {"intervals": list(map(_listed, row.intervals)), "from_guesses": list(row.guesses)}
            if any(row.intervals)
            else {}
        ),
    }


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _split_json(split: Attribution) -> dict[str, Any]:
    return {
        "method": split.method,
        "seed": split.seed,
        "mixtures": split.mixtures,
        "groups": [{**dataclasses.asdict(g), "keys": list(g.keys)} for g in split.groups],
        "quantities": [
            {
                "quantity": one.quantity,
                "unit": one.unit,
                "what": one.summary,
                "before": one.before,
                "after": one.after,
                "difference": one.after - one.before,
                "low": one.low,
                "high": one.high,
                "parts": list(one.parts),
                "errors": None
                if one.errors is None
                else [e if math.isfinite(e) else None for e in one.errors],
            }
            for one in split.splits
        ],
        "without_an_answer": [{"groups": list(names), "why": why} for names, why in split.impossible],
        "no_number": list(split.left_out),
    }


AS_SAID = Asked()
"""The uncertainty is drawn where a scenario says so."""


def read_side(source: str | Path | Study, progress: Progress | None = None, asked: Asked = AS_SAID) -> Side:
    """A scenario file or a study that was read, which is run, or the folder of a result, which is read.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        Neither of the two, or a scenario without an answer.
    """
    from gigawatt.chain.study import Study

    if isinstance(source, Study):
        loaded = source.loaded
        name, told = loaded.scenario.name or loaded.file.stem, f"{loaded.file} ({loaded.hash})"
        return Side(name, told, _run(source, progress, asked), loaded)
    path = Path(source)
    if path.is_dir() or path.name == "result.json":
        result = load_result(path)
        loaded, why = _scenario_of(result)
        return Side(result.name, str(source), result, loaded, why)
    study = Study.read(path)
    return Side(
        study.loaded.scenario.name or path.stem, str(source), _run(study, progress, asked), study.loaded
    )


def _run(study: Study, progress: Progress | None, asked: Asked) -> Result:
    """The result, with its uncertainty where that is asked for."""
    from gigawatt.studies.run.uncertainty import with_uncertainty

    sampling = asked.sampling(study.loaded)
    if sampling is None:
        return study.run(progress)

    def finish(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
        return with_uncertainty(result, loaded, objects, sampling, progress)

    return study.run(progress, finish=finish)


def _scenario_of(result: Result) -> tuple[LoadedScenario | None, str]:
    """The scenario that a stored result is of, if it is still as it was, and why not where it is not."""
    file = str(result.run.get("scenario", ""))
    if not Path(file).is_file():
        return None, f"its scenario {file} is not there from here"
    try:
        loaded = read_scenario(file)
    except GigawattError as error:
        return None, f"its scenario cannot be read: {error}"
    if loaded.hash != result.run.get("scenario_hash"):
        return None, f"its scenario {file} was changed since"
    return loaded, ""


def _same(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or abs(one - other) <= LEAST * max(abs(one), abs(other))
    return one == other


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, float) and math.isfinite(value) else None


def _row(name: str, sides: Sequence[Result], *, words: bool = False) -> Row:
    found = tuple(result.quantities.get(name) for result in sides)
    known = next(q for q in found if q is not None)
    values: list[float | str | None] = []
    for q in found:
        if q is None or (q.value is None and not words):
            values.append(None)
        elif words:
            values.append(q.written or ("nothing" if q.value is None else str(q.shown)))
        else:
            values.append(q.shown if isinstance(q.shown, str) else _finite(q.shown))
    numbers = [value if isinstance(value, float) else None for value in values]
    first = numbers[0]
    differences = [None if first is None or n is None else n - first for n in numbers]
    ratios = [None if not first or n is None else n / first for n in numbers]
    grades = tuple(None if q is None else q.label for q in found)
    drawn = [None if words else spreads(result).get(name) for result in sides]
    return Row(
        name, known.unit, known.summary, tuple(values), grades, tuple(differences), tuple(ratios), found,
        tuple(None if one is None else (one.low, one.high) for one in drawn),
        tuple(None if one is None else one.guesses for one in drawn),
    )  # fmt: skip


def _is_leaf(name: str, results: Sequence[Result]) -> bool:
    return any(q.origin != "computed" for result in results if (q := result.quantities.get(name)) is not None)


def compare(
    sources: Sequence[str | Path | Study],
    *,
    outputs: Sequence[str] | None = None,
    split: bool = True,
    orders: int = ORDERS,
    seed: int = 0,
    asked: Asked = AS_SAID,
    progress: Progress | None = None,
) -> Comparison:
    """Compare scenario files and result folders, and split the difference of two among their inputs.

    Parameters
    ----------
    sources : sequence of path or Study
        Two or more; the first is what the others are measured against.
    outputs : sequence of str, optional
        Quantities whose difference is split; the usual ones where left out.
    split : bool
        Whether to split at all.
    orders, seed : int
        Of sampled orders, where more groups differ than can be looked at whole.
    asked : Asked, optional
        Of the uncertainty of scenarios; as each of them says, else none.
    progress : callable, optional
        Called with (what is being done, share done).

    Returns
    -------
    Comparison
        Without an ``attribution`` where there is none, which ``said`` explains: more than two sides, a
        training run beside a service, a stored result whose scenario is gone.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A source that is none, a scenario without an answer, an output that is no number.
    """
    if len(sources) < 2:
        raise InputError("one scenario has nothing beside it", allowed="two or more scenarios or results")
    report = progress or (lambda words, share: None)
    least = 0.3 / len(sources)
    sides: list[Side] = []
    for number, source in enumerate(sources):
        before = number * least
        say = lambda words, share, at=before: report(words, at + share * least)  # noqa: E731
        sides.append(read_side(source, say, asked))
    return beside(
        sides, outputs=outputs, split=split, orders=orders, seed=seed,
        progress=lambda words, share: report(words, 0.3 + 0.65 * share),
    )  # fmt: skip


def beside(
    sides: Sequence[Side],
    *,
    outputs: Sequence[str] | None = None,
    split: bool = True,
    orders: int = ORDERS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """The same of sides whose results are there: see :func:`compare`."""
    results = [side.result for side in sides]
    names = list(dict.fromkeys(name for result in results for name in result.quantities))
    computed = [name for name in names if not _is_leaf(name, results)]
    ordered = [*(n for n in MATTERS if n in computed), *(n for n in computed if n not in MATTERS)]
    rows = [_row(name, results) for name in ordered]
    inputs = [_row(name, results, words=True) for name in names if _is_leaf(name, results)]
    told = [list(dict.fromkeys(result.notices)) for result in results]
    shared = tuple(one for one in told[0] if all(one in other for other in told[1:]))
    said = _said(sides)
    attribution = None
    why = _why_not(sides) if split else NOT_ASKED
    if why:
        said.append(why)
    else:
        first, second = (side.loaded for side in sides)
        assert first is not None
        assert second is not None
        attribution = attribute(first, second, outputs=outputs, orders=orders, seed=seed, progress=progress)
        said += _checked(attribution, results)
    return Comparison(
        tuple(sides),
        tuple(row for row in rows if any(value is not None for value in row.values)),
        tuple(row for row in inputs if row.differs),
        shared,
        tuple(tuple(one for one in mine if one not in shared) for mine in told),
        tuple(said),
        attribution,
    )


def _said(sides: Sequence[Side]) -> list[str]:
    said: list[str] = []
    for key, words in (("catalog", "catalogs"), ("gigawatt", "versions of gigawatt")):
        found = [str(side.result.run.get(key)) for side in sides]
        if len(set(found)) > 1:
            said.append(f"these are of different {words} ({', '.join(found)}): that moves numbers too")
    now = catalog.version()
    older = [s for s in sides if s.loaded is not None and str(s.result.run.get("catalog")) != now]
    told = "was stored with another catalog: what is split is computed again"
    return [*said, *(f"{side.source} {told}" for side in older)]


def _why_not(sides: Sequence[Side]) -> str:
    """Why no difference can be split; empty where it can."""
    if len(sides) > 2:
        return "differences are split between two scenarios: give two to see which input moved what"
    if sides[0].branch != sides[1].branch:
        return f"{no_mixture(sides[0].branch, sides[1].branch)}: they stand side by side only"
    gone = next((side for side in sides if side.loaded is None), None)
    if gone is not None:
        return f"nothing is split: {gone.source} is a stored result and {gone.why}"
    graphs = [graph_of(side.loaded) for side in sides if side.loaded is not None]
    return "" if graphs[0] is graphs[1] else no_mixture(sides[0].branch, sides[1].branch)


def _checked(split: Attribution, results: Sequence[Result]) -> list[str]:
    """Stored numbers that running the scenarios again does not give; quantities whose mixtures stray."""
    off: list[str] = []
    far = [one.quantity for one in split.splits if one.strays]
    for one in split.splits:
        for result, value in zip(results, (one.before, one.after), strict=True):
            stored = result.quantity(one.quantity).shown
            if isinstance(stored, float) and abs(stored - value) > 1e-6 * max(abs(stored), abs(value)):
                off.append(f"{one.quantity} of {result.name}")
    said = [f"computed again, these differ from what was stored: {', '.join(off)}"] if off else []
    if far:
        said.append(f"some mixtures lie far outside of both, and parts of {', '.join(far)} refer to those")
    return said
