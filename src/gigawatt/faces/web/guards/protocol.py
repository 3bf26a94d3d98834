"""The connection under the layers: it gives up on a client that does not get to the end of its headers.

uvicorn waits for the head of a request as long as the connection stands, before any layer of
:mod:`~.guards.security` sees it; thousands of half requests would hold all the sockets that a
process may have.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gigawatt.faces.web.guards.security import ALWAYS

__all__ = ["PATIENCE", "Patient"]

PATIENCE = 10.0
"""Seconds in which the head of a request has to arrive, from its first byte or from the connection."""


class Patient(H11Protocol):
    """HTTP/1.1 of uvicorn with an end to waiting; to be given to ``uvicorn.Config`` as ``http``."""

    patience = PATIENCE

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on only while a head is unfinished; what trickles in does not begin the time anew."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait()
        elif self.conn.their_state is not h11.IDLE or self.cycle is not None:
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._rest()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no request gets the headers of every answer too, where none is on its way."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"connection", b"close"),
            (b"cache-control", b"no-store"),
            *((name.encode(), value.encode()) for name, value in ALWAYS.items()),
        ]
        body = f"{msg}\n".encode("ascii", "replace")
        events = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        if self._ends is None:
            self._ends = self.loop.call_later(self.patience, self._give_up)

    def _rest(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None

    def _give_up(self) -> None:
        self._ends = None
        if not self.transport.is_closing():
            self.transport.abort()
