"""Training across data centres: what distance and bandwidth still allow.

The sites hold one replica each (data parallelism between them) and exchange gradients every step, or what
changed every H inner steps (DiLoCo), all at once or in P fragments. A fragment of S bytes needs

    T = traffic · S / bandwidth + hops · delay(distance)

on the long links, with traffic 2(K−1)/K of the bytes through each of K sites. It hides behind ``window`` of
the step in which it starts and behind ``overlap`` whole steps (the result is applied late); what is left is
exposed. The exchange inside a site is part of the step time.

With one number (``window``, in steps), fitted to one of 30 published rows, this form gives the bandwidths
that the papers' own simulators ask for at 50 to 99 % utilisation, 1 to 671 G parameters and all of their
methods: 11 % off in the median of the other 29 rows, 29 % at the 90th percentile (their grid has steps of
19 %). It is too hopeful for data parallelism at 99 %, where the last layers' gradients cannot hide.

References
----------
Douillard et al. 2025, arXiv:2501.18512, table 4. Charles et al. 2025, arXiv:2503.09799, table 6. Mathis,
Semke, Mahdavi, Ott, "The macroscopic behavior of the TCP congestion avoidance algorithm", CCR 27 (1997).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.performance.sites.low_communication import Penalty, low_communication_penalty

__all__ = [
    "AcrossSites",
    "Method",
    "Wan",
    "across_sites",
    "delay",
    "load_method",
    "load_wan",
    "usable_bandwidth",
    "working_region",
]

Array = NDArray[np.float64]

#: How the sites exchange.
TOPOLOGIES = ("mesh", "ring")


@dataclass(frozen=True, slots=True)
class Wan:
    """Long links between sites.

    ``delay`` [s/m of fibre], ``route_factor`` (fibre over straight line), ``equipment`` [s, one way],
    ``efficiency`` (share of the line rate), ``segment`` [B], ``streams``, ``loss`` (share of segments).
    """

    delay: float
    route_factor: float
    equipment: float
    efficiency: float
    segment: float
    streams: float
    loss: float


@dataclass(frozen=True, slots=True)
class Method:
    """How replicas keep in step.

    ``inner_steps`` between exchanges, ``window`` [steps] that the exchange hides behind in the step where it
    starts, ``fragments`` that are exchanged one after another, ``overlap`` [steps] by which the result may
    come late, ``wire`` [B per parameter], ``extra_loss`` added to the law of the penalty.
    """

    id: str
    inner_steps: float
    window: float
    fragments: float
    overlap: float
    wire: float
    extra_loss: float

    @property
    def every_step(self) -> bool:
        """Plain data parallelism: it costs no loss."""
        return self.inner_steps <= 1.0


@dataclass(frozen=True, slots=True)
class AcrossSites:
    """A run over several sites against the same accelerators on one site; arrays of the broadcast shape.

    Attributes
    ----------
    step_time : array [s]
        Mean time of a step with what is exposed of the exchange.
    exposed : array [s]
        Of a step, waiting for the long links.
    slowdown : array ≥ 1
        step_time over that of one site.
    utilisation : array in (0, 1]
        1 / slowdown: the papers' "compute utilisation".
    tokens, compute : array ≥ 1
        Factors on tokens (same model), or on compute (best split), for the same loss.
    time, time_low, time_high : array ≥ 1
        slowdown · tokens, with the 90 % band of the penalty.
    traffic : array [B/s]
        Mean over time through each site, in each direction.
    outside : bool array
        The penalty was not published for such a run.
    penalty : Penalty or None
        In full, for methods that do not exchange every step.
    """

    step_time: Array
    exposed: Array
    slowdown: Array
    utilisation: Array
    tokens: Array
    compute: Array
    time: Array
    time_low: Array
    time_high: Array
    traffic: Array
    outside: NDArray[np.bool_]
    penalty: Penalty | None


def load_wan() -> Wan:
    """Long links: the row ``fibre`` of the catalog table ``wan``."""
    row = entity("wan", "fibre")
    return Wan(**{part.name: row.value(part.name) for part in fields(Wan)})


def load_method(name: str) -> Method:
    """A way of keeping replicas in step, of the catalog table ``wan_methods``; ``InputError`` if unknown."""
    known = table("wan_methods")
    check_word("method", name, known, "no such method")
    row = known[name]
    numbers = {part.name: row.value(part.name) for part in fields(Method) if part.name != "id"}
    return Method(name, **numbers)


def delay(*, distance: ArrayLike, wan: Wan) -> Array:
    """One-way delay [s] between sites ``distance`` [m] apart in a straight line: fibre and equipment."""
    return np.asarray(distance, dtype=float) * wan.route_factor * wan.delay + wan.equipment


def usable_bandwidth(*, bandwidth: ArrayLike, distance: ArrayLike, wan: Wan) -> Array:
    """What transfers keep of a line [B/s].

    The least of efficiency · line rate and, where segments are lost, streams · (segment / RTT) · √(3/2p)
    (Mathis et al. 1997).

    Parameters
    ----------
    bandwidth : array [B/s]
        Of the line.
    distance : array [m]
        Straight line.
    wan : Wan
        Efficiency, streams and loss of the lines.
    """
    line = wan.efficiency * np.asarray(bandwidth, dtype=float)
    if wan.loss <= 0.0:
        return line + 0.0 * np.asarray(distance, dtype=float)
    round_trip = 2.0 * delay(distance=distance, wan=wan)
    return np.minimum(line, wan.streams * wan.segment / round_trip * np.sqrt(1.5 / wan.loss))


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One fragment's exchange: bytes through a site, latency, what it hides behind; and how often."""

    size: Array
    latency: Array
    hidden: Array
    fragments: float
    steps: float
    late: bool

    def exposed(self, rate: Array, step_time: Array) -> Array:
        """Exposed seconds of a step at ``rate`` [B/s]."""
        sent = self.size / rate
        each = np.maximum(sent + self.latency - self.hidden, 0.0 if self.late else self.latency)
        busy = self.fragments * sent - self.steps * step_time  # the link works all the time
        return np.maximum(self.fragments * each, busy) / self.steps

    def rate(self, exposed: Array, step_time: Array) -> Array:
        """The least rate [B/s] at which no more than ``exposed`` seconds of a step are exposed, or inf."""
        each = exposed * self.steps / self.fragments
        sent = np.minimum(each + self.hidden - self.latency, each + self.steps / self.fragments * step_time)
        possible = (each >= 0.0) & (sent > 0.0) & (self.late | (each >= self.latency))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(possible, self.size / np.where(possible, sent, 1.0), np.inf)


