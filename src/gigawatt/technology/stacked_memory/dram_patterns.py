"""How a language model reads its memory, and what of the peak each way of reading reaches.

A chip spreads addresses over its pseudo-channels in granules of a few hundred bytes, and within one over its
banks. So a long run of addresses keeps every row open until it is used up, while a run of a granule or two at
a random place (a row of an embedding, a page of keys and values) opens a row for every granule. What is asked
for in pieces smaller than an access (32 B) moves the whole access.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.stacked_memory.dram_energy import (
    access_energy,
    defaults,
    generation,
)
from gigawatt.technology.stacked_memory.dram_timing import (
    WINDOW,
    Accesses,
    Achieved,
    Channel,
    bound,
    channel_of,
    peak_bandwidth,
    simulate,
)

__all__ = ["Pattern", "Reached", "accesses_of", "pattern_of", "patterns", "reach"]

_COUNT = 6000  # accesses of a run


@dataclass(frozen=True)
class Pattern:
    """A way of reading.

    ``contiguous`` bytes of an object that stand together, objects at random places; ``stride`` bytes from
    one piece to the next within it and ``piece`` bytes that are wanted of each (equal: all of it);
    ``write_share`` 0 to 1.
    """

    id: str
    name: str
    contiguous: float
    stride: float
    piece: float
    write_share: float


def patterns() -> tuple[str, ...]:
    """Ids of the patterns of the catalog."""
    return tuple(table("stacked_memory_patterns"))


@lru_cache(maxsize=64)
def pattern_of(name: str) -> Pattern:
    """A row of ``stacked_memory_patterns``; ``kv-pages:contiguous=65536`` changes a number of it [B].

    Raises
    ------
    InputError
        An unknown pattern or quantity, a number that is none or outside its range.
    """
    id, _, changes = name.partition(":")
    rows = table("stacked_memory_patterns")
    check_word("pattern", id, rows, "no such pattern")
    row = rows[id]
    values = {key: row.value(key) for key in ("contiguous", "stride", "piece", "write_share")}
    for change in filter(None, changes.split(",")):
        key, _, text = (part.strip() for part in change.partition("="))
        check_word(id, key, values, "no such number of a pattern")
        try:
            values[key] = float(text)
        except ValueError:
            raise InputError("not a number", key=f"{id}.{key}", given=text, allowed="a number") from None
    check_range("contiguous", values["contiguous"], 1.0, 1e12, "B")
    check_range("stride", values["stride"], 1.0, 1e9, "B")
    check_range("piece", values["piece"], 1.0, values["stride"], "B")
    check_range("write_share", values["write_share"], 0.0, 1.0)
    return Pattern(id, row.text("name"), **values)


def accesses_of(
    pattern: Pattern, channel: Channel, *, pseudo_channels: int = 160, count: int = _COUNT, seed: int = 0
) -> Accesses:
    """Requests of a pattern that reach one of a chip's pseudo-channels.

    Parameters
    ----------
    pattern : Pattern
        What is read.
    channel : Channel
        Which has banks, rows, columns.
    pseudo_channels : int
        Of the chip, 1 to 1e6 (five stacks of HBM3: 160); an object is spread over all of them.
    count : int
        Requests, 512 to 1e6.
    seed : int
        Of the places of objects.

    Raises
    ------
    InputError
        A number outside its range.
    """
    check_range("pseudo_channels", pseudo_channels, 1, 1e6)
    check_range("count", count, 512, 1e6)
    granule = defaults().value("granule")
    atoms = max(1, round(granule / channel.access))  # of a granule
    row_granules = max(1, channel.columns // atoms)
    # pieces that are wanted: which granules of a channel's own address space, and how many accesses in each
    per_piece = max(1.0, np.ceil(pattern.piece / channel.access))
    touched = int(min(atoms, per_piece * max(1.0, granule // pattern.stride)))
    if pattern.stride <= channel.access:
        touched = atoms
    step = max(1, round(pattern.stride / granule)) if pattern.piece < pattern.stride else 1
    served = min(1.0, pattern.piece / min(pattern.stride, per_piece * channel.access))
    run = max(1, round(pattern.contiguous / granule / pseudo_channels / step))  # granules of an object here
    short = pattern.contiguous < granule
    if short:
        touched = max(1, min(touched, round(pattern.contiguous / channel.access)))
        served = min(served, pattern.contiguous / (touched * channel.access))
    objects = int(np.ceil(count / (touched * run)))
    rng = np.random.default_rng(seed)
    space = 1 << 22
    start = rng.integers(0, space, size=objects)
    granules = (start[:, None] + step * np.arange(run)[None, :]).reshape(-1)
    bank, row = _place(granules, channel.banks, row_granules)
    written = rng.random(objects) < pattern.write_share
    if objects < 64 and 0.0 < pattern.write_share < 1.0:  # one stream is read while another is written
        return _streams(pattern, channel, row_granules, touched, step, count, rng, served)
    return Accesses(
        np.repeat(bank, touched)[:count],
        np.repeat(row, touched)[:count],
        np.repeat(np.repeat(written, run), touched)[:count],
        served,
    )


def _place(
    granules: NDArray[np.integer], banks: int, row_granules: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(bank, row) of granules: over all banks, then the next part of their rows; turned by the row."""
    row = granules // (banks * row_granules)
    return ((granules + 5 * row) % banks).astype(np.intp), row.astype(np.intp)


