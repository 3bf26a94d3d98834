"""Which rows a computation reads: counted by source, guesses told with their ranges, like ones together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gigawatt.catalog import entity, loader, table
from gigawatt.catalog.loader import forget
from gigawatt.chain.rows_read import reading
from gigawatt.core.evidence import Grade
from gigawatt.studies.chip.door import chip_build
from gigawatt.studies.memory.memory import memory_answer, memory_sheet

ROWS = """\
id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note
one,weight,2,1,5000000,kg,,,guess,mine,,as heavy as it looks
two,weight,2,1,5000000,kg,,,guess,mine,,as heavy as it looks
two,share,0.5,,,1,,,guess,mine,page 3,
two,length,3,2,4,mm,,,vendor,theirs,,
"""
SOURCES = """\
id,title,publisher,year,url,licence
mine,Judgement,me,2026,,facts
theirs,A datasheet,them,2025,https://e.example,facts
"""


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalog of one table."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "things.csv").write_text(SOURCES)
    (tmp_path / "things.csv").write_text(ROWS)
    monkeypatch.setattr(loader, "_ROOT", tmp_path)
    forget()
    yield
    forget()


@pytest.mark.usefixtures("things")
def test_guesses_stand_together_with_their_ranges() -> None:
    found, read = reading(lambda: [row.value("weight") for row in table("things").values()])
    assert found == [2.0, 2.0]
    assert [(a.key, a.value, a.reason) for a in read.assumptions] == [
        ("things: weight of one, two", "2 kg (1 to 5e6)", "as heavy as it looks")
    ]
    assert (read.guesses, read.sources, read.weakest) == (2, {"mine": 2}, Grade.guess)


@pytest.mark.usefixtures("things")
def test_what_is_known_better_is_counted_and_not_listed() -> None:
    _, read = reading(
        lambda: (entity("things", "two").value("length"), entity("things", "two").value("share"))
    )
    assert [(a.key, a.value, a.reason) for a in read.assumptions] == [
        ("things: share of two", "0.5", "page 3")
    ]
    assert read.sources == {"mine": 1, "theirs": 1}
    assert read.to_json()["rows"] == {
        "read": 2, "guesses": 1, "weakest": "guess", "sources": {"mine": 1, "theirs": 1}
    }  # fmt: skip
    _, read = reading(lambda: entity("things", "two").value("length"))
    assert (read.assumptions, read.weakest) == ((), Grade.vendor)


def test_nothing_read_is_nothing() -> None:
    found, read = reading(lambda: 7)
    assert (found, read.assumptions, dict(read.sources)) == (7, (), {})


def test_an_answer_reads_the_same_rows_however_often_it_is_asked() -> None:
    """Caches of earlier answers hide no row."""
    forget(tables_too=False)
    first = memory_answer("hbm3", patterns=["weights"])
    memory_sheet("hbm3", patterns=["weights"])
    assert memory_answer("hbm3", patterns=["weights"]) == first
    chip = chip_build("GW-SRAM")
    made, answer = chip.found, chip.data
    assert chip_build("GW-SRAM").data == answer
    keys = [one["key"] for one in answer["assumptions"]]
    assert keys[: len(made.assumptions)] == [one.key for one in made.assumptions]
    assert answer["rows"]["guesses"] >= len(keys) - len(made.assumptions) > 0
