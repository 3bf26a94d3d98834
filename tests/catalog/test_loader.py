"""The loader on a small catalog of its own: shapes, overlays, series, money of different years, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from gigawatt.catalog import loader
from gigawatt.catalog.entity import watched
from gigawatt.core import caches, once
from gigawatt.core.errors import GigawattError, InputError, MissingDataError
from gigawatt.core.evidence import Grade

Write = Callable[[str, str], None]

PRICE_INDEX = """
    id,quantity,value,unit,year,grade,source_id,locator,note
    usd,index,100,,2014,vendor,s,,
    usd,index,150,,2024,vendor,s,,
"""
WIDE = """
    id,name,aliases,memory_bandwidth [TB/s],heads [],price [$],currency_year,year,grade,source_id,locator,note
    H100-SXM5-80GB,Hopper,H100|Hopper SXM,3.35,,30000,2024,2022,vendor,s,table 1,"a note, with a comma"
    A100,,,2.0,8,10000,2014,2020,measured,s,,
"""
LONG = """
    id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note
    solar,capital,2,1.5,3,$/W,2030,2024,projected,s,,
    solar,capital,4,,,$/W,2020,2014,measured,s,p. 3,first
    solar,life,30,,,yr,,,guess,s,,
    solar,temperature,25,20,30,degC,,,guess,s,,
    solar,unknown_yet,,,,W,,,guess,s,,
