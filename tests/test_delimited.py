"""Cells of tables in text files: separators, decimal commas, and what could be two numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.core.delimited import read_cells
from gigawatt.core.errors import InputError
from gigawatt.power.resource.hours_file import read_hours


def read(file: Path, text: str) -> list[list[str]]:
    file.write_text(text)
    return [cells for _, cells in read_cells(file, key="load", what="this table")]


def test_a_comma_between_commas_separates(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", 'a,b\n1,5\n"2,5",x\n') == [["a", "b"], ["1", "5"], ["2,5", "x"]]
    assert read(tmp_path / "a.csv", '"a;b",c\n1,5\n') == [["a;b", "c"], ["1", "5"]]


def test_a_comma_between_semicolons_or_tabs_is_decimal(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", "a;b\n1,5;-2,25e3\n\n7;x,y\n") == [
        ["a", "b"], ["1.5", "-2.25e3"], ["7", "x,y"],
    ]  # fmt: skip
    assert read(tmp_path / "a.csv", "# of: one, two\na\tb\n1,5\t2\n")[1:] == [["a", "b"], ["1.5", "2"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;b\n1;2,345\n1;1,000\n", "could be a decimal one; given '2,345'; allowed: 2.345 or 2345"),
        ("a;b\n1;2,5\n1;2.5\n", "decimal commas and others with points; given '2,5 and 2.5'"),
    ],
)  # fmt: skip
def test_what_could_be_two_numbers_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path / "a.csv", text)
    assert caught.value.line in (2, 3)
    assert "\n" not in str(caught.value)


def test_decimals_of_a_load_are_not_cut_off(tmp_path: Path) -> None:
    """A column of decimal commas in a file without another separator was read without its decimals."""
    file = tmp_path / "load.csv"
    file.write_text("load [MW]\n" + "100,5\n" * 8760)
    with pytest.raises(InputError, match="another number of cells"):
        read_hours(file, key="load")
    file.write_text("hour;load [MW]\n" + "".join(f"{i};100,5\n" for i in range(8760)))
    assert read_hours(file, key="load")[0] == pytest.approx(100.5e6)
