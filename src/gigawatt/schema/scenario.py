"""A scenario: what a person writes in YAML, read strictly, with the line of every key.

Units are read here, once (:mod:`gigawatt.core.quantities`); everything behind this door is SI. An unknown
key, a missing unit or an impossible value is one line that names file, line, key and the mend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.keys import read_keys
from gigawatt.schema.values import (
    YEAR,
    YEARS,
    AtLeastOne,
    CarbonIntensity,
    CarbonPrice,
    Count,
    FromNothing,
    Length,
    Money,
    Name,
    PerEnergy,
    Rate,
    Seconds,
    Share,
    Tokens,
    Watts,
    WattsEach,
    WattsOrNone,
    Whole,
    as_batch,
    as_demand,
    as_shape,
    as_shard,
    as_widen,
)

__all__ = [
    "YEAR",
    "YEARS",
    "LoadedScenario",
    "Scenario",
    "ServingSection",
    "TrainingSection",
    "check_scenario",
    "read_scenario",
    "section_of",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class TrainingSection(_Strict):
    """What is trained: tokens, batch, sequence, number format."""

    tokens: Tokens
    sequence: Length | None = None
    global_batch: Annotated[tuple[str, float], BeforeValidator(as_batch)] | None = None
    number_format: Literal["bf16", "fp16", "fp8", "fp4", "tf32", "fp32"] | None = None
    precision: Name | None = None
    sparsity: Name | None = None
    optimizer: Name | None = None
    runs: Count = 1


class ReplicaSection(_Strict):
    """Degrees of a replica that are held; what is left out is searched."""

    tensor: Count | None = None
    pipeline: Count | None = None
    data: Count | None = None
    expert: Count | None = None


class AutoscalingSection(_Strict):
    """Replicas that turn off where fewer will do: the share that stays on, requests that each is to have."""

    minimum: Share | None = None
    target: FromNothing | None = None


class ServingSection(_Strict):
    """What is served to whom: demand, lengths, hours of the day, promise, engine, replicas."""

    demand: Annotated[tuple[str, float], BeforeValidator(as_demand)] | None = None
    trace: Name | None = None
    prompt: Name | None = None
    output: Name | None = None
    arrivals: Literal["poisson", "gamma", "constant"] | None = None
    variation: FromNothing | None = None
    shape: Annotated[str | float | tuple[float, ...], BeforeValidator(as_shape)] | None = None
    days: Literal[1, 2] | None = None
    objective: Name | None = None
    engine: Name | None = None
    weights: Name | None = None
    cache: Name | None = None
    precision: Name | None = None
    sparsity: Name | None = None
    guesses: Whole | None = None
    acceptance: Share | None = None
    layout: ReplicaSection = ReplicaSection()
    mode: Literal["aggregated", "disaggregated", "both"] | None = None
    routing: Literal["round-robin", "least-loaded", "random"] | None = None
    autoscaling: AutoscalingSection | None = None
    replicas: Count | None = None
    seed: Whole = 0
    simulated_requests: Count | None = None
    simulated_replicas: Count | None = None


class MachineSection(_Strict):
    """What computes it: accelerator, how many (or how much facility power), node, links, software stack."""

    chip: Name
    count: Count | None = None
    power: Watts | None = None
    node: Name | None = None
    scale_up: Name | None = None
    scale_out: Name | None = None
    domain: Count | None = None
    oversubscription: AtLeastOne | None = None
    topology: Name | None = None
    power_cap: WattsEach | None = None
    stack: Name | None = None


class LayoutSection(_Strict):
    """Columns of the layout that are fixed, and rare ones (``widen``) that are searched as well."""

    tensor: Count | None = None
    pipeline: Count | None = None
    interleave: Count | None = None
    data: Count | None = None
    context: Count | None = None
    expert: Count | None = None
    microbatch: Count | None = None
    zero: Literal[0, 1, 2, 3] | None = None
    recompute: Literal["none", "selective", "full", "feed-forward"] | None = None
    sequence_parallel: bool | None = None
    schedule: Literal["1f1b", "zb-h1", "zb-h2", "dualpipe"] | None = None
    shard: Annotated[int, BeforeValidator(as_shard)] | None = None
    offload: Literal["none", "optimizer", "all"] | None = None
    widen: Annotated[tuple[str, ...], BeforeValidator(as_widen)] = ()


class SiteSection(_Strict):
    """Where it stands: a site of the catalog, or a place with a weather file."""

    name: Name
    weather: Name | None = None
    weather_years: Count | None = None
    cooling: Name | None = None
    redundancy: Name | None = None


class GridSection(_Strict):
    """The grid connection: limit, price and carbon override the site's grid."""

    limit: WattsOrNone | None = None
    price: PerEnergy | None = None
    carbon: CarbonIntensity | None = None
    counts: bool | None = None


