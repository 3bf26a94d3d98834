"""What interrupts a synchronous run and how long it then stands still.

Methods of recovery are rows of the catalog table ``recovery``. Rates come from published clusters (catalog
tables ``reliability``, ``reliability_clusters``). For a cluster without published failures,
``large-cluster`` holds the logarithmic mean of the clusters of role ``fit`` (five: 1.2e-5 to 3.4e-5 per
accelerator-hour) and their spread; Llama 3's 419 interruptions, GB200, early A100 and some small providers
were left out and judge: the first two lie in the band, OPT-175B's restarts (of every reason) and the worst
providers' fail twice as often as its upper end. Rows of generations (``a100``, ``h100``, ``gb200``, ``tpu``)
have the mean of their own clusters. A restart grows with the number of accelerators along a line through
four published points (16 to 98 thousand H100).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import entity
from gigawatt.core.evidence import Z95, Evidence

__all__ = [
    "Uncertain",
    "hot_spares",
    "in_service",
    "recovery_row",
    "recovery_time",
    "reserve_of",
    "shrink_loss",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A value with what lies below and above it in 5 % of cases each.

    Drawn as a normal distribution in two halves, of the logarithm where ``low`` is above 0.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, row: Evidence) -> Uncertain:
        """From a row of the catalog; without a range the value stands for itself."""
        low = row.value if row.low is None else row.low
        return cls(row.value, low, row.value if row.high is None else row.high)

    def draw(self, normal: ArrayLike) -> Array:
        """Draws for standard normal numbers: value at 0, low and high at ∓1.645; never below 0."""
        z = np.asarray(normal, dtype=float) / Z95
        if self.low > 0.0:
            below, above = np.log(self.value / self.low), np.log(self.high / self.value)
            return self.value * np.exp(np.minimum(z, 0.0) * below + np.maximum(z, 0.0) * above)
        below, above = self.value - self.low, self.high - self.value
        return np.maximum(self.value + np.minimum(z, 0.0) * below + np.maximum(z, 0.0) * above, 0.0)

    def odds(self) -> Uncertain:
        """A share of time as time lost for a time kept: s / (1 − s), which has no upper end."""
        return Uncertain(*(part / (1.0 - part) for part in (self.value, self.low, self.high)))


def recovery_row(method: str, quantity: str) -> Evidence:
    """A number of a method of the catalog's ``recovery``; that of ``restart`` where the method has none.

    Raises
    ------
    InputError
        No such method, or neither has the quantity.
    """
    row = entity("recovery", method)
    return (row if quantity in row.numbers else entity("recovery", "restart")).evidence(quantity)


def recovery_time(*, accelerators: float, method: str = "restart") -> Uncertain:
    """From a failure to the first new step by a method of the catalog's ``recovery`` [s].

    detection + base + each · accelerators + lost: what runs until somebody notices, machines and processes,
    what grows with the machine (start of collectives, loading), and, where a copy in memory is what is
    returned to, the work since that copy. Work since a checkpoint in storage is not in it.

    Parameters
    ----------
    accelerators : float > 0
        Published from 16 to 98 thousand.
    method : str
        A row of ``recovery``.

    Returns
    -------
    Uncertain
        The parts' ranges added as independent ones.
    """
    own = entity("recovery", method).numbers
    times = {"detection": 1.0, "base": 1.0, "each": accelerators, "lost": 1.0}
    parts = [
        (Uncertain.of(recovery_row(method, name)), many)
        for name, many in times.items()
        if name in own or name == "detection"
    ]
    value = sum(part.value * many for part, many in parts)
    below = float(np.hypot.reduce([(part.value - part.low) * many for part, many in parts]))
    above = float(np.hypot.reduce([(part.high - part.value) * many for part, many in parts]))
    return Uncertain(value, max(value - below, value * np.finfo(float).eps), value + above)


def hot_spares(
    *,
    nodes: ArrayLike,
    failure_rate: ArrayLike,
    confidence: ArrayLike,
    repair_time: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Spare nodes that are enough with ``confidence``: the Poisson quantile of nodes under repair.

    Parameters
    ----------
    nodes : array
        In use.
    failure_rate : array [1/s per node]
        Of failures after which a node leaves: accelerators of a node · their rate · ``node.share`` of the
        catalog table ``reliability``.
    confidence : array in (0, 1)
        Probability that at any moment the spares are enough.
    repair_time : array [s], optional
        Until it is back; the catalog's if left out.

    Returns
    -------
    int array
        Spares.

    References
    ----------
    Palm's theorem: the number under repair is Poisson with mean rate · repair time, whatever the spread of
    repair times.
    """
    special: Any = import_module("scipy.special")  # scipy.stats takes half a second to load

    away = entity("reliability", "node").value("repair_time") if repair_time is None else repair_time
    down = np.asarray(nodes, dtype=float) * np.asarray(failure_rate) * np.asarray(away)
    sure = np.asarray(confidence, dtype=float)
    spares: NDArray[np.float64] = np.ceil(special.pdtrik(sure, down))
    fewer = np.maximum(spares - 1.0, 0.0)
    enough: NDArray[np.bool_] = np.asarray(special.pdtr(fewer, down) >= sure)
    return np.asarray(np.where(enough, fewer, spares), dtype=np.int64)


