"""Make the compact series of the outlook from the public files that they come from.

    python benchmarks/read_outlook_tables.py FOLDER

FOLDER holds ``tech_costs_learning.csv`` and ``epoch/`` as downloaded. What is written lies in the catalog's
``outlook`` folder; every file is described by rows of ``hindcast_series``. Needs pandas.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gigawatt import catalog

FAMILIES = {  # twins: several series of one technology, left out of pooled fits together
    "photovoltaics": ("Photovoltaics", "Photovoltaics_2", "Photovoltaics_4", "Fotovoltaica",
                      "Solar_PV_LCOE_global"),
    "wind": ("Wind_Power", "Wind_Electricity", "Wind_Turbine_(Denmark)", "Wind_Turbine_2_(Germany)",
             "Wind_onshore_LCOE_global"),
    "aluminium": ("Aluminum", "Primary_Aluminum"),
    "magnesium": ("Magnesium", "Primary_Magnesium"),
    "ethylene": ("Ethylene", "Ethylene_2"),
    "polyethylene": ("PolyethyleneLD", "Low_Density_Polyethylene", "PolyethyleneHD"),
    "ethanol": ("Ethanol_(Brazil)", "Ethanol_2"),
    "ccgt": ("CCGT_Power", "CCGT_Electricity"),
    "nuclear": ("Nuclear_Power_(OECD)", "Nuclear_Electricity"),
    "gas_pipelines": ("Offshore_Gas_Pipeline", "Onshore_Gas_Pipeline"),
    "solar_thermal": ("Solar_Thermal", "Solar_Thermal_Electricity"),
    "dna": ("Shotgun_Sanger_DNA_Sequencing", "Capillary_DNA_Sequencing"),
    "ranges": ("Electric_Range", "Free_Standing_Gas_Range"),
    "styrene": ("Styrene", "Polystyrene"),
    "semiconductors": ("DRAM", "Transistor"),
}  # fmt: skip

NOT_DRAM = {
    "GroqChip LPU v1": "memory on the chip",
    "Tesla D1 Dojo": "memory on the chip",
    "MetaX MXC500 (PCIe)": "18 TB/s cannot be of its HBM2e: ten times its neighbours",
    "MetaX MXC500 (OAM)": "18 TB/s cannot be of its HBM2e: ten times its neighbours",
    "AMD Radeon Instinct MI308X": "10.3 TB/s is twice that of the MI300X that it derives from",
    "AMD Radeon Instinct MI300": "6.55 TB/s is above MI300X and MI300A, the parts that were sold",
}


def costs(folder: Path) -> pd.DataFrame:
    """Price and cumulative production by year; several observations of a year are averaged (ln)."""
    rows = pd.read_csv(folder / "tech_costs_learning.csv")
    family = {name: key for key, names in FAMILIES.items() for name in names}
    whole = rows.dropna(subset=["cum_production", "unit_cost", "year"]).copy()
    whole["year"] = np.floor(whole["year"]).astype(int)
    made = []
    for name, one in whole.groupby("technology"):
        by_year = one.groupby("year")
        table = pd.DataFrame(
            {
                "experience": by_year["cum_production"].max(),
                "cost": np.exp(np.log(one["unit_cost"]).groupby(one["year"]).mean()),
            }
        ).reset_index()
        table.insert(0, "technology", name)
        table.insert(1, "family", family.get(str(name), name))
        made.append(table)
    return pd.concat(made)


def models(epoch: Path) -> pd.DataFrame:
    """Date and compute of the notable models of 2009 and later that disclose it."""
    rows = pd.read_csv(epoch / "notable_ai_models_2026-07-19.csv")
    rows = rows[rows["Training compute (FLOP)"].notna() & (rows["Publication date"] >= "2009")]
    return pd.DataFrame(
        {
            "model": rows["Model"],
            "date": rows["Publication date"],
            "flop": rows["Training compute (FLOP)"],
            "confidence": rows["Confidence"],
        }
    ).sort_values(["date", "model"])


def chips(epoch: Path) -> pd.DataFrame:
    """Rates, power, bandwidth and price of the accelerators with a date of release."""
    rows = pd.read_csv(epoch / "ml_hardware_2026-07-19.csv")
    rows = rows[rows["Release date"].notna()]
    made = pd.DataFrame({"chip": rows["Hardware name"], "date": rows["Release date"].str[:10]})
    for column, name in (
        ("fp32", "FP32 (single precision) performance (FLOP/s)"),
        ("half", "FP16 (half precision) performance (FLOP/s)"),
        ("tensor", "Tensor-FP16/BF16 performance (FLOP/s)"),
        ("bandwidth", "Memory bandwidth (byte/s)"),
        ("power", "TDP (W)"),
        ("price", "Release price (USD)"),
    ):
        made[column] = rows[name]
    made["not_dram"] = made["chip"].map(NOT_DRAM).fillna("")
    return made.sort_values(["date", "chip"])


def owners(epoch: Path) -> pd.DataFrame:
    """Installed H100 equivalents by quarter and owner, summed over makers: median, 5 and 95 %."""
    found = []
    files = ("nvidia_owners", "nvidia_owners_OTHER", "amd_owners", "tpu_owners", "trainium_owners",
             "coreweave_owners", "named_other_owners")  # fmt: skip
    for file in files:
        rows = pd.read_csv(epoch / "chip_owners" / f"{file}_cumulative_totals.csv")
        found.append(
            pd.DataFrame(
                {
                    "maker": rows["Chip manufacturer"],
                    "owner": rows["Owner"],
                    "quarter": pd.to_datetime(rows["End date"], format="mixed").dt.strftime("%Y-%m-%d"),
                    "median": rows["Compute estimate in H100e (median)"],
                    "low": rows["H100e (5th percentile)"],
                    "high": rows["H100e (95th percentile)"],
                }
            )
        )
    return pd.concat(found).sort_values(["quarter", "maker", "owner"])


def revenue_and_users(epoch: Path) -> pd.DataFrame:
    """OpenAI: annualised revenue and weekly users as they were reported."""
    revenue = pd.read_csv(epoch / "ai_companies_revenue_reports.csv")
    revenue = revenue[(revenue["Company"] == "OpenAI") & revenue["Annualized revenue (USD)"].notna()]
    usage = pd.read_csv(epoch / "ai_companies_usage_reports.csv")
    usage = usage[
        (usage["Company"] == "OpenAI")
        & (usage["Active users time period"] == "Weekly")
        & usage["Active users"].notna()
        & (usage["Product"] == "ChatGPT")
        & (usage["Active users"] > 45e6)  # a later row of 40 million is of one offer
    ]
    made = [
        pd.DataFrame(
            {"quantity": name, "date": rows["Date"], "value": rows[column], "confidence": rows["Confidence"]}
        )
        for name, rows, column in (
            ("revenue", revenue, "Annualized revenue (USD)"),
            ("weekly_users", usage, "Active users"),
        )
    ]
    return pd.concat(made).sort_values(["quantity", "date"])


def sites(epoch: Path) -> pd.DataFrame:
    """Facility watts, capital and days to first power of the tracked sites, from their timelines."""
    rows = pd.read_csv(epoch / "data_center_timelines_2026-05-23.csv")
    rows["Date"] = pd.to_datetime(rows["Date"])
    made = []
    for name, one in rows.sort_values("Date").groupby("Data center"):
        powered = one[one["Power (MW)"] > 0]
        last = one.iloc[-1]
        row = {
            "site": name,
            "start": one["Date"].iloc[0].date(),
            "first_power": powered["Date"].iloc[0].date() if len(powered) else "",
            "facility_mw": last["Power (MW)"],
            "it_mw": last["IT power (MW)"],
            "capital_2025_billions": last["Total capital cost (2025 USD billions)"],
        }
        for when in ("2024-08-26", "2026-05-23", "2026-08-26"):  # the last is the snapshot's projection
            before = one[one["Date"] <= when]
            row[f"h100e_{when[:7]}"] = before["H100 equivalents"].iloc[-1] if len(before) else 0.0
            row[f"it_mw_{when[:7]}"] = before["IT power (MW)"].iloc[-1] if len(before) else 0.0
        made.append(row)
    return pd.DataFrame(made)


def main(folder: Path) -> None:
    """Write the tables."""
    epoch, out = folder / "epoch", catalog.path("outlook")
    out.mkdir(exist_ok=True)
    for name, table in (
        ("costs", costs(folder)),
        ("models", models(epoch)),
        ("chips", chips(epoch)),
        ("owners", owners(epoch)),
        ("revenue_users", revenue_and_users(epoch)),
        ("sites", sites(epoch)),
    ):
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.7g", lineterminator="\n")
        print(name, len(table))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
