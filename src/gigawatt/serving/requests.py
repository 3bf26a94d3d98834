"""Requests as columns: when each comes, how long prompt and answer are, how urgent, what it shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.serving.sessions import Sessions, select_turns

__all__ = ["Requests"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _column(values: ArrayLike, key: str) -> Ints:
    """A column of whole numbers; one that holds something else is refused."""
    found = np.asarray(values)
    if found.dtype.kind not in "iu":
        as_float = found.astype(np.float64)
        wrong = np.flatnonzero(~np.isfinite(as_float) | (as_float != np.floor(as_float)))
        if len(wrong):
            raise InputError(
                f"row {wrong[0]} is no whole number",
                key=key,
                given=float(as_float[wrong[0]]),
                allowed="tokens",
            )
    return np.ascontiguousarray(found, dtype=np.int64)


def _refuse(wrong: NDArray[np.bool_], values: Floats | Ints, key: str, message: str, allowed: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        raise InputError(f"row {row} {message}", key=key, given=values[row].item(), allowed=allowed)


@dataclass(frozen=True)
class Requests:
    """Requests in the order in which they come; all arrays have one entry a request.

    Attributes
    ----------
    arrival : array (N,) [s]
        Ascending, from 0 on.
    prompt, output : array (N,) [token]
        Whole numbers, at least 1. The first token of the output comes out of the prompt's last iteration.
    priority : array (N,), optional
        0 is the most urgent; all 0 if left out.
    blocks : (array (N + 1,), array (M,)), optional
        Offsets and identities: the prompt of request ``i`` consists of the blocks
        ``ids[offsets[i]:offsets[i + 1]]``, leading ones first; equal identities are equal tokens after equal
        tokens (a hash of all up to the block's end). The last block may be partly filled.
    block_tokens : int [token]
        Of one such block.
    sessions : Sessions, optional
        Which requests are turns of one session. A later turn arrives a think time after the answer before;
        its ``arrival`` is the earliest possible, for order and span alone. Blocks are those of the sessions.

    Raises
    ------
    InputError
        Columns of unequal length, times that are negative or do not ascend, lengths below 1: with the row.
    """

    arrival: Floats
    prompt: Ints
    output: Ints
    priority: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    blocks: tuple[Ints, Ints] | None = None
    block_tokens: int = 0
    sessions: Sessions | None = None

    def __post_init__(self) -> None:
        arrival = np.ascontiguousarray(self.arrival, dtype=np.float64)
        count = len(arrival)
        prompt, output = _column(self.prompt, "prompt"), _column(self.output, "output")
        given: Any = self.priority  # None is taken as left out, too
        priority = _column(
            np.zeros(count, dtype=np.int64) if given is None or not len(given) else given, "priority"
        )
        for key, values in (("prompt", prompt), ("output", output), ("priority", priority)):
            if values.shape != arrival.shape:
                raise InputError(
                    "another number of requests than arrivals",
                    key=key, given=values.shape, allowed=str(arrival.shape),
                )  # fmt: skip
        _refuse(
            ~np.isfinite(arrival) | (arrival < 0.0), arrival, "arrival", "is no time", "seconds from 0 on"
        )
        falls = np.zeros(count, dtype=bool)
        falls[1:] = arrival[1:] < arrival[:-1]
        _refuse(falls, arrival, "arrival", "comes before the row above it", "ascending times; sort them")
        for key, values in (("prompt", prompt), ("output", output)):
            _refuse(values < 1, values, key, "has no tokens", "1 token or more")
        _refuse(priority < 0, priority, "priority", "is negative", "0, the most urgent, or more")
        object.__setattr__(self, "arrival", arrival)
        object.__setattr__(self, "prompt", prompt)
        object.__setattr__(self, "output", output)
        object.__setattr__(self, "priority", priority)
        if self.sessions is not None:
            self._check_sessions(self.sessions)
        if self.blocks is not None:
            object.__setattr__(self, "blocks", self._checked_blocks(*self.blocks))

    def _check_sessions(self, sessions: Sessions) -> None:
        if self.blocks is not None:
            raise InputError("blocks are given twice", key="blocks", allowed="those of the sessions alone")
        if len(sessions) != len(self.arrival):
            raise InputError(
                "another number of turns than requests", key="sessions", given=len(sessions),
                allowed=str(len(self.arrival)),
            )  # fmt: skip
        ends = sessions.first - (-(self.prompt + self.output) // sessions.block_tokens)
        wrong = (sessions.first < 0) | (ends > len(sessions.ids))
        _refuse(
            wrong, sessions.first, "sessions.first", "has fewer blocks than its prompt and output fill",
            "prompt and output over block_tokens, rounded up",
        )  # fmt: skip

    def _checked_blocks(self, offsets: ArrayLike, ids: ArrayLike) -> tuple[Ints, Ints]:
        starts, names = _column(offsets, "blocks"), np.asarray(ids)
        if names.dtype.kind not in "iu":
            names = _column(names, "blocks")
        names = np.ascontiguousarray(names).astype(
            np.int64, copy=False
        )  # 64-bit hashes wrap, and stay unlike
        if self.block_tokens < 1:
            raise InputError(
                "has no tokens", key="block_tokens", given=self.block_tokens, allowed="1 or more"
            )
        if len(starts) != len(self.arrival) + 1 or starts[0] != 0 or starts[-1] != len(names):
            raise InputError(
                "offsets do not span the identities",
                key="blocks", given=f"{len(starts)} offsets for {len(self.arrival)} requests",
                allowed=f"{len(self.arrival) + 1} offsets, from 0 to {len(names)}",
            )  # fmt: skip
        falls = np.diff(starts) < 0
        _refuse(falls, starts[:-1], "blocks", "ends before it starts", "ascending offsets")
        most = -(-self.prompt // self.block_tokens)
        _refuse(
            np.diff(starts) > most, np.diff(starts), "blocks", "has more blocks than its prompt fills",
            "prompt / block_tokens, rounded up",
        )  # fmt: skip
        return starts, names

    def __len__(self) -> int:
        return len(self.arrival)

    def turns(self, rows: Ints) -> Requests:
        """The requests of ascending ``rows``, which hold with a turn of a session those before it."""
        assert self.sessions is not None
        return self.with_sessions(self.arrival[rows], rows, select_turns(self.sessions, rows))

    def with_sessions(self, arrival: Floats, rows: Ints, sessions: Sessions) -> Requests:
        """The requests of ``rows``, which may repeat, at other arrivals, bound by other sessions."""
        return Requests(arrival, self.prompt[rows], self.output[rows], self.priority[rows], sessions=sessions)

    @property
    def held_before(self) -> Ints:
        """Tokens of each prompt (N,) that earlier requests hold in whole blocks, were nothing ever evicted.

        At least one token of a prompt is computed.
        """
        if self.sessions is not None:
            found = self._held_by_sessions(self.sessions)
        elif self.blocks is not None:
            found = self._held_by_blocks(*self.blocks)
        else:
            return np.zeros(len(self), dtype=np.int64)
        return np.minimum(found, (self.prompt - 1) // self._block * self._block)

    @property
    def _block(self) -> int:
        return self.block_tokens if self.sessions is None else self.sessions.block_tokens

    def _held_by_blocks(self, offsets: Ints, names: Ints) -> Ints:
        """Of leading blocks those that were whole in a request before."""
        count = np.diff(offsets)
        owner = np.repeat(np.arange(len(self)), count)
        place = np.arange(len(names)) - offsets[:-1][owner]
        whole = place < (self.prompt // self.block_tokens)[owner]
        _, of = np.unique(names, return_inverse=True)
        of = of.reshape(-1)
        first = np.full(int(of.max(initial=-1)) + 1, len(self))
        np.minimum.at(first, of[whole], owner[whole])
        leading = count.copy()
        new = first[of] >= owner
        np.minimum.at(leading, owner[new], place[new])
        return leading * self.block_tokens

    def _held_by_sessions(self, sessions: Sessions) -> Ints:
        """Of later turns what the turn before left, of first ones the beginning that all sessions share."""
        before, each = sessions.previous, sessions.block_tokens
        whole = self.prompt // each
        beginning = np.where(np.arange(len(self)) > 0, np.minimum(sessions.common, whole), 0)
        left = (self.prompt[before] + self.output[before] - 1) // each
        goes_on = sessions.later & (sessions.first == sessions.first[before])
        return np.where(goes_on, np.minimum(left, whole), beginning) * each

    @property
    def span(self) -> float:
        """Seconds from 0 to the last arrival."""
        return float(self.arrival[-1]) if len(self) else 0.0
