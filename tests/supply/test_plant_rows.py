"""A plant is a row: what drives it stands in the row, and what the row does not say is listed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.facility import Weather, load_site, load_weather
from gigawatt.power import build_plant, plant_profiles
from gigawatt.power.plants.plant import Plant
from gigawatt.power.resource.profiles import DRIVERS
from gigawatt.studies.plant.overview import plant_overview
from gigawatt.studies.supply.answer import as_answer
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import read_supply_question

SOURCE = "id,title,publisher,year,url,licence\nmine,Mine,me,2026,,my own\n"
HEAD = (
    "id,name,kind,profile,fuel,capital_cost [$/kW],availability [],life [year],currency_year,grade,source_id"
)
HOURS = np.round(0.5 + 0.4 * np.cos(np.arange(8760) / 50.0), 4)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes a row of plants and the hours of its profile into a user catalog that is in force."""

    def put(row: str, *, hours: np.ndarray | None = HOURS) -> Path:
        (tmp_path / "sources").mkdir(exist_ok=True)
        (tmp_path / "profiles").mkdir(exist_ok=True)
        (tmp_path / "sources" / "mine.csv").write_text(SOURCE)
        (tmp_path / "plants.csv").write_text(f"{HEAD}\n{row}\n")
        file = tmp_path / "profiles" / "waves.csv"
        if hours is not None:
            file.write_text("capacity_factor\n" + "\n".join(map(str, hours.tolist())) + "\n")
        loader.forget()
        return file

    loader.use_user_catalog(tmp_path)
    yield put
    loader._chosen.clear()
    loader.forget()


WAVES = "waves,wave converter,profile,profiles/waves.csv,,4500,0.95,25,2024,guess,mine"


@pytest.fixture(scope="module")
def sky() -> Weather:
    return load_weather(load_site("texas"))


def build(name: str, **more: object) -> Plant:
    return build_plant(name, year=2035, capital_recovery=lambda life: 0.08, **more)  # pyright: ignore


def test_every_shipped_plant_names_a_driver_or_none() -> None:
    rows = catalog.table("plants")
    assert {row.text("profile") for row in rows.values()} <= {"", *DRIVERS}
    assert {name for name, row in rows.items() if row.text("profile")} == {"solar", "wind", "space-solar"}


def test_a_row_and_a_file_make_a_plant_that_a_plan_uses(write: Write, sky: Weather) -> None:
    write(WAVES)
    hours = plant_profiles(sky)("waves")
    assert hours == pytest.approx(HOURS)
    found = plan_supply(read_supply_question(site="texas", load="50 MW", plants=("waves", "battery", "grid"),
                                             carbon="150 g/kWh"))  # fmt: skip
    answer = json.loads(json.dumps(as_answer(found)))
    (waves,) = [row for row in answer["plants"] if row["id"] == "waves"]
    assert waves["kind"] == "profile"
    assert waves["capacity_MW"] > 1.0
    can = waves["capacity_MW"] * 0.95 * HOURS.sum() / 1e3
    assert waves["energy_GWh"] + waves["curtailed_GWh"] == pytest.approx(can, rel=1e-6)
    listed = {one["key"]: one for one in answer["assumptions"]}
    assert listed["supply.plants.waves.variable_cost"]["value"] == "0 $/MWh"
    assert listed["supply.plants.waves.water"]["grade"] == "guess"
    assert "plants.csv has no water of waves" in listed["supply.plants.waves.water"]["reason"]
    assert not {key for key in listed if key.startswith("supply.plants.waves.") and "start" in key}


def test_the_sun_and_a_constant_by_one_row(write: Write, sky: Weather) -> None:
    write(WAVES.replace("profiles/waves.csv", "sun"))
    assert plant_profiles(sky)("waves") == pytest.approx(plant_profiles(sky)("solar"))
    write(WAVES.replace("profiles/waves.csv", "constant"))
    assert np.all(np.asarray(plant_profiles(sky)("waves")) == 1.0)


