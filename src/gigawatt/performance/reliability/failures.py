"""What interrupts a synchronous run and how long it then stands still.

Methods of recovery are rows of the catalog table ``recovery``. Rates come from published clusters (catalog
tables ``reliability``, ``reliability_clusters``, ``failures``). For a cluster without published failures,
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

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95, Evidence

__all__ = [
    "FailureModes",
    "Uncertain",
    "checkpoint_times",
    "failure_modes",
    "hot_spares",
    "in_service",
    "recovery_row",
    "recovery_time",
    "reserve_of",
    "shrink_loss",
    "straggler_share",
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


@dataclass(frozen=True, slots=True)
class FailureModes:
    """Causes of interruption of one cluster: names, classes, rates [1/s per accelerator], shares (sum 1)."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    rates: Array
    shares: Array

    def by_class(self) -> dict[str, float]:
        """Rate of each class [1/s per accelerator]: accelerator, host, network, software, unknown."""
        found: dict[str, float] = {}
        for name, rate in zip(self.classes, self.rates, strict=True):
            found[name] = found.get(name, 0.0) + float(rate)
        return found


def failure_modes(cluster: str) -> FailureModes:
    """The published causes of interruption of a cluster.

    Parameters
    ----------
    cluster : str
        A cluster of the catalog table ``reliability_clusters`` that tells its causes, such as
        ``llama3-h100``.

    Raises
    ------
    InputError
        No causes are told for this cluster.
    """
    rows = [row for row in table("failures").values() if row.text("cluster") == cluster]
    if not rows:
        told = sorted({row.text("cluster") for row in table("failures").values()})
        raise InputError("no causes of failure are told", key="cluster", given=cluster, allowed=told)
    counts = np.array([row.value("count") for row in rows])
    shares = counts / counts.sum()
    rate = entity("reliability_clusters", cluster).value("failure_rate")
    return FailureModes(
        tuple(row.text("mode") for row in rows),
        tuple(row.text("class") for row in rows),
        rate * shares,
        shares,
    )


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


def checkpoint_times(
    *,
    state_bytes: ArrayLike,
    accelerators: ArrayLike,
    storage_bandwidth: ArrayLike | None = None,
    host_bandwidth: ArrayLike | None = None,
    barrier: ArrayLike | None = None,
    asynchronous: bool = True,
) -> tuple[Array, Array]:
    """Time that training stands still for a checkpoint, and time until it is safe.

    Parameters
    ----------
    state_bytes : array [B]
        Weights and optimizer state that are saved once, of the whole model.
    accelerators : array > 0
        That hold the state between them.
    storage_bandwidth, host_bandwidth : array [B/s], optional
        Of the storage together, and of one accelerator to its host; the catalog's if left out.
    barrier : array [s], optional
        Coordination; the catalog's if left out.
    asynchronous : bool
        Training goes on once the state lies in the hosts' memory; else it waits for the storage.

    Returns
    -------
    stall, safe : array [s]
        barrier + the copy to the hosts (or, synchronous, to the storage); stall + the write to storage. A
        failure before it is safe falls back to the checkpoint before: see ``lag`` of
        :func:`~.goodput.goodput`. Checkpoints closer than the write are not possible.
    """
    row = entity("reliability", "checkpoint")
    size = np.asarray(state_bytes, dtype=float)
    storage = row.value("storage_bandwidth") if storage_bandwidth is None else storage_bandwidth
    host = row.value("host_bandwidth") if host_bandwidth is None else host_bandwidth
    wait = np.asarray(row.value("barrier") if barrier is None else barrier, dtype=float)
    copy = size / (np.asarray(host, dtype=float) * np.asarray(accelerators, dtype=float))
    write = size / np.asarray(storage, dtype=float)
    if asynchronous:
        return wait + copy, wait + copy + write
    stall = wait + np.maximum(copy, write)
    return stall, stall + 0.0


def straggler_share(
    *,
    nodes: ArrayLike,
    jitter: ArrayLike | None = None,
    slow_share: ArrayLike | None = None,
    slow_by: ArrayLike | None = None,
) -> Array:
    """Share of time lost because every step waits for the slowest of ``nodes``.

    A node's step takes 1 + jitter · z with z standard normal; a share of the nodes is slower by
    ``slow_by`` all the time. Lost is 1 − 1/E[max]: the expected largest of independent nodes,
    E[max] = ∫ (1 − F(x)ⁿ) dx, by quadrature.

    Parameters
    ----------
    nodes : array ≥ 1
        What varies independently.
    jitter : array ≥ 0, optional
        Standard deviation over the mean of a step; the catalog's (a guess) if left out.
    slow_share, slow_by : array ≥ 0, optional
        Share of nodes that stay slow, and by how much their step is longer (0.1: by 10 %); the catalog's.

    Returns
    -------
    array in [0, 1)
        Broadcast of the four.

    References
    ----------
    David, Nagaraja, "Order Statistics", 2003, chapter 3. Jiang et al. 2024, arXiv:2402.15627 (0.5 % of the
    machines compute 10 % slower).
    """
    special: Any = import_module("scipy.special")
    log_ndtr, ndtr = special.log_ndtr, special.ndtr

    row = entity("reliability", "step")
    given = {"jitter": jitter, "slow_nodes": slow_share, "slow_by": slow_by}
    asked = [row.value(name) if value is None else value for name, value in given.items()]
    n, sigma, share, late = np.broadcast_arrays(
        *(np.asarray(value, dtype=float)[..., None] for value in (nodes, *asked))
    )
    far = 9.0  # standard deviations: beyond them less than 1e-18 of a normal distribution
    points = np.linspace(0.0, 1.0, 4097)
    spread = np.where(sigma > 0.0, sigma, np.finfo(float).tiny)
    x = -far * spread + (2.0 * far * spread + late) * points
    swift = log_ndtr(x / spread)
    below = swift + np.log1p(share * (ndtr((x - late) / spread) / np.maximum(ndtr(x / spread), 1e-300) - 1.0))
    step = np.diff(x, axis=-1)
    beyond = -np.expm1(n * below)
    expected = x[..., 0] + np.sum(0.5 * (beyond[..., 1:] + beyond[..., :-1]) * step, axis=-1)
    plain = late[..., 0] * -np.expm1(n[..., 0] * np.log1p(-share[..., 0]))  # no jitter: any slow node counts
    expected = np.where(sigma[..., 0] > 0.0, expected, plain)
    mean = share[..., 0] * late[..., 0]
    return np.maximum(1.0 - (1.0 + mean) / (1.0 + np.maximum(expected, mean)), 0.0)


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
