"""Steady serving in closed form: what a replica gives when it is asked all the time, arrays over points.

A replica holds so many requests at once (closed loop). While a request decodes, prompts of others are
computed beside it and lengthen its iterations. With D the time of an iteration of b decoding sequences, p the
time that one prompt adds, and s = (output − 1)/accepted steps a request, the replica finishes

    X = 1 / (s·D/b + p)  requests a second,

and a request decodes for s·D + b·p. What it waits for its first token, W, is the iterations that compute its
prompt; the sequences that decode are those held less X·W (Little). The event engine of the serving room gives
the same without these means, and queues besides.

Of several attention groups the busiest decides: how many prompts meet in an iteration and how many of them it
has are means over random arrivals (:mod:`~gigawatt.performance.serving.groups`).

References
----------
Little 1961 (L = λW). Agrawal et al. 2024, "Sarathi-Serve", arXiv:2403.02310 (chunks beside decoding).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.performance.serving.groups import (
    busiest_prompts,
    gathered_prompts,
    met_prompts,
    spread_prompts,
)
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    encoder_cost,
    host_time,
    prompt_cost,
    prompt_tokens_cost,
    sequence_cost,
    token_cost,
    within_limit,
)
from gigawatt.performance.serving.memory import holding
from gigawatt.performance.serving.pass_cost import PassCost
from gigawatt.performance.serving.power import Regulator

__all__ = [
    "Static",
    "Steady",
    "accepted_tokens",
    "decode_pass",
    "most_held",
    "prompts_pass",
    "static_batch",
    "steady",
]

Array = NDArray[np.float64]

_LEAST_SHARE = 4.0
"""Prompts have at least this part of an iteration's tokens, whatever decodes."""
_ROUNDS = 6
"""Rounds of the fixed point; beyond these hardly a point moves by a thousandth."""


@dataclass(frozen=True)
class Steady:
    """A replica in steady serving, arrays over points ``(L,)``.

    Attributes
    ----------
    first_token : array [s]
        Mean time to the first token (TTFT) without the queue of a start.
    burst : array [s]
        Mean time to the first token of requests that all arrive at once at the start.
    token : array [s]
        Mean time between tokens of a request (TPOT).
    requests : array [1/s]
        Finished by the replica.
    decoding, held : array
        Sequences that decode, and those held at all: fewer than asked for where memory has no room.
    iteration : array [s]
        Of decoding alone.
    parts : mapping of array [s]
        What the time of such an iteration goes to, ``host`` included.
    energy : array [J]
        Of a request, idle power included.
    power : array [W]
        Of all accelerators of the replica.
    fits : array of bool
        Whether weights and one request fit.
    """

    first_token: Array
    burst: Array
    token: Array
    requests: Array
    decoding: Array
    held: Array
    iteration: Array
    parts: dict[str, Array]
    energy: Array
    power: Array
    fits: NDArray[np.bool_]


def accepted_tokens(*, guesses: float, acceptance: ArrayLike) -> Array:
    """Tokens gained an iteration: 1 + a + a² + … + a^guesses.

    Parameters
    ----------
    guesses : float
        Tokens guessed and checked at once, a whole number.
    acceptance : array
        Chance a that a guess is right, given that those before it were; 0 to 1.

    References
    ----------
    Leviathan et al. 2023, arXiv:2211.17192, equation 1.
    """
    a = np.asarray(acceptance, dtype=float)
    return np.asarray(sum((a**i for i in range(1, int(guesses) + 1)), np.ones_like(a)))


@dataclass(frozen=True)
class _Round:
    """One evaluation of the fixed point: decoding alone, with prompts beside it, and what one prompt adds."""

    decode: PassCost
    alone: Array
    whole: Array
    share: Array
    extra: Array
    joules: Array