def test_the_version_of_the_catalog_follows_the_file(write: Write) -> None:
    file = write(WAVES)
    before = loader.version()
    file.write_text(file.read_text().replace("0.9\n", "0.8\n"))
    loader.forget()
    assert loader.version() != before


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            WAVES.replace("profiles/waves.csv", "sunn"),
            "nothing that drives a plant.*sunn.*did you mean 'sun'",
        ),
        (WAVES.replace("profiles/waves.csv", "profiles/wave.csv"), "no such profile.*profiles/wave.csv"),
        (WAVES.replace("profiles/waves.csv", "../waves.csv"), "outside the folder of the catalog"),
        (WAVES.replace("profiles/waves.csv", ""), "has no capacity factor of this plant"),
    ],
)
def test_a_profile_that_is_none_is_one_line(write: Write, row: str, words: str) -> None:
    write(row)
    with pytest.raises(InputError, match=words) as error:
        read_supply_question(site="texas", load="50 MW", plants=("waves", "grid"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (HOURS[:-1], r"plants\.waves\.profile: not a year; given '8,759 hours'"),
        (HOURS * 2.0, "not shares of a capacity; given 'up to 1.8'"),
        (HOURS - 0.5, r"waves.csv:\d+: .*not a share of a capacity"),
    ],
)
def test_hours_that_cannot_be(write: Write, sky: Weather, hours: np.ndarray, words: str) -> None:
    write(WAVES, hours=hours)
    with pytest.raises(InputError, match=words):
        plant_profiles(sky)("waves")


def test_a_file_beside_the_tables_is_refused_with_where_it_belongs(write: Write, tmp_path: Path) -> None:
    write(WAVES)
    (tmp_path / "waves.csv").write_text("1\n")
    loader.forget()
    with pytest.raises(InputError, match=r"no such catalog table.*series of hours in a folder"):
        catalog.table("plants")


def test_the_overview_shows_plants_of_the_user(write: Write) -> None:
    write(WAVES)
    row = plant_overview(2035, "texas").loc["waves"]
    assert row["capacity_factor []"] == pytest.approx(0.95 * HOURS.mean())
    assert "profiles/waves.csv" in row["note"]
    write(WAVES.replace("profiles/waves.csv", ""))
    assert "neither a profile nor a capacity factor" in plant_overview(2035, "texas").loc["waves"]["note"]


def _without(row: catalog.Entity, *quantities: str) -> catalog.Entity:
    return replace(row, numbers={name: rows for name, rows in row.numbers.items() if name not in quantities})


NEEDS: dict[str, Callable[[catalog.Entity], bool]] = {
    "fixed_cost": lambda row: "fixed_share" not in row.numbers,
    "capacity_factor": lambda row: row.value("construction_carbon") > 0.0,
    "minimum_running": lambda row: not row.get("minimum_load"),
    "start_fuel": lambda row: bool(row.text("fuel")),
    "part_load": lambda row: bool(row.text("fuel")),
    "derating_heat": lambda row: bool(row.text("fuel")) and "derating_capacity" in row.numbers,
    "host_ratio": lambda row: bool(row.text("host")),
    **dict.fromkeys(
        ("cycle_life", "self_discharge", "fade", "energy_construction_carbon"),
        lambda row: row.text("kind") == "storage",
    ),
}
"""Numbers that only some plants have at all; the others every plant has."""


@pytest.mark.parametrize("name", sorted(catalog.table("plants")))
def test_no_number_is_missing_in_silence(name: str) -> None:
    """Every number of every plant taken out of its row: a default that is listed, or one for which the table
    says why plants of this kind have none."""
    row = catalog.table("plants")[name]
    options = {"profile": np.ones(1), "price": 0.0, "carbon": 0.0} if row.text("kind") == "grid" else {}
    options |= {"profile": np.ones(1)} if row.text("kind") == "profile" else {}
    checked = 0
    for quantity, rule in catalog.table("plants_defaults").items():
        if quantity == "delivery" or not NEEDS.get(quantity, lambda row: True)(row):
            continue
        try:
            loader.keep_made("plants", _without(row, quantity))
            made = build(name, **options)
        finally:
            loader.forget()
        rightly = row.text("kind") in rule.text("none_for").split("|")
        assert bool(rule.text("none_because")) == bool(rule.text("none_for"))
        keys = {one.key for one in made.assumptions}
        assert (f"supply.plants.{name}.{quantity}" in keys) is not rightly, quantity
        checked += 1
    assert checked >= 12


