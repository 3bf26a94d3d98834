"""Power swings of a training scenario: its step, the plants of its supply plan, its price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gigawatt.chain.asking import Asker
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.quantities import show
from gigawatt.power.seconds import code_of
from gigawatt.schema.fields import TRAINING
from gigawatt.schema.scenario import LoadedScenario, read_scenario
from gigawatt.studies.seconds.flexible import read_flexible
from gigawatt.studies.seconds.plan import SecondsAnswer, plan_seconds
from gigawatt.studies.seconds.question import Run, read_seconds_question

__all__ = ["scenario_seconds"]


def scenario_seconds(
    scenario: LoadedScenario | str | Path,
    *,
    plants: Mapping[str, float] | None = None,
    electricity: float | None = None,
    limits: str | None = None,
    duration: str | None = None,
    protection: str | None = None,
    event: str | None = None,
    flexible: Mapping[str, Any] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> SecondsAnswer:
    """:func:`gigawatt.studies.seconds.plan.plan_seconds` of the run of a scenario.

    The load is that of accelerators, nodes and network; the building follows slowly and is left out. The grid
    code is that of the site's grid or country.

    Parameters
    ----------
    scenario : LoadedScenario or path
        One that trains.
    plants : mapping, optional
        Plant → capacity [W], such as a plan of supply built. Where these cannot be judged, a notice says why
        and the load is judged without them.
    electricity : float, optional
        $/J; the usual price if left out.
    limits, duration, protection, event
        As :func:`gigawatt.studies.seconds.question.read_seconds_question` has them.
    flexible : mapping, optional
        A call, as :func:`gigawatt.studies.seconds.flexible.read_flexible` has it.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    InputError, InfeasibleError
        No such file, a scenario that does not train, a run that fits in no layout.
    """
    loaded = scenario if isinstance(scenario, LoadedScenario) else read_scenario(scenario)
    if loaded.branch != TRAINING:
        raise InputError("not a training scenario", file=loaded.file, allowed="a training: section")
    say = progress or (lambda text, share: None)
    say("Planning the training step", 0.0)
    point = Asker(loaded).at({})
    search, machine = (point.value(name).value for name in ("layouts.search", "machine.machine"))
    site = point.value("site.site").value
    model = point.value("model.architecture").value
    cluster = machine.cluster
    run = Run(f"{model.name} on {cluster.count:,} × {cluster.chip.name}", search.best, cluster)
    question = read_seconds_question(
        run=run,
        limits=limits,
        duration=duration,
        protection=protection,
        event=event,
        code=code_of(grid=site.grid, country=site.country) or None,
        electricity=None if electricity is None else show(electricity, "$/MWh", digits=6),
        plants={name: f"{watts:.9g} W" for name, watts in (plants or {}).items() if watts > 0.0},
    )

    def told(text: str, share: float) -> None:
        say(text, 0.2 + 0.8 * share)

    try:
        call = read_flexible(question, **dict(flexible or {}))
        return plan_seconds(question, told, call)
    except GigawattError as error:
        if not question.plants:
            raise
        alone = replace(
            question, plants={}, notices=(*question.notices, f"the plants were not checked: {error}")
        )
        return plan_seconds(alone, told, read_flexible(alone, **dict(flexible or {})))
