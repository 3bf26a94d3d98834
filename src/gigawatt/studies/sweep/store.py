"""The store of a sweep: Parquet parts that are written whole and never changed, and a view over all of them.

    STORE/store.json            format of the store
    STORE/studies/<hash>.json   what was asked: axes and quantities with their units, the study's text
    STORE/parts/part-….parquet  rows: key of the scenario, version of the catalog, axes, quantities, error
    STORE/claims/<hash>         held by the process that computes these points just now

Numbers are SI. A part is written beside its place and renamed, so that it is there as a whole or not at all,
whenever a process ends. Any number of processes write parts of their own at once; rows that two of them wrote
of one scenario are one row of the view. Parts of a process are packed together as they become many.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.chain.graph import graph_of
from gigawatt.core.errors import InputError
from gigawatt.core.store import writable
from gigawatt.studies.sweep.evaluate import Row
from gigawatt.studies.sweep.study import SweepStudy

__all__ = ["FORMAT", "Done", "SweepStore", "quoted"]

FORMAT = 1
"""Format of the store that this version writes, and the newest that it reads."""
_OWN = ("key", "catalog", "study", "error", "seconds")
_PACKED = 64
"""Parts of this process that are packed into one."""
_STALE = 3600.0
"""Seconds after which what a killed process left half-written is swept away."""

Keys = NDArray[np.uint64]


def quoted(name: str) -> str:
    """A name as SQL reads it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


class Done:
    """Keys of scenarios that are known, 16 bytes each."""

    def __init__(self) -> None:
        self._high: Keys = np.zeros(0, dtype=np.uint64)
        self._low: Keys = np.zeros(0, dtype=np.uint64)
        self._fresh: set[str] = set()

    def __len__(self) -> int:
        """How many keys."""
        self._merge()
        return len(self._high)

    def __contains__(self, key: str) -> bool:
        """Whether a key of 32 hexadecimal digits is known."""
        if key in self._fresh:
            return True
        high, low = np.uint64(int(key[:16], 16)), np.uint64(int(key[16:], 16))
        first, last = np.searchsorted(self._high, high), np.searchsorted(self._high, high, side="right")
        return bool(np.any(self._low[first:last] == low))

    def add(self, keys: Iterable[str]) -> None:
        """Add keys."""
        self._fresh.update(keys)
        if len(self._fresh) > _PACKED * _PACKED:
            self._merge()

    def add_halves(self, high: Keys, low: Keys) -> None:
        """Add keys by their upper and lower 64 bits."""
        both = np.stack([np.concatenate([self._low, low]), np.concatenate([self._high, high])])
        order = np.lexsort(both)
        low, high = both[0][order], both[1][order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(high) != 0) | (np.diff(low) != 0)
        self._high, self._low = high[new], low[new]

    def _merge(self) -> None:
        if self._fresh:
            fresh = sorted(self._fresh)
            self._fresh = set()
            halves = [
                np.array([int(k[s], 16) for k in fresh], dtype=np.uint64) for s in (slice(16), slice(16, 32))
            ]
            self.add_halves(*halves)


