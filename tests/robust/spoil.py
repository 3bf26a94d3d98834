"""What parsers are fed: valid files with bytes changed, documents with values changed, and plain rubbish.

``refuses_or_reads`` is the whole promise: a value, or one line of a :class:`GigawattError`, in a bounded
time and with bounded memory. The number of examples is small so that the suite stays quick; with
``GIGAWATT_FUZZ=2000`` in the environment the same tests look that much further.
"""

from __future__ import annotations

import copy
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from gigawatt.core.errors import GigawattError

SECONDS = 20
"""A file of a few kilobytes that takes longer is a hang."""
MEGABYTES = 600
"""A file of a few kilobytes that takes more is a bomb."""


def fuzz(examples: int) -> Any:
    """Settings of a fuzz test: the same examples each time, as many as asked for."""
    return settings(
        max_examples=int(os.environ.get("GIGAWATT_FUZZ", examples)),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def _peak() -> float:
    """Most memory [MB] that this process had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


@contextmanager
def bounded(seconds: int = SECONDS) -> Iterator[None]:
    """Fail where what runs inside hangs or takes hundreds of megabytes."""

    def late(*_: object) -> None:
        raise AssertionError(f"no answer after {seconds} s")

    before, old = _peak(), signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    grown = _peak() - before
    assert grown < MEGABYTES, f"{grown:.0f} MB more"


def refuses_or_reads(call: Callable[[], object]) -> str | None:
    """Call a reader; returns the one line that it refuses with, ``None`` where it reads."""
    with bounded():
        try:
            call()
        except GigawattError as error:
            told = str(error)
            assert told
            assert "\n" not in told
            assert len(told) < 4000, told
            return told
    return None


# bytes

_BITS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"\t", b"-", b"\"", b"'", b",", b";", b":",
    b"{", b"}", b"[", b"]", b"#", b"%", b"&a ", b"*a", b"!!bool x", b"!!int ''", b"!!python/name:os.system",
    b"<<: ", b"? ", b"| ", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"1e308", b"99999999999999999999",
    b"9" * 5000,
    b"1e", b"0x", b"1:2:3", b"2026-13-45", b"2001-01-01", b"null", b"true", b"W", b"[W/m^2]", b"**9**9**9",
    b"\xc3\xa9", b"\xf0\x9f\x94\xa5", b"\xe2\x80\xa8", b"a" * 3000, b"[" * 300, b"{\"a\":" * 300, b"$",
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn, good: bytes, most: int = 4) -> bytes:
    """A valid file with a few places changed: bytes put in, taken out, doubled, cut off, or all rubbish."""
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return draw(st.binary(max_size=200))
    if kind == 1:
        return b"".join(draw(st.lists(st.sampled_from(_BITS), max_size=12)))
    data = good
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from([0, 1, 2, 5, 20]))
        put = draw(st.one_of(st.sampled_from(_BITS), st.binary(max_size=4)))
        what = draw(st.integers(0, 5))
        if what == 0:
            data = data[:at]
        elif what == 1:
            data = data[:at] + data[at : at + 40] * 2 + data[at + 40 :]
        else:
            data = data[:at] + put + data[at + size :]
    return data


# documents

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**70, -(2**63), 0.5, -0.0, 1e-320, 1e308, float("inf"),
    float("-inf"), float("nan"), "", " ", "0", "-1", "nan", "inf", "1e999", "1e30 W", "-5 tokens", "3",
    "1 GW",
    "1 parsec", "% %", "1/0", "9**9**9**9 W", "W" * 2000, "\x00", "é\u2028", "../../etc/passwd", "/dev/zero",
    "/dev/null", "~", ".", "*", "[]", "{}", [], {}, [None], [[]], {"a": {}}, [1, "x", None], ["grid"] * 50,
    {"": 1}, {"limit": "1 GW"}, "a=b", "a=b,c", "ttft=1s", "ttft=,tpot", "all", "none",
)  # fmt: skip


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document of mappings and lists."""
    if path:
        yield path
    pairs: Any = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        pairs = enumerate(document)
    for key, value in pairs:
        yield from places(value, (*path, key))


@st.composite
def twisted(draw: st.DrawFn, good: Any, most: int = 3, odd: tuple[Any, ...] = ODD) -> Any:
    """A valid document with a few values replaced, taken away, or put in under another key."""
    document = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, most))):
        known = list(places(document))
        if not known:
            break
        *above, last = draw(st.sampled_from(known))
        at = document
        for key in above:
            at = at[key]
        what = draw(st.integers(0, 7))
        if what == 0:
            del at[last]
        elif what == 1 and isinstance(at, dict):
            at[draw(st.sampled_from([f"{last}x", "", "name", "training", "serving", "site", "layers"]))] = at[
                last
            ]
        else:
            at[last] = copy.deepcopy(draw(st.sampled_from(odd)))
    return document
