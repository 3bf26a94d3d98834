"""A simulated service: what the command and Python both call."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import several
from gigawatt.studies.serving import SIMULATION
from gigawatt.studies.serving.door import question_of

if TYPE_CHECKING:
    from gigawatt.chain.assumption_list import AssumptionList
    from gigawatt.chain.serving.classes import MixedTraffic
    from gigawatt.chain.serving.question import ServingQuestion
    from gigawatt.chain.serving.replica import Degrees
    from gigawatt.chain.serving.replica_outages import ReplicaOutages
    from gigawatt.chain.serving.simulate import ServingRun, Setup
    from gigawatt.machine import Cluster
    from gigawatt.serving.fleet import Autoscaling

__all__ = ["simulate_serving"]

Progress = Callable[[str, float], None]
_OF_RUN = (
    "scenario", "concurrency", "preemption", "host_bandwidth", "prefix_caching", "static", "long_prompt",
    "layout", "replicas", "routing", "autoscale", "prefill", "requests", "span", "whole", "seed",
    "failures", "outages", "priority_preemption",
)  # fmt: skip
"""Words of the run; the others are fields of the question."""
_USUAL: dict[str, Any] = {
    "prefix_caching": True, "static": False, "whole": False, "seed": 0, "priority_preemption": False
}  # fmt: skip
_LENGTHS = ("trace", "prompt", "output")
_OF_CLASSES = (*_LENGTHS, "sessions", "arrivals", "variation", "shape", "objective", "images", "audio")
"""Words of a scenario that classes on the command line replace."""

_MANY = 2**20
"""Accelerators of a machine with whole domains."""


def simulate_serving(
    scenario: str | Path | None = None, *, progress: Progress | None = None, **words: Any
) -> Answer:
    """Simulate a service, as ``gigawatt simulate-serving`` does: latencies, power, cost per token.

    Parameters
    ----------
    scenario : path, optional
        A scenario with a ``serving`` section; words replace its values.
    progress : callable, optional
        Called with (what is done, share done).
    **words
        Options of the command: ``model, chip, trace, rate, demand, objective, tensor, pipeline, replicas,
        routing, autoscale, prefill, layout, requests, span, whole, seed …``, and ``settings``, fields of a
        scenario: ``{"economics.chip_life": "3 years"}``

    Returns
    -------
    Answer
        Keys in docs/simulate-serving.md; tables ``requests`` (a row a request) and ``series`` (a row a bin).

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read; replicas on which the model does not fit.
    """
    from gigawatt.studies.serving.answer import run_answer
    from gigawatt.studies.serving.simulate_columns import request_columns, series_columns
    from gigawatt.studies.serving.simulate_figures import distributions
    from gigawatt.studies.serving.simulate_figures import series as drawn_series

    silent = dict.fromkeys((*_OF_RUN, "model", "chip", "rate", "demand", "classes")) | _USUAL
    given = _filled(silent | words | {"scenario": scenario})
    run = _run(given, progress or (lambda written, share: None))
    data, series = run_answer(run), series_columns(run)
    tables = {"requests": partial(request_columns, run), "series": partial(series_columns, run)}
    drawings = {
        "series": partial(drawn_series, data, series),
        "distributions": partial(distributions, data),
    }
    parquet = {"requests": tables["requests"]}
    return Answer(SIMULATION, data, run, drawings, tables, more=series, files=tables, parquet=parquet)


def _filled(given: dict[str, Any]) -> dict[str, Any]:
    """The options, completed from the scenario."""
    if given["scenario"] is not None:
        from gigawatt.chain.serving.scenario import asked_by

        written = asked_by(given["scenario"])
        if given["rate"] or given["demand"] or given["concurrency"]:
            written = {key: value for key, value in written.items() if key not in ("rate", "demand")}
        if given["classes"] is not None:
            shared = re.search(r"\bshare\s*=", given["classes"])
            left_out = (*_OF_CLASSES, *(() if shared else ("rate", "demand")))
            written = {key: value for key, value in written.items() if key not in left_out}
        if given["span"] is not None:
            written.pop("requests", None)
        written["settings"] = {**written["settings"], **(given.get("settings") or {})}
        spoken = {key for key, value in given.items() if value is not None and (key, value) != ("seed", 0)}
        given |= {key: value for key, value in written.items() if key not in spoken or key == "settings"}
    for key in ("model", "chip"):
        if given[key] is None:
            raise InputError("is missing", key=f"--{key}", allowed=f"--{key} NAME, or a scenario with it")
    return given


def _run(given: dict[str, Any], report: Callable[[str, float], None]) -> ServingRun:
    from dataclasses import replace

    from gigawatt.chain.assumption_list import AssumptionList, positive
    from gigawatt.chain.serving.classes import MixedTraffic
    from gigawatt.chain.serving.simulate import request_count, run_serving

    words_of = {name: value for name, value in given.items() if name not in _OF_RUN}
    assumed = AssumptionList()
    if given["classes"] is not None and given["concurrency"] is not None:
        raise InputError("cannot be combined with classes", key="concurrency", given=given["concurrency"],
                         allowed="--rate, or a rate of each class")  # fmt: skip
    question = question_of(words_of)
    if given["prefill"] is not None and given["prefill"].strip().lower() == "published":
        given = _as_published(question, given, assumed)
        question = question_of(words_of | {name: given.get(name) for name in ("guesses", "speculation")})
    if isinstance(question.traffic, MixedTraffic):
        return _run_classes(question, question.traffic, given, report, assumed)
    rate = _rate(question, given)
    cluster, setup = _setup(question, given, rate, report, assumed)
    span = None if given["span"] is None else positive(given["span"], "s", "span", "1 h")
    count = request_count(
        question, rate=rate, count=given["requests"], span=span, concurrency=given["concurrency"]
    )
    report(several(count, "request"), 0.1)
    requests = question.traffic.at(rate=rate, count=count, seed=given["seed"])
    report(f"{several(count, 'request')} on {several(setup.chips, 'accelerator')}", 0.2)
    run = run_serving(
        question, cluster, setup, requests, window=None if given["whole"] else "steady", seed=given["seed"]
    )
    return replace(run, assumptions=(*run.assumptions, *assumed.assumptions))


def _run_classes(
    question: ServingQuestion, traffic: MixedTraffic, given: dict[str, Any],
    report: Callable[[str, float], None], assumed: AssumptionList,
) -> ServingRun:  # fmt: skip
    """A run of several classes of requests."""
    from dataclasses import replace

    from gigawatt.chain.assumption_list import positive
    from gigawatt.chain.serving.simulate import MOST, SPAN, run_serving

    span = SPAN if given["span"] is None else positive(given["span"], "s", "span", "1 h")
    count, rate, classes = given["requests"], question.demand, len(traffic.classes)
    if count is not None and count < classes:
        raise InputError("fewer than classes", key="requests", given=count, allowed=f"{classes} or more")
    if rate is None:
        raise InputError("classes by share need a rate of all", key="rate", allowed="--rate such as '20/s'")
    usual = max(round(rate * span), 1)
    number = count or (min(usual, MOST) if given["span"] is None else usual)
    mix = traffic.mixed(rate=rate, count=number, seed=given["seed"])
    requests = mix.requests
    cluster, setup = _setup(question, given, len(requests) / requests.span, report, assumed)
    report(f"{several(len(requests), 'request')} on {several(setup.chips, 'accelerator')}", 0.2)
    run = run_serving(
        question, cluster, replace(setup, mix=mix), requests,
        window=None if given["whole"] else "steady", seed=given["seed"],
    )  # fmt: skip
    return replace(run, assumptions=(*run.assumptions, *assumed.assumptions))


def _rate(question: ServingQuestion, given: dict[str, Any]) -> float:
    own = question.traffic.own_rate
    if question.demand is not None:
        return question.demand
    if given["concurrency"] is not None:
        return 1.0 if own is None else own
    if own is None:
        raise InputError(
            "the request rate is missing",
            key="rate",
            allowed="--rate such as '20/s', --demand or --concurrency",
        )
    return own


def _setup(
    question: ServingQuestion,
    given: dict[str, Any],
    rate: float,
    report: Callable[[str, float], None],
    assumed: AssumptionList,
) -> tuple[Cluster, Setup]:
    from gigawatt.chain.assumption_list import positive
    from gigawatt.chain.serving.choice import transfer
    from gigawatt.chain.serving.simulate import Setup, part
    from gigawatt.serving.fleet import Link

    cluster, _ = question.cluster(_MANY)
    report("Choosing the layout", 0.05)
    degrees, number = _degrees(question, given, rate, cluster)
    number = given["replicas"] if given["replicas"] is not None else number
    scaling = _autoscaling(given["autoscale"], assumed)
    if scaling is not None:
        number = min(max(number, scaling.minimum), scaling.maximum)
    options: dict[str, Any] = {
        "preemption": given["preemption"] or assumed.default("serving.preemption").text("text"),
        "host_bandwidth": None if given["host_bandwidth"] is None
        else positive(given["host_bandwidth"], "B/s", "host_bandwidth", "100 GB/s"),
        "prefix_caching": given["prefix_caching"],
        "priority_preemption": given["priority_preemption"],
        "mode": "static" if given["static"] else None,
        "long_prompt": given["long_prompt"],
    }  # fmt: skip
    main = part(question, degrees, number, _held(given, number), **options)
    most = number if scaling is None else scaling.maximum
    if given["prefill"] is None:
        routing = _routing(question, given, most, assumed)
        outages = _outages(given, degrees, most, cluster, assumed)
        return cluster, Setup(main, routing, scaling, concurrency=given["concurrency"], outages=outages)
    for key in ("failures", "outages"):
        if given[key] is not None:
            raise InputError(
                "replicas fail where they both prefill and decode", key=key, given=given[key],
                allowed="without --prefill",
            )  # fmt: skip
    if scaling is not None or given["static"]:
        key = "autoscale" if scaling else "static"
        raise InputError("cannot be combined with prefill replicas", key=key, allowed="without --prefill")
    count, first = _counted_layout(question, given["prefill"], cluster)
    moved = transfer(question, cluster, float(first.chips[0]), float(degrees.chips[0]))
    before = part(question, first, count, _held(given, count), **options)
    link = Link(moved.bandwidth, moved.latency)
    routing = _routing(question, given, max(most, count), assumed)
    return cluster, Setup(main, routing, prefill=before, link=link, concurrency=given["concurrency"])


def _held(given: dict[str, Any], replicas: int) -> float | None:
    """Requests in flight on one of the replicas, where that is known: published recipes go by it."""
    return None if given["concurrency"] is None else max(given["concurrency"] / replicas, 1.0)


def _outages(
    given: dict[str, Any], degrees: Degrees, most: int, cluster: Cluster, assumed: AssumptionList
) -> ReplicaOutages | None:
    """How the ``most`` replicas fail and are drained; rates and times left out are the catalog's."""
    from gigawatt.chain.serving.replica_outages import read_outages

    chips = round(float(degrees.chips[0]))
    found = read_outages(given["outages"], given["failures"], chips, cluster.node_chips, assumed)
    for one in () if found is None else found.outages.planned:
        if one.kind != "update" and one.replica >= most:
            raise InputError("no such replica", key="outages", given=one.replica, allowed=f"0 to {most - 1}")
    if found is not None and given["static"]:
        raise InputError("static batches have no outages", key="static", allowed="without --outages")
    return found


