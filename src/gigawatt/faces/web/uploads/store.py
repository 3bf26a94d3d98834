"""Files that visitors bring: kept under the hash of their content, checked elsewhere, dropped in time.

Nothing of what a visitor sends names a file here: a file is called by its kind and its hash, its own name is
a label that is shown and never opened. :meth:`Uploads.receive` is the whole way in: size and text are looked
at here, all that parses is done by :func:`check` in a process that may be killed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.web.uploads.paths import KINDS, MOST_BYTES, is_token, vetted

__all__ = ["Checked", "Stored", "Upload", "Uploads", "check", "checked", "limits"]

_MIB = 2**20
_LABEL = 80
_DEPTH, _MOST_KEYS = 32, 20_000
_MOST_LAYERS, _MOST_PARAMETERS, _MOST_WIDTH = 2_000, 10**15, 2**24
"""Far beyond any model, and low enough for every search to end."""
_SECONDS, _MEMORY = 10.0, 1024 * _MIB


@dataclass(frozen=True)
class Checked:
    """What :func:`check` found: ``facts`` to show, and of a scenario its ``values`` by dotted key."""

    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    text: str | None = None
    """What is to be kept in place of what was sent."""


@dataclass(frozen=True)
class Upload:
    """A file that was brought: ``token`` names it, ``label`` is what the visitor calls it (escape it)."""

    token: str
    kind: str
    label: str
    size: int
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ready: bool = False


def _label(name: str) -> str:
    """The last part of a file's name: printable, at most 80 characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if c.isprintable())
    return " ".join(kept.split())[:_LABEL] or "unnamed"


class _Late(BaseException):
    """Time is over: no ``except Exception`` on the way may keep it."""


