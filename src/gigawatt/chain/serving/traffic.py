"""The traffic of a service: a trace, or lengths and an arrival process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.core.quantities import parse, several
from gigawatt.serving.arrivals import arrival_times
from gigawatt.serving.loads import lengths_of
from gigawatt.serving.objectives import Objective
from gigawatt.serving.requests import Requests
from gigawatt.serving.scaling import scale_trace, select_requests
from gigawatt.serving.session_kinds import SessionKind, draw_sessions, read_session_kind
from gigawatt.serving.sessions import restarted, whole_sessions
from gigawatt.serving.synthetic import synthetic
from gigawatt.serving.traces import read_trace, trace_period

__all__ = ["USER_REQUESTS", "Traffic", "read_traffic"]

USER_REQUESTS = "serving.user_requests"
"""The row of requests that a user makes where a demand in users does not say."""

_SESSIONS = 2048
"""Sessions of a sample."""
_NONE = Requests(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
_SAMPLE = 8192
"""Sample size of a length distribution."""
_GONE_ON = 0.98
"""Share of turns that come sooner after the start of their session than the time for which sessions have gone
on."""


@dataclass(frozen=True)
class Traffic:
    """The traffic of a service: lengths and arrivals of requests.

    Attributes
    ----------
    name : str
        Of the trace, or the lengths in words.
    sample : Requests
        A trace as it was read, or a draw of synthetic requests; only what the model's context has room for.
    arrivals : str
        ``trace``, or a process of :mod:`gigawatt.serving.arrivals`.
    variation, shape : optional
        Of that process.
    prompt, output : str or None
        Distributions of lengths; ``None`` where they are those of the sample.
    long : int
        Requests of the sample, or trace, that were longer than the context.
    sessions : SessionKind, optional
        Whose turns the requests are; ``arrivals`` are those of the sessions then.
    limit : int, optional
        Tokens of prompt and output of a turn at most, after which a session ends.
    """

    name: str
    sample: Requests
    arrivals: str
    variation: float | None = None
    shape: str | None = None
    prompt: str | None = None
    output: str | None = None
    long: int = 0
    sessions: SessionKind | None = None
    limit: int | None = None

    @property
    def mean_turns(self) -> float:
        """Turns of a session; 1 without sessions."""
        found = self.sample.sessions
        return 1.0 if found is None else len(found) / max(int((~found.later).sum()), 1)

    @property
    def mean_prompt(self) -> float:
        """Tokens read by a request."""
        return float(self.sample.prompt.mean())

    @cached_property
    def computed(self) -> NDArray[np.int64]:
        """Tokens of the prompts of the sample that no request before holds, were nothing ever evicted."""
        return self.sample.prompt - self.sample.held_before

    @property
    def reusable(self) -> float:
        """Share of the prompts' tokens that requests before hold: what a cache without bounds would save."""
        return 1.0 - float(self.computed.mean()) / self.mean_prompt

    def routing(self, replicas: float = math.inf, *, cached: bool = True) -> str:
        """The row of the catalog's ``defaults`` by which such requests find one of ``replicas``.

        Where prompts begin as earlier ones did (turns of sessions, shared prefixes), they are ``cached`` and
        there is more than one replica, by what their caches hold; else by their load. Where it is not known
        how many there are, there may be more than one.
        """
        shared = cached and replicas > 1 and self.reusable > 0.0
        return "serving.routing.shared" if shared else "serving.routing"

    @property
    def mean_output(self) -> float:
        """Tokens written by a request."""
        return float(self.sample.output.mean())

    def requests(self, demand: tuple[str, float]) -> float:
        """Requests a second of a demand: (``request`` or output ``token``, how many of them a second), or
        (``user``, how many), each with the usual requests."""
        counted, number = demand
        if counted == "user":
            return number * parse(catalog.entity("defaults", USER_REQUESTS).text("text"), "1/s")
        return number / self.mean_output if counted == "token" else number

    @property
    def target(self) -> Objective | None:
        """Latency target that the requests bring with them: none where they are of one class."""
        return None

    @property
    def relaxed(self) -> Objective | None:
        """The same where nothing meets it in closed form and events decide: none likewise."""
        return None

    @property
    def own_rate(self) -> float | None:
        """Requests a second of a trace as it stands; ``None`` for synthetic ones."""
        period = trace_period(self.sample)
        return len(self.sample) / period if self.arrivals == "trace" and math.isfinite(period) else None

    def underway(self, *, rate: float, count: int, seed: int = 0) -> Requests:
        """About ``count`` requests at a mean ``rate`` [1/s] from the first moment on.

        As :meth:`at`, but for drawn sessions: these start long before, and what came of them before is cut
        off, so that their first turns here are in no cache. Sessions that all begin in the time of the
        requests have most of their turns after it.
        """
        if self.sessions is None:
            return self.at(rate=rate, count=count, seed=seed)
        assert self.sample.sessions is not None
        since = self.sample.arrival - self.sample.arrival[self.sample.sessions.root]
        before = float(np.quantile(since, _GONE_ON))
        made = self.at(rate=rate, count=round(count + rate * before), seed=seed)
        assert made.sessions is not None
        last = float(made.arrival[~made.sessions.later][-1])
        rows = np.flatnonzero((made.arrival >= last - count / rate) & (made.arrival <= last))
        found = made.turns(rows)
        assert found.sessions is not None
        return found.with_sessions(found.arrival - found.arrival[0], np.arange(len(found)), found.sessions)

    def at(self, *, rate: float, count: int, seed: int = 0) -> Requests:
        """``count`` requests at a mean ``rate`` [1/s].

        A trace is brought to the rate (:func:`~gigawatt.serving.scaling.scale_trace`) and its beginning
        taken, stretched until its own mean is the rate. Of sessions it is their starts that are drawn or
        stretched; there are as many whole sessions as have ``count`` turns in the mean.
        """
        if self.sessions is not None:
            starts = arrival_times(
                kind=self.arrivals, rate=rate / self.mean_turns, count=max(1, round(count / self.mean_turns)),
                variation=self.variation, shape=self.shape, seed=seed,
            )  # fmt: skip
            return draw_sessions(self.sessions, arrival=starts, longest=self.limit, seed=seed)[0]
        if self.sample.sessions is not None:
            return self.sample.with_sessions(*restarted(
                self.sample.arrival, self.sample.sessions, period=trace_period(self.sample), rate=rate,
                count=count,
            ))  # fmt: skip
        if self.arrivals != "trace":
            return synthetic(
                rate=rate, prompt=self.prompt, output=self.output, count=count, arrivals=self.arrivals,
                variation=self.variation, shape=self.shape, seed=seed,
                lengths_of=self.sample if self.prompt is None else None,
            )  # fmt: skip
        found = scale_trace(self.sample, rate=rate, span=1.5 * count / rate, seed=seed)
        found = select_requests(found, np.arange(min(count, len(found))))
        took = trace_period(found)
        factor = len(found) / rate / took if math.isfinite(took) else 1.0
        return replace(found, arrival=found.arrival * factor)


