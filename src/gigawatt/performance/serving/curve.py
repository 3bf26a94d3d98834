"""What a replica draws, writes and makes its readers wait for, by requests held at once and by power cap.

The batch and the cap are the two settings by which a service changes its power within seconds. Both come from
the same closed form of steady serving (:func:`~gigawatt.performance.serving.steady.steady`) and the same
regulator (:class:`~gigawatt.performance.serving.power.Regulator`) as every other answer of serving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.power import least_serving_cap, load_node_power
from gigawatt.performance.serving.steady import steady

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
    A cap slows multiplications by the clock; memory, links and the host keep their time. Where the replica
    has a cap of its own, that is the highest.

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
    highest = chip.power_limit if replica.cap is None else float(np.max(replica.cap))
    lower = np.sort(np.atleast_1d(np.asarray(caps, float)))[::-1]
    kept = np.append(highest, lower[(lower < highest) & (lower > least_serving_cap(chip))])
    held, shape = asked[room], (len(kept), int(np.count_nonzero(room)))
    found = steady(
        replace(replica, cap=np.repeat(kept, shape[1])), prompt=prompt, output=output,
        held=np.tile(held, shape[0]), sequences=places,
    )  # fmt: skip
    chips = int(np.max(replica.chips))
    watts = np.asarray(found.power).reshape(shape) / chips
    return BatchCurve(
        caps=kept,
        batch=held,
        power=chips * (node.base / node.chips + (1.0 + node.share) * watts + replica.cluster.network_power),
        accelerators=chips * watts,
        tokens=np.asarray(found.requests).reshape(shape) * output,
        token_time=np.asarray(found.token).reshape(shape),
        chips=chips,
    )
