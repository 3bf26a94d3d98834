"""Attention groups of a replica of the event engine: which one a request runs in, and which has the most.

With attention data parallelism each group has a scheduler of its own, and all meet in every layer, at the
experts that they share: an iteration takes as long as its slowest group. A request goes to the group with the
least of prompts to compute, or to that with the fewest requests, as the engine has it; pages and places are
counted over all groups together.
"""

from __future__ import annotations

from typing import Any

from gigawatt.core.compiled import compiled

__all__ = ["board", "busiest", "clear", "emptiest", "even", "free", "get_off", "owe", "put", "spare"]


@compiled
def emptiest(w: Any, r: int) -> int:
    """The group with the fewest requests and, of these, prompt tokens to compute; or the other way round."""
    cfg = w.cfg[0]
    groups = int(cfg.groups)
    one, two, best = cfg.loads + r * groups, cfg.backlog, 0
    if cfg.spreads == 1:
        one, two = two, one
    for g in range(1, groups):
        more = w.whole[one + g] - w.whole[one + best]
        if more < 0 or (more == 0 and w.whole[two + g] < w.whole[two + best]):
            best = g
    return best


@compiled
def board(w: Any, r: int, i: int) -> None:
    """Request ``i`` runs from now on, in the emptiest group."""
    cfg = w.cfg[0]
    g = emptiest(w, r)
    w.whole[cfg.member + i] = g
    w.whole[cfg.loads + r * int(cfg.groups) + g] += 1


@compiled
def get_off(w: Any, r: int, i: int) -> None:
    """Request ``i`` runs no longer."""
    cfg = w.cfg[0]
    w.whole[cfg.loads + r * int(cfg.groups) + w.whole[cfg.member + i]] -= 1


@compiled
def clear(w: Any, r: int) -> None:
    """An iteration is formed: no group has prompts yet."""
    cfg = w.cfg[0]
    groups = int(cfg.groups)
    for g in range(groups):
        w.whole[cfg.crowd + r * groups + g] = 0
        w.whole[cfg.backlog + g] = 0
        w.real[cfg.spans + g] = 0.0


@compiled
def spare(w: Any, r: int, g: int, room: float) -> float:
    """Prompt tokens that a group can still take in the iteration, of ``room``."""
    return room - w.whole[w.cfg[0].crowd + r * int(w.cfg[0].groups) + g]


@compiled
def owe(w: Any, i: int, tokens: int) -> None:
    """The group of request ``i`` has ``tokens`` of its prompt to compute, in this iteration or later."""
    w.whole[w.cfg[0].backlog + w.whole[w.cfg[0].member + i]] += tokens


@compiled
def put(w: Any, r: int, i: int, tokens: int, time: float) -> None:
    """Put ``tokens`` of request ``i``, of which attention takes ``time``, in its group's iteration."""
    cfg = w.cfg[0]
    g = w.whole[cfg.member + i]
    w.whole[cfg.crowd + r * int(cfg.groups) + g] += tokens
    w.real[cfg.spans + g] += time


@compiled
def busiest(w: Any, r: int) -> tuple[int, float]:
    """(prompt tokens, time of attention to them) of the groups that have the most of each."""
    cfg = w.cfg[0]
    groups = int(cfg.groups)
    tokens, time = 0, 0.0
    for g in range(groups):
        tokens = max(tokens, w.whole[cfg.crowd + r * groups + g])
        time = max(time, w.real[cfg.spans + g])
    return tokens, time


@compiled
def free(w: Any, r: int, i: int) -> bool:
    """Whether the group of request ``i`` computes no prompt in the iteration under way."""
    cfg = w.cfg[0]
    return w.whole[cfg.crowd + r * int(cfg.groups) + w.whole[cfg.member + i]] == 0


@compiled
def even(w: Any, r: int, waiting: int) -> bool:
    """Whether of requests that wait each group would have one, or one runs nothing."""
    cfg = w.cfg[0]
    groups = int(cfg.groups)
    first = cfg.loads + r * groups
    total, most, least = 0, 0, w.whole[first]
    for g in range(groups):
        here = w.whole[first + g]
        total, most, least = total + here, max(most, here), min(least, here)
    return least == 0 or waiting >= groups * (most + 1) - total
