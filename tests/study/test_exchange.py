"""Folders that change places: what is in both afterwards, and when it is left to others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gigawatt.core.exchange import exchanged
from gigawatt.core.store import write_files

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a call of Linux")


def folder(place: Path, **texts: str) -> Path:
    place.mkdir()
    for name, text in texts.items():
        (place / name).write_text(text)
    return place


def texts(place: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in place.iterdir()}


@LINUX
def test_new_files_come_in_one_step_and_others_stay(tmp_path: Path) -> None:
    old, new = folder(tmp_path / "old", a="1", b="1", mine="keep"), folder(tmp_path / "new", a="2", c="2")
    os.chmod(old, 0o750)
    assert exchanged(new, old)
    assert texts(old) == {"a": "2", "b": "1", "c": "2", "mine": "keep"}
    assert texts(new) == {"a": "1", "b": "1", "mine": "keep"}
    assert old.stat().st_mode & 0o777 == 0o750


@LINUX
def test_a_second_writing_is_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "out", {"a": "1", "b": "1"})

    def never(*_: object) -> None:
        raise AssertionError("no file is moved alone")

    monkeypatch.setattr("gigawatt.core.store.os.replace", never)
    write_files(tmp_path / "out", {"a": "2"})
    assert texts(tmp_path / "out") == {"a": "2", "b": "1"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_what_cannot_be_exchanged_is_left(tmp_path: Path) -> None:
    old, new = folder(tmp_path / "old", a="1"), folder(tmp_path / "new", a="2")
    (old / "inner").mkdir()
    assert not exchanged(new, old)  # folders inside are not linked
    assert texts_of_files(old) == {"a": "1"}
    link = tmp_path / "link"
    link.symlink_to(old)
    assert not exchanged(new, link)


def texts_of_files(place: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in place.iterdir() if file.is_file()}
