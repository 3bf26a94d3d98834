"""Basis of zones and nodes against their hub: ``python benchmarks/make_basis.py path/to/hours``.

Read: CSV files of hourly prices, a column a place, in local standard time (``time`` first): caiso, ercot_da,
ercot_rt, ercot_node, nyiso, miso, spp, sweden, italy. Written into the catalog: ``basis.csv`` (a row a
place), its details (mean and spread of each year) and ``basis_hours.csv`` (what hours of the day in a quarter
add to the mean). Rows of other origin in these files stay.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import loader

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
DATA = loader.path("")
ENOUGH = 0.8
"""Least share of the hours of a year."""
DOLLARS = {2020: 1.142, 2021: 1.183, 2022: 1.053, 2023: 1.081, 2024: 1.082}
"""For a euro, annual means (recalled)."""


@dataclass(frozen=True)
class Market:
    """A file of hours: ``grid`` of the catalog, ``hub`` that the basis is against, ``places`` (id, name,
    kind) by column, ``source``, and what hours they are."""

    file: str
    grid: str
    hub: str
    hub_name: str
    hours: str
    source: str
    places: dict[str, tuple[str, str, str]]
    euro: bool = False


MARKETS = (
    Market("ercot_da", "ercot", "hb_hubavg", "hub average", "day-ahead", "ercot-np4-180", {
        "lz_houston": ("ercot-houston", "ERCOT load zone Houston", "zone"),
        "lz_north": ("ercot-north", "ERCOT load zone North", "zone"),
        "lz_south": ("ercot-south", "ERCOT load zone South", "zone"),
        "lz_west": ("ercot-west", "ERCOT load zone West", "zone"),
        "lz_aen": ("ercot-austin", "ERCOT load zone of Austin Energy", "zone"),
        "lz_cps": ("ercot-san-antonio", "ERCOT load zone of CPS Energy (San Antonio)", "zone"),
        "lz_lcra": ("ercot-lcra", "ERCOT load zone of LCRA", "zone"),
        "lz_raybn": ("ercot-rayburn", "ERCOT load zone of Rayburn", "zone"),
        "hb_west": ("ercot-west-hub", "ERCOT West hub", "hub"),
        "hb_pan": ("ercot-panhandle-hub", "ERCOT Panhandle hub", "hub"),
    }),
    Market("ercot_node", "ercot", "Hub average", "hub average", "real-time", "ercot-np6-905", {
        "NBOHR_RN": ("ercot-node-nbohr", "ERCOT resource node NBOHR_RN (wind and storage, West)", "node"),
    }),
    Market("caiso", "caiso", "NP-15", "NP15", "real-time", "eia-wholesale", {
        "SP-15": ("caiso-sp15", "CAISO SP15 (south)", "hub"),
        "ZP-26": ("caiso-zp26", "CAISO ZP26 (centre)", "hub"),
    }),
    Market("nyiso", "new-york", "F - Capital", "zone F (Capital)", "real-time", "eia-wholesale", {
        "A - West": ("nyiso-west", "NYISO zone A (West)", "zone"),
        "B - Genessee": ("nyiso-genesee", "NYISO zone B (Genesee)", "zone"),
        "C - Central": ("nyiso-central", "NYISO zone C (Central)", "zone"),
        "D - North": ("nyiso-north", "NYISO zone D (North)", "zone"),
        "E - Mohawk Valley": ("nyiso-mohawk-valley", "NYISO zone E (Mohawk Valley)", "zone"),
        "G - Hudson Valley": ("nyiso-hudson-valley", "NYISO zone G (Hudson Valley)", "zone"),
        "H - Millwood": ("nyiso-millwood", "NYISO zone H (Millwood)", "zone"),
        "I - Dunwoodie": ("nyiso-dunwoodie", "NYISO zone I (Dunwoodie)", "zone"),
        "J - New York City": ("nyiso-new-york-city", "NYISO zone J (New York City)", "zone"),
        "K - Long Island": ("nyiso-long-island", "NYISO zone K (Long Island)", "zone"),
    }),
    Market("miso", "miso-north", "Minnesota Hub", "Minnesota hub", "real-time", "eia-wholesale", {
        f"{name} Hub": (f"miso-{name.lower()}", f"MISO {name} hub", "hub")
        for name in ("Illinois", "Indiana", "Michigan", "Arkansas", "Louisiana", "Mississippi", "Texas")
    }),
    Market("spp", "spp-south", "South Hub", "South hub", "real-time", "eia-wholesale", {
        "North Hub": ("spp-north", "SPP North hub", "hub"),
    }),
    Market("sweden", "nordic", "SE3", "SE3 (Stockholm)", "day-ahead", "entsoe-day-ahead", {
        "SE1": ("sweden-se1", "Sweden SE1 (Luleå)", "zone"),
        "SE2": ("sweden-se2", "Sweden SE2 (Sundsvall)", "zone"),
        "SE4": ("sweden-se4", "Sweden SE4 (Malmö)", "zone"),
    }, euro=True),
    Market("italy", "italy", "PUN", "PUN (national price)", "day-ahead", "gme-mgp", {
        "NORD": ("italy-north", "Italy North", "zone"),
        "CNOR": ("italy-centre-north", "Italy Centre-North", "zone"),
        "CSUD": ("italy-centre-south", "Italy Centre-South", "zone"),
        "SUD": ("italy-south", "Italy South", "zone"),
        "CALA": ("italy-calabria", "Italy Calabria", "zone"),
        "SICI": ("italy-sicily", "Italy Sicily", "zone"),
        "SARD": ("italy-sardinia", "Italy Sardinia", "zone"),
    }, euro=True),
)  # fmt: skip


def index() -> dict[int, float]:
    """Consumer prices of a year over those of the catalog's year."""
    with (DATA / "price_index.csv").open(encoding="utf-8") as stream:
        rows = {int(one["year"]): float(one["value"]) for one in csv.DictReader(stream)}
    return {year: value / rows[loader.CURRENCY_YEAR] for year, value in rows.items()}