"""
SOURCES = """
    id,title,publisher,year,url,licence
    s,A title,A publisher,2024,https://example.org,CC0-1.0
    t,Another,A publisher,,,CC0-1.0
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file of an otherwise empty catalog, which the loader reads during the test."""

    def put(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        loader.forget()

    monkeypatch.setattr(loader, "_ROOT", tmp_path)
    put("price_index.csv", PRICE_INDEX)
    put("sources/s.csv", SOURCES)
    yield put
    loader.forget()


def line_of(error: pytest.ExceptionInfo[GigawattError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_wide(write: Write) -> None:
    write("chips.csv", WIDE)
    chip = loader.entity("chips", "H100-SXM5-80GB")
    assert chip.value("memory_bandwidth") == pytest.approx(3.35e12)
    assert chip.get("heads") is None
    assert chip.get("heads", 7.0) == 7.0
    assert chip.text("name") == "Hopper"
    assert chip.text("nothing", "else") == "else"
    row = chip.evidence("memory_bandwidth")
    assert (row.name, row.unit, row.written) == ("H100-SXM5-80GB.memory_bandwidth", "TB/s", "3.35")
    assert (row.grade, row.source_id, row.locator, row.year) == (Grade.vendor, "s", "table 1", 2022)
    assert row.where == "chips.csv:2"
    assert row.note == chip.text("note") == "a note, with a comma"
    assert len(chip.rows()) == 2


def test_long_and_an_empty_value_is_no_row(write: Write) -> None:
    write("plants.csv", LONG)
    plant = loader.entity("plants", "solar")
    assert plant.value("life") == 30 * 8760 * 3600
    assert plant.value("temperature") == pytest.approx(298.15)
    assert plant.evidence("temperature").low == pytest.approx(293.15)
    assert "unknown_yet" not in plant.numbers


def test_money_is_of_one_year(write: Write) -> None:
    write("chips.csv", WIDE)
    write("plants.csv", LONG)
    assert loader.entity("chips", "A100").value("price") == pytest.approx(15000.0)  # 150 / 100 since 2014
    assert loader.entity("chips", "H100-SXM5-80GB").value("price") == pytest.approx(30000.0)
    assert loader.entity("chips", "A100").value("heads") == 8.0  # no money, no inflation
    assert loader.entity("plants", "solar").evidence("capital", 2020).value == pytest.approx(6.0)


def test_series(write: Write) -> None:
    write("plants.csv", LONG)  # its years stand in descending order
    plant = loader.entity("plants", "solar")
    assert plant.at("capital", 2010) == pytest.approx((6.0, 6.0, 6.0))
    assert plant.at("capital", 2025) == pytest.approx((4.0, 3.75, 4.5))
    assert plant.at("capital", 2030) == pytest.approx((2.0, 1.5, 3.0))
    assert plant.at("capital", 2050) == pytest.approx((2.0, 1.5, 3.0))
    assert plant.evidence("capital", 2029).year == 2020
    assert plant.evidence("capital", 2040).year == 2030
    assert plant.evidence("capital").year == 2030  # the first row
    assert plant.evidence("capital", 2000).year == 2030  # none that early: the first row


def test_details_override_and_add_cells(write: Write) -> None:
    write("chips.csv", WIDE)
    write(
        "chips.details.csv",
        """
        id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note
        A100,memory_bandwidth,1.555,1.5,2.1,TB/s,,,measured,t,,
        A100,embodied,150,,,kg,,,guess,t,,
        """,
    )
    chip = loader.entity("chips", "A100")
    row = chip.evidence("memory_bandwidth")
    assert (row.value, row.source_id, row.where) == (pytest.approx(1.555e12), "t", "chips.details.csv:2")
    assert chip.value("embodied") == 150.0
    assert chip.value("heads") == 8.0
    assert loader.entity("chips", "H100-SXM5-80GB").value("memory_bandwidth") == pytest.approx(3.35e12)
    assert loader.tables() == ["chips", "price_index"]


def test_spelling(write: Write) -> None:
    write("chips.csv", WIDE)
    for spelling in ("H100-SXM5-80GB", "h100 sxm5 80gb", "h100_SXM5_80gb", "h100", "hopper-sxm"):
        assert loader.entity("chips", spelling).id == "H100-SXM5-80GB"
    with pytest.raises(InputError) as error:
        loader.entity("chips", "H100-SXM4-80GB")
    assert "given 'H100-SXM4-80GB'" in line_of(error)
    assert line_of(error).endswith("did you mean 'H100-SXM5-80GB'?")


def test_what_is_missing_is_named(write: Write) -> None:
    write("chips.csv", WIDE)
    with pytest.raises(MissingDataError) as error:
        loader.table("chip")
    assert "did you mean 'chips'?" in line_of(error)
    with pytest.raises(MissingDataError) as error:
        loader.entity("chips", "A100").value("memory_bandwith")
    assert "'chips' has no 'memory_bandwith' for 'A100'" in line_of(error)
    assert "chips.csv" in line_of(error)
    assert "did you mean 'memory_bandwidth'?" in line_of(error)
    with pytest.raises(MissingDataError):
        loader.entity("chips", "A100").at("weight", 2030)
    with pytest.raises(MissingDataError, match="no such source; given 'u'"):
        loader.source("u")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,b,1x,,,W,,,guess,s,,", "t.csv:3: b: cannot read this row; given '1x'"),
        ("a,b,1,,x,W,,,guess,s,,", "t.csv:3: b: cannot read this row"),
        ("a,b,1,,,furlong,,,guess,s,,", "t.csv:3: b: unknown unit; given 'furlong'"),
        ("a,b,1,,,W,,,rumour,s,,", "t.csv:3: b: cannot read this row"),
        ("a,b,1,,,W,soon,,guess,s,,", "t.csv:3: b: cannot read this row"),
        ("a,b,1,,,$/W,,,guess,s,,", "t.csv:3: b: money needs a currency year; allowed: 2014 to 2024"),
        ("a,b,1,,,USD,,1990,guess,s,,", "t.csv:3: b: money needs a currency year; given 1990"),
        ("a,b,1,,,W,,,guess,s,,a note, unquoted", "t.csv:3: more cells than columns"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(write: Write, row: str, words: str) -> None:
    head = "id,quantity,value,low,high,unit,year,currency_year,grade,source_id,locator,note"
    write("t.csv", f"{head}\na,fine,1,,,W,,,guess,s,,\n{row}\n")
    with pytest.raises(InputError) as error:
        loader.table("t")
    assert words in line_of(error)


def test_details_of_an_unknown_row(write: Write) -> None:
    write("chips.csv", WIDE)
    write(
        "chips.details.csv",
        """
        id,quantity,value,unit,grade,source_id
        A10,heads,1,,guess,s
        """,
    )
    with pytest.raises(
        InputError, match=r"chips\.details\.csv: details of an unknown row; given 'A10'.*'A100'"
    ):
        loader.table("chips")


def test_a_source_that_stands_twice(write: Write) -> None:
    write("sources/other.csv", SOURCES)
    with pytest.raises(InputError, match=r"s: this source stands twice"):
        loader.sources()


def test_version_changes_with_any_file(write: Write) -> None:
    before = loader.version()
    write("weather/a.csv", "x\n1\n")
    after = loader.version()
    assert before != after
    write("weather/a.csv", "x\n1\n")
    assert loader.version() == after


def test_what_read_none_of_the_varied_rows_is_kept(write: Write) -> None:
    write("chips.csv", WIDE)
    made: list[str] = []

    def read(key: str) -> float:
        def make() -> float:
            made.append(key)
            return loader.entity("chips", key).value("heads")

        return once.once(("heads", key), make)

    def note(call: Callable[[], Any]) -> tuple[Any, once.Rows]:
        with watched() as seen:
            return call(), seen

    with once.noting(note, lambda rows: None):
        loader.entity("chips", "A100")
        assert read("A100") == 8.0
    with loader.varied({("chips", "H100-SXM5-80GB", "price"): 1.0}):
        assert read("A100") == 8.0
    assert made == ["A100"]
    with loader.varied({("chips", "A100", "heads"): 9.0}):
        assert read("A100") == 9.0
        assert read("A100") == 9.0
        assert made == ["A100", "A100"]
    assert read("A100") == 8.0  # as it was before, read nowhere again
    assert made == ["A100", "A100"]
    loader.forget()
    assert read("A100") == 8.0
    assert len(made) == 3


def test_what_has_no_rows_noted_is_not_kept(write: Write) -> None:
    write("chips.csv", WIDE)
    read = lambda: loader.entity("chips", "A100").value("heads")  # noqa: E731
    assert once.once("plain", read) == 8.0
    with loader.varied({("chips", "A100", "heads"): 9.0}):
        assert once.once("plain", read) == 9.0
    assert once.once("plain", read) == 8.0


def test_a_kept_value_tells_its_rows_again(write: Write) -> None:
    write("chips.csv", WIDE)
    told: list[object] = []

    def note(call: Callable[[], Any]) -> tuple[Any, once.Rows]:
        with watched() as seen:
            return call(), seen

    with once.noting(note, told.append):
        for _ in range(2):
            once.once("told", lambda: loader.entity("chips", "A100").value("heads"))
    assert [set(rows) for rows in told] == [{("chips", "A100", "heads")}]  # type: ignore[call-overload]


def test_nested_watchers_of_the_same_rows_each_end_their_own(write: Write) -> None:
    write("chips.csv", WIDE)
    with watched() as outer:
        with watched():
            loader.entity("chips", "A100").value("heads")
        loader.entity("chips", "A100").value("price")
    assert len(outer) == 2


def test_a_pure_function_is_not_forgotten() -> None:
    calls: list[int] = []

    @caches.pure
    def squared(number: int) -> int:
        calls.append(number)
        return number * number

    assert [squared(3), squared(3)] == [9, 9]
    assert squared not in caches.cached_functions()
    loader.forget()
    assert squared(3) == 9
    assert calls == [3]
    assert loader.table in caches.cached_functions()


@pytest.mark.parametrize(
    ("typed", "chip"),
    [
        ("nvidia h100", "H100-SXM5-80GB"), ("AMD MI300X", "MI300X"), ("Google TPU v5p", "TPU-v5p"),
        ("Vera Rubin", "VR200"), ("DGX H100", "H100-SXM5-80GB"), ("NVIDIA H100 80GB HBM3", "H100-SXM5-80GB"),
    ],
)  # fmt: skip
def test_a_chip_is_known_with_its_vendor(typed: str, chip: str) -> None:
    assert loader.entity("chips", typed).id == chip


def test_what_a_name_is_taken_for_is_said_where_it_only_begins_so() -> None:
    assert loader.begun_with("models", "qwen3-235b") == "qwen3-235b-a22b"
    assert loader.begun_with("models", "Qwen/Qwen3-235B") == "qwen3-235b-a22b"
    assert loader.begun_with("models", "Llama 3.1 405B") is None  # a name
    assert loader.begun_with("models", "70B") is None
    assert loader.begun_with("chips", "nvidia h100") is None
