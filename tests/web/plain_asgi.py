"""An ASGI application asked without a network: headers and body as given, no client's courtesy in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

HOST = (b"host", b"localhost")
HERE = (b"sec-fetch-site", b"same-origin")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    pairs: Sequence[tuple[bytes, bytes]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def scope(
    method: str = "GET",
    path: str = "/",
    headers: Iterable[tuple[bytes, bytes]] = (HOST,),
    query: bytes = b"",
    client: str = "localhost",
) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query, "root_path": "",
        "headers": list(headers), "client": (client, 50000), "server": ("localhost", 80), "state": {},
    }  # fmt: skip


async def ask(
    app: Any, asked: dict[str, Any], body: Iterable[bytes] = (b"",), *, stall: bool = False
) -> Answer:
    """One request; ``stall`` leaves the body unfinished for ever."""
    chunks = list(body)
    never = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not chunks:
            await never.wait()
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks) or stall}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app(asked, receive, send)
    assert [one["type"] for one in sent][:1] == ["http.response.start"]
    pairs = [(bytes(k), bytes(v)) for k, v in sent[0]["headers"]]
    headers = {k.decode().lower(): v.decode() for k, v in pairs}
    return Answer(sent[0]["status"], headers, pairs, b"".join(one.get("body", b"") for one in sent[1:]))
