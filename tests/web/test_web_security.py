"""The layers before the page, one by one: what passes, what is refused, and how."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_asgi import HERE, HOST, Answer, ask, scope

from gigawatt.faces.web.guards import asgi
from gigawatt.faces.web.guards.bounds import Bodies, Rates
from gigawatt.faces.web.guards.security import POLICY, Headers, Hosts, Origins, secured

LOOPBACK = str(IPv4Address((127 << 24) + 1))
OTHER = str(IPv4Address("192.0.2.7"))  # of the block for documentation
SIX = str(IPv6Address("2001:db8::7"))
HTTP, HTTPS = "http://", "https://"

#: Named by OWASP's Secure Headers Project.
OWASP = {
    "content-security-policy",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "cache-control",
}


def says(text: str = "fine", status: int = 200, *headers: tuple[bytes, bytes]) -> Callable[..., Any]:
    """An application that reads a body whole, and answers with ``text`` and the length of the body."""

    async def app(asked: Any, receive: Any, send: Any) -> None:
        if asked["type"] != "http":
            return
        length, more = 0, True
        while more:
            message = await receive()
            length, more = length + len(message["body"]), message["more_body"]
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": f"{text} {length}".encode()})

    return app


def get(app: Any, asked: dict[str, Any] | None = None, body: tuple[bytes, ...] = (b"",)) -> Answer:
    return asyncio.run(ask(app, asked or scope(), body))


def with_headers(*headers: tuple[str, str], method: str = "GET") -> dict[str, Any]:
    return scope(method, headers=[(k.encode(), v.encode()) for k, v in headers])


# headers


@pytest.mark.parametrize("status", [200, 303, 404, 500])
def test_every_answer_has_the_headers(status: int) -> None:
    answer = get(Headers(says("x", status, (b"Server", b"me"), (b"x-frame-options", b"ALLOWALL"))))
    assert set(answer.headers) >= OWASP
    assert len({key.lower() for key, _ in answer.pairs}) == len(answer.pairs)  # none twice
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"  # else a form of ours would be nobody's
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_the_policy_lets_in_no_script_but_ours() -> None:
    rules = {name: values for name, *values in (rule.split() for rule in POLICY.split("; "))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'"]
    assert "'unsafe-inline'" not in rules["style-src"]
    assert not [
        value for values in rules.values() for value in values if value in ("*", "'unsafe-eval'", "http:")
    ]
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    assert f"'sha256-{empty}'" in rules["style-src"]


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [
        ("/static/1.0/app.js", 200, True),
        ("/static/1.0/app.js", 304, True),
        ("/static/1.0/none.js", 404, False),
        ("/static/app.js", 200, False),
        ("/", 200, False),
    ],
)
def test_only_files_of_a_version_are_kept(path: str, status: int, kept: bool) -> None:
    answer = get(Headers(says(status=status), versioned="/static/1.0/"), scope(path=path))
    assert ("immutable" in answer.headers["cache-control"]) is kept
    assert (answer.headers["cache-control"] == "no-store") is not kept


def test_a_refusal_has_the_headers_too() -> None:
    answer = get(secured(says()), with_headers(("host", "evil.example")))
    assert answer.status == 421
    assert set(answer.headers) >= OWASP
    assert answer.text.count("\n") == 1


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await secured(says())({"type": "websocket", "headers": []}, receive, send)

    asyncio.run(run())
    assert [one["type"] for one in sent] == ["websocket.close"]


# hosts


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST:1", LOOPBACK, f"{LOOPBACK}:8000", "[::1]", "[::1]:8000"],
)
def test_this_machine_is_always_known(host: str) -> None:
    assert get(Hosts(says()), with_headers(("host", host))).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", f"{LOOPBACK}.evil.example", "evil.example:8000",
        OTHER, f"[{SIX}]",
        "localhost:80:80", "localhost:x", "localhost/", "local host", "user@localhost", "[::1", "[::1]x", "",
        "localhost,evil.example", "local\thost", "ⓛocalhost", "localhost:999999",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(host: str) -> None:
    assert get(Hosts(says()), scope(headers=[(b"host", host.encode())])).status == 421


def test_no_host_and_two_hosts_are_refused() -> None:
    assert get(Hosts(says()), scope(headers=[])).status == 400
    assert get(Hosts(says()), scope(headers=[HOST, (b"Host", b"evil.example")])).status == 400


def test_further_names_are_those_that_were_said() -> None:
    app = Hosts(says(), names=["page.example", OTHER])
    for host, status in (
        ("page.example", 200),
        (f"{OTHER}:80", 200),
        ("www.page.example", 421),
        (f"[{SIX}]", 421),
    ):
        assert get(app, with_headers(("host", host))).status == status, host


def test_on_all_interfaces_addresses_are_known_and_names_are_not() -> None:
    app = Hosts(says(), names=[str(IPv4Address(0))])
    for host, status in ((OTHER, 200), (f"[{SIX}]:80", 200), ("evil.example", 421)):
        assert get(app, with_headers(("host", host))).status == status, host


@given(st.text(max_size=30))
def test_any_host_gets_an_answer(host: str) -> None:
    name = Hosts(says()).knows(host)
    assert name is False or host.strip().lower().startswith(("localhost", "127.", "[::1", "[::ffff:127."))


# origins


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("POST", [("sec-fetch-site", "same-origin")], True),
        ("POST", [("sec-fetch-site", "none")], True),
        ("POST", [("sec-fetch-site", "same-site")], False),
        ("POST", [("sec-fetch-site", "cross-site")], False),
        ("POST", [("sec-fetch-site", "cross-site"), ("origin", f"{HTTP}localhost:8000")], False),
        ("POST", [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], False),
        ("POST", [("origin", f"{HTTP}localhost:8000")], True),
        ("POST", [("origin", f"{HTTP}localhost:8000".upper())], True),
        ("POST", [("origin", f"{HTTPS}localhost:8000")], False),
        ("POST", [("origin", f"{HTTP}localhost")], False),
        ("POST", [("origin", "http://evil.example")], False),
        ("POST", [("origin", "null")], False),
        ("POST", [], False),
        ("DELETE", [], False),
        ("PUT", [("origin", "null")], False),
        ("GET", [], True),
        ("GET", [("sec-fetch-site", "same-origin")], True),
        ("GET", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], True),
        ("GET", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], False),
        ("GET", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], False),
        ("GET", [("origin", "http://evil.example")], False),
        ("POST", [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], False),
    ],
)
def test_where_a_request_comes_from(method: str, headers: list[tuple[str, str]], passes: bool) -> None:
    asked = with_headers(("host", "localhost:8000"), *headers, method=method)
    assert get(Origins(says()), asked).status == (200 if passes else 403)


# bodies


def post(length: str | None, *chunks: bytes, **limits: Any) -> Answer:
    headers = [HOST] if length is None else [HOST, (b"content-length", length.encode())]
    return get(Bodies(says(), **limits), scope("POST", headers=headers), chunks or (b"",))


def test_a_body_passes_whole_up_to_its_limit() -> None:
    assert post("10", b"12345", b"67890", most=10).text == "fine 10"
    assert post(None, b"12345", b"67890", most=10).text == "fine 10"


def test_a_larger_body_is_refused_before_anything_reads_it() -> None:
    assert post("11", b"", most=10).status == 413
    for length in (None, "5"):  # counted, whatever it says
        answer = post(length, b"123456", b"78901", most=10)
        assert answer.status == 413
        assert answer.headers["connection"] == "close"


def test_who_is_refused_is_heard_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal heard
        heard += 1
        return {"type": "http.request", "body": b"1234567890", "more_body": True}

    async def send(message: Any) -> None:
        sent.append((message["type"], message.get("more_body", False), heard))

    monkeypatch.setattr(asgi, "_MOST_DROPPED", 100)
    asyncio.run(Bodies(says(), most=10)(scope("POST"), receive, send))
    start, body, end = sent
    assert start == ("http.response.start", False, 2)
    assert body == ("http.response.body", True, 2)  # whole before the rest is heard
    assert end == ("http.response.body", False, 12)
    monkeypatch.setattr(asgi, "_LINGER", 0.05)
    answer = asyncio.run(ask(Bodies(says(), most=10), scope("POST"), (b"12345678901",), stall=True))
    assert answer.status == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "five", "", "+5", "5, 6", "9" * 30, "५"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert post(length, b"12345").status == 400


def test_a_length_that_is_not_true_is_refused() -> None:
    assert post("4", b"12345").status == 400
    assert post("6", b"12345").status == 400


def test_long_addresses_and_headers_are_refused() -> None:
    app = Bodies(says(), address=100, headers=200)
    assert get(app, scope(path="/" + "a" * 98)).status == 200
    assert get(app, scope(path="/" + "a" * 50, query=b"q" * 60)).status == 414
    assert get(app, scope(headers=[HOST, (b"x", b"y" * 200)])).status == 431


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def run() -> Answer:
        return await ask(Bodies(says(), patience=0.05), scope("POST"), (b"1",), stall=True)

    answer = asyncio.run(run())
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_what_passes_is_what_was_sent(chunks: list[bytes]) -> None:
    total = sum(map(len, chunks))
    answer = get(Bodies(says(), most=100), scope("POST"), tuple(chunks))
    assert answer.text == (f"fine {total}" if total <= 100 else "more than 9.53674e-05 MiB\n")


# rates


def held(app_of: Callable[[Any], Any]) -> tuple[Any, asyncio.Event, list[int]]:
    """An application whose answers wait for an event; how many are inside, now and at most."""
    gate, inside = asyncio.Event(), [0, 0]

    async def app(asked: Any, receive: Any, send: Any) -> None:
        inside[0] += 1
        inside[1] = max(inside)
        await gate.wait()
        inside[0] -= 1
        await says()(asked, receive, send)

    return app_of(app), gate, inside


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_more_than_can_be_served_at_once_wait_and_are_served() -> None:
    async def run() -> tuple[list[Answer], list[int], Any]:
        app, gate, inside = held(lambda inner: Rates(inner, most=4, waiting=10))
        tasks = [asyncio.create_task(ask(app, scope())) for _ in range(14)]
        await settle()
        assert inside == [4, 4]
        gate.set()
        return await asyncio.gather(*tasks), inside, app

    answers, inside, app = asyncio.run(run())
    assert [answer.status for answer in answers] == [200] * 14
    assert inside == [0, 4]
    assert not app._known  # nothing is kept of who is gone


def test_a_longer_line_is_refused_and_other_addresses_are_not() -> None:
    async def run() -> tuple[Answer, Answer, list[Answer]]:
        app, gate, _ = held(lambda inner: Rates(inner, most=2, waiting=1))
        tasks = [asyncio.create_task(ask(app, scope())) for _ in range(3)]
        await settle()
        refused = await ask(app, scope())
        other = asyncio.create_task(ask(app, scope(client=OTHER)))
        await settle()
        gate.set()
        return refused, await other, await asyncio.gather(*tasks)

    refused, other, served = asyncio.run(run())
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert other.status == 200
    assert [one.status for one in served] == [200] * 3


def test_who_waits_too_long_is_refused() -> None:
    async def run() -> tuple[Answer, Answer]:
        app, gate, _ = held(lambda inner: Rates(inner, most=1, patience=0.05))
        first = asyncio.create_task(ask(app, scope()))
        await settle()
        second = await ask(app, scope())
        gate.set()
        return await first, second

    first, second = asyncio.run(run())
    assert (first.status, second.status) == (200, 503)


def test_streams_do_not_take_the_place_of_requests() -> None:
    async def run() -> tuple[list[Answer], int]:
        app, gate, inside = held(lambda inner: Rates(inner, most=1, streams=3))
        stream = scope(headers=[HOST, (b"accept", b"text/event-stream")])
        tasks = [asyncio.create_task(ask(app, stream)) for _ in range(3)]
        tasks.append(asyncio.create_task(ask(app, scope())))
        await settle()
        assert inside[0] == 4
        refused = await ask(app, stream)
        gate.set()
        return await asyncio.gather(*tasks), refused.status

    served, refused = asyncio.run(run())
    assert [one.status for one in served] == [200] * 4
    assert refused == 503


def test_a_client_that_goes_gives_its_place_back() -> None:
    async def run() -> Answer:
        app, gate, _ = held(lambda inner: Rates(inner, most=1))
        first, waiting = (asyncio.create_task(ask(app, scope())) for _ in range(2))
        await settle()
        for task in (waiting, first):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.set()
        answer = await ask(app, scope())
        assert not app._known
        return answer

    assert asyncio.run(run()).status == 200


def test_a_network_of_ipv6_is_one_address() -> None:
    async def run() -> int:
        app, gate, _ = held(lambda inner: Rates(inner, most=1, waiting=0))
        first = asyncio.create_task(ask(app, scope(client="2001:db8::1")))
        await settle()
        refused = await ask(app, scope(client="2001:db8::ffff"))
        gate.set()
        await first
        return refused.status

    assert asyncio.run(run()) == 503


# all of them


def test_all_layers_in_their_order() -> None:
    app = secured(says(), most_bytes=10)
    here = [HOST, HERE]
    assert get(app, scope("POST", headers=here), (b"12345",)).text == "fine 5"
    assert get(app, scope("POST", headers=here), (b"12345678901",)).status == 413
    assert get(app, scope("POST", headers=[HOST]), (b"1",)).status == 403
    assert get(app, scope("POST", headers=[(b"host", b"evil.example"), HERE]), (b"1",)).status == 421


def test_slow_bodies_hold_no_place_of_others() -> None:
    async def run() -> tuple[int, list[int]]:
        app = secured(says(), in_flight=2, patience=0.2)
        stalled = [
            asyncio.create_task(ask(app, scope("POST", headers=[HOST, HERE]), (b"1",), stall=True))
            for _ in range(10)
        ]
        await settle()
        answer = await ask(app, scope())
        return answer.status, [one.status for one in await asyncio.gather(*stalled)]

    assert asyncio.run(run()) == (200, [408] * 10)


def test_bodies_on_their_way_are_bounded_together() -> None:
    async def run() -> tuple[int, int, int]:
        app = Bodies(says(), together=10, patience=0.05)
        first = asyncio.create_task(ask(app, scope("POST"), (b"12345678",), stall=True))
        await settle()
        refused = await ask(app, scope("POST"), (b"12345678", b""))
        slow = await first
        later = await ask(app, scope("POST"), (b"12345678", b""))
        return slow.status, refused.status, later.status

    assert asyncio.run(run()) == (408, 503, 200)
