"""Any table as text: units in heads, shares in percent, grades as badges, what is not known as a dash."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gigawatt.faces.report.frames import grid_of


def made() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "capacity [MW]": [12.3456, 0.0, np.nan],
            "share []": [0.1234, 1.0, np.nan],
            "count": [3, 1200, 7],
            "good": [True, False, True],
            "price_grade": ["guess", "vendor", "measured"],
            "words": ["<b>", "b", "c"],
        },
        index=pd.Index(["one", "two", "three"], name="plant_name"),
    )


def test_every_cell_is_what_it_was() -> None:
    grid = grid_of(made(), "What there is.", grades=("price_grade",), heads={"count": "how many"})
    assert grid.caption == "What there is."
    assert grid.head == ("plant name", "capacity [MW]", "share", "how many", "good", "price grade", "words")
    assert grid.numeric == (False, True, True, True, False, False, False)
    assert [cell.text for cell in grid.rows[0]] == ["one", "12.35", "12.3 %", "3", "yes", "guess", "<b>"]
    assert [cell.text for cell in grid.rows[1]][1:4] == ["0", "100.0 %", "1,200"]
    assert [cell.text for cell in grid.rows[2]][1:3] == ["–", "–"]
    assert [row[5].grade for row in grid.rows] == ["guess", "vendor", "measured"]
    assert not any(cell.grade for row in grid.rows for i, cell in enumerate(row) if i != 5)


def test_rows_may_be_links_with_names() -> None:
    grid = grid_of(made(), "Linked.", links={"one": "/here"}, names={"one": "Number one"})
    assert (grid.rows[0][0].text, grid.rows[0][0].link) == ("Number one", "/here")
    assert (grid.rows[1][0].text, grid.rows[1][0].link) == ("two", "")


def test_an_index_without_a_name_is_no_column() -> None:
    grid = grid_of(made().reset_index(drop=True)[["count"]], "Counts.")
    assert grid.head == ("count",)
    assert [len(row) for row in grid.rows] == [1, 1, 1]
