"""Priors: the table of what is not known, scenarios over it, what a user overrides, and the draws.

Tables ``outlook`` (one row a quantity), ``outlook_scenarios`` (rows that a scenario puts in their place) and
``outlook_correlations`` (pairs; together a Gaussian copula). Values are drawn in SI units of the row's unit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.catalog.loader import Entity
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import factor, parse
from gigawatt.outlook.distributions import KINDS, Distribution, normal_score
from gigawatt.outlook.frame import YEARS
from gigawatt.outlook.randomness import uniforms

__all__ = ["SCENARIOS", "Prior", "Priors", "read_correlations", "read_priors", "read_scenario_rows"]

Array = NDArray[np.float64]

SHARE = "share"
"""Unit of a number that must lie within 0 to 1."""
TABLES = ("outlook", "outlook_adoption", "outlook_society")
"""Tables of quantities."""
SCENARIOS = ("base", "headwinds", "lift-off")
_NUMBERS = ("low", "mid", "high", "shape")


@dataclass(frozen=True)
class Prior:
    """A quantity with its distribution (in ``unit``), whether each year has its own draw, and its evidence.

    ``origin`` is ``catalog``, the name of a scenario, or ``user``.
    """

    id: str
    summary: str
    unit: str
    distribution: Distribution
    yearly: bool
    grade: Grade
    source_id: str
    locator: str
    note: str
    origin: str = "catalog"

    @property
    def si(self) -> Distribution:
        """The distribution of the SI value."""
        return self.distribution.scaled(1.0 if self.unit == SHARE else factor(self.unit))

    @property
    def words(self) -> str:
        """The distribution with its unit."""
        unit = "" if self.unit in ("1", SHARE) else f" {self.unit}"
        return f"{self.distribution.words()}{unit}"

    def assumption(self) -> Assumption:
        """The row as it is listed beside a result."""
        reason = f"{self.summary}; {self.note}" if self.note else self.summary
        return Assumption(self.id, self.words, reason, self.grade, self.source_id)


@dataclass(frozen=True)
class Priors:
    """Quantities by name, the factor of their correlations, and which stream each draws from.

    ``streams`` puts a suffix to the stream of a quantity: how a sensitivity analysis changes one of them.
    """

    rows: Mapping[str, Prior]
    groups: tuple[tuple[str, ...], ...]
    factors: tuple[Array, ...] = field(repr=False)

    def group_of(self, name: str) -> tuple[str, ...]:
        """The quantities that are drawn together with ``name``."""
        return next((group for group in self.groups if name in group), (name,))

    def draw(
        self,
        seed: int,
        start: int,
        stop: int,
        names: Collection[str] | None = None,
        streams: Mapping[str, str] | None = None,
    ) -> dict[str, Array]:
        """Draws ``start`` to ``stop`` of every quantity, in SI units.

        Returns
        -------
        dict of array
            (draws, 1), or (draws, years) where each year has its own.
        """
        wanted = set(self.rows if names is None else names)
        found: dict[str, Array] = {}
        for group, triangle in zip(self.groups, self.factors, strict=True):
            if not wanted.intersection(group):
                continue
            scores = [normal_score(self._uniform(seed, start, stop, name, streams)) for name in group]
            from scipy.special import ndtr  # pyright: ignore[reportMissingTypeStubs]

            for i, name in enumerate(group):
                mixed = sum(float(triangle[i, j]) * scores[j] for j in range(i + 1) if triangle[i, j])
                found[name] = self.rows[name].si.quantile(np.asarray(ndtr(mixed)))
        for name in self.rows:
            if name in wanted and name not in found:
                found[name] = self.rows[name].si.quantile(self._uniform(seed, start, stop, name, streams))
        return {name: found[name] for name in self.rows if name in wanted}

    def _uniform(
        self, seed: int, start: int, stop: int, name: str, streams: Mapping[str, str] | None
    ) -> Array:
        width = len(YEARS) if self.rows[name].yearly else 1
        if self.rows[name].distribution.kind == "fixed":
            return np.full((stop - start, width), 0.5)  # its value does not ask for luck
        return uniforms(seed, name + (streams or {}).get(name, ""), start, stop, width)

    def assumptions(self) -> tuple[Assumption, ...]:
        """Every row as an assumption."""
        return tuple(row.assumption() for row in self.rows.values())

    def overrides(self) -> tuple[Prior, ...]:
        """Rows that the user put in place of the catalog's."""
        return tuple(row for row in self.rows.values() if row.origin == "user")

    def with_user(self, quantities: Mapping[str, Any]) -> Priors:
        """These priors with distributions that a user wrote.

        Parameters
        ----------
        quantities : mapping
            Quantity → a number (fixed), a text with a unit, or a mapping with ``kind`` and its numbers.

        Raises
        ------
        InputError
            A quantity that is not there (names the nearest), a key or unit that does not fit, an impossible
            distribution.
        """
        rows = dict(self.rows)
        for name, written in quantities.items():
            if name not in rows:
                raise InputError(
                    "no such quantity of the outlook",
                    key=f"quantities.{name}",
                    allowed="see `gigawatt catalog list outlook`, `… outlook_society`",
                    nearest=nearest(str(name), rows),
                )
            try:
                made = _written(rows[name], written)
            except InputError as error:
                raise error.at(key=f"quantities.{name}") from None
            rows[name] = replace(
                rows[name], distribution=made, origin="user", grade=Grade.guess, source_id="", note="yours"
            )
        return replace(self, rows=rows)


