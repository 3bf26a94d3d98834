"""Pack the world's places and their weather: ``python benchmarks/make_places.py path/to/shared/data``.

Written: ``places.csv`` (412 cities and data-centre regions less those that ``sites`` has),
``cloud_regions.csv`` (codes of providers), ``places_weather.csv`` with one file of hours each in
``weather/places``. Of several years of a city the one nearest to their mean stands for it, the others beside
it. A modelled year loses its wind, which is its donor's.
"""

from __future__ import annotations

import lzma
import re
import sys
import unicodedata
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.facility import Weather, load_site, load_weather
from gigawatt.facility.humidity import dew_point
from gigawatt.facility.sites import distance

SCALE = {"ghi": 1, "dni": 1, "dhi": 1, "temperature": 10, "dew_point": 10, "wind_10m": 100}
SOURCE = {  # by words of world_sites' source: source_id, grade
    "NREL TMY3": ("energyplus-tmy3", "measured"),
    "Open-Meteo": ("open-meteo-sustaincluster", "modelled"),
    "ERA5": ("era5-postal", "modelled"),
    "NSRDB": ("nsrdb-psm3-sam", "modelled"),
    "PVGIS": ("pvgis-tmy", "modelled"),
    "CWEC": ("cwec", "measured"),
    "donor": ("places-modelled", "guess"),
}
# Countries of world_regions by the letters that grids_countries has.
LETTERS = {
    "AE": "ARE", "AM": "ARM", "AO": "AGO", "AR": "ARG", "AT": "AUT", "AU": "AUS", "AZ": "AZE", "BD": "BGD",
    "BE": "BEL", "BG": "BGR", "BH": "BHR", "BN": "BRN", "BR": "BRA", "BW": "BWA", "CA": "CAN", "CD": "COD",
    "CH": "CHE", "CI": "CIV", "CL": "CHL", "CN": "CHN", "CO": "COL", "CR": "CRI", "CY": "CYP", "CZ": "CZE",
    "DE": "DEU", "DJ": "DJI", "DK": "DNK", "DO": "DOM", "DZ": "DZA", "EC": "ECU", "EE": "EST", "EG": "EGY",
    "ES": "ESP", "ET": "ETH", "FI": "FIN", "FJ": "FJI", "FR": "FRA", "GB": "GBR", "GE": "GEO", "GH": "GHA",
    "GR": "GRC", "GT": "GTM", "GU": "GUM", "HK": "HKG", "HR": "HRV", "HU": "HUN", "ID": "IDN", "IE": "IRL",
    "IL": "ISR", "IN": "IND", "IQ": "IRQ", "IR": "IRN", "IS": "ISL", "IT": "ITA", "JO": "JOR", "JP": "JPN",
    "KE": "KEN", "KH": "KHM", "KR": "KOR", "KW": "KWT", "KZ": "KAZ", "LA": "LAO", "LB": "LBN", "LK": "LKA",
    "LT": "LTU", "LU": "LUX", "LV": "LVA", "MA": "MAR", "MM": "MMR", "MN": "MNG", "MT": "MLT", "MU": "MUS",
    "MX": "MEX", "MY": "MYS", "MZ": "MOZ", "NA": "NAM", "NG": "NGA", "NL": "NLD", "NO": "NOR", "NP": "NPL",
    "NZ": "NZL", "OM": "OMN", "PA": "PAN", "PE": "PER", "PH": "PHL", "PK": "PAK", "PL": "POL", "PR": "PRI",
    "PT": "PRT", "PY": "PRY", "QA": "QAT", "RO": "ROU", "RS": "SRB", "RU": "RUS", "RW": "RWA", "SA": "SAU",
    "SE": "SWE", "SG": "SGP", "SK": "SVK", "SN": "SEN", "TH": "THA", "TN": "TUN", "TR": "TUR", "TW": "TWN",
    "TZ": "TZA", "UA": "UKR", "UG": "UGA", "US": "USA", "UY": "URY", "UZ": "UZB", "VN": "VNM", "ZA": "ZAF",
    "ZM": "ZMB", "ZW": "ZWE",
}  # fmt: skip
ZONES = {
    "US-TEX-ERCO": "ercot", "US-MIDA-PJM-DOM": "pjm-dominion", "US-CAL-CISO-NP15": "caiso",
    "US-NY-NYIS-CAPITL": "new-york", "CA-ON": "ontario", "AU-NSW": "new-south-wales", "AU-VIC": "victoria",
}  # fmt: skip
COUNTRIES = {
    "DE": "germany", "DK": "denmark", "NO": "nordic", "SE": "nordic", "FI": "finland", "FR": "france",
    "IT": "italy", "GB": "great-britain", "NL": "netherlands", "PL": "poland", "IN": "india",
    "MY": "malaysia",
}  # fmt: skip
# eGRID subregions and provinces of cities, recalled; a city without a row has its country's mean.
CITIES = {
    "new-york": "New York; Buffalo",
    "caiso": "Los Angeles; San Diego; Sacramento; Imperial",
    "arizona": "Phoenix; Tucson; Las Vegas; Albuquerque; Santa Teresa; El Paso",
    "northwest": "Seattle; Quincy; East Wenatchee; Moses Lake; Spokane; Portland; Hillsboro; The Dalles; "
    "Boardman; Prineville; Boise; Butte; Reno; Salt Lake City; Delta",
    "miso-north": "Minneapolis; Fargo; Ellendale; Jamestown; Williston; Sioux Falls; Des Moines; "
    "Council Bluffs; Cedar Rapids; Omaha; Lincoln; Madison",
    "spp-south": "Oklahoma City; Pryor; Tulsa; Amarillo",
    "CA-QC": "Montréal; Québec",
    "CA-BC": "Vancouver; Kamloops; Prince George",
    "CA-AB": "Calgary; Edmonton; Grande Prairie",
    "CA-SK": "Regina; Saskatoon",
    "CA-MB": "Winnipeg",
    "CA-NS": "Halifax",
    "CA-NB": "Saint John",
    "serc-south": "Atlanta; Social Circle; Rome; Savannah; Montgomery",
    "pjm-ohio": "Columbus; Cleveland; Cincinnati; Lordstown; Pittsburgh; Indianapolis; New Carlisle; "
    "Fort Wayne",
    "pjm-dominion": "Charlotte; Maiden; Raleigh; Moncks Corner",
    "queensland": "Brisbane",
    "western-australia": "Perth",
}  # fmt: skip
# States and provinces, as atlases have them.
STATES = {
    "Alabama": "Huntsville; Montgomery", "Alaska": "Anchorage; Fairbanks", "Arizona": "Tucson",
    "Arkansas": "Little Rock; West Memphis", "Colorado": "Denver; Colorado Springs",
    "California": "Santa Clara; San Francisco; Sacramento; Los Angeles; San Diego; Imperial",
    "Connecticut": "Hartford", "Florida": "Miami; Tampa; Jacksonville; Orlando",
    "Georgia": "Social Circle; Rome; Savannah", "Hawaii": "Honolulu", "Idaho": "Boise",
    "Illinois": "Chicago; DeKalb; Aurora", "Iowa": "Council Bluffs; Cedar Rapids", "Kansas": "Wichita",
    "Indiana": "Indianapolis; New Carlisle; Fort Wayne; Jeffersonville", "Kentucky": "Louisville",
    "Louisiana": "Rayville; Shreveport; New Orleans", "Maryland": "Frederick", "Massachusetts": "Boston",
    "Michigan": "Detroit; Grand Rapids", "Minnesota": "Minneapolis", "Mississippi": "Jackson; Meridian",
    "Missouri": "Kansas City; St. Louis", "Montana": "Billings; Butte", "Nebraska": "Omaha; Lincoln",
    "Nevada": "Las Vegas; Reno", "New Jersey": "Newark", "New Mexico": "Santa Teresa; Albuquerque",
    "New York": "New York; Albany; Buffalo", "North Carolina": "Charlotte; Maiden; Raleigh",
    "North Dakota": "Fargo; Ellendale; Jamestown; Williston", "Ohio": "Cleveland; Cincinnati; Lordstown",
    "Oklahoma": "Oklahoma City; Pryor; Tulsa", "Pennsylvania": "Pittsburgh; Philadelphia; Berwick",
    "Oregon": "Portland; Hillsboro; The Dalles; Boardman; Prineville", "South Carolina": "Moncks Corner",
    "South Dakota": "Sioux Falls", "Tennessee": "Nashville; Memphis; Clarksville",
    "Texas": "Dallas; Fort Worth; Midland; Pecos; Fort Stockton; Childress; Lubbock; Austin; Milam County; "
    "Corsicana; San Antonio; Houston; Laredo; El Paso",
    "Utah": "Salt Lake City; Delta", "Virginia": "Manassas; Culpeper; Richmond; Boydton",
    "Washington": "Quincy; East Wenatchee; Moses Lake; Spokane; Seattle",
    "Wisconsin": "Mount Pleasant; Port Washington; Milwaukee; Madison", "Wyoming": "Cheyenne",
    "Alberta": "Calgary; Edmonton; Grande Prairie", "British Columbia": "Vancouver; Kamloops; Prince George",
    "Manitoba": "Winnipeg", "New Brunswick": "Saint John", "Nova Scotia": "Halifax",
    "Ontario": "Toronto; Ottawa; Kitchener", "Quebec": "Montréal; Québec",
    "Saskatchewan": "Regina; Saskatoon", "Australian Capital Territory": "Canberra",
    "New South Wales": "Sydney",
    "Northern Territory": "Darwin", "South Australia": "Adelaide", "Tasmania": "Launceston; Hobart",
    "Victoria": "Melbourne", "Western Australia": "Perth",
    "England": "London; Manchester; Birmingham; Blyth; Culham", "Scotland": "Edinburgh",
    "Wales": "Cardiff", "Northern Ireland": "Belfast",
}  # fmt: skip
_WITH_STATES = ("US", "CA", "AU", "GB")
# What else a place is called, beside what the list of places has.
ALSO = {
    "New York": "NYC; New York City; Brooklyn; Queens; NY",
    "Los Angeles": "LA; El Segundo",
    "San Francisco": "SF; SF Bay; SF Bay Area; Bay Area; San Francisco Bay; Oakland",
    "Santa Clara": "Sunnyvale; Mountain View; Palo Alto",
    "Dallas": "DFW; Dallas Fort Worth; Garland",
    "Las Vegas": "Vegas; Henderson",
    "Minneapolis": "Twin Cities; Saint Paul",
    "Boston": "Cambridge MA",
    "Philadelphia": "Philly",
    "Salt Lake City": "SLC",
    "New Orleans": "NOLA",
    "Chicago": "Chicagoland",
    "Mumbai": "Bombay",
    "Chennai": "Madras",
    "Kolkata": "Calcutta",
    "Delhi": "New Delhi; NCR; Gurgaon",
    "Pune": "Poona",
    "Kyiv": "Kiev",
    "Beijing": "Peking",
    "Guangzhou": "Canton",
    "Ho Chi Minh City": "Saigon; HCMC",
    "Copenhagen": "København",
    "Vienna": "Wien",
    "Prague": "Praha",
    "Warsaw": "Warszawa",
    "Lisbon": "Lisboa",
    "Milan": "Milano",
    "Cologne": "Köln",
    "Zürich": "Zuerich",
    "Geneva": "Genève",
    "Athens": "Athina",
    "Bucharest": "București",
    "Gothenburg": "Göteborg",
    "Düsseldorf": "Duesseldorf",
    "Munich": "Muenchen",
    "Hong Kong": "HK",
    "Brussels": "Bruxelles; Brussel",
    "Amsterdam": "Haarlemmermeer",
    "Mexico City": "CDMX; Ciudad de México",
    "Abu Dhabi": "AUH",
}
NEAR = 60e3
"""A place within this distance [m] of a site with its name is that site."""
ALIKE, REACH = 3.0, 300e3
"""Preferred: a year within ``REACH`` [m] whose 1 % hot dry bulb is within ``ALIKE`` [K] of the place's."""
REGION = re.compile(r"(AWS|Azure|GCP) ([a-z0-9-]+)$|^([a-z]+gov[a-z]+|us-gov-[a-z]+-\d)$")


