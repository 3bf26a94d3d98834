"""The outlook to 2050: draws in chunks, quantiles by year, what binds and what relief gives.

Chunks of draws go through the frame and into sketches, so that memory does not grow with the draws, and the
answer does not depend on the chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import factor
from gigawatt.outlook.compute.limits import DEFINITION, LIMITS
from gigawatt.outlook.frame import FIRST, LAST, YEARS, year_index
from gigawatt.outlook.model import EXTRA, FRAME, REPORTED, TABLES
from gigawatt.outlook.priors import SCENARIOS, Priors, read_priors
from gigawatt.outlook.randomness import SEED, checked_seed
from gigawatt.outlook.sketch import Sketch
from gigawatt.outlook.society.society import EXPLORATORY
from gigawatt.outlook.tables import Tables
from gigawatt.studies.outlook.decades import Decades
from gigawatt.studies.outlook.limits import outlook_tables

__all__ = ["CHUNK", "QUANTILES", "OutlookResult", "OutlookScenario", "outlook", "read_outlook"]

Array = NDArray[np.float64]

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
CHUNK = 2_500
"""Draws that go through the frame at a time."""
MOST_DRAWS = 100_000_000
_FLAT = ("power", "chips", "capital", "latency", "data")
_HELD = ("factories", "money", "power")
_MADE = ("packaging", "stacked memory", "wafers")


@dataclass(frozen=True)
class OutlookScenario:
    """A scenario by name, what a user puts in place of its distributions, and the years that are told."""

    base: str = "base"
    quantities: Mapping[str, Any] = field(default_factory=dict)
    years: tuple[int, int] = (FIRST, LAST)
    name: str = ""


@dataclass(frozen=True)
class OutlookResult:
    """What the draws say.

    ``bands``: output → (years, quantiles) in its unit, quantiles as :data:`QUANTILES`; of a scalar one row.
    ``binding``: limit → share of draws by year of the feasible run; ``binding_flat`` without the utilisation
    cliff; ``binding_actual`` with ``demand``; ``held_back``: what held the world's additions, ``factories``:
    what held these. ``relief``: limit → (years, 3): 10, 50, 90 % of the factor on the feasible run if it is
    lifted. ``errors``: output → width of its sketch's bins (relative, or in the unit). ``sensitivities`` is
    filled by :func:`gigawatt.studies.outlook.sensitivity.sensitivities`. ``decades``: what
    :mod:`gigawatt.studies.outlook.decades` says of the 2030s and the 2040s.
    """

    scenario: str
    base: str
    draws: int
    seed: int
    years: tuple[int, ...]
    bands: Mapping[str, Array]
    units: Mapping[str, str]
    words: Mapping[str, str]
    binding: Mapping[str, Array]
    binding_flat: Mapping[str, Array]
    binding_actual: Mapping[str, Array]
    held_back: Mapping[str, Array]
    factories: Mapping[str, Array]
    relief: Mapping[str, Array]
    errors: Mapping[str, float]
    value_above_one: float
    definition: str
    overrides: tuple[Assumption, ...]
    assumptions: tuple[Assumption, ...]
    catalog: str
    sketches: Mapping[str, Sketch] = field(repr=False, default_factory=dict)
    sensitivities: Mapping[str, Any] = field(default_factory=dict)
    decades: Mapping[str, Any] = field(default_factory=dict)

    def band(self, name: str, year: int | None = None) -> dict[float, float]:
        """Quantiles of an output in a year (of a scalar: no year), in its unit.

        Raises
        ------
        InputError
            No such output; a year that is not told.
        """
        check_word(None, name, self.bands, "no such output")
        rows = self.bands[name]
        if len(rows) == 1:
            return dict(zip(QUANTILES, map(float, rows[0]), strict=True))
        if year not in self.years:
            raise InputError(
                "not a year of this result",
                key="year",
                given=year,
                allowed=f"{self.years[0]} to {self.years[-1]}",
            )
        return dict(zip(QUANTILES, map(float, rows[self.years.index(year)]), strict=True))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts, with stable keys."""

        def shares(table: Mapping[str, Array]) -> dict[str, list[float]]:
            return {name: [float(x) for x in row] for name, row in table.items()}

        return {
            "scenario": self.scenario,
            "base": self.base,
            "draws": self.draws,
            "seed": self.seed,
            "catalog": self.catalog,
            "definition": self.definition,
            "years": list(self.years),
            "quantiles": list(QUANTILES),
            "bands": {
                name: {
                    "unit": self.units[name],
                    "words": self.words[name],
                    "bin": self.errors[name],
                    "exploratory": name in EXPLORATORY,
                    "values": [[float(x) for x in row] for row in rows],
                }
                for name, rows in self.bands.items()
            },
            "binding": shares(self.binding),
            "binding_flat": shares(self.binding_flat),
            "binding_actual": shares(self.binding_actual),
            "held_back": shares(self.held_back),
            "factories": shares(self.factories),
            "relief": {name: [[float(x) for x in row] for row in rows] for name, rows in self.relief.items()},
            "value_exponent_above_one": self.value_above_one,
            "overrides": [one.to_json() for one in self.overrides],
            "assumptions": [one.to_json() for one in self.assumptions],
            "sensitivities": dict(self.sensitivities),
            "decades": dict(self.decades),
        }


