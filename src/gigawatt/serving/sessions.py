"""Sessions: requests whose later turns wait for the answer before, and whose prompts hold what came before.

A later turn arrives when the last token of the turn before is out and the think time is over: closed inside
a session, open across sessions. The prompt of a turn holds the conversation so far, so that a prefix cache
may hold most of it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = [
    "SESSION_BLOCK",
    "Sessions",
    "conversations",
    "in_order",
    "moved",
    "restarted",
    "select_turns",
    "whole_sessions",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Tokens of a block of a conversation where nothing says another number.
SESSION_BLOCK = 64


@dataclass(frozen=True)
class Sessions:
    """What binds N requests to sessions.

    Attributes
    ----------
    previous : array (N,)
        Row of the turn before, always above; -1 for a first turn.
    think : array (N,) [s]
        From the last token of the turn before to the arrival of this one; not read of first turns.
    first : array (N,)
        Where the blocks of the conversation begin in ``ids``: those of prompt and output, one after another.
        Turns that go on where the turn before ended begin at the same place.
    ids : array (M,)
        Identities of blocks, as in :class:`~gigawatt.serving.requests.Requests`; those below ``common`` are
        a beginning that all sessions share.
    block_tokens : int [token]
        Of a block.
    common : int
        Blocks of the beginning that all sessions share.

    Raises
    ------
    InputError
        A turn before its previous one, two turns after the same one, a negative think time, blocks of no
        tokens: with the row.
    """

    previous: Ints
    think: Floats
    first: Ints
    ids: Ints
    block_tokens: int
    common: int = 0

    def __post_init__(self) -> None:
        previous = np.ascontiguousarray(self.previous, dtype=np.int64)
        think = np.ascontiguousarray(self.think, dtype=np.float64)
        first = np.ascontiguousarray(self.first, dtype=np.int64)
        for key, values in (("think", think), ("first", first)):
            if values.shape != previous.shape:
                raise InputError(
                    "another number of turns than requests", key=f"sessions.{key}", given=values.shape,
                    allowed=str(previous.shape),
                )  # fmt: skip
        later = previous >= 0
        _refuse(previous >= np.arange(len(previous)), previous, "previous", "comes before the turn before it")
        _refuse(later & ~(np.isfinite(think) & (think >= 0.0)), think, "think", "is no think time")
        used, counts = np.unique(previous[later], return_counts=True)
        if np.any(counts > 1):
            raise InputError(
                "two turns follow the same one", key="sessions.previous", given=int(used[counts > 1][0]),
                allowed="one turn after another",
            )  # fmt: skip
        if self.block_tokens < 1:
            raise InputError(
                "has no tokens", key="sessions.block_tokens", given=self.block_tokens, allowed="1 or more"
            )
        object.__setattr__(self, "previous", previous)
        object.__setattr__(self, "think", think)
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "ids", np.ascontiguousarray(self.ids, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.previous)

    @property
    def later(self) -> NDArray[np.bool_]:
        """Whether a request is a later turn, (N,)."""
        return self.previous >= 0

    @property
    def following(self) -> Ints:
        """Row of the next turn, (N,); -1 for the last one of a session."""
        found = np.full(len(self), -1, dtype=np.int64)
        found[self.previous[self.later]] = np.flatnonzero(self.later)
        return found

    @property
    def root(self) -> Ints:
        """Row of the session's first turn, (N,)."""
        return _roots(self.previous)