def slug(text: str) -> str:
    """ASCII words with hyphens."""
    plain = (
        unicodedata.normalize("NFKD", text.replace("ø", "o").replace("ł", "l"))
        .encode("ascii", "ignore")
        .decode()
    )
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def typical(sites: pd.DataFrame) -> pd.DataFrame:
    """One row a city of those with several single years: the one nearest to their mean."""
    single = sites[sites.kind == "year"]
    columns = ["mean_C", "ghi_kWh_m2", "ws10_mean"]
    chosen: list[str] = []
    for _, group in single.groupby("city"):
        spread = group[columns].std() + 1e-9
        far = (((group[columns] - group[columns].mean()) / spread) ** 2).sum(axis=1)
        chosen.append(str(group.site[far.idxmin()]))
    return sites[(sites.kind != "year") | sites.site.isin(chosen)]


def state_of(name: str, country: str) -> str:
    """The state or province of a place, empty where its country is known by its cities alone."""
    known = [state for state, cities in STATES.items() if name in cities.split("; ")]
    return known[0] if known and country in _WITH_STATES else ""


def pack(hours: pd.DataFrame, columns: list[str], target: Path) -> None:
    """Write columns as differences from hour to hour, low and high bytes apart, for ``read_hours``."""
    kelvin = hours.temp_air_C.to_numpy(float) + 273.15
    wet = dew_point(temperature=kelvin, humidity=hours.rh.clip(1, 100).to_numpy(float) / 100) - 273.15
    known = {
        "ghi": hours.ghi, "dni": hours.dni, "dhi": hours.dhi, "temperature": hours.temp_air_C,
        "dew_point": wet, "wind_10m": hours.ws10,
    }  # fmt: skip
    values = np.array([np.rint(np.asarray(known[c], float) * SCALE[c]).astype("<i2") for c in columns])
    steps = np.diff(values, axis=1, prepend=np.int16(0)).astype("<i2")
    planes = steps.view("u1").reshape(len(columns), -1, 2).transpose(0, 2, 1)
    target.write_bytes(lzma.compress(planes.tobytes(), preset=9 | lzma.PRESET_EXTREME))


