"""The world's cities: every one answers with weather, grid, plants; regions, coordinates, misspellings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.chain.supply.candidates import plants_here
from gigawatt.chain.supply.weather_years import weather_years
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Grade
from gigawatt.facility import facility_load, load_site, load_weather
from gigawatt.facility.humidity import relative_humidity
from gigawatt.facility.readers import read_hours
from gigawatt.facility.sites import distance, nearest_place
from gigawatt.facility.weather import load_place_years, move_to_design
from gigawatt.power import load_grid, plant_profiles, solar_capacity_factor, wind_capacity_factor
from gigawatt.power.resource.profiles import drives
from gigawatt.studies.pathway.question import read_pathway_question
from gigawatt.studies.plant.overview import plant_overview
from gigawatt.studies.supply.question import read_supply_question

PLACES = sorted(loader.table("places"))
DEFAULT = tuple(loader.entity("defaults", "supply.plants").text("text").split("|"))
SHARED = Path(__file__).resolve().parents[2].parent / "shared/data/weather/world_hourly.parquet"
# Mean annual air temperature [degC] of 1991-2020 as published, recalled to about 0.2 K: Met Office
# (Heathrow), JMA (Tokyo), KMA (Seoul), MSS (Singapore Changi), HKO (Hong Kong), Météo-France (Paris), IMD
# (Santacruz), NCM (Dubai airport), NOAA (Miami), BoM (Observatory Hill), met.no (Blindern); New York, Central
# Park, is that of 1981-2010 by NOAA, read.
NORMALS = {
    "london": 11.8, "tokyo": 15.8, "seoul": 12.8, "singapore": 27.8, "hong-kong": 23.5, "paris": 12.8,
    "mumbai": 27.3, "dubai": 28.4, "miami": 25.2, "sydney": 18.8, "oslo": 7.0, "new-york": 12.7,
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_every_place_answers(name: str) -> None:
    """Its weather is whole and physical, the sun stands right, the building has a PUE, plants have hours."""
    site = load_site(name)
    weather = load_weather(site)
    assert site.id == name
    assert weather.id == name
    assert site.time_zone == pytest.approx(site.longitude / 15.0, abs=3.2)  # clocks follow borders
    light, air = weather.ghi, weather.air_temperature()
    assert light is not None
    assert np.isfinite(light).all()
    assert 0.0 <= light.min() <= light.max() < 1400.0
    assert 210.0 < air.min() < air.max() < 328.0
    if weather.dew_point is not None:  # some of the sites that stand in have none
        assert np.mean(weather.dew_point <= air + 0.11) > 0.99
    daily = light.reshape(365, 24).sum(axis=0)
    noon = 12.0 + weather.time_zone - weather.longitude / 15.0
    assert np.dot(daily, np.arange(24) + 0.5) / daily.sum() == pytest.approx(noon, abs=0.6)
    assert weather.assumptions[0].key == "site.weather"
    load = facility_load(
        it_power=np.ones(len(air)),
        weather=weather,
        cooling=loader.entity("cooling", "direct-liquid-dry-cooler"),
    )
    pue = load.facility.sum() / load.it.sum()
    assert 1.0 < pue < 1.6
    assert load.notices[: len(weather.warnings)] == weather.warnings
    grid = load_grid(site.grid, 2026, weather=weather)
    assert 0.0 < grid.carbon.mean() * 3.6e9 < 1500.0
    assert grid.price.mean() > 0.0
    kept = [plant for plant in DEFAULT if drives(weather, plant)]
    plants = plants_here(
        names=kept, limits={}, year=2026, rate=0.07, grid=grid, grid_given={},
        profile=plant_profiles(weather), temperature=air,
    )  # fmt: skip
    assert [plant.id for plant in plants] == kept
    assert set(DEFAULT) - set(kept) <= {"wind"}


def test_modelled_years_are_graded_so_and_size_no_wind() -> None:
    rows = loader.table("places_weather")
    kinds = {"modelled": Grade.guess, "TMY": Grade.modelled, "year": Grade.modelled, "ERA5": Grade.modelled}
    for row in rows.values():
        kind = row.text("kind")
        grade = Grade.read(row.text("grade"))
        assert grade is kinds[kind] if kind != "TMY" else grade <= Grade.modelled, row.id
        assert ("wind_10m" in row.text("columns")) == (kind != "modelled"), row.id
    dublin = load_weather("dublin")
    assert dublin.wind_10m is None
    assert any("modelled, not observed" in told for told in dublin.warnings)
    with pytest.raises(MissingDataError, match="no wind"):
        wind_capacity_factor(dublin)
    allowed = {"supply.allow": ["fission-small"]}  # reactors are barred in Ireland
    question = read_supply_question(site="dublin", load="100 MW", settings=allowed)
    assert [plant.id for plant in question.plants] == [name for name in DEFAULT if name != "wind"]
    assert question.notices == dublin.warnings
    (told,) = [one for one in question.assumptions if one.key == "supply.plants"]
    assert "wind left out" in told.reason
    assert "wind" in [plant.id for plant in read_supply_question(site="london", load="100 MW").plants]


def test_plants_that_the_weather_does_not_drive_are_left_out_with_a_notice(tmp_path: Path) -> None:
    """Given by name: left out, told, its limit too; hours of its own bring it back; alone it is refused."""
    asked = {"site": "hamburg", "load": "100 MW", "plants": ("grid", "onwind", "battery")}
    question = read_supply_question(**asked, limits={"wind": "40 MW"})
    assert [plant.id for plant in question.plants] == ["grid", "battery"]
    told = question.notices[-1]
    assert told.startswith("wind left out: the weather of Hamburg has no wind; give a file")
    assert told.endswith("its limit goes with it")
    file = tmp_path / "shares.csv"
    file.write_text("0.3\n" * 8760, encoding="utf-8")
    driven = read_supply_question(**asked, limits={"wind": "40 MW"}, capacity_factors={"wind": str(file)})
    assert [plant.id for plant in driven.plants] == ["grid", "wind", "battery"]
    assert not any("left out" in notice for notice in driven.notices)
    assert not any("left out" in told for told in read_supply_question(**asked | {"site": "london"}).notices)
    with pytest.raises(InputError, match="no other plant here makes electricity") as refused:
        read_supply_question(**asked | {"plants": ("wind", "battery")})
    assert "site.weather" in str(refused.value)
    calm = tmp_path / "calm.csv"
    head = "# latitude: 53.5\n# longitude: 10\n# time_zone: 1\ntemperature [degC],wind_10m [m/s]\n"
    calm.write_text(head + "10,5\n" * 8760, encoding="utf-8")
    dark = read_supply_question(**asked | {"plants": ("grid", "solar", "wind"), "weather": str(calm)})
    assert [plant.id for plant in dark.plants] == ["grid", "wind"]
    assert "solar left out: the weather of calm has no sun" in dark.notices[-1]


def test_a_pathway_leaves_them_out_too() -> None:
    words = {"site": "hamburg", "load": "100 MW", "years": "2030,2035"}
    question = read_pathway_question(**words, plants="grid,wind")
    assert question.loaded.scenario.supply.plants == ("grid",)
    assert "wind left out" in question.notices[-1]
    assert "wind" not in (read_pathway_question(**words).loaded.scenario.supply.plants or ())
    with pytest.raises(InputError, match="no other plant here"):
        read_pathway_question(**words, plants=["wind"])


def test_annual_means_are_the_published_normals() -> None:
    """Single years, and typical years of older decades, are off a normal by up to 2 K, mostly by half one."""
    off = {
        name: load_weather(name).air_temperature().mean() - 273.15 - mean for name, mean in NORMALS.items()
    }
    assert {name: gap for name, gap in off.items() if abs(gap) > 2.0} == {}
    assert np.median(np.abs(list(off.values()))) < 0.6


def test_the_hottest_hours_are_those_of_the_station_beside() -> None:
    """The 1 % hot dry bulb of a year against the station's (an index that the years were not made from where
    they are observed)."""
    gaps = {"own": list[float](), "far": list[float]()}
    for name, place in loader.table("places").items():
        weather = load_weather(name)
        gap = float(np.quantile(weather.air_temperature(), 0.99)) - place.value("design_hot")
        if any(one.key == "site.design" for one in weather.assumptions):
            assert abs(gap) < 1e-6, name
            continue
        site = load_site(name)
        here = (site.latitude, site.longitude, weather.latitude, weather.longitude)
        warned = any("is that of" in told for told in weather.warnings)
        gaps["far" if distance(*here) > 100e3 else "own"].append(gap)
        assert warned == (distance(*here) > 100e3 or abs(gap) > 3.0), name
    assert np.median(np.abs(gaps["own"])) < 0.6
    assert np.quantile(np.abs(gaps["own"]), 0.9) < 2.5
    assert np.median(np.abs(gaps["own"])) < np.median(np.abs(gaps["far"]))


def test_the_sun_ranks_places_as_atlases_do() -> None:
    """Global Solar Atlas, by eye: deserts, then the subtropics, then Europe by latitude."""
    order = ("las-vegas", "miami", "tokyo", "frankfurt", "oslo")
    shares = [float(solar_capacity_factor(load_weather(name)).mean()) for name in order]
    assert shares == sorted(shares, reverse=True)
    assert 0.1 < shares[-1] < shares[0] < 0.35
    deserts = [float(solar_capacity_factor(load_weather(name)).mean()) for name in ("riyadh", "antofagasta")]
    assert min(deserts) > shares[1]


@pytest.mark.parametrize(
    ("code", "site"),
    [
        ("eu-west-1", "dublin"), ("ap-northeast-1", "tokyo"), ("westeurope", "amsterdam"),
        ("West Europe", "amsterdam"),
        ("europe-west4", "eemshaven"), ("us-east-1", "virginia"), ("us-east1", "moncks-corner"),
        ("AWS us-west-2", "boardman"), ("gcp us-west2", "los-angeles"), ("azure westus2", "quincy"),
        ("EU-CENTRAL-1", "frankfurt"), ("us-gov-west-1", "boardman"), ("usgovvirginia", "boydton"),
    ],
)  # fmt: skip
def test_cloud_regions(code: str, site: str) -> None:
    assert load_site(code).id == site


def test_every_cloud_region_leads_to_a_site() -> None:
    rows = loader.table("cloud_regions")
    assert len(rows) > 140
    assert {row.text("provider") for row in rows.values()} == {"AWS", "Azure", "GCP"}
    for code, row in rows.items():
        assert load_site(code).id == row.text("site")


@pytest.mark.parametrize(
    ("words", "site"),
    [
        ("London", "london"), ("München", "munich"), ("munich germany", "munich"), ("sao paulo", "sao-paulo"),
        ("Slough", "london"), ("zurich", "zurich"), ("Bangalore", "bengaluru"), ("Rome", "rome"),
        ("rome georgia", "rome-georgia"), ("san-jose", "san-jose"), ("Ashburn", "virginia"),
        ("pecos", "west-texas"), ("London, UK", "london"), ("Portland, Oregon", "portland"),
        ("Dallas, TX", "dallas"), ("New York, NY", "new-york"), ("NYC", "new-york"), ("LA", "los-angeles"),
        ("SF Bay", "san-francisco"), ("San Jose, CA", "santa-clara"), ("Columbus, OH", "columbus-ohio"),
        ("San Jose, Costa Rica", "san-jose"), ("Mt Pleasant, WI", "mount-pleasant"),
        ("Saint Louis", "st-louis"), ("Washington, D.C.", "virginia"), ("Perth, WA", "perth"),
        ("Seoul, South Korea", "seoul"), ("Talavera de la Reina", "talavera-de-la-reina"),
        ("Bombay", "mumbai"), ("SAO PAULO", "sao-paulo"), ("memphis tn usa", "memphis"),
    ],
)  # fmt: skip
def test_names_in_any_spelling(words: str, site: str) -> None:
    assert load_site(words).id == site


def test_coordinates_are_the_place_beside_them() -> None:
    for name in PLACES[::20]:
        place = load_site(name)
        at = load_site(f"{place.latitude},{place.longitude}")
        assert (at.latitude, at.longitude) == (place.latitude, place.longitude)
        assert (at.place, at.grid, at.weather, at.time_zone) == (
            name,
            place.grid,
            place.weather,
            place.time_zone,
        )
        assert "0 km away" in at.assumptions[0].value
        mine, theirs = load_weather(at), load_weather(place)
        np.testing.assert_array_equal(mine.air_temperature(), theirs.air_temperature())
        assert mine.assumptions[0].value == theirs.assumptions[0].value
    assert load_site("33.9S, 18.4E").place == load_site("-33.9, 18.4").place == "cape-town"
    assert load_site("51.5 -0.12").id == "51.5,-0.12"
    assert load_site("51.5,-0.12").country == "United Kingdom"
    near, far = nearest_place(52.2, 0.1)  # Cambridge
    assert (near.id, far / 1e3) == ("london", pytest.approx(78.0, abs=8.0))
    (told,) = [
        one
        for one in read_supply_question(site="52.2,0.1", load="1 MW").assumptions
        if one.key == "site.place"
    ]
    assert "London" in told.value


def test_coordinates_at_a_site_have_its_own_hours() -> None:
    at, site = load_site("32.4,-100.2"), load_site("abilene-texas")
    assert (at.place, at.grid) == ("abilene-texas", "ercot")
    weather = load_weather(at)
    np.testing.assert_array_equal(weather.air_temperature(), load_weather(site).air_temperature())
    assert weather.warnings == ()
    assert weather.assumptions[0].key == "site.weather"


def test_far_from_everything_is_warned_about() -> None:
    anchorage, place = load_weather("anchorage"), loader.entity("places", "anchorage")
    (told, *_) = anchorage.warnings
    assert "2133 km away" in told
    assert "7.7 K above" in told
    ends = np.quantile(anchorage.air_temperature(), (0.01, 0.99))
    assert ends == pytest.approx([place.value("design_cold"), place.value("design_hot")], abs=1e-6)
    (design,) = [one for one in anchorage.assumptions if one.key == "site.design"]
    assert "were 25.8 and -1.7 °C" in design.reason
    assert "site.design_hot" not in told  # they are used
    lent, weather, *_ = load_weather("89,0").warnings
    assert "country (Norway), grid and time zone of 89, 0 (2292 km from Narvik)" in lent
    assert "Narvik, 2292 km away: give" in weather  # no dry bulb of Narvik's is called the pole's
    assert any("km away" in warning for warning in load_weather("0,-30").warnings)


@pytest.mark.parametrize(
    ("written", "nearest"),
    [("Paris, Texas", None), ("Cambridge", "Cambridge ON"),
     ("londn", "london"), ("lodnon", "london"), ("amsterdm", "amsterdam"), ("eu-west-9", "eu-west-1"),
     ("kirunna", "kiruna"), ("xyzzy", None), ("springfield", None), ("", None), ("camelot", None),
     ("atlantis", "atlanta-georgia")],
)  # fmt: skip
def test_an_unknown_name_has_a_nearest_that_is_alike(written: str, nearest: str | None) -> None:
    with pytest.raises(InputError, match="no such site") as told:
        load_site(written)
    assert told.value.nearest in (nearest, "eu-west-3", "eu-west-2") if nearest == "eu-west-1" else True
    assert nearest == "eu-west-1" or told.value.nearest == nearest
    assert "coordinates such as 51.5,-0.12" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [("94,10", "no such latitude"), ("12,190", "no such longitude"), ("-33.9S,18.4", "a sign and a letter"),
     ("san jose", "several sites"), ("inner mongolia", "several sites"), ("Oregon", "several sites"),
     ("England", "several sites")],
)  # fmt: skip
def test_bad_places_are_one_line(written: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as told:
        load_site(written)
    assert told.value.key == "site"
    assert "\n" not in str(told.value)


def test_a_year_is_moved_to_the_dry_bulbs_of_a_station() -> None:
    """Quantiles are those given, relative humidity and sun stay; one alone shifts; they have an order."""
    before = load_weather("london")
    after = move_to_design(before, hot=308.15, cold=271.15)
    assert np.quantile(after.air_temperature(), (0.01, 0.99)) == pytest.approx([271.15, 308.15], abs=1e-6)
    assert before.dew_point is not None
    assert after.dew_point is not None
    humid = [
        relative_humidity(temperature=sky.air_temperature(), dew_point=sky.dew_point)
        for sky in (before, after)
    ]
    np.testing.assert_allclose(humid[1], np.clip(humid[0], 0.01, 1.0), atol=2e-3)
    assert after.ghi is before.ghi
    warmer = move_to_design(before, hot=float(np.quantile(before.air_temperature(), 0.99)) + 2.0)
    np.testing.assert_allclose(warmer.air_temperature() - before.air_temperature(), 2.0, atol=1e-9)
    colder = move_to_design(before, cold=float(np.quantile(before.air_temperature(), 0.01)) - 2.0)
    np.testing.assert_allclose(colder.air_temperature() - before.air_temperature(), -2.0, atol=1e-9)
    with pytest.raises(InputError, match="not above the cold one"):
        move_to_design(before, hot=270.0, cold=280.0)
    (told,) = [one for one in after.assumptions if one.key == "site.design"]
    assert told.value == "1 % 35.0 °C, 99 % -2.0 °C"


@pytest.mark.parametrize("name", ["london", "tokyo", "culham"])
def test_several_years_of_a_city_are_whole_and_in_order(name: str) -> None:
    """Each has temperature, sun and wind of the same hours; a plan takes the last of them."""
    site = load_site(name)
    years = load_place_years(site)
    assert [sky.year for sky in years] == [2020, 2021, 2022, 2023, 2024]
    usual = load_weather(site)
    (same,) = [sky for sky in years if sky.year == usual.year]
    np.testing.assert_array_equal(same.air_temperature(), usual.air_temperature())
    means = [float(sky.air_temperature().mean()) for sky in years]
    assert 0.05 < np.std(means) < 1.5  # years differ, climates less
    assert len({sky.wind_10m.mean() for sky in years if sky.wind_10m is not None}) == 5
    skies, (told,) = weather_years(site, usual, 3)
    assert [sky.year for sky in skies] == [2022, 2023, 2024]
    assert told.value == "2022 to 2024"
    assert f"in {usual.year}" in told.reason
    with pytest.raises(InputError, match="at most 5: 2020 to 2024"):
        weather_years(site, usual, 6)
    assert load_place_years(load_site("oslo")) == ()


def test_a_file_of_another_place_is_told(tmp_path: Path) -> None:
    file = tmp_path / "here.csv"
    head = "# latitude: 48.1\n# longitude: 11.6\n# time_zone: 1\ntemperature [degC]\n"
    file.write_text(head + "10\n" * 8760, encoding="utf-8")
    assert load_weather(file).warnings == ()
    assert load_weather(file, site=load_site("munich")).warnings == ()
    (far,) = load_weather(file, site=load_site("london")).warnings
    assert "km and 1 h of time zone from London" in far
    (zone,) = load_weather(file, site=load_site("tokyo")).warnings
    assert "8 h" in zone


def test_what_ships_is_small_and_whole() -> None:
    folder = loader.path("weather/places")
    rows = loader.table("places_weather")
    assert {file.stem for file in folder.iterdir()} == set(rows)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 15e6
    assert len(PLACES) >= 300
    used = {row.text("weather") for row in loader.table("places").values()}
    assert used <= {*rows, *loader.table("sites")}


@pytest.mark.skipif(not SHARED.is_file(), reason="the data set is not beside the repository")
@pytest.mark.parametrize("name", ["ashburn-tmy3", "london-2023", "tashkent-modelled"])
def test_the_hours_are_the_data_sets(name: str) -> None:
    if name not in loader.table("places_weather"):
        pytest.skip("another year stands for this city")
    import duckdb

    raw = duckdb.sql(f"select * from '{SHARED}' where site = '{name}' order by hour").fetchnumpy()
    ours = read_hours(loader.entity("places_weather", name))
    np.testing.assert_allclose(ours["temperature"] / 10.0, raw["temp_air_C"], atol=0.051)
    for column in ("ghi", "dni", "dhi"):
        np.testing.assert_allclose(ours[column], raw[column], atol=0.51)


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = loader.entity("places_weather", "london-2023")
    monkeypatch.setattr(loader, "path", lambda name: Path("nowhere") / name)
    with pytest.raises(MissingDataError, match="the catalog lacks this file"):
        read_hours(row)


def test_a_misspelt_site_goes_before_a_city_of_its_name() -> None:
    with pytest.raises(InputError) as told:
        load_site("romme")
    assert told.value.nearest == "rome"


def test_the_plants_of_a_place_without_wind_say_so() -> None:
    row = plant_overview(2030, "dublin").loc["wind"]
    assert np.isnan(row["lcoe [$/MWh]"])
    assert row["note"].startswith("not here: this weather has no wind")