def _refuse(wrong: NDArray[np.bool_], values: Ints | Floats, key: str, message: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        raise InputError(
            f"row {row} {message}", key=f"sessions.{key}", given=values[row].item(),
            allowed="a row above, -1 for a first turn" if key == "previous" else "0 s or more",
        )  # fmt: skip


def conversations(
    previous: ArrayLike, prompt: ArrayLike, output: ArrayLike, *, block_tokens: int,
    shared: ArrayLike | None = None, common: int = 0,
) -> tuple[Ints, Ints, int]:  # fmt: skip
    """(first, ids, common) of :class:`Sessions` for turns whose prompts hold what came before.

    Parameters
    ----------
    previous, prompt, output : array (N,)
        Row of the turn before; tokens.
    block_tokens : int [token]
        Of a block.
    shared : array (N,) [token], optional
        Tokens at the beginning of a prompt that are those of the turn before (prompt and output), or of the
        common beginning for first turns. Left out: all that came before, as far as the prompt is that long,
        and ``common`` tokens of first turns.
    common : int [token]
        That all sessions begin with, such as a system prompt and descriptions of tools.
    """
    before = np.asarray(previous, dtype=np.int64)
    tokens, answer = np.asarray(prompt, dtype=np.int64), np.asarray(output, dtype=np.int64)
    ended = np.where(before >= 0, (tokens + answer)[before], 0)
    if shared is None:
        same = np.minimum(np.where(before >= 0, ended, common), tokens)
    else:
        most = np.where(before >= 0, np.minimum(ended, tokens), tokens)
        same = np.minimum(np.asarray(shared, dtype=np.int64), most)
    size = int(block_tokens)
    begins = int(np.max(same[before < 0], initial=0)) // size
    blocks, kept = (-(-(tokens + answer) // size)).tolist(), (same // size).tolist()
    goes_on = (same // size >= ended // size).tolist()
    parents, first = before.tolist(), np.zeros(len(before), dtype=np.int64)
    ids, fresh = array("q"), begins
    for row in np.argsort(_roots(before), kind="stable").tolist():  # one session after another
        parent = parents[row]
        if parent >= 0 and goes_on[row]:
            first[row] = first[parent]
        else:
            first[row] = len(ids)
            start = 0 if parent < 0 else int(first[parent])
            head = min(kept[row], blocks[row])
            ids.extend(range(head) if parent < 0 else ids[start : start + head])
        added = max(int(first[row]) + blocks[row] - len(ids), 0)
        ids.extend(range(fresh, fresh + added))
        fresh += added
    return first, np.array(ids, dtype=np.int64), begins


def _roots(previous: Ints) -> Ints:
    """Row of the first turn of each row's session."""
    found = np.where(previous >= 0, previous, np.arange(len(previous)))
    while np.any(found != found[found]):
        found = found[found]
    return found


def in_order(arrival: Floats, sessions: Sessions) -> tuple[Ints, Sessions]:
    """(rows by arrival, the sessions of them so ordered); turns of a session stay in their order."""
    order = np.argsort(arrival, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    previous = sessions.previous[order]
    return order, replace(
        sessions,
        previous=np.where(previous >= 0, place[previous], -1),
        think=sessions.think[order],
        first=sessions.first[order],
    )


def moved(arrival: Floats, sessions: Sessions, starts: Floats) -> tuple[Floats, Ints, Sessions]:
    """(arrivals, rows in order, sessions) where the session of each row (N,) starts at ``starts`` [s]."""
    nominal = starts + (arrival - arrival[sessions.root])
    order, found = in_order(nominal, sessions)
    return nominal[order], order, found


def whole_sessions(sessions: Sessions, keep: NDArray[np.bool_]) -> Ints:
    """Rows of the turns up to the first of a session that is not kept."""
    kept = keep.copy()
    while True:
        cut = kept & sessions.later & ~kept[sessions.previous]
        if not cut.any():
            return np.flatnonzero(kept)
        kept &= ~cut


def select_turns(sessions: Sessions, rows: Ints) -> Sessions:
    """The sessions of ascending ``rows`` that hold with every turn the turns before it."""
    place = np.full(len(sessions), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    previous = sessions.previous[rows]
    return replace(
        sessions,
        previous=np.where(previous >= 0, place[previous], -1),
        think=sessions.think[rows],
        first=sessions.first[rows],
    )


def restarted(
    arrival: Floats, sessions: Sessions, *, period: float, rate: float, count: int
) -> tuple[Floats, Ints, Sessions]:
    """Sessions again and again, started at another rate: (arrivals, rows taken, sessions).

    The starts of sessions are those of the N turns in ``arrival``, their clock stretched until the turns
    come at ``rate`` [1/s], and repeated every ``period`` [s] of that clock; think times stay. Taken are the
    sessions that start first, until they have ``count`` turns. Copies share the common beginning alone.
    """
    number, root = len(arrival), sessions.root
    stretch = number / period / rate
    copies = -(-count // number)
    copy = np.repeat(np.arange(copies), number)
    row = np.tile(np.arange(number), copies)
    start = (arrival[root][row] + copy * period) * stretch
    by_start = np.lexsort((row, root[row], start))
    whole = np.concatenate([np.flatnonzero(np.diff((root[row] + copy * number)[by_start])) + 1, [len(row)]])
    ends = int(whole[np.searchsorted(whole, min(count, len(row)))])
    chosen = np.sort(by_start[:ends])
    most = int(sessions.ids.max(initial=0)) + 1
    ids = np.concatenate([
        np.where(sessions.ids < sessions.common, sessions.ids, sessions.ids + k * most)
        for k in range(copies)
    ])  # fmt: skip
    laid = replace(
        sessions,
        previous=np.where(sessions.previous[row] >= 0, sessions.previous[row] + copy * number, -1),
        think=sessions.think[row],
        first=sessions.first[row] + copy * len(sessions.ids),
        ids=ids,
    )
    nominal = (start + arrival[row] - arrival[root][row])[chosen]
    order, found = in_order(nominal, select_turns(laid, chosen))
    return nominal[order], row[chosen][order], found