def weather(shared: Path) -> pd.DataFrame:
    """Write ``places_weather.csv`` and its files; of what it has, the years that may stand for a place."""
    sites = pd.read_csv(shared / "weather/world_sites.csv", keep_default_na=False)
    sites = sites[(sites.stored == "yes") & sites.ship.str.startswith("yes")]
    usual = set(typical(sites).site)
    table = duckdb.sql(f"select * from '{shared}/weather/world_hourly.parquet' order by site, hour").df()
    by_site = dict(list(table.groupby("site")))
    folder = loader.path("weather/places")
    folder.mkdir(exist_ok=True)
    rows: list[dict[str, object]] = []
    for one in sites.itertuples():
        columns = [name for name in SCALE if name != "wind_10m" or one.kind != "modelled"]
        pack(by_site[one.site], columns, folder / f"{one.site}.xz")
        source, grade = next(found for words, found in SOURCE.items() if words in str(one.source))
        if one.kind == "modelled":
            source, grade = SOURCE["donor"]
        rows.append(
            {
                "id": one.site, "name": one.city, "country": one.country, "kind": one.kind,
                "period": one.year, "hot": one.p99_C,
                "latitude [deg]": one.lat, "longitude [deg]": one.lon, "elevation [m]": one.elevation_m,
                "time_zone [h]": one.time_zone_h,
                "weather_year []": one.year if str(one.year).isdigit() else "",
                "columns": "|".join(columns), "grade": grade, "source_id": source, "locator": one.source,
                "note": one.notes,
            }
        )  # fmt: skip
    made = pd.DataFrame(rows)
    made.drop(columns="hot").to_csv(loader.path("places_weather.csv"), index=False, lineterminator="\n")
    return made[made.id.isin(usual)]


