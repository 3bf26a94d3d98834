"""A training run beside the yearly electricity of households, a town, a smelter, countries: computed from
rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.studies.outlook.outlook import OutlookResult

__all__ = ["Comparison", "compare_energy", "runs_of", "sentence"]

_RUN_YEAR = 2030
_WHOLE = 10.0  # from this many on a count is told without digits behind the point


@dataclass(frozen=True)
class Comparison:
    """``count`` times the yearly electricity of ``name`` (``yearly`` [J]), with the evidence of that."""

    id: str
    name: str
    kind: str
    yearly: float
    count: float
    grade: Grade
    source_id: str
    note: str

    @property
    def days(self) -> float:
        """For how many days the energy would do (of a year of 365)."""
        return self.count * 365.0


def compare_energy(energy: float) -> tuple[Comparison, ...]:
    """An energy beside every row of ``outlook_comparisons``, smallest user first.

    Parameters
    ----------
    energy : float
        [J], above 0.

    Raises
    ------
    InputError
        An energy that is not a number above 0.
    """
    if not 0.0 < energy < float("inf"):
        raise InputError("not an energy", key="energy", given=energy, allowed="above 0, in J")
    found: list[Comparison] = []
    for id, row in catalog.table("outlook_comparisons").items():
        proof = row.evidence("energy")
        yearly = proof.value * catalog_year()
        found.append(
            Comparison(
                id, row.text("name"), row.text("kind"), yearly, energy / yearly, proof.grade,
                proof.source_id, proof.note,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.yearly))


def catalog_year() -> float:
    """Seconds of a year: rows are energies a year, which the catalog holds as powers."""
    from gigawatt.core.quantities import factor

    return factor("yr")


def runs_of(result: OutlookResult | None = None) -> Mapping[str, tuple[float, float, float]]:
    """Runs to compare: name → (5 %, median, 95 %) of their energy [J].

    Parameters
    ----------
    result : OutlookResult, optional
        Adds the largest run of 2030, where that year is told.

    Returns
    -------
    mapping
        Published runs have one number, three times.
    """
    found: dict[str, tuple[float, float, float]] = {}
    for row in catalog.table("outlook_runs").values():
        energy = row.value("energy")
        found[row.text("name")] = (energy, energy, energy)
    if result is not None and _RUN_YEAR in result.years:
        from gigawatt.core.quantities import factor

        band, unit = result.band("run_energy", _RUN_YEAR), factor(result.units["run_energy"])
        found[f"the largest run of {_RUN_YEAR}"] = (band[0.05] * unit, band[0.5] * unit, band[0.95] * unit)
    return found


def sentence(name: str, energy: float, kind: str | None = None) -> str:
    """A run in words: ``GPT-3 175B takes as much electricity as 119 households in the United States in a
    year``.

    Of the rows of ``kind`` (of all, if none is given), the largest that the energy is at least one year of;
    else the smallest, in days.

    Raises
    ------
    InputError
        No such kind; not an energy.
    """
    rows = [one for one in compare_energy(energy) if kind in (None, one.kind)]
    if not rows:
        kinds = sorted({row.text("kind") for row in catalog.table("outlook_comparisons").values()})
        raise InputError("no such kind of user", key="kind", given=kind, allowed=kinds)
    whole = [one for one in rows if one.count >= 1.0]
    one = whole[-1] if whole else rows[0]
    if not whole:
        return f"{name} takes as much electricity as {one.name} in {one.days:.2g} days"
    count = f"{one.count:,.0f}" if one.count >= _WHOLE else f"{one.count:.2g}"
    many = catalog.entity("outlook_comparisons", one.id).text("many")
    return f"{name} takes as much electricity as {count} {many} in a year"