def _routing(question: ServingQuestion, given: dict[str, Any], most: int, assumed: AssumptionList) -> str:
    """How requests find one of ``most`` replicas: as given, or the default, which is listed."""
    said = given["routing"] or question.routing
    usual = question.traffic.routing(most, cached=bool(given["prefix_caching"]))
    return said or assumed.default("serving.routing", usual).text("text")


def _degrees(
    question: ServingQuestion, given: dict[str, Any], rate: float, cluster: Cluster
) -> tuple[Degrees, int]:
    """(the replica, its default number)."""
    from dataclasses import replace

    from gigawatt.chain.serving.plan import plan_serving
    from gigawatt.chain.serving.replica import degrees_of
    from gigawatt.chain.serving.simulate import check_replica, least_replica

    text = given["layout"]
    if text is not None and text.strip().lower() != "auto":
        if question.fixed:
            raise InputError(
                "the layout is given twice", key="layout", given=text, allowed="it or --tensor …"
            )
        return _layout(question, text, cluster, "layout"), 1
    if question.fixed and text is None:
        found = degrees_of(**question.fixed)
        check_replica(question, cluster, found)
        return found, 1
    try:
        asked = question if given["concurrency"] is not None else replace(question, demand=rate)
        plan = plan_serving(asked, finalists=0)
    except InfeasibleError:
        return least_replica(question, cluster), 1
    pool = plan.first.pools[0]
    return pool.points.degrees, pool.replicas


