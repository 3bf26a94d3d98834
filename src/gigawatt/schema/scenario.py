"""A scenario in YAML, read strictly, with the line of every key.

Units are read here, once (:mod:`gigawatt.core.quantities`); all values inside are SI. An unknown
key, a missing unit or an impossible value is one line that names file, line, key and the allowed values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.keys import read_keys
from gigawatt.schema.fields import FIELDS, LOAD, SERVING, TRAINING, fields, keys_under, nearest_key, sections
from gigawatt.schema.fields import field as find_field
from gigawatt.schema.plausible import check_plausible, implausible
from gigawatt.schema.renamed import rename_keys
from gigawatt.schema.values import YEAR, YEARS, annotation, starting

__all__ = [
    "SHORT",
    "SOUGHT",
    "YEAR",
    "YEARS",
    "LoadedScenario",
    "Scenario",
    "check_scenario",
    "given_fields",
    "read_scenario",
    "sizes",
    "value_of",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


SHORT = {"site": "site.name", "load": "load.peak"}
"""Sections that may be one value, ``site: texas`` and ``load: 1 GW``, and the field that it then is."""
_LOAD_FILE = "load.hours"
"""The field of ``load: profile.csv``."""
SOUGHT = ("training.deadline", "economics.budget")
"""Fields by which the number of accelerators is found where no other gives it, the first of them before the
second; beside a size they are limits."""
#: Sections that are absent, rather than empty, where nothing is written of them.
_ABSENT = ("training", "serving", "serving.autoscaling")


def _section(name: str) -> Any:
    """The model of a section, made of its fields: what holds values holds them under their names."""
    made: dict[str, Any] = {}
    for part in keys_under(name):
        key = f"{name}.{part}" if name else part
        if key in sections():
            inner = _section(key)
            needed = any(one.required for one in FIELDS if one.key.startswith(f"{key}."))
            absent = key in _ABSENT
            made[part] = (inner | None, None) if absent else (inner, ... if needed else inner())
            continue
        one = fields()[key]
        kind = annotation(one)
        default = starting(one)
        made[part] = (kind, ...) if one.required else (kind if default is not None else kind | None, default)
    title = "".join(part.title() for part in name.replace("_", ".").split("."))
    title = f"{title}Section" if title else "Scenario"
    model = create_model(title, __base__=_Strict, __module__=__name__, **made)
    globals()[title] = model  # where pickle looks for it
    return model


if TYPE_CHECKING:

    class Scenario(_Strict):
        """The whole question, made of :data:`~gigawatt.schema.fields.FIELDS`."""

        def __getattr__(self, name: str) -> Any: ...

else:
    Scenario = _section("")


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

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know of the values as they are written: those outside of where the world lies."""
        return implausible(given_fields(self.scenario, self.lines))

    def where(self, key: str) -> str:
        """``file:line`` of a dotted key, or an empty string if it was not written."""
        return f"{self.file}:{self.lines[key]}" if key in self.lines else ""

    @property
    def branch(self) -> str:
        """The branch of the chain that answers it."""
        if self.scenario.training is not None:
            return TRAINING
        return SERVING if self.scenario.serving is not None else LOAD

    @property
    def serves(self) -> bool:
        """Whether a model is served."""
        return self.branch == SERVING

    def blame(self, error: GigawattError, key: str) -> GigawattError:
        """The error about a value of ``key``, with file, line and key."""
        error.at(file=self.file, line=self.lines.get(key), key=key)
        return error


def given_fields(scenario: Any, lines: Mapping[str, int]) -> list[tuple[str, Any]]:
    """(name, value [SI]) of the fields that are written."""
    keys = {one.key: None for key in lines if (one := find_field(key)) is not None}
    return [(key, value) for key in keys if (value := value_of(scenario, key)) is not None]


def value_of(scenario: Scenario, key: str) -> Any:
    """The value of a field [SI]; ``None`` in a section that is not there."""
    at: Any = scenario
    for part in key.split("."):
        at = None if at is None else getattr(at, part)
    return at