@dataclass(frozen=True)
class _Setting:
    """Tokens of an iteration of one attention group, decode iterations that pass before the engine looks for
    new requests, and whether groups wait for each other's prompts so long."""

    budget: Array
    passes: Array
    balance: Array

    @classmethod
    def of(cls, r: Replica, budget: Array, interval: ArrayLike, balance: ArrayLike, held: Array) -> _Setting:
        """With ``held`` requests: none waits while a group runs nothing, as where each has hardly one."""
        passes, waits = np.asarray(interval, dtype=float) - 1.0, np.asarray(balance, dtype=float)
        each = held / r.shares.data
        return cls(budget, np.where(waits > 0.0, passes * np.clip(each - 1.0, 0.0, 1.0), passes), waits)

    def together(self, r: Replica, rate: Array, one: _Round) -> Array:
        """Prompts that come from one iteration with prompts to the next."""
        come = rate * (one.whole + self.passes * one.alone)
        return np.where(self.balance > 0.0, gathered_prompts(come, r.shares.data), come)

    def wait(self, rate: Array, together: Array, one: _Round) -> Array:
        """Mean wait of a prompt for the look that finds it [s]: half of the time between two."""
        gaps = self.passes * one.alone
        return np.where(self.balance > 0.0, np.minimum(gaps, together / rate), gaps) / 2.0


def _round(
    r: Replica, prompt: Array, before: Array, context: Array, decoding: Array, together: Array, s: _Setting
) -> _Round:
    """Iterations of ``decoding`` sequences, and of as many prompts beside them as come ``together``.

    Each prompt follows ``before`` tokens that are not computed.
    """
    engine, b, budget, data = r.engine, decoding, s.budget, r.shares.data
    attention, ends = decode_cost(r, b, context), sequence_cost(r, b)
    decode = within_limit(r, token_cost(r, b * r.verified).plus(attention).plus(ends))
    host = host_time(r, b)
    alone = np.maximum(decode.time, host) + engine.overhead
    beside = b * r.verified if engine.alone <= 0.0 else np.zeros(())
    most = np.maximum(budget * data - beside, budget / _LEAST_SHARE)
    several = data > 1.0
    meet = np.where(several, met_prompts(together), np.maximum(together, 1.0))
    chunk = np.minimum(prompt * meet, most)
    share = chunk / prompt
    one = np.minimum(chunk, prompt)
    one = np.minimum(one, budget)
    pieces = chunk / one
    met = spread_prompts(together * prompt / one, data) if engine.spreads else busiest_prompts(pieces, data)
    even = np.maximum(pieces / data, 1.0)
    crowd = np.where(several & (chunk < most), np.maximum(met, even), even)
    # groups that wait for each other go on with what one iteration holds
    crowd = np.where(s.balance > 0.0, np.minimum(crowd, np.maximum(budget / one, pieces / data)), crowd)
    scores = prompt_cost(r, one, before + np.maximum(prompt - one, 0.0) / 2.0).times(crowd)
    added = prompt_tokens_cost(r, chunk, crowd * one, beside).plus(scores).plus(sequence_cost(r, share))
    added = added.plus(encoder_cost(r).times(crowd * one / prompt))
    if engine.alone <= 0.0:
        added = added.plus(attention).plus(ends)
    added = within_limit(r, added)
    issued = engine.eager * r.architecture.layers
    whole = np.maximum(np.maximum(added.time, host), issued) + engine.overhead
    # where prompts run alone, sequences of the other groups go on beside them
    goes_on = 1.0 - np.minimum(pieces / data, 1.0) if engine.alone > 0.0 else 1.0
    left = decode.energy if engine.alone <= 0.0 else 0.0
    return _Round(
        decode, alone, whole, share, (whole - goes_on * alone) / share, (added.energy - left) / share
    )


def _first(r: Replica, one: _Round, prompt: Array) -> Array:
    """Iterations that compute a prompt, which passes a pipeline whole, stage after stage."""
    chunks = np.maximum(1.0 / one.share, 1.0)
    found = chunks * one.whole
    if np.all(r.under_way <= 1.0):
        return found
    chunk, p = np.minimum(prompt, prompt * one.share), r.under_way
    alone, passing = _prompt_alone(r, chunk), _prompt_alone(r, chunk * p)
    return found + np.maximum(passing.time - alone.time, 0.0)


def _prompt_alone(r: Replica, chunk: Array) -> PassCost:
    work = prompt_tokens_cost(r, chunk, chunk).plus(prompt_cost(r, chunk, 0.0)).plus(sequence_cost(r, 1.0))
    return within_limit(r, work)