@pytest.mark.parametrize("quantity", ["capital_cost", "life", "availability"])
def test_what_nothing_can_stand_for_is_refused(quantity: str) -> None:
    try:
        loader.keep_made("plants", _without(catalog.table("plants")["gas-turbine"], quantity))
        with pytest.raises(MissingDataError, match=f"no '{quantity}' for 'gas-turbine'"):
            build("gas-turbine")
    finally:
        loader.forget()


def test_a_fuel_without_delivery_is_listed() -> None:
    try:
        loader.keep_made("fuel_hubs", _without(catalog.table("fuel_hubs")["henry-hub"], "delivery"))
        keys = {one.key for one in build("gas-turbine").assumptions}
    finally:
        loader.forget()
    assert "supply.fuel_hubs.henry-hub.delivery" in keys


def test_a_missing_number_can_be_given() -> None:
    """An override fills what the row does not have, and nothing is then assumed of it."""
    fusion = build("fusion", overrides={"start_cost": 0.1})
    assert fusion.start_cost == 0.1
    keys = {one.key for one in fusion.assumptions}
    assert "supply.plants.fusion.start_cost" not in keys
    assert "supply.plants.fusion.minimum_up" in keys
    with pytest.raises(InputError, match="did you mean 'start_cost'"):
        build("fusion", overrides={"start_costs": 0.1})


ROOT = Path(__file__).parents[2]


@pytest.mark.apart
def test_the_worked_examples_run_and_touch_as_many_files_as_they_say(tmp_path: Path) -> None:
    """The page's files as they stand there, its Python and its commands, in a folder of its own."""
    import os
    import shlex
    import subprocess
    import sys

    page = (ROOT / "docs" / "extending.md").read_text().partition("\n## A plant: one row\n")[2]
    page = re.split(r"^## ", page, flags=re.M)[0]
    files = dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", page, re.M | re.S))
    assert set(files) == {"mine/sources/mine.csv", "mine/plants.csv", "mine.yaml"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (dispatchable, driven) = files["mine/plants.csv"].splitlines()[1:]  # one row each, of one file
    counted = {kind: int(files) for kind, files in re.findall(r"^\| a ([\w-]+) plant \| (\d+) ", page, re.M)}
    assert counted == {"dispatchable": 1, "weather-driven": 1}
    assert (dispatchable.split(",")[2], driven.split(",")[2]) == ("dispatchable", "profile")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.M | re.S)
    (code,) = [block for kind, block in blocks if kind == "python"]
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, timeout=60)
    written = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert written == {*files, "mine/profiles/waves.csv"}
    said: list[str] = []
    for line in (line for kind, block in blocks if kind == "sh" for line in block.splitlines()):
        words = [
            sys.executable,
            "-c",
            "from gigawatt.faces.terminal import main; main()",
            *shlex.split(line)[1:],
        ]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=240, cwd=tmp_path,
            env=os.environ | {"GIGAWATT_CATALOG": "mine", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert len(said) == 3
    (listed,) = [block.split() for kind, block in blocks if kind == "text"]
    for answer in map(json.loads, said[1:]):
        keys = {one["key"] for one in answer["assumptions"] if one["key"].startswith("supply.plants.my-")}
        assert {key for key in keys if key.count(".") == 3} == set(listed)
    plan = json.loads(said[1])
    assert {row["id"] for row in plan["plants"] if row["built"]} >= {"my-geothermal", "my-waves"}
