"""How long people wait for the page: one alone, and fifty at once, against a server in processes of its own.

One alone: the server's start, the first page and its first answer, then every slider moved by one stop. Many:
each opens the page with all its files, then moves sliders: a random one to a random stop, after a time to
think drawn from an exponential distribution. Nobody goes on before the answer to the last move is there.

    python benchmarks/web_load.py --users 50 --seconds 60 --think 5 --workers 2

Needs the extra ``web``. Answers that the scenario refuses (a line at a field) are counted as answers; errors
are what no user should see. The client shares the machine with the server: its own time of the processors is
printed. On a machine that does other work too, look at the processors' time (Linux), not at the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import h11
import numpy as np

from gigawatt.faces.web.form.fields import FormField, fields_of
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.starts import DEFAULT, starts

SERVER = """
import gc, json, sys
from gigawatt.faces.web.server import serve
from gigawatt.faces.web.kept import Kept
try:
    serve(host="localhost", port=0, workers=int(sys.argv[1]))
except KeyboardInterrupt:
    pass
kept = [one for one in gc.get_objects() if isinstance(one, Kept)]
with open(sys.argv[2], "w") as file:
    json.dump({"hits": sum(k.hits for k in kept), "misses": sum(k.misses for k in kept)}, file)
"""


class Person:
    """One browser: a connection that is kept, one request after the other."""

    def __init__(self, host: str, port: int, name: str = "one") -> None:
        self.host, self.port, self.name = host, port, name
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def get(self, target: str) -> tuple[int, bytes, float]:
        """Status, body, and seconds from the request to the last byte."""
        before, kept = time.perf_counter(), self._streams is not None
        try:
            status, body = await self._asked(target)
        except (OSError, h11.ProtocolError):
            await self.leave()
            if not kept:
                raise
            status, body = await self._asked(target)  # it was closed while nobody asked; a browser asks anew
        return status, body, time.perf_counter() - before

    async def _asked(self, target: str) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
            self._http = h11.Connection(h11.CLIENT)
        reader, writer = self._streams
        headers = [
            ("Host", "localhost"), ("X-Tab", self.name), ("Sec-Fetch-Site", "same-origin"),
            ("Accept-Encoding", "gzip"), ("HX-Request", "true"),
        ]  # fmt: skip
        writer.write(self._http.send(h11.Request(method="GET", target=target, headers=headers)) or b"")
        writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        status, body = 0, b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await reader.read(2**16))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise ConnectionError(f"{target}: {event}")
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            await self.leave()
        return status, body

    async def leave(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def page(self, query: str) -> tuple[float, float]:
        """Seconds until the page with its files is there, and until its answer is."""
        before = time.perf_counter()
        status, body, _ = await self.get(f"/chain?{query}")
        assert status == 200, body[:200]
        for name in sorted(set(re.findall(rb"/static/[0-9a-f]+/[\w.-]+", body))):
            await self.get(name.decode())
        shown = time.perf_counter() - before
        status, body, _ = await self.get(f"/answer/chain?{query}")
        assert status == 200, body[:200]
        return shown, time.perf_counter() - before


@dataclass
class Seen:
    """What people saw: seconds of pages, first answers and moves; refusals and errors."""

    pages: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])
    moves: list[float] = field(default_factory=list[float])
    refused: int = 0
    errors: list[str] = field(default_factory=list[str])


def processors(pid: int) -> float:
    """Seconds of the processors that a process and all below it took; nan where /proc does not say."""
    total, todo, tick = 0.0, [str(pid)], 100.0
    with suppress(AttributeError, ValueError, OSError):
        tick = float(os.sysconf("SC_CLK_TCK"))
    while todo:
        one = Path("/proc") / todo.pop()
        try:
            total += sum(map(int, (one / "stat").read_text().rpartition(")")[2].split()[11:15])) / tick
            for thread in (one / "task").iterdir():
                todo += (thread / "children").read_text().split()
        except OSError:
            continue
    return total or float("nan")


def sliders(branch: str) -> list[FormField]:
    """Fields with stops that the form shows unfolded."""
    return [one for one in fields_of(branch).values() if one.stops and not one.more]


def query_of(start: str, moved: dict[str, str]) -> str:
    return urlencode({"start": start, **moved}, quote_via=quote)


@dataclass
class Server:
    """Where it listens, its process, seconds until it listened; when it has ended, what it kept."""

    host: str
    port: int
    pid: int
    began: float
    kept: dict[str, int] = field(default_factory=dict[str, int])


@contextmanager
def served(workers: int) -> Iterator[Server]:
    """A fresh server, ended afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kept.json"
        before = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(workers), str(file)], stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        found = re.search(r"http://([\w.]+):(\d+)/", process.stderr.readline())
        assert found, process.stderr.read()
        try:
            server = Server(found[1], int(found[2]), process.pid, time.perf_counter() - before)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            if file.exists():
                server.kept.update(json.loads(file.read_text()))