def grid(name: str, zone: str, country: str) -> str:
    """The row of ``grids`` or ``grids_countries``."""
    if zone in ZONES:
        return ZONES[zone]
    if country in ("US", "AU", "CA"):
        for row, cities in CITIES.items():
            if name in cities.split("; "):
                return row
    return COUNTRIES.get(country, LETTERS[country])


def places(shared: Path, years: pd.DataFrame) -> None:
    """Write ``places.csv`` and ``cloud_regions.csv``."""
    regions = pd.read_csv(shared / "weather/world_regions.csv", keep_default_na=False)
    countries = loader.table("grids_countries")
    lit = _lit()
    rows: list[dict[str, object]] = []
    codes: list[dict[str, object]] = []
    taken: set[str] = set()
    for one in regions.itertuples():
        here = (one.lat, one.lon)
        key = slug(one.name)
        if key in taken:
            key = slug(f"{one.name} {countries[LETTERS[one.country]].text('name')}")
        held = _site(one.name, here)
        if held is None and _known(one.name):
            key = slug(f"{one.name} {one.aliases.split(';')[0] or state_of(one.name, one.country)}")
        words: list[str] = []
        provider = ""
        also = f"{one.aliases}; {ALSO.get(one.name, '')}"
        for written in filter(None, (word.strip() for word in also.split(";"))):
            code = REGION.match(written)
            if code is None:
                if not re.match(r"(AWS|Azure|GCP)\b", written) and "(announced)" not in written:
                    words.append(written)
                continue
            provider = code[1] or ("AWS" if code[3].startswith("us-gov") else "Azure")
            codes.append(
                {
                    "id": code[2] or code[3], "provider": provider, "site": held or key, "grade": "guess",
                    "source_id": "places-compiled", "locator": one.name,
                    "note": "region and city recalled; a provider names no more than a metropolis or a state",
                }
            )  # fmt: skip
        taken.add(key)
        if held:
            print(f"{one.name}: the site {held}")
            continue
        own = years[(years.name == one.name) & (years.country == one.country)]
        weather = (
            str(own.id.iloc[0])
            if len(own) == 1
            else _stand_in(own if len(own) else pd.concat([years, lit]), here, one.db1_hot_C)
        )
        rows.append(
            {
                "id": key, "name": one.name,
                "country": "USA" if one.country == "US" else countries[LETTERS[one.country]].text("name"),
                "state": state_of(one.name, one.country),
                "latitude [deg]": one.lat, "longitude [deg]": one.lon, "elevation [m]": one.elevation_m,
                "time_zone [h]": one.time_zone_h, "clock": one.time_zone, "weather": weather,
                "grid": grid(one.name, one.grid_zone, one.country), "grid_zone": one.grid_zone,
                "design_hot [degC]": one.db1_hot_C, "design_cold [degC]": one.db99_cold_C,
                "climate": one.ashrae_zone,
                "aliases": "|".join(words), "grade": "measured", "source_id": "places-compiled",
                "locator": f"station {one.station}, {one.station_km} km",
                "note": "1 % hot and 99 % cold dry bulb are the station's",
            }
        )  # fmt: skip
    pd.DataFrame(rows).to_csv(loader.path("places.csv"), index=False, lineterminator="\n")
    pd.DataFrame(codes).to_csv(loader.path("cloud_regions.csv"), index=False, lineterminator="\n")
    print(len(rows), "places,", len(codes), "cloud regions")


