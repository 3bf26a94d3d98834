"""Pack hourly prices and shapes of markets: ``python benchmarks/make_grid_hours.py path/to/shared/data``.

Read: ``markets/prices_hourly.parquet``, ``carbon_hourly.parquet``, ``zones.csv``. Written into the
catalog: ``grids_hours.csv`` (one row a series) with its details by year, ``grids/hours/ID.xz`` of every
series that may be passed on, and, of derived numbers alone, ``grids_hours_quantiles.csv`` (price over its
mean, of the series that may not), ``grids_hours_price.csv`` (which hours of which month are dear in them) and
``grids_hours_carbon.csv`` (carbon over its mean by month and hour).
"""

from __future__ import annotations

import csv
import lzma
import sys
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import loader
from gigawatt.facility import load_weather
from gigawatt.power.grid import grid_row
from gigawatt.power.market import order
from gigawatt.power.market.model import CUTS, column, probit
from gigawatt.power.market.series import FIRST_YEAR, MISSING, STEP, filled_year, local_years
from gigawatt.power.residual import weather_driver

Array = NDArray[np.float64]
IDS = {
    "US-TEX-ERCO": "ercot", "US-MIDA-PJM-DOM": "pjm-dominion", "US-NY-NYIS-CAPITL": "nyiso-capital",
    "US-CAL-CISO-NP15": "caiso-np15", "CA-ON": "ontario", "BR-SE": "brazil-southeast",
    "CL-QUILLOTA": "chile-quillota", "AU-NSW": "new-south-wales", "AU-VIC": "victoria", "JP-TK": "tokyo",
    "KR": "korea", "SG": "singapore", "IN": "india", "AT": "austria", "BE": "belgium", "CH": "switzerland",
    "DE-LU": "germany", "ES": "spain", "FR": "france", "NL": "netherlands", "PT": "portugal",
    "GB": "great-britain",
}  # fmt: skip
ZONE = {
    "ercot": -6, "pjm-dominion": -5, "nyiso-capital": -5, "caiso-np15": -8, "ontario": -5,
    "brazil-southeast": -3, "chile-quillota": -4, "new-south-wales": 10, "victoria": 10, "tokyo": 9,
    "korea": 9, "singapore": 8, "india": 5, "great-britain": 0, "portugal": 0,
}  # fmt: skip
"""Local standard time [h], 1 where left out; of these numbers, a site has its own."""
CITY = {"ercot": "dallas", "germany": "frankfurt", "great-britain": "london", "new-south-wales": "sydney",
        "victoria": "melbourne", "nyiso-capital": "new-york", "ontario": "toronto", "singapore": "singapore",
        "chile-quillota": "santiago", "brazil-southeast": "sao-paulo", "korea": "seoul", "india": "mumbai",
        "tokyo": "tokyo", "pjm-dominion": "philadelphia"}  # fmt: skip
"""Where a weather of each price year is known, for the rank correlation."""
KEPT = {"US-MIDA-PJM-DOM", "JP-TK", "SG", "IN"}
"""Series that may not be passed on."""
YEARS = range(FIRST_YEAR, 2025)
ENOUGH = 0.9
DATA = loader.path("")
with (DATA / "price_index.csv").open(encoding="utf-8") as _stream:
    INDEX = {
        int(one["year"]): float(one["value"]) for one in csv.DictReader(_stream) if int(one["year"]) <= 2024
    }
NUMBER = ["id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
          "locator", "note"]  # fmt: skip


def read(shared: Path, zone: str, column: str, file: str) -> Array:
    """Hours of a series in UTC from 2020 to 2024 (43848,), ``nan`` where there is none."""
    table = str(shared / "markets" / file)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT epoch(utc) AS t, {column} AS v FROM read_parquet(?) WHERE zone = ?", [table, zone]
        ).fetchnumpy()
    hours = np.full(sum(8784 if y % 4 == 0 else 8760 for y in YEARS), np.nan)
    begin = np.datetime64(f"{FIRST_YEAR}-01-01").astype("datetime64[s]").astype(int)
    at = ((np.asarray(found["t"]) - begin) // 3600).astype(int)
    inside = (at >= 0) & (at < len(hours))
    hours[at[inside]] = np.asarray(found["v"], dtype=float)[inside]
    return hours


def pack(hours: Array, file: Path) -> None:
    """Whole numbers of 32 bit, the bytes of a kind together, LZMA."""
    whole = np.where(np.isfinite(hours), np.round(np.nan_to_num(hours) / STEP), MISSING).astype("<i4")
    planes = whole.view(np.uint8).reshape(-1, 4).T.copy()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lzma.compress(planes.tobytes(), preset=9 | lzma.PRESET_EXTREME))


def whole_years(hours: Array, name: str) -> dict[int, Array]:
    """Years (8760,) of local time of which enough is there, gaps ``nan``."""
    found = local_years(hours, ZONE.get(name, 1))
    return {year: one for year, one in found.items() if np.isfinite(one).mean() >= ENOUGH}