def _burst(r: Replica, prompt: Array, count: Array, budget: Array) -> Array:
    """Mean time to the first token of ``count`` prompts that come at once to an empty replica."""
    engine, s = r.engine, prompt
    chunk = np.minimum(count * s, budget * r.shares.data)
    passes = count * s / chunk
    one = np.minimum(np.minimum(chunk, s), budget)
    each = np.maximum(chunk / one / r.shares.data, 1.0)  # spread evenly: none has run before
    cost = prompt_tokens_cost(r, chunk, each * one).plus(
        prompt_cost(r, one, np.maximum(s - one, 0.0) / 2.0).times(each)
    )
    cost = cost.plus(sequence_cost(r, chunk / s)).plus(encoder_cost(r).times(each * one / s))
    least = np.maximum(host_time(r, count), engine.eager * r.architecture.layers)
    each = np.maximum(within_limit(r, cost).time, least) + engine.overhead
    return (passes + 1.0) / 2.0 * each


def steady(
    r: Replica,
    *,
    prompt: ArrayLike,
    output: ArrayLike,
    held: ArrayLike,
    accepted: ArrayLike = 1.0,
    budget: ArrayLike | None = None,
    sequences: ArrayLike | None = None,
    before: ArrayLike = 0.0,
    interval: ArrayLike = 1.0,
    balance: ArrayLike = 0.0,
    rounds: int = _ROUNDS,
) -> Steady:
    """A replica that is never without ``held`` requests.

    Parameters
    ----------
    r : Replica
        Layouts, model, machine and engine.
    prompt, output : array (L,)
        Tokens of a request that are computed and written.
    held : array (L,)
        Requests at once; those for which memory has no room wait.
    accepted : array (L,)
        Tokens gained an iteration (:func:`accepted_tokens`).
    budget, sequences : array (L,), optional
        Tokens and sequences of an iteration at most; the engine's usual ones if left out.
    before : array (L,)
        Tokens of a request ahead of the prompt that a cache holds: read and held, not computed.
    interval : array (L,)
        Decode iterations between looks for new requests.
    balance : array (L,)
        Whether attention groups wait for each other's prompts, ``interval`` iterations at most.
    rounds : int
        Of the fixed point of decoding sequences.
    """
    s, n, asked, kept = (np.asarray(x, dtype=float) for x in (prompt, output, held, before))
    gain = np.asarray(accepted, dtype=float)
    engine = r.engine
    most = np.asarray(engine.token_budget if budget is None else budget, dtype=float)
    places = np.asarray(engine.max_sequences if sequences is None else sequences) * r.shares.data
    holds = holding(r, kept + s + engine.reserved * n)
    c = np.maximum(np.minimum(np.minimum(asked, places), holds), 1.0)
    settings = _Setting.of(r, most, interval, balance, c)
    steps = np.maximum(n - 1.0, 0.0) / gain
    b, one = _decoding(r, (s, kept, kept + s + n / 2.0), steps, c, settings, rounds)
    rate = 1.0 / (steps * one.alone / b + one.extra)
    waiting = _first(r, one, s) + settings.wait(rate, settings.together(r, rate, one), one)
    chip = r.cluster.chip
    idle = chip.idle_power * r.chips
    energy = steps * one.decode.energy / b + one.joules + idle / rate
    if r.cap is not None:  # prompts and decoding keep it each; their means as well
        energy = np.minimum(energy, Regulator.of(chip, r.cap).cap * r.chips / rate)
    return Steady(
        first_token=waiting + engine.prompt + np.maximum(asked - c, 0.0) / rate,
        burst=_burst(r, s, c, most) + engine.prompt,
        token=(steps * one.alone + b * one.extra) / np.maximum(n - 1.0, 1.0),
        requests=rate,
        decoding=b,
        held=c,
        iteration=one.alone,
        parts={
            **one.decode.bound,
            "host": one.alone - one.decode.time,
        },
        energy=energy,
        power=energy * rate,
        fits=holding(r, kept + s + n) >= 1.0,
    )


