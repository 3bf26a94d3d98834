"""The outlook's energy and society as told: chunks, overrides, marks, comparisons, the page and the
command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.document import Again
from gigawatt.core.errors import InputError
from gigawatt.faces.report import html
from gigawatt.faces.terminal import main
from gigawatt.outlook.society.society import EXPLORATORY
from gigawatt.studies.outlook.compare import compare_energy, runs_of, sentence
from gigawatt.studies.outlook.document import document
from gigawatt.studies.outlook.outlook import OutlookScenario, outlook
from gigawatt.studies.outlook.society import PARTS, chances, society_block

MWH = 3.6e9


@pytest.fixture(scope="module")
def found():
    return outlook("base", 600)


def test_chunks_change_nothing(found) -> None:
    again = outlook("base", 600, chunk=170)
    for names in PARTS.values():
        for name in names:
            np.testing.assert_array_equal(found.bands[name], again.bands[name])


def test_what_is_exploratory_is_marked_and_nothing_else(found) -> None:
    bands = found.to_json()["bands"]
    assert {name for name, band in bands.items() if band["exploratory"]} == set(EXPLORATORY)
    told = {name for names in PARTS.values() for name in names}
    assert told <= set(bands)
    assert set(EXPLORATORY) <= told


def test_an_override_moves_what_it_should(found) -> None:
    dear = outlook(OutlookScenario(quantities={"damage_2025": "1000 $/t", "own_share": 0.0}), 600)
    assert dear.band("damages", 2040)[0.5] > 2.0 * found.band("damages", 2040)[0.5]
    assert dear.band("power_fusion", 2050)[0.95] == 0.0  # no own supply, no fusion
    assert found.band("power_fusion", 2050)[0.95] > 0.0
    assert dear.band("hhi", 2040) == found.band("hhi", 2040)  # common random numbers
    assert {row.key for row in dear.overrides} == {"damage_2025", "own_share"}


@pytest.mark.parametrize(
    "quantities",
    [{"draw": 0.0}, {"country_share": 0.0, "ai_china": 1.0}, {"country_share": 1.0, "own_share": 1.0},
     {"evaporative": 0.0, "reservoir": 0.0}, {"rebound_elasticity": 0.0, "supply_elasticity": 10.0}],
    ids=str,
)  # fmt: skip
def test_ends_of_ranges_give_numbers(quantities: dict[str, float]) -> None:
    result = outlook(OutlookScenario(quantities=quantities), 100)
    for names in PARTS.values():
        for name in names:
            assert np.all(np.isfinite(result.bands[name])), name


def test_chances_lie_between_0_and_1_and_meet_their_quantiles(found) -> None:
    told = chances(found)
    for name in ("surplus", "backfire"):
        assert len(told[name]) == len(found.years)
        assert all(0.0 <= x <= 1.0 for x in told[name])
    at = found.years.index(2040)
    assert (told["surplus"][at] > 0.5) == (found.band("surplus", 2040)[0.5] > 0.0)
    assert told["backfire"][at] == pytest.approx(told["backfire"][2], abs=0.01)  # of the elasticity alone


def test_gpt_3_in_households_is_what_the_press_said() -> None:
    """1,287 MWh (Patterson et al. 2021) over 10.791 MWh (EIA 2022): 119; reports have 120 and 130."""
    homes = {one.id: one for one in compare_energy(1287.0 * MWH)}["household-us"]
    assert homes.count == pytest.approx(1287.0 / 10.791, rel=1e-9)
    assert "119 households in the United States in a year" in sentence("GPT-3", 1287.0 * MWH)


def test_sentences_fit_the_size() -> None:
    rows = compare_energy(1.0)
    assert [one.yearly for one in rows] == sorted(one.yearly for one in rows)
    assert sentence("It", 1.0 * MWH / 10.0, "country").endswith("days")
    big = next(one for one in rows if one.id == "country-norway").yearly * 3.0
    assert "times" in sentence("It", big)
    assert "smelters" in sentence("It", big, "plant")
    with pytest.raises(InputError, match="no such kind"):
        sentence("It", big, "village")
    for bad in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="not an energy"):
            compare_energy(bad)


def test_runs_hold_the_published_and_the_one_to_come(found) -> None:
    runs = runs_of(found)
    assert runs["GPT-3 175B"] == (1287.0 * MWH,) * 3
    low, middle, high = runs["the largest run of 2030"]
    assert low < middle < high
    assert middle > runs["Llama 3.1 405B"][1]
    assert len(runs_of(outlook(OutlookScenario(years=(2031, 2035)), 100))) == 2


def test_the_page_has_its_figures_its_table_and_its_marks(found) -> None:
    def page(answer: Any) -> str:
        return html.page(document(answer, Again("gigawatt outlook")))

    text = page({**found.to_json(), "society": society_block(found)})
    for words in ("Electricity of data centres by source", "Firms and states that can pay", "Herfindahl",
                  "A run beside a year of others", "Iceland", "(exploratory)"):  # fmt: skip
        assert words in text
    assert "A run beside" not in page(found.to_json())  # an older answer has none


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def call(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["outlook", *map(str, words), "--draws", "200"])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    code, out, _ = call("--json")
    answer = json.loads(out)
    assert code == 0
    assert set(answer["society"]) == {"parts", "quantiles", "exploratory", "chances", "runs"}
    assert answer["bands"]["run_cost"]["unit"] == "M$"
    assert len(answer["bands"]["hhi"]["values"]) == 27
    file = tmp_path / "mine.yaml"
    file.write_text("years: [2028, 2031]\nquantities:\n  own_share: 0.9\n")
    code, out, err = call(file)
    assert (code, err) == (0, "")
    for words in (
        "Energy, environment, society",
        "(exploratory)",
        "Exploratory, on priors that are not measured",
        "GPT-3 175B takes",
        "What this scenario puts in place.",
        "percent a year (",
    ):
        assert words in " ".join(out.split()), words
    assert re.search(r"^own_share +0\.9 *$", out, re.M)
    file.write_text("quantities:\n  own_share: 1.9\n")
    code, out, err = call(file)
    assert (code, out) == (2, "")
    assert "own_share" in err
    assert err.count("\n") == 1


def test_comparisons_of_countries_are_the_rows_of_their_source() -> None:
    """Iceland made some 20 TWh in 2022 (its statistics office), Norway some 154 in 2023."""
    rows = catalog.table("outlook_comparisons")
    assert rows["country-iceland"].value("energy") * 8760 * 3600 == pytest.approx(20e12 * 3600, rel=0.05)
    assert rows["country-norway"].value("energy") * 8760 * 3600 == pytest.approx(154e12 * 3600, rel=0.05)