def by_month_and_hour(values: Array) -> Array:
    """Means (288,) of the finite values of each hour of each month."""
    known = np.isfinite(values)
    count = np.bincount(order.CELL[known], minlength=288)
    return np.bincount(order.CELL[known], values[known], 288) / np.maximum(count, 1)


def weather_weight(name: str, prices: dict[int, Array]) -> list[float]:
    """Rank correlations, within month and hour, of price with the weather's residual load, by year."""
    from gigawatt.facility import load_site
    from gigawatt.facility.weather import load_place_years

    if name not in CITY:
        return []
    site = load_site(CITY[name])
    skies = {sky.year: sky for sky in load_place_years(site) or (load_weather(site),)}
    found: list[float] = []
    for year in sorted(prices.keys() & skies.keys()):
        dear = order.within(np.nan_to_num(prices[year], nan=float(np.nanmedian(prices[year]))))
        need = weather_driver(grid_row(site.grid), skies[year])
        if need is not None:
            found.append(max(0.0, float(np.corrcoef(dear, order.within(need))[0, 1])))
    return found


def price_shape(prices: dict[int, Array]) -> tuple[Array, float]:
    """(probit of the rank in the year by month and hour (288,), correlation of the rest by the hour)."""
    scores, left = [], []
    for one in prices.values():
        filled = np.nan_to_num(one, nan=float(np.nanmedian(one)))
        scores.append(probit(order.rank(filled)))
    shape = np.mean([by_month_and_hour(one) for one in scores], axis=0)
    for one in scores:
        rest = one - shape[order.CELL]
        left.append(float(np.corrcoef(rest[1:], rest[:-1])[0, 1]))
    return shape, float(np.mean(left))


def carbon_shape(carbon: dict[int, Array], prices: dict[int, Array]) -> tuple[Array, float, float]:
    """(carbon over its mean by month and hour (288,), its rise with the rank of price within them, error).

    The error is the root mean square over the hours of a year that the fit has not seen, over its mean.
    """

    def fit(years: list[int]) -> tuple[Array, float]:
        over = {year: carbon[year] / np.nanmean(carbon[year]) for year in years}
        shape = np.mean([by_month_and_hour(one) for one in over.values()], axis=0)
        up = down = 0.0
        for year in years:
            if year in prices:
                rest, dear = over[year] - shape[order.CELL], within(prices[year])
                known = np.isfinite(rest)
                up, down = up + float(dear[known] @ rest[known]), down + float(dear[known] @ dear[known])
        return shape, up / down if down else 0.0

    def within(price: Array) -> Array:
        return order.within(np.nan_to_num(price, nan=float(np.nanmedian(price))))

    errors: list[float] = []
    for year in carbon:
        shape, slope = fit([other for other in carbon if other != year])
        told = shape[order.CELL] + (slope * within(prices[year]) if year in prices else 0.0)
        errors.append(float(np.sqrt(np.nanmean((carbon[year] / np.nanmean(carbon[year]) - told) ** 2))))
    return *fit(list(carbon)), float(np.mean(errors))


def write(name: str, head: list[str], rows: list[list[object]]) -> None:
    with (DATA / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, *rows])


def grid(values: Array, digits: int) -> list[list[object]]:
    return [[round(float(v), digits) for v in month] for month in values.reshape(12, 24)]


