"""The page as it is served: every route, every header, what is reflected, what is read, whom it calls."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import HERE, PLANTED, PLANTED_TEXT, Answer, Server, sent, serving

from gigawatt.core.registry import views
from gigawatt.faces.web.app import create_app
from gigawatt.faces.web.guards.security import ALWAYS
from gigawatt.faces.web.uploads.paths import file_keys
from gigawatt.schema.fields import fields
from gigawatt.schema.scenario import Scenario

pytestmark = pytest.mark.apart

MIB = 2**20
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")


def routes() -> list[tuple[str, frozenset[str]]]:
    """Every path of the application with its methods."""
    app: Any = create_app()
    while not hasattr(app, "routes"):
        app = app.app
    found: list[tuple[str, frozenset[str]]] = []
    for route in app.routes:
        inside = getattr(getattr(route, "original_router", None), "routes", [route])
        found += [(one.path, frozenset(one.methods or ())) for one in inside]
    return found


ROUTES = routes()
PATHS = sorted({path for path, _ in ROUTES})


def filled(path: str, value: str) -> str:
    return re.sub(r"\{[^}]*\}", lambda _: value, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


def check_headers(answer: Answer) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get(name) == value, name
    assert "server" not in answer.headers
    assert answer.headers["cache-control"]
    if answer.body and answer.status not in (204, 304):
        assert answer.kind, "an answer without a content type"


def test_every_route_is_seen() -> None:
    assert len(PATHS) > 15
    assert {"/", "/openapi.json", "/{name}", "/upload/{kind}"} <= set(PATHS)


# headers


@pytest.mark.parametrize("method", METHODS)
def test_every_route_has_the_headers_whatever_is_asked(server: Server, method: str) -> None:
    """Routes with names that nothing has: errors, with every method."""
    for path in PATHS:
        answer = server.ask(filled(path, "nothing"), method, HERE)
        check_headers(answer)
        assert answer.status < 500, (method, path, answer.text)
        allowed = {name for route, names in ROUTES if route == path for name in names}
        if method not in (*allowed, "HEAD", "OPTIONS"):
            assert answer.status in (403, 404, 405), (method, path, answer.status)


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_pages_have_the_headers(server: Server, view: Any) -> None:
    for target in (f"/{view.name}", f"/{view.name}?wait=1", f"/answer/{view.name}"):
        answer = server.ask(target, headers=HERE)
        check_headers(answer)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.status in (200, 404, 422), answer.text[:300]


def test_only_files_of_this_version_are_kept(server: Server) -> None:
    page = server.ask("/chain").text
    files = set(re.findall(r"""/static/[0-9a-f]+/[\w.-]+""", page))
    assert len(files) >= 3
    for target in files:
        answer = server.ask(target)
        check_headers(answer)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        other = server.ask(re.sub("/static/[0-9a-f]+/", "/static/0000000000/", target))
        assert other.status == 404
        assert other.headers["cache-control"] == "no-store"


def test_what_is_no_request_has_the_headers(server: Server) -> None:
    found = server.raw(b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n").decode()
    assert found.startswith("HTTP/1.1 400")
    for name in ALWAYS:
        assert f"{name}:" in found


def test_pages_hold_no_script_of_their_own(server: Server) -> None:
    """What the policy would stop anyway: scripts and handlers within the page, files from elsewhere."""
    for view in views():
        text = server.ask(f"/{view.name}?wait=1").text
        for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
            assert "src=" in attributes or 'type="application/json"' in attributes, attributes
            assert not (inside.strip() and "application/json" not in attributes)
        assert (
            re.search(r"<[^>]+\son[a-z]+\s*=", re.sub(r"<script.*?</script>", "", text, flags=re.S)) is None
        )
        assert "javascript:" not in text
        assert re.search(r"""(?:src|action|data-plotly)=["']?(?:https?:)?//""", text) is None
        assert "<style" not in text


# who may ask


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.0.2.7", "localhost:1:2", ""])
def test_other_names_are_refused_on_every_route(server: Server, host: str) -> None:
    for path in PATHS:
        answer = server.ask(filled(path, "x"), headers={"Host": host})
        assert answer.status in (400, 421), (path, answer.status)
        check_headers(answer)