def _exchange(
    *,
    method: Method,
    step_time: Array,
    payload: Array,
    sites: Array,
    distance: Array,
    wan: Wan,
    topology: str,
) -> _Exchange:
    check_word("topology", topology, TOPOLOGIES, "no such topology")
    hops = 2.0 * (sites - 1.0) if topology == "ring" else 2.0 * (sites > 1.0)
    return _Exchange(
        size=2.0 * (sites - 1.0) / sites * payload / method.fragments,
        latency=hops * delay(distance=distance, wan=wan),
        hidden=(method.window + method.overlap) * step_time,
        fragments=method.fragments,
        steps=method.inner_steps,
        late=method.overlap > 0.0,
    )


def _method(method: str | Method, inner_steps: float | None) -> Method:
    found = load_method(method) if isinstance(method, str) else method
    if inner_steps is None or inner_steps == found.inner_steps:
        return found
    if not inner_steps >= 1.0:
        raise InputError("out of range", key="inner_steps", given=inner_steps, allowed="at least 1")
    if found.every_step:
        raise InputError(
            "this method exchanges every step", key="inner_steps", given=inner_steps, allowed="1, or diloco"
        )
    overlap = min(found.overlap, inner_steps)
    return Method(found.id, inner_steps, found.window, found.fragments, overlap, found.wire, found.extra_loss)


def _checked(**given: ArrayLike) -> list[Array]:
    arrays = [np.asarray(values, dtype=float) for values in given.values()]
    for name, values in zip(given, arrays, strict=True):
        least = {"distance": 0.0, "sites": 1.0}.get(name)
        wrong = ~(values >= least) if least is not None else ~(values > 0.0)
        if np.any(wrong):
            allowed = "above 0" if least is None else f"at least {least:g}"
            raise InputError("out of range", key=name, given=float(values[wrong].flat[0]), allowed=allowed)
    return list(np.broadcast_arrays(*arrays))


def _penalty(method: Method, parameters: Array, tokens: Array, sites: Array) -> Penalty | None:
    if method.every_step:
        return None
    return low_communication_penalty(
        parameters=parameters,
        tokens=tokens,
        replicas=sites,
        inner_steps=method.inner_steps,
        extra_log_loss=np.where(sites > 1.0, method.extra_loss, 0.0),
    )