def _streams(
    pattern: Pattern,
    channel: Channel,
    row_granules: int,
    touched: int,
    step: int,
    count: int,
    rng: np.random.Generator,
    served: float,
) -> Accesses:
    """Long objects read and written at once: two streams, drawn by the share that is written."""
    total = int(np.ceil(count / touched))
    written = rng.random(total) < pattern.write_share
    place = np.where(written, np.cumsum(written), np.cumsum(~written)) * step + rng.integers(0, 1 << 20)
    bank, row = _place(place + np.where(written, (1 << 21) + 7, 0), channel.banks, row_granules)
    return Accesses(
        np.repeat(bank, touched)[:count],
        np.repeat(row, touched)[:count],
        np.repeat(written, touched)[:count],
        served,
    )


@dataclass(frozen=True)
class Reached:
    """What a pattern reaches on a stack.

    ``share`` of the peak that was asked for; ``bandwidth`` the same [B/s]; ``bound`` the closed form's share;
    ``row_bytes`` used of an opened row [B]; ``energy_byte`` of a byte that was asked for [J/B]; ``power`` at
    that bandwidth without what the stack takes idle [W].
    """

    memory: str
    pattern: str
    share: float
    bandwidth: float
    bound: float
    row_bytes: float
    energy_byte: float
    power: float


@lru_cache(maxsize=512)
def _simulated(
    channel: Channel, pattern: Pattern, chip: int, refresh: str, count: int, seed: int
) -> Achieved:
    made = accesses_of(pattern, channel, pseudo_channels=chip, count=count, seed=seed)
    found = simulate(channel, made, refresh="none" if refresh == "all" else refresh)
    if refresh != "all":
        return found
    left = 1.0 - channel.rfc / channel.refi  # too few refreshes fall into a short run to be counted there
    return replace(found, share=found.share * left, moved=found.moved * left)


def reach(
    memory: str | Entity,
    pattern: str | Pattern,
    *,
    stacks: int = 5,
    data_rate: float | None = None,
    refresh: str = "all",
    temperature: float | None = None,
    count: int = _COUNT,
    seed: int = 0,
) -> Reached:
    """Bandwidth and joules of a pattern on one stack of a chip with several.

    Parameters
    ----------
    memory : str or Entity
        A generation.
    pattern : str or Pattern
        Of :func:`patterns`, with changes behind it.
    stacks : int
        Of the chip, 1 to 64: objects are spread over all of them.
    data_rate : float, optional
        Of a lane [B/s].
    refresh : str
        ``all`` (what measured cards fit), ``bank`` or ``none``.
    temperature : float, optional
        Of the hottest die [K]; above 85 °C refreshes come twice as often.
    count, seed : int
        Accesses that are simulated; of the draws.

    Raises
    ------
    InputError
        Anything outside its range.
    """
    row = generation(memory) if isinstance(memory, str) else memory
    shape = pattern_of(pattern) if isinstance(pattern, str) else pattern
    check_range("stacks", stacks, 1, 64)
    channel = channel_of(row, data_rate=data_rate, temperature=temperature)
    own = row.value("channels") * row.value("pseudo_channels")
    found = _simulated(channel, shape, round(stacks * own), refresh, count, seed)
    peak = peak_bandwidth(row, data_rate=data_rate)
    used = min(max(found.row_bytes, channel.access), row.value("page"))
    closed = bound(
        channel, row_bytes=used, write_share=shape.write_share, batch=(1.0 - 0.25) * WINDOW, refresh=refresh
    )
    served = found.share / found.moved
    joules = float(sum(access_energy(row, row_bytes=used).values())) / served
    return Reached(
        memory=row.id,
        pattern=shape.id,
        share=found.share,
        bandwidth=found.share * peak,
        bound=closed * served,
        row_bytes=used,
        energy_byte=joules,
        power=found.share * peak * joules,
    )
