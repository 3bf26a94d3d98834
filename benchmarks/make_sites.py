"""Pack the weather and the hourly grids that gigawatt ships.

    python benchmarks/make_sites.py PATH_OF_THE_SHARED_DATA_FOLDER

Reads public series (NREL, hydesign, ERA5 capacity factors, Cambium 2023, the Greensboro TMY3 file that
pvlib carries) and writes one small Parquet file a site: integers, zstd, 8,760 hours of local standard
time, 29 February left out. Hour i covers [i, i+1).

What it mends, because the raw files are not alike:

* stamps: some series stamp the start of the hour, some its end, some an instant. The stamp that fits is
  the one at which the sun's height explains the global radiation best;
* some of hydesign's series split the radiation of the hour before the stamp with the sun at the stamp: too
  much of the morning is diffuse, too little of the afternoon, and a tracker's day comes half an hour late.
  Where GHI = DHI + DNI cos(z) does not close at the stamp that fits, GHI is split again (Erbs 1982);
* hydesign's 2012 has 29 February and lacks 31 December: the 30th stands in for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from gigawatt.catalog import loader
from gigawatt.facility.sun import extraterrestrial_normal, sun_position

NREL = {
    "abilene-texas": ("abilene_tx_2013", -6),
    "west-texas": ("west_texas_2013", -6),
    "texas-panhandle": ("texas_panhandle_2012", -6),
    "iron-range-minnesota": ("iron_range_mn_2013", -6),
    "daggett-california": ("daggett_ca_tmy", -8),
    "rome": ("rome_2008", 1),
    "brisbane": ("brisbane_2013", 10),
    "kuala-lumpur": ("kuala_lumpur_2020", 8),
    "geraldton-australia": ("geraldton_wa_2024", 8),
}
HYDESIGN = {
    "karlsruhe": ("Karlsruhe", 1),
    "rostock": ("Rostock", 1),
    "nuremberg": ("Nuremberg", 1),
    "jutland": ("Denmark_good_wind", 1),
    "aalborg": ("Aalborg", 1),
    "workum-netherlands": ("Workum", 1),
    "brighton": ("Brighton", 0),
    "perpignan": ("Perpignan", 1),
    "kiruna": ("Kiruna", 1),
    "linkoping": ("Linkoping", 1),
    "turku": ("Turku", 2),
    "lublin": ("Lublin", 1),
    "gujarat": ("Indian_site_good_solar", 5),
    "telangana": ("Indian_site_bad_solar_bad_wind", 5),
    "tamil-nadu": ("Indian_site_good_wind", 5),
    "ardeche": ("France_good_solar", 1),
    "normandy": ("France_good_wind", 1),
    "berry-france": ("France_bad_solar_n_wind", 1),
    "horns-rev": ("Denmark_offshore", 1),
    "langeland": ("Denmark_hybridization_solar_Langelinie", 1),
    "bruges": ("Bruges", 1),
    "munster": ("Munster", 1),
    "stavanger": ("Stavanger", 1),
    "tonsberg": ("Tonsberg", 1),
    "bodo": ("Bodo", 1),
    "haapsalu": ("Haapsalu", 2),
    "liepaja": ("Liepaja", 2),
    "marijampole": ("Marijampole", 2),
    "ostersund": ("Ostersund", 1),
}
# Series of several years, and the whole-hour zone of their local standard time.
ERA5 = {
    "arizona": -7,
    "california": -8,
    "canary_lanzarote": 0,
    "crete": 2,
    "dover_strait": 0,
    "france": 1,
    "georgia": -5,
    "germany": 1,
    "gran_canaria": 0,
    "iowa": -6,
    "italy": 1,
    "jutland": 1,
    "ohio": -5,
    "poland": 1,
    "portugal_sines": 0,
    "romania_dobrogea": 2,
    "sicily": 1,
    "spain": 1,
    "sweden": 1,
    "swiss_jura": 1,
    "tarifa": 1,
    "texas": -6,
    "uk": 0,
    "virginia": -5,
}
# Sites whose sun and wind are an ERA5 series', and whose temperature is another place's (sites_normals).
TEMPERATURE = {
    "columbus-ohio": "virginia",
    "atlanta-georgia": "virginia",
    "phoenix-arizona": "daggett-california",
    "des-moines-iowa": "iron-range-minnesota",
    "madrid": "rome",
}
SCALE = {
    "ghi": 1.0,
    "dni": 1.0,
    "dhi": 1.0,
    "temperature": 10.0,
    "dew_point": 10.0,
    "wind_10m": 100.0,
    "wind_100m": 100.0,
}
SOLAR_CONSTANT = loader.entity("modules", "single-axis").value("solar_constant")
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def hour_of_year(times: pd.DatetimeIndex) -> np.ndarray:
    """Hour of a year without 29 February; -1 on that day."""
    start = np.concatenate([[0], np.cumsum(MONTH_DAYS)[:-1]])
    hour = (start[times.month - 1] + times.day - 1) * 24 + times.hour
    return np.where((times.month == 2) & (times.day == 29), -1, hour)


def best_stamp(frame: pd.DataFrame, latitude: float, longitude: float) -> tuple[float, float]:
    """(hours from the stamp to the sun's time, closure error there [W/m²])."""
    found: list[tuple[float, float, float]] = []
    for offset in (-0.5, 0.0, 0.5):
        z = cos_zenith(frame, latitude, longitude, offset)
        closure = float(np.sqrt(np.mean((frame.dhi + frame.dni * z - frame.ghi) ** 2)))
        found.append((float(np.corrcoef(z, frame.ghi)[0, 1]), offset, closure))
    closed = [f for f in found if f[2] < 10.0]
    exact = [f for f in closed if f[0] > max(found)[0] - 0.004]
    chosen = max(exact) if exact else max(found)
    return chosen[1], chosen[2]


def cos_zenith(frame: pd.DataFrame, latitude: float, longitude: float, offset: float) -> np.ndarray:
    moment = pd.DatetimeIndex(frame.time_utc) + pd.Timedelta(hours=offset)
    days = np.asarray(moment.to_julian_date()) - 2451545.0
    elevation, _ = sun_position(days_since_2000=days, latitude=latitude, longitude=longitude)
    return np.clip(np.sin(np.radians(elevation)), 0.0, None)


def diffuse_share(clearness: np.ndarray) -> np.ndarray:
    """Diffuse over global radiation of an hour, from global over extraterrestrial radiation [].

    References
    ----------
    Erbs, D. G., Klein, S. A., Duffie, J. A. (1982). Estimation of the diffuse radiation fraction for hourly,
    daily and monthly-average global radiation. Solar Energy 28, 293-302.
    """
    k = np.clip(clearness, 0.0, None)
    middle = 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    return np.where(k <= 0.22, 1.0 - 0.09 * k, np.where(k <= 0.8, middle, 0.165))


def pack(frame: pd.DataFrame, time_zone: int, target: Path) -> None:
    """Write the columns of ``frame`` (by ``time_utc``) as integers in local standard time."""
    local = pd.DatetimeIndex(frame.time_utc) + pd.Timedelta(hours=time_zone)
    frame = frame.assign(hour=hour_of_year(local))
    frame = frame[frame.hour >= 0].drop_duplicates("hour").set_index("hour").sort_index()
    full = frame.reindex(range(8760))
    columns = [c for c in SCALE if c in full and full[c].isna().sum() <= 48]
    for column in columns:
        for hour in np.flatnonzero(full[column].isna()):
            full.loc[hour, column] = full.loc[hour - 24 if hour >= 24 else hour + 24, column]
            print(f"  {target.stem}: {column} of hour {hour} taken from a day beside it")
    packed = pd.DataFrame({c: np.rint(full[c] * SCALE[c]).astype("int16") for c in columns})
    write(packed, target)
    print(f"{target.stem:24s} {target.stat().st_size / 1e3:7.0f} kB  {', '.join(columns)}")


def write(packed: pd.DataFrame, target: Path) -> None:
    """Write a table through duckdb (zstd)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.register("packed", packed)
    connection.execute(f"COPY packed TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)")


def measured(frame: pd.DataFrame, key: str, time_zone: int, latitude: float, longitude: float) -> None:
    """A site with radiation: find the stamp, mend DNI, pack."""
    offset, closure = best_stamp(frame, latitude, longitude)
    remade = closure > 10.0
    if remade:
        z = cos_zenith(frame, latitude, longitude, offset)
        low = z < 0.06
        days = pd.DatetimeIndex(frame.time_utc).dayofyear.to_numpy(float)
        over = extraterrestrial_normal(day_of_year=days, solar_constant=SOLAR_CONSTANT) * z
        dhi = frame.ghi * diffuse_share(frame.ghi / np.where(low, np.inf, over))
        dni = np.where(low, 0.0, (frame.ghi - dhi) / np.where(low, 1.0, z))
        frame = frame.assign(dni=np.clip(dni, 0.0, 1100.0))
        frame = frame.assign(dhi=np.clip(frame.ghi - frame.dni * z, 0.0, None))
    if offset < 0:  # stamped at the end of the hour
        frame = frame.assign(time_utc=frame.time_utc - pd.Timedelta(hours=1))
    sun = 0.0 if offset == 0 else 0.5
    print(
        f"  stamp {offset:+.1f} h, closure {closure:.1f} W/m²",
        "split again," if remade else "",
        f"sun_time {sun} h",
    )
    pack(frame, time_zone, loader.path("weather") / f"{key}.parquet")


def greensboro() -> pd.DataFrame:
    """Temperature and dew point of the Greensboro TMY3, hour of year by hour of year."""
    import pvlib

    file = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    raw = pd.read_csv(file, skiprows=1)
    return pd.DataFrame({"temperature": raw["Dry-bulb (C)"], "dew_point": raw["Dew-point (C)"]})


def check_grid_hours(shared: Path) -> None:
    """How well the residual method finds Cambium's hours from Cambium's own wind, sun and demand."""
    from gigawatt.power.residual import residual_shape

    file = shared / "grid" / "cambium23_westconnectnorth_2025_2050.parquet"
    for year in (2025, 2030):
        x = duckdb.sql(f"select * from '{file}' where year = {year} order by hour").df()
        demand = (x.generation / x.generation.mean()).to_numpy()
        wind, sun = x["wind-ons"].to_numpy(), (x.upv + x.distpv).to_numpy()
        mean = x.generation.mean()
        left = residual_shape(
            demand=demand,
            solar=sun,
            wind=wind,
            solar_share=sun.mean() / mean,
            wind_share=wind.mean() / mean,
            firm_share=(x.hydro + x.biomass).mean() / mean,
            floor=0.05,
        )
        ours = left / demand / np.mean(left / demand)
        theirs = (x.avg_co2_kg_mwh / x.avg_co2_kg_mwh.mean()).to_numpy()
        print(
            f"residual method, Cambium {year}: correlation {np.corrcoef(ours, theirs)[0, 1]:.3f}, "
            f"rms {np.sqrt(np.mean((ours - theirs) ** 2)):.3f} of the mean, a constant {theirs.std():.3f}"
        )


def main(shared: Path) -> None:
    """Pack everything."""
    weather = shared / "weather"
    nrel = duckdb.sql(f"select * from '{weather}/nrel_weather_sites.parquet'").df()
    nrel = nrel.rename(
        columns={
            "temp_air_C": "temperature",
            "dew_C": "dew_point",
            "ws10": "wind_10m",
            "ws_100m": "wind_100m",
        }
    )
    for key, (name, zone) in NREL.items():
        mine = nrel[nrel.site == name].reset_index(drop=True)
        measured(mine, key, zone, float(mine.lat[0]), float(mine.lon[0]))
    places = pd.read_csv(weather / "hydesign_sites.csv").set_index("site")
    hydesign = duckdb.sql(f"select * from '{weather}/hydesign_weather_2012.parquet'").df()
    hydesign = hydesign.rename(
        columns={"time": "time_utc", "temp_air_C": "temperature", "ws_100m": "wind_100m"}
    )
    for key, (name, zone) in HYDESIGN.items():
        mine = hydesign[hydesign.site == name].reset_index(drop=True)
        measured(mine, key, zone, places.lat[name], places.lon[name])
    era5 = duckdb.sql(
        f"select * from '{weather}/era5_cf_multiyear_1e4.parquet' order by site, year, hour"
    ).df()
    for name, zone in ERA5.items():
        mine = era5[era5.site == name]
        yearly = mine.groupby("year")[["cf_solar", "cf_wind"]].mean()
        distance = ((yearly / yearly.mean() - 1.0) ** 2).sum(axis=1)
        solar = np.roll(mine.cf_solar.to_numpy(float), zone - 1)  # stamped at the end of the hour
        wind = np.roll(mine.cf_wind.to_numpy(float), zone)
        packed = {
            "cf_solar": np.rint(solar / 10).astype("int16"),
            "cf_wind": np.rint(wind / 10).astype("int16"),
        }
        write(pd.DataFrame(packed), loader.path("weather") / "years" / f"{name.replace('_', '-')}.parquet")
        print(f"  {name}: ERA5 year nearest the mean of {len(yearly)}: {int(distance.idxmin())}")
    packed = {name: np.rint(values * 10).astype("int16") for name, values in greensboro().items()}
    write(pd.DataFrame(packed), loader.path("weather") / "virginia.parquet")
    for key, other in TEMPERATURE.items():
        file = loader.path("weather") / f"{other}.parquet"
        air = duckdb.sql(f"select temperature, dew_point from '{file}'").df()
        write(air, loader.path("weather") / f"{key}.parquet")
    cambium = duckdb.sql(
        f"select year, hour, avg_co2_kg_mwh average, lrmer_co2e marginal from "
        f"'{shared}/grid/cambium23_westconnectnorth_2025_2050.parquet' order by year, hour"
    ).df()
    table = cambium.pivot(index="hour", columns="year").sort_index()
    table.columns = [f"{kind}_{year}" for kind, year in table.columns]
    write(np.rint(table * 10).astype("int16"), loader.path("grids") / "westconnect-north.parquet")
    mix = pd.read_csv(shared / "grid" / "codecarbon_country_mix.csv")
    mix = mix[(mix.carbon_intensity > 0) & (mix.total_TWh > 0)].sort_values("iso")
    firm = mix[["nuclear_TWh", "hydroelectricity_TWh", "other_renewable_TWh"]].sum(axis=1)
    rows = pd.DataFrame(
        {
            "id": mix.iso,
            "name": mix.country_name,
            "carbon [g/kWh]": mix.carbon_intensity.round(1),
            "solar_share []": (mix.solar_TWh / mix.total_TWh).clip(0, 1).round(4),
            "wind_share []": (mix.wind_TWh / mix.total_TWh).clip(0, 1).round(4),
            "firm_clean_share []": (firm / mix.total_TWh).clip(0, 1).round(4),
            "year": mix.year,
            "grade": "measured",
            "source_id": "codecarbon-mix",
            "locator": "data/private_infra/global_energy_mix.json",
            "note": "annual mean, life-cycle factors",
        }
    )
    rows.to_csv(loader.path("grids_countries.csv"), index=False, lineterminator="\n")
    total = sum(f.stat().st_size for f in loader.path("weather").rglob("*.parquet")) / 1e6
    print(f"weather folder {total:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    check_grid_hours(Path(sys.argv[1]))