def _written(row: Prior, written: Any) -> Distribution:
    def number(key: str, value: Any) -> float:
        if key == "shape" or row.unit in (SHARE, "1"):
            return parse(value, "1")
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise InputError("the unit is missing", given=value, allowed=f"such as {value} {row.unit}")
        return parse(value, row.unit) / factor(row.unit)

    share = row.unit == SHARE
    if not isinstance(written, Mapping):
        return Distribution("fixed", mid=number("mid", written), share=share)
    allowed = ("kind", *_NUMBERS)
    given = {str(key): value for key, value in cast("Mapping[object, Any]", written).items()}
    for key in given:
        check_word(None, key, allowed, "no such key")
    kind = str(given.get("kind", row.distribution.kind))
    check_word(None, kind, KINDS, "no such distribution")
    numbers = {key: number(key, given[key]) for key in _NUMBERS if key in given}
    return Distribution(kind, share=share, **numbers)


def _distribution(row: Entity, unit: str) -> Distribution:
    numbers = {name: row.get(name) for name in _NUMBERS}
    return Distribution(row.text("kind"), share=unit == SHARE, **numbers)


def _first(row: Entity) -> Evidence:
    return row.rows()[0]


@lru_cache(maxsize=1)
def _catalog_rows() -> Mapping[str, Prior]:
    found: dict[str, Prior] = {}
    for id, row in ((id, row) for name in TABLES for id, row in catalog.table(name).items()):
        proof, unit = _first(row), row.text("unit")
        try:
            made = _distribution(row, unit)
        except InputError as error:
            raise error.at(file=proof.where, key=id) from None
        found[id] = Prior(
            id, row.text("summary"), unit, made, row.text("each") == "year",
            proof.grade, proof.source_id, proof.locator, proof.note,
        )  # fmt: skip
    return found


def read_scenario_rows(scenario: str) -> dict[str, Prior]:
    """Rows that ``scenario`` puts in place of the table's.

    Raises
    ------
    InputError
        No such scenario; a row of it names a quantity that is not there.
    """
    check_word("scenario", scenario, SCENARIOS, "no such scenario")
    base = _catalog_rows()
    found: dict[str, Prior] = {}
    for id, row in catalog.table("outlook_scenarios").items():
        if row.text("scenario") != scenario:
            continue
        name, proof = row.text("quantity"), _first(row)
        if name not in base:
            raise InputError(
                "no such quantity", file=proof.where, key=id, given=name, nearest=nearest(name, base)
            )
        try:
            made = _distribution(row, base[name].unit)
        except InputError as error:
            raise error.at(file=proof.where, key=id) from None
        found[name] = replace(
            base[name], distribution=made, grade=proof.grade, source_id=proof.source_id,
            locator=proof.locator, note=proof.note, origin=scenario,
        )  # fmt: skip
    return found


def read_correlations(rows: Mapping[str, Prior]) -> tuple[tuple[tuple[str, ...], ...], tuple[Array, ...]]:
    """(groups of correlated quantities, lower Cholesky factor of each group's matrix).

    Raises
    ------
    InputError
        A name that is not there, a correlation outside −1 to 1, quantities drawn by the year beside others,
        a matrix that is not positive definite.
    """
    pairs: dict[tuple[str, str], float] = {}
    for id, row in catalog.table("outlook_correlations").items():
        one, other, value = row.text("one"), row.text("other"), row.value("correlation")
        where = _first(row).where
        for name in (one, other):
            if name not in rows:
                raise InputError(
                    "no such quantity", file=where, key=id, given=name, nearest=nearest(name, rows)
                )
        if not -1.0 < value < 1.0 or one == other:
            raise InputError(
                "not a correlation of two", file=where, key=id, given=value, allowed="between −1 and 1"
            )
        if rows[one].yearly != rows[other].yearly:
            raise InputError(
                "one is drawn by the year, one is not", file=where, key=id, given=f"{one}, {other}"
            )
        pairs[one, other] = value
    return correlated(pairs, list(rows))


def correlated(
    pairs: Mapping[tuple[str, str], float], order: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[Array, ...]]:
    """Connected groups of ``pairs`` (names in ``order``) and the Cholesky factor of each.

    Raises
    ------
    InputError
        A group's matrix is not positive definite.
    """
    linked: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = {one, other} | linked.get(one, set()) | linked.get(other, set())
        linked.update(dict.fromkeys(joined, joined))
    groups = [
        tuple(n for n in order if n in members) for members in {id(s): s for s in linked.values()}.values()
    ]
    factors: list[Array] = []
    for group in groups:
        matrix = np.eye(len(group))
        for (one, other), value in pairs.items():
            if one in group:
                i, j = group.index(one), group.index(other)
                matrix[i, j] = matrix[j, i] = value
        try:
            factors.append(np.asarray(np.linalg.cholesky(matrix), dtype=np.float64))
        except np.linalg.LinAlgError:
            raise InputError(
                "these correlations contradict each other (the matrix is not positive definite)",
                given=", ".join(group),
            ) from None
    return tuple(groups), tuple(factors)


def read_priors(scenario: str = "base", quantities: Mapping[str, Any] | None = None) -> Priors:
    """The priors of a scenario, with what a user wrote in their place.

    Raises
    ------
    InputError
        No such scenario or quantity; an impossible distribution.
    """
    rows = {**_catalog_rows(), **read_scenario_rows(scenario)}
    groups, factors = read_correlations(rows)
    return Priors(rows, groups, factors).with_user(quantities or {})
