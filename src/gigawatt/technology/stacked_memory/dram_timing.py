"""What of its peak bandwidth a stack reaches: commands of one pseudo-channel in the order of their times.

A pseudo-channel has a row bus (activate, precharge, refresh), a column bus (read, write) and a data bus. A
controller sees a window of requests. Whatever can be issued first is issued: a column of an open row, oldest
first, or the activation that the oldest request of a bank waits for (first ready, first come). Rows stay open
while a request of the window wants them. All constraints of the standard between two commands are kept:
activations of one bank (tRC), of two (tRRD), of four (tFAW); activation to column (tRCD), columns (tCCD),
turnaround (tRTW, tWTR), precharge (tRAS, tRTP, tWR, tRP); refresh of one bank or of all.

:func:`bound` is the closed form beside it: the least of what data bus, activations, banks, turnaround and
refresh allow.

References
----------
Rixner et al. 2000, "Memory access scheduling", ISCA (first ready, first come). JESD238 and JESD270-4, as in
Ramulator 2.1 (Luo et al. 2023, IEEE Computer Architecture Letters).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import Entity
from gigawatt.core.checks import check_range, check_word
from gigawatt.technology.stacked_memory.dram_energy import generation, is_hot

__all__ = [
    "REFRESH",
    "WINDOW",
    "Accesses",
    "Achieved",
    "Channel",
    "bound",
    "channel_of",
    "peak_bandwidth",
    "simulate",
]

REFRESH = ("bank", "all", "none")
"""One bank after another, all banks at once, or not at all."""

WINDOW = 128
"""Reads, and as many writes, that a controller of a pseudo-channel sees."""

_BITS = 8.0
_LOW = 0.25  # of the window: writes that are left when a controller turns back to reads
_NEVER = -1.0  # seconds; before any command


@dataclass(frozen=True)
class Channel:
    """A pseudo-channel: sizes and times [s].

    ``access`` bytes of one column command, ``columns`` of a row, ``burst`` seconds on the data bus.
    """

    groups: int
    banks: int
    access: float
    columns: int
    burst: float
    ccd_s: float
    ccd_l: float
    rcd_read: float
    rcd_write: float
    rp: float
    ras: float
    rc: float
    rtp: float
    wr: float
    cl: float
    cwl: float
    wtr_s: float
    wtr_l: float
    rrd_s: float
    rrd_l: float
    faw: float
    rtw: float
    rfc: float
    rfc_bank: float
    refd: float
    refi: float

    @property
    def bandwidth(self) -> float:
        """Peak of the data bus [B/s]."""
        return self.access / self.burst


_TIMES = (
    "rcd_read", "rcd_write", "rp", "ras", "rc", "rtp", "wr", "cl", "cwl", "wtr_s", "wtr_l", "rrd_s", "rrd_l",
    "faw", "rtw", "rfc", "rfc_bank", "refd",
)  # fmt: skip


def channel_of(
    memory: str | Entity,
    *,
    data_rate: float | None = None,
    ranks: int | None = None,
    temperature: float | None = None,
) -> Channel:
    """A pseudo-channel of a generation.

    Parameters
    ----------
    memory : str or Entity
        ``hbm2`` to ``hbm8``.
    data_rate : float, optional
        Of a lane [B/s]; the generation's where left out. Clocks follow it, times of the cells do not.
    ranks : int, optional
        Stack identities, each with its own banks; the height over the dies of one where left out.
    temperature : float, optional
        Of the hottest die [K]: above 85 °C refreshes come twice as often.

    Raises
    ------
    InputError
        A rate, count or temperature outside its range.
    """
    row = generation(memory) if isinstance(memory, str) else memory
    rate = float(
        check_range("data_rate", row.value("data_rate") if data_rate is None else data_rate, 1e7, 1e11, "B/s")
    )
    lanes = row.value("width") * _BITS
    access = lanes * row.value("burst") / _BITS
    clock = row.value("transfers_of_a_clock") / (rate * _BITS)
    usual = max(1, round(row.value("height") / row.value("dies_of_a_rank")))
    count = round(float(check_range("ranks", usual if ranks is None else ranks, 1, 16)))
    hot = bool(is_hot(temperature))
    return Channel(
        groups=round(row.value("bank_groups")) * count,
        banks=round(row.value("banks")) * count,
        access=access,
        columns=round(row.value("page") / access),
        burst=access / (lanes * rate),
        ccd_s=row.value("ccd_s") * clock,
        ccd_l=row.value("ccd_l") * clock,
        refi=row.value("refi") / (2.0 if hot else 1.0),
        **{name: row.value(name) for name in _TIMES},
    )


def peak_bandwidth(memory: str | Entity, *, data_rate: float | None = None) -> float:
    """Bytes a second of a stack: its pseudo-channels, each an access every tCCD_S."""
    row = generation(memory) if isinstance(memory, str) else memory
    one = channel_of(row, data_rate=data_rate)
    return row.value("channels") * row.value("pseudo_channels") * one.access / max(one.burst, one.ccd_s)


@dataclass(frozen=True)
class Accesses:
    """Requests to one pseudo-channel in the order in which they come, as fast as the window takes them.

    ``bank``, ``row`` int arrays (n,), ``write`` a bool array (n,); ``served`` what of the bytes moved was
    asked for, 0 to 1.
    """

    bank: NDArray[np.intp]
    row: NDArray[np.intp]
    write: NDArray[np.bool_]
    served: float = 1.0

    def __len__(self) -> int:
        return len(self.bank)


@dataclass(frozen=True)
class Achieved:
    """What a simulation counted.

    ``share`` of the peak that was moved and asked for; ``moved`` with what nobody asked for; ``row_bytes``
    used of an opened row [B]; ``hits``: share of accesses that found their row open; ``seconds`` in all.
    """

    share: float
    moved: float
    row_bytes: float
    hits: float
    seconds: float


def simulate(
    channel: Channel, accesses: Accesses, *, window: int = WINDOW, refresh: str = "bank", warm: float = 0.1
) -> Achieved:
    """Run requests through one pseudo-channel.

    Parameters
    ----------
    channel : Channel
        Sizes and times.
    accesses : Accesses
        At least four windows of requests.
    window : int
        Reads, and as many writes, that the controller sees, 1 to 4096.
    refresh : str
        Of :data:`REFRESH`.
    warm : float
        Share of requests at the beginning that do not count, 0 to 0.9.

    Raises
    ------
    InputError
        Too few requests, a bank that is not there, an unknown kind of refresh, a window outside its range.
    """
    check_word("refresh", refresh, REFRESH, "no such refresh")
    check_range("window", window, 1, 4096)
    check_range("warm", warm, 0.0, 0.9)
    check_range("accesses", len(accesses), 4 * window, 10_000_000)
    check_range("bank", accesses.bank, 0, channel.banks - 1)
    issued, activations, hits = _Controller(channel, accesses, int(window), refresh).run()
    first = int(len(accesses) * warm)
    last = max(len(accesses) - 2 * int(window), first + 1)  # what is left then waits for few banks
    times = np.sort(issued)
    spent = float(times[last] - times[first])
    moved = (last - first) * channel.burst / spent
    return Achieved(
        share=moved * accesses.served,
        moved=moved,
        row_bytes=min(len(times) / max(activations, 1), channel.columns) * channel.access,
        hits=hits / len(times),
        seconds=float(times[-1]),
    )


class _Controller:
    """State of one pseudo-channel while its commands are placed in time; reads are 0, writes 1."""

    def __init__(self, channel: Channel, accesses: Accesses, window: int, refresh: str) -> None:
        self.c, self.refresh, self.window = channel, refresh, window
        self.bank: list[int] = accesses.bank.tolist()
        self.row: list[int] = accesses.row.tolist()
        self.kind: list[int] = accesses.write.astype(int).tolist()
        count = channel.banks
        self.queue: list[list[deque[int]]] = [[deque() for _ in range(count)] for _ in range(2)]
        self.pending: list[set[int]] = [set(), set()]  # banks with requests
        self.waiting = [0, 0]  # requests in the window
        self.open = [-1] * count
        self.column_from = [[_NEVER, _NEVER] for _ in range(count)]
        self.close_from, self.open_from = [_NEVER] * count, [_NEVER] * count
        self.group_column = [[_NEVER, _NEVER] for _ in range(channel.groups)]
        self.last_column = [_NEVER, _NEVER]
        self.group_open = [_NEVER] * channel.groups
        self.last_open: deque[float] = deque([_NEVER] * 4, maxlen=4)
        self.row_bus = 0.0
        self.mode = 0
        self.issued: NDArray[np.float64] = np.zeros(len(self.bank))
        self.activations = self.misses = 0
        self.due = channel.refi / (count if refresh == "bank" else 1.0)
        self.turn = 0

    def run(self) -> tuple[NDArray[np.float64], int, int]:
        """(time of every access [s], activations, accesses that found their row open)."""
        n, entered, done = len(self.bank), 0, 0
        bank, kind, row, queue = self.bank, self.kind, self.row, self.queue
        while done < n:
            while entered < n and self.waiting[kind[entered]] < self.window:
                b, w = bank[entered], kind[entered]
                queue[w][b].append(entered)
                self.pending[w].add(b)
                self.waiting[w] += 1
                entered += 1
            self._direction()
            when, i = self._column()
            first, b = self._activation()
            if self.refresh != "none" and self.due <= min(when, first):
                self._refresh()
            elif when <= first:
                self._issue(i, when)
                done += 1
            else:
                mine = queue[self.mode][b] or queue[1 - self.mode][b]
                self._open(b, row[mine[0]], first)
        return self.issued, self.activations, n - min(self.activations, n)

    def _direction(self) -> None:
        """Reads first; writes once they fill the window, until few are left."""
        reads, writes = self.waiting
        least = _LOW * self.window if self.mode else self.window - 1
        self.mode = int(writes > 0 and (reads == 0 or writes > least))

    def _column(self) -> tuple[float, int]:
        """(time, request) of the column command that can come first; the oldest of equals."""
        c, w, best, found = self.c, self.mode, float("inf"), -1
        reads, writes = self.last_column
        row, queue, groups = self.row, self.queue[w], c.groups
        if w:
            bus = max(writes + c.ccd_s, reads + c.rtw, 0.0)
        else:
            bus = max(reads + c.ccd_s, writes + c.cwl + c.burst + c.wtr_s, 0.0)
        turn = c.cwl + c.burst + c.wtr_l
        for b in self.pending[w]:
            target = self.open[b]
            if target < 0:
                continue
            for i in queue[b]:
                if row[i] == target:
                    mine = self.group_column[b % groups]
                    when = max(bus, self.column_from[b][w], mine[w] + c.ccd_l)
                    if not w:
                        when = max(when, mine[1] + turn)
                    if when < best or (when == best and i < found):
                        best, found = when, i
                    break
        return best, found

    def _activation(self) -> tuple[float, int]:
        """(time, bank) of the activation that can come first, of banks whose open row nobody wants."""
        c, best, found = self.c, float("inf"), -1
        row, groups, w = self.row, c.groups, self.mode
        bus = max(self.last_open[-1] + c.rrd_s, self.last_open[0] + c.faw, self.row_bus)
        others = self.pending[1 - w] - self.pending[w]
        for direction, banks in ((w, self.pending[w]), (1 - w, others)):
            queue = self.queue[direction]
            for b in banks:
                target = self.open[b]
                ready = max(bus, self.open_from[b], self.group_open[b % groups] + c.rrd_l)
                if target >= 0:
                    ready = max(ready, self.close_from[b] + c.rp)
                if ready < best:
                    if target >= 0 and any(row[i] == target for i in queue[b]):
                        continue
                    best, found = ready, b
        return best, found

    def _open(self, b: int, row: int, when: float) -> None:
        c = self.c
        self.open[b] = row
        self.column_from[b] = [when + c.rcd_read, when + c.rcd_write]
        self.close_from[b], self.open_from[b] = when + c.ras, when + c.rc
        self.group_open[b % c.groups] = when
        self.last_open.append(when)
        self.activations += 1

    def _issue(self, i: int, when: float) -> None:
        c, b, w = self.c, self.bank[i], self.kind[i]
        self.issued[i] = when
        self.last_column[w] = self.group_column[b % c.groups][w] = when
        until = when + (c.cwl + c.burst + c.wr if w else c.rtp)
        self.close_from[b] = max(self.close_from[b], until)
        queue = self.queue[w][b]
        queue.remove(i)
        if not queue:
            self.pending[w].discard(b)
        self.waiting[w] -= 1

    def _refresh(self) -> None:
        c, one = self.c, self.refresh == "bank"
        which = (self.turn % c.banks,) if one else range(c.banks)
        start = self.due
        for b in which:
            start = max(start, self.close_from[b] + c.rp if self.open[b] >= 0 else self.open_from[b])
        for b in which:
            self.open[b] = -1
            self.open_from[b] = start + (c.rfc_bank if one else c.rfc)
        if one:
            self.row_bus = max(self.row_bus, start + c.refd)
        self.due += c.refi / c.banks if one else c.refi
        self.turn += 1


@lru_cache(maxsize=1024)
def bound(
    channel: Channel,
    *,
    row_bytes: float,
    banks: float | None = None,
    groups: float | None = None,
    write_share: float = 0.0,
    batch: float = 32.0,
    refresh: str = "bank",
) -> float:
    """Most of the peak that the constraints allow, each taken alone: a closed form.

    A row gives u = row_bytes / access accesses. It takes the longest of u bursts, of an activation (tRRD, a
    quarter of tFAW), and of a bank's cycle over the banks in use. ``batch`` reads or writes pass between two
    turnarounds. Refresh of all banks takes tRFC of every tREFI; of one bank tRFCpb of that bank alone.

    Parameters
    ----------
    channel : Channel
        Sizes and times.
    row_bytes : float
        Used of an opened row [B].
    banks, groups : float, optional
        In use at once; all where left out.
    write_share : float
        0 to 1.
    batch : float
        Accesses between two turnarounds, ≥ 1.
    refresh : str
        Of :data:`REFRESH`.
    """
    c = channel
    used = float(check_range("row_bytes", row_bytes, 1.0, c.columns * c.access, "B"))
    busy = float(check_range("banks", c.banks if banks is None else banks, 1.0, c.banks))
    spread = float(check_range("groups", min(c.groups, busy) if groups is None else groups, 1.0, c.groups))
    share = float(check_range("write_share", write_share, 0.0, 1.0))
    u = max(used / c.access, 1.0)
    step = max(c.burst, c.ccd_s, c.ccd_l / spread)
    read = max(c.rc, c.rcd_read + (u - 1.0) * c.ccd_l + c.rtp + c.rp, c.ras + c.rp)
    wrote = max(c.rc, c.rcd_write + (u - 1.0) * c.ccd_l + c.cwl + c.burst + c.wr + c.rp)
    cycle = (1.0 - share) * read + share * wrote
    if refresh == "bank":
        cycle /= 1.0 - c.rfc_bank / c.refi
    row = max(u * step, c.rrd_s, c.rrd_l / spread, c.faw / 4.0, cycle / busy)
    mixed = 2.0 * min(share, 1.0 - share)
    turn = mixed * max(c.rtw + c.cwl + c.burst + c.wtr_s - 2.0 * step, 0.0) / (2.0 * max(batch, 1.0))
    rate = u * c.burst / (row + u * turn)
    return rate * (1.0 - c.rfc / c.refi if refresh == "all" else 1.0)
