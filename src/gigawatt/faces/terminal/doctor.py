"""``gigawatt doctor``: what is installed, and what a missing package would give."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from gigawatt import __version__, catalog
from gigawatt.faces.terminal.console import console, print_json
from gigawatt.faces.terminal.options import Json

__all__ = ["doctor_command"]

_NEEDS = {
    "numpy": ("every package", ""),
    "scipy": ("supply plan, fits", ""),
    "pandas": ("tables", ""),
    "xarray": ("labelled arrays of a result", ""),
    "pint": ("units", ""),
    "pydantic": ("scenarios", ""),
    "clarabel": ("supply plan", ""),
    "highspy": ("supply plan, cross-check", ""),
    "duckdb": ("Parquet tables", ""),
    "plotly": ("figures", ""),
    "jinja2": ("report", ""),
    "numba": ("compiled: requests of a service, outages of a plan", ""),
    "torch": ("calibrate on a GPU (numpy does on a CPU), emulate", "gigawatt[calibrate]"),
    "transformers": ("emulate: language models", "gigawatt[emulation]"),
    "gguf": ("emulate: SmolLM2's weights", "gigawatt[emulation]"),
    "qdk": ("quantum resources: another estimator beside ours", "gigawatt[quantum]"),
    "pypsa": ("export to PyPSA", "gigawatt[pypsa]"),
    "pvlib": ("oracle of the solar tests", "gigawatt[dev]"),
}


def doctor_command(
    json: Json = False,
) -> None:
    """Say what is installed, what is missing, and which feature needs it."""
    from rich.table import Table

    found: list[dict[str, str]] = []
    for name, (feature, extra) in _NEEDS.items():
        try:
            state = version(name)
        except PackageNotFoundError:
            state = "missing"
        found.append({"package": name, "version": state, "feature": feature, "install": extra})
    tables = {name: len(catalog.table(name)) for name in catalog.tables()}
    head = {
        "gigawatt": __version__,
        "python": platform.python_version(),
        "processors": str(os.cpu_count()),
        "catalog": catalog.version(),
        "user catalog": catalog.user_words(),
    }
    if json:
        folder, own = catalog.user_folder(), catalog.user_catalog()
        head["user_catalog"] = head.pop("user catalog")
        user = {
            "folder": None if folder is None else str(folder),
            "entries": {k: [*v] for k, v in own.items()},
        }
        print_json({**head, "user_catalog": user, "packages": found, "catalog_tables": tables})
        return
    out = console()
    for name, value in head.items():
        out.print(f"{name:<13} {value}", markup=False)
    out.print(f"{'tables':<13} {len(tables)} with {sum(tables.values())} entries")
    shown = Table("package", "version", "for", "mend", box=None)
    for row in found:
        missing = row["version"] == "missing"
        mend = f"pip install '{row['install'] or 'gigawatt'}'".replace("[", r"\[") if missing else ""
        shown.add_row(row["package"], row["version"], row["feature"], mend)
    out.print(shown)