def test_changes_from_elsewhere_are_refused_on_every_route(server: Server) -> None:
    for path, methods in ROUTES:
        for method in methods - {"GET", "HEAD"}:
            for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
                answer = server.ask(filled(path, "chain"), method, headers)
                assert answer.status == 403, (method, path)


def test_nothing_is_shared_with_other_origins(server: Server) -> None:
    for path in PATHS:
        answer = server.ask(
            filled(path, "x"),
            "OPTIONS",
            {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
        )
        assert not [name for name in answer.headers if name.startswith("access-control-")]


# sizes and times


def test_bodies_are_bounded(server: Server) -> None:
    for path, methods in ROUTES:
        if "POST" in methods:
            target = filled(path, "model")
            large = server.ask(target, "POST", {**HERE, "Content-Length": str(10**12)})
            assert large.status == 413, path
            check_headers(large)


@pytest.mark.parametrize("more", [40, 400])
def test_who_sends_too_much_without_listening_still_hears_why(server: Server, more: int) -> None:
    head = b"POST /upload/model HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    part = b"x" * 65536
    chunks = (b"10000\r\n" + part + b"\r\n") * more + b"0\r\n\r\n"
    for said in (
        b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        b"Content-Length: %d\r\n\r\n" % (len(part) * more) + part * more,
        b"Transfer-Encoding: chunked\r\n\r\n" + chunks[:-5] + b"no chunk\r\n",
    ):
        found = server.raw(head + said, whole=False)
        assert found.startswith(b"HTTP/1.1 413")
        assert found.endswith(b"more than 2 MiB\n")


def test_lengths_that_lie_are_refused(server: Server) -> None:
    head = b"POST /upload/model HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    for lines in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"Content-Length: -5\r\n\r\n12345",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n12345",
    ):
        status = int(server.raw(head + lines).split()[1])
        assert 400 <= status < 500 or status == 501, lines


def test_addresses_and_headers_are_bounded(server: Server) -> None:
    assert server.ask("/chain?" + "a" * 9000).status == 414
    assert server.ask("/" + "a/" * 5000).status == 414
    assert server.ask("/chain", headers={"X-Long": "y" * 40_000}).status in (400, 431)
    assert server.ask("/chain?" + "&".join(f"k{n}=1" for n in range(900))).status == 200


def test_half_requests_hold_nobody_up(server: Server) -> None:
    """Two hundred clients that do not get to the end of their headers, or of their body."""
    held: list[socket.socket] = []
    head = b"POST /upload/model HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
    post = head + b"Content-Length: 9\r\n\r\n1"
    try:
        for number in range(200):
            link = socket.create_connection(server.at, timeout=60)
            held.append(link)
            link.sendall(post if number % 2 else b"GET / HTTP/1.1\r\nHost: local")
        for _ in range(5):
            assert server.ask("/api/v1/about").status == 200
    finally:
        for link in held:
            link.close()


# paths

UP = (
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5cx",
    "%00",
    "a%00b",
    "....//",
    "%252e%252e",
    "~",
)


@pytest.mark.parametrize("value", UP)
def test_no_path_leads_out(server: Server, value: str) -> None:
    for path in (path for path in PATHS if "{" in path):
        answer = server.ask(filled(path, value), headers=HERE)
        assert answer.status < 500, (path, answer.text)
        check_headers(answer)
        assert "root:" not in answer.text
        assert answer.text != PLANTED_TEXT
    for target in (
        f"/static/{value}/{value}/etc/passwd",
        f"/static/../{value}",
        f"//{value}",
        f"/{value * 50}",
    ):
        assert server.ask(target, headers=HERE).status in (200, 307, 400, 404, 422)


# what is reflected

MARK = "zqx7"


