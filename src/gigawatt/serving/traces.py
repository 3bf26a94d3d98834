"""Request traces: read them from the catalog or a file, write them compactly, and say what is in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest
from gigawatt.serving.requests import Requests
from gigawatt.serving.sessions import SESSION_BLOCK, Sessions, conversations
from gigawatt.serving.trace_files import RawTrace, read_raw, write_npz

__all__ = ["TraceFacts", "list_traces", "read_trace", "trace_facts", "trace_period", "write_trace"]

Whole = NDArray[np.int64]

_TABLE = "traces"
_BLOCKS = "mooncake-conversation"  # the row that says how many tokens a hash of Mooncake's form stands for


@dataclass(frozen=True)
class TraceFacts:
    """What a trace is: counts, lengths, bursts.

    Attributes
    ----------
    name : str
        Of the catalog, or the file's.
    requests : int
    span : float [s]
        From the first arrival to the last, and a mean gap more (nan if all arrive at once).
    rate : float [1/s]
        Requests over the span.
    variation : float
        Standard deviation of the gaps between arrivals over their mean: 1 for a Poisson process.
    dispersion : float
        Variance over mean of the arrivals in a minute: 1 for a Poisson process, whatever the rate.
    prompt, output : tuple of float [token]
        Mean, median, 99th percentile, largest.
    prompt_rate, output_rate : float [token/s]
    shared : float
        Share of the blocks of prompts that an earlier request has had (nan without blocks): what an endless
        prefix cache would save at most.
    source : str, licence : str
        Of the catalog; empty for a file.
    """

    name: str
    requests: int
    span: float
    rate: float
    variation: float
    dispersion: float
    prompt: tuple[float, float, float, float]
    output: tuple[float, float, float, float]
    prompt_rate: float
    output_rate: float
    shared: float
    source: str = ""
    licence: str = ""


def list_traces() -> tuple[str, ...]:
    """Names of the traces that the catalog holds."""
    return tuple(catalog.table(_TABLE))


def read_trace(name_or_path: str | Path, *, block_tokens: int | None = None) -> Requests:
    """A trace by its name in the catalog, or from a file; the first request arrives at 0.

    Parameters
    ----------
    name_or_path : str or Path
        A name or alias of the catalog table ``traces``, such as ``azure-conversation-2023``; or a file:

        - CSV with a column each of arrival, prompt and output under their usual names (Azure's ``TIMESTAMP``,
          ``ContextTokens``, ``GeneratedTokens``; ``arrival_time``, ``input_length``, ``prompt_tokens``,
          ``output_tokens`` …), and ``priority`` where there is one. With a column ``session``, requests of
          one name are turns of it: each comes ``think_time`` after the answer before (without such a column:
          the gap between their arrivals), and its prompt begins with all that came before, or with
          ``prefix_tokens`` of it where there is such a column. Times are ISO dates, or numbers in the
          unit that the column names (``arrival_ms``, ``timestamp [us]``), seconds if it names none.
        - JSON lines (``.jsonl``) with such keys; in Mooncake's form (``timestamp``, ``input_length``,
          ``output_length``, ``hash_ids``) times are milliseconds.
        - ``.npz`` of :func:`write_trace`.
    block_tokens : int, optional
        Tokens that one hash stands for; 512 if left out, as in Mooncake's traces.

    Returns
    -------
    Requests
        In order of arrival.

    Raises
    ------
    InputError
        Neither a name nor a file; a missing column; a cell that is no number, a time before the last, a
        request without tokens, more hashes than the prompt has blocks; names file, line and column.
    """
    written = str(name_or_path)
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        looks_like_path = (
            path.suffix.lower() in (".csv", ".jsonl", ".json", ".npz", ".txt") or len(path.parts) > 1
        )
        if looks_like_path:
            raise InputError("no such trace file", file=path)
        return read_trace(_file(_row(written)), block_tokens=block_tokens)
    if block_tokens is not None and block_tokens < 1:
        raise InputError("has no tokens", key="block_tokens", given=block_tokens, allowed="1 or more")
    raw = read_raw(path)
    block = raw.block
    if raw.offsets is not None:
        block = block_tokens or raw.block or int(catalog.entity(_TABLE, _BLOCKS).value("block"))
        _check_blocks(raw, block, path)
    elif block_tokens is not None and raw.previous is None:
        raise InputError(
            "this trace has no hashes of blocks", file=path, key="block_tokens", given=block_tokens
        )
    return _requests(raw, block) if raw.previous is None else _session_requests(raw, block_tokens or block)


def _row(name: str) -> catalog.Entity:
    try:
        return catalog.entity(_TABLE, name)
    except InputError:
        known = list_traces()
        raise InputError(
            "no such trace, neither in the catalog nor as a file",
            given=name,
            allowed=[*known, "or the path of a .csv, .jsonl or .npz file"],
            nearest=nearest(name, known),
        ) from None


def _file(row: catalog.Entity) -> Path:
    """Of a row: in the shipped catalog, else beside the table of the user's."""
    shipped, own = catalog.path(f"traces/{row.text('file')}"), catalog.user_folder()
    return shipped if own is None or shipped.is_file() else own / "traces" / row.text("file")