def _as_input_error(error: ValidationError, file: Path, lines: Mapping[str, int]) -> InputError:
    found = error.errors()
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
    path: list[str] = [str(p) for p in first["loc"] if not str(p).startswith("function-")]
    while len(path) > 1 and ".".join(path) not in lines and first["type"] != "missing":
        path = path[:-1]
    key, line = ".".join(path), lines.get(".".join(path))
    if first["type"] == "extra_forbidden":
        section = ".".join(path[:-1])
        return InputError(
            "unknown key", file=file, line=line, key=key, allowed=keys_under(section),
            nearest=nearest_key(section, path[-1]),
        )  # fmt: skip
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
    keys = read_keys(file, "scenario", keys_under(""))
    path, lines, written = keys.file, dict(keys.lines), dict(keys.written)
    data = dict(keys.data)
    for section, key in SHORT.items():
        if section in written:  # one value in place of a section
            key = field_of_value(section, written[section])
            data[section] = {key.rpartition(".")[2]: data[section]}
            written[key], lines[key] = written.pop(section), lines[section]
    rename_keys(data, lines, written, path)
    scenario = check_scenario(data, path, lines)
    digest = hashlib.sha256(keys.text.encode()).hexdigest()[:12]
    return LoadedScenario(scenario, path, lines, written, digest, data, keys.text)


def field_of_value(section: str, written: object) -> str:
    """The field of a section that is one value: ``load.peak`` of ``load: 1 GW``, ``load.hours`` of a CSV."""
    file = section == "load" and str(written).strip().lower().endswith(".csv")
    return _LOAD_FILE if file else SHORT.get(section, section)


def check_scenario(
    data: Mapping[str, Any], file: Path, lines: Mapping[str, int], *, sized: bool = True
) -> Any:
    """A scenario of keys as they are written; raises ``InputError`` with file, line and key.

    Without ``sized`` a run may leave open on how many accelerators it is.
    """
    if "rl" in data and "training" not in data and "serving" not in data:
        data = {**data, "training": {}}  # reinforcement learning is training, whose section may be empty
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise _as_input_error(error, file, lines) from None
    _cross_check(scenario, file, lines, sized)
    check_plausible(given_fields(scenario, lines), file, lines)
    return scenario


def _cross_check(scenario: Any, file: Path, lines: Mapping[str, int], sized: bool) -> None:
    training, serving = scenario.training, scenario.serving
    alone = training is None and serving is None
    if (training is not None and serving is not None) or (alone and "load" not in lines):
        raise InputError(
            "training or serving is missing" if alone else "a scenario trains or serves, not both",
            file=file,
            line=lines.get("serving", 1),
            key="training" if alone else "serving",
            given=None if alone else "training as well",
            allowed='one of "training:" and "serving:", or "load:" for a load without a model',
        )
    if not alone:
        _check_model(scenario, file, lines)
    if training is not None:
        _check_trained(scenario, file, lines)
    if serving is not None:
        _check_serving(scenario, serving, file, lines, sized)
    elif training is not None and sized and not any(value_of(scenario, key) for key in sizes(TRAINING)):
        raise InputError(
            "give the machine's size as count or as power",
            file=file,
            line=lines.get("machine"),
            key="machine",
            allowed='"count: 16384", "power: 1 GW", or both: then a cap keeps the count within the power; '
            'or "training.deadline: 30 days" or "economics.budget: 50 M$", which size it',
        )
    if not alone:
        _check_sought(scenario, file, lines)
    for key in ("year", "economics.chip_bought"):
        year = value_of(scenario, key)
        if year is not None and not YEARS[0] <= year <= YEARS[1]:
            raise InputError("out of range", file=file, line=lines.get(key), key=key, given=year,
                             allowed=f"{YEARS[0]} to {YEARS[1]}")  # fmt: skip


def sizes(branch: str) -> tuple[str, ...]:
    """Fields that say how large the machine is, in the order in which the first given one does."""
    demand = ("serving.demand",) if branch == SERVING else ()
    return (*demand, "machine.count", "machine.power", *(SOUGHT if branch == TRAINING else SOUGHT[1:]))