def _decoding(
    r: Replica, tokens: tuple[Array, Array, Array], steps: Array, held: Array, setting: _Setting, rounds: int
) -> tuple[Array, _Round]:
    """(sequences that decode, the iterations with them): those held less what Little's law has waiting.

    ``tokens``: of a prompt that are computed, that a cache holds, and in the mean context of decoding.
    """
    b, prompt = held, tokens[0]
    one = _round(r, *tokens, b, np.zeros(()), setting)
    for _ in range(rounds):
        rate = 1.0 / (steps * one.alone / b + one.extra)
        together = setting.together(r, rate, one)
        waiting = _first(r, one, prompt) + setting.wait(rate, together, one)
        b = 0.5 * (b + np.clip(held - rate * waiting, 0.5, held))  # damped: half of the way
        one = _round(r, *tokens, b, together, setting)
    return b, one


@dataclass(frozen=True)
class Static:
    """One batch whose requests start and end together: arrays over points ``(L,)``."""

    first_token: Array
    token: Array
    requests: Array
    energy: Array
    power: Array
    fits: NDArray[np.bool_]


def static_batch(
    r: Replica, *, prompt: ArrayLike, output: ArrayLike, batch: ArrayLike, budget: float | None = None
) -> Static:
    """A batch of ``batch`` (L,) alike requests: all prompts first, then all tokens, then the next batch.

    Where not all have room at once, they go through in as many batches as it takes (``requests`` and
    ``energy`` are of those). Parameters as of :func:`steady`.
    """
    s, n, asked = (np.asarray(x, dtype=float) for x in (prompt, output, batch))
    engine = r.engine
    most = (engine.token_budget if budget is None else budget) * r.shares.data
    b = np.maximum(np.minimum(asked, holding(r, s + n)), 1.0)
    first, energy = prompts_pass(r, prompt=s, count=b, most=most, ends=sequence_cost(r, b))
    step, decoded = decode_pass(r, sequences=b, context=s + n / 2.0)
    steps = np.maximum(n - 1.0, 0.0)
    span = first + steps * step
    joules = energy + steps * decoded
    idle = r.cluster.chip.idle_power * r.chips
    return Static(
        first_token=first + engine.prompt,
        token=step,
        requests=b / span,
        energy=(joules + idle * span) / b,
        power=joules / span + idle,
        fits=holding(r, s + n) >= 1.0,
    )


def prompts_pass(
    r: Replica, *, prompt: ArrayLike, count: ArrayLike, most: ArrayLike, ends: PassCost
) -> tuple[Array, Array]:
    """(time [s], energy above idle [J]) of ``count`` (L,) prompts of ``prompt`` (L,) tokens and nothing else.

    ``most`` (L,) tokens of an iteration of the replica; ``ends`` is what is done once for all of them, such
    as the logits of their last tokens.
    """
    s, whole, at_once = (np.asarray(x, dtype=float) for x in (prompt, np.multiply(count, prompt), most))
    passes = np.maximum(whole / at_once, 1.0)
    one = np.minimum(s, at_once)
    chunks = whole / one / r.shares.data
    work = token_cost(r, whole / passes).times(passes)
    work = work.plus(prompt_cost(r, one, (s - one) / 2.0).times(np.maximum(chunks, 1.0)))
    work = work.plus(encoder_cost(r).times(np.maximum(chunks, 1.0) * one / s))
    work = within_limit(r, work.plus(ends))
    issued = np.maximum(host_time(r, count), r.engine.eager * r.architecture.layers)
    iterations = np.ceil(passes)
    return np.maximum(work.time, issued * iterations) + r.engine.overhead * iterations, work.energy


def decode_pass(r: Replica, *, sequences: ArrayLike, context: ArrayLike) -> tuple[Array, Array]:
    """(time [s], energy above idle [J]) of an iteration of ``sequences`` (L,), each ``context`` (L,) tokens
    in, without prompts beside it; guessed tokens are checked with them."""
    b = np.asarray(sequences, dtype=float)
    work = token_cost(r, b * r.verified).plus(decode_cost(r, b, context)).plus(sequence_cost(r, b))
    work = within_limit(r, work)
    return np.maximum(work.time, host_time(r, sequences)) + r.engine.overhead, work.energy


def most_held(r: Replica, *, prompt: ArrayLike, output: ArrayLike) -> Array:
    """Requests of ``prompt`` and ``output`` (L,) tokens that a replica holds, by memory and places."""
    s, n = (np.asarray(x, dtype=float) for x in (prompt, output))
    places = r.engine.max_sequences * r.shares.data
    return np.maximum(np.minimum(holding(r, s + r.engine.reserved * n), places), 1.0)
