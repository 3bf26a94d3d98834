"""No room, not allowed, read only: one line, exit code 2, and what was there is there as it was."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_robust_kills import commands

import gigawatt.core.store as store
from gigawatt.core.errors import InputError
from gigawatt.faces.terminal import main

pytestmark = pytest.mark.apart

HERE = Path(__file__).parent
MOUNTED = ("run", "compare", "plan-supply", "plant", "technologies compare")


@functools.lru_cache(maxsize=1)
def namespace() -> tuple[str, ...]:
    """The words that give a process a mount namespace of its own; empty where that is not allowed."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        return ()
    for words in (("unshare", "-m"), ("unshare", "-r", "-m")):
        tried = [*words, "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt && umount /mnt"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return words
    return ()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not namespace():
        pytest.skip("no mount namespaces here; the other tests of this file stand in for a full disk")
    base = tmp_path_factory.mktemp("disks")
    (base / "disk").mkdir()
    chosen = {name: words for name, words in commands(base).items() if name in MOUNTED}
    done = subprocess.run(
        [*namespace(), sys.executable, str(HERE / "filler.py"), json.dumps(chosen), str(base / "disk")],
        capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", MOUNTED)
def test_a_real_disk_without_room(said: dict[str, Any], name: str) -> None:
    found = said[name]
    for case in ("new", "there", "mount"):
        code, out, err, same = found[case]
        assert (code, out, same) == (2, "", True), (case, err)
        assert err.count("\n") == 1
        assert err.startswith("gigawatt: cannot write here: ")
        assert "No space left" in err or "full" in err.lower(), err
    assert found["left"] == []


@pytest.mark.parametrize("name", MOUNTED)
def test_a_real_disk_that_may_only_be_read(said: dict[str, Any], name: str) -> None:
    for case in ("ro new", "ro there"):
        code, out, err, same = said[name][case]
        assert (code, out, same) == (2, "", True), (case, err)
        assert err.count("\n") == 1
        assert "cannot write here: " in err


@pytest.mark.parametrize("name", MOUNTED)
def test_a_mounted_disk_is_a_folder_like_any_other(said: dict[str, Any], name: str) -> None:
    """Nothing moves from one disk to another: it has to be written on the disk where it belongs."""
    assert said[name]["room"] == [0, "", "", True]
    assert said[name]["hidden"] == []


def test_a_table_that_does_not_fit(said: dict[str, Any]) -> None:
    told, left = said["table"]
    assert told.startswith("cannot write here: ")
    assert "\n" not in told
    assert left == []


TABLE = {"hours": pd.DataFrame({"load": [1.0, 2.0]})}


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["mkdir", "mkdtemp", "write_text", "write_parquet", "rename", "replace"])
def test_no_room_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    old = store.write_files(tmp_path / "old", {"a.txt": "old"}, TABLE)
    before = {file.name: file.read_bytes() for file in old.iterdir()}
    owner = {"mkdtemp": store.tempfile, "write_parquet": store, "rename": os, "replace": os}.get(where, Path)
    monkeypatch.setattr(owner, where, no_room)
    if where == "replace":  # where folders cannot change places, files move one by one
        monkeypatch.setattr(store, "exchanged", lambda made, target: False)
    for folder in ("new", "old"):
        if (folder, where) in (("old", "rename"), ("new", "replace")):
            continue  # a folder that is there is not moved, of a new one no single file
        with pytest.raises(InputError, match="cannot write here: No space left on device"):
            store.write_files(tmp_path / folder, {"a.txt": "new", "b.txt": "new"}, TABLE)
        assert {file.name: file.read_bytes() for file in old.iterdir()} == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["old"]


def test_no_room_for_what_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output onto a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    code = "from gigawatt.faces.terminal import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "catalog", "list", "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "gigawatt: No space left on device\n"


def test_no_room_for_a_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.calibration.measure import Device
    from gigawatt.calibration.user import source_id, write_user_rows

    device = Device("My machine", "cpu", "numpy", "2", 8, 1e10, 1e7)
    texts = {"id": "X", "name": "Old", "technology": "gpu", "source_id": source_id("X"), "grade": "guess"}
    write_user_rows(tmp_path, "X", device, texts=texts, numbers=[])
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.csv")}
    monkeypatch.setattr(os, "replace", no_room)
    with pytest.raises(OSError, match="No space left"):  # which the command line says in one line
        write_user_rows(tmp_path, "X", device, texts=texts | {"name": "New"}, numbers=[])
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_what_no_room_expected_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gigawatt.faces.terminal import doctor

    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error", "somewhere.csv")

    monkeypatch.setattr(doctor, "doctor_command", fail)
    monkeypatch.setattr("gigawatt.faces.terminal.app._drop_output", lambda: None)
    with pytest.raises(SystemExit) as left:
        main(["doctor"])
    assert left.value.code == 2
    assert capsys.readouterr() == ("", "gigawatt: Input/output error: somewhere.csv\n")


def test_a_folder_left_by_a_killed_process_goes_and_one_in_use_stays(tmp_path: Path) -> None:
    held, left = tmp_path / ".out-held", tmp_path / ".out-left"
    for folder in (held, left):
        (folder / "out").mkdir(parents=True)
        os.utime(folder, (0.0, 0.0))
    young = tmp_path / ".out-young"
    young.mkdir()
    lock = store._hold(held)
    assert lock is not None
    store.write_files(tmp_path / "out", {"a.txt": "a"})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".out-held", ".out-young", "out"]
    os.close(lock)
    store.write_files(tmp_path / "out", {"a.txt": "b"})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".out-young", "out"]


def test_a_new_folder_has_the_usual_rights(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    made = store.write_files(tmp_path / "made", {"a.txt": "a"})
    assert made.stat().st_mode == (tmp_path / "usual").stat().st_mode
