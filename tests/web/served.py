"""The page as a person serves it, by processes of its own that are watched; and a client without manners."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11
import plotly

import gigawatt

ROOT = Path(__file__).parent.parent.parent
SERVE = "from gigawatt.faces.web.server import serve; serve(host='localhost', port=0, workers=2, ahead=False)"
HERE = {"Sec-Fetch-Site": "same-origin"}
PLANTED_TEXT = '{"model_type": "llama"}\n'
PLANTED = ("config.json", "scenario.yaml", "design.yaml", "trace.csv", "weather.epw", "secret")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


@dataclass(frozen=True)
class Server:
    """A server that runs: its address, the folder it was started in, what its processes did."""

    address: str
    folder: Path
    log: Path

    @property
    def at(self) -> tuple[str, int]:
        parts = urlsplit(self.address)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def done(self) -> list[tuple[str, str]]:
        """What its processes did outside of what is theirs."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [(event, about) for event, _, about in (line.partition("\t") for line in lines)]

    def raw(self, data: bytes, *, whole: bool = True) -> bytes:
        """Bytes as they are, and all that comes back until the connection ends."""
        found = b""
        with socket.create_connection(self.at, timeout=240) as link:
            link.sendall(data)
            if whole:
                link.shutdown(socket.SHUT_WR)
            while part := link.recv(65536):
                found += part
        return found

    def ask(
        self,
        target: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """One request on one connection; ``target`` goes out as it is."""
        said = {"Host": "localhost", "Connection": "close", **(headers or {})}
        if method not in ("GET", "HEAD") and body is not None:
            said.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        with socket.create_connection(self.at, timeout=240) as link:
            link.sendall(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
            reader = h11.Connection(h11.CLIENT)
            reader.send(
                h11.Request(method=method, target="/", headers=[("Host", "x"), ("Connection", "close")])
            )
            reader.send(h11.EndOfMessage())
            start, found = None, b""
            while True:
                event = reader.next_event()
                if event is h11.NEED_DATA:
                    reader.receive_data(link.recv(65536))
                elif isinstance(event, h11.Response):
                    start = event
                elif isinstance(event, h11.Data):
                    found += event.data
                elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    break
        assert start is not None
        pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in start.headers]
        assert len(dict(pairs)) == len(pairs), f"a header stands twice: {pairs}"
        return Answer(start.status_code, dict(pairs), bytes(found))


def sent(name: str, data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a form that sends one file, its name as it is."""
    edge = "edge-that-stands-nowhere-else"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
    return {**HERE, "Content-Type": f"multipart/form-data; boundary={edge}"}, body


@contextmanager
def serving(folder: Path, *, guarded: bool = True) -> Iterator[Server]:
    """Serve from a folder in which files lie that nobody may read; else without the check of names."""
    hook, home, temp, cwd = (folder / name for name in ("hook", "home", "temp", "cwd"))
    for place in (hook, home / ".ssh", temp, cwd / "examples"):
        place.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "watch_hook.py", hook / "sitecustomize.py")
    for place in (home, home / ".ssh", cwd, cwd / "examples", folder):
        for name in PLANTED:
            (place / name).write_text(PLANTED_TEXT)
    ours = [
        Path(gigawatt.__file__).parent, ROOT / "examples", ROOT / "validation", Path(plotly.__file__).parent,
        sys.prefix, sys.base_prefix, sys.exec_prefix, hook, temp,
        "/proc", "/sys", "/dev", "/usr/lib", "/lib", "/usr/share/zoneinfo",
    ]  # fmt: skip
    places = {os.path.abspath(one) for one in ours} | {os.path.realpath(one) for one in ours}
    log = folder / "log"
    log.touch()
    paths = [str(hook), str(Path(gigawatt.__file__).parent.parent)]
    environment = {
        **os.environ, "HOME": str(home), "TMPDIR": str(temp), "XDG_CACHE_HOME": str(temp),
        "WATCH_LOG": str(log),
        "WATCH_OURS": os.pathsep.join(f"{one}{os.sep}" for one in sorted(places)), "GIGAWATT_CATALOG": "",
        "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1", "WATCH_BYPASS": "" if guarded else "1",
    }  # fmt: skip
    errors = folder / "errors"
    with errors.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=cwd, env=environment, stderr=stream)
    try:
        yield Server(_address(process, errors), folder, log)
    except Exception as error:
        error.add_note(f"the server said: {errors.read_text()[-2000:]}")
        raise
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _address(process: subprocess.Popen[bytes], errors: Path) -> str:
    """Where it listens, once it says so."""
    for _ in range(1200):
        found = re.search(r"^gigawatt: (http\S+)", errors.read_text(), re.M)
        if found:
            return found[1]
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    raise AssertionError(f"no server: {errors.read_text()}")
