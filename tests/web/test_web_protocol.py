"""Connections: half a head is given up, a whole one is served, however it comes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from gigawatt.faces.web.guards.protocol import PATIENCE, Patient
from gigawatt.faces.web.guards.security import ALWAYS

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
Links = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hasty(Patient):
    """Waits for half a second, so that a test need not wait for long."""

    patience = 0.5


async def says_fine(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"fine\n"})


def served(
    talk: Callable[[Callable[[], Awaitable[Links]]], Awaitable[Any]], protocol: type[Patient] = Hasty
) -> Any:
    """What ``talk`` gives, which gets a function that opens a connection to a server."""

    async def run() -> Any:
        listening = socket.create_server(("localhost", 0))
        config = uvicorn.Config(
            says_fine, http=protocol, ws="none", lifespan="off", log_level="error", server_header=False,
            timeout_keep_alive=60,
        )  # fmt: skip
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        opened: list[Links] = []

        async def link() -> Links:
            opened.append(await asyncio.open_connection(*listening.getsockname()[:2]))
            return opened[-1]

        try:
            return await asyncio.wait_for(talk(link), 30)
        finally:
            for _, writer in opened:
                writer.close()
            server.should_exit = True
            await task
            listening.close()

    return asyncio.run(run())


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the other side ends."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("start", [b"", b"G", HEAD, HEAD + b"X: "])
def test_half_a_head_is_given_up(start: bytes) -> None:
    async def talk(link: Callable[[], Awaitable[Links]]) -> bytes:
        reader, writer = await link()
        writer.write(start)
        return await rest(reader)

    assert served(talk) == b""


def test_what_trickles_in_does_not_begin_the_time_anew() -> None:
    async def talk(link: Callable[[], Awaitable[Links]]) -> int:
        reader, writer = await link()
        over = asyncio.create_task(rest(reader))
        sent = 0
        while not over.done() and sent < 200:
            writer.write(b"G" if sent == 0 else b"E")
            sent += 1
            await asyncio.wait([over], timeout=0.1)
        return sent

    assert served(talk) < 200


def test_a_second_half_on_a_connection_that_is_kept_is_given_up() -> None:
    async def talk(link: Callable[[], Awaitable[Links]]) -> tuple[bytes, bytes]:
        reader, writer = await link()
        writer.write(HEAD + b"\r\n")
        first = await reader.readuntil(b"fine\n")
        writer.write(HEAD)
        return first, await rest(reader)

    first, after = served(talk)
    assert first.startswith(b"HTTP/1.1 200")
    assert after == b""


def test_whole_requests_are_served_one_after_the_other_and_together() -> None:
    async def talk(link: Callable[[], Awaitable[Links]]) -> int:
        reader, writer = await link()
        for _ in range(3):
            writer.write(HEAD)
            await writer.drain()
            writer.write(b"\r\n")
            await reader.readuntil(b"fine\n")
        writer.write((HEAD + b"\r\n") * 5)
        for _ in range(5):
            await reader.readuntil(b"fine\n")
        return 8

    assert served(talk, Patient) == 8


def test_a_slow_body_is_left_to_the_layers() -> None:
    """The head is there in time; what follows may take longer than a head."""

    async def talk(link: Callable[[], Awaitable[Links]]) -> bytes:
        reader, writer = await link()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
        over = asyncio.create_task(reader.readuntil(b"fine\n"))
        for _ in range(4):
            await asyncio.wait([over], timeout=Hasty.patience)
            writer.write(b"x")
        return await over

    assert served(talk).startswith(b"HTTP/1.1 200")


def test_what_is_no_request_gets_the_headers_of_every_answer() -> None:
    async def talk(link: Callable[[], Awaitable[Links]]) -> bytes:
        reader, writer = await link()
        writer.write(b"nonsense\r\n\r\n")
        return await rest(reader)

    found = served(talk).decode()
    assert found.startswith("HTTP/1.1 400")
    for name, value in ALWAYS.items():
        assert f"{name}: {value}" in found
    assert PATIENCE > 1