@dataclass(frozen=True)
class Hours:
    """(H,) year, month from 1 and hour of the day of local standard time, and prices (H,) by column."""

    year: Ints
    month: Ints
    hour: Ints
    prices: dict[str, Array]


def read(file: Path) -> Hours:
    """A CSV file of hours; an empty cell is not known."""
    with file.open(encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    time = np.array([one[0] for one in rows], dtype="datetime64[h]")
    table = np.array([[float(cell or "nan") for cell in one[1:]] for one in rows])
    year = time.astype("datetime64[Y]").astype(np.int64) + 1970
    month = time.astype("datetime64[M]").astype(np.int64) % 12 + 1
    hour = time.astype(np.int64) % 24
    return Hours(year, month, hour, dict(zip(head[1:], table.T, strict=True)))


def of_year(at: Hours, basis: Array, year: int) -> tuple[float, float, Array, float] | None:
    """(mean, spread, (4, 24) hours of the day by quarter less the mean, share that is known) of a year;
    ``None`` where too little is known. The mean is that of its months, so that lost days weigh nothing."""
    here = (at.year == year) & np.isfinite(basis)
    known = float(here.sum()) / 8760.0
    if known < ENOUGH:
        return None
    one, month, hour = basis[here], at.month[here], at.hour[here]
    mean = float(np.mean([one[month == k].mean() for k in np.unique(month)]))
    quarter = (month - 1) // 3
    shape = np.array([[one[(quarter == q) & (hour == h)].mean() for h in range(24)] for q in range(4)])
    return mean, float((one - mean).std()), shape - shape.mean(), min(known, 1.0)


def write(name: str, head: Sequence[str], rows: list[list[object]], made: set[str]) -> None:
    """The rows into a table of the catalog, in place of those that were made before."""
    file = DATA / f"{name}.csv"
    kept: list[list[str]] = []
    if file.exists():
        with file.open(encoding="utf-8") as stream:
            kept = list(csv.reader(stream))[1:]
    others = [one for one in kept if one[0] not in made and one[0].rpartition("-q")[0] not in made]
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([list(head), *rows, *others])


def main(folder: Path) -> None:
    """Make the three tables."""
    prices = index()
    wide: list[list[object]] = []
    long: list[list[object]] = []
    hourly: list[list[object]] = []
    for market in MARKETS:
        at = read(folder / f"{market.file}.csv")
        money = np.array([(DOLLARS.get(year, np.nan) if market.euro else 1.0) / prices[year]
                          for year in at.year.tolist()])  # fmt: skip
        for column, (name, called, kind) in market.places.items():
            basis = (at.prices[column] - at.prices[market.hub]) * money
            each = {year: of_year(at, basis, year) for year in np.unique(at.year).tolist()}
            found = {year: one for year, one in each.items() if one is not None}
            wide.append([name, called, market.grid, market.hub_name, kind, market.hours, "measured",
                         market.source, column, ""])  # fmt: skip
            for year, (mean, spread, _, known) in found.items():
                note = f"{market.hours}; {known:.0%} of the hours known"
                for quantity, value in (("basis", mean), ("spread", spread)):
                    long.append([name, quantity, round(value, 3), "", "", "$/MWh", year, loader.CURRENCY_YEAR,
                                 "measured", market.source, column, note])  # fmt: skip
            shape = np.mean([one[2] for one in found.values()], axis=0)
            for quarter, hours in enumerate(shape.tolist(), start=1):
                hourly.append([f"{name}-q{quarter}", *(round(value, 2) for value in hours),
                               loader.CURRENCY_YEAR, "measured", market.source, column, ""])  # fmt: skip
    made = {str(one[0]) for one in wide}
    tail = ["grade", "source_id", "locator", "note"]
    write("basis", ["id", "name", "grid", "hub", "kind", "hours", *tail], wide, made)
    write("basis.details", ["id", "quantity", "value", "low", "high", "unit", "year", "currency_year", *tail],
          long, made)  # fmt: skip
    columns = [f"hour_{hour:02d} [$/MWh]" for hour in range(24)]
    write("basis_hours", ["id", *columns, "currency_year", *tail], hourly, made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