def _layout(question: ServingQuestion, text: str, cluster: Cluster, key: str) -> Degrees:
    from gigawatt.chain.serving.replica import degrees_of
    from gigawatt.chain.serving.simulate import check_replica

    names = {"tp": "tensor", "pp": "pipeline", "dp": "data", "ep": "expert"}
    found: dict[str, int] = {}
    for word in re.split(r"[\s,]+", text.strip().lower()):
        match = re.fullmatch(r"(tp|pp|dp|ep)=?(\d+)", word)
        if match is None or names[match[1]] in found or int(match[2]) < 1:
            raise InputError(
                "not a layout", key=key, given=text, allowed="auto, or such as 'TP8' or 'TP4 PP2'"
            )
        found[names[match[1]]] = int(match[2])
    degrees = degrees_of(**found)
    try:
        check_replica(question, cluster, degrees)
    except (InputError, InfeasibleError) as error:
        error.key = key
        raise
    return degrees


def _as_published(
    question: ServingQuestion, given: dict[str, Any], assumed: AssumptionList
) -> dict[str, Any]:
    """The options with the pools, and the draft tokens, of the published deployment for this load."""
    from gigawatt.catalog import table
    from gigawatt.core.evidence import Grade
    from gigawatt.performance.serving.deployments import MODULES, deployments_of

    twice = [(key, given[key]) for key in ("layout", "replicas") if given[key] is not None]
    twice += question.fixed.items()
    if twice:
        key, value = twice[0]
        raise InputError(
            "the pools are given twice", key=key, given=value, allowed="without --prefill published"
        )
    if given["concurrency"] is None:
        raise InputError("published pools go by the requests in flight", key="prefill", given="published",
                         allowed="with --concurrency")  # fmt: skip
    found = question.deployment(given["concurrency"])
    if found is None:
        model, engine, load = question.architecture.name, question.engine.id, question.traffic
        known = deployments_of(model, engine)
        raise InputError(
            f"no deployment of {model} is published for this load", key="prefill",
            given=f"{engine}, {question.chip.id}, {question.weights}, {load.mean_prompt:.0f} prompt and "
            f"{load.mean_output:.0f} output tokens",
            allowed=", ".join(known) if known else "such as '2xTP8'",
        )  # fmt: skip
    row, prefill, decode = table("engines_deployments")[found.id], found.prefill, found.decode
    said = prefill.counted
    drafts: dict[str, Any] = {}
    if found.guesses and given.get("guesses") is None and given.get("speculation") is None:
        drafts = {"guesses": int(found.guesses), "speculation": MODULES}
    assumed.add(
        "serving.prefill",
        f"{said} and {decode.counted} for decode"
        + (f", {found.guesses:g} draft tokens" if drafts else ""),
        f"deployment {found.id}, published for this model, engine, accelerator and format, at "
        f"{found.held:,.0f} requests in flight",
        Grade.read(row.text("grade")), row.text("source_id"),
    )  # fmt: skip
    return given | drafts | {"prefill": said, "layout": decode.words, "replicas": round(decode.count)}