class Stored:
    """The tokens whose files lie in a folder, for processes that know no more of uploads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, token: object) -> bool:
        """Whether it is a token, and its file is there."""
        return is_token(token) and (self.folder / str(token)).is_file()


class Uploads:
    """A private folder of files by the hash of their content; the least recently used go first.

    Parameters
    ----------
    folder : path, optional
        Made with access for its owner only and removed by :meth:`close`; a temporary one where left out.
    most_files : int
        Files kept at once.
    most_bytes : int [B]
        Of one file; some kinds have less.
    """

    def __init__(
        self, folder: Path | None = None, *, most_files: int = 200, most_bytes: int = 2 * _MIB
    ) -> None:
        if folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="gigawatt-"))
        else:
            self.folder = Path(folder)
            self.folder.mkdir(mode=0o700)  # a folder that is there already is not ours to empty
        self.most_files, self.most_bytes = most_files, most_bytes
        self._kept: OrderedDict[str, Upload] = OrderedDict()

    def __contains__(self, token: object) -> bool:
        """Whether an upload is here and was checked; who asks is about to use it."""
        return isinstance(token, str) and self.get(token) is not None

    def __iter__(self) -> Iterator[str]:
        """Tokens, the least recently used first."""
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        """How many files are kept."""
        return len(self._kept)

    def get(self, token: str) -> Upload | None:
        """An upload that was checked, now the most recently used; ``None`` where there is none."""
        one = self._kept.get(token)
        if one is None or not one.ready:
            return None
        self._kept.move_to_end(token)
        return one

    def path(self, token: str) -> Path:
        """Where the file of an upload lies; raises ``InputError`` where there is none."""
        if token not in self._kept:
            raise InputError("this upload is not here any more", given=token, allowed="upload it again")
        return self.folder / token

    def keep(self, kind: str, name: str, data: bytes) -> Upload:
        """Keep what a visitor sent, to be checked; see :meth:`receive`, which does both.

        Raises
        ------
        InputError
            No such kind, nothing in it, too much, no text in UTF-8.
        """
        check_word("kind", kind, KINDS, "nothing of this kind can be uploaded")
        label = _label(name)
        most = min(self.most_bytes, MOST_BYTES[kind])
        if not data.strip():
            raise InputError("the file is empty", key=kind, given=label)
        if len(data) > most:
            size = f"{len(data):,} bytes"
            raise InputError("the file is too large", key=kind, given=size, allowed=f"at most {most:,} bytes")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("not a text file in UTF-8", key=kind, given=label) from None
        if "\0" in text:
            raise InputError("not a text file", key=kind, given=label)
        endings = KINDS[kind]
        ending = next((end for end in endings if label.lower().endswith(end)), endings[0])
        digest = hashlib.sha256(f"{kind}{ending}\n".encode() + data).hexdigest()[:16]
        token = f"{kind}-{digest}{ending}"
        if token in self._kept:
            self._kept.move_to_end(token)
            return self._kept[token]
        self._write(token, data)
        self._kept[token] = made = Upload(token, kind, label, len(data))
        while len(self._kept) > self.most_files:
            self.drop(next(iter(self._kept)))
        return made

    def admit(self, token: str, found: Checked) -> Upload:
        """Let an upload be used from now on, with what :func:`check` found; a scenario's names are vetted.

        Raises
        ------
        InputError
            The upload was dropped meanwhile; a scenario that names a file.
        """
        self.path(token)
        values = vetted(found.values, self)
        if found.text is not None:
            self._write(token, found.text.encode())
        made = replace(self._kept[token], facts=found.facts, values=values, ready=True)
        self._kept[token] = made
        return made

    def drop(self, token: str) -> None:
        """Forget an upload and remove its file."""
        if self._kept.pop(token, None) is not None:
            (self.folder / token).unlink(missing_ok=True)

    async def receive(
        self,
        kind: str,
        name: str,
        data: bytes,
        ask: Callable[[str, tuple[str, str, str]], Awaitable[Checked]],
    ) -> Upload:
        """Keep a file, have it checked elsewhere, and let it in or drop it.

        Parameters
        ----------
        kind, name, data
            As :meth:`keep`.
        ask : callable
            Has a process call a function by name, as ``Pool.ask`` does.

        Raises
        ------
        InputError
            What :meth:`keep`, :func:`check` and :meth:`admit` say; whatever ``ask`` raises.
        """
        one = self.keep(kind, name, data)
        if one.ready:
            return one
        try:
            found = await ask(f"{__name__}:checked", (kind, str(self.folder / one.token), one.label))
            return self.admit(one.token, found)
        except BaseException:
            if one.token not in self:  # the same file may have been let in by somebody else meanwhile
                self.drop(one.token)
            raise

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._kept.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, token: str, data: bytes) -> None:
        """Write a file whole or not at all, for its owner only, never through a link."""
        handle, name = tempfile.mkstemp(dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(name, self.folder / token)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


@contextmanager
def limits(seconds: float = _SECONDS, memory: int = _MEMORY) -> Generator[None]:
    """Bound the time [s] and the further memory [B] of a block, where the system can (in a main thread).

    Raises
    ------
    InputError
        The block took too long, or too much.
    """
    alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    before: Any = None
    bound: tuple[int, int] | None = None

    def late(number: int, frame: object) -> None:
        raise _Late

    if alarm:
        before = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if sys.platform == "linux":
        import resource

        bound = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + memory
        if bound[0] == resource.RLIM_INFINITY or most < bound[0]:
            resource.setrlimit(resource.RLIMIT_AS, (most, bound[1]))
    try:
        yield
    except _Late:
        raise InputError(f"reading it takes longer than {seconds:g} s") from None
    except MemoryError:
        raise InputError(f"reading it takes more than {memory / _MIB:g} MiB") from None
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
        if bound is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, bound)


def checked(payload: tuple[str, str, str], progress: object = None) -> Checked:
    """:func:`check` as a process is asked for it: (kind, path, label); errors name the label, not the path.

    Raises
    ------
    InputError
        As :func:`check`.
    """
    kind, path, label = payload
    try:
        with limits():
            return check(kind, Path(path))
    except GigawattError as error:
        if error.file is not None:
            error.file = label
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        # What is sent is made to break its reader: whatever comes of it is about what was sent.
        raise InputError(f"cannot be read ({type(error).__name__})", file=label, key=kind) from None


def check(kind: str, path: Path) -> Checked:
    """Read an upload as the rooms do, and say what is in it.

    Raises
    ------
    InputError
        It cannot be read, or asks for what no search would end with: file, line, key as the rooms say them.
    """
    return {
        "model": _model, "chip": _chip, "trace": _trace, "weather": _weather, "hours": _hours,
        "scenario": _scenario,
    }[kind](path)  # fmt: skip


def _strict_json(path: Path) -> None:
    """Refuse JSON that no configuration is: not finite, a key twice, too deep, too much."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            twice = next(key for i, (key, _) in enumerate(items) if key in dict(items[:i]))
            raise InputError("this key stands twice", file=path, key=twice)
        return found

    def no_number(text: str) -> Any:
        raise InputError("not a finite number", file=path, given=text)

    def number(text: str) -> float:
        return value if math.isfinite(value := float(text)) else no_number(text)

    try:
        root = json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=pairs, parse_constant=no_number, parse_float=number,
        )  # fmt: skip
    except json.JSONDecodeError as error:
        raise InputError(
            f"broken JSON ({error.msg})", file=path, line=error.lineno, allowed="a Hugging Face config.json"
        ) from None
    except (ValueError, RecursionError):
        raise InputError("broken JSON (a number or a nesting is too long)", file=path) from None
    count, level = 0, [root]
    for _ in range(_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        count += len(level)
        if not level:
            break
    if level or count > _MOST_KEYS:
        allowed = f"at most {_DEPTH} levels and {_MOST_KEYS:,} values"
        raise InputError("too much for a configuration", file=path, allowed=allowed)


def _model(path: Path) -> Checked:
    from gigawatt.workload import read_architecture

    _strict_json(path)
    model = read_architecture(path)
    count = model.parameters.total
    for name, given, most in (
        ("layers", model.layers, _MOST_LAYERS),
        ("hidden size", model.hidden, _MOST_WIDTH),
        ("vocabulary", model.vocabulary, _MOST_WIDTH),
        ("parameters", count, _MOST_PARAMETERS),
    ):
        if given > most:
            raise InputError(
                "larger than any model", file=path, key=name, given=f"{given:,}", allowed=f"at most {most:,}"
            )
    return Checked({"family": model.family, "layers": f"{model.layers:,}", "parameters": f"{count:.4g}"})


def _chip(path: Path) -> Checked:
    """A design that can be made, kept under a name of its own so that two visitors' designs do not meet."""
    import yaml

    from gigawatt.machine.chip.build import build_chip
    from gigawatt.machine.chip.design_file import read_design

    made = build_chip(read_design(path))
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in str(data.get("name") or "chip"))[:40]
    data["name"] = f"{name}-{path.stem.rpartition('-')[2][:8]}"
    peak = {form: f"{rate:.3g} FLOP/s" for form, rate in made.peak.items()}
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return Checked({"name": data["name"], **peak}, text=text)


