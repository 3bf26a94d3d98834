"""What stands between the network and the page: five small ASGI layers, and the one order they belong in.

:func:`secured` wraps an application from outside, so that answers to errors pass every layer too. From the
outside in: :class:`Headers` marks every answer, :class:`Hosts` lets in requests to names that are ours (a
page elsewhere whose name is made to resolve to this machine is turned away), :class:`Origins` refuses what
another site sends; then come the two of :mod:`~.guards.bounds`: ``Bodies`` limits the size of a
request and the time that it takes to arrive, ``Rates`` what one address may have in flight. A refusal is one
line of plain text.

The headers are those of OWASP's Secure Headers Project.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gigawatt.faces.web.guards.asgi import App, Message, Receive, Scope, Send, address_of, refuse, values_of
from gigawatt.faces.web.guards.bounds import Bodies, Rates

__all__ = ["ALWAYS", "POLICY", "Headers", "Hosts", "Origins", "secured"]

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
        addresses = [address for address in map(address_of, known) if address is not None]
        self._everywhere = any(address.is_unspecified for address in addresses)
        self._addresses = {address for address in addresses if not address.is_unspecified}
        self._names = {"localhost", *known}

    def knows(self, written: str) -> bool:
        """Whether a Host header names this server."""
        name = _host_of(written)
        if name is None:
            return False
        address = address_of(name)
        if address is None:
            return name in self._names
        return address.is_loopback or self._everywhere or address in self._addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http":
            given = values_of(scope, b"host")
            if len(given) != 1:
                await refuse(send, 400, "a request needs one Host header")
                return
            if not self.knows(given[0]):
                line = "this server does not go by that name; start it with --allow-host NAME if it should"
                await refuse(send, 421, line)
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
            await refuse(send, 403, "this request comes from another site")
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _ours(scope: Scope) -> bool:
        site, origin = values_of(scope, b"sec-fetch-site"), values_of(scope, b"origin")
        safe = scope["method"] in _SAFE
        if len(site) > 1 or len(origin) > 1:
            return False
        if site:
            if site[0] in ("same-origin", "none"):
                return True
            return safe and values_of(scope, b"sec-fetch-mode") == ["navigate"] and not origin
        host = values_of(scope, b"host")
        if origin:
            return bool(host) and origin[0].lower() == f"{scope.get('scheme', 'http')}://{host[0]}".lower()
        return safe


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