class SupplySection(_Strict):
    """Which plants may be built, and under which limits."""

    plants: tuple[Name, ...] | None = None
    grid: GridSection = GridSection()
    limits: dict[str, WattsOrNone] = {}
    carbon_limit: CarbonIntensity | None = None
    carbon_price: CarbonPrice | None = None
    not_served_price: PerEnergy | None = None
    reliability: Name | None = None
    matching: Name | None = None
    flexible: Name | None = None
    deferrable: Name | None = None


class EconomicsSection(_Strict):
    """Money: real discount rate, lives and prices that override the catalog."""

    discount_rate: Rate | None = None
    chip_price: Money | None = None
    chip_life: Seconds | None = None


class Scenario(_Strict):
    """The whole question: ``model``, ``machine.chip``, ``site``, and one of ``training`` and ``serving``."""

    name: Name | None = None
    year: Annotated[int, BeforeValidator(lambda v: v)] = YEAR
    model: Name
    training: TrainingSection | None = None
    serving: ServingSection | None = None
    machine: MachineSection
    layout: LayoutSection = LayoutSection()
    site: SiteSection
    supply: SupplySection = SupplySection()
    economics: EconomicsSection = EconomicsSection()


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario with where each key stands, so that every later error can say its line."""

    scenario: Scenario
    file: Path
    lines: Mapping[str, int] = field(repr=False)
    written: Mapping[str, str] = field(repr=False)
    hash: str
    data: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict[str, Any])
    """The keys as they were written, before anything was read."""
    text: str = field(repr=False, compare=False, default="")
    """The file as it was read; empty where keys were changed since."""

    @property
    def yaml(self) -> str:
        """The scenario as a file: as it was read, or made of its keys."""
        import yaml

        return self.text or yaml.safe_dump(dict(self.data), sort_keys=False, allow_unicode=True)

    def where(self, key: str) -> str:
        """``file:line`` of a dotted key, or an empty string if it was not written."""
        return f"{self.file}:{self.lines[key]}" if key in self.lines else ""

    @property
    def serves(self) -> bool:
        """Whether a model is served, rather than trained."""
        return self.scenario.serving is not None

    def blame(self, error: GigawattError, key: str) -> GigawattError:
        """Put file, line and key on an error that a room raised about a value of ``key``."""
        error.at(file=self.file, line=self.lines.get(key), key=key)
        return error


def section_of(annotation: Any) -> Any:
    """The section of a key that may be left out: what is not ``None`` of ``Section | None``."""
    return next((one for one in get_args(annotation) if hasattr(one, "model_fields")), annotation)


def _fields(path: list[str]) -> list[str]:
    model: Any = Scenario
    for part in path:
        info = getattr(model, "model_fields", {}).get(part)
        model = section_of(info.annotation) if info is not None else None
    return list(getattr(model, "model_fields", {}))


def _as_input_error(error: ValidationError, file: Path, lines: Mapping[str, int]) -> InputError:
    found = error.errors()
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
    path: list[str] = [str(p) for p in first["loc"] if not str(p).startswith("function-")]
    while len(path) > 1 and ".".join(path) not in lines and first["type"] != "missing":
        path = path[:-1]
    key, line = ".".join(path), lines.get(".".join(path))
    if first["type"] == "extra_forbidden":
        options = _fields(path[:-1])
        return InputError(
            "unknown key", file=file, line=line, key=key, allowed=options, nearest=nearest(path[-1], options)
        )
    if first["type"] == "missing":
        return InputError("this key is needed", file=file, line=lines.get(".".join(path[:-1]), 1), key=key)
    context = first.get("ctx", {})
    given = context.get("given", first.get("input"))
    if first["type"] == "literal_error":
        allowed = str(context.get("expected"))
        options = [word.strip("' ") for word in allowed.replace(" or ", ",").split(",")]
        return InputError(
            "unknown value",
            file=file,
            line=line,
            key=key,
            given=str(given),
            allowed=allowed,
            nearest=nearest(str(given), options),
        )
    message = first["msg"] if first["type"] == "quantity" else first["msg"].lower().removeprefix("input ")
    message = message.replace("valid tuple", "list, such as [grid, solar]").replace(
        "valid dictionary", "mapping of keys"
    )
    message = message.split(" or instance of")[0]
    shown = given if isinstance(given, int | float) else str(given)
    return InputError(
        message,
        file=file,
        line=line,
        key=key,
        given=shown,
        allowed=context.get("allowed"),
        nearest=context.get("nearest"),
    )


def read_scenario(file: str | Path) -> LoadedScenario:
    """Read and check a scenario file.

    Raises
    ------
    InputError
        No such file, not YAML, an unknown or missing key, a wrong unit or value; with file, line, key.
    """
    keys = read_keys(file, "scenario", list(Scenario.model_fields))
    path, lines, data = keys.file, keys.lines, keys.data
    scenario = check_scenario(data, path, lines)
    digest = hashlib.sha256(keys.text.encode()).hexdigest()[:12]
    return LoadedScenario(scenario, path, lines, keys.written, digest, data, keys.text)


def check_scenario(
    data: Mapping[str, Any], file: Path, lines: Mapping[str, int], *, sized: bool = True
) -> Scenario:
    """A scenario of keys as they are written; raises ``InputError`` with file, line and key.

    Without ``sized`` a run may leave open on how many accelerators it is.
    """
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise _as_input_error(error, file, lines) from None
    _cross_check(scenario, file, lines, sized)
    return scenario


def _cross_check(scenario: Scenario, file: Path, lines: Mapping[str, int], sized: bool) -> None:
    training, serving, machine = scenario.training, scenario.serving, scenario.machine
    if (training is None) == (serving is None):
        both = training is not None
        raise InputError(
            "a scenario trains or serves, not both" if both else "what is done with the model is not said",
            file=file,
            line=lines.get("serving", 1),
            key="serving" if both else "training",
            given="training as well" if both else None,
            allowed='one of "training:" and "serving:"',
        )
    if serving is not None:
        _check_serving(scenario, serving, file, lines, sized)
    elif sized and machine.count is None and machine.power is None:
        raise InputError(
            "give the machine's size as count or as power",
            file=file,
            line=lines.get("machine"),
            key="machine",
            allowed='"count: 16384", "power: 1 GW", or both: then a cap keeps the count within the power',
        )
    if not YEARS[0] <= scenario.year <= YEARS[1]:
        raise InputError(
            "out of range",
            file=file,
            line=lines.get("year"),
            key="year",
            given=scenario.year,
            allowed=f"{YEARS[0]} to {YEARS[1]}",
        )


#: Keys that only a training run has, and what serving has in their place.
_TRAINING_ONLY = {
    "layout": "serving.layout",
    "machine.stack": "serving.engine",
    "machine.power_cap": "no cap: serving knows the chip's own power limit only",
}


def _check_serving(
    scenario: Scenario, serving: ServingSection, file: Path, lines: Mapping[str, int], sized: bool
) -> None:
    for key, instead in _TRAINING_ONLY.items():
        if key in lines:
            raise InputError("belongs to training", file=file, line=lines[key], key=key, allowed=instead)
    sizes = {
        "serving.demand": serving.demand,
        "machine.count": scenario.machine.count,
        "machine.power": scenario.machine.power,
    }
    given = [key for key, value in sizes.items() if value is not None]
    example = '"serving.demand: 2000 requests/s", "machine.count: 1024" or "machine.power: 100 MW"'
    if len(given) > 1 or (sized and not given):
        raise InputError(
            "the size stands twice" if given else "neither the demand nor the machine's size is given",
            file=file,
            line=lines.get(given[-1] if given else "serving"),
            key=given[-1] if given else "serving",
            given=f"{given[0]} as well" if given else None,
            allowed=f"one of {example}",
        )
    if serving.replicas is not None and serving.demand is None:
        raise InputError(
            "as many replicas as the machine holds",
            file=file, line=lines.get("serving.replicas"), key="serving.replicas", given=serving.replicas,
            allowed="replicas with serving.demand",
        )  # fmt: skip
    if serving.mode in ("disaggregated", "both"):
        for key in ("replicas", "autoscaling"):
            if getattr(serving, key) is not None:
                raise InputError(
                    f"is not known for two kinds of replicas, which mode {serving.mode} may have",
                    file=file, line=lines.get(f"serving.{key}"), key=f"serving.{key}",
                    allowed="mode: aggregated",
                )  # fmt: skip