def _check_sought(scenario: Any, file: Path, lines: Mapping[str, int]) -> None:
    """Raise ``InputError`` of a field beside which a deadline or a budget says nothing."""
    budget, rent = (value_of(scenario, f"economics.{name}") for name in ("budget", "chip_rent"))
    if budget is not None and rent is not None:
        raise InputError(
            "a budget buys the accelerators, a rent is paid by the hour",
            file=file, line=lines.get("economics.budget"), key="economics.budget",
            given="economics.chip_rent as well",
            allowed="one of them; gigawatt solve --limit 'ledger.rented_cost <= 10 M$' keeps a run on rented "
            "accelerators within an amount",
        )  # fmt: skip
    by = next((key for key in sizes(TRAINING) if value_of(scenario, key) is not None), None)
    if by == "training.deadline" and value_of(scenario, "training.step_time") is not None:
        raise InputError(
            "the time of a step is given, whatever the size",
            file=file, line=lines.get("training.step_time"), key="training.step_time",
            allowed="machine.count or machine.power beside it, or the deadline without it",
        )  # fmt: skip


def _check_model(scenario: Any, file: Path, lines: Mapping[str, int]) -> None:
    """Raise ``InputError`` of a scenario that lacks a needed key."""
    for one in FIELDS:
        if one.needed and not one.required and value_of(scenario, one.key) is None:
            section = one.key.rpartition(".")[0]
            key = one.key if not section or section in lines else section
            raise InputError("this key is needed", file=file, line=lines.get(section, 1), key=key,
                             allowed=f"for example {one.example}")  # fmt: skip


_OF_A_STEP = ("rl.prompts", "rl.samples", "rl.prompt", "rl.response")
"""What a step of reinforcement learning cannot be without."""


def _check_trained(scenario: Any, file: Path, lines: Mapping[str, int]) -> None:
    """Raise ``InputError`` where it is not said on what a run trains."""
    if scenario.rl.steps is None and scenario.training.tokens is None:
        line = lines.get("training", 1)
        raise InputError("this key is needed", file=file, line=line, key="training.tokens",
                         allowed="tokens, or rl.steps for reinforcement learning")  # fmt: skip
    if scenario.rl.steps is None:
        for key in lines:
            if key.startswith("rl."):
                raise InputError("there are no rollouts", file=file, line=lines[key], key=key,
                                 allowed="rl.steps as well, in place of training.tokens")  # fmt: skip
        return
    for key in _OF_A_STEP:
        if value_of(scenario, key) is None:
            example = fields()[key].example
            raise InputError("this key is needed", file=file, line=lines.get("rl", 1), key=key,
                             allowed=f"such as {example}")  # fmt: skip
    if scenario.rl.mode != "asynchronous":
        for key in ("rl.rollout_share", "rl.staleness"):
            if key in lines:
                raise InputError("rollouts have the accelerators that train", file=file, line=lines[key],
                                 key=key, allowed="rl.mode: asynchronous as well")  # fmt: skip


#: Keys that only a training run has, and what serving has in their place.
_TRAINING_ONLY = {
    "layout": "serving.layout",
    "software": "serving.engine",
}


def _check_serving(scenario: Any, serving: Any, file: Path, lines: Mapping[str, int], sized: bool) -> None:
    for key, instead in _TRAINING_ONLY.items():
        if key in lines:
            raise InputError("belongs to training", file=file, line=lines[key], key=key, allowed=instead)
    given = [key for key in sizes(SERVING) if value_of(scenario, key) is not None and key not in SOUGHT]
    example = '"serving.demand: 2000 requests/s", "machine.count: 1024" or "machine.power: 100 MW"'
    budget = '"economics.budget: 50 M$", which sizes it'
    other = ', or "serving.replicas: 4" beside a demand' if given else f", or {budget}"
    sought = scenario.economics.budget is not None
    if len(given) > 1 or (sized and not given and not sought):
        raise InputError(
            "the size is given twice" if given else "the demand or the machine's size is missing",
            file=file,
            line=lines.get(given[-1] if given else "serving"),
            key=given[-1] if given else "serving",
            given=f"{given[0]} as well" if given else None,
            allowed=f"one of {example}{other}",
        )
    if serving.replicas is not None and serving.demand is None:
        raise InputError(
            "as many replicas as the machine holds",
            file=file, line=lines.get("serving.replicas"), key="serving.replicas", given=serving.replicas,
            allowed="replicas with serving.demand",
        )  # fmt: skip
    if serving.mode in ("disaggregated", "both"):
        for key in ("replicas", "autoscaling", "failures", "availability"):
            if getattr(serving, key) is not None:
                raise InputError(
                    f"needs one kind of replica; mode {serving.mode} may have two",
                    file=file, line=lines.get(f"serving.{key}"), key=f"serving.{key}",
                    allowed="mode: aggregated",
                )  # fmt: skip