class SweepStore:
    """A folder of results of sweeps.

    Parameters
    ----------
    folder : path
        Where it is or shall be.
    create : bool
        Whether one is made where none is.

    Raises
    ------
    InputError
        No store there and none shall be made; a file, a folder of something else, or one that cannot be
        written; a store that a newer version of this package wrote.
    """

    def __init__(self, folder: str | Path, *, create: bool = False) -> None:
        self.folder = Path(folder)
        self._parts = self.folder / "parts"
        self._seen: set[str] = set()
        self._small: list[Path] = []
        head = self.folder / "store.json"
        if create:
            writable(self.folder)
        if not head.is_file():
            filled = self.folder.is_dir() and any(self.folder.iterdir())
            if not create or filled:
                raise InputError(
                    "no store of a sweep here", given=str(folder),
                    allowed="a folder that `gigawatt sweep` wrote" + (", or a new one" if create else ""),
                )  # fmt: skip
            self._make()
        self._check_format(head)
        if create:
            self._sweep_away()

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in ("parts", "studies", "claims"):
                (self.folder / name).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write here: {error.strerror}", given=str(self.folder)) from None
        self._write_text(self.folder / "store.json", json.dumps({"format": FORMAT, "gigawatt": __version__}))

    def _check_format(self, head: Path) -> None:
        try:
            found = json.loads(head.read_text(encoding="utf-8"))
            number = int(found["format"])
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError("this is no store of a sweep", file=head) from None
        if number > FORMAT:
            raise InputError(
                "this store was written by a newer version", file=head,
                given=f"format {number} of gigawatt {found.get('gigawatt', '?')}",
                allowed=f"format {FORMAT} or older with gigawatt {__version__}; upgrade, or another folder",
            )  # fmt: skip

    def _sweep_away(self) -> None:
        """Remove what a process that was killed left beside its place."""
        for file in self._parts.glob(".part-*"):
            try:
                if time.time() - file.stat().st_mtime > _STALE:
                    file.unlink()
            except OSError:
                continue

    def _write_text(self, file: Path, text: str) -> None:
        beside = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
        try:
            beside.write_text(text + "\n", encoding="utf-8")
            os.replace(beside, file)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise InputError(f"cannot write here: {error.strerror}", given=str(self.folder)) from None

    # -- what was asked

    def add_study(self, study: SweepStudy) -> None:
        """Note what a study asks: axes and quantities with units, so that rows explain themselves."""
        graph = graph_of(study.base)
        axes: dict[str, dict[str, Any]] = {}
        for column in study.columns:
            unit, factor = column.unit or "1", column.factor
            node = graph.nodes.get(column.key)
            axes[column.key] = {"unit": unit if column.si is not None else "", "factor": factor,
                                "values": len(column), "what": node.summary if node else ""}  # fmt: skip
        read = {
            name: {"unit": graph.nodes[name].unit or "1", "what": graph.nodes[name].summary}
            for name in study.read
        }
        about = {
            "name": study.name, "points": len(study), "axes": axes, "read": read, "text": study.text,
            "catalog": catalog.version(), "gigawatt": __version__, "base": str(study.base.file),
        }  # fmt: skip
        self._write_text(self.folder / "studies" / f"{study.hash}.json", json.dumps(about, indent=1))

    def studies(self) -> dict[str, dict[str, Any]]:
        """What each study asked, by its hash."""
        found: dict[str, dict[str, Any]] = {}
        for file in sorted((self.folder / "studies").glob("*.json")):
            try:
                found[file.stem] = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise InputError("this note of a study cannot be read", file=file) from None
        return found

    # -- rows

    def files(self) -> list[Path]:
        """The parts that are there."""
        return sorted(self._parts.glob("part-*.parquet"))

    def refresh(self, done: Done, read: Sequence[str], version: str) -> None:
        """Add to ``done`` what other processes wrote since the last time: rows of this catalog with all of
        ``read``, and scenarios that have no answer."""
        new = [file for file in self.files() if file.name not in self._seen]
        if not new:
            return
        asked = {key for key, about in self.studies().items() if set(read) <= set(about["read"])}
        halves = "('0x' || substr(key, 1, 16))::UBIGINT AS high, ('0x' || substr(key, 17))::UBIGINT AS low"
        for some in _batches([file for file in new if file.name.split("-")[1] in asked], 256):
            sql = f"SELECT {halves} FROM {_parquet(some)} WHERE catalog = {_literal(version)}"
            try:
                with self._connection() as connection:
                    found = connection.execute(sql).fetchnumpy()
            except InputError:
                if all(file.is_file() for file in some):
                    raise
                return self.refresh(done, read, version)  # packed by who wrote them, in between
            done.add_halves(np.asarray(found["high"], np.uint64), np.asarray(found["low"], np.uint64))
        self._seen.update(file.name for file in new)

    def write(self, study: SweepStudy, rows: Sequence[Row], version: str) -> None:
        """Write rows as one part.

        Raises
        ------
        InputError
            It cannot be written: no room, not allowed. Then nothing of it is there.
        """
        if not rows:
            return
        types = {name: "VARCHAR" if name != "seconds" else "DOUBLE" for name in _OWN}
        columns: dict[str, list[Any]] = {
            "key": [row.key for row in rows],
            "catalog": [version] * len(rows),
            "study": [study.hash] * len(rows),
            "error": [row.error or None for row in rows],
            "seconds": [row.seconds for row in rows],
        }
        for column in study.columns:
            types[column.key] = "VARCHAR" if column.si is None else "DOUBLE"
            columns[column.key] = [row.axes[column.key] for row in rows]
        nodes = graph_of(study.base).nodes
        for name in study.read:
            if name in columns:  # an axis that is a quantity too
                continue
            values = [row.values.get(name) for row in rows]
            text = str(getattr(nodes[name].function, "__annotations__", {}).get("return")) in ("str", "bool")
            text = text or any(isinstance(value, str) for value in values)
            types[name], columns[name] = "VARCHAR" if text else "DOUBLE", values
        file = self._new_part(study.hash)
        import pandas as pd

        frame = pd.DataFrame(
            {
                name: np.array(values, dtype=object if types[name] == "VARCHAR" else float)
                for name, values in columns.items()
            }
        )
        cast = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in types.items())
        self._copy(f"SELECT {cast} FROM frame", file, frame)
        self._small.append(file)
        if len(self._small) >= _PACKED:
            self.pack()

    def pack(self) -> None:
        """Put the parts that this process wrote into one; rows of both are one row in between."""
        small, self._small = self._small, []
        by_study: dict[str, list[Path]] = {}
        for file in small:
            by_study.setdefault(file.name.split("-")[1], []).append(file)
        for study, files in by_study.items():
            if len(files) > 1:
                self._copy(f"SELECT * FROM {_parquet(files)}", self._new_part(study), None)
                for file in files:
                    file.unlink(missing_ok=True)

    def _new_part(self, study: str) -> Path:
        return self._parts / f"part-{study}-{uuid.uuid4().hex}.parquet"

    def _copy(self, select: str, file: Path, frame: Any) -> None:
        import duckdb

        beside = file.with_name(f".{file.name}")
        try:
            with duckdb.connect() as connection:
                if frame is not None:
                    connection.register("frame", frame)
                connection.execute(
                    f"COPY ({select}) TO {_literal(beside)} (FORMAT parquet, COMPRESSION zstd)"
                )
            with beside.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(beside, file)
        except (duckdb.Error, OSError) as error:
            beside.unlink(missing_ok=True)
            told = getattr(error, "strerror", None) or str(error).split("\n")[0]
            raise InputError(
                f"cannot write here: {told}", given=str(self.folder),
                allowed="room on the disk; what was written before is kept, and the sweep goes on from there",
            ) from None  # fmt: skip
        self._seen.add(file.name)

    # -- reading

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        import duckdb

        try:
            with duckdb.connect() as connection:
                yield connection
        except duckdb.Error as error:
            told = str(error).split("\n")[0]
            raise InputError("this store cannot be read", file=self.folder, given=told) from None

    @contextmanager
    def connect(self) -> Iterator[Any]:
        """A DuckDB connection with the views ``sweep`` (units as shown) and ``si``, one row a scenario.

        Raises
        ------
        InputError
            A part cannot be read.
        """
        with self._connection() as connection:
            self._make_views(connection)
            yield connection

    def _make_views(self, connection: Any) -> None:
        files = self.files()
        studies = self.studies()
        factors = self.units(studies)
        if not files:
            own = ", ".join(f"NULL::VARCHAR AS {quoted(name)}" for name in _OWN)
            connection.execute(f"CREATE VIEW si AS SELECT {own} WHERE false")
        else:
            source = f"(SELECT * FROM {_parquet(files)})"
            count = f"SELECT count(*) - count(DISTINCT (key, catalog)) FROM {source}"
            if connection.execute(count).fetchone()[0]:
                names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
                merged = ", ".join(
                    f"any_value({quoted(n)}) AS {quoted(n)}" for n in names if n not in ("key", "catalog")
                )
                source = f"(SELECT key, catalog, {merged} FROM {source} GROUP BY key, catalog)"
            connection.execute(f"CREATE VIEW si AS SELECT * FROM {source}")
        described = connection.execute("DESCRIBE si").fetchall()
        shown: list[str] = []
        for name, kind, *_ in described:
            factor = factors.get(name, ("", 1.0))[1]
            scaled = kind == "DOUBLE" and factor not in (0.0, 1.0)
            shown.append(f"{quoted(name)} / {factor!r} AS {quoted(name)}" if scaled else quoted(name))
        connection.execute(f"CREATE VIEW sweep AS SELECT {', '.join(shown)} FROM si")

    def units(self, studies: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, tuple[str, float]]:
        """Column → (unit in which it is shown, SI value of that unit)."""
        from gigawatt.core.quantities import factor

        found: dict[str, tuple[str, float]] = {"seconds": ("s", 1.0)}
        for about in (self.studies() if studies is None else studies).values():
            for name, axis in about["axes"].items():
                found.setdefault(name, (axis["unit"], axis["factor"]))
        for about in (self.studies() if studies is None else studies).values():
            for name, column in about["read"].items():
                found.setdefault(name, (column["unit"], factor(column["unit"])))
        return found


def _parquet(files: Sequence[Path]) -> str:
    listed = ", ".join(_literal(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true)"


def _batches(files: Sequence[Path], size: int) -> Iterator[Sequence[Path]]:
    for start in range(0, len(files), size):
        yield files[start : start + size]
