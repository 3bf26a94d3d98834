"""Common random numbers: every quantity has a stream of its own, and a draw has a fixed place in it.

The generator is counter-based (Philox 4×64, ten rounds). Its key is a hash of the seed and the quantity's
name, and the counter is the number of the draw. So a quantity that is added moves no other, scenarios share
their luck, and any chunk of draws can be made alone: the bits are the same on every machine and for every
chunking.

References
----------
Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["SEED", "checked_seed", "uniforms"]

SEED = 20260
"""Seed where none is given."""

_LANES = 4  # 64-bit numbers of one step of the counter


def checked_seed(seed: int) -> int:
    """``seed``, if it is a whole number from 0 to 2^63 − 1.

    Raises
    ------
    InputError
        It is not.
    """
    if isinstance(seed, bool) or seed != int(seed) or not 0 <= seed < 2**63:
        raise InputError("not a seed", key="seed", given=seed, allowed="a whole number from 0 to 2^63 − 1")
    return int(seed)


def uniforms(seed: int, name: str, start: int, stop: int, width: int = 1) -> NDArray[np.float64]:
    """Draws ``start`` to ``stop`` of the stream of ``name``, uniform in the open interval (0, 1).

    Parameters
    ----------
    seed : int
        From 0 to 2^63 − 1.
    name : str
        The quantity.
    start, stop : int
        Numbers of draws, 0 ≤ start ≤ stop.
    width : int
        Numbers a draw, ≥ 1.

    Returns
    -------
    array (stop − start, width)
        Multiples of 2⁻⁵³ plus half of it: never 0, never 1.

    Raises
    ------
    InputError
        A seed, range or width that is none.
    """
    checked_seed(seed)
    if not 0 <= start <= stop or width < 1:
        raise InputError(
            "not a range of draws", given=f"{start} to {stop}, {width} each", allowed="0 ≤ start ≤ stop"
        )
    key = int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest(), "little")
    steps = -(-width // _LANES)
    bits = np.random.Philox(key=key)
    bits.advance(int(start) * steps)
    raw = bits.random_raw((stop - start) * steps * _LANES).reshape(stop - start, steps * _LANES)
    return ((raw[:, :width] >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