def _counted_layout(question: ServingQuestion, text: str, cluster: Cluster) -> tuple[int, Degrees]:
    match = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(.+?)\s*", text, re.IGNORECASE)
    if match is None or int(match[1]) < 1:
        raise InputError("not replicas of a layout", key="prefill", given=text,
                         allowed="such as '2xTP8', or published")  # fmt: skip
    return int(match[1]), _layout(question, match[2], cluster, "prefill")


def _autoscaling(text: str | None, assumed: AssumptionList) -> Autoscaling | None:
    """``1-8,target=64,interval=10s,start=60s,cool=120s``: the autoscaling rule, defaults filled in."""
    if text is None:
        return None
    from gigawatt.chain.assumption_list import positive
    from gigawatt.serving.fleet import Autoscaling

    example = "such as '1-8,target=64,start=60s'"
    head, *rest = text.split(",")
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", head)
    if match is None:
        raise InputError("not a range of replicas", key="autoscale", given=text, allowed=example)
    rules: dict[str, str] = {}
    for word in rest:
        name, sign, value = (part.strip() for part in word.partition("="))
        if not sign or name not in ("target", "interval", "start", "cool") or name in rules:
            raise InputError("not a rule of autoscaling", key="autoscale", given=word.strip(),
                             allowed="target, interval, start, cool")  # fmt: skip
        rules[name] = value
    if "target" not in rules:
        raise InputError("the requests per replica are missing", key="autoscale", given=text, allowed=example)
    try:
        target = float(rules["target"])
    except ValueError:
        target = math.nan
    if not target > 0.0:
        raise InputError("not a number of requests", key="autoscale", given=rules["target"], allowed=example)
    usual = {"interval": "interval", "start": "start_up", "cool": "cool_down"}
    times = {
        name: positive(
            rules[name] if name in rules else assumed.default(f"serving.autoscaling_{row}").text("text"),
            "s", "autoscale", "60 s", least=0.0,
        )
        for name, row in usual.items()
    }  # fmt: skip
    try:
        return Autoscaling(
            int(match[1]), int(match[2]), target, times["interval"], times["start"], times["cool"]
        )
    except InputError as error:
        error.key = "autoscale"
        raise
