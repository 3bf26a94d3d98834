"""Traces as files: CSV and JSON lines as services publish them, and a compact form of our own (``.npz``).

A reader gives columns; what is wrong with them is one line that names file, line and column.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError, nearest

__all__ = ["RawTrace", "read_raw", "write_npz"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_NAMES = {
    "time": (
        "timestamp", "arrivaltime", "arrivaltimestamp", "arrival", "arrivedat", "time", "ts", "datetime",
        "requesttime", "starttime", "submittime", "sendtime",
    ),
    "prompt": (
        "contexttokens", "inputlength", "inputtokens", "inputtoks", "inputlen", "input", "prompttokens",
        "promptlength", "promptlen", "prompt", "requesttokens", "prefilltokens", "numprefilltokens",
        "numprompttokens", "numinputtokens", "isl",
    ),
    "output": (
        "generatedtokens", "outputlength", "outputtokens", "outputtoks", "outputlen", "output",
        "completiontokens", "responsetokens", "decodetokens", "numdecodetokens", "numgeneratedtokens", "osl",
    ),
    "priority": ("priority",),
    "blocks": ("hashids",),
    "session": ("session", "sessionid", "conversation", "conversationid"),
    "think": ("thinktime", "think"),
    "shared": ("prefixtokens", "sharedtokens", "prefixtokensidealcache"),
}  # fmt: skip
_SHOWN = {
    "time": "timestamp, TIMESTAMP, arrival_time",
    "prompt": "ContextTokens, input_length, input_tokens, prompt_tokens",
    "output": "GeneratedTokens, output_length, output_tokens, completion_tokens",
}
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_UNIT = re.compile(r"(?:[\[( _]+)(ns|us|ms|s)[\])]?$", re.IGNORECASE)
_MOST_TOKENS = 2**31 - 1
_MOST_HASH = 2**40
_MOST_BLOCKS = 5e7
"""Blocks of all prompts of a packed trace, which can name many in few bytes."""
_MOST_UNPACKED, _MOST_RATIO = 1 << 28, 100
"""Bytes that an archive may unpack to, or times its own size, whichever is more."""
_MOONCAKE = {"timestamp", "input_length", "output_length"}


@dataclass(frozen=True)
class RawTrace:
    """What a file says: ``arrival`` [s] from 0, ``prompt``, ``output`` [tokens], each (N,); ``priority`` (N,)
    or None; ``offsets`` (N+1,) and ``ids`` (M,) of prompt blocks or None; ``block`` [tokens] or 0; ``lines``
    (N,), where each request stands, or None; ``previous`` (N,), row of the turn before in the same session
    or -1, ``think`` (N,) [s] after its answer and ``shared`` (N,) tokens of the prompt that came before, or
    None.
    """

    arrival: Array
    prompt: Whole
    output: Whole
    priority: Whole | None = None
    offsets: Whole | None = None
    ids: Whole | None = None
    block: int = 0
    lines: Whole | None = None
    previous: Whole | None = None
    think: Array | None = None
    shared: Whole | None = None


def read_raw(path: Path) -> RawTrace:
    """Read ``.npz``, ``.jsonl`` (or ``.json`` with a record a line) or, of any other ending, CSV."""
    if not path.is_file():
        raise InputError("no such trace file", file=path)
    kind = path.suffix.lower()
    if kind == ".npz":
        return _read_npz(path)
    try:
        return _read_jsonl(path) if kind in (".jsonl", ".json") else _read_csv(path)
    except UnicodeDecodeError:
        raise InputError("not a text file in UTF-8", file=path) from None
    except OSError as error:
        raise InputError(f"cannot read this file: {error.strerror}", file=path) from None


# text


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _columns(header: Sequence[str], path: Path, line: int) -> dict[str, str]:
    """The column that holds each quantity; time, prompt and output are needed."""
    found: dict[str, str] = {}
    known = {name: quantity for quantity, names in _NAMES.items() for name in names}
    for written in header:
        quantity = known.get(_plain(_UNIT.sub("", written))) or known.get(_plain(written))
        if quantity and quantity in found:
            raise InputError(
                "two columns could be the same thing",
                file=path,
                line=line,
                key=f"{found[quantity]}, {written}",
                allowed=f"one column of the {quantity}",
            )
        if quantity:
            found[quantity] = written
    for quantity, shown in _SHOWN.items():
        if quantity not in found:
            usual = {_plain(one): one for one in shown.split(", ")}
            near = (nearest(_plain(written), usual) for written in header if written not in found.values())
            guess = next((hit for hit in near if hit), None)
            raise InputError(
                f"no column with the {'arrival time' if quantity == 'time' else quantity + ' tokens'}",
                file=path,
                line=line,
                given=", ".join(header)[:200],
                allowed=f"a column such as {shown}",
                nearest=usual[guess] if guess else None,
            )
    return found


def _seconds(column: str, default: str) -> float:
    unit = _UNIT.search(column)
    return _UNITS[unit[1].lower() if unit else default]


def _fail(bad: NDArray[np.bool_], message: str, allowed: str, cells: Any, where: Mapping[str, Any]) -> None:
    """Raise for the first cell that is bad, if any."""
    if np.any(bad):
        row = int(np.argmax(bad))
        raise InputError(
            message,
            file=where["path"],
            line=int(where["lines"][row]),
            key=where["column"],
            given=str(cells[row]),
            allowed=allowed,
        )


def _whole(cells: Any, where: Mapping[str, Any], least: int) -> Whole:
    """Cells as whole numbers of at least ``least``."""
    pandas: Any = import_module("pandas")
    numbers = np.asarray(pandas.to_numeric(pandas.Series(cells), errors="coerce"), dtype=float)
    tokens = "a whole number of tokens from 1" if least else "a whole number from 0"
    _fail(~np.isfinite(numbers), "not a number", tokens, cells, where)
    _fail(numbers != np.floor(numbers), "not a whole number", tokens, cells, where)
    _fail(numbers > _MOST_TOKENS, "too many", f"at most {_MOST_TOKENS}", cells, where)
    few = "a request without tokens" if least else "a negative number"
    mend = f"{tokens}; leave out requests that failed" if least else tokens
    _fail(numbers < least, few, mend, cells, where)
    return numbers.astype(np.int64)


def _times(cells: Any, where: Mapping[str, Any], unit: float) -> Array:
    """Cells as seconds since the first: numbers in ``unit``, or ISO dates."""
    pandas: Any = import_module("pandas")
    series = pandas.Series(cells)
    numbers = np.asarray(pandas.to_numeric(series, errors="coerce"), dtype=float)
    allowed = "seconds (or ms, us, ns, named by the column), or dates such as 2023-11-16 18:15:46.68"
    if np.isfinite(numbers[0]):
        _fail(~np.isfinite(numbers), "not a time", allowed, cells, where)
        _fail(numbers < 0.0, "a negative time", "times from 0", cells, where)
        times = (numbers - numbers[0]) * unit
    else:
        dates = pandas.to_datetime(series.astype(str), format="ISO8601", utc=True, errors="coerce")
        _fail(np.asarray(dates.isna()), "not a time", allowed, cells, where)
        stamps = dates.dt.as_unit("ns").astype("int64").to_numpy()
        times = (stamps - stamps[0]) / 1e9  # ns of a date
    steps = np.diff(times, prepend=times[0])
    _fail(steps < 0.0, "arrivals are not in order of time", "a file sorted by time", cells, where)
    return times


def _read_csv(path: Path) -> RawTrace:
    pandas: Any = import_module("pandas")
    try:
        frame = pandas.read_csv(
            path, dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True,
            encoding="utf-8-sig", on_bad_lines="error", index_col=False,
        )  # fmt: skip
    except pandas.errors.EmptyDataError:
        raise InputError("the trace is empty", file=path, allowed="a header and one request a line") from None
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        at = re.search(r"line (\d+)", str(error))
        raise InputError(
            "this line has more cells than the header", file=path, line=int(at[1]) if at else None
        ) from None
    header = [str(name).strip() for name in frame.columns]
    frame.columns = header
    columns = _columns(header, path, 1)
    table = frame.fillna("").to_numpy(dtype=object)
    full = (table != "").any(axis=1) if len(table) else np.zeros(0, bool)
    frame = frame.iloc[: int(np.flatnonzero(full)[-1]) + 1 if full.any() else 0]  # blank lines at the end
    if not len(frame):
        raise InputError("the trace is empty", file=path, allowed="one request a line")
    lines = np.arange(len(frame)) + 2

    def where(quantity: str) -> Mapping[str, Any]:
        return {"path": path, "lines": lines, "column": columns[quantity]}

    def cells(quantity: str) -> Any:
        return frame[columns[quantity]].to_numpy(dtype=object)

    return RawTrace(
        _times(cells("time"), where("time"), _seconds(columns["time"], "s")),
        _whole(cells("prompt"), where("prompt"), 1),
        _whole(cells("output"), where("output"), 1),
        _whole(cells("priority"), where("priority"), 0) if "priority" in columns else None,
        lines=lines,
        **_turns(columns, lambda quantity: (cells(quantity), where(quantity))),
    )


def _read_jsonl(path: Path) -> RawTrace:
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict):
                raise InputError(
                    "not a JSON object", file=path, line=number, given=line.strip()[:60], allowed="one a line"
                )
            records.append(cast("dict[str, Any]", record))
            numbers.append(number)
    if not records:
        raise InputError("the trace is empty", file=path, allowed="one request a line")
    lines, columns = np.array(numbers), _columns(list(records[0]), path, numbers[0])

    def column(quantity: str) -> tuple[Any, Mapping[str, Any]]:
        name = columns[quantity]
        cells: list[Any] = []
        for record, number in zip(records, numbers, strict=True):
            if name not in record:
                raise InputError("this request lacks a key", file=path, line=number, key=name)
            cells.append(record[name])
        return cells, {"path": path, "lines": lines, "column": name}

    unit = _seconds(columns["time"], "ms" if set(records[0]) >= _MOONCAKE else "s")
    offsets, ids = None, None
    if "blocks" in columns:
        offsets, ids = _block_lists(*column("blocks"))
    return RawTrace(
        _times(*column("time"), unit),
        _whole(*column("prompt"), 1),
        _whole(*column("output"), 1),
        _whole(*column("priority"), 0) if "priority" in columns else None,
        offsets,
        ids,
        lines=lines,
        **_turns(columns, column),
    )


def _turns(
    columns: Mapping[str, str], column: Callable[[str], tuple[Any, Mapping[str, Any]]]
) -> dict[str, Any]:
    """The turns of sessions, where a column says of which session a request is."""
    if "session" not in columns:
        return {}
    cells, where = column("session")
    names = [str(cell).strip() for cell in cells]
    _fail(np.array([not name for name in names]), "no session", "the session's name", cells, where)
    last: dict[str, int] = {}
    before: list[int] = []
    for row, name in enumerate(names):
        before.append(last.get(name, -1))
        last[name] = row
    previous = np.array(before, np.int64)
    found: dict[str, Any] = {"previous": previous}
    if "think" in columns:
        cells, where = column("think")
        found["think"] = _thinks(cells, where, previous >= 0) * _seconds(columns["think"], "s")
    if "shared" in columns:
        found["shared"] = _whole(*column("shared"), 0)
    return found


def _thinks(cells: Any, where: Mapping[str, Any], later: NDArray[np.bool_]) -> Array:
    """Cells as numbers from 0, of later turns alone."""
    pandas: Any = import_module("pandas")
    numbers = np.asarray(pandas.to_numeric(pandas.Series(cells), errors="coerce"), dtype=float)
    wrong = later & ~(np.isfinite(numbers) & (numbers >= 0.0))
    _fail(wrong, "not a think time", "seconds from 0 after the answer of the turn before", cells, where)
    return np.where(later, numbers, 0.0)


def _block_lists(cells: list[Any], where: Mapping[str, Any]) -> tuple[Whole, Whole]:
    """(offsets, ids) of lists of hashes; hashes that are no whole numbers are numbered as they come."""
    bad = np.array([not isinstance(cell, list) for cell in cells])
    _fail(bad, "not a list of block hashes", "a list such as [0, 1, 2]", cells, where)
    flat = [value for cell in cells for value in cell]
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in cells])]).astype(np.int64)
    if all(type(value) is int and 0 <= value < 2**62 for value in flat):
        return offsets, np.array(flat, np.int64)
    seen: dict[str, int] = {}
    return offsets, np.array([seen.setdefault(json.dumps(value), len(seen)) for value in flat], np.int64)


# our own


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The same whole numbers in the fewest bytes."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    for kind in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.int64)


def write_npz(path: Path, raw: RawTrace, *, resolution: float) -> None:
    """Write a trace compactly: gaps in whole steps of ``resolution`` [s], hashes as what differs from one
    more than the hash before."""
    steps = np.rint(raw.arrival / resolution).astype(np.int64)
    kept: dict[str, NDArray[Any]] = {
        "resolution": np.array(resolution),
        "gap": _narrow(np.diff(steps, prepend=0)),
        "prompt": _narrow(raw.prompt),
        "output": _narrow(raw.output),
    }
    if raw.priority is not None and np.any(raw.priority):
        kept["priority"] = _narrow(raw.priority)
    if raw.offsets is not None and raw.ids is not None:
        jump = np.diff(raw.ids, prepend=-1) - 1
        at = np.flatnonzero(jump)
        kept |= {
            "block": np.array(raw.block),
            "blocks": _narrow(np.diff(raw.offsets)),
            "jump_after": _narrow(np.diff(at, prepend=0)),
            "jump": _narrow(jump[at]),
        }
    np.savez_compressed(path, **kept)  # type: ignore[arg-type]


def _read_npz(path: Path) -> RawTrace:
    try:
        kept = _arrays(path)
        wide = {name: kept[name].astype(np.int64) for name in kept if name != "resolution"}
        resolution = float(kept["resolution"])
        _check_npz(wide, resolution)
        arrival = np.cumsum(wide["gap"]).astype(np.float64) * resolution
        offsets, ids, block = None, None, 0
        if "blocks" in wide:
            offsets = np.concatenate([[0], np.cumsum(wide["blocks"])])
            jump = np.zeros(int(offsets[-1]), np.int64)
            jump[np.cumsum(wide["jump_after"])] = wide["jump"]
            ids, block = np.cumsum(jump + 1) - 1, int(wide["block"])
    except (KeyError, ValueError, TypeError, IndexError, EOFError, OverflowError, OSError, RuntimeError,
            MemoryError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        raise InputError(
            "not a trace that write_trace has written", file=path, given=str(error)[:80]
        ) from None
    return RawTrace(arrival, wide["prompt"], wide["output"], wide.get("priority"), offsets, ids, block)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an archive, none larger than the bytes that it has; a bomb raises ``ValueError``."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        most = max(_MOST_UNPACKED, _MOST_RATIO * path.stat().st_size)
        if sum(info.file_size for info in archive.infolist()) > most:
            raise ValueError(f"it unpacks to more than {most / 1e6:.0f} MB")
        for info in archive.infolist():
            with archive.open(info) as member:
                read: Any = np.lib.format
                version = read.read_magic(member)
                head = read.read_array_header_1_0 if version == (1, 0) else read.read_array_header_2_0
                shape, _, kind = head(member)
                name = info.filename.removesuffix(".npy")
                if (
                    kind.kind not in ("iuf" if name == "resolution" else "iu")
                    or math.prod(shape) * kind.itemsize > info.file_size
                ):
                    raise ValueError(f"{info.filename} holds no numbers, or fewer than it says")
                data = member.read(math.prod(shape) * kind.itemsize)
                found[name] = np.frombuffer(data, kind).reshape(shape)
    return found


def _check_npz(wide: Mapping[str, Whole], resolution: float) -> None:
    """Raise ``ValueError`` where columns do not belong together or hold what no request has."""
    if not (math.isfinite(resolution) and resolution > 0.0):
        raise ValueError("a resolution that is none")
    count = wide["gap"].shape
    if len(count) != 1 or not count[0]:
        raise ValueError("no requests")
    least = {"gap": 0, "prompt": 1, "output": 1, "priority": 0, "blocks": 0}
    for name in (name for name in least if name in wide or name in ("prompt", "output")):
        values = wide[name]
        if values.shape != count or values.min() < least[name] or values.max() > _MOST_TOKENS:
            raise ValueError(f"{name} is not a column of the requests")
    if "blocks" in wide:
        places = np.cumsum(wide["jump_after"].astype(float))
        if wide["blocks"].sum(dtype=float) > _MOST_BLOCKS or wide["block"].shape != ():
            raise ValueError("more blocks than can be")
        if not 0 < int(wide["block"]) <= _MOST_TOKENS or np.any(wide["jump_after"] < 0):
            raise ValueError("blocks of no tokens")
        if wide["jump"].shape != places.shape or (len(places) and places[-1] >= wide["blocks"].sum()):
            raise ValueError("jumps outside of the blocks")
        if np.any(np.abs(wide["jump"]) > _MOST_HASH):
            raise ValueError("hashes that are too large")
