"""What the layers of the page share: an ASGI application's parts, values of a header, a refusal."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

__all__ = ["App", "Message", "Receive", "Scope", "Send", "address_of", "refuse", "values_of"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LINGER, _MOST_DROPPED = 5.0, 64 * 2**20
"""Seconds and bytes for which a client that was refused is heard."""


def values_of(scope: Scope, name: bytes) -> list[str]:
    """All values of one header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that is written there; ``None`` for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


async def refuse(
    send: Send,
    status: int,
    line: str,
    *more: tuple[bytes, bytes],
    close: bool = False,
    rest: Receive | None = None,
) -> None:
    """One line of plain text; ``close`` ends the connection, on which a rest of the request may stand.

    ``rest`` is where that comes from. A client that sends without listening, as browsers do, loses the answer
    where the connection ends on what it has sent: so it is heard for a while, and nothing of it is kept.
    """
    body = f"{line}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *more,
        *([(b"connection", b"close")] if close else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": rest is not None})
    if rest is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                await _drop(rest)
        await send({"type": "http.response.body", "body": b""})


async def _drop(rest: Receive) -> None:
    """Hear the rest of a body, up to a bound."""
    heard = 0
    while heard < _MOST_DROPPED:
        message = await rest()
        heard += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