@lru_cache(maxsize=1)
def _checked() -> bool:
    """The frame against the table of priors: every quantity is read, every input is there."""
    FRAME.check([TABLES, *read_priors().rows], [*(row.name for row in REPORTED), *EXTRA])
    return True


def evaluate(
    priors: Priors,
    tables: Tables,
    seed: int,
    start: int,
    stop: int,
    targets: list[str],
    streams: Mapping[str, str] | None = None,
) -> dict[str, Array]:
    """``targets`` of draws ``start`` to ``stop``, in SI: arrays (draws, years) or (draws, 1)."""
    needed = {name for block in FRAME.order(targets) for name in block.inputs} & set(priors.rows)
    leaves: dict[str, Any] = dict(priors.draw(seed, start, stop, needed, streams))
    return FRAME.run({**leaves, TABLES: tables}, targets)


def outlook(
    scenario: str | OutlookScenario = "base",
    draws: int = 100_000,
    seed: int = SEED,
    *,
    chunk: int = CHUNK,
    progress: Callable[[str, float], None] | None = None,
) -> OutlookResult:
    """Draw the outlook.

    Parameters
    ----------
    scenario : str or OutlookScenario
        ``base``, ``headwinds``, ``lift-off``, or one of a user's (:func:`read_outlook`).
    draws : int
        100 to 100,000,000; memory does not grow with them.
    seed : int
        The same seed, catalog and scenario give the same numbers, whatever the chunks; scenarios share draws.
    chunk : int
        Draws at a time, ≥ 1.
    progress : callable, optional
        Called with (words, share done).

    Raises
    ------
    InputError
        No such scenario, quantity or seed; draws outside their range; an impossible distribution; years
        outside 2024 to 2050.
    """
    asked = OutlookScenario(scenario) if isinstance(scenario, str) else scenario
    checked_seed(seed)
    if not 100 <= draws <= MOST_DRAWS or draws != int(draws):
        raise InputError("too few or too many", key="draws", given=draws, allowed=f"100 to {MOST_DRAWS:,}")
    if chunk < 1:
        raise InputError("not a chunk", key="chunk", given=chunk, allowed="1 or more")
    first, last = (year_index(year) for year in asked.years)
    if first > last:
        raise InputError(
            "years run backwards", key="years", given=f"{asked.years}", allowed=f"{FIRST} to {LAST}"
        )
    priors = read_priors(asked.base, asked.quantities)
    _checked()
    if progress is not None:
        progress("loading models", 0.0)
    rooms = outlook_tables()
    sketches = {row.name: row.sketch(len(YEARS)) for row in REPORTED}
    gains = {name: Sketch(1.0, 1e12, True, len(YEARS)) for name in LIMITS}
    counted = {
        name: np.zeros((n, len(YEARS)), dtype=np.int64)
        for name, n in (
            ("binding", 5),
            ("binding_flat", 5),
            ("binding_actual", 6),
            ("fleet_limit", 3),
            ("made_limit", 3),
        )
    }
    targets, decades = [*sketches, *EXTRA], Decades()
    for start in range(0, draws, chunk):
        stop = min(start + chunk, draws)
        found = evaluate(priors, rooms, seed, start, stop, targets)
        decades.add(start, found)
        for name, sketch in sketches.items():
            sketch.add(found[name])
        for name in LIMITS:
            gains[name].add(found[f"relief_{name}"])
        for name, counts in counted.items():
            for kind in range(len(counts)):
                counts[kind] += np.count_nonzero(found[name] == kind, axis=0)
        if progress is not None:
            progress(f"Draws {stop:,} of {draws:,}", stop / draws)
    told = _result(asked, draws, seed, priors, rooms, sketches, gains, counted, slice(first, last + 1))
    return replace(told, decades=decades.result(priors, seed))