def _trace(path: Path) -> Checked:
    from gigawatt.serving.traces import read_trace, trace_facts

    facts = trace_facts(read_trace(path))
    if not math.isfinite(facts.span):
        raise InputError(
            "no rate follows from this trace", file=path, allowed="requests at two times or more"
        )
    return Checked({"requests": f"{facts.requests:,}", "span": f"{facts.span:.4g} s"})


def _weather(path: Path) -> Checked:
    from gigawatt.facility import load_weather

    weather = load_weather(path)
    place = f"{weather.latitude:.2f}°, {weather.longitude:.2f}°"
    return Checked({"place": place, "year": str(weather.year)})


def _hours(path: Path) -> Checked:
    from gigawatt.chain.site.load import load_of_hours
    from gigawatt.core.quantities import show

    hours = load_of_hours(str(path)).facility
    return Checked({"highest": show(float(hours.max()), "MW"), "mean": show(float(hours.mean()), "MW")})


def _scenario(path: Path) -> Checked:
    from gigawatt.schema.scenario import read_scenario

    loaded = read_scenario(path)
    return Checked({"keys": f"{len(loaded.written):,}"}, values=dict(_plain(loaded.data)))


def _plain(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and plain values of what was read; a value that the page cannot show is refused."""
    for name, value in data.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _plain(value, f"{key}.")
        elif isinstance(value, list):
            yield key, [_scalar(key, one) for one in value]
        else:
            yield key, _scalar(key, value)


def _scalar(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and abs(value) < 1e300:  # what a float holds
        return value
    raise InputError("not a value", key=key, given=type(value).__name__, allowed="a number or a text")
