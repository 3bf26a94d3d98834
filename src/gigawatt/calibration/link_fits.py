"""From measured collectives to the curve of a link: the numbers that ``links.details.csv`` ships.

Rows are times of collectives of known bytes over known ranks of one domain. Rings (all-gather,
reduce-scatter, all-reduce) give base, step, efficiency, bulk and half, an all-reduce that the switches reduce
its own efficiency, the all-to-all a curve of its own. The prediction is that of ``performance.collectives``:
what is fitted is what runs. The loss is the mean absolute log error; large messages count more, since what
training sends is large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import MissingDataError
from gigawatt.machine.machine import Curve, Link
from gigawatt.performance.collectives import Fabric, all_gather, all_reduce, all_to_all

__all__ = ["OPERATIONS", "Measured", "errors", "fit_link", "numbers", "predict"]

Array = NDArray[np.float64]

OPERATIONS = ("all_gather", "reduce_scatter", "all_reduce", "all_to_all")
_FEWEST = 8
_START = Curve(base=6e-6, step=1e-6, efficiency=0.7, bulk=3e-5, half=3e-6)
"""Where the search begins; ``half`` here is in seconds of the datasheet rate."""
_HALVES = (3e-7, 3e-6, 3e-5)
_LIMIT = 4000
_WORST = 1e3
_LARGE, _WEIGHT = 8e6, 3.0


@dataclass(frozen=True)
class Measured:
    """Measured collectives: ``operation`` one of :data:`OPERATIONS`, ``size`` [B], ``seconds``; all ``(N,)``.

    ``size`` is the whole buffer of an all-gather, reduce-scatter or all-reduce, and what one rank holds of
    an all-to-all. ``inside`` ranks in each of ``outside`` domains.
    """

    operation: NDArray[np.str_]
    size: Array
    inside: Array
    outside: Array
    seconds: Array

    def __len__(self) -> int:
        return len(self.seconds)

    def where(self, mask: NDArray[np.bool_]) -> Measured:
        """The rows that ``mask`` keeps."""
        return Measured(
            self.operation[mask], self.size[mask], self.inside[mask], self.outside[mask], self.seconds[mask]
        )


def predict(rows: Measured, fabric: Fabric) -> Array:
    """Seconds ``(N,)`` that the model says of every row."""
    found = np.full(len(rows), np.nan)
    for name, run in (("all_reduce", all_reduce), ("all_to_all", all_to_all), ("", all_gather)):
        mask = rows.operation == name if name else np.isin(rows.operation, OPERATIONS[:2])
        if mask.any():
            part = rows.where(mask)
            found[mask] = run(size=part.size, inside=part.inside, outside=part.outside, fabric=fabric).time
    return found


def errors(rows: Measured, fabric: Fabric) -> Array:
    """Predicted over measured time less one, ``(N,)``."""
    return predict(rows, fabric) / rows.seconds - 1.0


def fit_link(link: Link, rows: Measured, *, fabric: Fabric | None = None) -> Link:
    """``link`` with the numbers of least mean absolute log error on ``rows``.

    Parameters
    ----------
    link : Link
        Its bandwidth and whether its switches reduce are kept.
    rows : Measured
        Of one domain; or, with ``fabric``, of several domains, to fit the link between them.
    fabric : Fabric, optional
        A fabric whose ``scale_out`` is to be fitted: base and efficiency, since a sweep over few domains
        cannot tell steps and bulk from the base.

    Returns
    -------
    Link
        With base, latency, efficiency, bulk and half, ``in_network_efficiency`` where its switches reduce,
        and the exchange curve where ``rows`` has all-to-alls.

    Raises
    ------
    MissingDataError
        Fewer rows of rings than :data:`_FEWEST`.
    """
    rings = rows.where(rows.operation != "all_to_all")
    pairs = rows.where(rows.operation == "all_to_all")
    if len(rings) < _FEWEST:
        raise MissingDataError(
            "too few measured collectives", key=link.id, given=len(rings), allowed=f"{_FEWEST} or more"
        )

    def over(one: Link) -> Fabric:
        return Fabric(one, one) if fabric is None else replace(fabric, scale_out=one)

    def curved(found: Mapping[str, float]) -> Link:
        return replace(
            link,
            base=found["base"],
            latency=found.get("step", link.latency),
            efficiency=found["efficiency"],
            bulk=found.get("bulk", 0.0),
            half=found.get("half", 0.0) * link.bandwidth,
            in_network_efficiency=found.get("in_network", link.in_network_efficiency),
        )

    free = ["base", "step", "efficiency", "bulk", "half"]
    if fabric is not None:
        free = ["base", "efficiency"]
    elif link.in_network:
        free.append("in_network")
    found = curved(_search(free, rings, lambda values: over(curved(values))))
    if len(pairs) < _FEWEST:
        return found

    def exchanged(values: Mapping[str, float]) -> Link:
        curve = Curve(
            values["base"],
            values["step"],
            values["efficiency"],
            values["bulk"],
            values["half"] * link.bandwidth,
        )
        return replace(found, exchange=curve)

    return exchanged(_search(free[:5], pairs, lambda values: over(exchanged(values))))


def _search(
    free: list[str], rows: Measured, made: Callable[[Mapping[str, float]], Fabric]
) -> dict[str, float]:
    """The best of Nelder–Mead searches over logarithms from several starts of ``half``."""
    from scipy.optimize import minimize

    weight = np.where(rows.size >= _LARGE, _WEIGHT, 1.0)
    start = {name: getattr(_START, name, _START.efficiency) for name in free}

    def loss(logs: Array) -> float:
        values = dict(zip(free, np.exp(logs).tolist(), strict=True))
        if values["efficiency"] > 1.0 or values.get("in_network", 0.0) > 1.0:
            return _WORST
        ratio = predict(rows, made(values)) / rows.seconds
        return float(np.average(np.abs(np.log(ratio)), weights=weight))

    best = None
    for half in _HALVES:
        begin = np.log([half if name == "half" else start[name] for name in free])
        options = {"maxiter": _LIMIT, "maxfev": _LIMIT, "xatol": 1e-4, "fatol": 1e-6}
        found = minimize(loss, begin, method="Nelder-Mead", options=options)
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    return dict(zip(free, np.exp(best.x).tolist(), strict=True))


def numbers(link: Link) -> dict[str, tuple[float, str]]:
    """(value, unit) of every fitted number by its name in ``links.details.csv``."""
    found = {
        "latency": (link.latency * 1e6, "us"),
        "efficiency": (link.efficiency, ""),
        "base": (link.base * 1e6, "us"),
        "bulk": (link.bulk * 1e6, "us"),
        "half": (link.half / 1e6, "MB"),
    }
    if link.in_network_efficiency:
        found["in_network_efficiency"] = (link.in_network_efficiency, "")
    if link.exchange is not None:
        found |= {
            "exchange_step": (link.exchange.step * 1e6, "us"),
            "exchange_efficiency": (link.exchange.efficiency, ""),
            "exchange_base": (link.exchange.base * 1e6, "us"),
            "exchange_bulk": (link.exchange.bulk * 1e6, "us"),
            "exchange_half": (link.exchange.half / 1e6, "MB"),
        }
    return found
