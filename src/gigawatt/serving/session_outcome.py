"""What an outcome means for sessions: how many a second, how much of their prompts the cache held, TTFT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.serving.engine import Outcome
from gigawatt.serving.outcome import Quantiles, Window
from gigawatt.serving.requests import Requests

__all__ = ["SessionSummary", "summarise_sessions"]


@dataclass(frozen=True)
class SessionSummary:
    """Sessions of a run in numbers.

    Attributes
    ----------
    started, finished : int
        First turns that arrived, and last answers that ended, in the window.
    rate : float [1/s]
        Sessions finished, by the window's length.
    turns : float
        Mean turns of a session, over the whole run.
    length : Quantiles [s]
        From the first arrival to the last answer of the sessions that started in the window.
    first_ttft, later_ttft : Quantiles [s]
        Of first and of later turns that arrived in the window.
    cached_first, cached_later : float
        Share of the tokens of their prompts that the cache held; nan without such turns.
    """

    started: int
    finished: int
    rate: float
    turns: float
    length: Quantiles
    first_ttft: Quantiles
    later_ttft: Quantiles
    cached_first: float
    cached_later: float


def summarise_sessions(outcome: Outcome, requests: Requests, window: Window) -> SessionSummary:
    """The sessions of ``requests``, which has some, over ``window`` (start, end) [s]."""
    sessions = requests.sessions
    assert sessions is not None
    start, end = window
    served = ~outcome.rejected
    mine = (outcome.arrival >= start) & (outcome.arrival <= end) & served
    later, last = sessions.later, sessions.following < 0
    ended = last & served & (outcome.finish >= start) & (outcome.finish <= end)
    ttft = outcome.first_token - outcome.arrival
    lasted = (outcome.finish - outcome.arrival[sessions.root])[last & mine[sessions.root]]
    first, more = mine & ~later, mine & later
    return SessionSummary(
        started=int(first.sum()),
        finished=int(ended.sum()),
        rate=float(ended.sum()) / (end - start) if end > start else float("nan"),
        turns=len(sessions) / max(int((~later).sum()), 1),
        length=Quantiles.of(lasted),
        first_ttft=Quantiles.of(ttft[first]),
        later_ttft=Quantiles.of(ttft[more]),
        cached_first=_cached(outcome, requests, first),
        cached_later=_cached(outcome, requests, more),
    )


def _cached(outcome: Outcome, requests: Requests, rows: NDArray[np.bool_]) -> float:
    prompts = float(requests.prompt[rows].sum())
    return float(outcome.cached_tokens[rows].sum()) / prompts if prompts > 0.0 else float("nan")
