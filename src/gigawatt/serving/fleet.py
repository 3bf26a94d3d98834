"""A fleet: replicas of one kind, how requests are shared among them, how many of them are on."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables
from gigawatt.serving.outages import Outages

__all__ = ["ROUTINGS", "Autoscaling", "Fleet", "Link"]

#: How a request finds its replica.
ROUTINGS = ("round-robin", "least-loaded", "prefix-aware", "random")


def _positive(**values: float) -> None:
    for key, value in values.items():
        if not value > 0.0:
            raise InputError("must be positive", key=key, given=value, allowed="more than 0")


@dataclass(frozen=True)
class Autoscaling:
    """How many replicas are on, decided every ``interval`` from the requests that are not yet done.

    Wanted are outstanding / ``target`` replicas, rounded up, within ``minimum`` and ``maximum``. New ones
    draw idle power at once and take requests after ``start_up``. If fewer are wanted, those that are starting
    go first, then those with the fewest requests, which they finish before they turn off; not sooner than
    ``cool_down`` after the last change.

    Attributes
    ----------
    minimum, maximum : int
        Replicas.
    target : float
        Outstanding requests a replica.
    interval, start_up, cool_down : float [s]
    """

    minimum: int
    maximum: int
    target: float
    interval: float
    start_up: float
    cool_down: float

    def __post_init__(self) -> None:
        _positive(minimum=self.minimum, target=self.target, interval=self.interval)
        if self.maximum < self.minimum:
            raise InputError(
                "is below the minimum", key="maximum", given=self.maximum, allowed=f"{self.minimum} or more"
            )
        for key in ("start_up", "cool_down"):
            if getattr(self, key) < 0.0:
                raise InputError("is negative", key=key, given=getattr(self, key), allowed="0 s or more")


@dataclass(frozen=True)
class Link:
    """What carries keys and values from prefill to decode replicas.

    Attributes
    ----------
    bandwidth : float [B/s]
        Of one link, one way.
    latency : float [s]
        From the last byte sent to the request being there; it does not occupy the link.
    shared : int
        Replicas that share one link.
    """

    bandwidth: float
    latency: float = 0.0
    shared: int = 1

    def __post_init__(self) -> None:
        _positive(bandwidth=self.bandwidth, shared=self.shared)
        if self.latency < 0.0:
            raise InputError("is negative", key="latency", given=self.latency, allowed="0 s or more")


@dataclass(frozen=True)
class Fleet:
    """Replicas of one kind.

    Attributes
    ----------
    tables : StepTables
        What an iteration of one of them takes.
    replicas : int
        How many are on at the start, and throughout without ``autoscaling``.
    routing : str
        ``round-robin``; ``least-loaded``: fewest outstanding requests, in turn where equal; ``prefix-aware``:
        most leading blocks in the cache, least loaded where equal, and least loaded altogether while replicas
        are out of balance; ``random``.
    slack, bound : int, float
        Of ``prefix-aware``: they are out of balance where the busiest has more outstanding requests than the
        idlest by more than ``slack`` and by more than the factor ``bound``.
    autoscaling : Autoscaling, optional
    outages : Outages, optional
        How replicas fail and are drained; none ever is if left out.

    References
    ----------
    GPUStack operator, model deployment, routing (2026): what the routers of vLLM (0.1.15) and SGLang (gateway
    0.3.1) do where nothing is said, with 64 and 1.5.
    """

    tables: StepTables
    replicas: int = 1
    routing: str = "round-robin"
    bound: float = 1.5
    slack: int = 64
    autoscaling: Autoscaling | None = None
    outages: Outages | None = None

    def __post_init__(self) -> None:
        check_word("routing", self.routing, ROUTINGS, "no such routing")
        _positive(replicas=self.replicas)
        if self.bound < 1.0:
            raise InputError("is below the idlest", key="bound", given=self.bound, allowed="1 or more")
        scaling = self.autoscaling
        if scaling is not None and not scaling.minimum <= self.replicas <= scaling.maximum:
            raise InputError(
                "outside what autoscaling allows",
                key="replicas", given=self.replicas, allowed=f"{scaling.minimum} to {scaling.maximum}",
            )  # fmt: skip

    @property
    def most(self) -> int:
        """Replicas that may be on at once."""
        return self.replicas if self.autoscaling is None else self.autoscaling.maximum
