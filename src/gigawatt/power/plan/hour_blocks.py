"""The normal equations of a programme of hours, eliminated hour by hour.

Nearly all rows of a capacity plan belong to one hour, and all its columns but a few: an hour's rows know its
own columns, the columns of the hour before (levels of stores, outputs that ramp, what waits) and the few
columns that border all hours (capacities). So the matrix of an interior point, ``AᵀWA``, has the same small
block in every hour, a chain from each hour to the next, and a narrow border. What is local to an hour is
eliminated for all hours at once, by arrays over hours; the chain is a narrow band, which LAPACK takes; what
remains are the bordering columns, a small dense matrix. Columns of which an hour knows but one (the demand
of its month) stand in one place of the hour's border, month after month. Sums over hours are not left to
BLAS, whose threads would decide their last digits. A row over all hours (a carbon limit) joins the border
with its dual, and so does the last hour of each cyclic block.

References
----------
Rao, Wright & Rawlings (1998), J. Optimization Theory and Applications 99: the band of a programme of stages.
Nocedal & Wright (2006), Numerical Optimization, section 16.6: normal equations of interior points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.border_months import packed
from gigawatt.power.plan.programme import Programme

__all__ = ["Factor", "HourBlocks", "OtherFormError", "SingularError"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Coefficient = Any  #: an array over hours, or one number for all of them

#: Added to the diagonal, absolute and relative: rows and columns that nothing holds keep a pivot.
_LEAST, _RELATIVE = 1e-9, 1e-15
#: Added to the diagonal of what is to stay where it is.
_HOLDING = 1e16
#: Wider borders and more last hours of blocks than these, and fewer hours, are left to other solvers.
_WIDEST, _MOST_ENDS = 40, 400
#: Most columns that border all blocks together (demand of each month), where a block meets few of them.
_MOST_BORDER = 160
_FEWEST_HOURS, _FEWEST_OF_BLOCK = 200, 3
#: Multiplications in one product below which OpenBLAS stays with one thread (262,144).
_BY_ONE_THREAD = 200_000


class OtherFormError(Exception):
    """These rows and columns are not those of hours, or too many or too few to gain by it."""


class SingularError(ArithmeticError):
    """The matrix lost its pivots to rounding."""


@dataclass
class HourBlocks:
    """Columns and rows of a part of a programme, by their hours.

    Slots are the columns as a row of an hour sees them: first those ``local`` to the hour, then what it
    ``carries`` to the next hour, then the same of the hour before, then ``wide`` rows and bordering columns.

    Parameters
    ----------
    A : (M, N) scipy csc_matrix
        The part: rows and columns of the programme that are in it, equalities first.
    equalities : int
        How many rows are equalities.
    hours : int
        H.
    before : (H,)
        The hour before each hour.
    blocks : sequence of int
        Hours of each cyclic block.
    columns, rows : (2, N), (2, M)
        Family (-1: of no hour) and hour of each column and row. A family of columns has one in each hour.
    apart : (N,)
        Bordering columns of which an hour knows few: those that no hour shares stand in one place.

    Raises
    ------
    OtherFormError
        The part has no such form, or is too wide to gain by it.
    """

    A: Any
    equalities: int
    hours: int
    before: Ints
    blocks: tuple[int, ...]
    columns: Ints
    rows: Ints
    apart: Mask
    local: list[int] = field(init=False)
    carries: list[int] = field(init=False)

    @classmethod
    def of(cls, p: Programme, columns: Mask, rows: Mask) -> HourBlocks | None:
        """The part of a programme that these columns and rows are; ``None`` where it has not this form."""
        of_columns = _families(p.hour_columns, p.hours, columns)
        of_rows = _families(p.hour_rows, p.hours, rows)
        equalities = int(np.sum(rows[: p.equalities]))
        apart = np.zeros(len(columns), dtype=bool)
        apart[len(p.plants) + len(p.energy) : p.sizes] = True
        part = p.A[:, columns][rows], equalities, p.hours, p.before, p.blocks
        try:
            return cls(*part, of_columns, of_rows, apart[columns])
        except OtherFormError:
            return None

    def __post_init__(self) -> None:
        if self.hours < _FEWEST_HOURS or min(self.blocks) < _FEWEST_OF_BLOCK:
            raise OtherFormError("too short")
        entries = self.A.tocoo()
        row, column, value = entries.row, entries.col, entries.data
        (family, hour), (row_family, row_hour) = self.columns, self.rows
        count, hours = self.A.shape[1], self.hours
        families = int(np.max(family, initial=-1)) + 1
        self.column_at = np.full((families, hours), -1)
        hourly = np.flatnonzero(family >= 0)
        self.column_at[family[hourly], hour[hourly]] = hourly
        if np.any(self.column_at < 0) or not families:
            raise OtherFormError("a family of columns lacks hours")
        self.border = np.flatnonzero(family < 0)
        place = np.full(count, -1)
        place[self.border] = np.arange(len(self.border))

        of_hour, by_hour = row_family[row] >= 0, family[column] >= 0
        lagged = of_hour & by_hour & (hour[column] != row_hour[row])
        if np.any(hour[column[lagged]] != self.before[row_hour[row[lagged]]]):
            raise OtherFormError("a row knows other hours than its own and the one before")
        self.carries = sorted(set(family[column[lagged]].tolist()))
        self.local = [f for f in range(families) if f not in self.carries]
        n, c = len(self.local), len(self.carries)
        slots = np.empty(families, dtype=np.int64)
        slots[self.local + self.carries] = np.arange(n + c)
        self.inner = n + 2 * c

        single = np.flatnonzero(row_family < 0)
        touches = np.zeros(self.A.shape[0], dtype=bool)
        touches[row[by_hour]] = True
        self.wide, self.narrow = single[touches[single]], single[~touches[single]]
        if np.any(self.wide < self.equalities) or np.any(np.flatnonzero(row_family >= 0) < self.equalities):
            raise OtherFormError("an equality knows hours")
        self.outer = len(self.wide) + len(self.border)
        of_border = of_hour & ~by_hour
        own, self.months = packed(
            self.apart[self.border], place[column[of_border]], row_hour[row[of_border]], hours, len(self.wide)
        )
        at = np.append(own, 0)  # what is no bordering column has place -1
        self.slots = self.outer if self.months is None else len(self.months.place)
        if self.inner + self.slots > _WIDEST or c * len(self.blocks) > _MOST_ENDS:
            raise OtherFormError("too wide")
        if self.outer > _MOST_BORDER:
            raise OtherFormError("too wide")
        self._take_terms(row, column, value, of_hour, by_hour, lagged, slots, place, at)

        starts = np.concatenate([[0], np.cumsum(self.blocks)])
        self.first, self.last = starts[:-1], starts[1:] - 1

    def _take_terms(
        self, row: Ints, column: Ints, value: Array, of_hour: Mask, by_hour: Mask, lagged: Mask,
        slots: Ints, place: Ints, at: Ints,
    ) -> None:  # fmt: skip
        """Coefficients as arrays over hours, and the few rows that are of no hour as dense ones."""
        (family, hour), (row_family, row_hour) = self.columns, self.rows
        n, c, wide = len(self.local), len(self.carries), len(self.wide)
        width = self.inner + self.slots
        slot = np.where(by_hour, slots[family[column]] + c * lagged, self.inner + wide + at[place[column]])
        key = row_family[row[of_hour]] * width + slot[of_hour]
        kinds = np.flatnonzero(np.bincount(key))
        index = np.zeros(int(np.max(key, initial=-1)) + 1, dtype=np.int64)
        index[kinds] = np.arange(len(kinds))
        arrays = np.zeros((len(kinds), self.hours))
        arrays[index[key], row_hour[row[of_hour]]] = value[of_hour]
        self.terms: dict[int, list[tuple[int, Coefficient]]] = {}
        for kind, over in zip(kinds.tolist(), arrays, strict=True):
            same = bool(np.all(over == over[0]))
            self.terms.setdefault(kind // width, []).append((kind % width, float(over[0]) if same else over))

        absent, rows = self.A.shape[0], np.flatnonzero(row_family >= 0)
        self.row_at = np.full((int(np.max(row_family, initial=-1)) + 1, self.hours), absent)
        self.row_at[row_family[rows], row_hour[rows]] = rows
        self.runs = {  # where the rows of a family are all there and in order, a slice finds them
            f: slice(int(at[0]), int(at[-1]) + 1)
            for f, at in enumerate(self.row_at)
            if at[-1] < absent and at[-1] - at[0] == self.hours - 1 and bool(np.all(np.diff(at) == 1))
        }

        which = np.full(absent, -1)
        which[self.wide] = np.arange(wide)
        self.over_hours: dict[tuple[int, int], Array] = {}
        of_wide = which[row] >= 0
        for g in range(wide):
            for f in range(n + c):
                chosen = (which[row] == g) & (family[column] == f)
                if np.any(chosen):
                    over = self.over_hours[int(slots[f]), g] = np.zeros(self.hours)
                    over[hour[column[chosen]]] = value[chosen]
        self.wide_border = np.zeros((wide, len(self.border)))
        chosen = of_wide & ~by_hour
        self.wide_border[which[row[chosen]], place[column[chosen]]] = value[chosen]
        which[self.wide] = -1
        which[self.narrow] = np.arange(len(self.narrow))
        chosen = which[row] >= 0
        self.narrow_border = np.zeros((len(self.narrow), len(self.border)))
        self.narrow_border[which[row[chosen]], place[column[chosen]]] = value[chosen]
        self.is_equality = self.narrow < self.equalities

    def factor(self, weights: Array, *, held: bool = False) -> Factor:
        """``[[AᵀWA, Eᵀ], [E, 0]]`` over the inequality rows ``A`` and the equality rows ``E``, eliminated.

        Parameters
        ----------
        weights : (M,)
            Diagonal of W, positive; not read for equalities.
        held : bool
            Bordering columns may not move.

        Raises
        ------
        SingularError
            Rounding took a pivot.
        """
        return Factor(self, weights, _HOLDING if held else _LEAST)


def _families(starts: tuple[int, ...], hours: int, mask: Mask) -> Ints:
    """Family and hour of what is left of columns, or rows, by ``mask``."""
    found = np.full((2, len(mask)), -1)
    count = 0
    for start in sorted(starts):
        if np.any(mask[start : start + hours]):
            found[0, start : start + hours] = count
            found[1, start : start + hours] = np.arange(hours)
            count += 1
    return found[:, mask]


def _products(one: Array, other: Array) -> Array:
    """``one @ other.T`` over hours, in pieces for which BLAS does not start threads."""
    found = np.zeros((len(one), len(other)))
    piece = max(_BY_ONE_THREAD // max(found.size, 1), 64)
    for start in range(0, one.shape[1], piece):
        found += one[:, start : start + piece] @ other[:, start : start + piece].T
    return found


class Factor:
    """The eliminated matrix of one step, and the solutions with it; made by :meth:`HourBlocks.factor`."""

    def __init__(self, blocks: HourBlocks, weights: Array, least: float) -> None:
        self.blocks = blocks
        self._block: dict[tuple[int, int], Array] = {}
        self._edge: list[Array] = [np.zeros((blocks.slots, blocks.hours)) for _ in range(blocks.inner)]
        self._corner = np.zeros((blocks.outer, blocks.outer))
        self._assemble(weights, least)
        self._steps: list[tuple[Array, dict[int, Array], Array]] = []
        for j in range(len(blocks.local)):
            self._eliminate(j)
        self._couple()
        del self._block, self._edge

    def _assemble(self, weights: Array, at_border: float) -> None:
        b, block, edge, corner = self.blocks, self._block, self._edge, self._corner
        padded = np.append(weights, 0.0)
        for family, terms in b.terms.items():
            run = b.runs.get(family)
            w = weights[run] if run is not None else padded[b.row_at[family]]
            for k, (i, one) in enumerate(terms):
                weighed: Array = w * one
                for j, other in terms[k:]:
                    if i >= b.inner and b.months is not None:
                        self._at_border(i - b.inner, j - b.inner, weighed * other)
                    elif i >= b.inner:
                        value = float(np.sum(weighed * other))
                        corner[i - b.inner, j - b.inner] += value
                        if i != j:
                            corner[j - b.inner, i - b.inner] += value
                    elif j >= b.inner:
                        edge[i][j - b.inner] += weighed * other
                    elif (i, j) in block:
                        block[i, j] += weighed * other
                    else:
                        block[i, j] = weighed * other
        for (i, g), over in b.over_hours.items():
            edge[i][g] += over
        wide, narrow = len(b.wide), b.narrow_border[~b.is_equality]
        corner[:wide, wide:] += b.wide_border
        corner[wide:, :wide] += b.wide_border.T
        corner[wide:, wide:] += narrow.T @ (weights[b.narrow[~b.is_equality]][:, None] * narrow)
        at = np.arange(b.outer)
        corner[at, at] += np.concatenate([-1.0 / weights[b.wide], np.full(len(b.border), at_border)])
        none = np.zeros(b.hours)
        for i in range(b.inner):
            least = _LEAST if i < len(b.local) + len(b.carries) else 0.0
            block[i, i] = block.get((i, i), none) * (1.0 + _RELATIVE) + least

    def _eliminate(self, j: int) -> None:
        """Take the column of slot ``j`` out of all hours."""
        b, block, edge = self.blocks, self._block, self._edge
        inverse = 1.0 / block[j, j]
        near = [i for i in range(j + 1, b.inner) if (j, i) in block]
        share = {i: block[j, i] * inverse for i in near}
        for k, i in enumerate(near):
            for other in near[k:]:
                taken = share[i] * block[j, other]
                if (i, other) in block:
                    block[i, other] -= taken
                else:
                    block[i, other] = -taken
            edge[i] -= share[i] * edge[j]
        at_edge = edge[j] * inverse
        if b.months is None:
            self._corner -= _products(at_edge, edge[j])
        else:
            b.months.add_products(self._corner, at_edge, edge[j], -1.0)
        self._steps.append((inverse, share, at_edge))

    def _at_border(self, i: int, j: int, over: Array) -> None:
        """Add what an hour's rows give to places ``i`` and ``j`` of the border, by the hour."""
        months = self.blocks.months
        assert months is not None
        sums = np.add.reduceat(over, months.starts)
        np.add.at(self._corner, (months.place[i], months.place[j]), sums)
        if i != j:
            np.add.at(self._corner, (months.place[j], months.place[i]), sums)

    def _edge_of(self, i: int) -> Array:
        """(outer, H) edge of slot ``i``."""
        months = self.blocks.months
        return self._edge[i] if months is None else months.whole(self._edge[i], self.blocks.outer)

    def _couple(self) -> None:
        """The chain from hour to hour, and what it leaves of the border."""
        self._lapack: Any = import_module("scipy.linalg.lapack")
        b = self.blocks
        c, outer = len(b.carries), b.outer
        size = outer + c * len(b.blocks)
        corner = np.zeros((size, size))
        corner[:outer, :outer] = self._corner
        if c:
            self._chain(corner)
        equal = b.narrow_border[b.is_equality]
        whole = np.zeros((size + len(equal),) * 2)
        whole[:size, :size] = corner
        whole[size:, len(b.wide) : outer] = equal
        whole[len(b.wide) : outer, size:] = equal.T
        if not np.all(np.isfinite(whole)):
            raise SingularError
        self._dense: Any = self._lapack.dgetrf(whole)[:2] if len(whole) else None

    def _chain(self, corner: Array) -> None:
        """Factorise the chain without the last hours of blocks, which join the ``corner``.

        A last hour knows but the first hour of its block and the one before it; so the columns of all of them
        are one, of which each block has its part.
        """
        b, block = self.blocks, self._block
        c, hours, outer, before = len(b.carries), b.hours, b.outer, b.before
        now = len(b.local)
        own, link = np.zeros((c, c, hours)), np.zeros((c, c, hours))
        edge = np.zeros((c, outer + c, hours))
        for i in range(c):
            for k in range(i, c):
                for first, at in ((now, slice(None)), (now + c, before)):
                    if (first + i, first + k) in block:
                        own[i, k][at] += block[first + i, first + k]
                own[k, i] = own[i, k]
            for k in range(c):
                if (now + i, now + c + k) in block:
                    link[i, k] = block[now + i, now + c + k]
            edge[i, :outer] = self._edge_of(now + i)
            edge[i, :outer, before] += self._edge_of(now + c + i).T
        for q, (first, last) in enumerate(zip(b.first, b.last, strict=True)):
            at = slice(outer + q * c, outer + (q + 1) * c)
            corner[at, at] += own[:, :, last]
            corner[at, :outer] += edge[:, :outer, last]
            corner[:outer, at] += edge[:, :outer, last].T
            edge[:, outer:, first] += link[:, :, first]
            edge[:, outer:, last - 1] += link[:, :, last].T
            edge[:, :, last] = 0.0
            own[:, :, last] = np.eye(c)
            link[:, :, last] = link[:, :, first] = 0.0
        if c == 1:
            *self._band, failed = self._lapack.dpttrf(own[0, 0], link[0, 0, 1:])
        else:
            band = np.zeros((2 * c, c * hours))
            for i in range(c):
                for k in range(c):
                    if k <= i:
                        band[i - k, k::c] = own[i, k]
                    band[c + i - k, k : c * (hours - 1) : c] = link[i, k, 1:]
            *self._band, failed = self._lapack.dpbtrf(band, lower=1)
        if failed:
            raise SingularError
        reach = self._along(edge.transpose(2, 0, 1).reshape(hours * c, outer + c))
        reach = np.ascontiguousarray(reach.reshape(hours, c, outer + c).transpose(1, 2, 0))
        self._reach, self._ends = reach[:, :outer], reach[:, outer:]
        for k in range(c):
            corner[:outer, :outer] -= _products(edge[k, :outer], self._reach[k])
        self._links = [(at, edge[:, outer:, at]) for at in (b.first, b.last - 1)]
        for at, links in self._links:
            taken = np.einsum("ikq,ijq->qkj", links, reach[:, :, at])
            for q, part in enumerate(taken):
                mine = slice(outer + q * c, outer + (q + 1) * c)
                corner[mine, :outer] -= part[:, :outer]
                corner[:outer, mine] -= part[:, :outer].T
                corner[mine, mine] -= part[:, outer:]

    def _along(self, right: Array) -> Array:
        """Solve the chain."""
        if len(self._band) > 1:
            return self._lapack.dpttrs(*self._band, right)[0]
        return self._lapack.dpbtrs(*self._band, right, lower=1)[0]

    def solve(self, right: Array, equal: Array) -> tuple[Array, Array]:
        """``x`` and the duals of equalities for right sides of the columns and of the equality rows.

        Parameters
        ----------
        right : (N,)
            Of the columns.
        equal : (E,)
            Of the equality rows.

        Returns
        -------
        x : (N,)
        duals : (E,)
        """
        b = self.blocks
        n, c, outer, before = len(b.local), len(b.carries), b.outer, b.before
        size = outer + c * len(b.blocks)
        here: list[Any] = [right[at] for at in b.column_at[b.local + b.carries]] + [0.0] * c
        rest = np.zeros(size + len(equal))
        rest[len(b.wide) : outer] = right[b.border]
        rest[size:] = equal
        for j, (_, share, at_edge) in enumerate(self._steps):
            for i, part in share.items():
                here[i] = here[i] - part * here[j]
            if b.months is None:
                rest[:outer] -= np.einsum("ih,h->i", at_edge, here[j])
            else:
                b.months.add_sums(rest, at_edge * here[j])
        carried = np.empty((c, b.hours))
        for k in range(c):
            carried[k] = here[n + k]
            carried[k, before] += here[n + c + k]
        if c:
            ends = carried[:, b.last].copy()
            carried[:, b.last] = 0.0
            for k in range(c):
                rest[:outer] -= np.einsum("ih,h->i", self._reach[k], carried[k])
            carried = self._along(carried.T.reshape(-1)).reshape(b.hours, c).T
            for at, links in self._links:
                ends -= np.einsum("ikq,iq->kq", links, carried[:, at])
            rest[outer:size] = ends.T.reshape(-1)
        if self._dense is not None:
            rest = self._lapack.dgetrs(*self._dense, rest)[0]
        x = np.empty(b.A.shape[1])
        x[b.border] = rest[len(b.wide) : outer]
        if c:
            ends = rest[outer:size].reshape(-1, c).T
            carried = carried - np.einsum("cih,i->ch", self._reach, rest[:outer])
            for k in range(c):
                carried -= self._ends[:, k] * np.repeat(ends[k], b.blocks)
            carried[:, b.last] = ends
        for k, f in enumerate(b.carries):
            here[n + k], here[n + c + k] = carried[k], carried[k, before]
            x[b.column_at[f]] = carried[k]
        spread = None if b.months is None else b.months.spread(rest)
        for j in reversed(range(n)):
            inverse, share, at_edge = self._steps[j]
            edge = (
                np.einsum("i,ih->h", rest[:outer], at_edge)
                if spread is None
                else np.einsum("ih,ih->h", spread, at_edge)
            )
            value = here[j] * inverse - edge
            for i, part in share.items():
                value -= part * here[i]
            here[j] = x[b.column_at[b.local[j]]] = value
        return x, rest[size:]
