"""Jobs: their life as a listener sees it, who is next, what cancelling leaves, the bytes of a stream."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from web_desk import Desk, gone, run

from gigawatt.core.errors import InputError
from gigawatt.faces.web.processes.jobs import Busy, Job, Jobs, sse

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs sockets with names")


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[tuple[Jobs, Desk]]:
    """Jobs and a desk in the same folder."""
    jobs = Jobs(folder=folder, allowed="web_desk", **options)
    async with Desk(folder) as desk:
        try:
            yield jobs, desk
        finally:
            await jobs.close()


def begun(jobs: Jobs, name: str, owner: str = "") -> Job:
    return jobs.start("web_desk:held", name, kind="sweep", title=f"A sweep of {name}", owner=owner)


async def heard(jobs: Jobs, job: Job) -> list[tuple[str, dict[str, Any]]]:
    """All that a listener hears, to the end."""
    return [event async for event in jobs.events(job.id)]


def test_the_life_of_a_job(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (jobs, desk):
            job = begun(jobs, "job", "me")
            assert jobs.get(job.id) is job
            assert jobs.of("me") == [job]
            assert jobs.of("you") == []
            stream = jobs.events(job.id)
            event, data = await anext(stream)
            assert (event, data["state"], data["started"], data["title"]) == (
                "progress", "waiting", None, "A sweep of job",
            )  # fmt: skip
            guest = await desk.next("job")
            assert (await anext(stream))[1]["state"] == "running"
            for words, share in (("draws", 0.25), ("more", 0.5), ("most", 0.75)):
                assert await guest.progress(words, share)
                event, data = await anext(stream)
                assert (event, data["words"], data["share"]) == ("progress", words, share)
            late = jobs.events(job.id)
            assert await anext(late) == ("progress", job.view())
            guest.order("go")
            for rest in (stream, late):
                event, data = await anext(rest)
                assert (event, data["state"], data["share"]) == ("done", "done", 1.0)
                assert data["asked"] <= data["started"] <= data["ended"]
                with pytest.raises(StopAsyncIteration):
                    await anext(rest)
            assert job.value == ("job", guest.pid)
            assert "value" not in json.loads(json.dumps(job.view()))
            assert await heard(jobs, job) == [("done", job.view())]

    run(test())


def test_a_job_has_a_process_of_its_own_that_gives_way(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (jobs, _):
            pair = [jobs.start("web_desk:surroundings", "", kind="", title="", owner="") for _ in range(2)]
            for job in pair:
                await heard(jobs, job)
            one, two = (job.value for job in pair)
            assert one["pid"] != two["pid"]
            assert one["nice"] == os.nice(0) + 10
            assert one["warm"]
            await jobs.close()
            assert gone(one["pid"])
            assert gone(two["pid"])

    run(test())


def test_a_listener_with_nothing_to_hear_is_pinged(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, heartbeat=0.01) as (jobs, desk):
            job = begun(jobs, "job")
            await desk.next("job")
            stream = jobs.events(job.id)
            assert (await anext(stream))[0] == "progress"
            assert await anext(stream) == ("ping", {})
            assert await anext(stream) == ("ping", {})
            await jobs.cancel(job.id)
            assert (await anext(stream))[0] == "cancelled"

    run(test())


def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, most=1) as (jobs, desk):
            running, waiting, last = (begun(jobs, name) for name in ("running", "waiting", "last"))
            guest = await desk.next("running")
            listeners = [asyncio.ensure_future(heard(jobs, job)) for job in (running, waiting)]
            await jobs.cancel(waiting.id)
            assert not gone(guest.pid)
            await asyncio.gather(jobs.cancel(running.id), jobs.cancel(running.id))
            assert gone(guest.pid)
            for listener in listeners:
                assert (await listener)[-1][0] == "cancelled"
            (await desk.next("last")).order("go")
            assert (await heard(jobs, last))[-1][0] == "done"
            for job, state in ((running, "cancelled"), (last, "done")):
                await jobs.cancel(job.id)  # changes nothing any more
                assert job.state == state
            await jobs.cancel("never was")

    run(test())


def test_cancelling_foreign_code_ends_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (jobs, _):
            job = jobs.start("web_desk:stuck", "", kind="", title="", owner="")
            async for _, data in jobs.events(job.id):
                if data["words"].startswith("pid-"):
                    break
            pid = int(job.words.partition("-")[2])
            assert not gone(pid)
            await jobs.cancel(job.id)
            assert gone(pid)

    run(test())


def test_cancelling_at_once_leaves_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, most=1) as (jobs, desk):
            first = begun(jobs, "first")
            await jobs.cancel(first.id)  # before its process has started
            second = begun(jobs, "second")
            await asyncio.sleep(0)
            await jobs.cancel(second.id)  # while it starts
            assert [first.state, second.state] == ["cancelled"] * 2
            third = begun(jobs, "third")
            (await desk.next("third")).order("go")
            assert (await heard(jobs, third))[-1][0] == "done"

    run(test())


def test_what_a_job_is_refused_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (jobs, desk):
            job = begun(jobs, "refused")
            (await desk.next("refused")).order("refuse")
            event, data = (await heard(jobs, job))[-1]
            assert event == "refused"
            assert data["error"] == str(job.refusal)
            assert isinstance(job.refusal, InputError)
            assert (job.refusal.key, job.refusal.allowed) == ("machine.chip", "H100, H200")

    run(test())


def test_a_fault_and_a_death_are_failures(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (jobs, desk):
            faulty = begun(jobs, "faulty")
            guest = await desk.next("faulty")
            guest.order("log", "errors.txt")
            guest.order("fail")
            event, data = (await heard(jobs, faulty))[-1]
            assert event == "failed"
            assert "ZeroDivisionError" in data["error"]
            assert "/" not in data["error"]
            killed = begun(jobs, "killed")
            os.kill((await desk.next("killed")).pid, signal.SIGKILL)
            event, data = (await heard(jobs, killed))[-1]
            assert event == "failed"
            assert "SIGKILL" in data["error"]

    run(test())


def test_a_job_that_cannot_start_fails(tmp_path: Path) -> None:
    async def test() -> None:
        jobs = Jobs(folder=tmp_path / "none", allowed="web_desk")
        job = begun(jobs, "job")
        assert (await heard(jobs, job))[-1][0] == "failed"
        assert "code 1" in job.error
        await jobs.close()

    run(test())


def test_who_has_few_running_is_next(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, most=2) as (jobs, desk):
            greedy = [begun(jobs, f"a{n}", "a") for n in range(4)]
            modest = begun(jobs, "b0", "b")
            assert [job.state for job in (*greedy, modest)] == ["waiting"] * 5
            guests = {guest.name: guest for guest in [await desk.guests.get() for _ in range(2)]}
            assert set(guests) == {"a0", "a1"}
            assert modest.words == "waits for 4 other jobs"
            guests["a0"].order("go")
            (await desk.next("b0")).order("go")
            (await desk.next("a2")).order("go")
            (await desk.next("a3")).order("go")
            guests["a1"].order("go")
            for job in (*greedy, modest):
                assert (await heard(jobs, job))[-1][0] == "done"

    run(test())


def test_too_many_jobs_are_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, most=1, waiting=2, per_owner=2) as (jobs, desk):
            mine = [begun(jobs, "a0", "a"), begun(jobs, "a1", "a")]
            with pytest.raises(Busy, match="you have 2 jobs"):
                begun(jobs, "a2", "a")
            begun(jobs, "b0", "b")
            with pytest.raises(Busy, match="too many"):
                begun(jobs, "c0", "c")
            (await desk.next("a0")).order("go")
            assert (await heard(jobs, mine[0]))[-1][0] == "done"
            await desk.next("a1")
            begun(jobs, "a2", "a")  # there is room again
            with pytest.raises(ValueError, match="not a function that may run here"):
                jobs.start("os:system", "true", kind="", title="", owner="")
        with pytest.raises(Busy):
            begun(jobs, "late")

    run(test())


def test_only_the_last_are_remembered(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, kept=2) as (jobs, desk):
            long = begun(jobs, "long")
            await desk.next("long")
            short: list[Job] = []
            for name in ("one", "two", "three"):
                short.append(begun(jobs, name))
                (await desk.next(name)).order("go")
                await heard(jobs, short[-1])
            assert [jobs.get(job.id) for job in short] == [None, *short[1:]]
            assert jobs.get(long.id) is long
            assert await heard(jobs, short[0]) == []

    run(test())


def test_close_ends_everything(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, most=2) as (jobs, desk):
            begin = [begun(jobs, name) for name in ("one", "two", "three")]
            pids = [(await desk.guests.get()).pid for _ in range(2)]
            await jobs.close()
            assert all(gone(pid) for pid in pids)
            assert [job.state for job in begin] == ["cancelled"] * 3

    run(test())


def parsed(stream: bytes) -> list[tuple[str, str]]:
    """Events as a browser reads them: lines end with CR, LF or both, an empty one ends an event."""
    found, event, data = [], "message", list[str]()
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif not line:
            found.append((event, "\n".join(data)))
            event, data = "message", []
    return found


@pytest.mark.parametrize(
    "text", ["", "one", "one\ntwo", "one\r\ntwo\rthree", "\n", " led", "data: x\n\nevent: done", "µ – 東京"]
)
def test_a_stream_carries_any_text(text: str) -> None:
    stream = sse("progress", text) + sse("ping", {})
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert parsed(stream) == [("progress", plain), ("ping", "{}")]


def test_a_stream_carries_what_json_has() -> None:
    data = {"words": "first\nsecond: µ\u2028", "share": 0.5, "ended": None}
    stream = sse("progress", data)
    assert stream.count(b"\n") == 3
    [(event, text)] = parsed(stream)
    assert (event, json.loads(text)) == ("progress", data)
    with pytest.raises(ValueError, match="JSON"):
        sse("progress", {"share": float("nan")})


@pytest.mark.parametrize("name", ["", "a\nb", "a\rb"])
def test_an_event_has_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="name of an event"):
        sse(name, {})