def across_sites(
    *,
    step_time: ArrayLike,
    parameters: ArrayLike,
    tokens: ArrayLike,
    sites: ArrayLike,
    distance: ArrayLike,
    bandwidth: ArrayLike,
    method: str | Method,
    gradient_bytes: ArrayLike | None = None,
    inner_steps: float | None = None,
    wan: Wan | None = None,
    topology: str = "mesh",
) -> AcrossSites:
    """A run over several sites: what waits for the long links, and the tokens that it costs.

    Parameters
    ----------
    step_time : array [s] > 0
        Of one step of all accelerators together, with the exchange inside a site.
    parameters, tokens : array > 0
        Of the run: all parameters are exchanged; the penalty's law holds for dense models.
    sites : array ≥ 1
        K, one replica each.
    distance : array [m] ≥ 0
        Straight line between neighbours.
    bandwidth : array [B/s] > 0
        Of the lines of one site together, in each direction.
    method : str or Method
        ``data-parallel``, ``data-parallel-overlap``, ``diloco``, ``streaming-diloco``, ``eager-diloco``.
    gradient_bytes : array [B], optional
        Exchanged at one synchronisation of all parameters; parameters · the method's ``wire`` if left out.
    inner_steps : float, optional
        H; the method's own if left out.
    wan : Wan, optional
        Default: ``fibre``.
    topology : {"mesh", "ring"}
        Every site sends to every other (two hops of latency) or to its neighbour (2(K−1)).

    Raises
    ------
    InputError
        A value out of range, an unknown method or topology.
    """
    how, link = _method(method, inner_steps), wan or load_wan()
    payload = np.asarray(parameters, dtype=float) * how.wire if gradient_bytes is None else gradient_bytes
    step, size, spent, count, far, line, load = _checked(
        step_time=step_time,
        parameters=parameters,
        tokens=tokens,
        sites=sites,
        distance=distance,
        bandwidth=bandwidth,
        gradient_bytes=payload,
    )
    exchange = _exchange(
        method=how, step_time=step, payload=load, sites=count, distance=far, wan=link, topology=topology
    )
    rate = usable_bandwidth(bandwidth=line, distance=far, wan=link)
    exposed = exchange.exposed(rate, step)
    slowdown = 1.0 + exposed / step
    penalty = _penalty(how, size, spent, count)
    one = np.ones_like(slowdown)
    tokens_by = (
        (one, one, one) if penalty is None else (penalty.tokens, penalty.tokens_low, penalty.tokens_high)
    )
    return AcrossSites(
        step_time=step + exposed,
        exposed=exposed,
        slowdown=slowdown,
        utilisation=1.0 / slowdown,
        tokens=tokens_by[0] * one,
        compute=one if penalty is None else penalty.compute * one,
        time=slowdown * tokens_by[0],
        time_low=slowdown * tokens_by[1],
        time_high=slowdown * tokens_by[2],
        traffic=exchange.size * exchange.fragments / (exchange.steps * (step + exposed)),
        outside=np.zeros(one.shape, dtype=bool) if penalty is None else penalty.outside & (one > 0.0),
        penalty=penalty,
    )


def working_region(
    *,
    step_time: ArrayLike,
    parameters: ArrayLike,
    tokens: ArrayLike,
    sites: ArrayLike,
    distance: ArrayLike,
    allowed: ArrayLike,
    methods: Sequence[str | Method],
    count_tokens: bool = False,
    wan: Wan | None = None,
    topology: str = "mesh",
) -> Mapping[str, Array]:
    """The smallest bandwidth of a site's lines with which each method still works.

    Parameters
    ----------
    step_time, parameters, tokens, sites, distance, wan, topology
        As in :func:`across_sites`.
    allowed : array > 0
        Slowdown that is still taken: 0.05 for 5 %.
    methods : sequence of str or Method
        Names of the catalog table ``wan_methods``, or changed copies.
    count_tokens : bool
        Whether the extra tokens count in the slowdown; else only the time of a step does.

    Returns
    -------
    mapping
        Method → array [B/s] of the line, inf where no bandwidth is enough at that distance.
    """
    link = wan or load_wan()
    step, size, spent, count, far, slack = _checked(
        step_time=step_time,
        parameters=parameters,
        tokens=tokens,
        sites=sites,
        distance=distance,
        allowed=allowed,
    )
    found: dict[str, Array] = {}
    for method in methods:
        how = _method(method, None)
        penalty = _penalty(how, size, spent, count) if count_tokens else None
        left = (1.0 + slack) / (1.0 if penalty is None else penalty.tokens) - 1.0
        exchange = _exchange(
            method=how,
            step_time=step,
            payload=size * how.wire,
            sites=count,
            distance=far,
            wan=link,
            topology=topology,
        )
        needed = exchange.rate(left * step, step) / link.efficiency
        ceiling = usable_bandwidth(bandwidth=np.inf, distance=far, wan=link)
        found[how.id] = np.where(needed * link.efficiency <= ceiling, needed, np.inf)
    return found
