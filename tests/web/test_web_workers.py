"""The pool: shared and superseded questions, who is next, processes that die, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from web_desk import Desk, gone, run

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.web.processes.pool import Busy, Died, Failed, Pool, Superseded

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs sockets with names")
HELD = "web_desk:held"


@asynccontextmanager
async def opened(folder: Path, workers: int = 1, **options: Any) -> AsyncIterator[tuple[Pool, Desk]]:
    """A pool and a desk in the same folder."""
    pool = Pool(workers=workers, folder=folder, allowed="web_desk", **options)
    async with Desk(folder) as desk:
        await pool.start()
        try:
            yield pool, desk
        finally:
            await pool.close()


async def settled(task: asyncio.Task[Any]) -> BaseException | None:
    """How a task ended."""
    await asyncio.wait([task])
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def begun(pool: Pool, target: str, payload: Any, **options: Any) -> asyncio.Task[Any]:
    """Ask, and go on once the pool knows of it."""
    task = asyncio.ensure_future(pool.ask(target, payload, **options))
    await asyncio.sleep(0)  # the task runs until it waits for its answer
    return task


def test_an_answer_comes_from_a_warm_process_in_its_folder(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, nice=3) as (pool, _):
            found = await pool.ask("web_desk:surroundings", "")
        assert found["pid"] != os.getpid()
        assert Path(found["folder"]) == tmp_path.resolve()
        assert found["nice"] == os.nice(0) + 3
        assert found["threads"] == "1"
        assert found["running"] == 1
        assert found["warm"]

    run(test())


def test_progress_comes_in_order_and_only_what_is_new(tmp_path: Path) -> None:
    async def test() -> None:
        heard: list[tuple[str, float]] = []
        async with opened(tmp_path) as (pool, _):
            shares = (0.0, 0.001, 0.1, 0.1, 0.105, 0.2, 1.0)
            count = await pool.ask("web_desk:told", shares, progress=lambda *told: heard.append(told))
        assert count == 7
        assert heard == [("step", 0.0), ("step", 0.1), ("step", 0.2), ("step", 1.0)]

    run(test())


def test_equal_questions_are_computed_once(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, 2) as (pool, desk):
            tasks = [await begun(pool, HELD, "same", owner=owner) for owner in ("a", "b", "")]
            guest = await desk.next("same")
            tasks.append(await begun(pool, HELD, "same", owner="c"))
            guest.order("go")
            assert await asyncio.gather(*tasks) == [("same", guest.pid)] * 4
            assert desk.guests.empty()
            again = await begun(pool, HELD, "same")  # what has been answered is asked anew
            (await desk.next("same")).order("go")
            await again

    run(test())


def test_a_newer_question_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            first = await begun(pool, HELD, "first")
            guest = await desk.next("first")
            old = await begun(pool, HELD, "old", owner="a")
            other = await begun(pool, HELD, "other", owner="b")
            new = await begun(pool, HELD, "new", owner="a")
            assert isinstance(await settled(old), Superseded)
            guest.order("go")
            for name in ("new", "other"):  # never "old", and whoever moves a slider keeps their turn
                (await desk.next(name)).order("go")
            await asyncio.gather(first, new, other)

    run(test())


def test_a_newer_question_stops_one_that_runs(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            old = await begun(pool, HELD, "old", owner="a")
            guest = await desk.next("old")
            assert await guest.progress("on-its-way", 0.5)
            new = await begun(pool, HELD, "new", owner="a")
            assert isinstance(await settled(old), Superseded)
            same = await begun(pool, HELD, "old", owner="b")  # is not joined to what is about to stop
            assert not await guest.progress("further", 0.6)
            for name in ("new", "old"):
                later = await desk.next(name)
                assert later.pid == guest.pid  # the process goes on, with what it remembers
                later.order("go")
            await asyncio.gather(new, same)

    run(test())


def test_a_question_that_others_wait_for_goes_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            mine = await begun(pool, HELD, "shared", owner="a")
            yours = await begun(pool, HELD, "shared", owner="b")
            guest = await desk.next("shared")
            newer = await begun(pool, HELD, "newer", owner="a")
            assert isinstance(await settled(mine), Superseded)
            assert await guest.progress("on", 0.5)
            guest.order("go")
            assert await yours == ("shared", guest.pid)
            (await desk.next("newer")).order("go")
            await newer

    run(test())


def test_the_same_question_again_supersedes_the_asker_but_not_the_question(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            once = await begun(pool, HELD, "same", owner="a")
            guest = await desk.next("same")
            again = await begun(pool, HELD, "same", owner="a")
            assert isinstance(await settled(once), Superseded)
            assert await guest.progress("on", 0.5)
            guest.order("go")
            assert await again == ("same", guest.pid)

    run(test())


def test_who_goes_away_stops_what_nobody_else_waits_for(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            running = await begun(pool, HELD, "running")
            guest = await desk.next("running")
            waiting = await begun(pool, HELD, "waiting")
            for task in (running, waiting):
                task.cancel()
                assert isinstance(await settled(task), asyncio.CancelledError)
            assert not await guest.progress("on", 0.5)
            last = await begun(pool, HELD, "last")
            (await desk.next("last")).order("go")
            await last

    run(test())


def test_a_process_that_knows_the_scenario_is_preferred(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, 3) as (pool, desk):
            pids: dict[str, int] = {}
            for name in ("x", "y", "z"):  # one after the other, and yet each in a process of its own
                task = await begun(pool, HELD, name, affinity=name)
                guest = await desk.next(name)
                guest.order("go")
                await task
                pids[name] = guest.pid
            assert len(set(pids.values())) == 3
            for name in ("z", "x", "x", "y", "z"):
                task = await begun(pool, HELD, name, affinity=name)
                guest = await desk.next(name)
                assert guest.pid == pids[name]
                guest.order("go")
                await task
            task = await begun(pool, HELD, "new", affinity="new")
            guest = await desk.next("new")
            assert guest.pid == pids["x"]  # the one that has been idle longest
            guest.order("go")
            await task

    run(test())


def test_a_flood_without_names_and_those_with_a_name_take_turns(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            tasks = [await begun(pool, HELD, "first")]
            guest = await desk.next("first")
            tasks += [await begun(pool, HELD, f"flood-{n}") for n in range(4)]
            tasks += [await begun(pool, HELD, name, owner=name) for name in ("a", "b")]
            for name in ("a", "flood-0", "b", "flood-1", "flood-2", "flood-3"):
                guest.order("go")
                guest = await desk.next(name)
            guest.order("go")
            await asyncio.gather(*tasks)

    run(test())


def test_too_many_that_wait_are_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, waiting=1) as (pool, desk):
            running = await begun(pool, HELD, "running")
            guest = await desk.next("running")
            waiting = await begun(pool, HELD, "waiting", owner="a")
            with pytest.raises(Busy, match="too many"):
                await pool.ask(HELD, "more", owner="b")
            joined = await begun(pool, HELD, "waiting", owner="b")  # costs nothing
            guest.order("go")
            (await desk.next("waiting")).order("go")
            await asyncio.gather(running, waiting, joined)

    run(test())


def test_a_refusal_keeps_what_it_says_and_each_gets_their_own(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            tasks = [await begun(pool, HELD, "refused") for _ in range(2)]
            (await desk.next("refused")).order("refuse")
            one, two = [await settled(task) for task in tasks]
            assert type(one) is InputError
            assert (one.key, one.given, one.allowed) == ("machine.chip", "H1OO", "H100, H200")
            assert one is not two
            assert str(one) == str(two)
            odd = await begun(pool, HELD, "odd")
            (await desk.next("odd")).order("refuse-oddly")
            error = await settled(odd)
            assert isinstance(error, GigawattError)
            assert "lambda" in str(error)

    run(test())


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ("fail", "ZeroDivisionError"),
        ("leave", "SystemExit"),
        ("return-oddly", "AttributeError|PicklingError"),
    ],
)
def test_a_fault_of_ours_is_one_line_without_paths(tmp_path: Path, order: str, kind: str) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            task = await begun(pool, HELD, "faulty")
            guest = await desk.next("faulty")
            guest.order("log", "errors.txt")
            guest.order(order)
            with pytest.raises(Failed, match=kind) as caught:
                await task
            assert "/" not in str(caught.value)
            assert "\n" not in str(caught.value)
            logged = (tmp_path / "errors.txt").read_text()
            assert logged.startswith(f"fault {str(caught.value).split()[-1]} in {HELD}\nTraceback")
            assert re.search(kind, logged)
            after = await begun(pool, HELD, "after")  # the same process
            guest = await desk.next("after")
            guest.order("go")
            assert await after == ("after", guest.pid)

    run(test())


def test_a_process_that_dies_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, 2) as (pool, desk):
            lost = await begun(pool, HELD, "lost")
            killed = await desk.next("lost")
            kept = await begun(pool, HELD, "kept")
            other = await desk.next("kept")
            waiting = await begun(pool, HELD, "waiting")
            os.kill(killed.pid, signal.SIGKILL)
            with pytest.raises(Died, match="SIGKILL"):
                await lost
            new = await desk.next("waiting")
            assert new.pid not in (killed.pid, other.pid)
            for guest in (new, other):
                guest.order("go")
            assert await kept == ("kept", other.pid)
            await waiting

    run(test())


def test_an_idle_process_that_dies_is_replaced(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path) as (pool, desk):
            task = await begun(pool, HELD, "first")
            guest = await desk.next("first")
            guest.order("go")
            await task
            os.kill(guest.pid, signal.SIGKILL)
            while True:  # it may still be given a question before its end is noticed
                task = asyncio.ensure_future(pool.ask("web_desk:surroundings", ""))
                if not isinstance(await settled(task), Died):
                    break
            assert task.result()["pid"] != guest.pid

    run(test())


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is limited")
def test_too_much_memory_ends_the_process_and_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, memory=2 << 30) as (pool, _):
            with pytest.raises(Died, match="more memory than a process here may have: 2 GiB"):
                await pool.ask("web_desk:take_memory", 3 << 30)
            assert await pool.ask("web_desk:take_memory", 1 << 20) == 1 << 20

    run(test())


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is limited")
def test_what_a_process_remembers_is_in_nobodys_way(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, memory=2 << 30) as (pool, _):
            most = 1100 << 20
            pid = await pool.ask("web_desk:hoard", most)
            other = await pool.ask(
                "web_desk:hoard", most + 1
            )  # in a new process, since both have no room in one
            assert gone(pid)
            assert other != pid
            with pytest.raises(Died, match="more memory"):  # too much for a new one too
                await pool.ask("web_desk:take_memory", 3 << 30)

    run(test())


@pytest.mark.parametrize(
    "target",
    [
        "os:system",
        "web_desk:_hidden",
        "web_desk",
        "web_desk:a.b",
        "gigawatt.faces.web.processes.worker:serve",
        "web_desk:",
    ],
)
def test_only_what_may_run_runs(tmp_path: Path, target: str) -> None:
    async def test() -> None:
        with pytest.raises(ValueError, match="not a function that may run here"):
            await Pool(workers=1, folder=tmp_path, allowed="web_desk").ask(target, "")

    run(test())


def test_a_pool_that_cannot_start_says_so(tmp_path: Path) -> None:
    async def test() -> None:
        pool = Pool(workers=2, folder=tmp_path / "none", allowed="web_desk")
        with pytest.raises(Died, match="code 1"):
            await pool.start()
        with pytest.raises(Died):
            await pool.ask(HELD, "")

    run(test())


def test_nobody_waits_where_no_process_can_start(tmp_path: Path) -> None:
    async def test() -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        async with opened(folder) as (pool, desk):
            lost = await begun(pool, HELD, "lost")
            guest = await desk.next("lost")
            waiting = await begun(pool, HELD, "waiting")
            shutil.rmtree(folder)
            os.kill(guest.pid, signal.SIGKILL)
            assert isinstance(await settled(lost), Died)
            assert isinstance(await settled(waiting), Died)

    run(test())


def test_close_leaves_no_process_and_nobody_waiting(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path, 2) as (pool, desk):
            tasks = [await begun(pool, HELD, name) for name in ("one", "two", "three")]
            pids = [(await desk.guests.get()).pid for _ in range(2)]
            assert not any(gone(pid) for pid in pids)
            await pool.close()
            assert all(gone(pid) for pid in pids)
            assert [type(await settled(task)) for task in tasks] == [Died] * 3

    run(test())


def test_whatever_happens_every_question_ends_and_nothing_is_kept(tmp_path: Path) -> None:
    """Sliders that move, visitors that leave, processes that are killed, in any order."""

    async def test() -> None:
        chance = random.Random(5)
        async with opened(tmp_path, 2) as (pool, _):
            tasks: dict[asyncio.Task[Any], int] = {}
            for n in range(600):
                owner, length = chance.choice("abcdefgh") * (chance.random() < 0.8), chance.randrange(1, 6)
                shares = tuple(chance.random() for _ in range(length)) if n % 3 else (0.5,) * length
                task = asyncio.ensure_future(pool.ask("web_desk:told", shares, owner=owner, affinity=owner))
                tasks[task] = length
                if chance.random() < 0.1:
                    chance.choice(list(tasks)).cancel()
                if n % 100 == 50:
                    lost = asyncio.ensure_future(pool.ask("web_desk:killed", n))
                    assert isinstance(await settled(lost), Died)
                if chance.random() < 0.3:
                    await asyncio.sleep(0)
            counts = dict.fromkeys(("answered", "superseded", "cancelled", "died"), 0)
            for task, length in tasks.items():
                error = await settled(task)
                if error is None:
                    assert task.result() == length
                kinds = {Superseded: "superseded", asyncio.CancelledError: "cancelled", Died: "died"}
                counts["answered" if error is None else kinds[type(error)]] += 1
            assert counts["answered"] > 0
            assert counts["superseded"] > 0
            assert counts["cancelled"] > 0
            assert counts["died"] <= 12  # at most the one beside, each time
            assert await pool.ask("web_desk:told", (1.0,)) == 1
            assert not pool._waiting
            assert not pool._open
            assert not pool._owners

    run(test())


ORPHANS = """
import asyncio, sys
from multiprocessing import forkserver
from pathlib import Path
from gigawatt.faces.web.processes.pool import Pool

async def main():
    pool = Pool(workers=2, folder=Path(sys.argv[1]), allowed="web_desk")
    await pool.start()
    print(f"pid-{forkserver._forkserver._forkserver_pid}", flush=True)
    await asyncio.gather(*(
        pool.ask("web_desk:stuck", n, progress=lambda words, share: print(words, flush=True)) for n in "ab"))

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_no_process_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Not even one in the middle of foreign code that holds the interpreter."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(tmp_path)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        watched = [os.pidfd_open(int(parent.stdout.readline().partition("-")[2])) for _ in range(3)]
        parent.kill()
    for watch in watched:
        ended, _, _ = select.select([watch], [], [], 60)
        os.close(watch)
        assert ended