def main(shared: Path) -> None:
    """Write all tables."""
    wide, details, cuts, dear, dirty = [], [], [], [], []
    with (shared / "markets/zones.csv").open(encoding="utf-8") as stream:
        zones = list(csv.DictReader(stream))
    for row in zones:
        if row["zone"] not in IDS:
            continue  # no price
        zone, name = row["zone"], IDS[row["zone"]]
        ships = zone not in KEPT
        source = SOURCES.get(name, SOURCES["europe"])
        prices = whole_years(read(shared, zone, "price", "prices_hourly.parquet"), name)
        carbon = {
            kind: whole_years(read(shared, zone, column, "carbon_hourly.parquet"), name)
            for kind, column in (("direct", "g_direct"), ("life_cycle", "g_lifecycle"))
        }
        wide.append(
            [
                name,
                row["place"],
                row["market"],
                row["currency"],
                "series" if ships else "model",
                zone,
                ZONE.get(name, 1),
                CITY.get(name, ""),
                row["licence_note"],
                row["trap"],
                "measured" if ships else "modelled",
                source,
                zone,
                "",
            ]
        )
        if ships:
            pack(read(shared, zone, "price", "prices_hourly.parquet"), DATA / f"grids/hours/{name}.xz")
        for year, one in prices.items():
            rate = float(row[f"usd_{year}"])
            mean = float(filled_year(one)[0].mean())
            details.append(
                [
                    name,
                    "exchange",
                    rate,
                    "",
                    "",
                    "",
                    year,
                    "",
                    "guess" if rate != 1 else "measured",
                    "exchange-recalled",
                    "annual mean",
                    "dollars for one unit of the series' currency",
                ]
            )
            details.append(
                [
                    name,
                    "price",
                    round(mean * rate, 4),
                    "",
                    "",
                    "$/MWh",
                    year,
                    year,
                    "measured",
                    source,
                    zone,
                    f"mean of the hours; {np.isfinite(one).mean():.2%} of them known",
                ]
            )
            if not ships:
                q = np.nanquantile(one, CUTS) / mean
                cuts.append(
                    [
                        f"{name}-{year}",
                        name,
                        *(round(float(v), 4) for v in q),
                        year,
                        "modelled",
                        source,
                        zone,
                        "quantiles of the hours over their mean",
                    ]
                )
        means = {
            year: float(filled_year(one)[0].mean())
            * float(row[f"usd_{year}"])
            * INDEX[max(INDEX)]
            / INDEX[year]
            for year, one in prices.items()
        }
        last = means[max(means)]
        details.append(
            [
                name,
                "level",
                1,
                round(min(1.0, *(m / last for m in means.values())), 4),
                round(max(1.0, *(m / last for m in means.values())), 4),
                "",
                "",
                "",
                "measured",
                source,
                zone,
                f"prices of the latest year, {max(means)}, times this: the range is that "
                "of the means of all years, in dollars of one year",
            ]
        )
        weights = weather_weight(name, prices)
        if weights:
            details.append(
                [
                    name,
                    "weather_weight",
                    round(float(np.mean(weights)), 3),
                    round(min(weights), 3),
                    round(max(weights), 3),
                    "",
                    "",
                    "",
                    "calibrated",
                    source,
                    CITY[name],
                    "rank correlation, within month and hour of the day, of price and residual load of "
                    "the same years' weather at this place; low and high: the years",
                ]
            )
        if not ships:
            shape, kept = price_shape(prices)
            details.append(
                [
                    name,
                    "persistence",
                    round(kept, 3),
                    "",
                    "",
                    "",
                    "",
                    "",
                    "calibrated",
                    source,
                    zone,
                    "correlation from hour to hour of what month and hour do not explain",
                ]
            )
            for month, hours in enumerate(grid(shape, 3), start=1):
                dear.append([f"{name}-{month:02d}", *hours, "modelled", source, zone, ""])
        for kind, years in carbon.items():
            for year, one in years.items():
                details.append(
                    [
                        name,
                        f"carbon_{kind}",
                        round(float(np.nanmean(one)), 1),
                        "",
                        "",
                        "g/kWh",
                        year,
                        "",
                        "modelled",
                        "electricity-maps",
                        zone,
                        "mean of the hours",
                    ]
                )
        if carbon["life_cycle"]:
            shape, slope, error = carbon_shape(carbon["life_cycle"], prices)
            for quantity, value, words in (
                (
                    "carbon_slope",
                    slope,
                    "rise of carbon over its mean from the cheapest to the dearest of the hours "
                    "of a month and hour of the day",
                ),
                ("carbon_error", error, "root mean square of hours of a year that the fit has not seen"),
            ):
                details.append(
                    [
                        name,
                        quantity,
                        round(value, 4),
                        "",
                        "",
                        "",
                        "",
                        "",
                        "calibrated",
                        "electricity-maps",
                        zone,
                        words,
                    ]
                )
            for month, hours in enumerate(grid(shape, 3), start=1):
                dirty.append([f"{name}-{month:02d}", *hours, "calibrated", "electricity-maps", zone, ""])
    tail = ["grade", "source_id", "locator", "note"]
    write(
        "grids_hours",
        [
            "id",
            "name",
            "market",
            "currency",
            "kind",
            "zone",
            "time_zone [h]",
            "place",
            "licence",
            "trap",
            *tail,
        ],
        wide,
    )
    write("grids_hours.details", NUMBER, details)
    write("grids_hours_quantiles", ["id", "series", *(f"{column(c)} []" for c in CUTS), "year", *tail], cuts)
    hours = [f"hour_{h:02d} []" for h in range(24)]
    write("grids_hours_price", ["id", *hours, *tail], dear)
    write("grids_hours_carbon", ["id", *hours, *tail], dirty)


SOURCES = {
    "ercot": "ercot-np4-180",
    "pjm-dominion": "pjm-data-miner",
    "nyiso-capital": "nyiso-lbmp",
    "caiso-np15": "caiso-oasis",
    "ontario": "ieso-hoep",
    "brazil-southeast": "ccee-pld",
    "chile-quillota": "cen-chile",
    "new-south-wales": "aemo-rrp",
    "victoria": "aemo-rrp",
    "tokyo": "jepx-spot",
    "korea": "kpx-smp",
    "singapore": "emc-usep",
    "india": "iex-dam",
    "europe": "rte-eco2mix",
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