def _lit() -> pd.DataFrame:
    """Sites of the catalog with irradiance of their own, as rows of ``places_weather``."""
    rows = [load_site(name) for name in loader.table("sites")]
    return pd.DataFrame(
        [
            {
                "id": one.id,
                "latitude [deg]": one.latitude,
                "longitude [deg]": one.longitude,
                "hot": _hot(year),
            }
            for one in rows
            if (year := load_weather(one)).ghi is not None
        ]
    )


def _hot(year: Weather) -> float:
    """The dry bulb [degC] that one hour in a hundred exceeds."""
    return float(np.quantile(year.air_temperature(), 0.99)) - 273.15


def _stand_in(years: pd.DataFrame, here: tuple[float, float], hot: float) -> str:
    """The nearest year whose 1 % hot dry bulb is the place's, or where none is within reach, the nearest."""
    ends = zip(years["latitude [deg]"], years["longitude [deg]"], strict=True)
    far = np.array([distance(*here, *at) for at in ends])
    alike = (np.abs(years.hot.to_numpy(float) - hot) <= ALIKE) & (far <= REACH)
    return str(years.id.iloc[int(np.argmin(np.where(alike, far, far + REACH)))])


def _known(name: str) -> bool:
    """Whether ``sites`` has the name itself, so that a place of that name would not be found."""
    try:
        return loader.entity("sites", name) is not None
    except InputError:
        return False


def _site(name: str, here: tuple[float, float]) -> str | None:
    """The site of the catalog that has this name and lies near."""
    try:
        one = load_site(name)
    except InputError:
        return None
    if one.id not in loader.table("sites"):
        return None
    far = distance(*here, one.latitude, one.longitude)
    if far > NEAR:
        print(f"  {name} is not the site {one.id}, {far / 1e3:.0f} km away")
        return None
    return one.id


def main(shared: Path) -> None:
    """Pack everything; the places of an earlier run shall not be found while this one looks."""
    for name in ("places", "cloud_regions"):
        loader.path(f"{name}.csv").write_text("id\n", encoding="utf-8")
    places(shared, weather(shared))
    total = sum(file.stat().st_size for file in loader.path("weather/places").iterdir()) / 1e6
    print(f"weather of places {total:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