def _check_blocks(raw: RawTrace, block: int, path: Path) -> None:
    if raw.offsets is None:
        return
    room = -(-raw.prompt // block)
    over = np.diff(raw.offsets) > room
    if np.any(over):
        row = int(np.argmax(over))
        raise InputError(
            "more hashes than the prompt has blocks",
            file=path,
            line=None if raw.lines is None else int(raw.lines[row]),
            key="hash_ids",
            given=f"{int(np.diff(raw.offsets)[row])} for {int(raw.prompt[row])} tokens",
            allowed=f"at most {int(room[row])} of {block} tokens each; or say block_tokens",
        )


def _requests(raw: RawTrace, block: int) -> Requests:
    return Requests(
        arrival=raw.arrival,
        prompt=raw.prompt,
        output=raw.output,
        priority=np.zeros(len(raw.arrival), np.int64) if raw.priority is None else raw.priority,
        blocks=None if raw.offsets is None or raw.ids is None else (raw.offsets, raw.ids),
        block_tokens=block,
    )


def _session_requests(raw: RawTrace, block: int) -> Requests:
    """Requests whose sessions a trace names; blocks of hashes where it has them, else of conversations."""
    assert raw.previous is not None
    previous, size = raw.previous, block or SESSION_BLOCK
    gap = np.where(previous >= 0, raw.arrival - raw.arrival[previous], 0.0)
    if raw.offsets is None or raw.ids is None:
        first, ids, common = conversations(
            previous, raw.prompt, raw.output, block_tokens=size, shared=raw.shared
        )
    else:
        first, ids = _hashed(raw.offsets, raw.ids, -(-(raw.prompt + raw.output) // size))
        common = 0
    think = gap if raw.think is None else raw.think
    sessions = Sessions(previous, think, first, ids, size, common)
    return replace(_requests(replace(raw, offsets=None), 0), sessions=sessions)


def _hashed(offsets: Whole, ids: Whole, count: Whole) -> tuple[Whole, Whole]:
    """(first, ids) of ``count`` (N,) blocks each: hashes of the prompt, then blocks that no other has."""
    known = np.diff(offsets)
    first = np.concatenate([[0], np.cumsum(count)])
    found = np.arange(int(first[-1]), dtype=np.int64) + int(ids.max(initial=-1)) + 1
    within = np.arange(len(ids)) - np.repeat(offsets[:-1], known)
    found[np.repeat(first[:-1], known) + within] = ids
    return first[:-1], found


def write_trace(requests: Requests, path: str | Path, *, resolution: float = 1e-3) -> Path:
    """Write requests compactly as ``.npz``, arrivals rounded to ``resolution`` [s]; returns the path.

    Some five bytes a request; the hashes of Mooncake's hour take a third of a byte each.
    """
    file = Path(path)
    if requests.sessions is not None:
        raise InputError("sessions are not written", file=file, allowed="requests without sessions")
    if file.suffix.lower() != ".npz":
        raise InputError("a trace is written as .npz", file=file)
    offsets, ids = (None, None) if requests.blocks is None else requests.blocks
    raw = RawTrace(
        requests.arrival,
        requests.prompt,
        requests.output,
        requests.priority,
        offsets,
        ids,
        requests.block_tokens,
    )
    write_npz(file, raw, resolution=resolution)
    return file


def trace_period(requests: Requests) -> float:
    """Time [s] after which a trace can start anew: to its last arrival and a mean gap more.

    nan for fewer than two requests or if all arrive at once.
    """
    count, last = len(requests.arrival), float(requests.arrival[-1]) if len(requests.arrival) else 0.0
    first = float(requests.arrival[0]) if count else 0.0
    return (last - first) * count / (count - 1) if count > 1 and last > first else math.nan


def trace_facts(requests: Requests, *, name: str = "") -> TraceFacts:
    """What is in a trace; with the name of a catalog row, its source and licence too."""
    arrival, count = requests.arrival, len(requests.arrival)
    span = trace_period(requests)
    gaps = np.diff(arrival)
    minutes = np.bincount((arrival // 60.0).astype(np.int64)) if count else np.zeros(0, np.int64)
    whole = minutes[:-1]  # the last minute is seldom full
    row = catalog.table(_TABLE).get(name) if name else None
    source = catalog.source(row.evidence("requests").source_id) if row is not None else None

    def lengths(values: NDArray[np.int64]) -> tuple[float, float, float, float]:
        middle, far = np.percentile(values, (50.0, 99.0))
        return float(values.mean()), float(middle), float(far), float(values.max())

    return TraceFacts(
        name=name,
        requests=count,
        span=span,
        rate=count / span,
        variation=float(gaps.std() / gaps.mean()) if count > 2 and gaps.mean() > 0.0 else math.nan,
        dispersion=float(whole.var() / whole.mean()) if len(whole) > 1 else math.nan,
        prompt=lengths(requests.prompt),
        output=lengths(requests.output),
        prompt_rate=float(requests.prompt.sum()) / span,
        output_rate=float(requests.output.sum()) / span,
        shared=_shared(requests),
        source="" if source is None else source.title,
        licence="" if source is None else source.licence,
    )


def _shared(requests: Requests) -> float:
    if requests.blocks is None or not len(requests.blocks[1]):
        return math.nan
    ids = requests.blocks[1]
    return 1.0 - len(np.unique(ids)) / len(ids)