def in_service(*, replicas: int, needed: int, out: float, together: int = 1, node_out: float = 0.0) -> float:
    """Probability that at least ``needed`` of ``replicas`` are in service at a moment.

    Parameters
    ----------
    replicas, needed : int
        ``needed`` ≤ ``replicas``.
    out : float in [0, 1]
        Share of the time that each is out of service by itself, whatever the others do.
    together : int
        Replicas of one node.
    node_out : float in [0, 1)
        Share of the time that a node is away, and all of its replicas with it; one that is not full fails as
        often as its replicas are fewer.

    References
    ----------
    k-out-of-n systems: Barlow, Proschan 1975, "Statistical theory of reliability and life testing", 1.2. The
    number out of service is a sum over independent nodes, by convolution.
    """
    special: Any = import_module("scipy.special")
    if node_out == 0.0:
        return float(special.bdtr(replicas - needed, replicas, out))

    def of_node(size: int) -> Any:
        count = np.arange(size + 1)
        odds = node_out / (1.0 - node_out) * size / together
        away = odds / (1.0 + odds)
        found = special.binom(size, count) * out**count * (1.0 - out) ** (size - count) * (1.0 - away)
        found[size] += away
        return np.fft.rfft(found, replicas + 1)

    nodes, rest = divmod(replicas, together)
    whole = of_node(together) ** nodes * (of_node(rest) if rest else 1.0)
    share = np.clip(np.fft.irfft(whole, replicas + 1), 0.0, 1.0)
    return min(float(share[: replicas - needed + 1].sum()), 1.0)


def reserve_of(*, needed: int, confidence: float, **outages: Any) -> int:
    """Fewest replicas beyond ``needed`` with which ``needed`` are in service with ``confidence``.

    Parameters
    ----------
    needed : int
        Replicas.
    confidence : float in (0, 1)
        Probability at any moment.
    **outages
        Of :func:`in_service`; each replica has to be in service for some of the time.
    """
    found = 0
    while in_service(replicas=needed + found, needed=needed, **outages) < confidence:
        found += 1
    return found


def shrink_loss(
    *,
    failure_rate: ArrayLike,
    repair_time: ArrayLike,
    replica_nodes: ArrayLike,
    nodes: ArrayLike = 1.0,
    spares: ArrayLike = 0.0,
) -> Array:
    """Share of throughput lost where a failed node finds no spare and idles its data-parallel replica.

    A replica works while all of its nodes do: lost is 1 − (1 − u)^replica with u the share of nodes under
    repair beyond the spares, E[(X − s)⁺]/n of X, Poisson of mean n · u₀. Nodes of replicas that wait are not
    moved to others.

    Parameters
    ----------
    failure_rate, repair_time : array
        As in :func:`hot_spares`; the share under repair is u₀ = rate · repair / (1 + rate · repair).
    replica_nodes : array ≥ 1
        Nodes that hold one copy of the model.
    nodes : array > 0
        n, of the run.
    spares : array ≥ 0
        s: whole nodes that stand by.

    Returns
    -------
    array in [0, 1]

    References
    ----------
    Palm's theorem; E[(X − s)⁺] = μ P(X ≥ s) − s P(X > s).
    """
    special: Any = import_module("scipy.special")

    def beyond(number: NDArray[np.float64]) -> Any:  # more than that many are away
        return np.where(number < 0.0, 1.0, special.pdtrc(np.maximum(number, 0.0), mean))

    load = np.asarray(failure_rate, dtype=float) * np.asarray(repair_time, dtype=float)
    away, stock = load / (1.0 + load), np.floor(np.asarray(spares, dtype=float))
    mean = np.asarray(nodes, dtype=float) * away
    short = mean * beyond(stock - 1.0) - stock * beyond(stock)
    lacking = np.clip(short / np.asarray(nodes, dtype=float), 0.0, away)
    return -np.expm1(np.asarray(replica_nodes, dtype=float) * np.log1p(-lacking))
