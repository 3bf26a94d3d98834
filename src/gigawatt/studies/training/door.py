"""A planned training run: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.studies.training import STUDY

if TYPE_CHECKING:
    from gigawatt.chain.training.plan import Plan
    from gigawatt.chain.training.question import TrainingQuestion

__all__ = ["answer_training", "plan_training"]

Progress = Callable[[str, float], None]
_DAY = 86400.0


def _silent(words: str, share: float) -> None:
    """No progress."""


def plan_training(
    *,
    model: str | Path,
    chip: str,
    count: int | None = None,
    power: str | None = None,
    deadline: str | None = None,
    largest_model: bool = False,
    top: int = 5,
    relief: bool | float = False,
    pareto: bool = False,
    cap_sweep: bool = False,
    timeline: bool = False,
    sites: int | None = None,
    distance: str | None = None,
    wan: str | None = None,
    method: str | None = None,
    format: str | None = None,
    progress: Progress | None = None,
    **words: Any,
) -> Answer:
    """Plan a training run, as ``gigawatt plan-training`` does: the best layouts, days, money, what binds.

    Parameters
    ----------
    model : str or path
        A model of the catalog, or a ``config.json`` of a known family.
    chip : str
        An accelerator by the words of its name.
    count, power, deadline : optional
        Accelerators; power at the meter (``"300 MW"``); time on the clock (``"90 d"``). At least one.
    largest_model : bool
        The largest model of the family for ``deadline`` and ``power`` or ``count``.
    top : int
        Layouts to return, ≥ 1.
    relief : bool or float
        What more of each resource saves: twice as much, or this many times.
    pareto, cap_sweep, timeline : bool
        Compromises over the number of accelerators; every power cap; passes of the pipeline.
    sites, distance, wan, method : optional
        Data centres that share the accelerators.
    format : str, optional
        Number format of the multiplications.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Of :func:`gigawatt.chain.training.question.read_question`: ``tokens, sequence, batch, precision,
        optimizer, framework, software_version, year,
        pins, widen, site, pue, electricity, reliability, cap, node, scale_up …``,
        and ``settings``, keys of a scenario: ``{"economics.chip_life": "3 years"}``.

    Returns
    -------
    Answer
        Keys in docs/plan-training.md.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a machine on which the model does not fit, a limit that cannot be met.
    """
    from gigawatt.chain.training.question import read_question
    from gigawatt.schema.plausible import check_plausible
    from gigawatt.studies.training.figures import FIGURES

    own = {"count": count, "power": power, "deadline": deadline, "sites": sites, "distance": distance,
           "wan": wan, "method": method, "runs": None}  # fmt: skip
    own, words["settings"] = _own_fields(own, words.get("settings") or {})
    if isinstance(own["count"], int):
        check_plausible([("machine.count", own["count"])], None, {})
    question = read_question(model=str(model), chip=chip, number_format=format, **words)
    data, plan = answer_training(
        question,
        count=own["count"],
        power=own["power"],
        runs=_runs(own["runs"]),
        deadline=own["deadline"],
        largest_model=largest_model,
        top=top,
        relief=2.0 if relief is True else relief or None,
        pareto=pareto,
        cap_sweep=cap_sweep,
        spread=_sites_apart(own["sites"], own["distance"], own["wan"], own["method"]),
        timeline=timeline,
        progress=progress or _silent,
    )
    drawings = {name: partial(draw, data) for name, (key, draw, _) in FIGURES.items() if data.get(key)}
    tables = {
        "layouts": data["best"],
        "relief": data.get("relief"),
        "pareto": data.get("pareto"),
        "caps": data.get("cap_sweep", {}).get("rows"),
        "sites": data.get("sites", {}).get("methods"),
        "inverse": data.get("inverse", {}).get("searched"),
    }
    files = {name: partial(list, rows) for name, rows in tables.items() if rows}
    return Answer(STUDY, data, plan, drawings, files=files)


def answer_training(
    question: TrainingQuestion,
    *,
    count: int | None,
    power: str | None,
    runs: int,
    deadline: str | None,
    largest_model: bool,
    top: int,
    relief: float | None,
    pareto: bool,
    cap_sweep: bool,
    spread: Mapping[str, Any] | None,
    timeline: bool,
    progress: Progress,
) -> tuple[dict[str, Any], Plan]:
    """The document of a planned training run, and the plan.

    ``runs`` share the accelerators and the power (0: as many as pay): one of them is planned. ``relief`` is a
    factor, ``spread``: several data centres
    (``sites, distance, bandwidth, methods``), the rest as of :func:`plan_training`.
    """
    from gigawatt.chain.training.caps import cap_sweep as sweep_caps
    from gigawatt.chain.training.caps import power_choice
    from gigawatt.chain.training.inverse import largest_model as largest
    from gigawatt.chain.training.inverse import smallest_cluster
    from gigawatt.chain.training.pareto import pareto_front
    from gigawatt.chain.training.plan import count_for_power, pipeline_timeline
    from gigawatt.chain.training.plan import plan_training as planned
    from gigawatt.chain.training.relief import relieve
    from gigawatt.chain.training.sites import across
    from gigawatt.studies.training.answer import as_answer

    limit = _positive(power, "W", "power", "300 MW")
    until = _positive(deadline, "s", "deadline", "90 days")
    question, count, limit = _of_one_run(question, runs, count, limit)
    inverse = None
    if largest_model:
        if until is None:
            raise InputError(
                "the largest model needs a deadline", key="largest_model", allowed="give --deadline"
            )
        inverse = largest(question, until, limit=limit, count=count, top=top, progress=progress)
        plan = inverse.plan
    elif count is None and until is not None:
        inverse = smallest_cluster(question, until, limit=limit, top=top, progress=progress)
        plan = inverse.plan
    else:
        if count is None:
            if limit is None:
                raise InputError(
                    "the number of accelerators is missing",
                    key="count",
                    allowed="give --count, --power or --deadline",
                )
            count = count_for_power(question, limit)
        plan = planned(
            question,
            count,
            limit=limit,
            top=top,
            progress=lambda done, all_: progress("Searching layouts", 0.5 * done / max(all_, 1)),
        )
        plan = _beside_deadline(plan, until)
    apart = None if spread is None else across(plan, **spread)
    found = () if relief is None else relieve(plan, factor=relief, progress=progress)
    front, looked_at = pareto_front(plan, progress=progress) if pareto else ((), 0)
    staged = timeline and plan.search.best.layouts.pipeline[0] > 1
    document = as_answer(
        plan,
        band=_band(plan),
        relief=found,
        compromises=front,
        compromises_of=looked_at,
        inverse=inverse,
        timeline=pipeline_timeline(plan) if staged else None,
        caps=sweep_caps(plan) if cap_sweep else None,
        choice=power_choice(plan, question) if inverse is None else None,
        sites=apart,
    )
    return document, plan


_FIELDS = {
    "machine.count": "count", "machine.power": "power", "training.deadline": "deadline",
    "machine.sites": "sites", "machine.distance": "distance", "machine.wan": "wan",
    "machine.exchange": "method", "training.runs": "runs",
}  # fmt: skip
"""Fields that a plan reads itself, and its words for them."""


def _own_fields(
    words: dict[str, Any], settings: Mapping[str, object]
) -> tuple[dict[str, Any], dict[str, object]]:
    """(words with those that ``settings`` give as fields, the other settings)."""
    found, others = dict(words), dict[str, object]()
    for key, value in settings.items():
        word = _FIELDS.get(key)
        if word is None:
            others[key] = value
        elif found[word] is not None:
            raise InputError("given twice", key=key, given=str(value), allowed=f"or {word} alone")
        else:
            found[word] = value if word in ("count", "sites", "runs") else str(value)
    return found, others


def _runs(given: object) -> int:
    """Runs side by side: 1 where none are given, 0 for ``auto``."""
    from pydantic_core import PydanticCustomError

    from gigawatt.schema.values import as_runs

    try:
        return 1 if given is None else as_runs(given)
    except PydanticCustomError as error:
        allowed = (error.context or {}).get("allowed")
        raise InputError(error.message(), key="training.runs", given=str(given), allowed=allowed) from None


def _of_one_run(
    question: TrainingQuestion, runs: int, count: int | None, limit: float | None
) -> tuple[TrainingQuestion, int | None, float | None]:
    """(the question with what is said of its runs, accelerators and power [W] of one of them)."""
    from dataclasses import replace

    from gigawatt.chain.training.plan import count_for_power
    from gigawatt.chain.training.size import fit_runs

    if runs == 1:
        return question, count, limit
    if not runs:
        if count is None and limit is None:
            allowed = "give --count or --power as well, or a number of runs"
            raise InputError("auto needs a machine", key="training.runs", given="auto", allowed=allowed)
        whole = count_for_power(question, limit) if count is None and limit is not None else count
        if (runs := fit_runs(question, whole or 1, 0).runs) == 1:
            return question, count, limit
    if count is not None and count < runs:
        raise InputError("more runs than accelerators", key="training.runs", given=runs,
                         allowed=f"at most {count}")  # fmt: skip
    words = (
        f"{runs} equal runs share the machine: this is the plan of one, on its part of accelerators and power"
    )
    question = replace(question, notices=(*question.notices, words))
    return question, count and count // runs, limit and limit / runs


def _sites_apart(
    sites: int | None, distance: str | None, wan: str | None, method: str | None
) -> dict[str, Any] | None:
    """Several data centres: a number, a distance [m], lines [B/s], methods; ``None`` for one.

    Raises
    ------
    InputError
        One of the three without the others, fewer than two, a quantity that cannot be read.
    """
    given = {"sites": sites, "distance": distance, "wan": wan}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given) and method is None:
        return None
    if missing:
        allowed = "such as --sites 2 --distance 1000km --wan 400Gbit/s"
        raise InputError("several sites need this as well", key=missing[0], allowed=allowed)
    from gigawatt.chain.training.sites import method_names

    assert sites is not None
    if sites < 2:
        raise InputError("too few to be apart", key="sites", given=sites, allowed="2 or more")
    return {
        "sites": sites,
        "distance": _positive(distance, "m", "distance", "1000 km"),
        "bandwidth": _positive(wan, "B/s", "wan", "400 Gbit/s"),
        "methods": method_names(method),
    }


def _positive(text: str | None, unit: str, key: str, example: str) -> float | None:
    from gigawatt.chain.assumption_list import positive

    return None if text is None else positive(text, unit, key, example)


def _beside_deadline(plan: Plan, until: float | None) -> Plan:
    """The notice by how much a given deadline is met or missed."""
    if until is None:
        return plan
    from dataclasses import replace

    days = until / _DAY
    spare = days - plan.days
    words = f"{spare:.3g} days to spare" if spare >= 0 else f"{-spare:.3g} days too late"
    return replace(plan, notices=(*plan.notices, f"the deadline of {days:.4g} days: {words}"))


def _band(plan: Plan) -> dict[str, Any]:
    """The 90 % band of the step time as factors, and why the run is outside its range."""
    from gigawatt.performance.software_spread import software_spread
    from gigawatt.validation.training.domain import outside_domain, step_time_band

    model = plan.question.architecture
    routed = model.routed
    outside = outside_domain(
        chip=plan.cluster.chip,
        number_format=plan.run.number_format,
        routed=routed,
        count=plan.cluster.count,
        hidden=model.hidden,
        sequence=plan.run.sequence,
    )
    software = plan.question.stack.software
    stated = software is not None and software.stated
    band = step_time_band(chip=plan.cluster.chip.id, routed=routed, stated=stated, outside=outside)
    best = plan.search.best.layouts
    spread = software_spread(plan.run, best, plan.cluster, plan.question.stack)
    return {
        "low": min(band.low, 1.0 if spread is None else spread.low),
        "high": max(band.high, 1.0 if spread is None else spread.high),
        "software": spread,
        "coverage": band.coverage,
        "groups": band.groups,
        "outside": outside,
    }