async def alone(server: Server) -> None:
    """One person: the first page of a fresh server, then every slider by one stop."""
    person = Person(server.host, server.port)
    shown, answered = await person.page("")
    print(f"one person, {DEFAULT}, fresh server")
    print(f"  server listens after          {server.began:8.2f} s")
    print(f"  page and files after          {shown:8.2f} s (the server imports and warms meanwhile)")
    print(f"  first answer after            {answered:8.2f} s")
    print(f"  processors until then         {processors(server.pid):8.2f} s")
    again = (await person.page(""))[1]
    print(f"  page and answer once more     {again:8.2f} s")
    state = State()
    print("  slider by one stop                   moved [ms]  processors [ms]  again [ms]")
    for one in sliders(state.branch):
        stops = one.stops
        written = state.written(one.key)
        at = stops.index(written) if written in stops else len(stops) // 2
        stop = stops[at + 1 if at + 1 < len(stops) else at - 1]
        target = f"/answer/chain?{query_of(DEFAULT, {one.key: stop})}"
        before = processors(server.pid)
        status, _, seconds = await person.get(target)
        took = processors(server.pid) - before
        again = (await person.get(target))[2]
        note = "" if status == 200 else f"  (refused: {status})"
        clock = f"{1e3 * seconds:9.0f} {1e3 * took:15.0f} {1e3 * again:12.1f}"
        print(f"    {one.label:<20} {stop:>16} {clock}{note}")
    await person.leave()


async def one_of_many(
    server: Server, number: int, options: argparse.Namespace, until: float, seen: Seen
) -> None:
    """One of the many: opens the page, then moves sliders until the time is over."""
    draw = random.Random(options.seed * 1000 + number)
    person = Person(server.host, server.port, f"person-{number}")
    names = sorted(starts()) if options.mixed else [DEFAULT]
    start = names[number % len(names)]
    fields = sliders(starts()[start].branch)
    moved: dict[str, str] = {}
    try:
        shown, answered = await person.page(query_of(start, {}))
        seen.pages.append(shown)
        seen.first.append(answered)
        while True:
            await asyncio.sleep(draw.expovariate(1.0 / options.think))
            if time.perf_counter() > until:
                return
            one = draw.choice(fields)
            last = dict(moved)
            moved[one.key] = draw.choice(one.stops)
            status, body, seconds = await person.get(f"/answer/chain?{query_of(start, moved)}")
            seen.moves.append(seconds)
            if status == 422:
                seen.refused += 1
                moved = last
            elif status != 200:
                seen.errors.append(f"{status}: {body[:120]!r}")
    except (OSError, AssertionError, h11.ProtocolError) as error:
        seen.errors.append(f"{type(error).__name__}: {error}")
    finally:
        await person.leave()


def told(name: str, seconds: Sequence[float]) -> None:
    if not seconds:
        print(f"  {name:<28} none")
        return
    middle, high, far = np.percentile(seconds, (50, 95, 99))
    numbers = f"{middle:7.3f} {high:7.3f} {far:7.3f} {max(seconds):7.3f}"
    print(f"  {name:<28} {len(seconds):6d} {numbers}")


async def many(server: Server, options: argparse.Namespace) -> None:
    """All of them at once."""
    seen, before, began = Seen(), processors(server.pid), time.perf_counter()
    until = began + options.seconds
    people = (one_of_many(server, n, options, until, seen) for n in range(options.users))
    await asyncio.gather(*people)
    used, lasted = processors(server.pid) - before, time.perf_counter() - began
    print(f"{options.users} people at once, {options.seconds:g} s, {options.think:g} s to think in the mean")
    print(f"  {'':<28}  count     p50     p95     p99     max [s]")
    told("page and files", seen.pages)
    told("first answer", seen.first)
    told("slider to answer", seen.moves)
    within = np.mean([one < 1.0 for one in seen.moves]) if seen.moves else float("nan")
    print(f"  within one second            {within:6.1%}; refused with a line {seen.refused}")
    each = used / len(seen.moves) if seen.moves else float("nan")
    print(f"  processors                   {used:.1f} s in {lasted:.1f} s of the clock; {each:.2f} s a move")
    print(f"  errors                       {len(seen.errors)}{': ' + seen.errors[0] if seen.errors else ''}")


async def warmed(server: Server) -> None:
    """The server has answered before, as one that runs for days has."""
    person = Person(server.host, server.port)
    await person.page("")
    await person.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=5.0, help="mean time to think [s]")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mixed", action="store_true", help="people start from all scenarios in turn")
    parser.add_argument("--alone", action="store_true", help="one person only")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {options.workers} workers, load of the machine before: {load:.1f}")
    with served(options.workers) as server:
        asyncio.run(alone(server))
    if options.alone:
        return
    with served(options.workers) as server:
        asyncio.run(warmed(server))
        asyncio.run(many(server, options))
    hits, misses = server.kept.get("hits", 0), server.kept.get("misses", 0)
    print(f"  answers that were kept       {hits} of {hits + misses} looked up (pages look too)")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"  the client itself took       {used.ru_utime + used.ru_stime:.1f} s of the processors")


if __name__ == "__main__":
    main()