def read_traffic(
    assumed: AssumptionList,
    *,
    sessions: str | None = None,
    trace: str | None,
    prompt: str | None,
    output: str | None,
    arrivals: str | None,
    variation: float | None,
    shape: str | None,
    limit: int | None,
    beside: int = 0,
) -> Traffic:
    """The requests: a trace, the lengths of a named load (:mod:`gigawatt.serving.loads`), or lengths, with a
    process of arrivals; see :func:`read_serving_question`. Images and sound add ``beside`` tokens to each
    prompt."""
    if trace is not None and (prompt is not None or output is not None):
        key, given = ("prompt", prompt) if prompt is not None else ("output", output)
        raise InputError(
            "lengths are given twice", key=key, given=given, allowed=f"or those of the trace {trace}"
        )
    if sessions is not None:
        return _of_sessions(assumed, sessions, trace or prompt or output, arrivals, variation, shape, limit)
    if trace is None and prompt is None and output is None:
        trace = assumed.default("serving.trace").text("text")
    load = None if trace is None else lengths_of(trace)
    if load is not None:
        (prompt, output), name, trace = load, trace, None
    else:
        name = ""
    if trace is not None:
        try:
            found = Traffic(_short(trace), read_trace(trace), "trace" if arrivals is None else arrivals)
        except InputError as error:
            raise error.at(key="trace") if error.file is None else error from None
    else:
        ends = {
            key: assumed.default(f"serving.{key}").text("text") if given is None else given
            for key, given in (("prompt", prompt), ("output", output))
        }
        how = assumed.default("serving.arrivals").text("text") if arrivals is None else arrivals
        found = Traffic(
            name or f"{ends['prompt']} in, {ends['output']} out".replace(" tokens", ""),
            _drawn(ends),
            how,
            prompt=ends["prompt"],
            output=ends["output"],
        )
    found = replace(found, variation=variation, shape=shape)
    if found.sample.sessions is not None:
        _trace_sessions(assumed, found)
    if found.arrivals != "trace":  # refuses what does not go together
        synthetic(rate=1.0, count=2, lengths_of=found.sample, arrivals=found.arrivals, variation=variation,
                  shape=shape)  # fmt: skip
    elif variation is not None or shape is not None:
        key = "variation" if variation is not None else "shape"
        raise InputError("arrivals are those of the trace", key=key, allowed=f"{key} with --arrivals")
    if beside:
        found = _with_more(found, beside)
    return found if limit is None else _within(assumed, found, limit)


def _with_more(traffic: Traffic, tokens: int) -> Traffic:
    """The traffic with ``tokens`` more of each prompt, whose lengths are then those of the sample.

    Raises
    ------
    InputError
        Prompts of blocks, of which those of images would be some.
    """
    if traffic.sample.blocks is not None or traffic.sample.sessions is not None:
        raise InputError(
            "prompts of the trace share prefixes, which are text alone", key="images", given=traffic.name,
            allowed="another trace, or prompt and output",
        )  # fmt: skip
    sample = replace(traffic.sample, prompt=traffic.sample.prompt + tokens)
    return replace(traffic, sample=sample, prompt=None, output=None)


def _drawn(ends: Mapping[str, str]) -> Requests:
    for key, text in ends.items():
        try:
            synthetic(rate=1.0, count=1, prompt=text, output=text)
        except InputError as error:
            error.key = key
            raise
    return synthetic(rate=1.0, count=_SAMPLE, prompt=ends["prompt"], output=ends["output"])


def _within(assumed: AssumptionList, traffic: Traffic, limit: int) -> Traffic:
    """Only what the context has room for; the rest is counted."""
    size = traffic.sample.prompt + traffic.sample.output
    kept = np.flatnonzero(size <= limit)
    long = len(size) - len(kept)
    if not long:
        return traffic
    if not len(kept):
        raise InputError(
            "no request fits the model's context", key="trace" if traffic.prompt is None else "prompt",
            given=f"{int(size.min()):,} tokens at least", allowed=f"prompt and output of {limit:,} together",
        )  # fmt: skip
    assumed.notices.append(
        f"{long:,} of {several(len(size), 'request')} ({100 * long / len(size):.2g} %) "
        f"{'is' if long == 1 else 'are'} longer than the model's context of {limit:,} tokens and left out"
    )
    if traffic.sample.sessions is not None:
        kept = whole_sessions(traffic.sample.sessions, size <= limit)
        return replace(traffic, sample=traffic.sample.turns(kept), long=len(size) - len(kept))
    return replace(traffic, sample=select_requests(traffic.sample, kept), long=long)


def _of_sessions(
    assumed: AssumptionList, text: str, lengths: str | None, arrivals: str | None, variation: float | None,
    shape: str | None, limit: int | None,
) -> Traffic:  # fmt: skip
    """Sessions of a kind, which start as the process of arrivals says."""
    if lengths is not None:
        raise InputError(
            "lengths are given twice", key="sessions", given=text, allowed=f"it, or requests like {lengths}"
        )
    kind = read_session_kind(text)
    if kind.row:
        row = catalog.entity("sessions", kind.row)
        grade = Grade.read(row.text("grade"))
        for key in ("turns", "first", "new", "output", "think"):
            assumed.add(
                f"serving.sessions.{key}", row.text(key), row.text("note"), grade, row.text("source_id")
            )
    how = assumed.default("serving.arrivals").text("text") if arrivals is None else arrivals
    found = Traffic(kind.name, _NONE, how, variation, shape, sessions=kind, limit=limit)
    starts = arrival_times(kind=how, rate=1.0, count=_SESSIONS, variation=variation, shape=shape)
    sample, left = draw_sessions(kind, arrival=starts, longest=limit)
    if not len(sample):
        raise InputError(
            "no first turn fits the model's context", key="sessions", given=kind.name,
            allowed=f"prompt and output of {limit:,} together",
        )  # fmt: skip
    if left:
        share = 100 * left / (left + len(sample))
        assumed.notices.append(
            f"{share:.2g} % of the turns are longer than the model's context of {limit:,} tokens or follow "
            "such a turn: left out"
        )
    return replace(found, sample=sample, long=left)


def _trace_sessions(assumed: AssumptionList, traffic: Traffic) -> None:
    """What is assumed of a trace with sessions; refused where arrivals are to be another process."""
    if traffic.arrivals != "trace":
        raise InputError(
            "sessions of a trace start as it says", key="arrivals", given=traffic.arrivals, allowed="trace"
        )
    if not math.isfinite(trace_period(traffic.sample)):
        raise InputError("all sessions of the trace start at once", key="trace", given=traffic.name)
    assumed.notices.append(
        f"turns of {traffic.name} come a think time after the answer before: its column think_time, or else "
        "the gap between recorded arrivals, which holds the recorded answer's time as well"
    )


def _short(trace: str) -> str:
    return Path(trace).name if Path(trace).suffix else trace
