"""A serving engine over time: requests in, when each token comes out, and what runs meanwhile.

Events, not time steps: an iteration is one event, and where nothing but decoding goes on many iterations are
one. What an iteration takes stands in :class:`gigawatt.performance.serving.step_tables.StepTables`.
"""

from __future__ import annotations

from dataclasses import replace

from gigawatt.core.errors import InputError
from gigawatt.serving.engine import EngineOptions, Outcome
from gigawatt.serving.fleet import Fleet
from gigawatt.serving.outages import OutageSchedule
from gigawatt.serving.requests import Requests

__all__ = ["simulate"]


def simulate(
    requests: Requests,
    fleet: Fleet,
    options: EngineOptions | None = None,
    *,
    concurrency: int | None = None,
    bin: float = 1.0,
    seed: int = 0,
    jumps: bool = True,
) -> Outcome:
    """Serve ``requests`` on ``fleet``.

    Parameters
    ----------
    requests : Requests
        In the order in which they come.
    fleet : Fleet
        What serves them.
    options : EngineOptions, optional
        Of every replica.
    concurrency : int, optional
        A closed loop: n requests are in flight, and the next of the list arrives when one finishes;
        ``requests.arrival`` is ignored.
    bin : float [s]
        Width of the bins of ``Outcome.series``.
    seed : int
        Of random routing and of failures.
    jumps : bool
        Take many decode iterations in one event where nothing else goes on; the results are the same.

    Raises
    ------
    InputError
        Options that contradict each other, or more than ten million bins.
    """
    options = options or EngineOptions()
    if concurrency is not None and concurrency < 1:
        raise InputError("must be positive", key="concurrency", given=concurrency, allowed="1 or more")
    if concurrency is not None and requests.sessions is not None:
        raise InputError(
            "sessions are closed loops of their own", key="concurrency", given=concurrency,
            allowed="a rate, or requests without sessions",
        )  # fmt: skip
    from gigawatt.serving.engine_run import build, outcome, serve  # what compiles is loaded only here

    outages = fleet.outages
    schedule = None if outages is None or not outages.any else OutageSchedule(outages, fleet.most, seed)
    arrays = build(
        requests, fleet, options, concurrency=concurrency or 0, width=bin, seed=seed, jumps=jumps,
        schedule=schedule,
    )  # fmt: skip
    found = outcome(serve(arrays, schedule), fleet, bin, tuple(tier.name for tier in options.tiers))
    return found if requests.sessions is None else replace(found, later=requests.sessions.later)
