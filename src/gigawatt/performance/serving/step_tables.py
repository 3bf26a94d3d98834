"""What one iteration of a serving engine takes, as small tables: the seam between step model and events.

A replica is one copy of a model on its accelerators. An iteration runs the next token of every decoding
sequence and chunks of prompts together. Its time is a sum of parts, each tabulated over few knots and
linear between them, so that a million iterations cost no more than a million look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.performance.serving.power import Regulator

__all__ = ["HeldTables", "StepTables", "iteration_cost", "stage_delay"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HeldTables:
    """What a power cap slows of an iteration, by the parts and knots of :class:`StepTables`.

    Attributes
    ----------
    regulator : Regulator
        Of one accelerator.
    linear : array (N, 2)
        Seconds that multiplications bind, and joules that fall with their voltage.
    shared : array (N,)
        The part of those seconds that all attention groups share.
    batch : array (B, 2), decode : array (B, C, 2), prefill : array (Q, P, 2)
        As ``linear``.
    """

    regulator: Regulator
    linear: Array
    shared: Array
    batch: Array
    decode: Array
    prefill: Array


@dataclass(frozen=True)
class StepTables:
    """Time and energy of the parts of an iteration of one replica.

    All times in seconds, all energies in joules of all accelerators of the replica, above ``idle_power``.
    Knots ascend; between them parts are linear, beyond the last they go on as between the last two.

    Attributes
    ----------
    tokens : array (N,)
        Tokens of an iteration (decoding sequences times ``verified``, and tokens of prompt chunks).
    linear_time, linear_energy : array (N,)
        All that works on every token alike: multiplications by weights, experts, norms, exchanges.
    shared : array (N,)
        The part of ``linear_time`` that all attention groups share (experts): it goes by the tokens of all,
        the rest by those of the group with the most. Nought where the engine pads the other groups.
    groups : float
        Attention groups, each with prompts of its own: all wait for the one that has the most to compute.
    spreads : bool
        Whether a new request goes to the group with the least of prompts to compute, before that with the
        fewest requests.
    hidden : array (N,)
        Exchange that goes on beside all other work: an iteration takes the longer of the two.
    hidden_cores : float
        Share of it by which that work is longer in an iteration with prompts.
    batch : array (B,)
        Sequences in an iteration; decoding ones for ``decode_*``.
    batch_time, batch_energy : array (B,)
        What is done once a sequence: logits, sampling, the host's work that nothing hides.
    floor : array (B,)
        Least time of an iteration with so many sequences: the host's work that runs beside the device's.
    context : array (C,)
        Tokens a decoding sequence has before it, in the mean.
    decode_time, decode_energy : array (B, C)
        Attention (and states of other mixers) of all decoding sequences together.
    chunk : array (Q,), before : array (P,)
        Tokens of one prompt chunk; tokens of the same prompt that were computed before it.
    prefill_time, prefill_energy : array (Q, P)
        Attention of one chunk, in its group.
    overhead : float [s]
        Of every iteration, hidden by nothing.
    verified : float
        Tokens that a decoding sequence puts through the model in an iteration (1, more where guessed tokens
        are checked).
    accepted : float
        Tokens that it has gained after it, 1 ≤ accepted ≤ verified.
    capacity : float
        Tokens that keys and values have room for, over the replica.
    token_bytes, sequence_bytes : float [B]
        Kept for a token; kept for a sequence whatever its length (states).
    idle_power : float [W]
        Of the replica's accelerators when nothing runs.
    power_limit : float [W]
        Of the same at most, while their kernels run: joules of an iteration beyond it are not drawn.
    chips : int
        Accelerators of the replica.
    stages : int
        Of its pipeline. The tables spread an iteration's work over them; :func:`stage_delay` is what a prompt
        waits beyond that because it passes them one after another.
    held : HeldTables, optional
        Where the accelerators are held to a power cap. Times and energies are those at their own limit; an
        iteration settles as a whole, since its clock is one.
    """

    tokens: Array
    linear_time: Array
    linear_energy: Array
    batch: Array
    batch_time: Array
    batch_energy: Array
    floor: Array
    context: Array
    decode_time: Array
    decode_energy: Array
    chunk: Array
    before: Array
    prefill_time: Array
    prefill_energy: Array
    overhead: float
    verified: float
    accepted: float
    capacity: float
    token_bytes: float
    sequence_bytes: float
    idle_power: float
    power_limit: float
    chips: int
    stages: int = 1
    hidden: Array | None = None
    hidden_cores: float = 0.0
    groups: float = 1.0
    shared: Array | None = None
    spreads: bool = True
    held: HeldTables | None = None

    @property
    def beside(self) -> Array:
        """:attr:`hidden` (N,), nought where there is none."""
        return np.zeros_like(self.linear_time) if self.hidden is None else self.hidden

    @property
    def common(self) -> Array:
        """:attr:`shared` (N,), nought where there is none."""
        return np.zeros_like(self.linear_time) if self.shared is None else self.shared


def _place(knots: Array, at: ArrayLike) -> tuple[NDArray[np.intp], Array]:
    """(index of the knot below, weight of the one above); beyond the ends the weight leaves [0, 1]."""
    x = np.asarray(at, dtype=float)
    low = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, max(len(knots) - 2, 0))
    if len(knots) < 2:
        return low, np.zeros_like(x)
    return low, (x - knots[low]) / (knots[low + 1] - knots[low])


def _line(knots: Array, values: Array, at: ArrayLike) -> Array:
    low, share = _place(knots, at)
    high = np.minimum(low + 1, len(knots) - 1)
    return values[low] * (1.0 - share) + values[high] * share


def _plane(rows: Array, columns: Array, values: Array, at_row: ArrayLike, at_column: ArrayLike) -> Array:
    i, u = _place(rows, at_row)
    j, v = _place(columns, at_column)
    i1, j1 = np.minimum(i + 1, len(rows) - 1), np.minimum(j + 1, len(columns) - 1)
    near = values[i, j] * (1.0 - v) + values[i, j1] * v
    far = values[i1, j] * (1.0 - v) + values[i1, j1] * v
    return near * (1.0 - u) + far * u


def iteration_cost(
    tables: StepTables,
    *,
    decoding: ArrayLike,
    context: ArrayLike,
    chunk: ArrayLike = 0.0,
    before: ArrayLike = 0.0,
    prompts: ArrayLike = 1.0,
) -> tuple[Array, Array]:
    """(time [s], energy above idle [J]) of iterations, the reference that the event engine must agree with.

    Parameters
    ----------
    tables : StepTables
        Of the replica.
    decoding, context : array
        Decoding sequences, and the tokens they have before them in the mean.
    chunk, before, prompts : array
        ``prompts`` chunks of ``chunk`` tokens each, each with ``before`` tokens of its prompt done, spread
        evenly over the attention groups; a chunk of 0 is none.

    Notes
    -----
    time = max(own(most) + shared(tokens) + decode(decoding, context) + busiest · prefill(chunk, before)
    + batch(sequences) + cores · hidden(most), hidden(most), floor(sequences)) + overhead, with tokens =
    decoding · verified + prompts · chunk and sequences = decoding + prompts (those with a chunk); cores are 0
    in an iteration without prompts. The busiest attention group has prompts/groups chunks, at least one; most
    are the tokens if every group had as many; own is what is not shared of linear. Under a power cap the
    first term is what it takes at the clock at which the iteration's mean power stays within the cap.
    """
    b, q, n = (np.asarray(x, dtype=float) for x in (decoding, chunk, prompts))
    n = np.where(q > 0.0, n, 0.0)
    sequences, busiest = b + n, np.where(n > 0.0, np.maximum(n / tables.groups, 1.0), 0.0)

    def parts(
        linear: Array, decode: Array, prefill: Array, batch: Array, prompts: Array, total: Array
    ) -> Array:
        found = np.where(total > 0.0, _line(tables.tokens, linear, total), 0.0)
        found = found + np.where(b > 0.0, _plane(tables.batch, tables.context, decode, b, context), 0.0)
        found = found + prompts * _plane(tables.chunk, tables.before, prefill, np.maximum(q, 1.0), before)
        return found + np.where(sequences > 0.0, _line(tables.batch, batch, sequences), 0.0)

    there, most = b * tables.verified + n * q, b * tables.verified + busiest * tables.groups * q
    time = parts(
        tables.linear_time, tables.decode_time, tables.prefill_time, tables.batch_time, busiest, most
    )
    common = _line(tables.tokens, tables.common, there) - _line(tables.tokens, tables.common, most)
    time = time + np.where(most > there, common, 0.0)
    energy = parts(
        tables.linear_energy, tables.decode_energy, tables.prefill_energy, tables.batch_energy, n, there
    )
    hidden = np.where(most > 0.0, _line(tables.tokens, tables.beside, most), 0.0)
    time = time + np.where(n > 0.0, tables.hidden_cores, 0.0) * hidden
    if tables.held is None:
        energy = np.minimum(energy, (tables.power_limit - tables.idle_power) * time)
    else:
        held = tables.held
        slowed = parts(
            held.linear[:, 0], held.decode[..., 0], held.prefill[..., 0], held.batch[:, 0], busiest, most
        )
        shared = _line(tables.tokens, held.shared, there) - _line(tables.tokens, held.shared, most)
        core = parts(held.linear[:, 1], held.decode[..., 1], held.prefill[..., 1], held.batch[:, 1], n, there)
        time, energy = held.regulator.hold(
            time=time, energy=energy, arithmetic=slowed + np.where(most > there, shared, 0.0), core=core,
            chips=float(tables.chips),
        )  # fmt: skip
    floor = np.where(sequences > 0.0, _line(tables.batch, tables.floor, sequences), 0.0)
    floor = np.maximum(floor, hidden)
    return np.maximum(time, floor) + np.where(sequences > 0.0, tables.overhead, 0.0), energy


def stage_delay(tables: StepTables, prompt: ArrayLike) -> Array:
    """Seconds by which the first token of a prompt (N,) comes later than its iterations say.

    A pipeline of p stages computes p batches at once, so that an iteration takes what its work takes spread
    over all of them. A prompt's first chunk is one batch, which passes the stages one after another: it takes
    what p times the chunk would take, spread. 0 without a pipeline.
    """
    q = np.asarray(prompt, dtype=float)
    if tables.stages <= 1:
        return np.zeros_like(q)
    chunk = np.minimum(q, tables.chunk[-1])
    spread, _ = iteration_cost(tables, decoding=0.0, context=0.0, chunk=chunk)
    whole, _ = iteration_cost(tables, decoding=0.0, context=0.0, chunk=chunk * tables.stages)
    return np.maximum(whole - spread, 0.0)
