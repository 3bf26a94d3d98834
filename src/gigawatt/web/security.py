"""What stands between the network and the page: five small ASGI layers, and the one order they belong in.

:func:`secured` wraps an application from outside, so that answers to errors pass every layer too. From the
outside in: :class:`Headers` marks every answer, :class:`Hosts` lets in requests to names that are ours (a
page elsewhere whose name is made to resolve to this machine is turned away), :class:`Origins` refuses what
another site sends, :class:`Bodies` limits the size of a request and the time that it takes to arrive,
:class:`Rates` what one address may have in flight. A refusal is one line of plain text.

The headers are those of OWASP's Secure Headers Project.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ALWAYS", "POLICY", "Bodies", "Headers", "Hosts", "Origins", "Rates", "secured"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Of a style element without text: plotly.js makes one, and fills it through the object model."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {_EMPTY_STYLE}",
        "style-src-attr 'unsafe-inline'",  # plotly.js sets the style attributes of what it draws
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
"""Content-Security-Policy of every answer."""

_OFF = (
    "accelerometer", "autoplay", "camera", "cross-origin-isolated", "display-capture", "encrypted-media",
    "fullscreen", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection",
    "magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip

ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-permitted-cross-domain-policies": "none",
    # Nothing goes to other sites. With no-referrer a form of ours would send "Origin: null", and over plain
    # http from another machine browsers say nothing else of where it comes from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": ", ".join(f"{name}=()" for name in _OFF),
}
_FOREVER = "public, max-age=31536000, immutable"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_MIB = 2**20
_KIB = 2**10


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


async def _refuse(
    send: Send, status: int, line: str, *more: tuple[bytes, bytes], close: bool = False
) -> None:
    """One line of plain text; ``close`` ends the connection, on which a rest of the request may stand."""
    body = f"{line}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *more,
        *([(b"connection", b"close")] if close else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Headers:
    """Every answer says what a browser may do with it; no answer is kept, but files of one version.

    Parameters
    ----------
    app : App
        What is behind.
    versioned : str
        Start of paths whose answers never change, since a version stands in them; empty where there are none.
    """

    app: App
    versioned: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a websocket is closed, since the page has none."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._headers(scope, message)}
            await send(message)

        await self.app(scope, receive, marked)

    def _headers(self, scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
        forever = (
            bool(self.versioned)
            and scope["path"].startswith(self.versioned)
            and message["status"] in (200, 206, 304)
        )
        ours = {**ALWAYS, "cache-control": _FOREVER if forever else "no-store"}
        dropped = {name.encode() for name in ours} | {b"server", b"x-powered-by", b"pragma", b"expires"}
        kept = [(key, value) for key, value in message.get("headers", []) if key.lower() not in dropped]
        return [*kept, *((name.encode(), value.encode()) for name, value in ours.items())]


def _host_of(written: str) -> str | None:
    """The name or address of a Host header, in lower case and without the port; ``None`` for what is none."""
    name, colon, port = written.strip().lower(), "", ""
    if name.startswith("["):
        name, bracket, rest = name[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        colon, port = rest[:1], rest[1:]
    else:
        name, colon, port = name.partition(":")
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None
    return name if name and all(c.isascii() and (c.isalnum() or c in "-._:") for c in name) else None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


@dataclass
class Hosts:
    """Requests to the names that this server goes by; others get 421, against DNS rebinding.

    The names of this machine itself (``localhost`` and loopback addresses) are always known.

    Parameters
    ----------
    app : App
        What is behind.
    names : iterable of str
        Further names and addresses, as ``--host`` and ``--allow-host`` say them. Where one of them is the
        address for all interfaces, a Host that is an address is known too: no name was looked up to get
        here, so that none can have been made to lead here.
    """

    app: App
    names: Iterable[str] = ()

    def __post_init__(self) -> None:
        known = [name.strip().lower().strip("[]") for name in self.names]
        addresses = [address for address in map(_address, known) if address is not None]
        self._everywhere = any(address.is_unspecified for address in addresses)
        self._addresses = {address for address in addresses if not address.is_unspecified}
        self._names = {"localhost", *known}

    def knows(self, written: str) -> bool:
        """Whether a Host header names this server."""
        name = _host_of(written)
        if name is None:
            return False
        address = _address(name)
        if address is None:
            return name in self._names
        return address.is_loopback or self._everywhere or address in self._addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http":
            given = _values(scope, b"host")
            if len(given) != 1:
                await _refuse(send, 400, "a request needs one Host header")
                return
            if not self.knows(given[0]):
                line = "this server does not go by that name; start it with --allow-host NAME if it should"
                await _refuse(send, 421, line)
                return
        await self.app(scope, receive, send)


@dataclass
class Origins:
    """What another site sends is refused with 403: changes always, anything else but a visit of a page.

    A browser says where a request comes from in ``Sec-Fetch-Site``, older ones in ``Origin``; a program that
    is no browser has to say ``Origin`` with this server's own address where it changes something.
    """

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http" and not self._ours(scope):
            await _refuse(send, 403, "this request comes from another site")
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _ours(scope: Scope) -> bool:
        site, origin = _values(scope, b"sec-fetch-site"), _values(scope, b"origin")
        safe = scope["method"] in _SAFE
        if len(site) > 1 or len(origin) > 1:
            return False
        if site:
            if site[0] in ("same-origin", "none"):
                return True
            return safe and _values(scope, b"sec-fetch-mode") == ["navigate"] and not origin
        host = _values(scope, b"host")
        if origin:
            return bool(host) and origin[0].lower() == f"{scope.get('scheme', 'http')}://{host[0]}".lower()
        return safe


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
            stream = any("text/event-stream" in value for value in _values(scope, b"accept"))
            async with self._stream(mine) if stream else self._turn(mine) as let:
                if let:
                    await self.app(scope, receive, send)
                else:
                    line = "too many requests of this address are in flight"
                    await _refuse(send, 503, line, (b"retry-after", b"2"), close=True)
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
    address = _address(name.partition("%")[0])
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
        raw = scope.get("raw_path") or scope["path"].encode()
        if len(raw) + 1 + len(scope.get("query_string", b"")) > self.address:
            await _refuse(send, 414, f"the address is longer than {self.address:,} bytes", close=True)
            return
        if sum(len(key) + len(value) + 4 for key, value in scope["headers"]) > self.headers:
            await _refuse(send, 431, f"the headers are longer than {self.headers:,} bytes", close=True)
            return
        said = _values(scope, b"content-length")
        if len(set(said)) > 1 or any(not (one.isascii() and one.isdigit() and len(one) < 20) for one in said):
            await _refuse(send, 400, "the length of the body is no number", close=True)
            return
        if said and int(said[0]) > self.most:
            await self._too_large(send)
            return
        body = bytearray()
        try:
            async with asyncio.timeout(self.patience):
                why = await self._read(body, receive)
        except TimeoutError:
            why = 408
        finally:
            self._held -= len(body)
        if why == 413:
            await self._too_large(send)
        elif why == 408:
            await _refuse(send, 408, f"the body took longer than {self.patience:g} s to arrive", close=True)
        elif why == 503:
            await _refuse(send, 503, "too much is on its way", (b"retry-after", b"2"), close=True)
        elif why == 0 and said and int(said[0]) != len(body):
            await _refuse(send, 400, "the body is not as long as it says", close=True)
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

    async def _too_large(self, send: Send) -> None:
        await _refuse(send, 413, f"more than {self.most / _MIB:g} MiB", close=True)


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


def secured(
    app: App,
    *,
    hosts: Iterable[str] = (),
    versioned: str = "",
    most_bytes: int = Bodies.most,
    patience: float = Bodies.patience,
    in_flight: int = Rates.most,
    streams: int = Rates.streams,
) -> App:
    """The application behind all layers, in the order that they belong in.

    Parameters
    ----------
    app : App
        A whole application, with its own handling of errors.
    hosts : iterable of str
        Names of this server, for :class:`Hosts`.
    versioned : str
        Start of the paths of files that never change, for :class:`Headers`.
    most_bytes : int [B]
        Of a request's body.
    patience : float [s]
        For a body to arrive, and for a request to wait for its turn.
    in_flight, streams : int
        Requests, and streams of events, of one address at once.
    """
    rates = Rates(app, most=in_flight, streams=streams, patience=patience)
    bodies = Bodies(rates, most=most_bytes, patience=patience)
    return Headers(Hosts(Origins(bodies), names=hosts), versioned=versioned)
