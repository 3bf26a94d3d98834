"""What a replica draws, writes and makes its readers wait for, by requests held at once and by power cap.

The batch and the cap are the two settings by which a service changes its power within seconds. Both come from
the same closed form of steady serving (:func:`~gigawatt.performance.serving.steady.steady`) and the same
regulator (:func:`~gigawatt.performance.serving.power.capped_serving`) as every other answer of serving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.power import Drawn, capped_serving, load_node_power, load_serving_power
from gigawatt.performance.serving.steady import Steady, steady

__all__ = ["BatchCurve", "batch_curve"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BatchCurve:
    """A replica by power cap (C,), the highest first, and requests held (B,).

    Attributes
    ----------
    caps : array (C,) [W]
        Of one accelerator; those that it cannot keep are left out.
    batch : array (B,)
        Requests at once; those for which memory has no room are left out.
    power : array (C, B) [W]
        Of the replica at the wall, with its share of node and network.
    accelerators : array (C, B) [W]
        Of its accelerators alone.
    tokens : array (C, B) [tokens/s]
        Written by the replica.
    token_time : array (C, B) [s]
        Between two tokens of a request (TPOT).
    chips : int
        Accelerators of the replica.
    """

    caps: Array
    batch: Array
    power: Array
    accelerators: Array
    tokens: Array
    token_time: Array
    chips: int


def batch_curve(
    replica: Replica, *, prompt: float, output: float, batch: ArrayLike, caps: ArrayLike = ()
) -> BatchCurve:
    """The curve of one replica (one layout) that is never without requests.

    Parameters
    ----------
    replica : Replica
        One layout.
    prompt, output : float
        Tokens read and written by a request in the mean.
    batch : array (B,)
        Requests held at once, ascending.
    caps : array (C,) [W], optional
        Power caps of an accelerator besides its own limit.

    Notes
    -----
    Under a cap multiplications take longer by the clock; memory, links and the host keep their time. Joules
    of memory are those of the time that memory binds at its full rate, at most what the chip draws; the
    rest is arithmetic. Prompts beside the decoding are arithmetic. A cap takes the same share of the watts
    and times of the closed form as of these.

    Raises
    ------
    InputError
        No batch has room.
    """
    chip, node = replica.cluster.chip, load_node_power(replica.cluster.node, replica.cluster.chip)
    asked = np.atleast_1d(np.asarray(batch, dtype=float))
    places = float(np.max(asked))
    found = steady(replica, prompt=prompt, output=output, held=asked, sequences=places)
    room = np.asarray(found.held) >= asked * (1.0 - 1e-9)
    if not (np.any(room) and np.all(found.fits)):
        raise InputError(
            "the model has no room for requests of this length", key="batch", given=f"{asked[0]:g}",
            allowed="shorter requests, narrower weights or more accelerators a replica",
        )  # fmt: skip
    found = steady(replica, prompt=prompt, output=output, held=asked[room], sequences=places)
    held, chips = asked[room], int(np.max(replica.chips))
    kept: list[tuple[float, Array, Array]] = [
        (chip.power_limit, np.asarray(found.power) / chips, np.ones_like(held))
    ]
    for cap in sorted((float(x) for x in np.atleast_1d(np.asarray(caps, float))), reverse=True):
        try:
            watts, slower = _capped(replica, found, chips, cap)
        except InfeasibleError:
            break  # the clock is at its least: lower caps cannot be kept either
        kept.append((cap, watts, slower))
    watts = np.array([one[1] for one in kept])
    slower = np.array([one[2] for one in kept])
    wall = chips * (node.base / node.chips + (1.0 + node.share) * watts + replica.cluster.network_power)
    return BatchCurve(
        caps=np.array([one[0] for one in kept]),
        batch=held,
        power=wall,
        accelerators=chips * watts,
        tokens=np.asarray(found.requests) * output / slower,
        token_time=np.asarray(found.token) * slower,
        chips=chips,
    )


def _capped(r: Replica, found: Steady, chips: int, cap: float) -> tuple[Array, Array]:
    """(watts of a chip, time over that without the cap) of every point under ``cap`` [W]."""
    chip, power = r.cluster.chip, load_serving_power(r.cluster.chip)
    time, alone = np.asarray(found.token), np.asarray(found.iteration)
    part = {name: np.asarray(seconds) / alone for name, seconds in found.parts.items()}
    decode = np.minimum(alone / time, 1.0)
    host = np.maximum(part["host"], 0.0) * decode * time
    memory = part["memory"] * decode * time
    others = sum((part[name] for name in ("launch", "exchange", "latency")), np.zeros(())) * decode * time
    busy = time - host
    own = np.maximum(np.asarray(found.power) / chips - power.idle, 0.0) * time
    free = np.maximum(own - power.active * busy, 0.0)
    bytes_moved = np.minimum(memory * chip.memory_bandwidth, free / power.byte)
    form = next(iter(power.flop))
    flops = (free - bytes_moved * power.byte) / power.flop[form]

    def drawn(most: float) -> Drawn:
        return capped_serving(
            chip=chip, power=power, time=time, busy=busy,
            arithmetic=np.maximum(busy - memory - others, 0.0), flops={form: flops},
            bytes_moved=bytes_moved, cap=most,
        )  # fmt: skip

    held, free_clock = drawn(cap), drawn(chip.power_limit)
    share = np.minimum(held.power / free_clock.power, 1.0)
    return share * np.asarray(found.power) / chips, np.maximum(held.time / free_clock.time, 1.0)