class Marked(HTMLParser):
    """Tags and attributes whose name holds the mark: somebody else's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [name for name in (tag, *(name for name, _ in attrs)) if MARK in name]


def check_escaped(answer: Answer) -> None:
    assert answer.status < 500, answer.text
    check_headers(answer)
    if answer.kind == "text/html":
        reader = Marked()
        reader.feed(answer.text)
        reader.close()
        assert reader.found == []
        assert f"<{MARK}" not in answer.text
    elif answer.body:
        assert answer.kind in ("application/json", "text/plain", "text/event-stream", "application/yaml",
                               "text/markdown")  # fmt: skip


pieces = st.lists(
    st.sampled_from(
        [
            f"<{MARK}>", f'"{MARK}=1 ', f"'{MARK}=2 ", f"</script><{MARK}>", f"--><{MARK}>", f"]]><{MARK}>",
            f"&lt;{MARK}&gt;", f"{{{{{MARK}}}}}", f"{{% {MARK} %}}", "`", "\\", "<", ">",
            '"', "'", "&", "/", "=", " ",
            f"</title><{MARK}>", f"</textarea><{MARK}>", f"javascript:{MARK}", f"<!--{MARK}",
            "é", "日", "\u2028",
        ]
    ),
    min_size=1, max_size=8,
).map("".join)  # fmt: skip
few = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
QUICK = ("/chain?{key}={text}", "/answer/chain?{key}={text}", "/api/v1/answer?{key}={text}")


@few
@given(
    text=pieces,
    key=st.sampled_from([*sorted(set(fields()) - {"name"}), "start", "show.x", "view", "size", "KEY"]),
)
def test_values_and_keys_are_escaped(server: Server, text: str, key: str) -> None:
    for pattern in QUICK:
        if key.startswith("show.") and pattern != QUICK[0]:
            continue  # changes no answer
        target = pattern.format(key=quote(text if key == "KEY" else key), text=quote(text))
        check_escaped(server.ask(target, headers={**HERE, "HX-Request": "true"}))


@few
@given(text=pieces)
def test_paths_are_escaped(server: Server, text: str) -> None:
    for path in PATHS:
        if "{" in path and not path.startswith(("/api/v1/explain", "/answer", "/{name}/")):
            check_escaped(server.ask(filled(path, quote(text, safe="")), headers=HERE))


@few
@given(text=pieces, kind=st.sampled_from(["model", "scenario", "chip", "trace", "weather", "none"]))
def test_names_and_contents_of_uploads_are_escaped(server: Server, text: str, kind: str) -> None:
    name = text.replace('"', "%22")
    contents = {
        "model": json.dumps({"model_type": text}), "scenario": json.dumps({"model": text, text: 1}),
        "chip": json.dumps({"name": text, "year": text}), "trace": f"{text},b\n1,2\n",
        "weather": f"{text}\n1\n",
    }  # fmt: skip
    headers, body = sent(name, contents.get(kind, text).encode())
    check_escaped(server.ask(f"/upload/{kind}?view=chain", "POST", headers, body))


def test_the_label_of_an_upload_is_escaped_where_it_is_shown(server: Server) -> None:
    trace = b"arrival,prompt_tokens,output_tokens\n0,10,20\n1,20,30\n"
    headers, body = sent(f"<{MARK}>&'.csv", trace)
    answer = server.ask("/upload/trace?view=chain&start=serve-llama-70b-virginia", "POST", headers, body)
    assert answer.status == 303
    page = server.ask(answer.headers["location"], headers=HERE)
    check_escaped(page)
    assert f"&lt;{MARK}&gt;" in page.text


@pytest.mark.parametrize(
    "text", [f"</script><{MARK} x=1>", f"\" {MARK}=1 '<{MARK}>", f"<img src=x {MARK}=1>&lt;"]
)
def test_a_scenarios_own_name_is_escaped_in_its_answer(server: Server, text: str) -> None:
    for target in ("/answer/chain", "/chain", "/answer/explain/training.step_time", "/report.html"):
        answer = server.ask(f"{target}?name={quote(text)}&wait=1", headers=HERE)
        check_escaped(answer)
        assert answer.status == 200, answer.text[:300]


def test_a_part_of_a_view_may_be_called_anything(server: Server) -> None:
    for item in ("%E6%97%A5", "%C3%A9", "a%0D%0AX-Evil:%201", "%00", quote(f"<{MARK}>"), "a" * 3000, "%ff"):
        for view in views():
            answer = server.ask(f"/answer/{view.name}/{item}", headers=HERE)
            check_escaped(answer)
            assert "x-evil" not in answer.headers


# what is read, and whom it calls

NASTY = [
    "/etc/passwd", "../../x", "~/.ssh/id_rsa", "file:///etc/passwd", "\\\\host\\share", "a\0b",
    "%2e%2e/%2e%2e",
    "a" * 300, "․․/etc/passwd", *PLANTED, "./config.json", "examples/config.json",
]  # fmt: skip


def foreign(server: Server, since: int = 0) -> list[tuple[str, str]]:
    """What was done outside of what is the server's, without the sockets between its processes."""
    temp = str(server.folder / "temp")
    return [
        (event, about)
        for event, about in server.done()[since:]
        if not (event == "socket.connect" and temp in about)
    ]


