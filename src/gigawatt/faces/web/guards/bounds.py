"""Bounds on what one address may ask at once and on what a request may hold; two layers of the page.

See :mod:`gigawatt.faces.web.guards.security` for the order that layers belong in.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gigawatt.faces.web.guards.asgi import App, Message, Receive, Scope, Send, address_of, refuse, values_of

__all__ = ["Bodies", "Rates"]

_MIB = 2**20
_KIB = 2**10


@dataclass
class _Address:
    """What one address has in flight, and who waits."""

    slots: asyncio.Semaphore
    waiting: int = 0
    held: int = 0
    streams: int = 0


@dataclass
class Rates:
    """A bound on what one address has in flight: more wait for a while, then get 503 and ``Retry-After``.

    Many people may sit behind one address, and a browser that opens a page asks for several files at once:
    hence requests wait in line, and are refused only where the line is long or does not move. Streams of
    events stay open by design and are counted apart.

    Parameters
    ----------
    app : App
        What is behind.
    most : int
        Requests of one address that are served at once.
    waiting : int
        Requests of one address that wait.
    patience : float [s]
        The longest wait.
    streams : int
        Streams of events that one address may have open.
    """

    app: App
    most: int = 64
    waiting: int = 512
    patience: float = 15.0
    streams: int = 128
    _known: dict[str, _Address] = field(default_factory=dict[str, _Address], repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, now or when it is its turn, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        who = _who(scope)
        mine = self._known.setdefault(who, _Address(asyncio.Semaphore(self.most)))
        mine.held += 1
        try:
            stream = any("text/event-stream" in value for value in values_of(scope, b"accept"))
            async with self._stream(mine) if stream else self._turn(mine) as let:
                if let:
                    await self.app(scope, receive, send)
                else:
                    line = "too many requests of this address are in flight"
                    await refuse(send, 503, line, (b"retry-after", b"2"), close=True)
        finally:
            mine.held -= 1
            if not mine.held:
                self._known.pop(who, None)

    @asynccontextmanager
    async def _turn(self, mine: _Address) -> AsyncIterator[bool]:
        if mine.slots.locked():
            if mine.waiting >= self.waiting:
                yield False
                return
            mine.waiting += 1
            try:
                async with asyncio.timeout(self.patience):
                    await mine.slots.acquire()
            except TimeoutError:
                yield False
                return
            finally:
                mine.waiting -= 1
        else:
            await mine.slots.acquire()
        try:
            yield True
        finally:
            mine.slots.release()

    @asynccontextmanager
    async def _stream(self, mine: _Address) -> AsyncIterator[bool]:
        if mine.streams >= self.streams:
            yield False
            return
        mine.streams += 1
        try:
            yield True
        finally:
            mine.streams -= 1


def _who(scope: Scope) -> str:
    """The address that a request comes from; of IPv6 the network of one subscriber (64 bits)."""
    name = str((scope.get("client") or ("",))[0])
    address = address_of(name.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return name


@dataclass
class Bodies:
    """A request has a bounded address, bounded headers and a bounded body that arrives in time.

    The body is read before anything behind sees the request, so that a slow one holds nothing but itself:
    414 for a long address, 431 for long headers, 413 for a large body (counted, whatever its
    ``Content-Length`` says), 400 for a length that is none or not that of the body, 408 for a slow one, 503
    where all bodies that are on their way together would fill the memory.

    Parameters
    ----------
    app : App
        What is behind.
    most : int [B]
        Of the body.
    address : int [B]
        Of path and query.
    headers : int [B]
        Of all names and values.
    patience : float [s]
        For the whole body to arrive.
    together : int [B]
        Of all bodies that have not arrived whole.
    """

    app: App
    most: int = 2 * _MIB
    address: int = 8 * _KIB
    headers: int = 32 * _KIB
    patience: float = 15.0
    together: int = 128 * _MIB
    _held: int = field(default=0, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        heard = _to_the_end(receive)

        async def refused(status: int, line: str, *more: tuple[bytes, bytes]) -> None:
            await refuse(send, status, line, *more, close=True, rest=heard)

        too_large = f"more than {self.most / _MIB:g} MiB"
        raw = scope.get("raw_path") or scope["path"].encode()
        if len(raw) + 1 + len(scope.get("query_string", b"")) > self.address:
            await refused(414, f"the address is longer than {self.address:,} bytes")
            return
        if sum(len(key) + len(value) + 4 for key, value in scope["headers"]) > self.headers:
            await refused(431, f"the headers are longer than {self.headers:,} bytes")
            return
        said = values_of(scope, b"content-length")
        if len(set(said)) > 1 or any(not (one.isascii() and one.isdigit() and len(one) < 20) for one in said):
            await refuse(send, 400, "the length of the body is no number", close=True)
            return
        if said and int(said[0]) > self.most:
            await refused(413, too_large)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(self.patience):
                why = await self._read(body, heard)
        except TimeoutError:
            why = 408
        finally:
            self._held -= len(body)
        if why == 413:
            await refused(413, too_large)
        elif why == 408:
            await refuse(send, 408, f"the body took longer than {self.patience:g} s to arrive", close=True)
        elif why == 503:
            await refused(503, "too much is on its way", (b"retry-after", b"2"))
        elif why == 0 and said and int(said[0]) != len(body):
            await refuse(send, 400, "the body is not as long as it says", close=True)
        elif why == 0:
            await self.app(scope, _replayed(bytes(body), receive), send)

    async def _read(self, body: bytearray, receive: Receive) -> int:
        """Read a body to its end: 0, the status of a refusal, or -1 where the client has gone."""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return -1
            part = message.get("body", b"")
            body += part
            self._held += len(part)
            if len(body) > self.most:
                return 413
            if self._held > self.together:
                return 503
            if not message.get("more_body", False):
                return 0


def _to_the_end(receive: Receive) -> Receive:
    """A ``receive`` that does not wait once the body has ended."""
    ended = False

    async def heard() -> Message:
        nonlocal ended
        if ended:
            return {"type": "http.disconnect"}
        message = await receive()
        ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return heard


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, then what comes after it."""
    first = True

    async def replay() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay
