"""Sites side by side: each row is the answer that `run` gives there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal import main
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.studies.run.door import run
from gigawatt.studies.sites.door import rank_sites
from gigawatt.studies.sites.rank import best_of, sites_named

LOAD = {"supply.plants": ["grid", "gas-engine"]}
THREE = "texas, dublin, karlsruhe"


@pytest.fixture(scope="module")
def ranked() -> object:
    return rank_sites(load="20 MW", year=2036, sites=THREE, settings=LOAD)


def test_a_row_is_what_run_says_there(ranked: dict[str, list[dict[str, object]]]) -> None:
    rows = {row["site"]: row for row in ranked["sites"]}
    assert set(rows) == set(sites_named(THREE))
    one = run({"load": {"peak": "20 MW"}, "year": 2036, "site": "dublin", **LOAD}).found
    row = rows["dublin"]
    assert row["cost_USD_per_MWh"] == pytest.approx(one["supply.electricity_cost"] * 3.6e9, rel=1e-9)
    assert row["carbon_g_per_kWh"] == pytest.approx(one["supply.carbon_intensity"] * 3.6e9, rel=1e-9)
    assert row["lolh_h"] == pytest.approx(one["supply.lolh"] / 3600.0, rel=1e-9)
    assert row["complete"] == pytest.approx(one["supply.complete"] / SECONDS_PER_YEAR, rel=1e-9)
    assert row["complete"] >= 2036.0  # not before the year of the question


def test_rows_are_in_order_and_streamed() -> None:
    told: list[str] = []
    answer = rank_sites(
        load="20 MW", year=2036, sites=THREE, by="carbon", settings=LOAD,
        progress=lambda words, _: told.append(words),
    )  # fmt: skip
    carbon = [row["carbon_g_per_kWh"] for row in answer["sites"]]
    assert carbon == sorted(carbon)
    assert [row["rank"] for row in answer["sites"]] == [1, 2, 3]
    assert len([one for one in told if "/MWh" in one]) == 3


def test_two_processes_say_the_same(ranked: dict[str, object]) -> None:
    both = rank_sites(load="20 MW", year=2036, sites=THREE, settings=LOAD, workers=2)
    assert both["sites"] == ranked["sites"]


def test_a_site_that_has_no_answer_is_told_with_its_reason() -> None:
    answer = rank_sites(
        load="20 MW", year=2036, sites="texas, dublin",
        settings={
            "supply.plants": ["solar"], "supply.reliability": "99%", "supply.limits": {"solar": "1 MW"},
        },
    )  # fmt: skip
    assert not answer["sites"]
    assert {one["site"] for one in answer["refused"]} == set(sites_named("texas, dublin"))
    assert all("limit" in one["reason"] or "serve" in one["reason"] for one in answer["refused"])


def test_unbeaten_are_those_that_none_beats_in_all() -> None:
    def row(site: str, *values: float) -> dict[str, object]:
        keys = ("cost_USD_per_MWh", "carbon_g_per_kWh", "complete", "lolh_h")
        return {"site": site, **dict(zip(keys, values, strict=True))}

    rows = [row("a", 50, 400, 2030, 1), row("b", 60, 300, 2030, 1), row("c", 60, 400, 2030, 1)]
    assert best_of(rows) == ("a", "b")


def test_places_are_named_by_country_too() -> None:
    some = sites_named("Ireland")
    assert "dublin" in some
    assert len(sites_named("all")) >= 300


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("--load", "20 MW", "--sites", "atlantis"), "--sites"),
        (("--load", "20 MW", "--by", "beauty"), "--by"),
        ((), "nothing is asked"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], key: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["rank-sites", *words])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert key in said
    assert said.count("\n") == 1


def test_the_folder_has_rows_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(
            ["rank-sites", "--load", "20 MW", "--year", "2036", "--sites", "texas, dublin", "--set",
             "supply.plants=grid", "--output", str(tmp_path / "sites")]
        )  # fmt: skip
    assert not left.value.code
    capsys.readouterr()
    data = json.loads((tmp_path / "sites" / "sites.json").read_text())
    assert len(data["sites"]) == 2
    assert (tmp_path / "sites" / "sites.html").exists()
    assert (tmp_path / "sites" / "sites.csv").read_text().count("\n") == 3


def test_a_scenario_has_its_own_load(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text("year: 2036\nload: {peak: 20 MW}\nsite: texas\n")
    with pytest.raises(InputError, match="its own load"):
        rank_sites(file, load="20 MW", sites="texas")