def _result(
    asked: OutlookScenario,
    draws: int,
    seed: int,
    priors: Priors,
    rooms: Tables,
    sketches: Mapping[str, Sketch],
    gains: Mapping[str, Sketch],
    counted: Mapping[str, NDArray[np.int64]],
    told: slice,
) -> OutlookResult:
    from gigawatt import catalog

    bands: dict[str, Array] = {}
    errors: dict[str, float] = {}
    for row in REPORTED:
        scale = factor(row.unit)
        quantiles = sketches[row.name].quantiles(QUANTILES)
        if row.logarithmic:  # the lowest bin is where nothing is counted
            quantiles = np.where(quantiles <= row.low * (1.0 + sketches[row.name].error), 0.0, quantiles)
        quantiles = quantiles / scale
        bands[row.name] = quantiles if row.scalar else quantiles[told]
        errors[row.name] = sketches[row.name].error / (1.0 if row.logarithmic else scale)
    share = {name: counts[:, told] / draws for name, counts in counted.items()}
    users = tuple(row.assumption() for row in priors.overrides())
    return OutlookResult(
        scenario=asked.name or asked.base,
        base=asked.base,
        draws=draws,
        seed=seed,
        years=YEARS[told],
        bands=bands,
        units={row.name: row.unit for row in REPORTED},
        words={row.name: row.words for row in REPORTED},
        binding=dict(zip(LIMITS, share["binding"], strict=True)),
        binding_flat=dict(zip(_FLAT, share["binding_flat"], strict=True)),
        binding_actual=dict(zip((*LIMITS, "demand"), share["binding_actual"], strict=True)),
        held_back=dict(zip(_HELD, share["fleet_limit"], strict=True)),
        factories=dict(zip(_MADE, share["made_limit"], strict=True)),
        relief={name: sketch.quantiles((0.1, 0.5, 0.9))[told] for name, sketch in gains.items()},
        errors=errors,
        value_above_one=float(
            np.mean(rooms.value_exponent + float(priors.rows["value_add"].si.quantile(np.array(0.5))) > 1.0)
        ),
        definition=DEFINITION,
        overrides=users,
        assumptions=priors.assumptions(),
        catalog=catalog.version(),
        sketches=sketches,
    )


def read_outlook(file: str | Path) -> OutlookScenario:
    """A scenario from a YAML file, or one of the catalog's by its name.

    Keys: ``base`` (a scenario of the catalog), ``years`` (first and last), ``quantities`` (quantity → a
    number, a text with a unit, or ``kind`` with ``low``, ``mid``, ``high``, ``shape``).

    Raises
    ------
    InputError
        No such file or scenario; a key, quantity, unit, distribution or year that does not fit, with the file
        and the line of the key.
    """
    if str(file) in SCENARIOS:
        return OutlookScenario(str(file))
    path = Path(file)
    if not path.is_file():
        raise InputError(
            "no such scenario",
            given=str(file),
            allowed=f"{', '.join(SCENARIOS)}, or a YAML file",
            nearest=nearest(str(file), SCENARIOS),
        )
    import yaml

    text = path.read_text(encoding="utf-8")
    try:
        read = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InputError("cannot read this YAML", file=path, given=str(error).splitlines()[0]) from None
    keys = ("base", "years", "quantities", "name")
    if not isinstance(read, dict):
        raise InputError("not a scenario", file=path, allowed=", ".join(keys))
    try:
        for key in read:
            if key not in keys:
                raise InputError("no such key", key=str(key), allowed=keys, nearest=nearest(str(key), keys))
        quantities = read.get("quantities") or {}
        if not isinstance(quantities, dict):
            raise InputError("not quantities", key="quantities", allowed="names with distributions")
        asked = OutlookScenario(
            str(read.get("base", "base")),
            quantities,
            _span(read.get("years", [FIRST, LAST])),
            str(read.get("name", path.stem)),
        )
        read_priors(asked.base, asked.quantities)
    except InputError as error:
        name = (error.key or "").split(".")[-1]
        lines = [
            i for i, line in enumerate(text.splitlines(), 1) if name and line.strip().startswith(f"{name}:")
        ]
        raise error.at(file=path, line=lines[0] if lines else None) from None
    return asked


def _span(written: Any) -> tuple[int, int]:
    if (
        not isinstance(written, list | tuple)
        or len(written) != 2
        or not all(isinstance(y, int) for y in written)
    ):
        raise InputError("not two years", key="years", given=str(written), allowed=f"[{FIRST}, {LAST}]")
    for year in written:
        try:
            year_index(year)
        except InputError as error:
            error.key = "years"
            raise
    return int(written[0]), int(written[1])