ASKED = ("/chain", "/answer/chain", "/api/v1/answer", "/scenario.yaml")


def ask_for(server: Server, key: str, value: str, targets: Sequence[str] = ASKED) -> None:
    start = "&start=serve-llama-70b-virginia" if key.startswith("serving.") else ""
    for target in targets:
        answer = server.ask(f"{target}?{key}={quote(value)}{start}", headers=HERE)
        assert answer.status < 500, (target, key, value, answer.text)


def test_no_request_has_a_file_read_or_anybody_called(server: Server) -> None:
    """Every view, every key, every route with what a visitor might write; then what the processes did."""
    here = [str(server.folder / "cwd" / name) for name in PLANTED]
    for view in views():
        server.ask(f"/{view.name}?wait=1", headers=HERE)
        server.ask(f"/answer/{view.name}/training.step_time", headers=HERE)
    for key in sorted(file_keys()):
        for value in [*NASTY, *here]:
            ask_for(server, key, value)
    for key in sorted(set(fields()) - file_keys()):
        ask_for(server, key, here[0], ("/answer/chain", "/api/v1/answer"))
    for path in (path for path in PATHS if "{" in path):
        for value in (here[0], "../config.json"):
            for target in (filled(path, quote(value, safe="")), filled(path, value)):
                server.ask(target, headers=HERE)
    for kind in ("model", "chip", "scenario"):
        for value in (here[0], "config.json", here[2]):
            design = {"name": value, "year": 2027, "package": value, "cooling": value, "kernels": value,
                      "dies": {"a": {"node": value, "area": "1 mm^2"}}, "links": {"node": value}}  # fmt: skip
            scenario = dict.fromkeys(Scenario.model_fields, value) | {
                "machine": {"chip": value, "count": 8}, "site": {"name": "abilene-texas", "weather": value},
                "training": {"tokens": "1T tokens"}, "year": 2030, "model": value, "serving": None,
                "layout": {}, "supply": {}, "economics": {},
            }  # fmt: skip
            text = {"model": {"model_type": value, "auto_map": value}, "chip": design, "scenario": scenario}[
                kind
            ]
            headers, body = sent(f"../{value}", json.dumps(text).encode())
            assert server.ask(f"/upload/{kind}?view=chain", "POST", headers, body).status == 422
    assert foreign(server) == []


def test_without_the_check_a_file_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The test above can fail: with the check by-passed, a process that answers opens the planted file."""
    folder = tmp_path_factory.mktemp("bare")  # a socket's path has few characters
    with serving(folder, guarded=False) as server:
        for name in ("config.json", str(folder / "cwd" / "config.json")):
            server.ask(f"/api/v1/answer?model={quote(name)}")
        opened = [about for event, about in foreign(server) if event == "open"]
        assert any("config.json" in about for about in opened)


def test_uploads_lie_in_a_private_folder_and_go_with_the_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    with serving(folder) as server:
        headers, body = sent("x.csv", b"arrival,prompt_tokens,output_tokens\n0,10,20\n1,20,30\n")
        answer = server.ask("/upload/trace?start=serve-llama-70b-virginia", "POST", headers, body)
        assert answer.status == 303
        kept = list((folder / "temp").glob("gigawatt-*/trace-*.csv"))
        assert len(kept) == 1
        assert kept[0].parent.stat().st_mode & 0o077 == 0
    assert list((folder / "temp").glob("gigawatt-*")) == []
